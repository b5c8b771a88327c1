package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/check"
)

// made is a run with some of everything, in which a few targets are missed.
func made() *Results {
	cpu := func(paylink, apiserver int) map[string]time.Duration {
		return map[string]time.Duration{
			"webhookserver": time.Duration(paylink) * time.Microsecond, "kube-apiserver": time.Duration(apiserver) * time.Microsecond,
			"etcd": 200 * time.Microsecond, "controller": 100 * time.Microsecond, "bench": 150 * time.Microsecond,
		}
	}
	r := &Results{
		Machine: Machine{CPU: "Example | 9000", Kernel: "6.1.0", OS: "Some Linux 1", Go: "go1.26.8", Kubernetes: "v1.37.2", Etcd: "v3.7.3", Cores: 2,
			Memory: 8 * gib, Date: time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC), Commit: "0123456789ab-dirty"},
		Webhook: []WebhookRow{
			{Concurrency: 1, Paylink: Side{Rate: 310.4, P50: 3200 * time.Microsecond, P99: 5 * time.Millisecond, CPU: cpu(400, 1100)},
				Ceiling: Side{Rate: 340, P50: 2900 * time.Microsecond, P99: 5 * time.Millisecond, CPU: cpu(90, 1000)}, RateRatio: 0.913, P50Ratio: 1.103},
			{Concurrency: 32, Paylink: Side{Rate: 1234.6, P50: 26 * time.Millisecond, P99: 61 * time.Millisecond, CPU: cpu(243, 1000)},
				Ceiling: Side{Rate: 1402, P50: 20 * time.Millisecond, P99: 50 * time.Millisecond, CPU: cpu(80, 1000)}, RateRatio: 0.8996, P50Ratio: 1.3},
		},
		Writes: []WriteRow{{Variant: "as it is", APIServer: 1200 * time.Microsecond, Etcd: 210 * time.Microsecond, Ratio: 1, Bytes: 2900},
			{Variant: "without managed fields", APIServer: 800 * time.Microsecond, Etcd: 190 * time.Microsecond, Ratio: 0.667, Bytes: 2100}},
	}
	for _, event := range []string{"charge.refunded.full", "charge.dispute.created"} {
		r.Events = append(r.Events,
			EventRow{Event: event, Reader: "paylink", Time: 28900 * time.Nanosecond, Spread: 2, Bytes: 2254, Allocs: 44},
			EventRow{Event: event, Reader: "floor", Time: 25 * time.Microsecond, Spread: 1, Bytes: 1344, Allocs: 25},
			EventRow{Event: event, Reader: "stripe-go", Time: 71 * time.Microsecond, Spread: 4, Bytes: 18966, Allocs: 310})
	}
	for i, orders := range []int{1000, 10_000, 100_000} {
		r.Scale = append(r.Scale, ScaleRow{Orders: orders, WebhookReady: time.Duration(i+1) * time.Second, ControllerReady: time.Duration(i+2) * time.Second,
			WebhookResident: int64(60+i) * mib, ControllerResident: 70 * mib, APIServerResident: gib, EtcdResident: 300 * mib, WebhookPerOrder: 1900, ControllerPerOrder: 2100,
			ControllerIdle: 0.004, Paylink: Side{Rate: 900 - 20*float64(i), P99: time.Duration(60+10*i) * time.Millisecond, CPU: cpu(300, 1000)}, Ceiling: Side{Rate: 1000, P99: 50 * time.Millisecond}, RefundP50: 3 * time.Millisecond,
			EtcdPerOrder: 2900, ObjectBytes: 2700, ListTime: 2 * time.Second, ListCPU: 3 * time.Second, ListBytes: 270 * mib})
	}
	for replicas := 1; replicas <= 2; replicas++ {
		w := Wave{Replicas: replicas, Events: 36_000, Duplicates: 360, Admitted: 36_360, Refused: 812, P50: 90 * time.Millisecond, P99: 1210 * time.Millisecond, Took: 201 * time.Second, MaxResident: 160 * mib}
		for second := range 3 {
			s := WaveSample{Second: float64(second), Admitted: 400 * float64(second), Refused: 9, P99: time.Second, Left: 36_000 - 400*second}
			for range replicas {
				s.Resident = append(s.Resident, 100*mib)
			}
			w.Samples = append(w.Samples, s)
		}
		r.Waves = append(r.Waves, w)
	}
	return r
}

func written(t *testing.T, r *Results) string {
	t.Helper()
	dir := t.TempDir()
	check.Must(t, writeReport(r, dir))
	content, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	check.Must(t, err)
	return string(content)
}

// headings are the lines that begin a section.
func headings(text string) []string {
	return regexp.MustCompile(`(?m)^## .*$`).FindAllString(text, -1)
}

