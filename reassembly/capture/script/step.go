package script

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// verb is what a packet line does.
type verb uint8

const (
	send  verb = iota
	again      // sends an earlier segment again
	dup        // captures the sender's latest frame once more
)

// fate is what becomes of a packet before the capture point.
type fate uint8

const (
	captured fate = iota
	lost          // neither captured nor received
	unseen        // received, but not captured
)

// step is a packet line.
type step struct {
	connection *connection
	from       int
	verb       verb
	fate       fate

	payload    string
	hasPayload bool
	flags      uint8
	noACK      bool
	noPSH      bool
	keepalive  bool
	dropped    bool

	seq, ack position
	sack     []block
	edits    []func(*segment)
	snaplen  int // 0: that of the script
	drops    uint32

	split bool
	size  int // of the parts; 0: what the MSS allows
	every time.Duration
}

var flagWords = map[string]uint8{
	"FIN": fin, "SYN": syn, "RST": rst, "PSH": psh,
	"ACK": ack, "URG": urg, "ECE": ece, "CWR": cwr,
}

// edit applies what the line overrides.
func (st *step) edit(s *segment) {
	for _, edit := range st.edits {
		edit(s)
	}
}

// completeFlags adds the flags that a segment of a running connection carries
// without being told. PSH marks the last of several parts.
func (st *step) completeFlags(s *segment, last bool) {
	if s.flags&(syn|rst) == 0 {
		s.flags |= ack
	}
	if s.payload != "" && last && s.flags&syn == 0 {
		s.flags |= psh
	}
	if st.noACK {
		s.flags &^= ack
	}
	if st.noPSH {
		s.flags &^= psh
	}
}

// parts cuts the payload as the line says.
func (st *step) parts() ([]string, error) {
	if !st.split {
		return []string{st.payload}, nil
	}
	size := st.size
	if size == 0 {
		size = int(min(st.connection.sides[client].mss, st.connection.sides[server].mss))
		if st.connection.timestamps {
			size -= 12
		}
	}
	if size <= 0 || st.payload == "" {
		return nil, fmt.Errorf("split needs a payload and a positive size")
	}
	var parts []string
	for rest := st.payload; rest != ""; {
		n := min(size, len(rest))
		parts, rest = append(parts, rest[:n]), rest[n:]
	}
	return parts, nil
}

// parseItems reads what stands behind the direction: flags, payload, overrides.
func (st *step) parseItems(items []token) error {
	var payload strings.Builder
	for _, item := range items {
		name, value, isOption := strings.Cut(item.text, "=")
		if item.payload {
			name = "a payload"
		}
		err := st.accepts(name)
		if err != nil {
			return err
		}
		if item.payload {
			st.hasPayload = true
			payload.WriteString(item.text)
		} else if isOption {
			err = st.option(name, value)
		} else {
			err = st.word(name)
		}
		if err != nil {
			return err
		}
	}
	st.payload = payload.String()
	return st.check()
}

// check refuses what contradicts itself.
func (st *step) check() error {
	switch {
	case st.verb == dup && st.fate != captured:
		return fmt.Errorf("dup repeats a frame of the capture: it cannot be lost or unseen")
	case st.verb == again && (st.hasPayload || st.split || st.connection.udp):
		return fmt.Errorf("again repeats a TCP segment with its own payload")
	case st.every != 0 && !st.split:
		return fmt.Errorf("every needs split")
	case st.verb == send && !st.connection.udp && st.flags == 0 && !st.hasPayload && !st.keepalive:
		return fmt.Errorf("want flags or a payload")
	}
	return nil
}

// accepts refuses items that the frame has no place for.
func (st *step) accepts(name string) error {
	switch {
	case st.verb == dup:
		return fmt.Errorf("dup repeats a frame as it is, without %s", name)
	case name == "ipid" && st.connection.sides[client].addr.Addr().Is6():
		return fmt.Errorf("IPv6 has no ipid")
	case st.connection.udp && !datagramItems[name]:
		return fmt.Errorf("a datagram has no %s", name)
	}
	return nil
}

var datagramItems = map[string]bool{
	"a payload": true, "vlan": true, "ttl": true, "ipid": true, "badsum": true, "partsum": true, "snaplen": true, "drops": true,
}

