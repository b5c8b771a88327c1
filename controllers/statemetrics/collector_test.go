package statemetrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/ordercache"
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
				c := &Collector{Orders: append(orderCounter{}, row.objects...), Cache: fakeapi.Builder(t, row.objects...).Build(), Clock: testingclock.NewFakePassiveClock(now), State: metrics.NewState(), Log: logr.Discard()}
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

// orderCounter counts orders as the cache does; nil: it does not know all orders yet.
type orderCounter []client.Object

func (c orderCounter) Counts() (map[ordercache.State]int, bool) {
	counts := map[ordercache.State]int{}
	for _, o := range c {
		if order, ok := o.(*v1alpha1.Order); ok {
			counts[OrderState(order)]++
		}
	}
	return counts, c != nil
}

// TestOrderState: every combination of phase, mode and reasons has its own state.
func TestOrderState(t *testing.T) {
	disputed := v1alpha1.Payment{
		SessionID: "cs_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Livemode: true, Disputes: []v1alpha1.Dispute{{ID: "du_1"}},
	}
	states := map[ordercache.State]string{}
	for _, phase := range append(orderPhases, "") {
		for _, live := range []bool{true, false} {
			for _, attention := range []metav1.ConditionStatus{"True", "False"} {
				o := fakeapi.MakeOrder("a").Obj()
				o.Status.Phase, o.Spec.Livemode = phase, &live
				o.Status.Payments = []v1alpha1.Payment{disputed}
				o.Status.Payments[0].Livemode = live
				o.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionNeedsAttention, Status: attention}}
				state := OrderState(o)
				counts := countOrders(map[ordercache.State]int{state: 3})
				if phase == "" {
					phase = v1alpha1.OrderPending
				}
				name := fmt.Sprint(phase, live, attention)
				if other, is := states[state]; is && other != name {
					t.Errorf("%s and %s have one state", name, other)
				}
				states[state] = name
				want := map[metav1.ConditionStatus]int{"True": 3, "False": 0}[attention]
				if counts.byPhase[phaseAndMode{phase, live}] != 3 || counts.byAttention[v1alpha1.ReasonDisputed] != want {
					t.Errorf("%s: got %+v, want 3 orders and %d disputed", name, counts, want)
				}
			}
		}
	}
	if len(states) != 16 {
		t.Errorf("got %d states, want 16", len(states))
	}
	if last := attentionBits + len(attentionReasons); last > 16 {
		t.Errorf("%d bits do not fit into a state", last)
	}
}

// TestStateBeforeAllOrdersAreKnown: the number of some orders would look like a loss of the others.
func TestStateBeforeAllOrdersAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Collector{
			Orders: orderCounter(nil), Cache: fakeapi.Builder(t).Build(),
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
		c.Orders = orderCounter{fakeapi.MakeOrder("a").Obj()}
		if n := scrape.Metrics(t, registry)[`paylink_orders{livemode="true",phase="Pending"}`]; n != 1 {
			t.Errorf("got %v orders, want 1", n)
		}
	})
}

// TestStateWithoutCache: what cannot be read is not reported as nothing, and the rest of a scrape goes on.
func TestStateWithoutCache(t *testing.T) {
	broken := errors.New("the cache is not started")
	synctest.Test(t, func(t *testing.T) {
		unread := interceptor.NewClient(fakeapi.Builder(t).Build(), interceptor.Funcs{
			List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return broken },
		})
		var logged strings.Builder
		log := funcr.New(func(_, args string) { logged.WriteString(args) }, funcr.Options{})
		c := &Collector{
			Orders: orderCounter{fakeapi.MakeOrder("a").Obj()}, Cache: unread,
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
		if _, is := got[`paylink_stripe_events{phase="Parked"}`]; is || !strings.Contains(logged.String(), "Cannot list StripeEvents") {
			t.Errorf("%v, and logged %q", got, logged.String())
		}
	})
}
