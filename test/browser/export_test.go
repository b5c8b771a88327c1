package browser

import "time"

// SetTimeout shortens how long a tab waits, for tests of what it says in the end.
func (tab *Tab) SetTimeout(d time.Duration) { tab.timeout = d }
