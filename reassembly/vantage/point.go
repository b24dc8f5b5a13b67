package vantage

import (
	"strconv"

	"wirelag/reassembly/capture"
)

// point is an interface of an input.
type point struct {
	file, number int
	name         string
	linkType     capture.LinkType
	stem         string // the input's name without its digits
	seen         bool
	first, last  capture.Time // of its TCP segments

	// chain is the same for points that are pieces of one capture, clock for
	// those with the same clock. Both are the number of one of the points.
	chain, clock int32
}

func (p *point) see(at capture.Time) {
	if !p.seen {
		p.seen, p.first, p.last = true, at, at
	}
	p.first, p.last = min(p.first, at), max(p.last, at)
}

// label names the point's interface for a report.
func (p *point) label() string {
	if p.name == "" && p.number > 0 {
		return strconv.Itoa(p.number)
	}
	return p.name
}

// pointIndex has the numbers of points plus 1 by input and interface, 0 where
// there is none.
type pointIndex [][]int32

func (x pointIndex) at(file, number int) int32 {
	if file < len(x) && number < len(x[file]) {
		return x[file][number] - 1
	}
	return -1
}

func (x pointIndex) find(in *capture.Interface) int32 { return x.at(in.File, in.Index) }

func (x *pointIndex) set(file, number int, point int32) {
	for len(*x) <= file {
		*x = append(*x, nil)
	}
	for len((*x)[file]) <= number {
		(*x)[file] = append((*x)[file], 0)
	}
	(*x)[file][number] = point + 1
}

// maxInterfaces is how many interfaces of an input are surveyed.
const maxInterfaces = 64

// pointOf returns the point of an interface of the input number file, -1 if it
// is one too many.
func (v *survey) pointOf(file int, in *capture.Interface) int32 {
	if at := v.index.at(file, in.Index); at >= 0 {
		return at
	}
	at := int32(len(v.points))
	if at >= maxInterfaces && v.points[at-maxInterfaces].file == file {
		return -1
	}
	v.index.set(file, in.Index, at)
	v.points = append(v.points, point{
		file: file, number: in.Index, name: in.Name, linkType: in.LinkType, stem: v.stem, chain: at, clock: at,
	})
	return at
}
