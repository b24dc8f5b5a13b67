package analyze

import "testing"

// TestLogsKeepNoBytes: when a log begins anew, the bytes of what was told are free,
// wherever in it they were.
func TestLogsKeepNoBytes(t *testing.T) {
	var l eventLog
	h := new(handle)
	for large := range 8 {
		for i := range large + 1 {
			l.add(exchangeBegan, h)
			size := 1
			if i == large {
				size = 1 << 18
			}
			l.under(resolverData, h).data = make([]byte, size)
		}
		l.reset()
	}
	for i, c := range l.circumstances.all {
		if c.data != nil {
			t.Errorf("what event %d came with keeps %d bytes", i, len(c.data))
		}
	}
	if len(l.circumstances.all) != 8 {
		t.Errorf("memory for %d events is kept, want 8", len(l.circumstances.all))
	}
}
