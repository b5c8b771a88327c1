package statemetrics

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
)

// nothing is what is reported of an empty cluster: all of it, at 0, so that an alert sees the first one.
func nothing() map[string]float64 {
	samples := map[string]float64{
		"paylink_stripe_events_oldest_parked_seconds": 0, `paylink_orphan_payments{livemode="true"}`: 0, `paylink_orphan_payments{livemode="false"}`: 0,
	}
	for _, phase := range []string{"Pending", "Paid", "Failed", "Refunded"} {
		samples[`paylink_orders{livemode="true",phase="`+phase+`"}`] = 0
		samples[`paylink_orders{livemode="false",phase="`+phase+`"}`] = 0
	}
	for _, reason := range []string{"PaymentMismatch", "ModeMismatch", "DuplicatePayment", "Disputed", "RefundFailed", "PaidAfterExpiry", "TooManyPayments"} {
		samples[`paylink_orders_needing_attention{reason="`+reason+`"}`] = 0
	}
	for _, phase := range []string{"Parked", "Applied", "Expired", "Orphaned", "Closed"} {
		samples[`paylink_stripe_events{phase="`+phase+`"}`] = 0
	}
	return samples
}

var now = fakeapi.Now

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

func order(name string, changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
	return fakeapi.MakeOrder(name).With(changes...).Obj()
}

func but(samples map[string]float64, changes map[string]float64) map[string]float64 {
	for name, value := range changes {
		samples[name] = value
	}
	return samples
}

func TestState(t *testing.T) {
	in := func(phase v1alpha1.OrderPhase) func(*v1alpha1.Order) {
		return func(o *v1alpha1.Order) { o.Status.Phase = phase }
	}
	test := func(o *v1alpha1.Order) { live := false; o.Spec.Livemode = &live }
	needs := func(is metav1.ConditionStatus, changes ...func(*v1alpha1.Payment)) func(*v1alpha1.Order) {
		return func(o *v1alpha1.Order) {
			o.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: "True"}, {Type: v1alpha1.ConditionNeedsAttention, Status: is}}
			p := v1alpha1.Payment{SessionID: "cs_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Livemode: true}
			for _, change := range changes {
				change(&p)
			}
			o.Status.Payments = []v1alpha1.Payment{p}
		}
	}
	disputed := func(p *v1alpha1.Payment) { p.Disputes = []v1alpha1.Dispute{{ID: "du_1"}} }
	refundFailed := func(p *v1alpha1.Payment) { p.FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1"}} }
	event := func(id string, phase v1alpha1.StripeEventPhase, age time.Duration) client.Object {
		e := fakeapi.MakeStripeEvent(fakeapi.MakeSession(id, "x").Obj()).Age(age).Obj()
		e.Status.Phase = phase
		return e
	}
	for name, row := range map[string]struct {
		objects []client.Object
		want    map[string]float64
	}{
		"nothing": {nil, nil},
		"orders": {
			[]client.Object{
				fakeapi.MakeOrder("new").Obj(), order("pending", in("Pending")), order("paid", in("Paid")), order("paid2", in("Paid")),
				order("test", in("Paid"), test), order("failed", in("Failed")), order("refunded", in("Refunded"), test),
			},
			map[string]float64{
				`paylink_orders{livemode="true",phase="Pending"}`: 2, `paylink_orders{livemode="true",phase="Paid"}`: 2,
				`paylink_orders{livemode="false",phase="Paid"}`: 1, `paylink_orders{livemode="true",phase="Failed"}`: 1,
				`paylink_orders{livemode="false",phase="Refunded"}`: 1,
			},
		},
		"orders that need a person": {
			[]client.Object{
				order("a", in("Paid"), needs("True", disputed)), order("b", in("Paid"), needs("True", disputed, refundFailed)),
				order("c", in("Paid"), needs("True", refundFailed)), order("d", in("Paid"), needs("False")),
			},
			map[string]float64{
				`paylink_orders{livemode="true",phase="Paid"}`: 4, `paylink_orders_needing_attention{reason="Disputed"}`: 2,
				`paylink_orders_needing_attention{reason="RefundFailed"}`: 2,
			},
		},
		"kept events": {
			[]client.Object{
				event("1", "", 5*minute), event("2", "Parked", hour), event("3", "Parked", minute), event("4", "Applied", 10*hour), event("5", "Expired", 10*day),
			},
			map[string]float64{
				`paylink_stripe_events{phase="Parked"}`: 3, `paylink_stripe_events{phase="Applied"}`: 1, `paylink_stripe_events{phase="Expired"}`: 1,
				"paylink_stripe_events_oldest_parked_seconds": 3600,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := prometheus.NewRegistry()
				c := &Collector{Orders: telling{orders: row.objects}, Cache: fakeapi.Builder(t, row.objects...).Build(), Clock: testingclock.NewFakePassiveClock(now), State: metrics.NewState(), Log: logr.Discard()}
				registry.MustRegister(c)
				if diff := cmp.Diff(map[string]float64{}, scrape.Metrics(t, registry)); diff != "" {
					t.Errorf("reported though it does not lead: %s", diff)
				}
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- c.Start(ctx) }()
				synctest.Wait()
				if diff := cmp.Diff(but(nothing(), row.want), scrape.Metrics(t, registry)); diff != "" {
					t.Error(diff)
				}
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(map[string]float64{}, scrape.Metrics(t, registry)); diff != "" {
					t.Errorf("reported though it leads no more: %s", diff)
				}
			})
		})
	}
	if !(&Collector{}).NeedLeaderElection() {
		t.Error("each replica would report the same orders")
	}
}

