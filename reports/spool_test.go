package reports

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestSpoolSortsInBoundedMemory(t *testing.T) {
	for _, limit := range []int{spoolMemory, 1 << 16, 1 << 10} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			folder := t.TempDir()
			t.Setenv("TMPDIR", folder)
			t.Setenv("TMP", folder)
			keys := make([]spoolKey, 5000)
			for i := range keys {
				keys[i] = spoolKey{uint64(i / 21), uint64(i / 7 % 3), uint64(i % 7)}
			}
			random := rand.New(rand.NewPCG(1, 2))
			random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })

			s := spool{limit: limit}
			for _, key := range keys {
				if err := s.add(key, fmt.Appendf(s.room(), "record %v", key)); err != nil {
					t.Fatal(err)
				}
				if used := cap(s.records) + spoolEntrySize*cap(s.entries); used > 4*limit {
					t.Fatalf("%d bytes of memory, the limit is %d", used, limit)
				}
			}
			var got []spoolKey
			err := s.each(func(key spoolKey, record []byte) error {
				if want := fmt.Sprintf("record %v", key); string(record) != want {
					t.Fatalf("got %q, want %q", record, want)
				}
				got = append(got, key)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(keys, spoolKey.compare)
			if !slices.Equal(got, keys) {
				t.Errorf("the records came in another order, or not all")
			}
			if spooled := limit < spoolMemory; spooled != (s.file != nil) {
				t.Errorf("temporary file: %v, want one: %v", s.file, spooled)
			}
			if runtime.GOOS != "windows" {
				checkEmpty(t, folder) // nothing to be left behind, however the program ends
			}
			s.close()
			checkEmpty(t, folder)
		})
	}
}

func checkEmpty(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestSpoolTellsThatItCannotWrite(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere/at/all")
	t.Setenv("TMP", "/nowhere/at/all")
	s := spool{limit: 10}
	defer s.close()
	err := s.add(spoolKey{connection: 1, exchange: 1}, append(s.room(), "more than ten bytes"...))
	if err == nil || !strings.HasPrefix(err.Error(), "a temporary file in "+os.TempDir()+": ") || strings.Count(err.Error(), "nowhere") != 1 {
		t.Errorf("there is no place for a temporary file: %v", err)
	}
}

func TestSpoolHandsOnErrors(t *testing.T) {
	for _, limit := range []int{10, 1000} {
		s := spool{limit: limit}
		for i := range uint64(3) {
			if err := s.add(spoolKey{connection: i}, append(s.room(), "some record"...)); err != nil {
				t.Fatal(err)
			}
		}
		calls := 0
		err := s.each(func(spoolKey, []byte) error { calls++; return os.ErrClosed })
		if err != os.ErrClosed || calls != 1 {
			t.Errorf("limit %d: got %v after %d calls, want the first error", limit, err, calls)
		}
		s.close()
	}
}
