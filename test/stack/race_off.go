//go:build !race

package stack

// race builds the servers with the race detector where the tests are.
const race = false
