package reassembly

// index finds numbers that stand for something by its hash: open addressing with
// linear probing over a power of two of slots. It does not know what they stand
// for, so that most that have another hash need not be looked at.
type index struct {
	slots []slot
	used  int
}

type slot struct {
	hash uint32
	ref  ref // 0 is none
}

const indexInitialSlots = 1 << 10

func newIndex() *index {
	return &index{slots: make([]slot, indexInitialSlots)}
}

// find returns the next that has the hash, and its slot; 0 when there is no more.
// The search begins with slot hash and goes on with the one behind that returned.
func (x *index) find(hash, from uint32) (r ref, at uint32) {
	mask := uint32(len(x.slots) - 1)
	for at = from & mask; x.slots[at].ref != 0; at = (at + 1) & mask {
		if x.slots[at].hash == hash {
			return x.slots[at].ref, at
		}
	}
	return 0, at
}

// put adds r.
func (x *index) put(hash uint32, r ref) {
	if x.used*4 >= len(x.slots)*3 {
		x.grow()
	}
	x.used++
	x.place(slot{hash, r})
}

func (x *index) place(s slot) {
	mask := uint32(len(x.slots) - 1)
	at := s.hash & mask
	for x.slots[at].ref != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = s
}

// rename lets what is called by one name be called by another.
func (x *index) rename(hash uint32, from, to ref) {
	mask := uint32(len(x.slots) - 1)
	at := hash & mask
	for x.slots[at].ref != from {
		at = (at + 1) & mask
	}
	x.slots[at].ref = to
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.ref != 0 {
			x.place(s)
		}
	}
}

// remove takes r out, if it is in, and closes the gap in the probe sequence.
func (x *index) remove(hash uint32, r ref) {
	mask := uint32(len(x.slots) - 1)
	i := hash & mask
	for ; x.slots[i].ref != r; i = (i + 1) & mask {
		if x.slots[i].ref == 0 {
			return
		}
	}
	x.used--
	for j := (i + 1) & mask; x.slots[j].ref != 0; j = (j + 1) & mask {
		if (j-x.slots[j].hash)&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = slot{}
}
