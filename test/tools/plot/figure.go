package main

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// stack is a figure's panels as they are drawn: a header and a plot each.
type stack struct {
	headers []header
	plots   [][]*plot.Plot // rows of one
}

// draw draws a figure as SVG.
func (f figure) draw() ([]byte, error) {
	if figureTitle.Width(f.Title) > width-2*margin {
		return nil, fmt.Errorf("the title is too long: %q", f.Title)
	}
	s, err := f.stack()
	if err != nil {
		return nil, err
	}
	tiles := draw.Tiles{
		Rows: len(s.plots), Cols: 1,
		PadLeft: margin, PadRight: margin, PadTop: titleHeight, PadBottom: margin, PadY: margin,
	}
	height := s.height(tiles)
	canvas := vgsvg.New(width, height)
	c := draw.New(canvas)
	// Without a background, a page in dark colours would show through.
	c.SetColor(color.White)
	c.Fill(c.Path())
	cells := plot.Align(s.plots, tiles, c)
	left := s.plots[0][0].DataCanvas(cells[0][0]).Min.X
	c.FillText(figureTitle, vg.Point{X: left, Y: height - 28}, f.Title)
	for i, h := range s.headers {
		p := s.plots[i][0]
		data := p.DataCanvas(cells[i][0])
		if axisText.Width(p.Y.Label.Text) > data.Max.Y-data.Min.Y+2*rowHeight {
			return nil, f.Panels[i].wrong(i, fmt.Errorf("the name of Y is too long: %q", p.Y.Label.Text))
		}
		p.Draw(cells[i][0])
		h.draw(data)
	}
	return finish(canvas, f.Title)
}

// height is the figure's.
func (s stack) height(tiles draw.Tiles) vg.Length {
	height := tiles.PadTop + vg.Length(tiles.Rows-1)*tiles.PadY + tiles.PadBottom
	for _, h := range s.headers {
		height += h.height() + tileHeight
	}
	if tiles.Rows == 1 {
		height += aloneHeight
	}
	return height
}

// stack makes what is drawn of each panel.
func (f figure) stack() (stack, error) {
	var s stack
	lines := make([][]series, len(f.Panels))
	for i, chosen := range f.colours() {
		p := f.Panels[i]
		x, y := axisOfX(f.sharing(p), p.LogX), p.axisOfY()
		for j, l := range p.Lines {
			lines[i] = append(lines[i], newSeries(l, chosen[j], x, y))
		}
		if i+1 < len(f.Panels) && f.Panels[i+1].sharesX(p) {
			p.X = "" // the next says it
		}
		s.plots = append(s.plots, []*plot.Plot{newPlot(p, lines[i], x, y)})
	}
	alignNames(s.plots)
	room := s.dataWidth()
	for i, p := range f.Panels {
		h, err := newHeader(p.Title, lines[i], room)
		if err == nil && axisText.Width(p.X) > room {
			err = fmt.Errorf("the name of X is too long: %q", p.X)
		}
		if err != nil {
			return stack{}, p.wrong(i, err)
		}
		s.headers = append(s.headers, h)
		s.plots[i][0].Add(space(h.height()))
	}
	return s, nil
}

// dataWidth is how wide all plots will be between their axes, once they are aligned.
func (s stack) dataWidth() vg.Length {
	cell := draw.Canvas{Rectangle: vg.Rectangle{Min: vg.Point{X: margin}, Max: vg.Point{X: width - margin, Y: tileHeight}}}
	left, right := cell.Min.X, cell.Max.X
	for _, row := range s.plots {
		data := row[0].DataCanvas(cell)
		left, right = max(left, data.Min.X), min(right, data.Max.X)
	}
	return right - left
}

// sharesX is whether the same moment stands at the same place in two panels.
func (p panel) sharesX(with panel) bool { return p.X == with.X && p.LogX == with.LogX }

// sharing are the panels that have one axis of X.
func (f figure) sharing(with panel) []panel {
	var same []panel
	for _, p := range f.Panels {
		if p.sharesX(with) {
			same = append(same, p)
		}
	}
	return same
}

// colours chooses a colour for each line of each panel: the one that a line of the same name has had, or the first that is
// free.
func (f figure) colours() [][]int {
	known := map[string]int{}
	chosen := make([][]int, len(f.Panels))
	for i, p := range f.Panels {
		chosen[i] = make([]int, len(p.Lines))
		taken := map[int]bool{}
		var unknown []int
		for j, l := range p.Lines {
			colour, ok := known[l.Name]
			if !ok || taken[colour] {
				unknown = append(unknown, j)
				continue
			}
			chosen[i][j], taken[colour] = colour, true
		}
		for _, j := range unknown {
			free := 0
			for taken[free] {
				free++
			}
			chosen[i][j], taken[free], known[p.Lines[j].Name] = free, true, free
		}
	}
	return chosen
}
