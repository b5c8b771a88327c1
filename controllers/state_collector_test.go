package controllers

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
	testingclock "k8s.io/utils/clock/testing"
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
		e := kept(paid("x", id), age)
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
				order("new"), order("pending", in("Pending")), order("paid", in("Paid")), order("paid2", in("Paid")),
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
				c := &StateCollector{Cache: fakeapi.Builder(t, row.objects...).Build(), Clock: testingclock.NewFakePassiveClock(now), State: metrics.NewState(), Log: logr.Discard()}
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
	if !(&StateCollector{}).NeedLeaderElection() {
		t.Error("each replica would report the same orders")
	}
}

// TestStateWithoutCache: what cannot be read is not reported as nothing, and a scrape of the rest goes on.
func TestStateWithoutCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := interceptor.NewClient(fakeapi.Builder(t, kept(paid("x", "1"), hour)).Build(), interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if _, is := list.(*v1alpha1.OrderList); is {
					return errors.New("the cache is not started")
				}
				return c.List(ctx, list, opts...)
			},
		})
		var logged strings.Builder
		log := funcr.New(func(_, args string) { logged.WriteString(args) }, funcr.Options{})
		c := &StateCollector{Cache: cache, Clock: testingclock.NewFakePassiveClock(now), State: metrics.NewState(), Log: log}
		registry := prometheus.NewRegistry()
		registry.MustRegister(c)
		go func() { _ = c.Start(t.Context()) }()
		synctest.Wait()
		want := map[string]float64{
			`paylink_stripe_events{phase="Parked"}`: 1, `paylink_stripe_events{phase="Applied"}`: 0, `paylink_stripe_events{phase="Expired"}`: 0,
			`paylink_stripe_events{phase="Orphaned"}`: 0, `paylink_stripe_events{phase="Closed"}`: 0,
			`paylink_orphan_payments{livemode="true"}`: 0, `paylink_orphan_payments{livemode="false"}`: 0,
			"paylink_stripe_events_oldest_parked_seconds": 3600,
		}
		if diff := cmp.Diff(want, scrape.Metrics(t, registry)); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(logged.String(), "Collect the state of orders") {
			t.Errorf("logged %q", logged.String())
		}
	})
}
