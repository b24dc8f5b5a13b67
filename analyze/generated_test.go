package analyze_test

import (
	"fmt"
	"slices"
	"testing"

	"wirelag/analyze/http1"
	"wirelag/reassembly/capture/generate"
)

// TestGeneratedTruth compares what is found in generated captures with what is
// known of them.
func TestGeneratedTruth(t *testing.T) {
	for _, kind := range []generate.Kind{
		generate.Mixed, generate.KeepAlive, generate.Short, generate.Bulk,
		generate.Open, generate.SYNFlood, generate.OutOfOrder,
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(kind, " ", seed), func(t *testing.T) {
				options := generate.Options{Kind: kind, Seed: seed, Size: 3 << 20}
				if testing.Short() {
					options.Size = 1 << 20
				}
				src, err := generate.NewSource(options)
				if err != nil {
					t.Fatal(err)
				}
				h := listen(t, src)
				h.keepsPromises(t)
				switch kind {
				case generate.SYNFlood:
					compareTruth(t, h, src.Truth())
				case generate.OutOfOrder:
					overLimits(t, h, src.Truth())
				default:
					compareTruth(t, h, src.Truth())
					whole(t, h)
				}
			})
		}
	}
}

func compareTruth(t *testing.T, h *heard, truth generate.Truth) {
	t.Helper()
	var requestBodies, responseBodies, retransmissions uint64
	for _, x := range h.exchanges {
		if x.Request != nil {
			requestBodies += uint64(x.Request.BodyBytes)
		}
		if x.Response != nil {
			responseBodies += uint64(x.Response.BodyBytes)
		}
	}
	for _, c := range h.connections {
		retransmissions += c.Retransmissions()
	}
	c := h.capture
	for _, v := range []struct {
		name      string
		got, want uint64
	}{
		{"packets", c.Packets, truth.Packets},
		{"bytes", c.Bytes, truth.Bytes},
		{"TCP packets", c.TCPPackets, truth.TCPPackets},
		{"connections", c.Connections, truth.Connections},
		{"requests", c.Requests, truth.Requests},
		{"responses", c.Responses, truth.Responses},
		{"exchanges", c.Exchanges, truth.Requests},
		{"request body bytes", requestBodies, truth.RequestBodyBytes},
		{"response body bytes", responseBodies, truth.ResponseBodyBytes},
	} {
		if v.got != v.want {
			t.Errorf("%d %s, want %d", v.got, v.name, v.want)
		}
	}
	// What comes late carries an identification here as if it were sent last, and
	// may be taken for sent again.
	if least, most := truth.Retransmissions, truth.Retransmissions+truth.OutOfOrder; retransmissions < least || retransmissions > most {
		t.Errorf("%d retransmissions, want %d to %d", retransmissions, least, most)
	}
}

// overLimits checks a capture that has more out of order than is waited for:
// the limit is told, and nothing is taken for whole that is not.
func overLimits(t *testing.T, h *heard, truth generate.Truth) {
	t.Helper()
	if c := h.capture; c.Connections != truth.Connections || c.Requests != truth.Requests {
		t.Errorf("%d connections, %d requests, want %d, %d", c.Connections, c.Requests, truth.Connections, truth.Requests)
	}
	for _, x := range h.exchanges {
		if x.Response != nil && x.Response.Complete {
			t.Errorf("the response of exchange %d is complete", x.ID)
		}
	}
	for _, i := range h.capture.Health {
		if i.Kind == "limit-reassembly" {
			return
		}
	}
	t.Errorf("the limit is not told: %v", h.capture.Health)
}

// whole checks that nothing is wrong with any message, and that each phase of
// each exchange is known.
func whole(t *testing.T, h *heard) {
	t.Helper()
	for _, x := range h.exchanges {
		for _, m := range []*http1.Message{x.Request, x.Response} {
			if m == nil || !m.Complete || m.Problems != 0 || m.Lost != 0 {
				t.Fatalf("exchange %d of connection %d: %+v", x.ID, x.Connection.ID, m)
			}
		}
		if p := x.Timing; p.Send < 0 || p.Wait < 0 || p.Receive < 0 || p.Blocked != 0 {
			t.Fatalf("exchange %d of connection %d: %+v", x.ID, x.Connection.ID, p)
		}
	}
	expected := []string{"open-at-end", "not-http", "not-tcp"} // of the traffic, not of its capture
	for _, i := range h.capture.Health {
		if !slices.Contains(expected, i.Kind) {
			t.Errorf("%d %s: %s", i.Count, i.Kind, i.Meaning)
		}
	}
}
