package rules

import "testing"

// TestTotals names connections and exchanges in a finding in some order: each is
// listed once, and counts once.
func TestTotals(t *testing.T) {
	for _, test := range []struct {
		name  string
		names func(name func(id uint64))
		total int
	}{
		{"again at once", func(name func(uint64)) {
			for id := range uint64(20) {
				name(id + 1)
				name(id + 1)
			}
		}, 20},
		{"all again, in fewer than are listed", func(name func(uint64)) {
			for n := range uint64(180) {
				name(n%60 + 1)
			}
		}, 60},
		{"all again, in more than are listed", func(name func(uint64)) {
			for n := range uint64(390) {
				name(n%130 + 1)
			}
		}, 130},
		{"thousands again after all of them", func(name func(uint64)) {
			for n := range uint64(20_000) {
				name(n%10_000 + 1)
			}
		}, 10_000},
		{"far apart, out of order, each again after 199 others", func(name func(uint64)) {
			for n := range uint64(100_000) {
				name((100_000-n/400*200-n%200)*1000 + 1)
			}
		}, 50_000},
		{"millions, each once", func(name func(uint64)) {
			for n := range uint64(2_000_000) {
				name(n ^ 5)
			}
		}, 2_000_000},
		{"one again and again between others", func(name func(uint64)) {
			for n := range uint64(100_000) {
				name(n*1000 + 1000)
				if n > 200 {
					name(150_000)
				}
			}
		}, 100_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f Finding
			test.names(func(id uint64) { f.listPlace(id, id+1) })
			if f.ConnectionsTotal != test.total || f.ExchangesTotal != test.total {
				t.Errorf("%d connections, %d exchanges, want %d", f.ConnectionsTotal, f.ExchangesTotal, test.total)
			}
			for _, list := range [][]uint64{f.Connections, f.Exchanges} {
				once := map[uint64]bool{}
				for _, id := range list {
					once[id] = true
				}
				if want := min(test.total, maxListed); len(list) != want || len(once) != want {
					t.Errorf("%d listed, %d different, want %d", len(list), len(once), want)
				}
			}
			if spans := len(f.connections.young) + len(f.connections.old); spans > 2*maxSpans {
				t.Errorf("%d spans are kept", spans)
			}
		})
	}
}
