package capture

// Source is a stream of packets.
type Source interface {
	// Read fills b with the next packets, replacing what b held: at least one,
	// or none and the moment up to which none came (b.Now).
	// At the end it returns io.EOF and an empty b, but for its Now. Damage that ends an input
	// early is no error: it is noted in the [File] it concerns. Where an input
	// could not be read to its end (an I/O error), Read delivers everything
	// else first and then returns that error instead of io.EOF.
	Read(b *Batch) error
	// Files describes the inputs; a packet's Frame.File counts from 0 into it.
	// The counters are final once Read returned an error. Only the goroutine
	// that reads may call it, and look at what it returns; [File.Progress] is
	// for all.
	Files() []*File
	// Close releases the inputs. Packets read before stay valid.
	Close() error
}

// Batch is a run of packets together with the memory that their Data points
// into, so that it can be handed on as a whole. The zero Batch is ready for use.
type Batch struct {
	Packets []Packet
	// Now, where it is not 0, is a moment until which all packets have been handed
	// out: an interface tells the time while it is silent, a filter when it left
	// packets out, and a file when its recording ended, if it says so.
	Now Time
	// buffer is used to its full length: what the packets' Data points into,
	// and room for more.
	buffer []byte
}
