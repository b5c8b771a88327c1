package faults_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stack"
)

// killWebhookServer kills the webhook server once it serves. It is started again while buyers pay.
func killWebhookServer(s *sale) {
	s.T.Helper()
	s.running(s.Stack.Webhook)
	s.Must(s.Stack.Webhook.Kill())
}

// stopWebhookServer is killWebhookServer by SIGTERM, after which the exit code must be 0.
func stopWebhookServer(s *sale) {
	s.T.Helper()
	s.running(s.Stack.Webhook)
	s.Must(s.Stack.Webhook.Stop())
}

// outage lasts from the first quarter of the buyers to the half, and until a webhook has failed, and at least so long.
func outage(lasting time.Duration, begin, end func() error) []strike {
	var failures int
	var over <-chan time.Time
	ended := false
	finish := func(s *sale) {
		s.T.Helper()
		ended = true
		s.Must(end())
	}
	return []strike{
		{0.25, func(s *sale) {
			s.T.Helper()
			failures, over = s.failures(), time.After(lasting)
			s.Must(begin())
			s.T.Cleanup(func() { // the test has failed meanwhile
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

// killLeader kills the leader, once there is one.
func killLeader(s *sale) {
	s.T.Helper()
	s.until("a controller leads", func(ctx context.Context) error {
		for _, c := range s.controllers {
			if metrics, err := c.Scrape(ctx); err == nil && scrape.Samples(s.T, metrics)[leads] == 1 {
				return c.Kill()
			}
		}
		return errors.New("no controller leads")
	})
}

// leads is the sample of a controller that is 1 while it is the leader.
const leads = `leader_election_master_status{name="controller.payments.paylink.dev"}`

// running waits until servers are ready.
func (s *sale) running(servers ...*stack.Server) {
	s.T.Helper()
	for _, server := range servers {
		s.until("the servers are ready", func(ctx context.Context) error {
			if !server.Ready(ctx) {
				return fmt.Errorf("one is not ready; its log is %s", server.Log)
			}
			return nil
		})
	}
}

// failures counts the webhooks that were not accepted.
func (s *sale) failures() (n int) {
	for _, a := range s.Stripe.Attempts() {
		if !a.Delivered() {
			n++
		}
	}
	return n
}
