package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSample: what the command writes is SVG that a browser takes, says all that the input names, and is the same each time.
func TestSample(t *testing.T) {
	first, second := t.TempDir(), filepath.Join(t.TempDir(), "new")
	var out strings.Builder
	for _, folder := range []string{first, second} {
		if err := run([]string{"-o", folder, "testdata/sample.json"}, &out); err != nil {
			t.Fatal(err)
		}
	}
	figures, err := read("testdata/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		svg, err := os.ReadFile(filepath.Join(first, f.File))
		if err != nil {
			t.Fatal(err)
		}
		again, err := os.ReadFile(filepath.Join(second, f.File))
		if err != nil || !bytes.Equal(svg, again) {
			t.Errorf("%s is not the same again: %v", f.File, err)
		}
		if !strings.Contains(out.String(), filepath.Join(first, f.File)) {
			t.Errorf("%s is not told: %s", f.File, &out)
		}
		want := []string{f.Title}
		for i, p := range f.Panels {
			want = append(want, p.Title, p.Y)
			if i == len(f.Panels)-1 {
				want = append(want, p.X)
			}
			for _, l := range p.Lines {
				if len(p.Lines) > 1 {
					want = append(want, l.Name)
				}
			}
		}
		check(t, f.File, svg, want)
	}
}

// check checks what all figures have in common.
func check(t *testing.T, name string, svg []byte, want []string) {
	t.Helper()
	texts, title := parts(t, svg)
	for _, text := range want {
		if text != "" && !slices.Contains(texts, text) {
			t.Errorf("%s: %q is not in %q", name, text, texts)
		}
	}
	if title != want[0] {
		t.Errorf("%s: a screen reader says %q", name, title)
	}
	if !bytes.HasSuffix(svg, []byte("</svg>\n")) {
		t.Errorf("%s has no end", name)
	}
	if bytes.Contains(svg, []byte("font-family:")) || !bytes.Contains(svg, []byte(`, Arial, Helvetica, sans-serif"`)) {
		t.Errorf("%s has fonts that few machines have", name)
	}
	for _, size := range regexp.MustCompile(`font-size:([0-9.]+)px`).FindAllSubmatch(svg, -1) {
		if parsed(string(size[1])) < 11 {
			t.Errorf("%s has letters of %s px", name, size[1])
		}
	}
	size := regexp.MustCompile(` width="800" height="(\d+)" viewBox="0 0 800 \d+"`).FindSubmatch(svg)
	if size == nil {
		t.Fatalf("%s has no size", name)
	}
	white := "<path d=\"M0,0L800,0L800," + string(size[1]) + "L0," + string(size[1]) + "Z\" style=\"fill:#FFFFFF\""
	if at := bytes.Index(svg, []byte("<path")); at < 0 || !bytes.HasPrefix(svg[at:], []byte(white)) {
		t.Errorf("%s has no white background", name)
	}
	for _, point := range regexp.MustCompile(`[ML](-?[0-9.e-]+),(-?[0-9.e-]+)`).FindAllSubmatch(svg, -1) {
		if x, y := parsed(string(point[1])), parsed(string(point[2])); x < 0 || x > 800 || y < 0 || y > parsed(string(size[1])) {
			t.Errorf("%s: %s is outside", name, point[0])
		}
	}
}

// parts are the texts of an SVG, and its title.
func parts(t *testing.T, svg []byte) (texts []string, title string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var element string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts, title
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			element = token.Name.Local
		case xml.EndElement:
			element = ""
		case xml.CharData:
			switch element {
			case "text":
				texts = append(texts, string(token))
			case "title":
				title = string(token)
			}
		}
	}
}

