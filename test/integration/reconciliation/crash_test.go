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

// TestTheControllerIsKilledOverAndOver, while it reads hundreds of events that no webhook brought: between two pages, and
// while it applies them. Stripe refuses it now and then in the middle of its pages, too. Nothing is lost, nothing is there
// twice, and it never says that it has read what it has not applied.
func TestTheControllerIsKilledOverAndOver(t *testing.T) {
	s := openShop(t, backfilling, keepRunning)
	witnessed := s.witness()
	s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes()})
	orders := s.sell(60)
	stripe := &busyStripe{away: true, hung: make(chan struct{})}
	s.Stripe.TroubleAPI(stripe.next)
	for i, o := range orders {
		session := s.card(o)
		s.refund(session, int64(1+i))
		dispute := s.dispute(session)
		if i%2 == 0 {
			s.closeDispute(dispute, "won")
		}
	}
	if n := s.news(); n < 300 {
		t.Fatalf("Stripe has only %d events for the controller", n)
	}

	stripe.comeBack()
	select {
	case <-stripe.hung:
	case <-s.Ctx.Done():
		t.Fatal("the controller does not read a second page")
	}
	s.kill()
	inTheMiddle := 0
	for range 3 { // each time after it has applied something, if there is so much left
		s.Eventually("the controller has applied something", func(ctx context.Context) (bool, error) {
			text, err := s.Paylink.Controller.Scrape(ctx)
			return err == nil && (scrape.Samples(t, text)[writes] >= 10 || len(s.differences()) == 0), err
		})
		s.kill()
		if len(s.differences()) > 0 {
			inTheMiddle++
		}
	}
	if inTheMiddle == 0 {
		t.Error("the controller was killed when there was nothing left to do")
	}
	s.agree()
	s.awaitRead()
	if left := stripe.left(); len(left) > 0 {
		t.Errorf("Stripe did not refuse the controller's requests %v", left)
	}
	if steps := witnessed(); steps < 2 {
		t.Errorf("the controller got further %d times only", steps)
	}
}

// kill kills the controller, once it runs. It is started again.
func (s *shop) kill() {
	s.T.Helper()
	s.Eventually("the controller runs", func(ctx context.Context) (bool, error) { return s.Paylink.Controller.Ready(ctx), nil })
	s.must(s.Paylink.Controller.Kill())
}

// news counts Stripe's events of which the controller asks.
func (s *shop) news() (n int) {
	for _, event := range s.Stripe.Events() {
		if slices.Contains([]string{sessionCompleted, chargeRefunded, disputeCreated, disputeClosed, "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"}, event.Type) {
			n++
		}
	}
	return n
}

// busyStripe is how a Stripe answers that lists few events at once, refuses some requests for the next ones, and never
// answers the first of those.
type busyStripe struct {
	mu   sync.Mutex
	away bool
	// pages counts the requests for a page that is not the first one.
	pages int
	// hung is closed when one waits for an answer that does not come.
	hung chan struct{}
}

// refusals are those pages that are asked for in vain.
var refusals = []int{4, 9}

func (b *busyStripe) comeBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = false
}

// left are the refusals that were never met.
func (b *busyStripe) left() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(refusals), func(page int) bool { return page <= b.pages })
}

func (b *busyStripe) next(r *http.Request) stripesim.Trouble {
	b.mu.Lock()
	defer b.mu.Unlock()
	short := stripesim.Trouble{PageLimit: 40}
	switch {
	case r.URL.Path != "/v1/events":
		return stripesim.Trouble{}
	case b.away:
		return stripesim.Trouble{Status: http.StatusInternalServerError}
	case !r.URL.Query().Has("starting_after"):
		return short
	}
	b.pages++
	switch {
	case b.pages == 1:
		close(b.hung)
		return stripesim.Trouble{Hang: true}
	case slices.Contains(refusals, b.pages):
		return stripesim.Trouble{Status: http.StatusTooManyRequests}
	}
	return short
}
