package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/bookkeeper"
)

const (
	// queues is how many buyers are in the shop at once.
	queues = 4
	// pace is how often one comes in: a PaymentLink is sold to anybody 600 times a minute at most.
	pace = 150 * time.Millisecond
)

// load is buyers who come and pay, one after the other.
type load struct {
	least  int
	ending chan struct{}
	queue  sync.WaitGroup

	mu       sync.Mutex
	paid     int
	problems []error
}

// startLoad has buyers come until endLoad, and until so many have paid.
func (s *stage) startLoad(t *testing.T, least int) *load {
	t.Helper()
	l := &load{least: least, ending: make(chan struct{})}
	door := time.NewTicker(pace)
	t.Cleanup(door.Stop)
	for range queues {
		l.queue.Go(func() {
			for l.open() && t.Context().Err() == nil {
				<-door.C
				l.note(s.shop.buyer().buy(t.Context()))
			}
		})
	}
	return l
}

// open tells whether buyers are let in still.
func (l *load) open() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.ending:
		return l.paid < l.least && len(l.problems) == 0
	default:
		return len(l.problems) < 10
	}
}

func (l *load) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.problems = append(l.problems, fmt.Errorf("at %s: %w", time.Now().UTC().Format(time.RFC3339Nano), err))
		return
	}
	l.paid++
}

// endLoad lets the last buyers pay, and fails the test if any had to try twice.
func (s *stage) endLoad(t *testing.T, l *load) {
	t.Helper()
	close(l.ending)
	l.queue.Wait()
	for _, problem := range l.problems {
		t.Error(problem)
	}
	t.Logf("%d buyers have paid", l.paid)
	s.reconcile(t)
	s.flawless(t)
}

// reconcile compares Stripe's books with the orders, once Stripe has brought every event: nothing may be lost, double, or
// put aside.
func (s *stage) reconcile(t *testing.T) {
	t.Helper()
	s.delivered(t)
	report := bookkeeper.Compare(s.books(t), s.orders(t))
	for _, difference := range report.Differences {
		t.Error(difference)
	}
	if report.Received == 0 {
		t.Error("nobody has paid anything, so that this shows nothing")
	}
	var kept v1alpha1.StripeEventList
	if err := s.List(t.Context(), &kept, client.InNamespace(systemNamespace)); err != nil {
		t.Fatal(err)
	}
	for i := range kept.Items {
		if phase := kept.Items[i].Status.Phase; phase != v1alpha1.StripeEventApplied {
			t.Errorf("%s of %s is %s", kept.Items[i].Spec.Fact.Type, kept.Items[i].Spec.Fact.ClientReferenceID, phase)
		}
	}
}

// flawless sees that nobody who came to nginx since the last time got an error, or no answer: neither Stripe nor a buyer.
func (s *stage) flawless(t *testing.T) {
	t.Helper()
	events := 0
	visits := s.visits(t)
	for _, v := range visits {
		if v.Status >= http.StatusInternalServerError || v.Status == 499 || v.Status == http.StatusTooManyRequests {
			t.Errorf("at nginx: %s", v)
		}
		if v.URI == "/api/webhooks/stripe" && v.Status == http.StatusOK {
			events++
		}
	}
	if events == 0 {
		t.Error("no webhook came, so that this shows nothing")
	}
	t.Logf("nginx had %d requests, %d webhooks among them", len(visits), events)
}
