package metrics_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/scrape"
)

// state is a collector with one sample of each state gauge.
type state struct{ metrics.State }

func (s state) Describe(descs chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, descs) }

func (s state) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(s.Orders, prometheus.GaugeValue, 1, "Paid", "true")
	out <- prometheus.MustNewConstMetric(s.Attention, prometheus.GaugeValue, 1, "Disputed")
	out <- prometheus.MustNewConstMetric(s.StripeEvents, prometheus.GaugeValue, 1, "Parked")
	out <- prometheus.MustNewConstMetric(s.Orphans, prometheus.GaugeValue, 1, "true")
	out <- prometheus.MustNewConstMetric(s.OldestParked, prometheus.GaugeValue, 1)
}

// all returns a registry with a sample of every metric.
func all(t *testing.T) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	webhook, ledger, controller := metrics.NewWebhook(registry), metrics.NewLedger(registry), metrics.NewController(registry)
	checkout, stripe := metrics.NewCheckout(registry), metrics.NewStripeAPI(registry)
	registry.MustRegister(state{metrics.NewState()})
	webhook.Events.WithLabelValues(metrics.TypeOther, metrics.ResultIgnored).Inc()
	webhook.Failures.WithLabelValues(metrics.FailureSignature).Inc()
	webhook.Duration.WithLabelValues().Observe(0.1)
	webhook.DeliveryLag.Observe(1)
	ledger.LiveReads.WithLabelValues("found").Inc()
	controller.ExpiredEvents.WithLabelValues("charge.refunded").Inc()
	checkout.Requests.WithLabelValues("/api/orders", "201").Inc()
	checkout.Duration.WithLabelValues("/api/orders").Observe(0.1)
	checkout.Limited.WithLabelValues(metrics.LimitAddress).Inc()
	checkout.Orders.WithLabelValues("api").Inc()
	stripe.WithLabelValues("checkout.sessions.retrieve", "200").Inc()
	backfill, reconciliation, endpoint := metrics.NewBackfill(registry), metrics.NewReconciliation(registry), metrics.NewEndpoint(registry)
	backfill.Found.WithLabelValues("charge.refunded", "applied").Inc()
	reconciliation.Missing.WithLabelValues("charge.refunded").Inc()
	endpoint.OK.WithLabelValues(metrics.EndpointExists).Set(1)
	for _, gauge := range []*prometheus.GaugeVec{backfill.Gap, backfill.LastSuccess, backfill.Undelivered, reconciliation.Compared, reconciliation.Disagreements, reconciliation.LastSuccess, endpoint.Checked} {
		gauge.WithLabelValues().Set(1)
	}
	metrics.RegisterWebhookSecrets(registry, uses{"live": time.Unix(1760000061, 0)}.All)
	metrics.RegisterStripeAPIKeys(registry, uses{"1": time.Unix(1760000061, 0)}.All)
	metrics.RegisterBuild(registry, metrics.Build{Version: "v1.2.3", Commit: "bfd35c7", Date: "2026-11-25T21:38:38Z", GoVersion: "go1.26"})
	return registry
}

// TestNames: dashboards and alerts depend on the names.
func TestNames(t *testing.T) {
	want := strings.Fields(`
		paylink_backfill_found_total paylink_backfill_gap_seconds paylink_backfill_last_success_timestamp_seconds
		paylink_backfill_undelivered_events paylink_backfill_unreadable_total
		paylink_build_info
		paylink_checkout_duration_seconds paylink_checkout_limited_total paylink_checkout_orders_created_total paylink_checkout_requests_total
		paylink_ledger_conflicts_total paylink_ledger_invalid_total paylink_ledger_live_reads_total paylink_ledger_writes_total
		paylink_orders paylink_orders_expired_total paylink_orders_needing_attention paylink_orphan_payments
		paylink_reconciliation_compared_sessions paylink_reconciliation_disagreements paylink_reconciliation_last_success_timestamp_seconds paylink_reconciliation_missing_total
		paylink_stripe_api_key_last_used_timestamp_seconds paylink_stripe_api_requests_total
		paylink_stripe_endpoint_checked_timestamp_seconds paylink_stripe_endpoint_ok
		paylink_stripe_events paylink_stripe_events_expired_total paylink_stripe_events_foreign_total paylink_stripe_events_oldest_parked_seconds
		paylink_webhook_delivery_lag_seconds paylink_webhook_duration_seconds paylink_webhook_events_total
		paylink_webhook_failures_total paylink_webhook_in_flight paylink_webhook_last_event_timestamp_seconds
		paylink_webhook_secret_last_verified_timestamp_seconds`)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(scrape.Help(t, all(t))))); diff != "" {
		t.Error(diff)
	}
}

// TestLint checks names, units and help texts against the rules of Prometheus.
func TestLint(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape.Text(t, all(t)))).Lint()
	check.Must(t, err)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestHelp: every help text has at least one sentence.
func TestHelp(t *testing.T) {
	for name, help := range scrape.Help(t, all(t)) {
		if len(strings.Fields(help)) < 5 || !regexp.MustCompile(`^[A-Z].*\.$`).MatchString(help) {
			t.Errorf("%s: got help %q, want a sentence", name, help)
		}
	}
}

// TestHelpOfReasons: the help text explains the labels on which an operator can act.
func TestHelpOfReasons(t *testing.T) {
	help := scrape.Help(t, all(t))
	for metric, reasons := range map[string][]string{
		"paylink_webhook_failures_total": {
			metrics.FailureSignature, metrics.FailureStale, metrics.FailureFuture, metrics.FailureOverloaded, metrics.FailureDeadline,
			metrics.FailureConflict, metrics.FailureAPIServer, metrics.FailureInternal,
		},
		"paylink_checkout_limited_total":        {metrics.LimitAddress, metrics.LimitToken, metrics.LimitBuyAddress, metrics.LimitBuyOpen, "--trusted-proxies", "--public-orders-open"},
		"paylink_checkout_requests_total":       {"paylink_checkout_limited_total"},
		"paylink_checkout_orders_created_total": {v1alpha1.CheckoutAPI, v1alpha1.CheckoutPublic},
		"paylink_stripe_api_requests_total":     {"401", "403", "429"},
		"paylink_stripe_endpoint_ok": {
			metrics.EndpointExists, metrics.EndpointEnabled, metrics.EndpointEvents, metrics.EndpointMode, metrics.EndpointAPIVersion, metrics.EndpointSecret,
			"--manage-webhook-endpoint",
		},
	} {
		for _, reason := range reasons {
			if !regexp.MustCompile(`(^|[ ,:.])` + regexp.QuoteMeta(reason) + `([ ,:.]|$)`).MatchString(help[metric]) {
				t.Errorf("%s: got help %q, want an explanation of %s", metric, help[metric], reason)
			}
		}
	}
}

// TestBuild: the labels distinguish the builds of two servers.
func TestBuild(t *testing.T) {
	const want = `paylink_build_info{commit="bfd35c7",date="2026-11-25T21:38:38Z",go_version="go1.26",version="v1.2.3"}`
	if got := scrape.Metrics(t, all(t))[want]; got != 1 {
		t.Errorf("%s: got %v, want 1", want, got)
	}
}
