package payment_test

import (
	"testing"
)

// FuzzSettlement reads bytes as the choices that make up a history. Whatever they are, every arrival of it must end
// in one status, the oracle's, and never take the order back from Paid or Refunded.
func FuzzSettlement(f *testing.F) {
	for n := range 64 {
		var choices []byte
		r := seeded(n)
		history(func(n int) int {
			c := r.IntN(n)
			choices = append(choices, byte(c))
			return c
		}, 8, 24)
		f.Add(choices)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, choices []byte) {
		left := choices
		terms, events := history(func(n int) int {
			if len(left) == 0 {
				return 0
			}
			c := int(left[0]) % n
			left = left[1:]
			return c
		}, 8, 24)
		lawful(t, seeded(len(choices)), terms, events)
	})
}