func TestReport(t *testing.T) {
	text := written(t, made())
	lines := strings.Split(text, "\n")
	for _, want := range []string{
		"# Performance",
		`| CPU | Example \| 9000, 2 cores |`,
		"| Memory | 8 GiB |",
		"| Paylink | 0123456789ab-dirty, on 2026-11-26 |",
		"| Throughput by the ceiling's, at concurrency 1: at least 0.9 | 0.91 | yes |",
		"| Throughput by the ceiling's, at concurrency 32: at least 0.9 | 0.8996 | **no** |",
		"| 32 | 1,235 | 1,402 | 0.90 | 26 ms | 20 ms | 1.30 | 61 ms | 50 ms |",
		"* Throughput by the ceiling's, at concurrency 32: 0.8996. Wanted is at least 0.9: **not met**.",
		"* CPU of the webhook server for an event, at concurrency 32: 243 µs. Wanted is at most 300 µs: met.",
		"* CPU of the webhook server for an event, at concurrency 1: 400 µs. Wanted is at most 300 µs: **not met**.",
		"| 32 | Paylink | 1 ms | 200 µs | 243 µs | 100 µs | 150 µs | 15.7 % |",
		"| without managed fields | 2.05 KiB | 800 µs | 0.67 | 190 µs |",
		"| charge.refunded.full | paylink | 28.9 µs | 2 % | 1.16 | 0.41 | 2.2 KiB | 44 |",
		"* Time to verify and decode charge.refunded.full, by the floor's: 1.16. Wanted is at most 1.3: met.",
		"| 100,000 | 3 s | 4 s | 3 ms | 0 | 0.4 % |", "| 100,000 | 860 | 1,000 | 0.86 | 80 ms | 50 ms | 1 ms | 300 µs |",
		"| 100,000 | 62 MiB | 1.86 KiB | 70 MiB | 2.05 KiB | 1 GiB | 300 MiB |",
		"* Memory of the controller for an order, at 100,000 orders: 2.05 KiB. Wanted is at most 2 KiB: **not met**.",
		"* Throughput at 100,000 orders, by that at 1,000: 0.96. Wanted is at least 0.85: met.",
		"* p99 of webhooks at 100,000 orders, by that at 1,000: 1.33. Wanted is at most 1.15: **not met**.",
		"* Questions to the API server to find the orders of refunds: 0 questions. Wanted is none: met.",
		"| 2 | 36,000 | 360 | 36,360 | 812 | 0 | 0 | 90 ms | 1.21 s | 3 min 21 s | 160 MiB |",
		"* A wave on 2 replicas, orders lost: 0 orders. Wanted is none: met.",
		"![Throughput and median latency with 1 to 32 requests at once: Paylink's throughput is 0.90 to 0.91 of the ceiling's.](performance/webhook.svg)",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("got a report without the line %q", want)
		}
	}
	want := []string{"## Targets", "## Webhook path", "## Where the CPU goes", "## What a write costs the API server", "## Verify and decode", "## Scale", "## A wave"}
	if got := headings(text); !slices.Equal(got, want) {
		t.Errorf("got sections %q, want %q", got, want)
	}
}

func TestTarget(t *testing.T) {
	for _, test := range []struct {
		target         Target
		measured, goal string
		met            bool
	}{
		{Target{Value: 0.913, Limit: 0.9, AtLeast: true}, "0.91", "at least 0.9", true},
		{Target{Value: 0.9, Limit: 0.9, AtLeast: true}, "0.90", "at least 0.9", true},
		{Target{Value: 0.8999, Limit: 0.9, AtLeast: true}, "0.8999", "at least 0.9", false},
		{Target{Value: 1.2501, Limit: 1.25}, "1.2501", "at most 1.25", false},
		{Target{Value: 300.4, Limit: 300, Unit: "µs"}, "300.4 µs", "at most 300 µs", false},
		{Target{Value: 243.21, Limit: 300, Unit: "µs"}, "243 µs", "at most 300 µs", true},
		{Target{Value: 0, Unit: "orders"}, "0 orders", "none", true},
		{Target{Value: 3, Unit: "orders"}, "3 orders", "none", false},
		{Target{Value: measured(0), Limit: 15, Unit: "s"}, "not measured", "at most 15 s", false},
		{Target{Value: quotient(5.0, 0), Limit: 0.85, AtLeast: true}, "not measured", "at least 0.85", false},
		{Target{Value: quotient(0, time.Second), Limit: 1.15}, "not measured", "at most 1.15", false},
	} {
		if measured, goal, met := test.target.Measured(), test.target.Goal(), test.target.Met(); measured != test.measured || goal != test.goal || met != test.met {
			t.Errorf("%+v: got %s, %s, %t, want %s, %s, %t", test.target, measured, goal, met, test.measured, test.goal, test.met)
		}
	}
}

// TestTargetsOfMissing: what has no figures is not taken for good.
func TestTargetsOfMissing(t *testing.T) {
	r := &Results{Webhook: make([]WebhookRow, 1), Events: []EventRow{{Event: "a", Reader: "paylink", Time: 1}}, Scale: []ScaleRow{{Orders: 1}, {Orders: manyOrders}}, Waves: make([]Wave, 1)}
	counted := []string{"controller at rest", "refunds", "orders lost", "answers other"} // of these, none is what is wanted
	for _, target := range targets(r) {
		zero := slices.ContainsFunc(counted, func(words string) bool { return strings.Contains(target.Name, words) })
		if target.Met() != zero {
			t.Errorf("%s: got %s, want it met: %t", target.Name, target.Measured(), zero)
		}
	}
	if n := len(targets(r)); n != 17 {
		t.Errorf("got %d targets, want 17", n)
	}
	// With few orders, memory for an order says nothing.
	r.Scale[1].Orders = manyOrders - 1
	for _, target := range targets(r) {
		if strings.Contains(target.Name, "for an order") {
			t.Errorf("%s is a target", target.Name)
		}
	}
}

// TestChartsLimit: a wave may use as much memory as the chart gives a replica.
func TestChartsLimit(t *testing.T) {
	values, err := os.ReadFile("../../charts/paylink/values.yaml")
	check.Must(t, err)
	if want := fmt.Sprintf("\n    limits:\n      memory: %dMi\n", mostWaveMemory); !strings.Contains(string(values), want) {
		t.Errorf("got a chart without the limit of %d MiB", mostWaveMemory)
	}
}
