package analyze

import (
	"testing"
	"time"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

func TestSelection(t *testing.T) {
	x := &Exchange{
		Connection: &Connection{Connection: &reassembly.Connection{}},
		Request: &http1.Message{
			Method: "GET", Target: "http://shop.test:8080/api/v1/items?id=7",
			Fields: http1.FieldsOf([]http1.Field{{Name: "Host", Value: "Shop.Test:8080"}}),
			Start:  http1.Span{At: capture.Mark{Time: capture.Time(100 * time.Second), Frame: 1}},
		},
		Response: &http1.Message{Status: 503},
	}
	start := capture.Time(90 * time.Second)
	tests := []struct {
		name string
		set  func(*Selection) error
		want bool
	}{
		{"nothing asked", func(*Selection) error { return nil }, true},
		{"host", func(s *Selection) error { s.Hosts("shop.test"); return nil }, true},
		{"host pattern", func(s *Selection) error { s.Hosts("other", "*.test"); return nil }, true},
		{"another host", func(s *Selection) error { s.Hosts("shop"); return nil }, false},
		{"path", func(s *Selection) error { s.Paths("/api/*"); return nil }, true},
		{"path without the query", func(s *Selection) error { s.Paths("/api/v?/items"); return nil }, true},
		{"another path", func(s *Selection) error { s.Paths("/api"); return nil }, false},
		{"status class", func(s *Selection) error { return s.Status("5xx") }, true},
		{"status range", func(s *Selection) error { return s.Status("500-502") }, false},
		{"no response", func(s *Selection) error { return s.Status("none") }, false},
		{"since, relative", func(s *Selection) error { return s.Since("+10s") }, true},
		{"since, too late", func(s *Selection) error { return s.Since("+10.001s") }, false},
		{"until", func(s *Selection) error { return s.Until("1970-01-01T00:01:41Z") }, true},
		{"until, too early", func(s *Selection) error { return s.Until("1970-01-01T00:01:40Z") }, false},
		{"all must hold", func(s *Selection) error { s.Paths("/api/*"); return s.Status("404") }, false},
	}
	for _, test := range tests {
		var s Selection
		if err := test.set(&s); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		told := false
		l := s.Of(Listener{Exchange: func(*Exchange) { told = true }})
		if l.Tick != nil {
			l.Tick(start)
		}
		if l.Exchange(x); told != test.want {
			t.Errorf("%s: told %v, want %v", test.name, told, test.want)
		}
	}
}

func TestSelectionErrors(t *testing.T) {
	var s Selection
	for _, text := range []string{"", "6", "xx", "99", "500-400", "1000", "5x"} {
		if s.Status(text) == nil {
			t.Errorf("status %q was taken", text)
		}
	}
	for _, text := range []string{"", "+", "+10", "yesterday", "+-3s"} {
		if s.Since(text) == nil {
			t.Errorf("time %q was taken", text)
		}
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("/a*b?", "/axxbc")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if matches(pattern, text) && !matches("*"+pattern, text) {
			t.Errorf("%q matches %q, but not behind a star", pattern, text)
		}
		if !matches("*", text) {
			t.Errorf("a star does not match %q", text)
		}
	})
}
