package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"

	"github.com/paylink-dev/paylink/test/cluster"
)

// pictures is the folder that screenshots go to, for people to look at.
func pictures(ctx context.Context) (string, error) {
	dir := os.Getenv("PAYLINK_SCREENSHOTS")
	if dir == "" {
		repository, err := cluster.Repository(ctx)
		if err != nil {
			return "", err
		}
		dir = filepath.Join(repository, "bin", "screenshots")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for screenshots: %w", err)
	}
	return dir, nil
}

// Screenshot writes a picture of the whole page, as long as it is, to NAME-VIEW.png
// in bin/screenshots of the checkout, or in the folder that PAYLINK_SCREENSHOTS
// names. An older one is overwritten.
func (tab *Tab) Screenshot(name string) {
	tab.t.Helper()
	if _, err := tab.capture(name); err != nil {
		tab.t.Errorf("take a picture of %s: %v", name, err)
	}
}

// capture takes the picture and returns its path.
func (tab *Tab) capture(name string) (string, error) {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	dir, err := pictures(ctx)
	if err != nil {
		return "", err
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+"-"+tab.view.String()+".png")
	return path, os.WriteFile(path, picture, 0o644)
}
