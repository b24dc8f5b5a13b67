// Package dns follows the lookups of the clients in a capture. Messages come in
// from UDP datagrams and TCP streams of port 53 (RFC 1035 §4.2); a [Tracker]
// matches answers with queries and groups what a client did to find one host's
// addresses into a [Lookup]: the questions for IPv4 and IPv6 addresses side by
// side, the queries sent again, the names of the search list that failed. When a
// connection is opened, it says which lookup led to it. It keeps the latest
// queries, lookups and answers, within the limits named in tracker.go.
package dns

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"strconv"
)

// Type is the type of a question or record (RFC 1035 §3.2.2).
type Type uint16

// The types that matter for finding a host.
const (
	A     Type = 1
	CNAME Type = 5
	AAAA  Type = 28 // RFC 3596
	SVCB  Type = 64 // RFC 9460
	HTTPS Type = 65 // RFC 9460
)

// String is the type's name, in the form of RFC 3597 §5 where it has none here.
func (t Type) String() string {
	switch t {
	case A:
		return "A"
	case CNAME:
		return "CNAME"
	case AAAA:
		return "AAAA"
	case SVCB:
		return "SVCB"
	case HTTPS:
		return "HTTPS"
	}
	return "TYPE" + strconv.Itoa(int(t))
}

// RCode is the response code of a message (RFC 1035 §4.1.1).
type RCode uint8

// The codes that are told apart.
const (
	NoError  RCode = 0
	NXDomain RCode = 3
)

var rcodeNames = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}

// String is the code's name in the registry (RFC 6895 §2.3).
func (r RCode) String() string {
	if int(r) < len(rcodeNames) {
		return rcodeNames[r]
	}
	return "RCODE" + strconv.Itoa(int(r))
}

const (
	headerBytes   = 12
	questionBytes = 4  // behind the name
	recordBytes   = 10 // behind the name, before the data
	classINET     = 1

	flagResponse  = 1 << 15
	flagTruncated = 1 << 9
	opcodeShift   = 11
	opcodeMask    = 15
	rcodeMask     = 15

	// maxRecords is how many answers of a message are read, hints of HTTPS records included.
	maxRecords = 512
	// maxChain is how many aliases are followed, as many as resolvers follow.
	maxChain = 16
)

// Message is what matters here of a DNS message (RFC 1035 §4.1). It is read
// into again and again without allocating.
type Message struct {
	ID        uint16
	Response  bool
	Truncated bool // the answer did not fit: the client is to ask over TCP
	Opcode    uint8
	RCode     RCode
	// Name (in the form of the type [Name]) and Type are the first question's; Name
	// is empty without one of class IN. It is borrowed: valid until the next Parse.
	Name []byte
	Type Type
	// Answers are the answers of class IN that have an address or lead on to
	// another name. What they hold is borrowed like Name.
	Answers []Record
	// More is set when the message has more than maxRecords answers.
	More bool

	octets []byte // of the names
	data   []byte // the message being read
}

// Record is an answer that leads from a name on: to an address or to another name.
type Record struct {
	Name   []byte // in the form of the type Name
	Type   Type
	TTL    uint32     // in seconds
	Addr   netip.Addr // of an A or AAAA record, or a hint of an HTTPS record; else not valid
	Target []byte     // of a CNAME record, or of an HTTPS record in alias mode
}

// The ways in which a message can be damaged.
var (
	errShort   = errors.New("message ends early")
	errName    = errors.New("name is not valid")
	errAddress = errors.New("address has the wrong length")
)

// Parse reads message b into m. On an error m holds what comes before the
// damage; that of the authority and additional sections is not noticed.
func (m *Message) Parse(b []byte) error {
	*m = Message{Answers: m.Answers[:0], octets: m.octets[:0], data: b}
	if len(b) < headerBytes {
		return errShort
	}
	flags := binary.BigEndian.Uint16(b[2:])
	m.ID = binary.BigEndian.Uint16(b)
	m.Response = flags&flagResponse != 0
	m.Truncated = flags&flagTruncated != 0
	m.Opcode = uint8(flags >> opcodeShift & opcodeMask)
	m.RCode = RCode(flags & rcodeMask)
	at, err := m.questions(int(binary.BigEndian.Uint16(b[4:])))
	if err != nil {
		return err
	}
	return m.answers(at, int(binary.BigEndian.Uint16(b[6:])))
}

// questions reads the question section and returns where it ends.
func (m *Message) questions(n int) (int, error) {
	at := headerBytes
	for i := range n {
		name, next, err := m.name(at)
		if err != nil {
			return 0, err
		}
		if len(m.data) < next+questionBytes {
			return 0, errShort
		}
		if i == 0 && binary.BigEndian.Uint16(m.data[next+2:]) == classINET {
			m.Name, m.Type = name, Type(binary.BigEndian.Uint16(m.data[next:]))
		}
		m.octets = m.octets[:len(m.Name)]
		at = next + questionBytes
	}
	return at, nil
}

