package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// size is a number of bytes, as the value of a flag.
type size int64

// units are what may stand behind the number, the largest first. They are
// powers of two, whether written 1G, 1GB or 1GiB.
var units = []struct {
	name  string
	bytes int64
}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"k", 1 << 10}}

func (s *size) String() string {
	for _, u := range units {
		if *s > 0 && int64(*s)%u.bytes == 0 {
			return strconv.FormatInt(int64(*s)/u.bytes, 10) + strings.ToUpper(u.name) + "iB"
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

func (s *size) Type() string { return "SIZE" }

func (s *size) Set(text string) error {
	number, scale := strings.TrimSpace(text), int64(1)
	for _, u := range units {
		for _, suffix := range []string{u.name + "iB", u.name + "B", u.name} {
			if n := len(number) - len(suffix); n > 0 && strings.EqualFold(number[n:], suffix) {
				number, scale = number[:n], u.bytes
			}
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/scale {
		return errors.New("want a size like 64MiB or 2G")
	}
	*s = size(n * scale)
	return nil
}
