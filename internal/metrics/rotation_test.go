package metrics_test

import (
	"iter"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/scrape"
)

// uses maps the name of each secret to the time of its last use.
type uses map[string]time.Time

func (u uses) All() iter.Seq2[string, time.Time] { return maps.All(u) }

// TestLastUse: a scrape shows every present secret once, and an unused secret as 0.
func TestLastUse(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	secrets := uses{"live": {}}
	metrics.RegisterWebhookSecrets(registry, secrets.All)
	expect := func(want ...string) {
		t.Helper()
		got := regexp.MustCompile(`(?m)^paylink_.*$`).FindAllString(scrape.Text(t, registry), -1)
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(got))); diff != "" {
			t.Errorf("series (-want +got): %s", diff)
		}
	}
	const series = "paylink_webhook_secret_last_verified_timestamp_seconds"
	expect(series + `{secret="live"} 0`)
	secrets["live"] = time.Unix(1760000061, 250e6)
	secrets["live/2"] = time.Time{}
	expect(series+`{secret="live"} 1.76000006125e+09`, series+`{secret="live/2"} 0`)
	delete(secrets, "live")
	expect(series + `{secret="live/2"} 0`)
	delete(secrets, "live/2")
	expect()
}

// TestManual: the metrics in docs/rotation.md exist, with their labels.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/rotation.md")
	check.Must(t, err)
	text := scrape.Text(t, all(t))
	named := regexp.MustCompile(`paylink_\w+`).FindAllString(string(manual), -1)
	if len(named) < 5 {
		t.Errorf("got metrics %q in the manual, want at least 5", named)
	}
	for _, name := range named {
		if !strings.Contains(text, "# HELP "+name+" ") {
			t.Errorf("got no metric %s, want it as in the manual", name)
		}
	}
	for _, query := range regexp.MustCompile(`by \((?:job, )?(\w+)\) \((\w+)`).FindAllStringSubmatch(string(manual), -1) {
		if !strings.Contains(text, query[2]+"{"+query[1]+"=") {
			t.Errorf("got no label %[2]s of %[1]s, want it as in the manual", query[2], query[1])
		}
	}
}
