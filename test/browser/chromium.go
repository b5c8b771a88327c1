package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// ErrNone says that this machine has no Chromium, and how it gets one.
var ErrNone = errors.New("there is no Chromium here: install it (Debian: apt-get install chromium; others: Chrome, or any browser of that kind), or set PAYLINK_BROWSER to its path")

// names are what Chromium is called on the various systems, ours first.
var names = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell", "microsoft-edge",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// Find returns the path of a Chromium: that of PAYLINK_BROWSER, or the first
// that PATH has. The error is ErrNone where it has none.
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
