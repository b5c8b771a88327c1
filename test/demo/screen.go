package main

import (
	"fmt"
	"io"
	"os"
)

// screen prints the demo's lines, in colour on a terminal.
type screen struct {
	out    io.Writer
	colour bool
}

func newScreen(out *os.File) *screen {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &screen{out: out, colour: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

const (
	bold  = "1"
	dim   = "2"
	green = "32"
	blue  = "34"
)

func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// title prints the title of a part.
func (s *screen) title(text string) { s.line("\n" + s.paint(bold, text)) }

// done prints that a part has started.
func (s *screen) done(what, detail string) {
	s.line(fmt.Sprintf("  %s %-18s %s", s.paint(green, "✓"), what, s.paint(dim, detail)))
}

// step prints the next step of the order.
func (s *screen) step(text string) { s.line("  " + s.paint(blue, "→") + " " + text) }

// offer prints an address or a command.
func (s *screen) offer(label, text string) {
	s.line(fmt.Sprintf("  %-17s %s", label, s.paint(bold, text)))
}

// line prints a line. It ignores a closed terminal.
func (s *screen) line(text string) { _, _ = fmt.Fprintln(s.out, text) }
