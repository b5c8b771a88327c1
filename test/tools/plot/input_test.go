package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// figures is a file of one figure with one panel, each of which may have more or other fields.
func figures(figure, panel, line string) string {
	return `[{"file": "a.svg", "title": "A"` + figure + `, "panels": [{"title": "P"` + panel + `, "lines": [{"name": "l"` + line + `}]}]}]`
}

// TestRefuses: an error says which figure, panel, line and point cannot be drawn, and why.
func TestRefuses(t *testing.T) {
	const good = `, "points": [[1, 2], [3, 4]]`
	const lines = `[{"file": "a.svg", "title": "A", "panels": [{"lines": [` // and their end
	long := strings.Repeat("long ", 40)
	for name, test := range map[string]struct {
		input string
		want  []string
	}{
		"no JSON":             {`figures`, []string{"want a list of figures"}},
		"no list":             {`{}`, []string{"want a list of figures"}},
		"an empty file":       {``, []string{"want a list of figures", "EOF"}},
		"no figures":          {`[]`, []string{"there are no figures"}},
		"an end too early":    {strings.TrimSuffix(figures("", "", good), "]"), []string{"after figure 1", "EOF"}},
		"more after the end":  {figures("", "", good) + `[]`, []string{"something follows"}},
		"null":                {`[null]`, []string{"figure 1: it has no file"}},
		"no file":             {`[{"title": "A"}]`, []string{"figure 1: it has no file"}},
		"a file elsewhere":    {`[{"file": "../a.svg", "title": "A"}]`, []string{"figure 1 (../a.svg)", "no name of a file"}},
		"a file of Windows":   {`[{"file": "b\\a.svg", "title": "A"}]`, []string{"no name of a file"}},
		"another kind":        {`[{"file": "a.png", "title": "A"}]`, []string{`"a.png"`, ".svg"}},
		"no file's name":      {`[{"file": ".svg", "title": "A"}]`, []string{"no name of a file"}},
		"no title":            {`[{"file": "a.svg"}]`, []string{"figure 1 (a.svg): it has no title"}},
		"no panels":           {`[{"file": "a.svg", "title": "A", "panels": []}]`, []string{"figure 1 (a.svg): it has no panels"}},
		"no lines":            {`[{"file": "a.svg", "title": "A", "panels": [{"title": "P"}]}]`, []string{"figure 1 (a.svg): panel 1 (P): it has no lines"}},
		"no points":           {figures("", "", ""), []string{"figure 1 (a.svg): panel 1 (P): line 1 (l): it has no points"}},
		"one number":          {figures("", "", `, "points": [[1, 2], [3]]`), []string{"line 1 (l): point 2 has 1 numbers"}},
		"three numbers":       {figures("", "", `, "points": [[1, 2, 3]]`), []string{"point 1 has 3 numbers"}},
		"null for a number":   {figures("", "", `, "points": [[1, null]]`), []string{"point 1: y is no number"}},
		"NaN":                 {figures("", "", `, "points": [[1, NaN]]`), []string{"figure 1: ", "'N'"}},
		"infinite":            {figures("", "", `, "points": [[1, 1e999]]`), []string{"figure 1 (a.svg)", "1e999"}},
		"a text":              {figures("", "", `, "points": [["1", 2]]`), []string{"figure 1 (a.svg)", "string"}},
		"too large":           {figures("", "", `, "points": [[1, 1e16]]`), []string{"point 1: y is 1e+16"}},
		"too small":           {figures("", "", `, "points": [[1e-16, 1]]`), []string{"point 1: x is 1e-16"}},
		"zero on log X":       {figures("", `, "logX": true`, `, "points": [[1, 2], [0, 4]]`), []string{"panel 1 (P): line 1 (l): point 2: x is 0", "logarithmic"}},
		"below zero on log Y": {figures("", `, "logY": true`, `, "points": [[1, -2]]`), []string{"point 1: y is -2", "logarithmic"}},
		"yMin zero on log Y":  {figures("", `, "logY": true, "yMin": 0`, good), []string{"panel 1 (P): yMin is 0", "logarithmic"}},
		"below yMin":          {figures("", `, "yMin": 3`, good), []string{"point 1: y is 2, below yMin"}},
		"a field of a figure": {figures(`, "colour": "red"`, "", good), []string{"figure 1 (a.svg)", `unknown field "colour"`}},
		"a field of a panel":  {figures("", `, "z": 1`, good), []string{`unknown field "z"`}},
		"a field of a line":   {figures("", "", good+`, "width": 1`), []string{`unknown field "width"`}},
		"a line's break":      {figures("", `, "x": "a\nb"`, good), []string{"panel 1 (P)", `"a\nb"`, "printed"}},
		"the same name":       {lines + `{"name": "l", "points": [[1, 2]]}, {"name": "l", "points": [[1, 2]]}]}]}]`, []string{"panel 1: two lines", `"l"`}},
		"no name of two":      {lines + `{"name": "l", "points": [[1, 2]]}, {"points": [[1, 2]]}]}]}]`, []string{"panel 1: line 2 has no name"}},
		"eight lines":         {lines + strings.Repeat(`{}, `, 7) + `{}]}]}]`, []string{"panel 1: it has 8 lines"}},
		"the same file":       {strings.Repeat(strings.TrimSuffix(figures("", "", good), "]")+",", 2)[:len(figures("", "", good))-1] + "," + figures("", "", good)[1:], []string{"figure 2 (a.svg): another figure"}},
		"a long title":        {`[{"file": "a.svg", "title": "` + long + `", "panels": [{"lines": [{"points": [[1, 2]]}]}]}]`, []string{"figure 1 (a.svg): the title is too long"}},
		"a panel's long one":  {`[{"file": "a.svg", "title": "A", "panels": [{"title": "` + long + `", "lines": [{"points": [[1, 2]]}]}]}]`, []string{"panel 1", "the title is too long"}},
		"a long name":         {lines + `{"name": "` + long + `", "points": [[1, 2]]}, {"name": "l", "points": [[1, 2]]}]}]}]`, []string{"panel 1: a line's name is too long"}},
		"a long X":            {figures("", `, "x": "`+long+`"`, good), []string{"panel 1 (P): the name of X is too long"}},
		"a long Y":            {figures("", `, "y": "`+long+`"`, good), []string{"panel 1 (P): the name of Y is too long"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			input, folder := filepath.Join(dir, "figures.json"), filepath.Join(dir, "out")
			if err := os.WriteFile(input, []byte(test.input), 0o600); err != nil {
				t.Fatal(err)
			}
			err := run([]string{"-o", folder, input}, io.Discard)
			if err == nil {
				t.Fatal("it is drawn")
			}
			for _, want := range append(test.want, input) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("there is a folder: %v", err)
			}
		})
	}
}

// TestRunRefuses what is no call of the command.
func TestRunRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"nothing": nil, "no folder": {"testdata/sample.json"}, "no file": {"-o", t.TempDir()},
		"two files": {"-o", t.TempDir(), "a.json", "b.json"}, "a missing file": {"-o", t.TempDir(), "missing.json"},
	} {
		if err := run(args, io.Discard); err == nil {
			t.Errorf("%s is a call", name)
		}
	}
}
