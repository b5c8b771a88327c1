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
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestEndpointIsRemoved: the endpoint is disabled at Stripe, and then removed. Stripe delivers nothing, and lists nothing as
// undelivered, while buyers pay and are refunded. When the endpoint is back and Stripe sends every event again, there is
// nothing left to write.
func TestEndpointIsRemoved(t *testing.T) {
	s := newFixture(t, backfilling)
	s.AwaitDelivered()
	s.setEndpointDisabled(true)
	delivered := len(s.Stripe.Attempts()) // of the link's own events
	s.payAll(s.CreateAllReady(6))
	s.expectAgreement()
	s.awaitRead() // so that every event is counted
	s.expectAllFound()

	s.Stripe.RemoveEndpoint(s.Stack.Endpoint.ID)
	s.payAll(s.CreateAllReady(6))
	s.expectAgreement()
	s.awaitRead() // so that every event is counted
	s.expectAllFound()
	if made := s.Stripe.Attempts()[delivered:]; len(made) > 0 {
		t.Fatalf("got the deliveries %+v, want none", made)
	}

	before := s.Samples(s.Stack.Controller)[writes]
	known := s.byType(s.Stack.Controller, foundTotal)
	s.Stripe.AddEndpoint(stripesim.EndpointParams{URL: s.Stack.Endpoint.URL, Secret: s.Stack.Endpoint.Secret})
	for _, event := range s.Stripe.Events() {
		if !s.Stripe.Resend(event.ID) {
			t.Fatalf("event %s could not be sent again", event.ID)
		}
	}
	s.AwaitDelivered()
	s.awaitRead()
	for _, made := range s.Stripe.Attempts() {
		if !made.Delivered() {
			t.Errorf("%s: got status %d, %v, want 200", made.Type, made.Status, made.Error)
		}
	}
	if n := s.Samples(s.Stack.Webhook)[writes]; n > 0 {
		t.Errorf("got %f writes by the webhook server, want 0", n)
	}
	if n := s.Samples(s.Stack.Controller)[writes]; n != before || before < total(s.expected) {
		t.Errorf("got %f writes by the controller, want %f as before, and at least %f", n, before, total(s.expected))
	}
	if diff := cmp.Diff(known, s.byType(s.Stack.Controller, foundTotal)); diff != "" {
		t.Errorf("found (-before +after)\n%s", diff)
	}
	if kept := s.StripeEvents(func(v1alpha1.StripeEventFact) bool { return true }); len(kept) > 0 {
		t.Errorf("got the StripeEvents %+v, want none", kept)
	}
	s.expectAgreement()
}

// setEndpointDisabled disables or enables the endpoint at Stripe.
func (s *fixture) setEndpointDisabled(disabled bool) {
	s.T.Helper()
	form := url.Values{"disabled": {strconv.FormatBool(disabled)}}
	s.api(http.MethodPost, "/v1/webhook_endpoints/"+s.Stack.Endpoint.ID, form)
}

// expectAllFound fails the test unless the backfill counted every event with a new fact once. The other events of a dispute
// may count too, where they are of a later second.
func (s *fixture) expectAllFound() {
	s.T.Helper()
	counted := s.byType(s.Stack.Controller, foundTotal)
	if wrote := s.Samples(s.Stack.Controller)[writes]; total(counted) != wrote {
		s.T.Errorf("got %f writes, want %v", wrote, counted)
	}
	for eventType := range counted {
		if strings.HasPrefix(eventType, "charge.dispute.funds_") {
			delete(counted, eventType)
		}
	}
	check.Equal(s.T, s.expected, counted, "found")
}

// TestBothServersAreDown: the webhook server is down for so long that Stripe gives up, and for some of that time the
// controller is down too. It goes on from where it stopped, and never reports an event as read that it has not applied. It
// does not count as found what webhooks delivered.
func TestBothServersAreDown(t *testing.T) {
	s := newFixture(t, backfilling)
	stopWatching := s.watchProgress()
	orders := s.CreateAllReady(8)
	s.card(orders[0])
	s.expectAgreement()

	s.Must(s.Stack.Webhook.Stop())
	s.refund(s.card(orders[1]), 900)
	s.dispute(s.card(orders[2]))
	s.expectAgreement()
	s.awaitRead()

	s.Must(s.Stack.Controller.Stop())
	stopped := s.readUntil()
	s.expected = map[string]float64{} // as the next controller will count
	s.refund(s.card(orders[3]), 0)
	s.closeDispute(s.dispute(s.card(orders[4])), "lost")
	s.debit(orders[5], true)
	s.AwaitDelivered()
	if all := s.differences(); len(all) == 0 {
		t.Fatal("the orders agree with Stripe's records without a server")
	}
	asked := s.recordAPI()
	s.Must(s.Stack.Controller.Start(s.Ctx))
	s.expectAgreement()
	s.awaitRead()
	s.expectAllFound()
	if first := asked.firstSince(t); first.After(stopped) || first.Before(stopped.Add(-time.Hour)) {
		t.Errorf("got events from %s, want them from %s, or up to an hour before", first, stopped)
	}

	// Now the webhook server runs alone, and then the controller.
	s.Must(s.Stack.Controller.Stop())
	s.Must(s.Stack.Webhook.Start(s.Ctx))
	s.PlanDelivery(stripesim.Plan{InSequence: true}) // or a refund may overtake its payment, and is parked
	s.refund(s.card(orders[6]), 900)
	s.dispute(s.card(orders[7]))
	s.expectAgreement()
	s.Must(s.Stack.Controller.Start(s.Ctx))
	s.awaitRead()
	if counted := s.byType(s.Stack.Controller, foundTotal); len(counted) > 0 {
		t.Errorf("got %v found, want nothing that webhooks delivered", counted)
	}
	if n := s.Samples(s.Stack.Controller)[writes]; n > 0 {
		t.Errorf("got %f writes, want 0", n)
	}
	if steps := stopWatching(); steps < 3 {
		t.Errorf("got %d steps of progress, want at least 3", steps)
	}
}

