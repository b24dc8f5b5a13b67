package analyze

import (
	"fmt"
	"testing"
	"time"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// repeatable is an exchange whose request began at a moment.
func repeatable(id uint64, target string, at capture.Time) *Exchange {
	m := &http1.Message{Method: "POST", Target: target, Complete: true}
	m.Start.At.Time = at
	return &Exchange{ID: id, Request: m}
}

func match(r *repeats, x *Exchange, c *Connection) *failure {
	return r.match(x, c, sumOf(keyOf(x.Request, c)))
}

// TestRepeatsAreBounded: of many failed requests the oldest are forgotten, and
// those that are too old.
func TestRepeatsAreBounded(t *testing.T) {
	var r repeats
	c := &Connection{Connection: new(reassembly.Connection)}
	for i := range 2 * maxFailures {
		at := capture.Time(i + 1)
		r.add(repeatable(uint64(i+1), fmt.Sprintf("/%d", i), at), c, capture.Span{At: capture.Mark{Time: at}, Readable: at})
	}
	listed := 0
	for _, list := range r.failures {
		listed += len(list)
	}
	if len(r.order) != maxFailures || listed != maxFailures || r.dropped != maxFailures {
		t.Errorf("%d failures in order, %d by key, %d dropped", len(r.order), listed, r.dropped)
	}
	now := capture.Time(3 * maxFailures)
	if f := match(&r, repeatable(1, "/0", now), c); f != nil {
		t.Error("a forgotten request is matched")
	}
	latest := fmt.Sprintf("/%d", 2*maxFailures-1)
	if f := match(&r, repeatable(1, latest, now), c); f == nil || f.first.ID != 2*maxFailures {
		t.Error("the latest is not matched")
	}
	if f := match(&r, repeatable(2, latest, now), c); f != nil {
		t.Error("a request is matched twice")
	}
	late := now.Add(repeatWindow + time.Second)
	if f := match(&r, repeatable(3, "/5000", late), c); f != nil || len(r.order) != 0 || len(r.failures) != 0 {
		t.Errorf("after the window: matched %v, %d left", f != nil, len(r.order))
	}
}
