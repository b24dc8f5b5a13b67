package capture

import (
	"container/heap"
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

// AllInterfaces stands for every interface of an input.
const AllInterfaces = -1

// Clock says by how much the clock of an input's interface is ahead.
type Clock struct {
	File      int // index of the input
	Interface int // its number, or AllInterfaces
	Ahead     time.Duration
}

// Correct takes what clocks are ahead off the times of src's packets, which come
// in the order of the corrected times. src must be of Open or OpenAll and is used
// up: the Source returned takes its place. It must not have been read from.
//
// An input is read once more for each of its interfaces with a clock of its own.
func Correct(src Source, clocks []Clock) Source {
	if len(clocks) == 0 {
		return src
	}
	var m *merged
	switch s := src.(type) {
	case *merged:
		m = s
	case *reader:
		m = newMerged(s.Files(), []*mergeInput{{file: s.file, first: math.MinInt64, reader: s}})
	default:
		panic("only sources of this package can be corrected")
	}
	for _, c := range clocks {
		m.correct(c)
	}
	heap.Init(&m.queue)
	return m
}

// correct corrects one clock.
func (m *merged) correct(c Clock) {
	i := slices.IndexFunc(m.queue, func(in *mergeInput) bool { return in.index == c.File && in.takes == nil })
	if i < 0 {
		return // it has no packets
	}
	in := m.queue[i]
	if c.Interface == AllInterfaces {
		in.file.ClockOffset = c.Ahead
		in.ahead, in.first = c.Ahead, in.first.before(c.Ahead)
		return
	}
	in.without = append(in.without, c.Interface)
	m.queue = append(m.queue, &mergeInput{
		file: &File{Name: in.file.Name}, index: in.index, first: in.first.before(c.Ahead), ahead: c.Ahead,
		takes: func(of *Interface) bool { return of.Index == c.Interface },
	})
}

// before returns the moment d before t, within what a Time can be.
func (t Time) before(d time.Duration) Time {
	switch earlier := t.Add(-d); {
	case d > 0 && earlier > t:
		return math.MinInt64
	case d < 0 && earlier < t:
		return math.MaxInt64
	default:
		return earlier
	}
}

// fetch reads the next packets that in has to give, and corrects their times.
func (in *mergeInput) fetch() error {
	for {
		if err := in.reader.Read(&in.batch); err != nil {
			return err
		}
		if in.takes != nil || in.without != nil {
			in.batch.Packets = slices.DeleteFunc(in.batch.Packets, func(p Packet) bool { return !in.gives(p.Interface) })
		}
		if in.ahead != 0 {
			for i := range in.batch.Packets {
				p := &in.batch.Packets[i]
				p.Time = p.Time.before(in.ahead)
			}
		}
		if len(in.batch.Packets) > 0 {
			return nil
		}
	}
}

// gives reports whether in has the packets of an interface to give.
func (in *mergeInput) gives(of *Interface) bool {
	if in.takes != nil {
		return in.takes(of)
	}
	return !slices.Contains(in.without, of.Index)
}

// Reopen opens the input once more, to be read besides the Source that f is of.
// What is counted goes to another File, but for the progress, which is f's: it
// covers both. Inputs that cannot be read twice (pipes) are an error.
func (f *File) Reopen() (Source, error) {
	if f.size.Load() == 0 || f.Name == standardInput {
		return nil, fmt.Errorf("%s: can be read only once", f.Name)
	}
	stream, err := os.Open(f.Name)
	if err != nil {
		return nil, nameError(f.Name, err)
	}
	r, err := openStream(&File{Name: f.Name}, 0, stream)
	if err != nil {
		stream.Close()
		return nil, err
	}
	r.closer = stream
	r.raw.read = &f.reread
	f.resize.Store(f.size.Load())
	return r, nil
}