// requests are the requests to Stripe's API.
type requests struct {
	mu   sync.Mutex
	made []*http.Request
}

// recordAPI records the requests to Stripe's API from now on.
func (s *fixture) recordAPI() *requests {
	asked := &requests{}
	s.Stripe.InjectFaults(func(r *http.Request) stripesim.Fault {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		asked.made = append(asked.made, r.Clone(r.Context()))
		return stripesim.Fault{}
	})
	return asked
}

// find returns the queries of the requests for a path that have a value.
func (a *requests) find(path, name, value string) (found []url.Values) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.made {
		if query := r.URL.Query(); r.URL.Path == path && query.Get(name) == value {
			found = append(found, query)
		}
	}
	return found
}

// firstSince is the time from which events were listed first.
func (a *requests) firstSince(t *testing.T) time.Time {
	t.Helper()
	lists := a.find("/v1/events", "delivery_success", "")
	if len(lists) == 0 {
		t.Fatal("got no request for events, want one")
	}
	seconds, err := strconv.ParseInt(lists[0].Get("created[gte]"), 10, 64)
	check.Must(t, err)
	return time.Unix(seconds, 0)
}

// TestWithoutAKey: a controller without an API key settles orders by webhooks alone, logs what it does not do, and neither
// calls Stripe nor stores progress.
func TestWithoutAKey(t *testing.T) {
	s := newFixture(t, []string{"--backfill-period=1s", "--backfill-grace=0s", "--reconcile-period=1s"}, withoutKey)
	asked := s.recordAPI()
	orders := s.CreateAllReady(4)
	s.refund(s.card(orders[0]), 0)
	s.dispute(s.card(orders[1]))
	s.AwaitPhase(orders[0], v1alpha1.OrderRefunded)
	s.Await(orders[1], "disputed", testclient.NeedsAttention(v1alpha1.ReasonDisputed))
	s.expectAgreement()

	s.PlanDelivery(stripesim.Plan{Drop: stripesim.DropTypes(sessionCompleted)})
	lost := s.card(orders[2])
	s.refund(lost, 0)
	kept := s.awaitStripeEvent(lost, "waiting", func(e *v1alpha1.StripeEvent) bool { return e.Status.Message != "" })
	if !inPhase(v1alpha1.StripeEventParked)(kept) || !strings.Contains(kept.Status.Message, s.PaymentIntent(lost.ID)) {
		t.Errorf("got the refund of an unknown payment %+v, want it parked", kept.Status)
	}
	s.PlanDelivery(stripesim.Plan{})
	s.Await(orders[3], "still ready", testclient.Ready)
	s.card(orders[3])
	s.AwaitPhase(orders[3], v1alpha1.OrderPaid)
	check.Equal(t, v1alpha1.OrderPending, s.Read(orders[2]).Status.Phase, "phase of an order whose event was lost")

	log := s.Log(s.Stack.Controller)
	for _, word := range []string{
		"No Stripe API key", "no webhook delivered", "the owner of a refund or dispute", "missing or different at Stripe", "whether Stripe's webhook endpoint exists", "STRIPE_SECRET_KEY",
	} {
		if n := strings.Count(log, word); n != 1 {
			t.Errorf("got %q %d times in the log, want once", word, n)
		}
	}
	if kept, _, err := s.state(s.Ctx); err != nil || kept != nil {
		t.Errorf("got the ConfigMap %v, %v, want none", kept, err)
	}
	for series := range s.Samples(s.Stack.Controller) {
		if strings.HasPrefix(series, "paylink_backfill_") || strings.HasPrefix(series, "paylink_reconciliation_") || strings.HasPrefix(series, "paylink_stripe_api_") {
			t.Errorf("got the metric %s, want none", series)
		}
	}
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if len(asked.made) > 0 {
		t.Errorf("got %d requests to Stripe, want 0", len(asked.made))
	}
}
