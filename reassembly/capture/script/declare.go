package script

import (
	"fmt"
	"strings"
)

// option reads an item behind the addresses of a declaration. Where the sides
// may differ, the value is CLIENT/SERVER.
func (c *connection) option(t token) error {
	if t.payload {
		return fmt.Errorf("a declaration has no payload")
	}
	switch t.text {
	case "udp":
		c.udp = true
		return nil
	case "timestamps":
		c.timestamps = true
		return nil
	case "nosack":
		c.sackPermitted = false
		return nil
	}
	name, value, _ := strings.Cut(t.text, "=")
	if name == "vlan" {
		ids, err := parseVLANs(value)
		c.vlans = ids
		return err
	}
	forClient, forServer, differ := strings.Cut(value, "/")
	if !differ {
		forServer = forClient
	}
	if err := c.sides[client].set(name, forClient); err != nil {
		return err
	}
	return c.sides[server].set(name, forServer)
}

// set sets a property that the sides of a connection have of their own.
func (s *side) set(name, value string) error {
	limits := map[string]uint64{
		"isn": 1<<32 - 1, "mss": 1<<16 - 1, "wscale": maxWindowScale, "win": 1<<16 - 1, "ttl": 1<<8 - 1,
	}
	limit, known := limits[name]
	if !known {
		return fmt.Errorf("unknown option %q", name)
	}
	n, err := number[uint64](value, 0, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch name {
	case "isn":
		s.isn = uint32(n)
	case "mss":
		s.mss = uint16(n)
	case "wscale":
		s.wscale = int(n)
	case "win":
		s.window = uint16(n)
	case "ttl":
		s.ttl = uint8(n)
	}
	return nil
}
