//go:build !race

package buyer_test

// raceEnabled builds the servers with the race detector where the tests are.
const raceEnabled = false
