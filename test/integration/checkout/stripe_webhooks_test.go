package checkout_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// payments is the number of payments during the flood.
const payments = 200

// TestWebhooksDuringFlood: a flood of requests for orders does not block Stripe's webhooks.
func TestWebhooksDuringFlood(t *testing.T) {
	s := newFixture(t)
	server, endpoint := s.addServerWithEndpoint("flooded", stack.WebhookServer{Flags: []string{
		"--public-orders-per-address=1000000", "--public-orders-per-link=1000000", "--public-orders-open=1000000",
	}})
	b := s.newBackend("backend", "create")
	queue := make(chan order, payments)
	for range payments {
		queue <- b.mustCreate(call{})
	}
	close(queue)
	ids := make(chan string, payments)

	stop := make(chan struct{})
	var flood, buyers sync.WaitGroup
	var made, refused atomic.Int64
	for i := range 96 {
		flood.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a, err := trySend(s.Ctx, []call{
					s.buyCall(server, ""),
					b.order(call{to: server}),
					b.order(call{to: server, token: "garbage-token"}),
				}[i%3])
				switch {
				case err != nil:
					t.Error(err)
				case a.status == 201 || a.status == 303:
					made.Add(1)
				default:
					refused.Add(1)
				}
			}
		})
	}
	for range 8 {
		buyers.Go(func() {
			for o := range queue {
				if _, err := paylink.Stripe.Buyer().Pay(s.Ctx, o.CheckoutURL, stripesim.Card4242); err != nil {
					t.Error(err)
				}
				ids <- o.OrderID
			}
		})
	}
	buyers.Wait()
	s.AwaitDelivered()
	close(stop)
	flood.Wait()
	close(ids)
	t.Logf("meanwhile %d orders were created, and %d refused", made.Load(), refused.Load())
	if made.Load() == 0 {
		t.Error("got no orders of the flood, want some")
	}
	s.expectMostlyAccepted(endpoint.ID)
	check.Equal(t, "", s.metric(server, `paylink_webhook_failures_total{reason="overloaded"}`), "webhooks refused for overload")

	paid := map[string]bool{}
	for _, o := range s.Orders() {
		paid[o.ClientReferenceID()] = o.Status.Phase == v1alpha1.OrderPaid
	}
	for id := range ids {
		if !paid[id] {
			t.Errorf("got order %s not paid, want it paid as at Stripe", id)
		}
	}
}

// expectMostlyAccepted checks that an endpoint has accepted the payments' webhooks, nearly all of them at the first attempt:
// on a slow machine one may exceed its deadline.
func (s *fixture) expectMostlyAccepted(endpoint string) {
	s.T.Helper()
	accepted, later := 0, 0
	for _, a := range paylink.Stripe.Attempts() {
		switch {
		case a.Endpoint != endpoint || a.Type != "checkout.session.completed":
		case a.Status == 200:
			accepted++
		case a.Status == 503:
			later++
		default:
			s.T.Errorf("got status %d, %v of a webhook, want 200 or 503", a.Status, a.Error)
		}
	}
	if accepted < payments || later > payments/20 {
		s.T.Errorf("got %d webhooks accepted and %d retried of %d, want at most %d retried", accepted, later, payments, payments/20)
	}
}
