package sale_test

import (
	"context"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// writesTo returns the writes to an order from the API server's audit log.
func writesTo(s *testclient.Client, o *v1alpha1.Order) (done, refused []cluster.AuditEvent) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.Ctx, testclient.Timeout)
	defer cancel()
	events, err := paylink.Cluster.AuditEvents(ctx)
	s.Must(err)
	for _, e := range events {
		created := e.Verb == "create" && e.Name == "" // audited before the name is known
		if e.Resource != "orders.payments.paylink.dev" || e.Namespace != s.Namespace || !e.Write() || (e.Name != o.Name && !created) {
			continue
		}
		if e.Code < 300 {
			done = append(done, e)
		} else {
			refused = append(refused, e)
		}
	}
	return done, refused
}

// createAfterLink creates an order once its PaymentLink is Ready. An order that waits for its link costs one write more.
func createAfterLink(s *testclient.Client, name string) *v1alpha1.Order {
	s.T.Helper()
	s.Kubectl("wait", "paymentlinks.payments.paylink.dev/lifetime", "-n", s.Namespace, "--for=condition=Ready", "--timeout=60s")
	return s.CreateReady(name)
}

func TestWritesOfAnOrder(t *testing.T) {
	s := newClient(t)
	o := createAfterLink(s, "order")
	session := s.Pay(o.Status.CheckoutURL)
	s.AwaitPhase(o, v1alpha1.OrderPaid)
	s.AwaitDelivered()

	done, refused := writesTo(s, o)
	if len(done) != 3 || len(refused) != 0 {
		t.Errorf("got the writes %+v and the refused %+v, want create, checkout URL and Paid", done, refused)
	}
	s.Refund(session, 0)
	s.AwaitPhase(o, v1alpha1.OrderRefunded)
	s.AwaitDelivered()
	if done, _ := writesTo(s, o); len(done) != 4 {
		t.Errorf("got the writes %+v, want the refund as the fourth", done)
	}
}

// TestCopiesAreOneWrite: copies of an event that arrive at once are written once.
func TestCopiesAreOneWrite(t *testing.T) {
	for name, row := range map[string]struct {
		servers int
		copies  int
	}{
		"50 copies to one server":          {1, 50},
		"10 copies to each of two servers": {2, 10},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClient(t)
			if row.servers == 2 {
				addWebhookServer(t)
			}
			o := createAfterLink(s, "order")
			before, _ := writesTo(s, o)
			s.PlanDelivery(stripesim.Plan{Copies: row.copies, Concurrent: true})
			s.Pay(o.Status.CheckoutURL)
			s.AwaitPhase(o, v1alpha1.OrderPaid)
			s.AwaitDelivered()
			if after, _ := writesTo(s, o); len(after)-len(before) != 1 {
				t.Errorf("got the writes %+v, want 1", after[len(before):])
			}
		})
	}
}

func TestRedeliveryIsNoWrite(t *testing.T) {
	s := newClient(t)
	o := s.CreateReady("order")
	s.Pay(o.Status.CheckoutURL)
	s.AwaitPhase(o, v1alpha1.OrderPaid)
	s.AwaitDelivered()
	done, refused := writesTo(s, o)
	attempts := len(paylink.Stripe.Attempts())
	for _, event := range paylink.Stripe.Events() {
		if event.Type == sessionCompleted && !paylink.Stripe.Resend(event.ID) {
			t.Fatalf("event %s could not be sent again", event.ID)
		}
	}
	s.Eventually("Stripe sends an event again", func(context.Context) (bool, error) { return len(paylink.Stripe.Attempts()) > attempts, nil })
	s.AwaitDelivered()
	for _, a := range paylink.Stripe.Attempts()[attempts:] {
		if a.Status != 200 {
			t.Errorf("got status %d of a redelivery, want 200", a.Status)
		}
	}
	nowDone, nowRefused := writesTo(s, o)
	if len(nowDone) != len(done) || len(nowRefused) != len(refused) {
		t.Errorf("got the writes %+v and the refused %+v by a redelivery, want none", nowDone[len(done):], nowRefused[len(refused):])
	}
}