// telling is a cache that tells a handler of orders as soon as it comes; none: it never has them all.
type telling struct {
	cache.Informers
	cache.Informer
	orders []client.Object
	err    error
	filled chan struct{}
}

func (i telling) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return i, i.err
}

func (i telling) AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	for _, o := range i.orders {
		handler.OnAdd(o, true)
	}
	return filling{i.filled}, nil
}

func (telling) RemoveEventHandler(toolscache.ResourceEventHandlerRegistration) error { return nil }

type filling struct{ filled chan struct{} }

func (f filling) HasSynced() bool                          { return f.filled == nil || toolscache.IsDone(f) }
func (f filling) HasSyncedChecker() toolscache.DoneChecker { return f }
func (f filling) Name() string                             { return "test" }
func (f filling) Done() <-chan struct{}                    { return f.filled }

// TestCensus: what comes, changes and goes is counted as if all were counted anew.
func TestCensus(t *testing.T) {
	in := func(phase v1alpha1.OrderPhase) *v1alpha1.Order {
		return order("a", func(o *v1alpha1.Order) { o.Status.Phase = phase })
	}
	disputed := in(v1alpha1.OrderPaid)
	disputed.Status.Payments = []v1alpha1.Payment{{
		SessionID: "cs_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Livemode: true, Disputes: []v1alpha1.Dispute{{ID: "du_1"}},
	}}
	disputed.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionNeedsAttention, Status: "True"}}
	c := newCensus()
	counts := func() (orders map[orderState]int, attention map[string]int) {
		orders, attention = map[orderState]int{}, map[string]int{}
		c.report(func(s orderState, n int) {
			if n != 0 {
				orders[s] = n
			}
		}, func(reason string, n int) {
			if n != 0 {
				attention[reason] = n
			}
		})
		return orders, attention
	}
	for i, step := range []struct {
		happens       func()
		paid, pending int
		disputed      int
	}{
		{func() { c.OnAdd(in(""), false) }, 0, 1, 0},
		{func() { c.OnAdd(in(v1alpha1.OrderPaid), true) }, 1, 1, 0},
		{func() { c.OnUpdate(in(""), in(v1alpha1.OrderPaid)) }, 2, 0, 0},
		{func() { c.OnUpdate(in(v1alpha1.OrderPaid), disputed) }, 2, 0, 1},
		{func() { c.OnDelete(in(v1alpha1.OrderPaid)) }, 1, 0, 1},
		{func() { c.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: disputed}) }, 0, 0, 0},
	} {
		step.happens()
		orders, attention := counts()
		if orders[orderState{v1alpha1.OrderPaid, true}] != step.paid || orders[orderState{v1alpha1.OrderPending, true}] != step.pending ||
			attention[v1alpha1.ReasonDisputed] != step.disputed || len(orders) > 2 {
			t.Errorf("step %d: %v, %v", i, orders, attention)
		}
	}
}

// TestStateBeforeAllIsCounted: half of the orders would look like a loss of the others.
func TestStateBeforeAllIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		filled := make(chan struct{})
		c := &Collector{
			Orders: telling{orders: []client.Object{fakeapi.MakeOrder("a").Obj()}, filled: filled}, Cache: fakeapi.Builder(t).Build(),
			Clock: testingclock.NewFakePassiveClock(now), State: metrics.NewState(), Log: logr.Discard(),
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(c)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = c.Start(ctx) }()
		synctest.Wait()
		if diff := cmp.Diff(map[string]float64{}, scrape.Metrics(t, registry)); diff != "" {
			t.Errorf("reported too early: %s", diff)
		}
		close(filled)
		synctest.Wait()
		time.Sleep(time.Second) //nolint:forbidigo // in the test's own time
		if n := scrape.Metrics(t, registry)[`paylink_orders{livemode="true",phase="Pending"}`]; n != 1 {
			t.Errorf("%v orders", n)
		}
	})
}

// TestStateWithoutCache: what cannot be read is not reported as nothing, and the rest of a scrape goes on.
func TestStateWithoutCache(t *testing.T) {
	broken := errors.New("the cache is not started")
	c := &Collector{Orders: telling{err: broken}}
	if err := c.Start(t.Context()); !errors.Is(err, broken) {
		t.Errorf("%v, not %v", err, broken)
	}
	synctest.Test(t, func(t *testing.T) {
		unread := interceptor.NewClient(fakeapi.Builder(t).Build(), interceptor.Funcs{
			List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return broken },
		})
		var logged strings.Builder
		log := funcr.New(func(_, args string) { logged.WriteString(args) }, funcr.Options{})
		c := &Collector{
			Orders: telling{orders: []client.Object{fakeapi.MakeOrder("a").Obj()}}, Cache: unread,
			Clock: testingclock.NewFakePassiveClock(now), State: metrics.NewState(), Log: log,
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(c)
		go func() { _ = c.Start(t.Context()) }()
		synctest.Wait()
		got := scrape.Metrics(t, registry)
		if got[`paylink_orders{livemode="true",phase="Pending"}`] != 1 {
			t.Errorf("%v", got)
		}
		if _, is := got[`paylink_stripe_events{phase="Parked"}`]; is || !strings.Contains(logged.String(), "Collect the state of kept events") {
			t.Errorf("%v, and logged %q", got, logged.String())
		}
	})
}
