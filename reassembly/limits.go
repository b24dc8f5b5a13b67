package reassembly

import (
	"reflect"
	"time"
	"unsafe"
)

// Limits bound what a Table keeps. The zero value of a field means its default.
type Limits struct {
	// Connections is how many connections are followed at once; beyond it the
	// one idle for longest among the oldest is closed. Default 1,200,000.
	Connections int
	// Memory is about how many bytes the connections may take that are followed at
	// once, with what Table.Kept says is kept for them. Default 320 MiB.
	Memory int64
	// Ready is how many of these bytes there may be before connections that are idle are
	// packed, which takes time when they go on. If it is negative, all are that can be.
	// Default 64 MiB.
	Ready int64
	// PendingBytes is the memory for segments that wait behind holes, over all
	// connections. Default 32 MiB.
	PendingBytes int
	// PendingPerDirection is the same for one direction of a connection. Default 8 MiB.
	PendingPerDirection int
	// HoleAge is how long a hole may stay open, in capture time. Default 30 s.
	HoleAge time.Duration
}

// connectionWeight is what a connection takes in a table: its record, its place in
// the index, and what the allocator adds.
const connectionWeight = int64(unsafe.Sizeof(Connection{})) + 64

// leastConnections is how many are followed in however little memory.
const leastConnections = 64

// mostReady is Limits.Ready, however much memory there is.
const mostReady = 64 << 20

// LimitsFor returns the limits with which an analysis keeps to about so many
// bytes of memory. Connections get most of it; the rest is for what does not
// depend on their number, and for the garbage collector.
func LimitsFor(memory int64) Limits {
	return Limits{
		Memory:       max(memory/16*7, leastConnections*connectionWeight),
		Ready:        min(memory/8, mostReady),
		PendingBytes: int(max(memory/16, 1<<20)),
	}
}

// Share are the limits of one of n tables, which keep to l together.
func (l Limits) Share(n int) Limits {
	l = l.withDefaults()
	l.Connections = max(l.Connections/n, 1)
	l.Memory /= int64(n)
	if l.Ready > 0 {
		l.Ready = max(l.Ready/int64(n), 1)
	}
	l.PendingBytes /= n
	return l
}

func (l Limits) withDefaults() Limits {
	if l.Connections == 0 {
		l.Connections = 1_200_000
	}
	if l.Ready == 0 {
		l.Ready = mostReady
	}
	if l.Memory == 0 {
		l.Memory = 320 << 20
	}
	if l.PendingBytes == 0 {
		l.PendingBytes = 32 << 20
	}
	if l.PendingPerDirection == 0 {
		l.PendingPerDirection = 8 << 20
	}
	if l.HoleAge == 0 {
		l.HoleAge = 30 * time.Second
	}
	return l
}

// Stats counts what a Table met; byte counts are of payload.
type Stats struct {
	Segments uint64 // handed to Add

	Copies           uint64 // segments that the capture holds twice
	MidStream        uint64 // connections whose opening is not in the capture
	OneSided         uint64 // connections of which only one direction was captured
	OpenAtEnd        uint64 // connections still open when the capture ended
	Offload          uint64 // segments larger than the MSS: joined or not yet split by an adapter
	AckedUnseen      uint64 // holes that the receiver acknowledged: lost by the capture
	AckedUnseenBytes uint64
	Unfilled         uint64 // other holes that were never filled
	UnfilledBytes    uint64
	CutBytes         uint64 // bytes cut off by the snaplen
	OverlapConflicts uint64 // bytes sent again with another content; the first copy counts
	Late             uint64 // segments of connections that were over for long
	Ignored          uint64 // segments that no endpoint would act on
	ResetsRevoked    uint64 // resets after which their sender went on
	ResetTexts       uint64 // resets that carry something
	BadChecksum      uint64
	PartialChecksum  uint64

	EvictedConnections uint64 // Limits.Connections bit
	ForgottenClosed    uint64 // how they were closed was forgotten before TIME_WAIT was over
	EvictedHoles       uint64 // holes given up because Limits.Pending… or HoleAge bit
	Unplanned          uint64 // segments that the plan for several points had no room for

	// Every byte of sequence space is one of these once its connection is over.
	Delivered uint64 // handed on in order
	Missing   uint64 // reported as gaps: AckedUnseenBytes + UnfilledBytes + CutBytes
	Trimmed   uint64 // sent again, or overlapping what came before
}

// Add adds the counts of another table.
func (s *Stats) Add(other Stats) {
	sum, addend := reflect.ValueOf(s).Elem(), reflect.ValueOf(other)
	for i := range sum.NumField() {
		sum.Field(i).SetUint(sum.Field(i).Uint() + addend.Field(i).Uint())
	}
}
