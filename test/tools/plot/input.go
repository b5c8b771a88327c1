package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// figure is one SVG file.
type figure struct {
	// File is the file's name, without a folder.
	File string `json:"file"`
	// Title stands above the panels, and is what a screen reader says in place of the picture.
	Title string `json:"title"`
	// Panels stand one under the other, the first on top.
	Panels []panel `json:"panels"`
}

// panel is one pair of axes and what is drawn on it.
type panel struct {
	Title string `json:"title"`
	// X and Y name what the axes measure, and in which unit.
	X string `json:"x"`
	Y string `json:"y"`
	// LogX and LogY make an axis logarithmic.
	LogX bool `json:"logX"`
	LogY bool `json:"logY"`
	// YMin is where the axis of Y begins, if not at a round number below all that is drawn.
	YMin *number `json:"yMin"`
	// Lines are drawn in this order, so that the last is on top.
	Lines []line `json:"lines"`
}

// line is one run of points, in the order in which they are joined.
type line struct {
	Name string `json:"name"`
	// Points are pairs of x and y.
	Points [][]number `json:"points"`
	// Dashed is for what is no measurement, such as a limit.
	Dashed bool `json:"dashed"`
	// Marks shows where the points are: for few of them.
	Marks bool `json:"marks"`
}

// number is a float64 that takes null for what it means, no number. Go's own takes it for zero.
type number float64

// UnmarshalJSON reads a number or null.
func (n *number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(n))
}

// parse reads a list of figures, one after the other, so that what is wrong is said of the right one.
func parse(r io.Reader) ([]figure, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return nil, errors.Join(errors.New("want a list of figures"), err)
	}
	var figures []figure
	files := map[string]bool{}
	for d.More() {
		var f figure
		err := d.Decode(&f)
		if err == nil {
			err = f.check()
		}
		if err == nil && files[f.File] {
			err = errors.New("another figure has the same file")
		}
		if err != nil {
			return nil, f.wrong(len(figures), err)
		}
		files[f.File] = true
		figures = append(figures, f)
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("after figure %d: %w", len(figures), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the list of figures")
	}
	if len(figures) == 0 {
		return nil, errors.New("there are no figures")
	}
	return figures, nil
}

// wrong says which figure of the list an error is about: by its place, and its file's name where that could be read.
func (f figure) wrong(place int, err error) error {
	if f.File == "" {
		return fmt.Errorf("figure %d: %w", place+1, err)
	}
	return fmt.Errorf("figure %d (%s): %w", place+1, f.File, err)
}
