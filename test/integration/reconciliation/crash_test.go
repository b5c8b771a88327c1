package reconciliation_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestControllerIsKilled: the controller is killed while it reads hundreds of events that no webhook delivered, between two
// pages and while it applies them. Stripe also refuses some pages. Nothing is lost or counted twice, and the controller
// never reports an event as read that it has not applied.
func TestControllerIsKilled(t *testing.T) {
	s := newFixture(t, backfilling, keepRunning)
	stopWatching := s.watchProgress()
	s.PlanDelivery(stripesim.Plan{Drop: stripesim.DropTypes()})
	orders := s.CreateAllReady(60)
	stripe := &failingStripe{unavailable: true, hung: make(chan struct{})}
	s.Stripe.InjectFaults(stripe.next)
	for i, o := range orders {
		session := s.card(o)
		s.refund(session, int64(1+i))
		dispute := s.dispute(session)
		if i%2 == 0 {
			s.closeDispute(dispute, "won")
		}
	}
	if n := s.relevantEvents(); n < 300 {
		t.Fatalf("got %d events for the controller, want at least 300", n)
	}

	stripe.setAvailable()
	select {
	case <-stripe.hung:
	case <-s.Ctx.Done():
		t.Fatal("the controller did not read a second page")
	}
	s.kill()
	inTheMiddle := 0
	for range 3 { // after it has applied events, while there are any left
		s.Eventually("the controller has applied events", func(ctx context.Context) (bool, error) {
			text, err := s.Stack.Controller.Scrape(ctx)
			return err == nil && (scrape.Samples(t, text)[writes] >= 10 || len(s.differences()) == 0), err
		})
		s.kill()
		if len(s.differences()) > 0 {
			inTheMiddle++
		}
	}
	if inTheMiddle == 0 {
		t.Error("the controller was killed after it had applied every event")
	}
	s.expectAgreement()
	s.awaitRead()
	if left := stripe.left(); len(left) > 0 {
		t.Errorf("got no request for the pages %v, want Stripe to refuse them", left)
	}
	if steps := stopWatching(); steps < 2 {
		t.Errorf("got %d steps of progress, want at least 2", steps)
	}
}

// kill kills the controller, once it runs. It is started again.
func (s *fixture) kill() {
	s.T.Helper()
	s.Eventually("the controller runs", func(ctx context.Context) (bool, error) { return s.Stack.Controller.Ready(ctx), nil })
	s.Must(s.Stack.Controller.Kill())
}

// relevantEvents counts Stripe's events that the controller reads.
func (s *fixture) relevantEvents() (n int) {
	for _, event := range s.Stripe.Events() {
		if slices.Contains([]string{sessionCompleted, chargeRefunded, disputeCreated, disputeClosed, "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"}, event.Type) {
			n++
		}
	}
	return n
}

// failingStripe has Stripe list few events at once, refuse some requests for the next page, and never answer the first of
// them.
type failingStripe struct {
	mu          sync.Mutex
	unavailable bool
	// pages counts the requests for a page that is not the first one.
	pages int
	// hung is closed once a request waits for an answer that does not come.
	hung chan struct{}
}

// refusals are the pages that Stripe refuses.
var refusals = []int{4, 9}

func (b *failingStripe) setAvailable() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unavailable = false
}

// left are the refusals that did not happen.
func (b *failingStripe) left() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(refusals), func(page int) bool { return page <= b.pages })
}

func (b *failingStripe) next(r *http.Request) stripesim.Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	short := stripesim.Fault{PageLimit: 40}
	switch {
	case r.URL.Path != "/v1/events":
		return stripesim.Fault{}
	case b.unavailable:
		return stripesim.Fault{Status: http.StatusInternalServerError}
	case !r.URL.Query().Has("starting_after"):
		return short
	}
	b.pages++
	switch {
	case b.pages == 1:
		close(b.hung)
		return stripesim.Fault{Hang: true}
	case slices.Contains(refusals, b.pages):
		return stripesim.Fault{Status: http.StatusTooManyRequests}
	}
	return short
}
