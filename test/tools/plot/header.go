package main

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// header is what stands above a panel: its title, and its legend where it has more than one line. A legend above the axes
// covers no line, however they run.
type header struct {
	title  string
	legend [][]series // in rows
	beside bool       // whether the legend is in the title's row, at its right
}

// Sizes of a legend's entry.
const (
	sampleWidth = 22 // the line beside a name
	sampleGap   = 6
	entryGap    = 20
	titleGap    = 32 // between a title and a legend
)

// newHeader arranges the header of a panel that has some room in its width.
func newHeader(title string, lines []series, room vg.Length) (header, error) {
	h := header{title: title}
	if panelTitle.Width(title) > room {
		return header{}, fmt.Errorf("the title is too long: %q", title)
	}
	if len(lines) < 2 {
		return h, nil
	}
	if title != "" && panelTitle.Width(title)+titleGap+rowWidth(lines) <= room {
		h.legend, h.beside = [][]series{lines}, true
		return h, nil
	}
	var row []series
	for _, l := range lines {
		if entryWidth(l) > room {
			return header{}, fmt.Errorf("a line's name is too long: %q", l.name)
		}
		if len(row) > 0 && rowWidth(row)+entryGap+entryWidth(l) > room {
			h.legend = append(h.legend, row)
			row = nil
		}
		row = append(row, l)
	}
	h.legend = append(h.legend, row)
	return h, nil
}

func entryWidth(l series) vg.Length {
	return sampleWidth + sampleGap + legendText.Width(l.name)
}

func rowWidth(row []series) vg.Length {
	width := vg.Length(len(row)-1) * entryGap
	for _, l := range row {
		width += entryWidth(l)
	}
	return width
}

func (h header) rows() int {
	if h.title == "" || h.beside {
		return len(h.legend)
	}
	return len(h.legend) + 1
}

// height is the header's, with what keeps it off the plot.
func (h header) height() vg.Length {
	if h.rows() == 0 {
		return 0
	}
	return vg.Length(h.rows())*rowHeight + 4
}

// draw draws the header over a canvas on which the panel's lines were drawn.
func (h header) draw(c draw.Canvas) {
	y := c.Max.Y + h.height() - 14
	if h.title != "" {
		c.FillText(panelTitle, vg.Point{X: c.Min.X, Y: y}, h.title)
		if !h.beside {
			y -= rowHeight
		}
	}
	for _, row := range h.legend {
		x := c.Min.X
		if h.beside {
			x = c.Max.X - rowWidth(row)
		}
		for _, l := range row {
			l.sample(c, vg.Point{X: x, Y: y + textSize*0.36})
			c.FillText(legendText, vg.Point{X: x + sampleWidth + sampleGap, Y: y}, l.name)
			x += entryWidth(l) + entryGap
		}
		y -= rowHeight
	}
}

// space is room that a plot leaves above it. Gonum leaves it for what it takes for a mark as high.
type space vg.Length

// Plot draws nothing.
func (space) Plot(draw.Canvas, *plot.Plot) {}

// GlyphBoxes has the mark, on the upper end of the axis of Y.
func (s space) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	return []plot.GlyphBox{{Y: 1, Rectangle: vg.Rectangle{Max: vg.Point{Y: vg.Length(s)}}}}
}

// sample draws what the line looks like, beside its name.
func (s series) sample(c draw.Canvas, at vg.Point) {
	c.StrokeLine2(s.line, at.X, at.Y, at.X+sampleWidth, at.Y)
	c.DrawGlyphNoClip(s.mark, vg.Point{X: at.X + sampleWidth/2, Y: at.Y})
}
