package main

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// ladder is what an axis may have from the last round number at or below what is drawn to the first at or above it.
type ladder struct {
	low, high      float64
	majors, minors []float64 // those with a label, and on a logarithmic axis the others
}

// linearLadder has steps of 1, 2 or 5, or that with zeros: the shortest that divide the range into at most so many parts.
func linearLadder(low, high float64, parts int) ladder {
	if low == high {
		// There is nothing to see but where the line is: in the middle, or at zero.
		low, high = low-math.Abs(low)/2, high+math.Abs(high)/2
		if low == high {
			high = 1
		}
	}
	least := (high - low) / float64(parts)
	power := int(math.Floor(math.Log10(least)))
	digit := 10.0
	for _, d := range []float64{5, 2, 1} {
		if shifted(d, power) >= least*(1-slack) {
			digit = d
		}
	}
	step := shifted(digit, power)
	first, last := math.Floor(low/step+slack), math.Ceil(high/step-slack)
	var l ladder
	for i := range int(last-first) + 1 {
		l.majors = append(l.majors, shifted((first+float64(i))*digit, power))
	}
	l.low, l.high = l.majors[0], l.majors[len(l.majors)-1]
	return l
}

// shifted is a number times a power of ten, to the last bit: a negative power of ten itself would not be exact.
func shifted(v float64, power int) float64 {
	if power < 0 {
		return v / math.Pow10(-power)
	}
	return v * math.Pow10(power)
}

// slack is what the arithmetic may be off, as a part of a step.
const slack = 1e-9

// logLadder has all of 1 to 9, or 1, 2 and 5, or 1, or some of them, and that with zeros: whatever makes at most so many
// labels. A short range has too few of these, and enough of what a linear axis has.
func logLadder(low, high float64, labels int) ladder {
	if high < 3*low {
		return linearLadder(low, high, labels)
	}
	all := powers(low, high, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	l := ladder{majors: around(low, high, all)}
	if len(l.majors) > labels {
		l.majors = around(low, high, powers(low, high, 1, 2, 5))
	}
	l.low, l.high = l.majors[0], l.majors[len(l.majors)-1]
	outside := func(v float64) bool { return v < l.low || v > l.high }
	if len(l.majors) > labels {
		l.majors = slices.DeleteFunc(powers(low, high, 1), outside)
	}
	for len(l.majors) > labels {
		l.majors = everySecond(l.majors)
		all = powers(low, high, 1) // nobody sees more between them
	}
	l.minors = slices.DeleteFunc(all, func(v float64) bool { return outside(v) || slices.Contains(l.majors, v) })
	return l
}

// powers are some digits with zeros, from well below a range to well above it.
func powers(low, high float64, digits ...int) []float64 {
	var values []float64
	for power := int(math.Floor(math.Log10(low))) - 1; power <= int(math.Ceil(math.Log10(high)))+1; power++ {
		for _, digit := range digits {
			values = append(values, shifted(float64(digit), power))
		}
	}
	return values
}

// around are the values from the last at or below a range to the first at or above it.
func around(low, high float64, values []float64) []float64 {
	first := slices.IndexFunc(values, func(v float64) bool { return v > low*(1+slack) }) - 1
	last := slices.IndexFunc(values, func(v float64) bool { return v >= high*(1-slack) })
	return slices.Clone(values[first : last+1])
}

func everySecond(values []float64) []float64 {
	var half []float64
	for i := 0; i < len(values); i += 2 {
		half = append(half, values[i])
	}
	return half
}

// ticks puts an axis's values at their positions.
func (l ladder) ticks(at func(float64) float64) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for i, label := range labels(l.majors) {
		ticks = append(ticks, plot.Tick{Value: at(l.majors[i]), Label: label})
	}
	for _, v := range l.minors {
		ticks = append(ticks, plot.Tick{Value: at(v)})
	}
	return ticks
}

// labels writes an axis's numbers: with k, M, G and T for thousands and more, unless that is longer, as it is for 1024.
func labels(values []float64) []string {
	plain, short := make([]string, len(values)), make([]string, len(values))
	for i, v := range values {
		plain[i], short[i] = decimal(v), shortened(v)
	}
	if len(strings.Join(short, "")) <= len(strings.Join(plain, "")) {
		return short
	}
	return plain
}

func shortened(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size*(1-slack) {
			return decimal(v/unit.size) + unit.name
		}
	}
	return decimal(v)
}

// decimal writes a number without what the arithmetic left behind, such as in 0.30000000000000004.
func decimal(v float64) string {
	rounded := parsed(strconv.FormatFloat(v, 'e', 9, 64))
	if v := math.Abs(rounded); v != 0 && v < 1e-4 {
		return strconv.FormatFloat(rounded, 'g', -1, 64)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// parsed reads what this program wrote.
func parsed(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}
