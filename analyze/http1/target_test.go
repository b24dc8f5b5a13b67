package http1_test

import (
	"slices"
	"testing"

	"wirelag/analyze/http1"
)

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		target, host    string
		absolute        bool
		path, authority string
	}{
		{"/a?b#c", "h:80", false, "/a?b#c", "h:80"},
		{"http://u:p@h:81/a?b", "other", true, "/a?b", "h:81"},
		{"http://h", "", true, "/", "h"},
		{"http://h?q", "", true, "/?q", "h"},
		{"/redirect?to=http://h/x", "a", false, "/redirect?to=http://h/x", "a"},
		{"://h/a", "a", false, "://h/a", "a"},
		{"*", "a", false, "*", "a"},
		{"", "", false, "", ""},
	} {
		m := http1.Message{Target: c.target, Fields: http1.FieldsOf([]http1.Field{{Name: "host", Value: c.host}})}
		if m.AbsoluteForm() != c.absolute || m.Path() != c.path || m.Authority() != c.authority {
			t.Errorf("%q: absolute %v, path %q, authority %q", c.target, m.AbsoluteForm(), m.Path(), m.Authority())
		}
	}
}

func TestList(t *testing.T) {
	m := http1.Message{Fields: http1.FieldsOf([]http1.Field{
		{Name: "connection", Value: " close, ,X-A"}, {Name: "Other", Value: "x"}, {Name: "CONNECTION", Value: "\tte ,"},
	})}
	if got, want := slices.Collect(m.List("Connection")), []string{"close", "X-A", "te"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for item := range m.List("Connection") {
		if item != "close" {
			t.Errorf("went on to %q after the loop was left", item)
		}
		break
	}
}
