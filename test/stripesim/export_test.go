package stripesim

import "time"

// Routes returns the patterns of the API, for the tests that call each.
func (s *Simulator) Routes() []string {
	var patterns []string
	for pattern := range s.api.routes() {
		patterns = append(patterns, pattern)
	}
	return patterns
}

// Money exports money.
var Money = money

// Wait returns how long a back-off waits after so many failures.
func Wait(b Backoff, failures int) time.Duration { return b.wait(failures) }
