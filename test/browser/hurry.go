package browser

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed hurry.js
var hurryScript string

// Hurry makes time pass so many times faster in every page from the next on:
// for setTimeout, setInterval, Date.now and performance.now. It is for pages
// that wait for minutes; what they fetch takes as long as ever.
func (tab *Tab) Hurry(speed int) {
	tab.t.Helper()
	tab.Before(strings.Replace(hurryScript, "SPEED", strconv.Itoa(speed), 1))
}
