package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sample = `[{"file": "webhook.svg", "title": "Paylink & its ceiling", "panels": [
  {"title": "Throughput", "x": "requests at once", "y": "events/s", "logX": true, "yMin": 0, "lines": [
    {"name": "Paylink", "points": [[1, 310], [8, 900], [32, 1234.6]], "marks": true},
    {"name": "target", "points": [[1, 300], [32, 300]], "dashed": true}]},
  {"title": "Left", "x": "seconds", "y": "events", "lines": [{"name": "", "points": [[0, 36000]]}]}
]}]`

// runOn runs the command on a file with some figures.
func runOn(t *testing.T, figures string) (folder string, err error) {
	t.Helper()
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "figures.json"), filepath.Join(dir, "drawn")
	if err := os.WriteFile(file, []byte(figures), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, run([]string{"-o", folder, file}, io.Discard)
}

// texts returns the texts of an SVG.
func texts(t *testing.T, svg []byte) (all []string) {
	t.Helper()
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			all = append(all, strings.TrimSpace(string(text)))
		}
	}
}

func TestFigure(t *testing.T) {
	var drawn [2][]byte
	for i := range drawn {
		folder, err := runOn(t, sample)
		if err != nil {
			t.Fatal(err)
		}
		if drawn[i], err = os.ReadFile(filepath.Join(folder, "webhook.svg")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(drawn[0], drawn[1]) {
		t.Error("the same figures gave other bytes")
	}
	got := texts(t, drawn[0])
	for _, want := range []string{
		"Paylink & its ceiling", "Throughput", "requests at once", "events/s", "Paylink", "target", "1", "8", "32", "Left", "seconds", "events",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("got texts %q, want %q among them", got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, row := range map[string]struct{ figures, want string }{
		"no JSON":            {"[", "unexpected EOF"},
		"unknown field":      {strings.Replace(sample, "yMin", "ymax", 1), `unknown field "ymax"`},
		"no points":          {strings.Replace(sample, "[[0, 36000]]", "[]", 1), "panel 2, Left: line 1"},
		"logarithm of zero":  {strings.Replace(sample, "[1, 310]", "[0, 310]", 1), "above zero"},
		"another folder":     {strings.Replace(sample, "webhook.svg", "../webhook.svg", 1), "ends with .svg"},
		"another kind":       {strings.Replace(sample, "webhook.svg", "webhook.png", 1), "ends with .svg"},
		"figure of nothing":  {`[{"file": "a.svg", "panels": []}]`, "needs panels"},
		"panel without line": {`[{"file": "a.svg", "panels": [{"logX": true, "lines": []}]}]`, "above zero"},
	} {
		folder, err := runOn(t, row.figures)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got error %v, want %q", name, err, row.want)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s: something was written", name)
		}
	}
}
