package sale_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

const sessionCompleted = "checkout.session.completed"

// TestMarkedSeenBeforeApplied: a server fails between receiving an event and recording it. The first attempt does not stop
// the next one.
func TestMarkedSeenBeforeApplied(t *testing.T) {
	t.Run("the API server is away", func(t *testing.T) {
		s := newClient(t)
		o := s.CreateReady("away")
		s.Must(paylink.Cluster.KillAPIServer())
		restore := restoreOnce(t, paylink.Cluster.StartAPIServer)
		session := s.Pay(o.Status.CheckoutURL)
		s.Eventually("the webhook server has answered 503", func(context.Context) (bool, error) {
			made := attempts(s, eventOf(s, session.ID, sessionCompleted))
			return slices.ContainsFunc(made, func(a stripesim.Attempt) bool { return a.Status == 503 }), fmt.Errorf("the attempts are %+v", made)
		})
		restore()
		expectApplied(s, o, session)
	})
	t.Run("the server is killed in the middle", func(t *testing.T) {
		s := newClient(t)
		o := s.CreateReady("killed")
		// The API server accepts the webhook server's write, and does not answer.
		s.Must(paylink.Cluster.PauseAPIServer())
		restore := restoreOnce(t, paylink.Cluster.ResumeAPIServer)
		session := s.Pay(o.Status.CheckoutURL)
		s.Eventually("the webhook server handles the event", func(ctx context.Context) (bool, error) {
			text, err := paylink.Webhook.Scrape(ctx)
			return strings.Contains(text, "\npaylink_webhook_in_flight 1\n"), err
		})
		s.Must(paylink.Webhook.Kill())
		start := restoreOnce(t, func() error { return paylink.Webhook.Start(context.WithoutCancel(s.Ctx)) })
		if made := attempts(s, eventOf(s, session.ID, sessionCompleted)); slices.ContainsFunc(made, stripesim.Attempt.Delivered) {
			t.Errorf("got the attempts %+v, want none acknowledged before the write", made)
		}
		restore()
		start()
		expectApplied(s, o, session)
	})
}

// restoreOnce returns a function that calls start once: from the test, or else at its end.
func restoreOnce(t *testing.T, start func() error) func() {
	t.Helper()
	restore := sync.OnceFunc(func() {
		check.NoError(t, start())
	})
	t.Cleanup(restore)
	return restore
}

// expectApplied fails the test unless a redelivery of the event has paid the order.
func expectApplied(s *testclient.Client, o *v1alpha1.Order, session stripesim.Session) {
	s.T.Helper()
	s.AwaitDelivered()
	made := attempts(s, eventOf(s, session.ID, sessionCompleted))
	if len(made) < 2 || made[0].Delivered() || !made[len(made)-1].Delivered() {
		s.T.Errorf("got the attempts %+v, want a failed one and then an accepted one", made)
	}
	now := s.Await(o, "readable", func(*v1alpha1.Order) bool { return true }) // the API server may have come back just now
	if now.Status.Phase != v1alpha1.OrderPaid || now.Status.ProviderOrderID != session.ID {
		s.T.Errorf("got %+v after the event was acknowledged, want Paid", now.Status)
	}
}
