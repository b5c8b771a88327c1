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
	missingTotal  = "paylink_reconciliation_missing_total"
	disagreements = "paylink_reconciliation_disagreements"
	reconciled    = "paylink_reconciliation_last_success_timestamp_seconds"
)

// byType sums the samples of a server's metric by their label type, without those of 0.
func (s *fixture) byType(server *stack.Server, metric string) map[string]float64 {
	s.T.Helper()
	values := map[string]float64{}
	for series, value := range s.Samples(server) {
		if labels, is := strings.CutPrefix(series, metric+"{"); is && value > 0 {
			_, after, _ := strings.Cut(labels, `type="`)
			eventType, _, _ := strings.Cut(after, `"`)
			values[eventType] += value
		}
	}
	return values
}

// awaitMetric waits until a condition holds for a server's metric.
func (s *fixture) awaitMetric(server *stack.Server, series string, is func(float64) bool) (value float64) {
	s.T.Helper()
	s.Eventually(series+" has its value", func(ctx context.Context) (bool, error) {
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

// state is the data of the controller's ConfigMap, and its resourceVersion; nil: there is none.
func (s *fixture) state(ctx context.Context) (map[string]string, string, error) {
	var kept corev1.ConfigMap
	err := s.Stack.Client.Get(ctx, client.ObjectKey{Namespace: s.Stack.Namespace, Name: "paylink-stripe-test"}, &kept)
	return kept.Data, kept.ResourceVersion, client.IgnoreNotFound(err)
}

// readUntil is the time until which the controller has read Stripe's events.
func (s *fixture) readUntil() time.Time {
	s.T.Helper()
	kept, _, err := s.state(s.Ctx)
	s.Must(err)
	until, err := time.Parse(time.RFC3339, kept["events-read-until"])
	s.Must(err)
	return until
}

// awaitRead waits until the controller has read all events of now.
func (s *fixture) awaitRead() {
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
