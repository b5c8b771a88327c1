package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"slices"
	"strings"
)

// Ratio is a ratio of the baseline. It is about the same on every machine, unlike a time.
type Ratio struct {
	Name  string
	Value float64
	// Tolerance is the part of the value by which a run can be worse.
	Tolerance float64
	// Higher is better.
	Higher bool
}

const (
	// leastTolerance is for ratios that were equal in every run of a baseline.
	leastTolerance = 0.03
	// toleranceFactor multiplies the largest deviation of a baseline's runs. Chance alone seldom deviates three times as far.
	toleranceFactor = 3
)

// ratios returns all measured ratios by name. A name has the size and concurrency, so that a quick run is not compared with a
// full one.
func ratios(r *Results) map[string]float64 {
	all := map[string]float64{}
	set := func(value float64, name string, args ...any) {
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			all[fmt.Sprintf(name, args...)] = value
		}
	}
	for _, row := range r.Webhook {
		set(row.RateRatio, "webhook/concurrency=%d/rate", row.Concurrency)
		set(row.P50Ratio, "webhook/concurrency=%d/p50", row.Concurrency)
		cpu := row.Paylink.CPU
		set(quotient(cpu["webhookserver"], cpu["kube-apiserver"]), "webhook/concurrency=%d/cpu", row.Concurrency)
	}
	for _, row := range r.Events {
		if row.Reader == "paylink" {
			floor := reader(r, row.Event, "floor")
			set(quotient(row.Time, floor.Time), "event/%s/time", row.Event)
			set(quotient(row.Allocs, floor.Allocs), "event/%s/allocs", row.Event)
		}
	}
	if len(r.Scale) > 0 {
		first, last := r.Scale[0], largest(r.Scale)
		if last.Orders > first.Orders {
			set(quotient(last.Paylink.Rate, first.Paylink.Rate), "scale/orders=%d-%d/rate", first.Orders, last.Orders)
			set(quotient(last.Paylink.P99, first.Paylink.P99), "scale/orders=%d-%d/p99", first.Orders, last.Orders)
		}
		// These are sizes, and equal on every machine.
		set(measured(last.WebhookPerOrder), "scale/orders=%d/webhookserver-bytes", last.Orders)
		set(measured(last.ControllerPerOrder), "scale/orders=%d/controller-bytes", last.Orders)
	}
	for _, w := range r.Waves {
		set(float64(w.Lost), "wave/replicas=%d/lost", w.Replicas)
		set(float64(w.Other), "wave/replicas=%d/other", w.Replicas)
	}
	return all
}

// higherIsBetter reports whether a ratio is one of throughputs.
func higherIsBetter(name string) bool { return path.Base(name) == "rate" }

// mustBeNone reports whether a count must be zero, even if the baseline's runs had some.
func mustBeNone(name string) bool {
	return strings.HasPrefix(name, "wave/") && slices.Contains([]string{"lost", "other"}, path.Base(name))
}

// checkAgainst returns a complaint for each ratio that is worse than its tolerance, and for each that only the run or only the
// baseline has.
func checkAgainst(baseline []Ratio, r *Results) []string {
	const advice = "Look for what made it worse; or, if it is meant, write a new baseline by `make bench-baseline`."
	var complaints []string
	found := ratios(r)
	for _, want := range baseline {
		value, ok := found[want.Name]
		delete(found, want.Name)
		if !ok {
			complaints = append(complaints, fmt.Sprintf("%s was not measured, but the baseline has it. Run all of what the baseline was made by; or, if it is no longer measured, write a new baseline by `make bench-baseline`.", want.Name))
			continue
		}
		if limit := want.limit(); !want.allows(value) {
			complaints = append(complaints, fmt.Sprintf("%s is %s. The baseline is %s with a tolerance of %s, so %s would do. %s",
				want.Name, digits(value), digits(want.Value), percent(want.Tolerance), digits(limit), advice))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		complaints = append(complaints, fmt.Sprintf("%s is %s, but the baseline does not have it. Write a new baseline by `make bench-baseline`.", name, digits(found[name])))
	}
	return complaints
}

// limit is the worst tolerated value.
func (r Ratio) limit() float64 {
	if r.Higher {
		return r.Value * (1 - r.Tolerance)
	}
	return r.Value * (1 + r.Tolerance)
}

func (r Ratio) allows(value float64) bool {
	if r.Higher {
		return value >= r.limit()
	}
	return value <= r.limit()
}

// newBaseline makes a baseline of several runs of the same kind: the median of each ratio that all of them have, and a
// tolerance by how far the runs are from it. Of one run it would learn nothing about chance; five are good.
func newBaseline(runs []*Results) []Ratio {
	values := map[string][]float64{}
	for _, run := range runs {
		for name, value := range ratios(run) {
			values[name] = append(values[name], value)
		}
	}
	var baseline []Ratio
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) < len(runs) {
			continue
		}
		r := Ratio{Name: name, Higher: higherIsBetter(name)}
		if !mustBeNone(name) {
			r.Value = median(values[name])
			r.Tolerance = significant(max(leastTolerance, toleranceFactor*largestDeviation(values[name], r.Value)), 4)
			r.Value = significant(r.Value, 4)
		}
		baseline = append(baseline, r)
	}
	return baseline
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// largestDeviation returns the largest deviation of values from another value, as a part of that value.
func largestDeviation(values []float64, from float64) float64 {
	var far float64
	for _, value := range values {
		if from != 0 {
			far = max(far, math.Abs(value-from)/math.Abs(from))
		}
	}
	return far
}

// digits formats a ratio as the baseline does.
func digits(v float64) string { return fmt.Sprintf("%g", significant(v, 4)) }

// readBaseline reads a file of writeBaseline.
func readBaseline(file string) ([]Ratio, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no baseline: write one by `make bench-baseline`: %w", err)
	}
	if err != nil {
		return nil, err
	}
	var baseline []Ratio
	if err := json.Unmarshal(content, &baseline); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return baseline, nil
}

// writeBaseline writes a baseline in a fixed order, so that a diff shows the changes.
func writeBaseline(file string, baseline []Ratio) error {
	sorted := slices.SortedFunc(slices.Values(baseline), func(a, b Ratio) int { return strings.Compare(a.Name, b.Name) })
	content, err := json.MarshalIndent(sorted, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o644)
}