// word reads an item without a value.
func (st *step) word(w string) error {
	if flag, ok := flagWords[w]; ok {
		st.flags |= flag
		return nil
	}
	switch w {
	case "noack":
		st.noACK = true
	case "nopsh":
		st.noPSH = true
	case "dropped":
		st.dropped = true
	case "keepalive":
		st.keepalive = true
	case "split":
		st.split = true
	case "zerowindow":
		st.edits = append(st.edits, func(s *segment) { s.window = 0 })
	case "badsum":
		st.edits = append(st.edits, func(s *segment) { s.checksum = badChecksum })
	case "partsum":
		st.edits = append(st.edits, func(s *segment) { s.checksum = partialChecksum })
	case "tfo":
		st.edits = append(st.edits, func(s *segment) { s.fastOpen = true })
	default:
		return fmt.Errorf("unknown word %q", w)
	}
	return nil
}

// option reads an item name=value.
func (st *step) option(name, value string) (err error) {
	switch name {
	case "seq":
		st.seq, err = parsePosition(value)
	case "ack":
		st.ack, err = parsePosition(value)
	case "sack", "dsack":
		var blocks []block
		blocks, err = parseBlocks(value)
		if name == "dsack" { // RFC 2883 §4: the duplicate is the first block
			st.sack = append(blocks, st.sack...)
		} else {
			st.sack = append(st.sack, blocks...)
		}
	case "split":
		st.split = true
		st.size, err = number[int](value, 1, maxDatagram)
	case "every":
		st.every, err = parseDuration(value)
	case "snaplen":
		st.snaplen, err = number[int](value, 1, 1<<31-1)
	case "drops":
		var n uint64
		n, err = number[uint64](value, 1, 1<<32-1)
		st.drops = uint32(n)
	case "vlan":
		var ids []uint16
		ids, err = parseVLANs(value)
		st.edits = append(st.edits, func(s *segment) { s.vlans = ids })
	case "tfo":
		var cookie []byte
		cookie, err = hex.DecodeString(value)
		st.edits = append(st.edits, func(s *segment) { s.fastOpen, s.cookie = true, cookie })
	default:
		return st.field(name, value)
	}
	return err
}

// field reads an override of a number in the headers.
func (st *step) field(name, value string) error {
	limit := uint64(1<<16 - 1)
	switch name {
	case "tsval", "tsecr":
		limit = 1<<32 - 1
	case "ttl":
		limit = 1<<8 - 1
	case "wscale":
		limit = maxWindowScale
	}
	n, err := number[uint64](value, 0, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var edit func(*segment)
	switch name {
	case "win":
		edit = func(s *segment) { s.window = uint16(n) }
	case "mss":
		edit = func(s *segment) { s.mss = uint16(n) }
	case "wscale":
		edit = func(s *segment) { s.wscale = int(n) }
	case "ttl":
		edit = func(s *segment) { s.ttl = uint8(n) }
	case "ipid":
		edit = func(s *segment) { s.ipid = uint16(n) }
	case "tsval":
		edit = func(s *segment) { s.timestamps, s.tsval = true, uint32(n) }
	case "tsecr":
		edit = func(s *segment) { s.timestamps, s.tsecr = true, uint32(n) }
	default:
		return fmt.Errorf("unknown option %q", name)
	}
	st.edits = append(st.edits, edit)
	return nil
}

// maxWindowScale is what the option's byte can say; a shift above 14 is wrong
// on the wire (RFC 7323 §2.3), and a test may want that.
const maxWindowScale = 255

// number reads a decimal number between low and high.
func number[T int | uint64](value string, low, high T) (T, error) {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil || n < uint64(low) || n > uint64(high) {
		return 0, fmt.Errorf("want a number from %d to %d, not %q", low, high, value)
	}
	return T(n), nil
}

// parseVLANs reads the VLAN ids of a frame, the outer first.
func parseVLANs(value string) ([]uint16, error) {
	var ids []uint16
	for _, s := range strings.Split(value, ",") {
		id, err := number[uint64](s, 0, 4095)
		if err != nil {
			return nil, fmt.Errorf("vlan: %w", err)
		}
		ids = append(ids, uint16(id))
	}
	if len(ids) > maxVLANs {
		return nil, fmt.Errorf("vlan: more than %d tags", maxVLANs)
	}
	return ids, nil
}

const maxVLANs = 8
