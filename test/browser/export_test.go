package browser

import "time"

// SetPatience shortens how long a tab waits, for tests of what it says in the end.
func (tab *Tab) SetPatience(d time.Duration) { tab.patience = d }
