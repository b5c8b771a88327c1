package ledger_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

// atOnce applies facts at the same time, each in its own goroutine, and returns how many status patches were taken
// and what became of the facts.
func (s *fixture) atOnce(facts []payment.Fact) (writes int64, results map[ledger.Result]int) {
	s.t.Helper()
	var taken atomic.Int64
	s.ledger.Writer = interceptor.NewClient(s.Direct, interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			err := c.SubResource(sub).Patch(ctx, o, p, opts...)
			if err == nil {
				taken.Add(1)
			}
			return err
		},
	})
	s.ledger.Live = s.Direct
	start, done := make(chan struct{}), make(chan ledger.Result)
	for _, fact := range facts {
		go func() {
			<-start
			result, err := s.ledger.Apply(s.t.Context(), fact)
			if err != nil {
				s.t.Errorf("%s: %v", fact.EventID, err)
			}
			done <- result
		}()
	}
	close(start)
	results = map[ledger.Result]int{}
	for range facts {
		results[<-done]++
	}
	return taken.Load(), results
}

// TestOneEventAtOnce: 50 copies of one event are one write, whether the caches are up to date or not.
func TestOneEventAtOnce(t *testing.T) {
	for name, stale := range map[string]bool{"fresh cache": false, "stale cache": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
				if stale {
					s.ledger.Cache = s.Snapshot()
				}
				copies := make([]payment.Fact, 50)
				for i := range copies {
					copies[i] = sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)
				}
				writes, results := s.atOnce(copies)
				if writes != 1 || results[ledger.Applied] != 1 || results[ledger.Unchanged] != 49 {
					t.Errorf("%d writes: %v", writes, results)
				}
			})
		})
	}
}

// TestManyEventsAtOnce: different facts about one order all land, however they race.
func TestManyEventsAtOnce(t *testing.T) {
	for name, stale := range map[string]bool{"fresh cache": false, "stale cache": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
				if stale {
					s.ledger.Cache = s.Snapshot()
				}
				var facts []payment.Fact
				for i := range 8 {
					facts = append(facts, sessionOf("o1-uid", fmt.Sprint(i), v1alpha1.OutcomePaid), sessionOf("o1-uid", fmt.Sprint(i), v1alpha1.OutcomePaid))
				}
				_, results := s.atOnce(facts)
				if results[ledger.Applied] != 8 || results[ledger.Unchanged] != 8 {
					t.Errorf("%v", results)
				}
				if got := s.Order("o1"); len(got.Status.Payments) != 8 || got.Status.ProviderOrderID != "cs_0" {
					t.Errorf("the order is %+v", got.Status)
				}
			})
		})
	}
}

// TestOneUnknownEventAtOnce: 50 copies of an event that nobody waits for are parked as one.
func TestOneUnknownEventAtOnce(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{})
	copies := make([]payment.Fact, 50)
	for i := range copies {
		copies[i] = sessionOf("unknown", "1", v1alpha1.OutcomePaid)
	}
	if _, results := s.atOnce(copies); results[ledger.Parked] != 1 || results[ledger.Unchanged] != 49 || len(s.StripeEvents()) != 1 {
		t.Errorf("%v, and %d are kept", results, len(s.StripeEvents()))
	}
}