// answers reads the n records from at on.
func (m *Message) answers(at, n int) error {
	for range n {
		if len(m.Answers) >= maxRecords {
			m.More = true
			return nil
		}
		kept := len(m.octets)
		name, next, err := m.name(at)
		if err != nil {
			return err
		}
		if len(m.data) < next+recordBytes {
			return errShort
		}
		head := m.data[next : next+recordBytes]
		begin := next + recordBytes
		at = begin + int(binary.BigEndian.Uint16(head[8:]))
		if len(m.data) < at {
			return errShort
		}
		r := Record{Name: name, Type: Type(binary.BigEndian.Uint16(head)), TTL: ttl(binary.BigEndian.Uint32(head[4:]))}
		before := len(m.Answers)
		if binary.BigEndian.Uint16(head[2:]) == classINET {
			if err := m.record(r, begin, at); err != nil {
				return err
			}
		}
		if len(m.Answers) == before {
			m.octets = m.octets[:kept]
		}
	}
	return nil
}

// ttl is the time to live that v stands for: with the highest bit set it is none
// (RFC 2181 §8).
func ttl(v uint32) uint32 {
	if v > math.MaxInt32 {
		return 0
	}
	return v
}

// record adds r, whose data stands between begin and end, to the answers if it leads on.
func (m *Message) record(r Record, begin, end int) error {
	switch r.Type {
	case A, AAAA:
		return m.address(r, m.data[begin:end])
	case CNAME:
		target, next, err := m.name(begin)
		if err != nil {
			return err
		}
		if next != end {
			return errName
		}
		r.Target = target
		m.Answers = append(m.Answers, r)
	case SVCB, HTTPS:
		return m.service(r, begin, end)
	}
	return nil
}

func (m *Message) address(r Record, b []byte) error {
	addr, ok := netip.AddrFromSlice(b)
	if !ok || addr.Is4() != (r.Type == A) {
		return errAddress
	}
	r.Addr = addr.Unmap()
	m.Answers = append(m.Answers, r)
	return nil
}

// The parameters of a service binding that hold addresses (RFC 9460 §14.3.2).
const (
	keyIPv4Hint = 4
	keyIPv6Hint = 6
)

// service reads a service binding (RFC 9460 §2.2): an alias leads on to its
// target, otherwise the hints are addresses.
func (m *Message) service(r Record, begin, end int) error {
	const priorityBytes = 2
	if end-begin < priorityBytes {
		return errShort
	}
	alias := binary.BigEndian.Uint16(m.data[begin:]) == 0
	target, next, err := m.name(begin + priorityBytes)
	if err != nil {
		return err
	}
	if next > end {
		return errName
	}
	if alias {
		if len(target) > 1 {
			r.Target = target
			m.Answers = append(m.Answers, r)
		}
		return nil
	}
	return m.hints(r, m.data[next:end])
}

// hints adds an answer for each address hint among the parameters in b.
func (m *Message) hints(r Record, b []byte) error {
	for len(b) > 0 {
		if len(b) < 4 {
			return errShort
		}
		key, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if b = b[4:]; len(b) < n {
			return errShort
		}
		value := b[:n]
		b = b[n:]
		size := 0
		switch key {
		case keyIPv4Hint:
			size = 4
		case keyIPv6Hint:
			size = 16
		default:
			continue
		}
		if n%size != 0 {
			return errAddress
		}
		for ; len(value) > 0 && len(m.Answers) < maxRecords; value = value[size:] {
			addr, _ := netip.AddrFromSlice(value[:size])
			r.Addr = addr.Unmap()
			m.Answers = append(m.Answers, r)
		}
	}
	return nil
}

// Addresses calls yield with each address that the answers give for the
// question's name, aliases followed, and the seconds it may be kept. An alias
// that leads back ends the chain.
func (m *Message) Addresses(yield func(addr netip.Addr, ttl uint32)) {
	name, least := m.Name, uint32(math.MaxInt32)
	for range maxChain {
		var alias *Record
		found := false
		for i := range m.Answers {
			r := &m.Answers[i]
			switch {
			case !bytes.Equal(r.Name, name):
			case r.Addr.IsValid():
				found = true
				yield(r.Addr, min(least, r.TTL))
			case alias == nil:
				alias = r
			}
		}
		if found || alias == nil {
			return
		}
		name, least = alias.Target, min(least, alias.TTL)
	}
}
