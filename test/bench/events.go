package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/paylink-dev/paylink/test/cluster"
)

// leastCount is how many times benchstat needs a benchmark to say how sure its median is.
const leastCount = 6

// measureEvents runs the benchmark of verifying and decoding events so many times, each for as long or as often as benchtime
// says, and has benchstat sum it up.
func measureEvents(ctx context.Context, count int, benchtime string) ([]EventRow, error) {
	if count < leastCount {
		return nil, fmt.Errorf("benchstat needs %d runs of a benchmark, not %d", leastCount, count)
	}
	dir, err := cluster.Repository(ctx)
	if err != nil {
		return nil, err
	}
	measured, err := output(ctx, dir, nil, "go", "test", "-run", "^$", "-bench", "^BenchmarkEvent$", "-benchmem",
		"-count", strconv.Itoa(count), "-benchtime", benchtime, "./internal/stripe/webhook")
	if err != nil {
		return nil, err
	}
	summary, err := output(ctx, dir, measured, "go", "tool", "-modfile="+filepath.Join(dir, "test/tools/benchstat/go.mod"),
		"benchstat", "-format", "csv", "-row", "/event,/reader", "-")
	if err != nil {
		return nil, err
	}
	return parseEvents(bytes.NewReader(summary))
}

// output runs a program, with all that it starts, and returns what it says.
func output(ctx context.Context, dir string, input []byte, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, complaints bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, bytes.NewReader(input), &out, &complaints
	// The go command runs others, which would go on without it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, complaints.Bytes(), out.Bytes())
	}
	return out.Bytes(), nil
}

// parseEvents reads benchstat's CSV: a table for each unit, and in it a row for each event and reader.
//
//	,-,
//	,sec/op,CI
//	charge.refunded.full paylink,2.789e-05,12%
//	geomean,2.789e-05
func parseEvents(r io.Reader) ([]EventRow, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord = -1
	records, err := lines.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read benchstat's output: %w", err)
	}
	var rows []EventRow
	units := map[string]int{}
	unit := ""
	for _, record := range records {
		if len(record) == 3 && record[0] == "" && record[2] == "CI" {
			unit = record[1]
			continue
		}
		event, reader, ok := strings.Cut(record[0], " ")
		if !ok || len(record) < 3 { // the file's name, the geometric mean, or what the benchmark ran on
			continue
		}
		row := rowOf(&rows, event, reader)
		if err := row.set(unit, record[1], record[2]); err != nil {
			return nil, fmt.Errorf("read benchstat's output: %q: %w", record, err)
		}
		units[unit]++
	}
	for _, unit := range []string{"sec/op", "B/op", "allocs/op"} {
		if units[unit] == 0 || units[unit] != len(rows) {
			return nil, fmt.Errorf("benchstat tells %d of %d results in %s", units[unit], len(rows), unit)
		}
	}
	return rows, nil
}

// rowOf finds a row, or adds it.
func rowOf(rows *[]EventRow, event, reader string) *EventRow {
	for i := range *rows {
		if row := &(*rows)[i]; row.Event == event && row.Reader == reader {
			return row
		}
	}
	*rows = append(*rows, EventRow{Event: event, Reader: reader})
	return &(*rows)[len(*rows)-1]
}

// set takes what benchstat says in one unit.
func (e *EventRow) set(unit, value, spread string) error {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return err
	}
	switch unit {
	case "sec/op":
		e.Time = time.Duration(math.Round(v * float64(time.Second)))
		if spread == "∞" {
			return errors.New("too few runs to know how sure it is")
		}
		e.Spread, err = strconv.ParseFloat(strings.TrimSuffix(spread, "%"), 64)
	case "B/op":
		e.Bytes = v
	case "allocs/op":
		e.Allocs = v
	}
	return err
}
