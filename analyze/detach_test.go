package analyze

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"wirelag/analyze/http1"
)

func TestDetachedExchangesShareNothing(t *testing.T) {
	long := strings.Repeat("x", detachedHead-100)
	x := &Exchange{
		Connection: &Connection{},
		ID:         7, Request: &http1.Message{Method: "GET", Target: "/a", Fields: http1.FieldsOf([]http1.Field{{Name: "Long", Value: long}, {Name: "Longer", Value: long}, {Name: "A", Value: "b"}})},
		Interim: []*http1.Message{{Status: 103}}, Answering: &Transfer{Pauses: make([]Pause, 2*detachedMarks), Losses: make([]Loss, 1)},
	}
	d := x.Detach()
	if unsafe.StringData(d.Request.Target) == unsafe.StringData(x.Request.Target) || unsafe.StringData(d.Request.Fields.At(0).Value) == unsafe.StringData(x.Request.Fields.At(0).Value) || d.Interim[0] == x.Interim[0] {
		t.Error("the copy shares memory")
	}
	if d.Request.FieldsCut != 2 || d.Request.BytesCut != int64(len("Longer")+len(long)+len("A")+len("b")) || d.Request.Fields.Len() != 1 || x.Request.FieldsCut != 0 {
		t.Errorf("%d fields, %d cut of the copy, %d of the original", d.Request.Fields.Len(), d.Request.FieldsCut, x.Request.FieldsCut)
	}
	if len(d.Answering.Pauses) != detachedMarks || len(d.Answering.Losses) != 1 || d.Response != nil || d.Sending != nil || d.ID != 7 {
		t.Errorf("the copy is %+v", d)
	}
	if small := (&Exchange{Connection: &Connection{}, Request: &http1.Message{Target: "/", Fields: http1.FieldsOf([]http1.Field{{Name: "A", Value: "b"}})}}); !reflect.DeepEqual(small.Detach().Request.Fields, small.Request.Fields) {
		t.Error("a short head is not copied whole")
	}
}
