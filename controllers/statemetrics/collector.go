// Package statemetrics reports the numbers of orders and StripeEvents as metrics.
package statemetrics

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
	"github.com/paylink-dev/paylink/internal/ordercache"
)

// OrderCounter counts the orders of each state. It returns false until it knows all orders. *ordercache.Cache implements it.
type OrderCounter interface {
	Counts() (map[ordercache.State]int, bool)
}

// Collector reports the number of orders and StripeEvents when it is scraped, from the cache alone. Only the leader
// reports, so that a sum over replicas counts nothing twice: it is a Runnable that needs leader election.
type Collector struct {
	// Orders counts orders by OrderState.
	Orders OrderCounter
	// Cache lists StripeEvents. There are few.
	Cache client.Reader
	Clock clock.PassiveClock
	State metrics.State
	Log   logr.Logger

	leads atomic.Bool
}

// scrapeTimeout bounds one collection; the cache answers in far less.
const scrapeTimeout = 10 * time.Second

// NeedLeaderElection limits the collector to the leader.
func (c *Collector) NeedLeaderElection() bool { return true }

// Start reports until the context ends.
func (c *Collector) Start(ctx context.Context) error {
	c.leads.Store(true)
	defer c.leads.Store(false)
	<-ctx.Done()
	return nil
}

// Describe sends the descriptions of the gauges.
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.State.Orders
	descs <- c.State.Attention
	descs <- c.State.StripeEvents
	descs <- c.State.Orphans
	descs <- c.State.OldestParked
}

// Collect sends the gauges as they are now.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	if !c.leads.Load() {
		return
	}
	states, ok := c.Orders.Counts()
	if !ok {
		return // the number of some orders would look like a loss of the others
	}
	c.collectOrders(countOrders(states), out)
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if err := c.collectEvents(ctx, out); err != nil {
		c.Log.Error(err, "Cannot list StripeEvents")
	}
}

func (c *Collector) collectOrders(counts orderCounts, out chan<- prometheus.Metric) {
	for key, n := range counts.byPhase {
		out <- prometheus.MustNewConstMetric(c.State.Orders, prometheus.GaugeValue, float64(n), string(key.phase), strconv.FormatBool(key.live))
	}
	for reason, n := range counts.byAttention {
		out <- prometheus.MustNewConstMetric(c.State.Attention, prometheus.GaugeValue, float64(n), reason)
	}
}

func (c *Collector) collectEvents(ctx context.Context, out chan<- prometheus.Metric) error {
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
		if phase == v1alpha1.StripeEventOrphaned && event.Spec.Fact.Session != nil {
			orphans[event.Spec.Fact.Livemode].Insert(event.Spec.Fact.Session.ID)
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
