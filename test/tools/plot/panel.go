package main

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// series is a line as it is drawn. It knows no more of gonum's plots than where a position is, so that they leave no room
// around it: a line ends where its axis does.
type series struct {
	name   string
	points []vg.Point // positions on the axes
	line   draw.LineStyle
	mark   draw.GlyphStyle
}

// newSeries puts a line's points on axes. A point of its own is no line, so it has a mark.
func newSeries(l line, colour int, x, y axis) series {
	s := series{name: l.Name, line: lineStyle(colour, l.Dashed)}
	for _, point := range l.Points {
		s.points = append(s.points, vg.Point{X: vg.Length(x.at(float64(point[0]))), Y: vg.Length(y.at(float64(point[1])))})
	}
	if l.Marks || len(l.Points) == 1 {
		s.mark = draw.GlyphStyle{Color: colours[colour], Radius: 3.5, Shape: shapes[colour]}
	}
	return s
}

// Plot draws the line. Its axes hold all of it.
func (s series) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	points := make([]vg.Point, len(s.points))
	for i, point := range s.points {
		points[i] = vg.Point{X: x(float64(point.X)), Y: y(float64(point.Y))}
	}
	if len(points) > 1 {
		c.StrokeLines(s.line, points)
	}
	for _, point := range points {
		c.DrawGlyphNoClip(s.mark, point)
	}
}

// grid is what stands behind the lines, and the axis of X. Gonum draws an axis first, and its grid over it.
type grid struct{}

// Plot draws the grid.
func (grid) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, minor := range []bool{true, false} {
		style := majorGrid
		if minor {
			style = minorGrid
		}
		for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
			if t.IsMinor() == minor {
				c.StrokeLine2(style, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
			}
		}
		for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
			if t.IsMinor() == minor {
				c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
			}
		}
	}
	c.StrokeLine2(baseline, c.Min.X, c.Min.Y, c.Max.X, c.Min.Y)
}

// newPlot makes gonum's plot of a panel: all of it but the header.
func newPlot(p panel, lines []series, x, y axis) *plot.Plot {
	drawn := plot.New()
	drawn.BackgroundColor = nil // the whole figure has one
	drawn.Add(grid{})
	for _, l := range lines {
		drawn.Add(l)
	}
	drawn.X.Label.Text, drawn.Y.Label.Text = p.X, p.Y
	for of, a := range map[*plot.Axis]axis{&drawn.X: x, &drawn.Y: y} {
		of.Min, of.Max, of.Tick.Marker = a.min, a.max, a.ticks
		of.Padding, of.Width, of.Tick.Length = 0, 0, 0
		of.Label.Padding = 4
		restyle(&of.Label.TextStyle)
		restyle(&of.Tick.Label)
	}
	drawn.Y.Tick.Label.YAlign = -0.58 // the middle of digits, which do not reach below the baseline
	drawn.X.Tick.Label.YAlign = -1.12 // a little below the ticks
	drawn.X.Tick.Length = 6
	drawn.X.Tick.LineStyle = baseline
	return drawn
}

// restyle writes an axis's text as all of them are written, where gonum has it.
func restyle(s *text.Style) {
	s.Font, s.Color = axisText.Font, axisText.Color
}

// alignNames moves the names of Y's axes to the left of the widest of their labels, so that one stands under the other.
func alignNames(plots [][]*plot.Plot) {
	widths, widest := make([]vg.Length, len(plots)), vg.Length(0)
	for i, row := range plots {
		y := row[0].Y
		for _, t := range y.Tick.Marker.Ticks(y.Min, y.Max) {
			widths[i] = max(widths[i], y.Tick.Label.Width(t.Label))
		}
		widest = max(widest, widths[i])
	}
	for i, row := range plots {
		row[0].Y.Label.Padding += widest - widths[i]
	}
}
