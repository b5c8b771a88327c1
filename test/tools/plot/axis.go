package main

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// axis is a range of positions with its ticks. A position is the number itself, or its logarithm: gonum has logarithmic axes
// too, but looks for their middle, where the axis's name stands, in the wrong place.
type axis struct {
	min, max float64
	ticks    plot.ConstantTicks
	log      bool
}

// at is the position of a number.
func (a axis) at(v float64) float64 {
	if a.log {
		return math.Log10(v)
	}
	return v
}

// between gives an axis a range of numbers, and of a ladder those that lie within.
func (a axis) between(low, high float64, l ladder) axis {
	a.min, a.max = a.at(low), a.at(high)
	// A tick at the very end of an axis is not lost to the arithmetic.
	wider := (a.max - a.min) * slack
	a.min, a.max = a.min-wider, a.max+wider
	a.ticks = slices.DeleteFunc(l.ticks(a.at), func(t plot.Tick) bool { return t.Value < a.min || t.Value > a.max })
	return a
}

// The most labels that an axis has room for.
const (
	mostOfX = 10
	mostOfY = 6
)

// axisOfY is from a round number to another, unless the panel says where it begins.
func (p panel) axisOfY() axis {
	var values []float64
	for _, l := range p.Lines {
		for _, point := range l.Points {
			values = append(values, float64(point[1]))
		}
	}
	if p.YMin != nil {
		values = append(values, float64(*p.YMin))
	}
	low, high := slices.Min(values), slices.Max(values)
	a := axis{log: p.LogY}
	steps := ladderOf(low, high, p.LogY, mostOfY)
	if p.YMin != nil {
		steps.low = float64(*p.YMin)
	}
	return a.between(steps.low, steps.high, steps)
}

// axisOfX is from the first to the last x of some panels: it has a margin only where marks would stand on its ends.
func axisOfX(panels []panel, log bool) axis {
	var values []float64
	marks := false
	for _, p := range panels {
		for _, l := range p.Lines {
			marks = marks || l.Marks || len(l.Points) == 1
			for _, point := range l.Points {
				values = append(values, float64(point[0]))
			}
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	low, high := values[0], values[len(values)-1]
	a := axis{log: log}
	steps := ladderOf(low, high, log, mostOfX)
	if low == high {
		low, high = steps.low, steps.high
	}
	if log && few(values) {
		steps = ladder{majors: values}
	}
	a = a.between(low, high, steps)
	if marks {
		room := (a.max - a.min) * 0.03
		a.min, a.max = a.min-room, a.max+room
	}
	return a
}

func ladderOf(low, high float64, log bool, labels int) ladder {
	if log {
		return logLadder(low, high, labels)
	}
	return linearLadder(low, high, labels)
}

// few is whether numbers, in their order, are so few, so short and so far apart on a logarithmic axis that each has a label:
// where something was measured at 1, 8, 32 and 128, this says more than 1, 10 and 100.
func few(values []float64) bool {
	if len(values) < 2 || len(values) > mostOfX {
		return false
	}
	whole := math.Log10(values[len(values)-1] / values[0])
	for i, label := range labels(values) {
		if len(label) > 6 || i > 0 && math.Log10(values[i]/values[i-1]) < 0.06*whole {
			return false
		}
	}
	return true
}
