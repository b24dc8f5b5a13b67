package http1

import (
	"slices"
	"testing"
)

func TestFieldsOf(t *testing.T) {
	want := []Field{{"Host", "a"}, {"", "value"}, {"name", ""}, {"", ""}, {"host", "b"}}
	fields := FieldsOf(want)
	var got []Field
	for i, f := range fields.All() {
		if f != fields.At(i) {
			t.Errorf("field %d is %v, then %v", i, f, fields.At(i))
		}
		got = append(got, f)
	}
	if !slices.Equal(got, want) || fields.Len() != len(want) {
		t.Errorf("got %d fields, %q, want %q", fields.Len(), got, want)
	}
	if values := slices.Collect(fields.called("HOST")); !slices.Equal(values, []string{"a", "b"}) {
		t.Errorf("called HOST: %q", values)
	}
	if none := (*Fields)(nil); none.Len() != 0 || len(slices.Collect((&Fields{}).called(""))) != 0 {
		t.Error("no fields are some")
	}
}
