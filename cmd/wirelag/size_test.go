package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "1000": "1000", "1024": "1KiB", "64k": "64KiB", "64K": "64KiB", "32MiB": "32MiB", "32 mb": "32MiB",
		"2G": "2GiB", "1536M": "1536MiB", "1T": "1TiB", "8388607T": "8388607TiB",
	} {
		var s size
		if err := s.Set(text); err != nil || s.String() != want {
			t.Errorf("%q: %s, %v, want %s", text, &s, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "k", "1.5G", "8388608T", "12 bits", "1kk"} {
		if s := size(7); s.Set(text) == nil || s != 7 {
			t.Errorf("%q is taken as %d", text, s)
		}
	}
}

// A little memory is enough for few connections; of more the oldest go.
func TestMaxMemory(t *testing.T) {
	var source string
	for i := range 80 {
		source += fmt.Sprintf("c%d 10.0.0.1:%d > 10.0.0.2:80\n", i, 40000+i)
	}
	for i := range 80 {
		source += fmt.Sprintf("%dms c%d > SYN\n", i, i)
	}
	file := captureFile(t, "many.pcap", source)
	for memory, want := range map[string]struct{ least, most int }{"1k": {16, 40}, "512M": {0, 0}} {
		got := wirelag(t, nil, "--format", "json", "--max-memory", memory, file)
		_, rest, _ := strings.Cut(got.stdout, `"limit-connections","count":`)
		gone, _ := strconv.Atoi(rest[:max(strings.IndexByte(rest, ','), 0)])
		if gone < want.least || gone > want.most || got.status != statusDone {
			t.Errorf("%s: %d given up, status %d\n%.600s", memory, gone, got.status, got.stdout)
		}
	}
}
