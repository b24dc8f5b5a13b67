package analyze

import "wirelag/analyze/dns"

// resting is what the teller keeps of connections that sleep, by their numbers: nothing of
// most.
type resting struct {
	told      map[uint64]*told // those that somebody keeps
	lookups   map[uint64]*dns.Lookup
	names     restingNames // that were looked up
	forgotten uint64       // lookups and names for which there was no room
}

// Bounds of what is kept for those that nobody keeps.
const (
	maxRestingLookups = 1 << 16
	maxNamed          = 1 << 20
	maxNames          = 1 << 16
)

func newResting() resting {
	return resting{told: map[uint64]*told{}, lookups: map[uint64]*dns.Lookup{}, names: newRestingNames()}
}

// letGo ends what is known of a connection that sleeps, unless somebody keeps it: all of
// it will be told anew, with another handle, before anything else is.
func (t *teller) letGo(h *handle) {
	c, r := h.told, &t.resting
	if c == nil {
		return
	}
	if c.keepers > 0 {
		r.told[h.id] = c
		return
	}
	if c.Lookup != nil {
		if len(r.lookups) < maxRestingLookups {
			r.lookups[h.id] = c.Lookup
		} else {
			r.forgotten++
		}
	}
	if c.nameSource == nameLookedUp && !r.names.note(h.id, c.ServerName) {
		r.forgotten++
	}
	c.recycle()
}

// resume is the connection of a handle of which nothing is told yet, or which slept.
func (t *teller) resume(h *handle) *told {
	r := &t.resting
	if c := r.told[h.id]; c != nil {
		delete(r.told, h.id)
		return c
	}
	c := t.begin()
	if len(r.lookups) > 0 {
		c.Lookup = r.lookups[h.id]
		delete(r.lookups, h.id)
	}
	c.name(r.names.take(h.id), nameLookedUp)
	return c
}

// restingNames are names of connections. Many have the same, of which but a number is kept
// for each.
type restingNames struct {
	of      map[uint64]uint32 // by connection: the number
	numbers map[string]uint32
	named   []sharedName // by number
	free    []uint32
}

// sharedName is a name and how many connections have it.
type sharedName struct {
	name  string
	count int
}

func newRestingNames() restingNames {
	return restingNames{of: map[uint64]uint32{}, numbers: map[string]uint32{}}
}

// note keeps the name of a connection. ok is false where there is no room.
func (n *restingNames) note(connection uint64, name string) (ok bool) {
	if len(n.of) >= maxNamed {
		return false
	}
	number, known := n.numbers[name]
	if !known {
		if number, ok = n.begin(name); !ok {
			return false
		}
	}
	n.named[number].count++
	n.of[connection] = number
	return true
}

// begin gives a name a number.
func (n *restingNames) begin(name string) (number uint32, ok bool) {
	switch last := len(n.free) - 1; {
	case last >= 0:
		number, n.free = n.free[last], n.free[:last]
	case len(n.named) < maxNames:
		number = uint32(len(n.named))
		n.named = append(n.named, sharedName{})
	default:
		return 0, false
	}
	n.named[number].name, n.numbers[name] = name, number
	return number, true
}

// take is the name of a connection, which is not kept any more; "" without one.
func (n *restingNames) take(connection uint64) string {
	number, known := n.of[connection]
	if !known {
		return ""
	}
	delete(n.of, connection)
	of := &n.named[number]
	name := of.name
	if of.count--; of.count == 0 {
		delete(n.numbers, name)
		*of, n.free = sharedName{}, append(n.free, number)
	}
	return name
}
