package capture

import "testing"

func TestFrame(t *testing.T) {
	f := NewFrame(3, 1<<48-1)
	if f.File() != 3 || f.Number() != 1<<48-1 || f.String() != "281474976710655" {
		t.Errorf("%d:%d %v", f.File(), f.Number(), f)
	}
}
