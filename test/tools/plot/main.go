// Command plot draws figures as SVG files, from numbers that somebody measured. It needs no network and no browser, and
// draws the same file from the same numbers, so that a figure in the repository changes when its numbers do.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const usage = `Usage: plot -o FOLDER FIGURES.json

FIGURES.json is a list of figures, each of them a file in the folder. Its panels stand one under the other:

  [{"file": "wave.svg", "title": "A wave of orders", "panels": [
    {"title": "Rates", "x": "seconds", "y": "events/s", "logX": false, "logY": false, "yMin": 0, "lines": [
      {"name": "admitted", "points": [[0, 1.5], [1, 2]], "dashed": false, "marks": false}
    ]}
  ]}]

Needed are file, title, panels, lines and points; a line's name as well, where a panel has more than one line.
Panels of one figure that name the same x share its range. A line of the same name has the same colour in all of them.

`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("plot", flag.ContinueOnError)
	folder := flags.String("o", "", "Folder to write to. It is made if there is none.")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *folder == "" || flags.NArg() != 1 {
		return errors.New("name a folder and one file of figures, or -h for how")
	}
	figures, err := read(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	// All are drawn before one is written: bad input leaves the folder as it was.
	drawn := make([][]byte, len(figures))
	for i, f := range figures {
		if drawn[i], err = f.draw(); err != nil {
			return fmt.Errorf("%s: %w", flags.Arg(0), f.wrong(i, err))
		}
	}
	if err := os.MkdirAll(*folder, 0o755); err != nil {
		return err
	}
	for i, f := range figures {
		path := filepath.Join(*folder, f.File)
		if err := os.WriteFile(path, drawn[i], 0o644); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s  %.1f kB\n", path, float64(len(drawn[i]))/1e3)
	}
	return nil
}

func read(path string) ([]figure, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	figures, err := parse(f)
	return figures, errors.Join(err, f.Close())
}
