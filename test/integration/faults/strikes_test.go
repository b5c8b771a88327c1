package faults_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stack"
)

// must makes a strike of what can fail.
func must(do func() error) func(*sale) {
	return func(s *sale) {
		s.T.Helper()
		if err := do(); err != nil {
			s.T.Fatal(err)
		}
	}
}

// killWebhookServer kills it once it serves. It is started again, as everything here is, while the buyers go on.
func killWebhookServer(s *sale) {
	s.T.Helper()
	s.running(s.Paylink.Webhook)
	must(s.Paylink.Webhook.Kill)(s)
}

// outage begins with the second quarter of the buyers and ends with it, but not before it was felt, nor before it lasted so
// long.
func outage(lasting time.Duration, begin, end func() error) []strike {
	var failures int
	var over <-chan time.Time
	ended := false
	finish := func(s *sale) {
		s.T.Helper()
		ended = true
		must(end)(s)
	}
	return []strike{
		{0.25, func(s *sale) {
			s.T.Helper()
			failures, over = s.failures(), time.After(lasting)
			must(begin)(s)
			s.T.Cleanup(func() { // of a test that failed meanwhile
				if !ended {
					finish(s)
				}
			})
		}},
		{0.5, func(s *sale) {
			s.T.Helper()
			s.until("a webhook fails", func(context.Context) error {
				if s.failures() == failures {
					return errors.New("none has failed yet")
				}
				return nil
			})
			<-over
			finish(s)
		}},
	}
}

// killLeader kills the controller that leads, once there is one again.
func killLeader(s *sale) {
	s.T.Helper()
	s.until("a controller leads", func(ctx context.Context) error {
		for _, c := range s.controllers {
			if metrics, err := c.Scrape(ctx); err == nil && scrape.Samples(s.T, metrics)[leads] == 1 {
				return c.Kill()
			}
		}
		return errors.New("none does")
	})
}

// leads is the sample of a controller that is 1 while it is the leader.
const leads = `leader_election_master_status{name="controller.payments.paylink.dev"}`

// running waits until servers are ready, again or still.
func (s *sale) running(servers ...*stack.Server) {
	s.T.Helper()
	for _, server := range servers {
		s.until("the servers are ready", func(ctx context.Context) error {
			if !server.Ready(ctx) {
				return fmt.Errorf("one is not; its log is %s", server.Log)
			}
			return nil
		})
	}
}

// failures counts the webhooks that were not accepted so far.
func (s *sale) failures() (n int) {
	for _, a := range s.Stripe.Attempts() {
		if !a.Delivered() {
			n++
		}
	}
	return n
}
