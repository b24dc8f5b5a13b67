package dns

import (
	"container/list"

	"wirelag/reassembly/capture"
)

// recent is a map that forgets: what has expired, and what was put longest ago
// where there would be more than limit entries.
type recent[K comparable, V any] struct {
	limit   int
	entries map[K]*list.Element // of order
	order   list.List           // of *entry[K, V], as they were put
	evicted uint64              // forgotten for the limit before they expired
}

type entry[K comparable, V any] struct {
	key   K
	value V
	until capture.Time
}

func newRecent[K comparable, V any](limit int) recent[K, V] {
	return recent[K, V]{limit: limit, entries: map[K]*list.Element{}}
}

// get returns what was put for key, unless it is forgotten or expired.
func (r *recent[K, V]) get(key K, now capture.Time) (V, bool) {
	if at := r.entries[key]; at != nil {
		if e := at.Value.(*entry[K, V]); e.until >= now {
			return e.value, true
		}
	}
	var none V
	return none, false
}

// put sets the value for key, to be forgotten after until.
func (r *recent[K, V]) put(key K, value V, until, now capture.Time) {
	r.remove(key)
	for {
		oldest := r.oldest()
		expired := oldest != nil && oldest.until < now
		if !expired && len(r.entries) < r.limit {
			break
		}
		if !expired {
			r.evicted++
		}
		r.remove(oldest.key)
	}
	r.entries[key] = r.order.PushBack(&entry[K, V]{key, value, until})
}

// oldest is what was put longest ago; nil without any.
func (r *recent[K, V]) oldest() *entry[K, V] {
	if at := r.order.Front(); at != nil {
		return at.Value.(*entry[K, V])
	}
	return nil
}

// remove forgets key.
func (r *recent[K, V]) remove(key K) {
	if at := r.entries[key]; at != nil {
		r.order.Remove(at)
		delete(r.entries, key)
	}
}
