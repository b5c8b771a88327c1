package browser

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed speed.js
var speedScript string

// SpeedUp makes the clock of every page from the next one so many times faster: setTimeout,
// setInterval, Date.now and performance.now. Requests take as long as before.
func (tab *Tab) SpeedUp(speed int) {
	tab.t.Helper()
	tab.RunBefore(strings.Replace(speedScript, "SPEED", strconv.Itoa(speed), 1))
}
