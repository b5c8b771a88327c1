package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// ErrNone is the error of a machine without Chromium.
var ErrNone = errors.New("there is no Chromium here: install it (Debian: apt-get install chromium; others: Chrome, or any browser of that kind), or set PAYLINK_BROWSER to its path")

// names are the names of Chromium on several systems.
var names = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell", "microsoft-edge",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// Find returns the path of a Chromium: that of PAYLINK_BROWSER, or the first in
// PATH, or ErrNone.
func Find() (string, error) {
	if named := os.Getenv("PAYLINK_BROWSER"); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("PAYLINK_BROWSER names no program: %w", err)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}
