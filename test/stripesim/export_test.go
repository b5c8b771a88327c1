package stripesim

// Routes returns the patterns of the API, for the tests that call each.
func (s *Simulator) Routes() []string {
	var patterns []string
	for pattern := range s.api.routes() {
		patterns = append(patterns, pattern)
	}
	return patterns
}
