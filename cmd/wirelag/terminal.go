package main

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// defaultWidth is that of a page when no terminal tells another.
const defaultWidth = 80

// isTerminal reports whether stream (a reader or a writer) is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// widthOf is how many columns stream shows: those of the terminal that it is,
// or what COLUMNS says, or 80.
func widthOf(stream any) int {
	if isTerminal(stream) {
		if width, _, err := term.GetSize(int(stream.(*os.File).Fd())); err == nil && width > 0 {
			return width
		}
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return defaultWidth
}

// showsColor reports whether to use colours on stream (https://no-color.org).
func showsColor(when string, stream any) bool {
	if when == "auto" {
		return isTerminal(stream) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return when == "always"
}
