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
	"github.com/paylink-dev/paylink/test/scrape"
)

// uses are secrets by name, and when each was last good for something.
type uses map[string]time.Time

func (u uses) All() iter.Seq2[string, time.Time] { return maps.All(u) }

// TestLastUse: a scrape shows the secrets of now, each once, and those that were good for nothing at 0.
func TestLastUse(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	secrets := uses{"live": {}}
	metrics.RegisterWebhookSecrets(registry, secrets.All)
	shows := func(want ...string) {
		t.Helper()
		got := regexp.MustCompile(`(?m)^paylink_.*$`).FindAllString(scrape.Text(t, registry), -1)
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(got))); diff != "" {
			t.Error(diff)
		}
	}
	const series = "paylink_webhook_secret_last_verified_timestamp_seconds"
	shows(series + `{secret="live"} 0`)
	secrets["live"] = time.Unix(1760000061, 250e6)
	secrets["live/2"] = time.Time{}
	shows(series+`{secret="live"} 1.76000006125e+09`, series+`{secret="live/2"} 0`)
	delete(secrets, "live")
	shows(series + `{secret="live/2"} 0`)
	delete(secrets, "live/2")
	shows()
}

// TestManual: the metrics that docs/rotation.md has its reader look at are there, with their labels.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/rotation.md")
	if err != nil {
		t.Fatal(err)
	}
	text := scrape.Text(t, all(t))
	named := regexp.MustCompile(`paylink_\w+`).FindAllString(string(manual), -1)
	if len(named) < 5 {
		t.Errorf("it names %q alone", named)
	}
	for _, name := range named {
		if !strings.Contains(text, "# HELP "+name+" ") {
			t.Errorf("there is no %s", name)
		}
	}
	for _, query := range regexp.MustCompile(`by \((?:job, )?(\w+)\) \((\w+)`).FindAllStringSubmatch(string(manual), -1) {
		if !strings.Contains(text, query[2]+"{"+query[1]+"=") {
			t.Errorf("%s has no label %s", query[2], query[1])
		}
	}
}
