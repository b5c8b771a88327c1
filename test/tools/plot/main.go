// Command plot draws the figures that the bench writes as SVG.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const usage = `Usage: plot -o FOLDER FIGURES.json

Draws each figure of FIGURES.json as a file in FOLDER, its panels one under the other:

  [{"file": "wave.svg", "title": "A wave of orders", "panels": [
    {"title": "Rates", "x": "seconds", "y": "events/s", "logX": false, "yMin": 0, "lines": [
      {"name": "admitted", "points": [[0, 1.5], [1, 2]], "dashed": false, "marks": false}
    ]}
  ]}]

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
		return errors.New("name a folder by -o, and one file of figures")
	}
	figures, err := read(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("read %s: %w", flags.Arg(0), err)
	}
	// All are drawn before one is written: bad input leaves the folder as it was.
	drawn := make([][]byte, len(figures))
	for i, f := range figures {
		if drawn[i], err = f.draw(); err != nil {
			return fmt.Errorf("draw figure %d, %s: %w", i+1, f.File, err)
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
	defer func() { _ = f.Close() }()
	decoder := json.NewDecoder(f)
	decoder.DisallowUnknownFields()
	var figures []figure
	if err := decoder.Decode(&figures); err != nil {
		return nil, err
	}
	return figures, nil
}
