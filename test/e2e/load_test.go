package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/oracle"
)

const (
	// buyers is the number of concurrent buyers.
	buyers = 4
	// interval is the time between two buyers: the limit of a PaymentLink is 600 orders a minute.
	interval = 150 * time.Millisecond
)

// load is buyers who buy one after the other.
type load struct {
	least   int
	ending  chan struct{}
	running sync.WaitGroup

	mu       sync.Mutex
	paid     int
	problems []error
}

// startLoad has buyers buy until endLoad, and until so many have paid.
func (s *environment) startLoad(t *testing.T, least int) *load {
	t.Helper()
	l := &load{least: least, ending: make(chan struct{})}
	ticker := time.NewTicker(interval)
	t.Cleanup(ticker.Stop)
	for range buyers {
		l.running.Go(func() {
			for l.open() && t.Context().Err() == nil {
				<-ticker.C
				l.note(s.http.buyer().buy(t.Context()))
			}
		})
	}
	return l
}

// open reports whether another buyer may start.
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

// endLoad waits for the last buyers, and fails the test if one of them failed.
func (s *environment) endLoad(t *testing.T, l *load) {
	t.Helper()
	close(l.ending)
	l.running.Wait()
	for _, problem := range l.problems {
		t.Error(problem)
	}
	t.Logf("%d buyers have paid", l.paid)
	s.reconcile(t)
	s.expectNoErrors(t)
}

// reconcile compares Stripe's records with the orders once every event is delivered. Every StripeEvent must be applied.
func (s *environment) reconcile(t *testing.T) {
	t.Helper()
	s.awaitDelivered(t)
	report := oracle.Compare(s.stripeRecords(t), s.orders(t))
	for _, difference := range report.Differences {
		t.Error(difference)
	}
	if report.Received == 0 {
		t.Error("got no payments, want some")
	}
	var kept v1alpha1.StripeEventList
	check.Must(t, s.List(t.Context(), &kept, client.InNamespace(systemNamespace)))
	for i := range kept.Items {
		if phase := kept.Items[i].Status.Phase; phase != v1alpha1.StripeEventApplied {
			t.Errorf("StripeEvent %s of %s: got phase %s, want Applied", kept.Items[i].Spec.Fact.Type, kept.Items[i].Spec.Fact.ClientReferenceID, phase)
		}
	}
}

// expectNoErrors checks that since the last time nginx has answered no request of a buyer or of Stripe with an error.
func (s *environment) expectNoErrors(t *testing.T) {
	t.Helper()
	events := 0
	requests := s.requests(t)
	for _, v := range requests {
		if v.Status >= http.StatusInternalServerError || v.Status == 499 || v.Status == http.StatusTooManyRequests {
			t.Errorf("got at nginx %s, want no error", v)
		}
		if v.URI == "/api/webhooks/stripe" && v.Status == http.StatusOK {
			events++
		}
	}
	if events == 0 {
		t.Error("got no webhooks, want some")
	}
	t.Logf("nginx had %d requests, %d webhooks among them", len(requests), events)
}
