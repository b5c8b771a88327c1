package stripesim

import (
	"net/http"
	"time"
)

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

// Handler answers without a network between.
func (s *Simulator) Handler() http.Handler { return s.server.Handler }

// Made counts all that requests have made so far.
func (s *Simulator) Made() int {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	a := s.account
	return len(a.products.order) + len(a.prices.order) + len(a.links.order) + len(a.events.order)
}
