package main

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"unicode"
)

// largest is the largest number that is drawn, and its inverse the smallest: beyond them, what one sees is the error of
// the arithmetic.
const largest = 1e15

// check refuses what cannot be drawn, or would not show what was meant.
func (f figure) check() error {
	if err := f.checkFile(); err != nil {
		return err
	}
	if f.Title == "" {
		return errors.New("it has no title")
	}
	if err := checkText(f.Title); err != nil {
		return err
	}
	if len(f.Panels) == 0 {
		return errors.New("it has no panels")
	}
	for i, p := range f.Panels {
		if err := p.check(); err != nil {
			return p.wrong(i, err)
		}
	}
	return nil
}

func (f figure) checkFile() error {
	switch {
	case f.File == "":
		return errors.New("it has no file")
	case filepath.Base(f.File) != f.File || strings.Contains(f.File, `\`), f.File == ".svg", !strings.HasSuffix(f.File, ".svg"):
		return fmt.Errorf("file %q is no name of a file that ends with .svg", f.File)
	}
	return checkText(f.File)
}

// wrong says which panel an error is about.
func (p panel) wrong(place int, err error) error {
	if p.Title == "" {
		return fmt.Errorf("panel %d: %w", place+1, err)
	}
	return fmt.Errorf("panel %d (%s): %w", place+1, p.Title, err)
}

func (p panel) check() error {
	for _, text := range []string{p.Title, p.X, p.Y} {
		if err := checkText(text); err != nil {
			return err
		}
	}
	if p.YMin != nil {
		if err := checkNumber("yMin", *p.YMin, p.LogY); err != nil {
			return err
		}
	}
	switch {
	case len(p.Lines) == 0:
		return errors.New("it has no lines")
	case len(p.Lines) > len(colours):
		return fmt.Errorf("it has %d lines: more than %d cannot be told apart", len(p.Lines), len(colours))
	}
	names := map[string]bool{}
	for i, l := range p.Lines {
		switch {
		case len(p.Lines) > 1 && l.Name == "":
			return fmt.Errorf("line %d has no name", i+1)
		case names[l.Name]:
			return fmt.Errorf("two lines have the name %q", l.Name)
		}
		names[l.Name] = true
		if err := errors.Join(checkText(l.Name), p.checkPoints(l)); err != nil {
			return fmt.Errorf("line %d (%s): %w", i+1, l.Name, err)
		}
	}
	return nil
}

func (p panel) checkPoints(l line) error {
	if len(l.Points) == 0 {
		return errors.New("it has no points")
	}
	for i, point := range l.Points {
		if len(point) != 2 {
			return fmt.Errorf("point %d has %d numbers, not x and y", i+1, len(point))
		}
		err := checkNumber("x", point[0], p.LogX)
		if err == nil {
			err = checkNumber("y", point[1], p.LogY)
		}
		if err == nil && p.YMin != nil && point[1] < *p.YMin {
			err = fmt.Errorf("y is %v, below yMin: it would not be seen", point[1])
		}
		if err != nil {
			return fmt.Errorf("point %d: %w", i+1, err)
		}
	}
	return nil
}

func checkNumber(name string, n number, log bool) error {
	v := float64(n)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Errorf("%s is no number", name)
	case log && v <= 0:
		return fmt.Errorf("%s is %v: a logarithmic axis has only what is above zero", name, v)
	case math.Abs(v) > largest, v != 0 && math.Abs(v) < 1/largest:
		return fmt.Errorf("%s is %v: numbers are drawn from %v to %v", name, v, 1/largest, largest)
	}
	return nil
}

// checkText refuses what XML cannot hold, or what breaks a line.
func checkText(text string) error {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%q holds what cannot be printed", text)
		}
	}
	return nil
}
