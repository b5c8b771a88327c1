package main

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Target is a target and its measured value.
type Target struct {
	Name         string
	Value, Limit float64
	// AtLeast means that the limit is a minimum.
	AtLeast bool
	// Unit is empty for a ratio.
	Unit string
}

// The limits of the targets.
const (
	leastRate      = 0.9  // by the ceiling's
	mostP50        = 1.25 // by the ceiling's
	mostEventCPU   = 300 * time.Microsecond
	mostEventTime  = 1.3 // by the floor's
	mostPerOrder   = 2   // KiB
	manyOrders     = 100_000
	mostReady      = 15 * time.Second
	flat           = 0.15
	mostIdle       = 1 // percent of a core
	mostWaveP99    = 2 * time.Second
	mostWaveMemory = 512 // MiB: the limit in the chart
)

// Met reports whether the target is met. A value that was not measured meets none.
func (t Target) Met() bool { return t.allows(t.Value) }

func (t Target) allows(v float64) bool {
	if t.AtLeast {
		return v >= t.Limit
	}
	return v <= t.Limit
}

// Goal formats the limit.
func (t Target) Goal() string {
	limit := t.with(strconv.FormatFloat(t.Limit, 'f', -1, 64))
	switch {
	case t.AtLeast:
		return "at least " + limit
	case t.Limit == 0:
		return "none"
	}
	return "at most " + limit
}

// Measured formats the value. It has more digits than usual where fewer would seem to meet, or miss, the target.
func (t Target) Measured() string {
	if math.IsNaN(t.Value) {
		return "not measured"
	}
	var text string
	for digits := range 12 {
		if t.Unit == "" {
			text = strconv.FormatFloat(t.Value, 'f', 2+digits, 64)
		} else {
			text = strconv.FormatFloat(significant(t.Value, 3+digits), 'f', -1, 64)
		}
		shown, err := strconv.ParseFloat(text, 64)
		if err != nil || t.allows(shown) == t.Met() {
			break
		}
	}
	return t.with(text)
}

func (t Target) with(text string) string {
	if t.Unit == "" {
		return text
	}
	return text + " " + t.Unit
}

// targets returns the targets of all that was measured.
func targets(r *Results) []Target {
	var all []Target
	for _, of := range []func(*Results) []Target{webhookTargets, eventTargets, scaleTargets, waveTargets} {
		all = append(all, of(r)...)
	}
	return all
}

func webhookTargets(r *Results) []Target {
	var all []Target
	for _, row := range r.Webhook {
		at := fmt.Sprintf("at concurrency %d", row.Concurrency)
		all = append(all,
			Target{Name: "Throughput by the ceiling's, " + at, Value: measured(row.RateRatio), Limit: leastRate, AtLeast: true},
			Target{Name: "Median latency by the ceiling's, " + at, Value: measured(row.P50Ratio), Limit: mostP50},
			Target{Name: "CPU of the webhook server for an event, " + at, Value: measured(in(row.Paylink.CPU["webhookserver"], time.Microsecond)), Limit: in(mostEventCPU, time.Microsecond), Unit: "µs"})
	}
	return all
}

func eventTargets(r *Results) []Target {
	var all []Target
	for _, row := range r.Events {
		if row.Reader == "paylink" {
			all = append(all, Target{Name: "Time to verify and decode " + row.Event + ", by the floor's", Value: quotient(row.Time, reader(r, row.Event, "floor").Time), Limit: mostEventTime})
		}
	}
	return all
}

func scaleTargets(r *Results) []Target {
	if len(r.Scale) == 0 {
		return nil
	}
	first, last := r.Scale[0], largest(r.Scale)
	at := fmt.Sprintf("at %s orders", count(last.Orders))
	var all []Target
	if last.Orders >= manyOrders { // with few, what a server needs without any would count for more
		all = append(all,
			Target{Name: "Memory of the webhook server for an order, " + at, Value: measured(last.WebhookPerOrder / kib), Limit: mostPerOrder, Unit: "KiB"},
			Target{Name: "Memory of the controller for an order, " + at, Value: measured(last.ControllerPerOrder / kib), Limit: mostPerOrder, Unit: "KiB"})
	}
	all = append(all,
		Target{Name: "Start of the webhook server until it is ready, " + at, Value: measured(last.WebhookReady.Seconds()), Limit: mostReady.Seconds(), Unit: "s"},
		Target{Name: "Start of the controller until it is ready, " + at, Value: measured(last.ControllerReady.Seconds()), Limit: mostReady.Seconds(), Unit: "s"})
	if last.Orders > first.Orders {
		by := fmt.Sprintf("%s, by that at %s", at, count(first.Orders))
		all = append(all,
			Target{Name: "Throughput " + by, Value: quotient(last.Paylink.Rate, first.Paylink.Rate), Limit: 1 - flat, AtLeast: true},
			Target{Name: "Throughput by the ceiling's " + by, Value: quotient(quotient(last.Paylink.Rate, last.Ceiling.Rate), quotient(first.Paylink.Rate, first.Ceiling.Rate)), Limit: 1 - flat, AtLeast: true},
			Target{Name: "p99 of webhooks " + by, Value: quotient(last.Paylink.P99, first.Paylink.P99), Limit: 1 + flat})
	}
	var reads float64
	for _, row := range r.Scale {
		reads = max(reads, row.LiveReads)
	}
	return append(all,
		Target{Name: "CPU of the controller at rest, " + at, Value: 100 * last.ControllerIdle, Limit: mostIdle, Unit: "% of a core"},
		Target{Name: "Questions to the API server to find the orders of refunds", Value: reads, Unit: "questions"})
}

// largest returns the row of the targets: the last one with at most manyOrders.
func largest(rows []ScaleRow) ScaleRow {
	last := rows[0]
	for _, row := range rows {
		if row.Orders <= manyOrders {
			last = row
		}
	}
	return last
}

func waveTargets(r *Results) []Target {
	var all []Target
	for _, w := range r.Waves {
		with := fmt.Sprintf("A wave on %s, ", replicas(w.Replicas))
		all = append(all,
			Target{Name: with + "orders lost", Value: float64(w.Lost), Unit: "orders"},
			Target{Name: with + "answers other than 200 and 503", Value: float64(w.Other), Unit: "answers"},
			Target{Name: with + "p99 of what was admitted", Value: measured(w.P99.Seconds()), Limit: mostWaveP99.Seconds(), Unit: "s"},
			Target{Name: with + "memory of a replica", Value: measured(float64(w.MaxResident) / mib), Limit: mostWaveMemory, Unit: "MiB"})
	}
	return all
}

// reader finds the row of one reader and event.
func reader(r *Results, event, name string) EventRow {
	for _, row := range r.Events {
		if row.Event == event && row.Reader == name {
			return row
		}
	}
	return EventRow{}
}

// measured returns NaN for zero: nothing takes no time or memory, and a missing value must not meet a target.
func measured(v float64) float64 {
	if v == 0 {
		return math.NaN()
	}
	return v
}

// quotient returns a/b, or NaN unless both were measured.
func quotient[T ~int64 | float64](a, b T) float64 { return measured(float64(a)) / measured(float64(b)) }
