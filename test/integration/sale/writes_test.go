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
	session := s.Pay(o.Status.CheckoutURL)
	s.AwaitPhase(o, v1alpha1.OrderPaid)
	s.AwaitDelivered()
	done, refused := writesTo(s, o)
	resend(s, eventOf(s, session.ID, sessionCompleted))
	nowDone, nowRefused := writesTo(s, o)
	if len(nowDone) != len(done) || len(nowRefused) != len(refused) {
		t.Errorf("got the writes %+v and the refused %+v by a redelivery, want none", nowDone[len(done):], nowRefused[len(refused):])
	}
}
