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
		folder := t.TempDir()
		file := filepath.Join(folder, "figures.json")
		if err := errors.Join(os.WriteFile(file, []byte(sample), 0o600), run([]string{"-o", folder, file}, io.Discard)); err != nil {
			t.Fatal(err)
		}
		var err error
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
