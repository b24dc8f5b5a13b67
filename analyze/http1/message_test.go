package http1

import "testing"

func TestPersistent(t *testing.T) {
	for _, c := range []struct {
		head string
		want bool
	}{
		{"GET / HTTP/1.1\r\n\r\n", true},
		{"GET / HTTP/1.2\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET /\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
		{"GET / HTTP/0.9\r\nConnection: keep-alive\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nconnection: x,\tCLOSE\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", true},
	} {
		m := stream{}.read(t, []byte(c.head)).messages[0]
		if got := m.Persistent(); got != c.want {
			t.Errorf("%q: persistent %v", c.head, got)
		}
	}
}

func TestGet(t *testing.T) {
	m := stream{}.read(t, []byte("GET / HTTP/1.1\r\nhOST : a\r\nHost: b\r\n\r\n")).messages[0]
	if v, ok := m.Get("Host"); v != "a" || !ok {
		t.Errorf("Host is %q, %v", v, ok)
	}
	if v, ok := m.Get("Via"); ok {
		t.Errorf("Via is %q", v)
	}
}

func TestInterim(t *testing.T) {
	for status, want := range map[string]bool{"100": true, "199": true, "101": false, "200": false, "99": false} {
		m := stream{role: Response}.read(t, []byte("HTTP/1.1 "+status+" \r\n\r\n")).messages[0]
		if m.Interim() != want {
			t.Errorf("%s: interim %v", status, m.Interim())
		}
	}
}
