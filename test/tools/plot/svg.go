package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"

	"gonum.org/v1/plot/vg/vgsvg"
)

// gonumFont is how each of gonum's texts begins: with the font that it measures by, which is on few machines.
const gonumFont = `style="font-family:Liberation Sans;font-variant:normal;`

// fonts are that one, and those of the same measures that other machines have.
const fonts = `'Liberation Sans', Arial, Helvetica, sans-serif`

// finish writes the canvas as a file for the web. Gonum's SVG is for print: its size is in points, and it has no title.
func finish(canvas *vgsvg.Canvas, title string) ([]byte, error) {
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	_, after, ok := bytes.Cut(out.Bytes(), []byte("<svg"))
	if !ok {
		return nil, errors.New("gonum's SVG has no beginning")
	}
	if _, after, ok = bytes.Cut(after, []byte(">\n")); !ok {
		return nil, errors.New("gonum's SVG has no beginning")
	}
	after = bytes.ReplaceAll(after, []byte(gonumFont), []byte(`style="`))
	w, h := canvas.Size()
	// Round joins: a sharp turn would end in a spike that nobody measured.
	begin := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" role="img"
	font-family="%s" stroke-linejoin="round">
<title>%s</title>
`, w.Points(), h.Points(), w.Points(), h.Points(), fonts, html.EscapeString(title))
	return append([]byte(begin), after...), nil
}
