package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"
)

// figure, panel and line are the input of test/tools/plot.
type figure struct {
	File   string  `json:"file"`
	Title  string  `json:"title"`
	Panels []panel `json:"panels"`
	// alt is the figure's text in the report.
	alt string
}

type panel struct {
	Title string   `json:"title,omitempty"`
	X     string   `json:"x"`
	Y     string   `json:"y"`
	LogX  bool     `json:"logX,omitempty"`
	YMin  *float64 `json:"yMin,omitempty"`
	Lines []line   `json:"lines"`
}

type line struct {
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"`
	Dashed bool         `json:"dashed,omitempty"`
	Marks  bool         `json:"marks,omitempty"`
}

// writeFigures writes the input of test/tools/plot.
func writeFigures(r *Results, path string) error {
	content, err := json.MarshalIndent(figures(r), "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}

// figures returns the figures of all that was measured, as test/tools/plot reads them.
func figures(r *Results) any { return drawings(r) }

func drawings(r *Results) []figure {
	all := []figure{}
	if len(r.Webhook) > 0 {
		all = append(all, webhookFigure(r.Webhook))
	}
	if len(r.Scale) > 0 {
		all = append(all, scaleFigure(r.Scale))
	}
	drawn := map[string]bool{}
	for _, w := range r.Waves {
		if f := waveFigure(w); len(f.Panels) > 0 && !drawn[f.File] {
			drawn[f.File] = true
			all = append(all, f)
		}
	}
	return all
}

func webhookFigure(rows []WebhookRow) figure {
	paylink, ceiling := line{Name: "Paylink", Marks: true}, line{Name: "ceiling", Marks: true}
	rate := panel{Title: "Throughput", Y: "events/s", Lines: []line{ceiling, paylink}}
	p50 := panel{Title: "Median latency", Y: "ms", Lines: []line{ceiling, paylink}}
	least, most := math.Inf(1), math.Inf(-1)
	for _, row := range rows {
		for i, side := range []Side{row.Ceiling, row.Paylink} {
			rate.Lines[i].add(float64(row.Concurrency), side.Rate)
			p50.Lines[i].add(float64(row.Concurrency), in(side.P50, time.Millisecond))
		}
		least, most = min(least, row.RateRatio), max(most, row.RateRatio)
	}
	f := figure{File: "webhook.svg", Title: "The webhook path, beside its ceiling"}
	for _, p := range []panel{rate, p50} {
		p.X, p.LogX = "requests at once", true
		f.add(p)
	}
	f.alt = fmt.Sprintf("Throughput and median latency with %d to %d requests at once: Paylink's throughput is %s to %s of the ceiling's.",
		rows[0].Concurrency, rows[len(rows)-1].Concurrency, ratio(least), ratio(most))
	return f
}

func scaleFigure(rows []ScaleRow) figure {
	rate := panel{Title: "Throughput", Y: "events/s", Lines: []line{{Name: "ceiling", Marks: true}, {Name: "Paylink", Marks: true}}}
	p99 := panel{Title: "p99", Y: "ms", Lines: []line{{Name: "ceiling", Marks: true}, {Name: "Paylink", Marks: true}}}
	memory := panel{Title: "Resident memory for an order", Y: "KiB", Lines: []line{{Name: "webhook server", Marks: true}, {Name: "controller", Marks: true}}}
	for _, row := range rows {
		orders := float64(row.Orders)
		for i, side := range []Side{row.Ceiling, row.Paylink} {
			rate.Lines[i].add(orders, side.Rate)
			p99.Lines[i].add(orders, in(side.P99, time.Millisecond))
		}
		memory.Lines[0].add(orders, row.WebhookPerOrder/kib)
		memory.Lines[1].add(orders, row.ControllerPerOrder/kib)
	}
	first, last := rows[0], rows[len(rows)-1]
	memory.Lines = append(memory.Lines, limit(float64(first.Orders), float64(last.Orders), mostPerOrder))
	f := figure{File: "scale.svg", Title: "Clusters with ever more orders"}
	for _, p := range []panel{rate, p99, memory} {
		p.X, p.LogX = "orders", true
		f.add(p)
	}
	f.alt = fmt.Sprintf("Throughput, p99 and memory for an order over the number of orders: %s events/s with %s orders, %s with %s.",
		count(first.Paylink.Rate), count(first.Orders), count(last.Paylink.Rate), count(last.Orders))
	return f
}

// waveFigure has no panels where the wave has no samples.
func waveFigure(w Wave) figure {
	answers := panel{Title: "Answers", Y: "answers/s", Lines: []line{{Name: "admitted"}, {Name: "refused"}}}
	p99 := panel{Title: "p99 of what was admitted", Y: "s", Lines: []line{{Name: "measured"}}}
	left := panel{Title: "Events that were not taken yet", Y: "events", Lines: []line{{}}}
	memory := panel{Title: "Memory of each replica", Y: "MiB"}
	for _, s := range w.Samples {
		answers.Lines[0].add(s.Second, s.Admitted)
		answers.Lines[1].add(s.Second, s.Refused)
		if s.Admitted > 0 { // otherwise there is no p99
			p99.Lines[0].add(s.Second, s.P99.Seconds())
		}
		left.Lines[0].add(s.Second, float64(s.Left))
		for i, resident := range s.Resident {
			if i == len(memory.Lines) {
				memory.Lines = append(memory.Lines, line{Name: fmt.Sprintf("replica %d", i+1)})
			}
			memory.Lines[i].add(s.Second, float64(resident)/mib)
		}
	}
	if points := p99.Lines[0].Points; len(points) > 0 {
		p99.Lines = append(p99.Lines, limit(points[0][0], points[len(points)-1][0], mostWaveP99.Seconds()))
	}
	f := figure{File: fmt.Sprintf("wave-%d.svg", w.Replicas), Title: fmt.Sprintf("A wave of %s events on %s", count(w.Events), replicas(w.Replicas))}
	for _, p := range []panel{answers, p99, left, memory} {
		p.X = "seconds"
		f.add(p)
	}
	f.alt = fmt.Sprintf("A wave of %s events on %s, second by second: answers, p99 of what was admitted, events left and memory. All are taken after %s.",
		count(w.Events), replicas(w.Replicas), duration(w.Took))
	return f
}

func (l *line) add(x, y float64) { l.Points = append(l.Points, [2]float64{x, y}) }

// limit is a line at the height of the target.
func limit(from, to, y float64) line {
	return line{Name: "target", Points: [][2]float64{{from, y}, {to, y}}, Dashed: true}
}

// add adds a panel if it has points. Its axis begins at zero, unless a value is negative, as memory for an order can seem to be
// with few orders.
func (f *figure) add(p panel) {
	zero := 0.0
	p.YMin = &zero
	for _, l := range p.Lines {
		for _, point := range l.Points {
			if point[1] < 0 {
				p.YMin = nil
			}
		}
	}
	if len(p.Lines) > 0 && len(p.Lines[0].Points) > 0 {
		f.Panels = append(f.Panels, p)
	}
}
