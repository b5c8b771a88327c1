package reconciliation_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stack"
)

// Metrics of the servers.
const (
	writes        = "paylink_ledger_writes_total"
	foundTotal    = "paylink_backfill_found_total"
	foreign       = "paylink_stripe_events_foreign_total"
	orphans       = `paylink_orphan_payments{livemode="false"}`
	missingTotal  = "paylink_audit_missing_total"
	disagreements = "paylink_audit_disagreements"
	audited       = "paylink_audit_last_success_timestamp_seconds"
)

// metrics are a server's, by name and labels.
func (s *shop) metrics(server *stack.Server) map[string]float64 {
	s.T.Helper()
	text, err := server.Scrape(s.Ctx)
	s.must(err)
	return scrape.Samples(s.T, text)
}

// byType are the samples of a server's metric by their label type, whatever the others, but for those of 0.
func (s *shop) byType(server *stack.Server, metric string) map[string]float64 {
	s.T.Helper()
	values := map[string]float64{}
	for series, value := range s.metrics(server) {
		if labels, is := strings.CutPrefix(series, metric+"{"); is && value > 0 {
			_, after, _ := strings.Cut(labels, `type="`)
			eventType, _, _ := strings.Cut(after, `"`)
			values[eventType] += value
		}
	}
	return values
}

// awaitMetric waits until a server's metric is as wanted.
func (s *shop) awaitMetric(server *stack.Server, series string, is func(float64) bool) (value float64) {
	s.T.Helper()
	s.Eventually("the metric is as wanted", func(ctx context.Context) (bool, error) {
		text, err := server.Scrape(ctx)
		if err != nil {
			return false, err
		}
		value = scrape.Samples(s.T, text)[series]
		return is(value), fmt.Errorf("%s is %f", series, value)
	})
	return value
}

func equals(want float64) func(float64) bool { return func(got float64) bool { return got == want } }

// state is what the controller keeps of Stripe's books, and at which version of the cluster; nil where it keeps nothing.
func (s *shop) state(ctx context.Context) (map[string]string, string, error) {
	var kept corev1.ConfigMap
	err := s.Paylink.Client.Get(ctx, client.ObjectKey{Namespace: s.Paylink.Namespace, Name: "paylink-stripe-test"}, &kept)
	return kept.Data, kept.ResourceVersion, client.IgnoreNotFound(err)
}

// readUntil is before which time every event is applied or kept, by what the controller says.
func (s *shop) readUntil() time.Time {
	s.T.Helper()
	kept, _, err := s.state(s.Ctx)
	s.must(err)
	until, err := time.Parse(time.RFC3339, kept["events-read-until"])
	s.must(err)
	return until
}

// awaitRead waits until the controller has read all events that there are now.
func (s *shop) awaitRead() {
	s.T.Helper()
	events := s.Stripe.Events()
	last := events[len(events)-1].Created
	s.Eventually("the controller has read all events", func(ctx context.Context) (bool, error) {
		kept, _, err := s.state(ctx)
		if err != nil {
			return false, err
		}
		until, err := time.Parse(time.RFC3339, kept["events-read-until"])
		return err == nil && until.After(last), fmt.Errorf("it read until %s of %s", until, last)
	})
}
