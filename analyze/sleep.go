package analyze

import (
	"slices"
	"strings"

	"wirelag/reassembly"
	"wirelag/reassembly/pack"
)

// What is packed of a connection that sleeps. What the other fields tell, or point to, is
// not there while no message is in progress, is packed by itself, or is known to the teller.
var (
	conversationCodec = pack.New[conversation]("analyzer", "handle", "closing",
		"connection.Connection", "connection.ServerName", "connection.Lookup", "connection.firstExchange",
		"connection.Excess", "connection.Closing", "connection.Trail", "connection.told",
		"streams[0].parser", "streams[0].prefix", "streams[0].pieces", "streams[0].sender",
		"streams[1].parser", "streams[1].prefix", "streams[1].pieces", "streams[1].sender",
		"pairing.waiting", "pairing.request", "pairing.response", "pairing.requestHad", "pairing.responseHad",
		"pairing.requestACK", "pairing.responseACK", "pairing.order", "pairing.ended[0].exchange", "pairing.ended[1].exchange")
	senderCodec = pack.New[sender]("history", "losses", "pauses", "lastACK.stamp")
)

// fewOpen is how many open connections are so few that acknowledgements of responses are
// awaited however long they take.
const fewOpen = 1 << 13

// awaitACK sees to it that where many connections are open, the exchanges of the
// conversation are told when the client has not acknowledged a response for long.
func (v *conversation) awaitACK() {
	if a := v.analyzer; a.open > a.few/8 && !v.awaits && v.awaitsACK() {
		v.awaits = true
		a.awaitSilence(v.connection.Connection)
	}
}

// awaitsACK reports whether the exchanges that are not over wait for nothing but
// acknowledgements of their responses.
func (v *conversation) awaitsACK() bool {
	return len(v.pairing.waiting) > 0 && !slices.ContainsFunc(v.pairing.waiting, (*exchange).goesOn)
}

// silent notes that c, of which acknowledgements were awaited, is silent, or was not. Where
// not many connections are open, they are awaited on.
func (a *Analyzer) silent(c *reassembly.Connection, silence bool) (on bool) {
	v := c.Attached.(*conversation)
	waits := v.awaitsACK()
	if waits && silence && a.open > a.few {
		v.tellAll()
		waits = false
	}
	v.awaits = waits
	return waits
}

// maySleep reports whether what is known of c can be packed.
func (a *Analyzer) maySleep(c *reassembly.Connection) bool {
	h := handleOf(c.Attached)
	v, began := c.Attached.(*conversation)
	return h.trail == nil && h.id != 0 && (!began || v.maySleep())
}

// sleeps packs what is known of c. All that is left of its handle is the number.
func (a *Analyzer) sleeps(c *reassembly.Connection, w *pack.Writer) (number uint64) {
	v, began := c.Attached.(*conversation)
	h := handleOf(c.Attached)
	w.Truth(began)
	if began {
		v.sleep(w)
	}
	a.log.add(connectionSleeps, h)
	return h.id
}

// wakes takes back what was packed of c, whose number it is.
func (a *Analyzer) wakes(c *reassembly.Connection, number uint64, r *pack.Reader) {
	h := a.stock.handles.Get()
	h.id = number
	c.Attached = h
	if r.Truth() {
		v := a.stock.conversations.Get()
		v.analyzer, v.connection.Connection, v.handle = a, c, h
		v.wake(r)
		c.Attached = v
		*a.kept += conversationWeight
	}
}

// maySleep reports whether nothing is under way: no message, no exchange, and no bytes that
// are to be judged.
func (v *conversation) maySleep() bool {
	c := &v.connection
	if len(v.pairing.waiting) > 0 || v.awaits || c.Excess != nil || c.Closing != nil || !v.numbered() {
		return false
	}
	for i := range v.streams {
		s := &v.streams[i]
		if !s.maySleep() || s.sender != nil && !v.mayRest(s) {
			return false
		}
	}
	return true
}

// goesOn reports whether a message of x may still come.
func (x *exchange) goesOn() bool {
	return !x.abandoned && (!x.responseEnded || x.Request != nil && !x.requestEnded)
}

// numbered reports whether the exchanges that the conversation knows have their numbers.
func (v *conversation) numbered() bool {
	for _, n := range v.numbers() {
		if *n != nil && (*n).value == 0 {
			return false
		}
	}
	return true
}

// numbers are where the conversation has numbers of exchanges that may be over.
func (v *conversation) numbers() [3]**number {
	ended := &v.pairing.ended
	return [...]**number{&v.connection.firstExchange, &ended[0].exchange, &ended[1].exchange}
}

func (s *stream) maySleep() bool {
	switch s.mode {
	case resolving, greeting:
		return false
	case parsing:
		if !s.parser.Sleeps() {
			return false
		}
	}
	return len(s.prefix) == 0 && len(s.pieces) == 0
}

// mayRest reports whether what the history of the sender of s tells is not needed any more.
func (v *conversation) mayRest(s *stream) bool {
	from := s.sender
	if s.isOver() {
		return v.isOpaque() || from.history == nil || v.gotAll(from, from.top)
	}
	return len(from.pauses) == 0 && len(from.losses) == 0 && (from.history == nil || from.top <= from.claimed)
}

// isOpaque reports whether nothing that can be read was or will be seen.
func (v *conversation) isOpaque() bool {
	return v.streams[0].mode >= ignoring && v.streams[1].mode >= ignoring && v.connection.Exchanges == 0
}

// isOver reports whether no message can come in s any more.
func (s *stream) isOver() bool { return s.mode >= ignoring || s.parser != nil && s.parser.Tunnels() }

// sleep packs the conversation, which is used for another then.
func (v *conversation) sleep(w *pack.Writer) {
	v.asleep = true
	conversationCodec.Put(w, v)
	w.Text(v.connection.ServerName)
	for _, n := range v.numbers() {
		if *n == nil {
			w.Number(0)
		} else {
			w.Number((*n).value)
		}
	}
	for i := range v.streams {
		v.streams[i].sleep(w, v.isOpaque())
	}
	*v.analyzer.kept -= conversationWeight
	v.free()
}

func (s *stream) sleep(w *pack.Writer, opaque bool) {
	w.Truth(s.parser != nil)
	if s.parser != nil {
		s.parser.Put(w)
	}
	follows := s.sender != nil && !opaque
	w.Truth(follows)
	if follows {
		senderCodec.Put(w, s.sender)
	}
}

// wake makes v, of which nothing is known, what was packed.
func (v *conversation) wake(r *pack.Reader) {
	a := v.analyzer
	conversationCodec.Take(r, v)
	if name := r.Text(); name == a.host {
		v.connection.ServerName = a.host
	} else {
		v.connection.ServerName = strings.Clone(name)
	}
	for _, n := range v.numbers() {
		if value := r.Number(); value != 0 {
			*n = a.stock.newNumber()
			(*n).value = value
		}
	}
	for i := range v.streams {
		s := &v.streams[i]
		if r.Truth() {
			s.parser = a.stock.parsers.Get()
			*s.parser = *v.newParser(reassembly.Side(i))
			s.parser.Take(r)
		}
		if r.Truth() {
			s.sender = a.stock.senders.Get()
			senderCodec.Take(r, s.sender)
		}
	}
}
