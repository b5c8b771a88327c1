package main

import (
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
		t.Errorf("got %+v, %v, want %+v", got, err, want)
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
			t.Errorf("%s: got error %v, want %q", name, err, test.want)
		}
	}
}
