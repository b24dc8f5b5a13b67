package http1

import "wirelag/reassembly/pack"

var parserCodec = pack.New[Parser]("handler", "arena", "message", "line", "held", "room", "role")

// Sleeps reports whether p is all that there is of its stream: no message is in progress.
func (p *Parser) Sleeps() bool { return p.message == nil && p.line == nil && p.held == 0 }

// Tunnels reports whether no message can come any more: both sides speak something else.
func (p *Parser) Tunnels() bool { return p.state == inTunnel }

// Put packs p, which sleeps.
func (p *Parser) Put(w *pack.Writer) { parserCodec.Put(w, p) }

// Take makes p, which is new and of the same role, the parser that r holds.
func (p *Parser) Take(r *pack.Reader) { parserCodec.Take(r, p) }
