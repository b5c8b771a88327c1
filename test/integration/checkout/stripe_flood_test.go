package checkout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// The default limits of a server with an API key: calls to Stripe in all and for one address, and requests of one address.
const (
	callsInAll, callsInAllASecond    = 20, 5
	callsForOne, callsForOneAMin     = 6, 12
	requestsOfOne, requestsOfOneAMin = 60, 60
	// Answers are cached, and those of unknown sessions for longer.
	answerSeconds, noSuchSeconds = 4, 60
)

func TestFloodSparesStripe(t *testing.T) {
	madeUp := func(*fixture) func(int) string {
		return func(i int) string { return fmt.Sprintf("cs_test_a1MadeUp%d", i) }
	}
	for _, c := range []struct {
		name  string
		times int
		// one has all requests come from one address.
		one bool
		// of returns the sessions of the requests.
		of func(s *fixture) func(i int) string
		// calls is the limit of calls to Stripe in a time, beside one under way.
		calls func(took time.Duration) float64
		// answer is the status of most answers.
		answer int
	}{
		{
			name: "at many sessions from one address", times: 5000, one: true, of: madeUp, answer: 429,
			calls: func(took time.Duration) float64 { return callsForOne + took.Minutes()*callsForOneAMin },
		},
		{
			name: "at many sessions from many addresses", times: 5000, of: madeUp, answer: 200,
			calls: func(took time.Duration) float64 { return callsInAll + took.Seconds()*callsInAllASecond },
		},
		{
			name: "at one payment from many addresses", times: 1000, answer: 200,
			of: func(s *fixture) func(int) string {
				paid := s.payBeforeWebhook(s.newBackend("backend", "create"))
				return func(int) string { return paid.ID }
			},
			calls: func(took time.Duration) float64 { return 1 + took.Seconds()/answerSeconds },
		},
		{
			name: "at one session that is none from many addresses", times: 1000, answer: 404,
			of:    func(*fixture) func(int) string { return func(int) string { return "cs_test_a1MadeUp" } },
			calls: func(took time.Duration) float64 { return 1 + took.Seconds()/noSuchSeconds },
		},
		{
			name: "at what cannot be a session", times: 1000, answer: 400,
			of:    func(*fixture) func(int) string { return func(i int) string { return fmt.Sprintf("cs_test_%d!", i) } },
			calls: func(time.Duration) float64 { return -1 },
		},
		{
			name: "at live sessions with a test key", times: 1000, answer: 200,
			of:    func(*fixture) func(int) string { return func(i int) string { return fmt.Sprintf("cs_live_a1%d", i) } },
			calls: func(time.Duration) float64 { return -1 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFixture(t)
			keyed := s.addKeyedServer("flooded")
			s.PlanDelivery(stripesim.Plan{Hold: true})
			session, from := c.of(s), ""
			if c.one {
				from = newAddress()
			}
			before, calls := s.record(), s.calls(nil)
			statuses, took := s.sendMany(c.times, 64, func(i int) call {
				request := captureCall(keyed, session(i))
				request.from = from
				return request
			})
			s.expectBetween(before, s.record(), 0)
			if n, most := float64(calls.Load()), c.calls(took)+1; n > most || (n == 0 && most > 0) {
				t.Errorf("got %v calls to Stripe, want at most %v", n, most)
			}
			if most := requestsOfOne + 1 + took.Minutes()*requestsOfOneAMin; c.one && float64(c.times-statuses[429]) > most {
				t.Errorf("got %d answers to one address, want at most %v", c.times-statuses[429], most)
			}
			if statuses[c.answer] < c.times*9/10 || statuses[200]+statuses[400]+statuses[404]+statuses[429] != c.times {
				t.Errorf("got the statuses %v of %d requests, with %d calls to Stripe, want mostly %d", statuses, c.times, calls.Load(), c.answer)
			}
		})
	}
}