// parsedFigure is the one figure of some input.
func parsedFigure(t *testing.T, input string) (figure, []byte) {
	t.Helper()
	figures, err := parse(strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	svg, err := figures[0].draw()
	if err != nil {
		t.Fatal(err)
	}
	return figures[0], svg
}

// strokes are the points of each path that has a colour and the width of a line.
func strokes(svg []byte, colour string) [][][2]float64 {
	var lines [][][2]float64
	for _, path := range regexp.MustCompile(`<path d="([^"]*)" style="fill:none;stroke:`+colour+`;stroke-width:1.75`).FindAllSubmatch(svg, -1) {
		var line [][2]float64
		for _, point := range regexp.MustCompile(`([0-9.]+),([0-9.]+)`).FindAllSubmatch(path[1], -1) {
			line = append(line, [2]float64{parsed(string(point[1])), parsed(string(point[2]))})
		}
		lines = append(lines, line)
	}
	return lines
}

// TestAligned: panels that name the same X have the same moment at the same place, though one began later and its numbers are
// wider.
func TestAligned(t *testing.T) {
	_, svg := parsedFigure(t, `[{"file": "a.svg", "title": "A", "panels": [
		{"x": "seconds", "y": "events", "lines": [{"points": [[0, 1], [10, 2], [20, 3]]}]},
		{"title": "Later", "x": "seconds", "lines": [{"points": [[10, 123456.7], [20, 123456.8]]}]},
		{"x": "minutes", "lines": [{"points": [[10, 1], [20, 2]]}]}]}]`)
	lines := strokes(svg, "#0072B2")
	if len(lines) != 3 {
		t.Fatalf("there are %d lines", len(lines))
	}
	for _, pair := range [][2]float64{{lines[0][1][0], lines[1][0][0]}, {lines[0][2][0], lines[1][1][0]}, {lines[0][0][0], lines[2][0][0]}} {
		if math.Abs(pair[0]-pair[1]) > 0.01 {
			t.Errorf("a moment is at %v and at %v", pair[0], pair[1])
		}
	}
	if texts, _ := parts(t, svg); strings.Count(strings.Join(texts, ";"), "seconds") != 1 {
		t.Errorf("the shared X is not named once: %q", texts)
	}
}

// TestLogarithmic: as often as much is as far.
func TestLogarithmic(t *testing.T) {
	_, svg := parsedFigure(t, `[{"file": "a.svg", "title": "A", "panels": [{"logX": true, "logY": true, "lines": [
		{"points": [[1, 0.01], [8, 0.1], [64, 1]]}]}]}]`)
	l := strokes(svg, "#0072B2")[0]
	for i := range 2 {
		if math.Abs(l[1][i]-l[0][i]-(l[2][i]-l[1][i])) > 0.02 {
			t.Errorf("the points are at %v", l)
		}
	}
	if texts, _ := parts(t, svg); !slices.Equal(texts[:4], []string{"A", "1", "8", "64"}) {
		t.Errorf("X does not say where the points are: %q", texts)
	}
}

// TestStyles: what is dashed is, and a point of its own is seen.
func TestStyles(t *testing.T) {
	const dashes, mark = "stroke-dasharray", "A3.5,3.5"
	for name, test := range map[string]struct {
		line          string
		dashed, marks int
	}{
		"plain":  {`"points": [[1, 2], [3, 4]]`, 0, 0},
		"dashed": {`"points": [[1, 2], [3, 4]], "dashed": true`, 1, 0},
		"marks":  {`"points": [[1, 2], [3, 4]], "marks": true`, 0, 2},
		"alone":  {`"points": [[1, 2]]`, 0, 1},
	} {
		_, svg := parsedFigure(t, `[{"file": "a.svg", "title": "A", "panels": [{"lines": [{`+test.line+`}]}]}]`)
		// A circle is two arcs.
		if d, m := bytes.Count(svg, []byte(dashes)), bytes.Count(svg, []byte(mark))/2; d != test.dashed || m != test.marks {
			t.Errorf("%s: %d dashed, %d marks", name, d, m)
		}
	}
}

// TestColours: a name keeps its colour from panel to panel, and no two lines of a panel have the same.
func TestColours(t *testing.T) {
	named := func(names ...string) (p panel) {
		for _, name := range names {
			p.Lines = append(p.Lines, line{Name: name})
		}
		return p
	}
	f := figure{Panels: []panel{named("a", "b", "c"), named("d"), named("new", "b"), named("d", "a"), named("c", "new", "b")}}
	want := [][]int{{0, 1, 2}, {0}, {0, 1}, {0, 1}, {2, 0, 1}}
	if got := f.colours(); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v, not %v", got, want)
	}
	if len(colours) != len(shapes) {
		t.Errorf("%d colours have %d marks", len(colours), len(shapes))
	}
}

