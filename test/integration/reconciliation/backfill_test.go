package reconciliation_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestTheEndpointIsGone: somebody disables the endpoint at Stripe, and then removes it. Stripe delivers nothing, and does
// not even call that undelivered, while buyers go on to pay, and to get their money back. When the endpoint is there again
// and Stripe is told to send everything once more, there is nothing left to write.
func TestTheEndpointIsGone(t *testing.T) {
	s := openShop(t, backfilling)
	s.Settled()
	s.setDisabled(true)
	delivered := len(s.Stripe.Attempts()) // of what the link came with
	s.live(s.sell(6))
	s.agree()
	s.awaitRead() // or what was applied last may not be counted yet
	s.foundAllThatWasTold()

	s.Stripe.RemoveEndpoint(s.Paylink.Endpoint.ID)
	s.live(s.sell(6))
	s.agree()
	s.awaitRead() // or what was applied last may not be counted yet
	s.foundAllThatWasTold()
	if made := s.Stripe.Attempts()[delivered:]; len(made) > 0 {
		t.Fatalf("Stripe delivered: %+v", made)
	}

	before := s.metrics(s.Paylink.Controller)[writes]
	known := s.byType(s.Paylink.Controller, foundTotal)
	s.Stripe.AddEndpoint(stripesim.EndpointParams{URL: s.Paylink.Endpoint.URL, Secret: s.Paylink.Endpoint.Secret})
	for _, event := range s.Stripe.Events() {
		if !s.Stripe.Resend(event.ID) {
			t.Fatalf("%s cannot be sent again", event.ID)
		}
	}
	s.Settled()
	s.awaitRead()
	for _, made := range s.Stripe.Attempts() {
		if !made.Delivered() {
			t.Errorf("%s was answered %d: %v", made.Type, made.Status, made.Error)
		}
	}
	if n := s.metrics(s.Paylink.Webhook)[writes]; n > 0 {
		t.Errorf("the webhook server wrote %f times what was there already", n)
	}
	if n := s.metrics(s.Paylink.Controller)[writes]; n != before || before < total(s.told) {
		t.Errorf("the controller wrote %f times, and then %f", before, n)
	}
	if diff := cmp.Diff(known, s.byType(s.Paylink.Controller, foundTotal)); diff != "" {
		t.Errorf("found (-before +after)\n%s", diff)
	}
	if kept := s.KeptThat(func(v1alpha1.StripeEventFact) bool { return true }); len(kept) > 0 {
		t.Errorf("kept: %+v", kept)
	}
	s.agree()
}

// setDisabled is the switch of the endpoint at Stripe.
func (s *shop) setDisabled(disabled bool) {
	s.T.Helper()
	form := url.Values{"disabled": {strconv.FormatBool(disabled)}}
	s.api(http.MethodPost, "/v1/webhook_endpoints/"+s.Paylink.Endpoint.ID, form)
}

// foundAllThatWasTold fails the test unless the backfill counted every event that told something new, once. The other
// events of a dispute may be new too: they may be of a later second.
func (s *shop) foundAllThatWasTold() {
	s.T.Helper()
	counted := s.byType(s.Paylink.Controller, foundTotal)
	if wrote := s.metrics(s.Paylink.Controller)[writes]; total(counted) != wrote {
		s.T.Errorf("found %v, and wrote %f times", counted, wrote)
	}
	for eventType := range counted {
		if strings.HasPrefix(eventType, "charge.dispute.funds_") {
			delete(counted, eventType)
		}
	}
	if diff := cmp.Diff(s.told, counted); diff != "" {
		s.T.Errorf("found (-told +found)\n%s", diff)
	}
}

// TestBothServersAreDown: the webhook server is away for so long that Stripe gives up, and for some of that time the
// controller is, too. It goes on from where it stopped, and never says that it has read what it has not applied. What the
// webhooks brought, it does not count as found.
func TestBothServersAreDown(t *testing.T) {
	s := openShop(t, backfilling)
	witnessed := s.witness()
	orders := s.sell(8)
	s.card(orders[0])
	s.agree()

	s.must(s.Paylink.Webhook.Stop())
	s.refund(s.card(orders[1]), 900)
	s.dispute(s.card(orders[2]))
	s.agree()
	s.awaitRead()

	s.must(s.Paylink.Controller.Stop())
	stopped := s.readUntil()
	s.told = map[string]float64{} // as the next controller will count
	s.refund(s.card(orders[3]), 0)
	s.closeDispute(s.dispute(s.card(orders[4])), "lost")
	s.debit(orders[5], true)
	s.Settled()
	if all := s.differences(); len(all) == 0 {
		t.Fatal("nobody is there, and the orders agree with Stripe's books")
	}
	asked := s.recordAPI()
	s.must(s.Paylink.Controller.Start(s.Ctx))
	s.agree()
	s.awaitRead()
	s.foundAllThatWasTold()
	if first := asked.firstSince(t); first.After(stopped) || first.Before(stopped.Add(-time.Hour)) {
		t.Errorf("the controller had read until %s, and went on from %s", stopped, first)
	}

	// Now there is only the webhook server, and then only the controller.
	s.must(s.Paylink.Controller.Stop())
	s.must(s.Paylink.Webhook.Start(s.Ctx))
	s.Deliver(stripesim.Plan{InSequence: true}) // or a refund may overtake its payment, and is kept for the controller
	s.refund(s.card(orders[6]), 900)
	s.dispute(s.card(orders[7]))
	s.agree()
	s.must(s.Paylink.Controller.Start(s.Ctx))
	s.awaitRead()
	if counted := s.byType(s.Paylink.Controller, foundTotal); len(counted) > 0 {
		t.Errorf("found what webhooks had brought: %v", counted)
	}
	if n := s.metrics(s.Paylink.Controller)[writes]; n > 0 {
		t.Errorf("wrote %f times what webhooks had brought", n)
	}
	if steps := witnessed(); steps < 3 {
		t.Errorf("the controller got further %d times only", steps)
	}
}

