package checkout_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// payments is how many are made during the flood.
const payments = 200

// However many orders are asked for, Stripe's webhooks are taken.
func TestWebhooksKeepTheirPlaceInAFlood(t *testing.T) {
	s := openShop(t)
	server, endpoint := s.anotherAtStripe("flooded", stack.WebhookServer{Flags: []string{
		"--public-orders-per-address=1000000", "--public-orders-per-link=1000000", "--public-orders-open=1000000",
	}})
	b := s.hire("backend", "create")
	queue := make(chan order, payments)
	for range payments {
		queue <- b.buys(call{})
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
				a, err := send(s.Ctx, []call{
					s.press(server, ""),
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
	s.Settled()
	close(stop)
	flood.Wait()
	close(ids)
	t.Logf("meanwhile %d orders were made, and %d refused", made.Load(), refused.Load())
	if made.Load() == 0 {
		t.Error("no order was made: that is no flood")
	}
	s.mostlyTakenBy(endpoint.ID)
	if overloaded := s.metric(server, `paylink_webhook_failures_total{reason="overloaded"}`); overloaded != "" {
		t.Errorf("%s webhooks found no place", overloaded)
	}

	paid := map[string]bool{}
	for _, o := range s.Orders() {
		paid[o.ClientReferenceID()] = o.Status.Phase == v1alpha1.OrderPaid
	}
	for id := range ids {
		if !paid[id] {
			t.Errorf("order %s was paid at Stripe, and is not here", id)
		}
	}
}

// mostlyTakenBy checks that a server has taken the payments' webhooks, nearly all at once: on a machine that has no time
// even for its API server, one may pass its deadline, and is sent again.
func (s *shop) mostlyTakenBy(endpoint string) {
	s.T.Helper()
	taken, later := 0, 0
	for _, a := range paylink.Stripe.Attempts() {
		switch {
		case a.Endpoint != endpoint || a.Type != "checkout.session.completed":
		case a.Status == 200:
			taken++
		case a.Status == 503:
			later++
		default:
			s.T.Errorf("a webhook was answered %d, %v", a.Status, a.Error)
		}
	}
	if taken < payments || later > payments/20 {
		s.T.Errorf("of %d webhooks, %d were taken and %d asked for again", payments, taken, later)
	}
}
