package controllers

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
)

// StateCollector reports the orders and kept events there are, when it is scraped and from the cache alone. Only the
// leader reports, so that a sum over replicas counts nothing twice: it is a Runnable that needs leader election.
type StateCollector struct {
	Cache client.Reader
	Clock clock.PassiveClock
	State metrics.State
	Log   logr.Logger

	leading atomic.Bool
}

// scrapeTimeout bounds one collection; the cache answers in far less.
const scrapeTimeout = 10 * time.Second

// NeedLeaderElection says that only the leader reports.
func (c *StateCollector) NeedLeaderElection() bool { return true }

// Start reports until the context ends.
func (c *StateCollector) Start(ctx context.Context) error {
	c.leading.Store(true)
	defer c.leading.Store(false)
	<-ctx.Done()
	return nil
}

// Describe sends the descriptions of the gauges.
func (c *StateCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.State.Orders
	descs <- c.State.Attention
	descs <- c.State.StripeEvents
	descs <- c.State.Orphans
	descs <- c.State.OldestParked
}

// Collect sends the gauges as they are now.
func (c *StateCollector) Collect(out chan<- prometheus.Metric) {
	if !c.leading.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if err := c.collectOrders(ctx, out); err != nil {
		c.Log.Error(err, "Collect the state of orders")
	}
	if err := c.collectEvents(ctx, out); err != nil {
		c.Log.Error(err, "Collect the state of kept events")
	}
}

func (c *StateCollector) collectOrders(ctx context.Context, out chan<- prometheus.Metric) error {
	var orders v1alpha1.OrderList
	if err := c.Cache.List(ctx, &orders, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	type kind struct {
		phase v1alpha1.OrderPhase
		live  bool
	}
	counts := map[kind]int{}
	for _, phase := range []v1alpha1.OrderPhase{v1alpha1.OrderPending, v1alpha1.OrderPaid, v1alpha1.OrderFailed, v1alpha1.OrderRefunded} {
		counts[kind{phase, true}], counts[kind{phase, false}] = 0, 0
	}
	attention := map[string]int{}
	for _, reason := range attentionReasons {
		attention[reason] = 0
	}
	for i := range orders.Items {
		order := &orders.Items[i]
		phase := order.Status.Phase
		if phase == "" {
			phase = v1alpha1.OrderPending
		}
		counts[kind{phase, order.Live()}]++
		for _, need := range needs(order) {
			attention[need.Reason]++
		}
	}
	for k, n := range counts {
		out <- prometheus.MustNewConstMetric(c.State.Orders, prometheus.GaugeValue, float64(n), string(k.phase), strconv.FormatBool(k.live))
	}
	for reason, n := range attention {
		out <- prometheus.MustNewConstMetric(c.State.Attention, prometheus.GaugeValue, float64(n), reason)
	}
	return nil
}

// attentionReasons are reported even at 0, so that an alert on their growth sees the first one.
var attentionReasons = []string{
	v1alpha1.ReasonPaymentMismatch, v1alpha1.ReasonModeMismatch, v1alpha1.ReasonDuplicatePayment, v1alpha1.ReasonDisputed,
	v1alpha1.ReasonRefundFailed, v1alpha1.ReasonPaidAfterExpiry, v1alpha1.ReasonTooManyPayments,
}

func (c *StateCollector) collectEvents(ctx context.Context, out chan<- prometheus.Metric) error {
	var events v1alpha1.StripeEventList
	if err := c.Cache.List(ctx, &events, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	counts := map[v1alpha1.StripeEventPhase]int{}
	for _, phase := range []v1alpha1.StripeEventPhase{
		v1alpha1.StripeEventParked, v1alpha1.StripeEventApplied, v1alpha1.StripeEventExpired, v1alpha1.StripeEventOrphaned, v1alpha1.StripeEventClosed,
	} {
		counts[phase] = 0
	}
	orphans := map[bool]sets.Set[string]{true: {}, false: {}} // several events may speak of one session
	var oldest time.Duration
	for i := range events.Items {
		event := &events.Items[i]
		phase := event.Status.Phase
		if phase == "" {
			phase = v1alpha1.StripeEventParked
		}
		counts[phase]++
		if phase == v1alpha1.StripeEventOrphaned && event.Spec.Session != nil {
			orphans[event.Spec.Livemode].Insert(event.Spec.Session.ID)
		}
		if phase == v1alpha1.StripeEventParked {
			oldest = max(oldest, c.Clock.Since(event.CreationTimestamp.Time))
		}
	}
	for phase, n := range counts {
		out <- prometheus.MustNewConstMetric(c.State.StripeEvents, prometheus.GaugeValue, float64(n), string(phase))
	}
	for live, sessions := range orphans {
		out <- prometheus.MustNewConstMetric(c.State.Orphans, prometheus.GaugeValue, float64(len(sessions)), strconv.FormatBool(live))
	}
	out <- prometheus.MustNewConstMetric(c.State.OldestParked, prometheus.GaugeValue, oldest.Seconds())
	return nil
}
