// Package statemetrics reports the orders and kept events there are, as metrics.
package statemetrics

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/sets"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
)

// Collector reports the orders and kept events there are, when it is scraped and from the cache alone. Only the
// leader reports, so that a sum over replicas counts nothing twice: it is a Runnable that needs leader election.
type Collector struct {
	// Orders tells of orders.
	Orders cache.Informers
	// Cache lists kept events, of which there are few.
	Cache client.Reader
	Clock clock.PassiveClock
	State metrics.State
	Log   logr.Logger

	// counted are the orders; nil: this replica does not lead, or has not counted them all yet.
	counted atomic.Pointer[census]
}

// scrapeTimeout bounds one collection; the cache answers in far less.
const scrapeTimeout = 10 * time.Second

// NeedLeaderElection says that only the leader reports.
func (c *Collector) NeedLeaderElection() bool { return true }

// Start reports until the context ends.
func (c *Collector) Start(ctx context.Context) error {
	informer, err := c.Orders.GetInformer(ctx, &v1alpha1.Order{})
	if err != nil {
		return fmt.Errorf("count orders: %w", err)
	}
	counted := newCensus()
	registration, err := informer.AddEventHandler(counted)
	if err != nil {
		return fmt.Errorf("count orders: %w", err)
	}
	if toolscache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		c.counted.Store(counted)
		defer c.counted.Store(nil)
		<-ctx.Done()
	}
	if err := informer.RemoveEventHandler(registration); err != nil {
		return fmt.Errorf("count orders no more: %w", err)
	}
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
	counted := c.counted.Load()
	if counted == nil {
		return
	}
	c.collectOrders(counted, out)
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if err := c.collectEvents(ctx, out); err != nil {
		c.Log.Error(err, "Collect the state of kept events")
	}
}

func (c *Collector) collectOrders(counted *census, out chan<- prometheus.Metric) {
	counted.report(func(state orderState, n int) {
		out <- prometheus.MustNewConstMetric(c.State.Orders, prometheus.GaugeValue, float64(n), string(state.phase), strconv.FormatBool(state.live))
	}, func(reason string, n int) {
		out <- prometheus.MustNewConstMetric(c.State.Attention, prometheus.GaugeValue, float64(n), reason)
	})
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
