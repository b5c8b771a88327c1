package metrics_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/test/scrape"
)

// TestEndpointReset: who does not lead reports nothing, and neither does who leads no more.
func TestEndpointReset(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := metrics.NewEndpoint(registry)
	if got := scrape.Metrics(t, registry); len(got) != 0 {
		t.Errorf("at first: %v", got)
	}
	m.OK.WithLabelValues(metrics.EndpointExists).Set(1)
	m.Checked.WithLabelValues().Set(1)
	if got := scrape.Metrics(t, registry); len(got) != 2 {
		t.Errorf("then: %v", got)
	}
	m.Reset()
	if got := scrape.Metrics(t, registry); len(got) != 0 {
		t.Errorf("at last: %v", got)
	}
}

// TestManualOfEndpoint: docs/endpoint.md explains each check, and names no metric that is not there.
func TestManualOfEndpoint(t *testing.T) {
	manual, err := os.ReadFile("../../docs/endpoint.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []string{
		metrics.EndpointExists, metrics.EndpointEnabled, metrics.EndpointEvents, metrics.EndpointMode, metrics.EndpointAPIVersion, metrics.EndpointSecret,
	} {
		if !strings.Contains(string(manual), "\n| `"+check+"` |") {
			t.Errorf("%s is not explained", check)
		}
	}
	text := scrape.Text(t, all(t))
	for _, name := range regexp.MustCompile(`paylink_\w+`).FindAllString(string(manual), -1) {
		if !strings.Contains(text, "# HELP "+name+" ") {
			t.Errorf("there is no %s", name)
		}
	}
}