// requests are what Stripe's API was asked.
type requests struct {
	mu   sync.Mutex
	made []*http.Request
}

// recordAPI has the requests to Stripe's API recorded from now on.
func (s *shop) recordAPI() *requests {
	asked := &requests{}
	s.Stripe.TroubleAPI(func(r *http.Request) stripesim.Trouble {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		asked.made = append(asked.made, r.Clone(r.Context()))
		return stripesim.Trouble{}
	})
	return asked
}

// that returns the requests that are of a path, and have a value in their query.
func (a *requests) that(path, name, value string) (found []url.Values) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.made {
		if query := r.URL.Query(); r.URL.Path == path && query.Get(name) == value {
			found = append(found, query)
		}
	}
	return found
}

// firstSince is from when on events were asked for first.
func (a *requests) firstSince(t *testing.T) time.Time {
	t.Helper()
	lists := a.that("/v1/events", "delivery_success", "")
	if len(lists) == 0 {
		t.Fatal("nobody asked for events")
	}
	seconds, err := strconv.ParseInt(lists[0].Get("created[gte]"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(seconds, 0)
}

// TestWithoutAKey: a controller that has no key of Stripe's API does what it did before there was anything to ask, says what
// it cannot see, asks nothing and keeps nothing.
func TestWithoutAKey(t *testing.T) {
	s := openShop(t, []string{"--backfill-period=1s", "--backfill-grace=0s", "--audit-period=1s"}, withoutKey)
	asked := s.recordAPI()
	orders := s.sell(4)
	s.refund(s.card(orders[0]), 0)
	s.dispute(s.card(orders[1]))
	s.Await(orders[0], "refunded", seller.InPhase(v1alpha1.OrderRefunded))
	s.Await(orders[1], "disputed", seller.NeedsAttention(v1alpha1.ReasonDisputed))
	s.agree()

	s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes(sessionCompleted)})
	lost := s.card(orders[2])
	s.refund(lost, 0)
	kept := s.awaitKept(lost, "waiting", func(e *v1alpha1.StripeEvent) bool { return e.Status.Message != "" })
	if !inPhase(v1alpha1.StripeEventParked)(kept) || !strings.Contains(kept.Status.Message, s.Intent(lost.ID)) {
		t.Errorf("the refund of an unknown payment is %+v", kept.Status)
	}
	s.Deliver(stripesim.Plan{})
	s.Await(orders[3], "still ready", seller.Ready)
	s.card(orders[3])
	s.Await(orders[3], "paid", seller.InPhase(v1alpha1.OrderPaid))
	if o := s.Read(orders[2]); o.Status.Phase != v1alpha1.OrderPending {
		t.Errorf("nobody told of the payment, and the order is %s", o.Status.Phase)
	}

	log := s.log(s.Paylink.Controller)
	for _, word := range []string{
		"Without an API key", "cannot see", "no webhook brought", "whose a refund or dispute is", "missing, or different, at Stripe", "STRIPE_SECRET_KEY",
	} {
		if n := strings.Count(log, word); n != 1 {
			t.Errorf("the log says %q %d times", word, n)
		}
	}
	if kept, _, err := s.state(s.Ctx); err != nil || kept != nil {
		t.Errorf("the ConfigMap is there: %v, %v", kept, err)
	}
	for series := range s.metrics(s.Paylink.Controller) {
		if strings.HasPrefix(series, "paylink_backfill_") || strings.HasPrefix(series, "paylink_audit_") || strings.HasPrefix(series, "paylink_stripe_api_") {
			t.Errorf("there is a metric %s", series)
		}
	}
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if len(asked.made) > 0 {
		t.Errorf("Stripe was asked %d times", len(asked.made))
	}
}
