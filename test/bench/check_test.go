package main

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

func TestRatios(t *testing.T) {
	got := ratios(made())
	for name, want := range map[string]float64{
		"webhook/concurrency=32/rate": 0.8996, "webhook/concurrency=32/p50": 1.3, "webhook/concurrency=32/cpu": 0.243,
		"event/charge.refunded.full/time": 1.156, "event/charge.refunded.full/allocs": 1.76,
		"scale/orders=1000-100000/rate": 860.0 / 900, "scale/orders=1000-100000/p99": 80.0 / 60,
		"scale/orders=100000/webhookserver-bytes": 1900, "scale/orders=100000/controller-bytes": 2100,
		"wave/replicas=2/lost": 0, "wave/replicas=2/other": 0,
	} {
		if value, ok := got[name]; !ok || math.Abs(value-want) > 1e-9 {
			t.Errorf("%s: got %v, want %v", name, value, want)
		}
	}
	if len(got) != 18 { // two concurrencies of 3, two events of 2, 4 of scale, two waves of 2
		t.Errorf("got %d ratios, want 18: %v", len(got), got)
	}
}

func TestCheckAgainst(t *testing.T) {
	run := func(change func(*Results)) *Results {
		r := &Results{Webhook: made().Webhook[1:], Waves: made().Waves[:1]}
		change(r)
		return r
	}
	baseline := newBaseline([]*Results{run(func(*Results) {})})
	for name, test := range map[string]struct {
		change func(*Results)
		want   []string // words of each complaint
	}{
		"the same":          {func(*Results) {}, nil},
		"slower a little":   {func(r *Results) { r.Webhook[0].RateRatio *= 0.98 }, nil},
		"slower":            {func(r *Results) { r.Webhook[0].RateRatio *= 0.96 }, []string{"webhook/concurrency=32/rate is 0.8636. The baseline is 0.8996 with a tolerance of 3 %, so 0.8726 would do."}},
		"faster":            {func(r *Results) { r.Webhook[0].RateRatio *= 2 }, nil},
		"latency is worse":  {func(r *Results) { r.Webhook[0].P50Ratio *= 1.04 }, []string{"webhook/concurrency=32/p50 is 1.352."}},
		"latency is better": {func(r *Results) { r.Webhook[0].P50Ratio *= 0.5 }, nil},
		"more CPU":          {func(r *Results) { r.Webhook[0].Paylink.CPU["webhookserver"] *= 2 }, []string{"webhook/concurrency=32/cpu is 0.486."}},
		"all times doubled": {func(r *Results) { r.Webhook[0].Paylink.P50 *= 2; r.Webhook[0].Ceiling.P50 *= 2 }, nil},
		"one lost":          {func(r *Results) { r.Waves[0].Lost = 1 }, []string{"wave/replicas=1/lost is 1. The baseline is 0"}},
		"two things":        {func(r *Results) { r.Waves[0].Other, r.Webhook[0].P50Ratio = 1, 9 }, []string{"wave/replicas=1/other is 1", "p50 is 9"}},
		"not measured":      {func(r *Results) { r.Webhook[0].Paylink.CPU = nil }, []string{"webhook/concurrency=32/cpu was not measured, but the baseline has it"}},
		"not in the baseline": {func(r *Results) { r.Webhook = append(r.Webhook, WebhookRow{Concurrency: 8, RateRatio: 1, P50Ratio: 2}) },
			[]string{"webhook/concurrency=8/p50 is 2, but the baseline does not have it", "webhook/concurrency=8/rate is 1, but the baseline does not have it"}},
	} {
		got := checkAgainst(baseline, run(test.change))
		if len(got) != len(test.want) {
			t.Errorf("%s: got complaints %q, want %q", name, got, test.want)
			continue
		}
		for _, words := range test.want {
			if !slices.ContainsFunc(got, func(complaint string) bool {
				return strings.Contains(complaint, words) && strings.Contains(complaint, "`make bench-baseline`")
			}) {
				t.Errorf("%s: got complaints %q, want %q", name, got, words)
			}
		}
	}
}

// TestBaseline: it is the median of some runs, with a tolerance as wide as they differ, and is read as it was written.
func TestBaseline(t *testing.T) {
	var runs []*Results
	for i, rate := range []float64{0.93, 0.91, 0.92, 0.98, 0.92} {
		r := &Results{Webhook: []WebhookRow{{Concurrency: 1, RateRatio: rate, P50Ratio: 10.0 / 9}}, Waves: []Wave{{Replicas: 1, Lost: 2}}}
		if i > 0 { // only a ratio of every run is in the baseline
			r.Events = made().Events[:2]
		}
		runs = append(runs, r)
	}
	want := []Ratio{
		{Name: "wave/replicas=1/lost"}, // though every run lost two
		{Name: "wave/replicas=1/other"},
		{Name: "webhook/concurrency=1/p50", Value: 1.111, Tolerance: 0.03},
		{Name: "webhook/concurrency=1/rate", Value: 0.92, Tolerance: 0.1957, Higher: true}, // 3 x 0.06 / 0.92
	}
	got := newBaseline(runs)
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	file := filepath.Join(t.TempDir(), "baseline.json")
	if _, err := readBaseline(file); err == nil || !strings.Contains(err.Error(), "make bench-baseline") {
		t.Errorf("missing baseline: got error %v", err)
	}
	check.Must(t, writeBaseline(file, got))
	if read, err := readBaseline(file); err != nil || !slices.Equal(read, got) {
		t.Errorf("got %+v from the file, %v, want %+v", read, err, got)
	}
}
