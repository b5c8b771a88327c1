// Command bench measures Paylink on this machine, beside its limits in the same run: see make bench. It writes the results as
// JSON, and docs/performance.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/paylink-dev/paylink/test/cluster"
)

// options of a run.
type options struct {
	quick    bool
	only     string
	out      string
	docs     string
	baseline string
	profiles string
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "Measure less, in some minutes.")
	flag.StringVar(&o.only, "only", "", "Sections, separated by commas, of "+strings.Join(names(), ", ")+". Empty: all.")
	flag.StringVar(&o.out, "out", "bin/bench", "Folder of the results.")
	flag.StringVar(&o.docs, "docs", "", "Folder to write performance.md in. Empty: nothing is written there.")
	flag.StringVar(&o.baseline, "check", "", "Baseline to compare with.")
	flag.StringVar(&o.profiles, "profiles", "", "Write CPU profiles of the servers to this folder, and measure nothing.")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard())
	var err error
	switch {
	case flag.NArg() > 0: // results of earlier runs
		err = writeBaselineOf(flag.Args(), o.baseline)
	case o.profiles != "":
		err = profile(ctx, o.profiles)
	default:
		err = run(ctx, &o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// section is a part of the measurements.
type section struct {
	name    string
	measure func(ctx context.Context, w *environment, r *Results) error
}

// sections are in the order of their measurement. Those that seed the cluster with orders come last.
func sections() []section {
	return []section{
		{"events", func(ctx context.Context, _ *environment, r *Results) (err error) {
			r.Events, err = measureEvents(ctx, 6, pick(r, "200ms", "500ms"))
			return err
		}},
		{"webhook", func(ctx context.Context, w *environment, r *Results) (err error) {
			r.Webhook, err = w.webhookPath(ctx, pick(r, 1000, 4000))
			return err
		}},
		{"writes", func(ctx context.Context, w *environment, r *Results) (err error) {
			r.Writes, err = w.writes(ctx, pick(r, 300, 800), r.Quick)
			return err
		}},
		{"wave", func(ctx context.Context, w *environment, r *Results) (err error) {
			r.Waves, err = w.waves(ctx, pick(r, 3000, 20_000))
			return err
		}},
		{"scale", func(ctx context.Context, w *environment, r *Results) (err error) {
			r.Scale, err = w.scale(ctx, pick(r, []int{1000, 10_000}, []int{1000, 10_000, 100_000, 300_000}), pick(r, 400, 4000), pick(r, 10*time.Second, 45*time.Second))
			return err
		}},
	}
}

func names() []string {
	var all []string
	for _, s := range sections() {
		all = append(all, s.name)
	}
	return all
}

// pick returns the value for a quick run or for a full one.
func pick[T any](r *Results, quick, full T) T {
	if r.Quick {
		return quick
	}
	return full
}

func run(ctx context.Context, o *options) error {
	wanted := names()
	if o.only != "" {
		wanted = strings.Split(o.only, ",")
		for _, name := range wanted {
			if !slices.Contains(names(), name) {
				return fmt.Errorf("-only: there is no section %q: write some of %s", name, strings.Join(names(), ", "))
			}
		}
	}
	r, err := earlierResults(o)
	if err != nil {
		return err
	}
	if r.Machine, err = machine(ctx); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Starting a cluster, and Paylink on it.")
	for _, s := range sections() {
		if !slices.Contains(wanted, s.name) {
			continue
		}
		begin := time.Now()
		fmt.Fprintf(os.Stderr, "Measuring: %s ...", s.name)
		if err := inNewEnvironment(ctx, s, r); err != nil {
			fmt.Fprintln(os.Stderr)
			return fmt.Errorf("measure %s: %w", s.name, err)
		}
		fmt.Fprintf(os.Stderr, " %.0f s\n", time.Since(begin).Seconds())
		r.Measured[s.name] = r.Machine.Commit
		if err := writeJSON(filepath.Join(o.out, results), r); err != nil { // a later section can fail
			return err
		}
	}
	return writeResults(r, o)
}

// earlierResults returns the results of the run before if only some sections are measured again.
func earlierResults(o *options) (*Results, error) {
	r := &Results{Quick: o.quick, Measured: map[string]string{}}
	if o.only == "" {
		return r, nil
	}
	content, err := os.ReadFile(filepath.Join(o.out, results))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	old := &Results{Measured: map[string]string{}}
	if err := json.Unmarshal(content, old); err != nil {
		return nil, fmt.Errorf("%s is no result of a run: remove it (%w)", filepath.Join(o.out, results), err)
	}
	if old.Quick != o.quick {
		return r, nil
	}
	return old, nil
}

// results is the name of the file of results.
const results = "results.json"

// inNewEnvironment measures a section in its own cluster, so that sections do not affect each other.
func inNewEnvironment(ctx context.Context, s section, r *Results) (err error) {
	if s.name == "events" {
		return s.measure(ctx, nil, r)
	}
	w, err := startEnvironment(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if e := w.close(); e != nil { // the measurement is done
			fmt.Fprintf(os.Stderr, " (%v)", e)
		}
	}()
	return s.measure(ctx, w, r)
}

// writeResults prints the report, writes it, and compares the ratios with a baseline.
func writeResults(r *Results, o *options) error {
	if err := writeReport(r, o.out); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(o.out, "performance.md"))
	if err != nil {
		return err
	}
	fmt.Print(string(text))
	if err := writeFigures(r, filepath.Join(o.out, "figures.json")); err != nil {
		return err
	}
	if o.docs != "" {
		if err := writeReport(r, o.docs); err != nil {
			return err
		}
	}
	if o.baseline == "" {
		return nil
	}
	baseline, err := readBaseline(o.baseline)
	if err != nil {
		return err
	}
	complaints := checkAgainst(baseline, r)
	for _, complaint := range complaints {
		fmt.Fprintln(os.Stderr, complaint)
	}
	if len(complaints) > 0 {
		return fmt.Errorf("%d ratios are worse than in %s", len(complaints), o.baseline)
	}
	fmt.Println("bench-check: passed")
	return nil
}

// profile takes profiles in its own cluster.
func profile(ctx context.Context, dir string) (err error) {
	w, err := startProfiledEnvironment(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return w.profiles(ctx, dir)
}

// writeBaselineOf writes a baseline of the results of several runs.
func writeBaselineOf(files []string, baseline string) error {
	if baseline == "" {
		return errors.New("name the baseline to write by -check")
	}
	var runs []*Results
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r := &Results{}
		if err := json.Unmarshal(content, r); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		runs = append(runs, r)
	}
	dir, err := cluster.Repository(context.Background())
	if err != nil {
		return err
	}
	return writeBaseline(filepath.Join(dir, baseline), newBaseline(runs))
}

func writeJSON(path string, r *Results) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o600)
}
