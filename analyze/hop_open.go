package analyze

import (
	"net/netip"

	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

// openRequests are the complete requests whose exchanges are not over: each may
// turn out to be the other side of one that is.
type openRequests struct {
	list    []openRequest    // from slot 1 on
	free    int32            // the first slot that is not in use
	indexed bool             // there are keys, and newest: before that none is asked for
	newest  map[uint64]int32 // by what both sides have in common
}

// openRequest is a complete request. Nothing else of its exchange may be looked at yet.
type openRequest struct {
	request      *http1.Message
	client       netip.Addr
	server       netip.AddrPort
	key          uint64
	older, newer int32 // of the same key
}

func newOpenRequests() openRequests {
	return openRequests{list: make([]openRequest, 1), newest: map[uint64]int32{}}
}

// add notes a request, and returns its slot.
func (o *openRequests) add(r openRequest) (slot int32) {
	if slot = o.free; slot != 0 {
		o.free = o.list[slot].older
		o.list[slot] = r
	} else {
		slot = int32(len(o.list))
		o.list = append(o.list, r)
	}
	if o.indexed {
		o.link(slot)
	}
	return slot
}

// index begins to look for requests by their keys.
func (o *openRequests) index(key func(*http1.Message) uint64) {
	o.indexed = true
	for slot := range o.list {
		if r := &o.list[slot]; r.request != nil {
			r.key = key(r.request)
			o.link(int32(slot))
		}
	}
}

// link makes the request in a slot the newest of its key.
func (o *openRequests) link(slot int32) {
	r := &o.list[slot]
	if r.older = o.newest[r.key]; r.older != 0 {
		o.list[r.older].newer = slot
	}
	o.newest[r.key] = slot
}

// remove forgets the request in a slot and returns its key; 0 where there is none.
func (o *openRequests) remove(slot int32) (key uint64) {
	if slot == 0 {
		return 0
	}
	r := o.list[slot]
	switch {
	case !o.indexed:
	case r.newer != 0:
		o.list[r.newer].older = r.older
	case r.older != 0:
		o.newest[r.key] = r.older
	default:
		delete(o.newest, r.key)
	}
	if r.older != 0 {
		o.list[r.older].newer = r.newer
	}
	o.list[slot] = openRequest{older: o.free}
	o.free = slot
	return r.key
}

// rival is the slot of a request that is open and may be the other side of f or of b
// instead: it is between the same hosts, and began in time. 0 if there is none.
func (o *openRequests) rival(f, b *hopEntry) (slot int32) {
	if len(o.newest) == 0 {
		return 0
	}
	front, back := f.exchange, b.exchange
	until := responseBegan(front)
	slot = o.newest[f.key]
	for range hopScan {
		if slot == 0 {
			break
		}
		r := &o.list[slot]
		began := r.request.Start.At.Time
		asBack := r.client == back.Connection.Client().Addr() && r.server != f.server &&
			began >= front.Request.HeadEnd.Readable && began <= until && !contradicts(front.Request, r.request)
		asFront := r.server == f.server &&
			r.request.HeadEnd.Readable <= back.Request.Start.At.Time && !contradicts(r.request, back.Request)
		if asBack || asFront {
			break
		}
		slot = r.older
	}
	return slot
}

// at is the request in a slot, nil where none is open there.
func (o *openRequests) at(slot int32) *http1.Message { return o.list[slot].request }

// responseBegan is when the response of x began, or its connection was heard of
// last if there is none.
func responseBegan(x *Exchange) capture.Time {
	if x.Response != nil {
		return x.Response.Start.At.Time
	}
	return x.Connection.Last().Time
}
