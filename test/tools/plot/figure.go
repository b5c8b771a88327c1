package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/color"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

type figure struct {
	File   string  `json:"file"`
	Title  string  `json:"title"`
	Panels []panel `json:"panels"`
}

type panel struct {
	Title string   `json:"title"`
	X     string   `json:"x"`
	Y     string   `json:"y"`
	LogX  bool     `json:"logX"`
	YMin  *float64 `json:"yMin"`
	Lines []line   `json:"lines"`
}

type line struct {
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"`
	Dashed bool         `json:"dashed"`
	Marks  bool         `json:"marks"`
}

// Lengths in points. A figure is about as wide as GitHub shows a page.
const (
	width       = 600
	panelHeight = 150
	titleHeight = 32
	margin      = 8
	legendWidth = 120
)

// colours are those of Okabe and Ito, which colour-blind people tell apart too.
var colours = []color.Color{
	color.RGBA{B: 0xb2, G: 0x72, A: 0xff}, color.RGBA{R: 0xd5, G: 0x5e, A: 0xff}, color.RGBA{G: 0x9e, B: 0x73, A: 0xff},
	color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff}, color.RGBA{R: 0xe6, G: 0x9f, A: 0xff}, color.Black,
}

// draw returns the figure as SVG.
func (f figure) draw() ([]byte, error) {
	if filepath.Base(f.File) != f.File || filepath.Ext(f.File) != ".svg" || len(f.Panels) == 0 {
		return nil, errors.New("a figure needs panels, and the name of a file that ends with .svg")
	}
	plots, legends := make([][]*plot.Plot, len(f.Panels)), make([]plot.Legend, len(f.Panels))
	for i, p := range f.Panels {
		drawn, legend, err := p.plot()
		if err != nil {
			return nil, fmt.Errorf("panel %d, %s: %w", i+1, p.Title, err)
		}
		plots[i], legends[i] = []*plot.Plot{drawn}, legend
	}
	canvas := vgsvg.New(width, vg.Length(len(plots))*panelHeight+titleHeight)
	c := draw.New(canvas)
	c.SetColor(color.White) // or a dark page would show through
	c.Fill(c.Path())
	title := plots[0][0].Title.TextStyle
	title.Font.Size, title.XAlign, title.YAlign = 13, draw.XCenter, draw.YTop
	c.FillText(title, vg.Point{X: c.Center().X, Y: c.Max.Y - margin}, f.Title)
	cells := plot.Align(plots, draw.Tiles{
		Rows: len(plots), Cols: 1, PadX: margin, PadY: margin,
		PadTop: titleHeight, PadBottom: margin, PadLeft: margin, PadRight: legendWidth,
	}, c)
	for i, row := range plots {
		cell := cells[i][0]
		row[0].Draw(cell)
		beside := vg.Rectangle{Min: vg.Point{X: cell.Max.X + margin, Y: cell.Min.Y}, Max: vg.Point{X: width, Y: cell.Max.Y - titleHeight}}
		legends[i].Draw(draw.Canvas{Canvas: c.Canvas, Rectangle: beside})
	}
	return svg(canvas, f.Title)
}

// plot returns a panel as gonum draws it, and the legend that stands beside it.
func (p panel) plot() (*plot.Plot, plot.Legend, error) {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	drawn, legend := plot.New(), plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle.Font.Size = 10
	drawn.Title.Text, drawn.X.Label.Text, drawn.Y.Label.Text = p.Title, p.X, p.Y
	drawn.Add(plotter.NewGrid())
	var measured []float64
	for i, l := range p.Lines {
		curve, marks, err := l.plotters(colours[i%len(colours)])
		if err != nil {
			return nil, plot.Legend{}, fmt.Errorf("line %d, %s: %w", i+1, l.Name, err)
		}
		drawn.Add(curve)
		shown := []plot.Thumbnailer{curve}
		if l.Marks {
			drawn.Add(marks)
			shown = append(shown, marks)
		}
		if l.Name != "" {
			legend.Add(l.Name, shown...)
		}
		for _, point := range curve.XYs {
			measured = append(measured, point.X)
		}
	}
	if p.YMin != nil {
		drawn.Y.Min = *p.YMin
	}
	if p.LogX {
		if len(measured) == 0 || slices.Min(measured) <= 0 {
			return nil, plot.Legend{}, errors.New("a logarithmic axis needs an x above zero")
		}
		drawn.X.Scale, drawn.X.Tick.Marker = plot.LogScale{}, ticksAt(measured)
	}
	return drawn, legend, nil
}

func (l line) plotters(colour color.Color) (*plotter.Line, *plotter.Scatter, error) {
	if len(l.Points) == 0 {
		return nil, nil, errors.New("it has no points")
	}
	points := make(plotter.XYs, len(l.Points))
	for i, point := range l.Points {
		points[i] = plotter.XY{X: point[0], Y: point[1]}
	}
	curve, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return nil, nil, err
	}
	curve.Color, curve.Width = colour, 1.25
	if l.Dashed {
		curve.Dashes = []vg.Length{5, 3}
	}
	marks.Color, marks.Shape = colour, draw.CircleGlyph{}
	return curve, marks, nil
}

// ticksAt labels the few places where something was measured: 1, 8 and 32 say more there than 1, 10 and 100.
func ticksAt(values []float64) plot.ConstantTicks {
	slices.Sort(values)
	var ticks plot.ConstantTicks
	for _, v := range slices.Compact(values) {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return ticks
}

// svg adds a title for screen readers, and the fonts that machines without gonum's have.
func svg(canvas *vgsvg.Canvas, title string) ([]byte, error) {
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(out.String(), "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif")
	begin := strings.Index(text, "<svg")
	end := begin + strings.Index(text[begin:], ">") + 1
	return []byte(text[:end] + "\n<title>" + html.EscapeString(title) + "</title>" + text[end:]), nil
}
