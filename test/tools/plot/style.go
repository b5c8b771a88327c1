package main

import (
	"image/color"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// One unit of the canvas is one pixel of the SVG: see finish.
const (
	width       = 800 // a figure's, which is about what GitHub shows of a page
	tileHeight  = 184 // a panel's, which with one row above it and a margin is 220
	aloneHeight = 60  // what a panel has more if it is the only one
	margin      = 12  // around a figure, and between panels
	titleHeight = 40  // of a figure's title
	rowHeight   = 20  // of a panel's title, or a row of its legend
	textSize    = 12
)

// colours are those of Okabe and Ito, which colour-blind people tell apart as well. Their yellow is left out: on white it is
// hardly seen.
var colours = []color.Color{
	color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}, // blue
	color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}, // vermillion
	color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff}, // green
	color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff}, // purple
	color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff}, // orange
	color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff}, // sky blue
	color.Black,
}

// shapes are the marks of each colour's line: not everybody sees colours.
var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, diamond{}, draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{},
}

var (
	ink   = color.Gray{Y: 0x24}
	muted = color.Gray{Y: 0x57}

	majorGrid = draw.LineStyle{Color: color.Gray{Y: 0xdc}, Width: 1}
	minorGrid = draw.LineStyle{Color: color.Gray{Y: 0xf0}, Width: 1}
	baseline  = draw.LineStyle{Color: color.Gray{Y: 0x8c}, Width: 1}
)

// write is how a text is written.
func write(size vg.Length, weight xfont.Weight, shade color.Color) text.Style {
	return text.Style{
		Color:   shade,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight, Size: size},
		Handler: plot.DefaultTextHandler,
	}
}

var (
	figureTitle = write(16, xfont.WeightBold, ink)
	panelTitle  = write(13, xfont.WeightBold, ink)
	legendText  = write(textSize, xfont.WeightNormal, ink)
	axisText    = write(textSize, xfont.WeightNormal, muted)
)

func lineStyle(colour int, dashed bool) draw.LineStyle {
	s := draw.LineStyle{Color: colours[colour], Width: 1.75}
	if dashed {
		s.Dashes = []vg.Length{6, 4}
	}
	return s
}

// diamond is a mark that gonum has none of.
type diamond struct{}

// DrawGlyph draws a square that stands on a corner.
func (diamond) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	r := s.Radius * 1.25
	c.FillPolygon(s.Color, []vg.Point{{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y + r}, {X: at.X + r, Y: at.Y}, {X: at.X, Y: at.Y - r}})
}
