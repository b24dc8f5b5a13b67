package script

import (
	"fmt"
	"strconv"
	"strings"
)

// position is a sequence or acknowledgement number as written in a script.
type position struct {
	anchor anchor
	value  uint32
}

// anchor is what a position counts from.
type anchor uint8

const (
	automatic anchor = iota // not written: as the course of the connection has it
	fromNext                // +N, -N: counted from the automatic number
	fromISN                 // N: counted from the initial sequence number
	fromZero                // @N: the number on the wire
)

func parsePosition(s string) (position, error) {
	number, a := s, fromISN
	switch {
	case strings.HasPrefix(s, "@"):
		number, a = s[1:], fromZero
	case strings.HasPrefix(s, "+"), strings.HasPrefix(s, "-"):
		number, a = s[1:], fromNext
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return position{}, fmt.Errorf("want a number like 1460, +100, -1 or @4294967295, not %q", s)
	}
	value := uint32(n)
	if s[0] == '-' {
		value = -value
	}
	return position{a, value}, nil
}

// resolve is the number on the wire, given the automatic one and the initial
// sequence number of the stream it counts.
func (p position) resolve(next, isn uint32) uint32 {
	switch p.anchor {
	case fromNext:
		return next + p.value
	case fromISN:
		return isn + p.value
	case fromZero:
		return p.value
	}
	return next
}

// block is a SACK block as written.
type block struct{ left, right position }

// parseBlocks reads [1-1461,2921-4381].
func parseBlocks(s string) ([]block, error) {
	inner, open := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !open || !closed {
		return nil, fmt.Errorf("want blocks like [1461-2921], not %q", s)
	}
	var blocks []block
	for _, pair := range strings.Split(inner, ",") {
		from, to, ok := strings.Cut(pair, "-")
		if !ok {
			return nil, fmt.Errorf("want blocks like [1461-2921], not %q", s)
		}
		left, err := parsePosition(from)
		if err != nil {
			return nil, err
		}
		right, err := parsePosition(to)
		if err != nil {
			return nil, err
		}
		if left.anchor == fromNext || right.anchor == fromNext {
			return nil, fmt.Errorf("a SACK block counts from the initial sequence number (1461) or 0 (@1461), not %q", pair)
		}
		blocks = append(blocks, block{left, right})
	}
	return blocks, nil
}
