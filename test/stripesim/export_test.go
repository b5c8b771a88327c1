package stripesim

import "time"

// Routes are the patterns of the API, for the tests that must touch each.
func (s *Simulator) Routes() []string {
	var patterns []string
	for pattern := range s.api.routes() {
		patterns = append(patterns, pattern)
	}
	return patterns
}

// Money shows an amount to a person.
var Money = money

// Wait is how long a back-off waits after so many failures.
func Wait(b Backoff, failures int) time.Duration { return b.wait(failures) }
