package sale_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// createAfterLink creates an order once its PaymentLink is Ready. An order that waits for its link costs one write more.
func createAfterLink(s *testclient.Client, name string) *v1alpha1.Order {
	s.T.Helper()
	s.Kubectl("wait", "paymentlinks.payments.paylink.dev/lifetime", "-n", s.Namespace, "--for=condition=Ready", "--timeout=60s")
	return s.CreateReady(name)
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
			before, _ := s.WritesTo(o.Name)
			s.PlanDelivery(stripesim.Plan{Copies: row.copies, Concurrent: true})
			s.Pay(o.Status.CheckoutURL)
			s.AwaitPhase(o, v1alpha1.OrderPaid)
			s.AwaitDelivered()
			if after, _ := s.WritesTo(o.Name); len(after)-len(before) != 1 {
				t.Errorf("got the writes %+v, want 1", after[len(before):])
			}
		})
	}
}

func TestRedeliveryIsNoWrite(t *testing.T) {
	s := newClient(t)
	o := s.CreateReady("order")
	session := s.Pay(o.Status.CheckoutURL)
	s.AwaitPhase(o, v1alpha1.OrderPaid)
	s.AwaitDelivered()
	done, refused := s.WritesTo(o.Name)
	resend(s, eventOf(s, session.ID, sessionCompleted))
	nowDone, nowRefused := s.WritesTo(o.Name)
	if len(nowDone) != len(done) || len(nowRefused) != len(refused) {
		t.Errorf("got the writes %+v and the refused %+v by a redelivery, want none", nowDone[len(done):], nowRefused[len(refused):])
	}
}
