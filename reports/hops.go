package reports

import (
	"bufio"
	"slices"
	"strconv"
	"time"

	"wirelag/analyze"
)

// hop appends the members of a link to the exchange on the other side of a
// proxy, as seen from the front or from the back.
func (e *encoder) hop(b []byte, h *analyze.Hop, fromFront bool) []byte {
	other, side := h.Front, "client"
	if fromFront {
		other, side = h.Back, "upstream"
	}
	confidence := "likely"
	if h.Certain {
		confidence = "certain"
	}
	b = append(b, `"exchange":`...)
	b = appendUint(b, other.ID)
	b = append(b, `,"connection":`...)
	b = appendUint(b, other.Connection.ID)
	b = append(b, `,"side":"`...)
	b = append(b, side...)
	b = append(b, `","confidence":"`...)
	b = append(b, confidence...)
	b = append(b, `","answered":`...)
	b = strconv.AppendBool(b, h.Answered)
	b = append(b, `,"joined":`...)
	b = strconv.AppendBool(b, h.Joined)
	b = append(b, `,"added_ms":`...)
	return appendMillis(b, h.Added)
}

// Hop is written to both exchanges.
func (j *jsonWriter) Hop(h *analyze.Hop) error {
	j.proxied.hop(h)
	if err := j.spool.add(hopKey(h.Front, h.Back, h), j.encoder.hop(j.spool.room(), h, true)); err != nil {
		return err
	}
	return j.spool.add(hopKey(h.Back, h.Front, h), j.encoder.hop(j.spool.room(), h, false))
}

// hopKey sorts the links of an exchange behind it, that of its answer first.
func hopKey(x, other *analyze.Exchange, h *analyze.Hop) spoolKey {
	key := spoolKey{connection: x.Connection.ID, exchange: x.ID, hop: other.ID}
	if !h.Answered || h.Joined {
		key.hop |= 1 << 63
	}
	return key
}

// writeHop writes number n of an exchange's links, from 0, and endHops what must
// follow the last.
func writeHop(w *bufio.Writer, n int, record []byte) error {
	switch n {
	case 0:
		w.WriteString(`,"hop":{`)
	case 1:
		w.WriteString(`,"other_hops":[{`)
	default:
		w.WriteString(`,{`)
	}
	w.Write(record)
	return w.WriteByte('}')
}

func endHops(w *bufio.Writer, n int) {
	if n > 1 {
		w.WriteByte(']')
	}
}

// Hop is a line of its own: the exchanges may have been written long before.
func (n *ndjsonWriter) Hop(h *analyze.Hop) error {
	n.proxied.hop(h)
	n.line = append(n.line[:0], `{"type":"hop","of":`...)
	n.line = appendUint(n.line, h.Front.ID)
	n.line = append(n.line, ',')
	n.line = n.encoder.hop(n.line, h, true)
	return n.end()
}

// maxAdded is how many exchanges text remembers the proxy's part of.
const maxAdded = 1 << 12

// Hop notes what the proxy added to an exchange that may be shown.
func (t *textWriter) Hop(h *analyze.Hop) error {
	t.proxied.hop(h)
	if h.Added < 0 {
		return nil
	}
	if t.added == nil {
		t.added = map[uint64]time.Duration{}
	}
	if len(t.added) >= maxAdded {
		t.exchanges.settle()
		for id := range t.added {
			if !slices.ContainsFunc(t.exchanges.items, func(x *analyze.Exchange) bool { return x.ID == id }) {
				delete(t.added, id)
			}
		}
	}
	if len(t.added) < maxAdded {
		t.added[h.Front.ID] = h.Added
	}
	return nil
}

// addedTo is what the proxy added to x, or analyze.Unknown.
func (t *textWriter) addedTo(x *analyze.Exchange) time.Duration {
	if d, ok := t.added[x.ID]; ok {
		return d
	}
	return analyze.Unknown
}
