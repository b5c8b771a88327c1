package checkout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// What a server with an API key asks Stripe, in all and for one address, and what one address may ask of it.
const (
	callsInAll, callsInAllASecond = 20, 5
	callsForOne, callsForOneAMin  = 6, 12
	looksOfOne, looksOfOneAMin    = 60, 60
	// Answers are remembered: what does not exist for longer than what does.
	answerSeconds, noSuchSeconds = 4, 60
)

func TestAFloodOfLooksSparesStripe(t *testing.T) {
	madeUp := func(*shop) func(int) string {
		return func(i int) string { return fmt.Sprintf("cs_test_a1MadeUp%d", i) }
	}
	for _, c := range []struct {
		looks string
		times int
		// one says that all come from one address.
		one bool
		// of returns the sessions that are asked for.
		of func(s *shop) func(i int) string
		// calls is how often Stripe may be asked meanwhile, beside the call that is just being made.
		calls func(took time.Duration) float64
		// answer is what most are answered.
		answer int
	}{
		{
			looks: "at many sessions from one address", times: 5000, one: true, of: madeUp, answer: 429,
			calls: func(took time.Duration) float64 { return callsForOne + took.Minutes()*callsForOneAMin },
		},
		{
			looks: "at many sessions from many addresses", times: 5000, of: madeUp, answer: 200,
			calls: func(took time.Duration) float64 { return callsInAll + took.Seconds()*callsInAllASecond },
		},
		{
			looks: "at one payment from many addresses", times: 1000, answer: 200,
			of: func(s *shop) func(int) string {
				paid := s.paidUnheard(s.hire("backend", "create"))
				return func(int) string { return paid.ID }
			},
			calls: func(took time.Duration) float64 { return 1 + took.Seconds()/answerSeconds },
		},
		{
			looks: "at one session that is none from many addresses", times: 1000, answer: 404,
			of:    func(*shop) func(int) string { return func(int) string { return "cs_test_a1MadeUp" } },
			calls: func(took time.Duration) float64 { return 1 + took.Seconds()/noSuchSeconds },
		},
		{
			looks: "at what cannot be a session", times: 1000, answer: 400,
			of:    func(*shop) func(int) string { return func(i int) string { return fmt.Sprintf("cs_test_%d!", i) } },
			calls: func(time.Duration) float64 { return -1 },
		},
		{
			looks: "at live sessions with a test key", times: 1000, answer: 200,
			of:    func(*shop) func(int) string { return func(i int) string { return fmt.Sprintf("cs_live_a1%d", i) } },
			calls: func(time.Duration) float64 { return -1 },
		},
	} {
		t.Run(c.looks, func(t *testing.T) {
			s := openShop(t)
			asking := s.askingStripe("flooded")
			s.Deliver(stripesim.Plan{Hold: true})
			session, from := c.of(s), ""
			if c.one {
				from = newAddress()
			}
			before, calls := s.count(), s.calls(nil)
			statuses, took := s.crowd(c.times, 64, func(i int) call {
				look := look(asking, session(i))
				look.from = from
				return look
			})
			s.compare(before, s.count(), 0)
			if n, most := float64(calls.Load()), c.calls(took)+1; n > most || (n == 0 && most > 0) {
				t.Errorf("Stripe was asked %v times, want at most %v", n, most)
			}
			if most := looksOfOne + 1 + took.Minutes()*looksOfOneAMin; c.one && float64(c.times-statuses[429]) > most {
				t.Errorf("one address was answered %d times, want at most %v", c.times-statuses[429], most)
			}
			if statuses[c.answer] < c.times*9/10 || statuses[200]+statuses[400]+statuses[404]+statuses[429] != c.times {
				t.Errorf("%d looks were answered %v, with %d calls to Stripe", c.times, statuses, calls.Load())
			}
		})
	}
}
