package dns

import "wirelag/reassembly/capture"

// recent is a map that forgets: what has expired, and what was put longest ago
// where there would be more than limit entries.
type recent[K comparable, V any] struct {
	limit          int
	entries        map[K]*entry[K, V]
	oldest, newest *entry[K, V]
	evicted        uint64 // forgotten for the limit before they expired
}

// entry is one of a list in the order of being put.
type entry[K comparable, V any] struct {
	key          K
	value        V
	until        capture.Time
	older, newer *entry[K, V]
}

func newRecent[K comparable, V any](limit int) recent[K, V] {
	return recent[K, V]{limit: limit, entries: map[K]*entry[K, V]{}}
}

// get returns what was put for key, unless it is forgotten or expired.
func (r *recent[K, V]) get(key K, now capture.Time) (V, bool) {
	e := r.entries[key]
	if e == nil || e.until < now {
		var none V
		return none, false
	}
	return e.value, true
}

// put sets the value for key, to be forgotten after until.
func (r *recent[K, V]) put(key K, value V, until, now capture.Time) {
	if e := r.entries[key]; e != nil {
		r.unlink(e)
	}
	for r.oldest != nil && r.oldest.until < now {
		r.remove(r.oldest.key)
	}
	for len(r.entries) >= r.limit && r.entries[key] == nil {
		if r.oldest.until >= now {
			r.evicted++
		}
		r.remove(r.oldest.key)
	}
	e := r.entries[key]
	if e == nil {
		e = &entry[K, V]{key: key}
		r.entries[key] = e
	}
	e.value, e.until = value, until
	e.older, e.newer = r.newest, nil
	if r.newest != nil {
		r.newest.newer = e
	} else {
		r.oldest = e
	}
	r.newest = e
}

// remove forgets key.
func (r *recent[K, V]) remove(key K) {
	if e := r.entries[key]; e != nil {
		r.unlink(e)
		delete(r.entries, key)
	}
}

// unlink takes e out of the list.
func (r *recent[K, V]) unlink(e *entry[K, V]) {
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		r.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		r.newest = e.older
	}
}
