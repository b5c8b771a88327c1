package main

import (
	"bytes"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	texttemplate "text/template"
	"time"
)

//go:embed report.md.tmpl
var reportText string

var reportTemplate = texttemplate.Must(texttemplate.New("report").Funcs(texttemplate.FuncMap{
	"duration": duration, "size": size, "count": count, "ratio": ratio, "percent": percent, "cell": cell, "verdict": verdict,
	"quotient": func(a, b float64) float64 { return a / b },
}).Parse(reportText))

// report is what the template shows.
type report struct {
	*Results
	Targets                                                 []Target
	WebhookTargets, EventTargets, ScaleTargets, WaveTargets []Target
	WebhookFigures, ScaleFigures, WaveFigures               []image
	CPU                                                     []cpuRow
	Read                                                    []readRow
}

// image is a figure that the report shows.
type image struct{ Alt, File string }

// cpuRow is where the CPU goes for an event of one side.
type cpuRow struct {
	Concurrency int
	Side        string
	CPU         map[string]time.Duration
	// Share is the webhook server's part of what all but bench use.
	Share float64
}

// readRow compares a reader of an event with the others.
type readRow struct {
	EventRow
	ByFloor, ByStripe float64
}

// writeReport writes performance.md to the folder of the documentation.
func writeReport(r *Results, dir string) error {
	var text bytes.Buffer
	if err := reportTemplate.Execute(&text, newReport(r)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "performance.md"), text.Bytes(), 0o644)
}

func newReport(r *Results) report {
	view := report{
		Results: r, Targets: targets(r),
		WebhookTargets: webhookTargets(r), EventTargets: eventTargets(r), ScaleTargets: scaleTargets(r), WaveTargets: waveTargets(r),
	}
	for _, f := range drawings(r) {
		i := image{Alt: f.alt, File: "performance/" + f.File}
		switch {
		case strings.HasPrefix(f.File, "webhook"):
			view.WebhookFigures = append(view.WebhookFigures, i)
		case strings.HasPrefix(f.File, "scale"):
			view.ScaleFigures = append(view.ScaleFigures, i)
		default:
			view.WaveFigures = append(view.WaveFigures, i)
		}
	}
	for _, row := range r.Webhook {
		view.CPU = append(view.CPU, newCPURow(row.Concurrency, "Paylink", row.Paylink), newCPURow(row.Concurrency, "ceiling", row.Ceiling))
	}
	for _, row := range r.Events {
		view.Read = append(view.Read, readRow{
			EventRow: row,
			ByFloor:  quotient(row.Time, reader(r, row.Event, "floor").Time),
			ByStripe: quotient(row.Time, reader(r, row.Event, "stripe-go").Time),
		})
	}
	return view
}

func newCPURow(concurrency int, name string, side Side) cpuRow {
	var all time.Duration
	for program, used := range side.CPU {
		if program != "bench" { // which is no part of Paylink
			all += used
		}
	}
	return cpuRow{Concurrency: concurrency, Side: name, CPU: side.CPU, Share: quotient(side.CPU["webhookserver"], all)}
}

// verdict says whether a target was met.
func verdict(t Target) string {
	if t.Met() {
		return "met"
	}
	return "**not met**"
}

// cell makes a text that comes from the machine or the bench safe in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
