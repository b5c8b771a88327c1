package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Sizes in bytes.
const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// none stands where nothing was measured.
const none = "–"

// significant rounds to some digits, wherever the point is.
func significant(v float64, digits int) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

// plain writes a number with three digits, and no zeros at its end.
func plain(v float64) string { return strconv.FormatFloat(significant(v, 3), 'f', -1, 64) }

// in is a duration in some unit.
func in(d, unit time.Duration) float64 { return float64(d) / float64(unit) }

// duration writes a time in the unit that fits it.
func duration(d time.Duration) string {
	if d == 0 {
		return none
	}
	if d >= 2*time.Minute {
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if math.Abs(significant(in(d, unit.size), 3)) >= 1 { // so that 999.9 µs is 1 ms
			return plain(in(d, unit.size)) + " " + unit.name
		}
	}
	return plain(float64(d)) + " ns"
}

// size writes bytes in the unit that fits them.
func size(bytes any) string {
	v := number(bytes)
	if v == 0 {
		return none
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{gib, "GiB"}, {mib, "MiB"}, {kib, "KiB"}} {
		if math.Abs(significant(v/unit.size, 3)) >= 1 {
			return plain(v/unit.size) + " " + unit.name
		}
	}
	return plain(v) + " B"
}

// count writes how many, or how many a second, with thousands set apart.
func count(n any) string {
	v := number(n)
	if math.Abs(v) < 100 {
		return plain(v)
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	first := len(text) % 3
	if first == 0 || first == 1 && v < 0 {
		first += 3
	}
	groups := []string{text[:first]}
	for ; first < len(text); first += 3 {
		groups = append(groups, text[first:first+3])
	}
	return strings.Join(groups, ",")
}

// ratio writes one by another.
func ratio(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return none
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// percent writes a part of a whole.
func percent(part float64) string {
	if math.IsNaN(part) {
		return none
	}
	return plain(100*part) + " %"
}

// replicas writes how many there are.
func replicas(n int) string {
	if n == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

// number is any of the numbers in Results.
func number(n any) float64 {
	switch n := n.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return math.NaN()
}
