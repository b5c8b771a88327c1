// Package scrape reads metrics in tests as Prometheus does.
package scrape

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics returns every sample by its name and labels, such as `paylink_orders{livemode="true",phase="Paid"}`.
// Buckets are left out.
func Metrics(t testing.TB, gatherer prometheus.Gatherer) map[string]float64 {
	t.Helper()
	return Samples(t, Text(t, gatherer))
}

// Samples is Metrics for the text of a server.
func Samples(t testing.TB, text string) map[string]float64 {
	t.Helper()
	samples := map[string]float64{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") || strings.Contains(line, "_bucket{") {
			continue
		}
		end := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		samples[line[:end]] = value
	}
	return samples
}

// Help returns the help text of every metric by its name.
func Help(t testing.TB, gatherer prometheus.Gatherer) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, line := range strings.Split(Text(t, gatherer), "\n") {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			texts[name] = help
		}
	}
	return texts
}

// Text returns the metrics as they are served.
func Text(t testing.TB, gatherer prometheus.Gatherer) string {
	t.Helper()
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("scrape: %d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}
