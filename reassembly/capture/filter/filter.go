// Package filter compiles filters in the language of tcpdump (pcap-filter(7)) to
// classic BPF: for packet sockets, where the kernel runs them, and for the frames
// of capture files, where [Program.Match] does. Comes in: an expression, and the
// link type of the frames. Goes out: a program that gives the verdicts that
// tcpdump's gives. It keeps nothing between frames.
//
// It knows the part of the language that speaks of Ethernet, VLAN tags, IP, ARP
// and what IP carries; everything else is an [Error] that says where it stands
// and what to do.
//
// Verdicts differ from tcpdump's in few places: in a calculation both operands must
// be in headers that the frame has; a frame cut in front of something that the
// expression asks for, even if the rest decides, may be left out; loopback headers
// are read in both byte orders, whatever system wrote them; the name of a port
// stands for its number with any transport.
package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
)

const (
	// maxTextBytes bounds an expression.
	maxTextBytes = 64 << 10
	// maxDepth bounds how deep parentheses, brackets and negations nest.
	maxDepth = 100
	// maxInstructions is what the kernel takes (BPF_MAXINSNS of Linux).
	maxInstructions = 4096
	// wholeFrame is the verdict on a frame that is kept, in files and where no
	// snaplen is asked for: the one of tcpdump.
	wholeFrame = 262144
)

// Expression is a filter that was understood.
type Expression struct {
	text string
	root node
	tags bool // it asks for VLAN tags
}

// Parse reads an expression. An empty one keeps all frames. Errors are of type
// [Error].
func Parse(text string) (*Expression, error) {
	root, tags, err := parse(text)
	if err != nil {
		return nil, err
	}
	e := &Expression{text, root, tags}
	// What the language forbids, and what no program has room for, shows when
	// compiling for the link type for which everything can be asked.
	if _, err := e.Compile(capture.LinkTypeEthernet); err != nil {
		return nil, err
	}
	return e, nil
}

// String returns the text of the expression.
func (e *Expression) String() string { return e.text }

// Error is what is wrong with an expression.
type Error struct {
	Column  int // of the expression's text, in characters from 1
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Message) }

// Supports reports whether there are filters for frames of a link type.
func Supports(t capture.LinkType) bool {
	_, ok := layoutOf(t)
	return ok
}

// Compile makes a program for the frames of capture files, in which VLAN tags
// are where they were on the wire. It is an error if there are no filters for
// the link type, or if the expression asks for what its frames have not.
func (e *Expression) Compile(t capture.LinkType) (*Program, error) {
	c, err := e.lower(t, false)
	if err != nil {
		return nil, err
	}
	return assemble(c, wholeFrame)
}

// Live makes a program for a packet socket of Linux on an interface whose frames
// have a link type. What the kernel keeps of a frame is snaplen bytes; 0 stands
// for all.
//
// The kernel takes the outermost VLAN tag off a frame, as a rule, before the
// program sees it. As with tcpdump, "vlan" finds that tag, and conditions in
// front of it, or in expressions without it, see the frame without the tag.
func (e *Expression) Live(t capture.LinkType, snaplen uint32) ([]bpf.RawInstruction, error) {
	c, err := e.lowerLive(t)
	if err != nil {
		return nil, err
	}
	return instructions(c, snaplen)
}

// Hardware is a kind of interface, by its ARPHRD_ number, with the link type of
// its frames.
type Hardware struct {
	Number uint16
	Type   capture.LinkType
}

// LiveAny is Live for a packet socket on all interfaces. Frames of other kinds of
// hardware than those named are left out, unless the expression is empty, and so
// are those that have not what the expression asks for.
func (e *Expression) LiveAny(kinds []Hardware, snaplen uint32) ([]bpf.RawInstruction, error) {
	if e.root == nil {
		return instructions(always, snaplen)
	}
	byType := map[capture.LinkType]*cond{}
	var types []capture.LinkType
	for _, kind := range kinds {
		if byType[kind.Type] == nil {
			byType[kind.Type] = never
			types = append(types, kind.Type)
		}
		byType[kind.Type] = or(byType[kind.Type], hardwareIs(kind.Number))
	}
	all := never
	var refused error
	for _, t := range types {
		c, err := e.lowerLive(t)
		if err != nil {
			refused = err
			continue
		}
		all = or(all, and(byType[t], c))
	}
	if all == never && refused != nil {
		return nil, refused
	}
	return instructions(all, snaplen)
}

func (e *Expression) lowerLive(t capture.LinkType) (*cond, error) {
	inFrame, err := e.lower(t, false)
	if err != nil || !e.tags {
		return inFrame, err
	}
	takenOff, err := e.lower(t, true)
	if err != nil {
		return nil, err
	}
	return or(and(tagTakenOff, takenOff), and(not(tagTakenOff), inFrame)), nil
}

func (e *Expression) lower(t capture.LinkType, tagTakenOff bool) (*cond, error) {
	if e.root == nil {
		return always, nil
	}
	layout, ok := layoutOf(t)
	if !ok {
		return nil, fmt.Errorf("there are no filters for frames of link type %s", t)
	}
	c := &compiler{layout: layout, linkType: t, tagTakenOff: tagTakenOff}
	lowered := e.root.lower(c)
	if c.err != nil {
		return nil, c.err
	}
	return lowered, nil
}

func instructions(c *cond, snaplen uint32) ([]bpf.RawInstruction, error) {
	if snaplen == 0 {
		snaplen = wholeFrame
	}
	p, err := assemble(c, snaplen)
	if err != nil {
		return nil, err
	}
	return p.code, nil
}
