package chart_test

import (
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// alert has the fields of an alert that are compared.
type alert struct {
	Alert string `json:"alert"`
	Expr  string `json:"expr"`
	For   string `json:"for"`
}

// rules has the fields of a PrometheusRule that are compared.
type rules struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		Groups []struct {
			Name  string  `json:"name"`
			Rules []alert `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

// TestAlertsOfTheDocs are those that the chart installs.
func TestAlertsOfTheDocs(t *testing.T) {
	var installed rules
	objects := chart.NewHelm(t, "helm4", "").Render("metrics: {prometheusRule: {enabled: true}}")
	content, err := objects.Of("PrometheusRule")[0].MarshalJSON()
	check.Must(t, err)
	check.Must(t, yaml.Unmarshal(content, &installed))
	there := map[string]alert{}
	for _, a := range installed.Spec.Groups[0].Rules {
		there[a.Alert] = a
	}
	documented := 0
	for _, page := range []string{"docs/stripe-api.md", "docs/endpoint.md"} {
		for _, block := range regexp.MustCompile("(?s)```yaml\n(- alert: .*?)```").FindAllStringSubmatch(chart.Read(t, page), -1) {
			var alerts []alert
			check.Must(t, yaml.UnmarshalStrict([]byte(block[1]), &alerts))
			for _, a := range alerts {
				documented++
				if there[a.Alert] != a {
					t.Errorf("%s: got alert %+v, want %+v of the chart", page, a, there[a.Alert])
				}
			}
		}
	}
	if documented < 6 {
		t.Errorf("got %d alerts in the docs, want 6 or more", documented)
	}
	// A metric of another name would never alert.
	defined := chart.Read(t, "internal/metrics/state.go") + chart.Read(t, "internal/metrics/webhook.go")
	for _, name := range []string{"orders_needing_attention", "stripe_events", "failures_total"} {
		if !strings.Contains(defined, `"`+name+`"`) {
			t.Errorf("got no metric %s", name)
		}
	}
}
