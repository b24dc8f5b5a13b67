package http1

import (
	"strings"
	"testing"
)

func TestSniff(t *testing.T) {
	for _, c := range []struct {
		data              string
		request, response Sniff
	}{
		{"", NeedMore, NeedMore},
		{"GET / HTTP/1.1\r\n", Yes, No},
		{"\r\nGET / HTTP/1.1\r\n", Yes, No},
		{"GET / HTTP/1.1\r", NeedMore, No},
		{"GET /long", NeedMore, No},
		{"X-ANY a b c HTTP/1.1\n", Yes, No},
		{"GET HTTP/1.1\n", Yes, No},
		{"GET /x\r\n", Yes, No},
		{"GET key\r\n", No, No}, // Redis
		{"POST /x\r\n", No, No},
		{strings.Repeat("M", 64) + " / HTTP/1.1\n", Yes, No},
		{strings.Repeat("M", 65) + " / HTTP/1.1\n", No, No},
		{"PRI * HTTP/2.0\r\n", No, No},
		{"PRI * HTTP/2.0", NeedMore, No},
		{"OPTIONS * RTSP/1.0\r\n", No, No},
		{"220 mail ESMTP\r\n", No, No},
		{"SSH-2.0-x\r\n", No, No},
		{"\x16\x03\x01\x02\x00", No, No},
		{"GET/ HTTP/1.1", No, No},
		{"H", NeedMore, NeedMore},
		{"HTTP/", No, NeedMore},
		{"HTTP/1", No, Yes},
		{"HTTP/1.1 200 OK\r\n", No, Yes},
		{"\r\nHTTP/1.0 20", No, Yes},
		{"http/1.1 200", No, Yes},
		{"HTTP/x", No, No},
		{"HTML", NeedMore, No},
	} {
		if got := SniffRequest([]byte(c.data), false); got != c.request {
			t.Errorf("SniffRequest(%q) = %d, want %d", c.data, got, c.request)
		}
		if got := SniffResponse([]byte(c.data)); got != c.response {
			t.Errorf("SniffResponse(%q) = %d, want %d", c.data, got, c.response)
		}
	}
}

// TestSniffMiddle: what a line begins with that may be the end of a body is no request.
func TestSniffMiddle(t *testing.T) {
	for data, want := range map[string]Sniff{
		"12345": No, "XYZ": No, "GE": NeedMore, "PROPFIND": NeedMore, "\r\n": NeedMore, "GET /x": NeedMore,
		"X-ANY / HTTP/1.1\r\n": Yes,
	} {
		if got := SniffRequest([]byte(data), true); got != want {
			t.Errorf("%q: %d, want %d", data, got, want)
		}
	}
}

func TestProblemNames(t *testing.T) {
	if len(problemNames) != 27 || TrailersUnfinished != 1<<(len(problemNames)-1) {
		t.Fatalf("%d names; the last problem is %#x", len(problemNames), uint32(TrailersUnfinished))
	}
	for problem, want := range map[Problem]string{
		0: "", BareLF: "bare-lf", UnknownTransferEncoding: "unknown-transfer-encoding", BadChunkSize: "bad-chunk-size",
		HeadLost | ObsFold: "obs-fold head-lost", TrailersUnfinished: "trailers-unfinished",
	} {
		if got := problem.String(); got != want {
			t.Errorf("%#x is %q, want %q", uint32(problem), got, want)
		}
	}
}
