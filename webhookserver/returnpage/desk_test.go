package returnpage

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/scrape"
)

// listed is a Stripe that counts how often it is asked for what.
type listed struct {
	answer func(ctx context.Context, id string) (stripeclient.Session, error)

	mu    sync.Mutex
	asked []string
}

func (l *listed) Session(ctx context.Context, id string) (stripeclient.Session, error) {
	l.mu.Lock()
	l.asked = append(l.asked, id)
	l.mu.Unlock()
	return l.answer(ctx, id)
}

// Sees all but what is live.
func (l *listed) Sees(id string) bool { return !strings.HasPrefix(id, "cs_live_") }

func (l *listed) calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asked)
}

// always answers every question like this.
func always(s stripeclient.Session, err error) *listed {
	return &listed{answer: func(context.Context, string) (stripeclient.Session, error) { return s, err }}
}

// desk is inquiries of a Stripe, with a clock that stands still.
type desk struct {
	*Inquiries
	clock    *testingclock.FakePassiveClock
	registry *prometheus.Registry
	lines    []string
}

func inquire(s Stripe) *desk {
	d := &desk{clock: testingclock.NewFakePassiveClock(now), registry: prometheus.NewRegistry()}
	log := funcr.New(func(_, args string) { d.lines = append(d.lines, args) }, funcr.Options{})
	d.Inquiries = NewInquiries(s, metrics.NewBuyer(d.registry), d.clock, log)
	return d
}

func (d *desk) pass(by time.Duration) { d.clock.SetTime(d.clock.Now().Add(by)) }

func (d *desk) limited(t *testing.T) map[string]float64 {
	t.Helper()
	limited := map[string]float64{}
	for sample, value := range scrape.Metrics(t, d.registry) {
		if name, ok := strings.CutPrefix(sample, `paylink_checkout_limited_total{limit="`); ok {
			limited[strings.TrimSuffix(name, `"}`)] = value
		}
	}
	return limited
}

// buyer is a client of an address of its own.
func buyer(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 32)
}
