package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"

	"github.com/paylink-dev/paylink/test/cluster"
)

// screenshotDir is the folder of the screenshots.
func screenshotDir(ctx context.Context) (string, error) {
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

// Screenshot writes a screenshot of the whole page to NAME-VIEW.png in
// bin/screenshots of the checkout, or in the folder that PAYLINK_SCREENSHOTS names.
func (tab *Tab) Screenshot(name string) {
	tab.t.Helper()
	if _, err := tab.capture(name); err != nil {
		tab.t.Errorf("take a screenshot of %s: %v", name, err)
	}
}

// capture takes a screenshot and returns its path.
func (tab *Tab) capture(name string) (string, error) {
	ctx, cancel := context.WithTimeout(tab.ctx, timeout)
	defer cancel()
	dir, err := screenshotDir(ctx)
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
