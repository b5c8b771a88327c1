package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const summary = `goos: linux
pkg: github.com/paylink-dev/paylink/internal/stripe/webhook
cpu: Some (R) CPU @ 2,5 GHz
,-,
,sec/op,CI
charge.refunded.full paylink,2.78905e-05,12%
charge.refunded.full stripe-go,7.1708e-05,0%
geomean,2.445221e-05,

,-,
,B/s,CI
charge.refunded.full paylink,1.2499e+08,11%
charge.refunded.full stripe-go,4.858e+07,4%
geomean,2e+08,

,-,
,B/op,CI
charge.refunded.full paylink,2254.5,33%
charge.refunded.full stripe-go,18966,0%
geomean,3735.6,

,-,
,allocs/op,CI
charge.refunded.full paylink,44,0%
charge.refunded.full stripe-go,310,0%
geomean,66.3,
`

func TestParseEvents(t *testing.T) {
	got, err := parseEvents(strings.NewReader(summary))
	want := []EventRow{
		{Event: "charge.refunded.full", Reader: "paylink", Time: 27891 * time.Nanosecond, Spread: 12, Bytes: 2254.5, Allocs: 44},
		{Event: "charge.refunded.full", Reader: "stripe-go", Time: 71708 * time.Nanosecond, Bytes: 18966, Allocs: 310},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, not %+v: %v", got, want, err)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"no benchmarks":      {summary, "", "0 of 0 results in sec/op"},
		"too few runs":       {"12%", "∞", "too few runs"},
		"no number":          {"2.78905e-05", "fast", "fast"},
		"no spread":          {"12%", "?", "?"},
		"without -benchmem":  {"allocs/op", "x/op", "0 of 2 results in allocs/op"},
		"not of all readers": {"charge.refunded.full stripe-go,18966,0%\n", "", "1 of 2 results in B/op"},
		"no CSV":             {"geomean", `"`, "benchstat's output"},
	} {
		_, err := parseEvents(strings.NewReader(strings.Replace(summary, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMeasureEvents runs the benchmark as briefly as can be.
func TestMeasureEvents(t *testing.T) {
	if _, err := measureEvents(t.Context(), leastCount-1, "1x"); err == nil || !strings.Contains(err.Error(), "6 runs") {
		t.Errorf("of too few runs it is said: %v", err)
	}
	if testing.Short() {
		t.Skip("the rest runs go test")
	}
	rows, err := measureEvents(t.Context(), leastCount, "1x")
	if err != nil {
		t.Fatal(err)
	}
	readers := map[string][]string{}
	for _, row := range rows {
		readers[row.Event] = append(readers[row.Event], row.Reader)
		if row.Time < time.Microsecond || row.Time > time.Minute || row.Bytes <= 0 || row.Allocs <= 0 || row.Spread < 0 {
			t.Errorf("%+v cannot be", row)
		}
	}
	if len(readers) < 3 {
		t.Errorf("there are the events %v", readers)
	}
	for event, names := range readers {
		slices.Sort(names)
		if !slices.Equal(names, []string{"floor", "paylink", "stripe-go"}) {
			t.Errorf("%s is read by %q", event, names)
		}
	}
}

func TestOutput(t *testing.T) {
	out, err := output(t.Context(), "/", []byte("said"), "sh", "-c", "pwd; cat")
	if err != nil || string(out) != "/\nsaid" {
		t.Errorf("%q, %v", out, err)
	}
	_, err = output(t.Context(), "", nil, "sh", "-c", "echo it failed; echo badly >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "it failed") || !strings.Contains(err.Error(), "badly") {
		t.Errorf("a failure says only %v", err)
	}
	// What a program has started ends with it: otherwise this would wait for the other's output.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := output(ctx, "", nil, "sh", "-c", "sleep 60 & sleep 60"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 30*time.Second {
		t.Errorf("%v, after %s", err, time.Since(begin))
	}
}
