package stories_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const sessionCompleted = "checkout.session.completed"

// TestMarkedSeenBeforeApplied: between the moment in which an event is noticed and the one in which it is kept,
// anything may break. Nothing of the first try may stop the next.
func TestMarkedSeenBeforeApplied(t *testing.T) {
	t.Run("the API server is away", func(t *testing.T) {
		s := openShop(t, paylink.Stripe)
		o := s.Sell("away")
		if err := paylink.Cluster.KillAPIServer(); err != nil {
			t.Fatal(err)
		}
		back := onceMore(t, paylink.Cluster.StartAPIServer)
		session := s.Pay(o.Status.CheckoutURL)
		s.Eventually("the webhook server has taken the event, and could not keep it", func(context.Context) (bool, error) {
			made := attempts(s, event(s, session.ID, sessionCompleted))
			return slices.ContainsFunc(made, func(a stripesim.Attempt) bool { return a.Status == 503 }), fmt.Errorf("the attempts are %+v", made)
		})
		back()
		applied(s, o, session)
	})
	t.Run("the server is killed in the middle", func(t *testing.T) {
		s := openShop(t, paylink.Stripe)
		o := s.Sell("killed")
		// The API server takes what the webhook server wants to write, and does not answer.
		if err := paylink.Cluster.PauseAPIServer(); err != nil {
			t.Fatal(err)
		}
		back := onceMore(t, paylink.Cluster.ResumeAPIServer)
		session := s.Pay(o.Status.CheckoutURL)
		s.Eventually("the webhook server is in the middle of the event", func(ctx context.Context) (bool, error) {
			text, err := paylink.Webhook.Scrape(ctx)
			return strings.Contains(text, "\npaylink_webhook_in_flight 1\n"), err
		})
		if err := paylink.Webhook.Kill(); err != nil {
			t.Fatal(err)
		}
		start := onceMore(t, func() error { return paylink.Webhook.Start(context.WithoutCancel(s.Ctx)) })
		if made := attempts(s, event(s, session.ID, sessionCompleted)); slices.ContainsFunc(made, stripesim.Attempt.Delivered) {
			t.Errorf("it was acknowledged before it was kept: %+v", made)
		}
		back()
		start()
		applied(s, o, session)
	})
}

// onceMore returns what brings something back: the test does so when it is time, or else its end does.
func onceMore(t *testing.T, start func() error) func() {
	t.Helper()
	done := false
	back := func() {
		if done {
			return
		}
		done = true
		if err := start(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(back)
	return back
}

// applied fails the test unless the copy that Stripe sent again has paid the order.
func applied(s *seller.Seller, o *v1alpha1.Order, session stripesim.Session) {
	s.T.Helper()
	s.Settled()
	made := attempts(s, event(s, session.ID, sessionCompleted))
	if len(made) < 2 || made[0].Delivered() || !made[len(made)-1].Delivered() {
		s.T.Errorf("want a try that failed, and one that did not: %+v", made)
	}
	now := s.Await(o, "readable", func(*v1alpha1.Order) bool { return true }) // the API server may have come back just now
	if now.Status.Phase != v1alpha1.OrderPaid || now.Status.ProviderOrderID != session.ID {
		s.T.Errorf("the event is acknowledged, and the order is %+v", now.Status)
	}
}