// TestEscapes: a text is a text, whatever it holds.
func TestEscapes(t *testing.T) {
	const hostile = `<b>&amp; "x" 'y' style=`
	f, svg := parsedFigure(t, `[{"file": "a.svg", "title": `+strconv.Quote(hostile)+`, "panels": [{"y": `+strconv.Quote(hostile)+`, "lines": [{"points": [[1, 2]]}]}]}]`)
	check(t, f.File, svg, []string{hostile})
}

// TestAxes: an axis has round numbers around all that is drawn, and not too many.
func TestAxes(t *testing.T) {
	for name, test := range map[string]struct {
		low, high float64
		log       bool
		want      string
	}{
		"from zero":        {0, 97, false, "0 20 40 60 80 100"},
		"thousands":        {0, 1800, false, "0 500 1k 1.5k 2k"},
		"tens of those":    {0, 61000, false, "0 20k 40k 60k 80k"},
		"bytes":            {6e7, 1.4e9, false, "0 500M 1G 1.5G"},
		"fractions":        {0.1, 0.6, false, "0.1 0.2 0.3 0.4 0.5 0.6"},
		"below zero":       {-3, 4, false, "-4 -2 0 2 4"},
		"far from zero":    {1021, 1029, false, "1020 1022 1024 1026 1028 1030"},
		"very small":       {0, 4e-5, false, "0 1e-05 2e-05 3e-05 4e-05"},
		"constant":         {10, 10, false, "4 6 8 10 12 14 16"},
		"zero":             {0, 0, false, "0 0.2 0.4 0.6 0.8 1"},
		"digits":           {1.5, 5, true, "1 2 3 4 5"},
		"short, log":       {1021, 1029, true, "1020 1022 1024 1026 1028 1030"},
		"shortest, log":    {1.9, 5.6, true, "1 2 3 4 5 6"},
		"steps":            {1.5, 42, true, "1 2 5 10 20 50"},
		"powers":           {0.004, 130, true, "0.01 0.1 1 10 100"},
		"powers, thousand": {1, 1e5, true, "1 10 100 1k 10k 100k"},
		"some powers":      {1e-3, 1e9, true, "0.001 10 100k 1G"},
		"constant, log":    {7, 7, true, "2 4 6 8 10 12"},
		"below one, log":   {0.2, 0.2, true, "0.1 0.15 0.2 0.25 0.3"},
	} {
		l := ladderOf(test.low, test.high, test.log, mostOfY)
		if got := strings.Join(labels(l.majors), " "); got != test.want {
			t.Errorf("%s: %s, not %s", name, got, test.want)
		}
		if l.low > test.low || l.high < test.high {
			t.Errorf("%s: from %v to %v is not all", name, l.low, l.high)
		}
	}
}

// TestLabels: a number is written as short as it is exact.
func TestLabels(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   string
	}{
		{[]float64{1, 8, 32, 128}, "1 8 32 128"},
		{[]float64{512, 1024, 2048}, "512 1024 2048"},
		{[]float64{1000, 1250, 1500, 1750, 2000}, "1k 1.25k 1.5k 1.75k 2k"},
		{[]float64{0.1 + 0.2, 3 * 0.2}, "0.3 0.6"},
		{[]float64{-2e6, 0, 2e12}, "-2M 0 2T"},
	} {
		if got := strings.Join(labels(test.values), " "); got != test.want {
			t.Errorf("%v: %s, not %s", test.values, got, test.want)
		}
	}
}
