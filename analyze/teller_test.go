package analyze

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"wirelag/reassembly/capture/script"
)

// TestConnectionsAreUsedAgain keeps some of the connections that follow each other,
// some of them for a while: those stay as they are, the others make room.
func TestConnectionsAreUsedAgain(t *testing.T) {
	s, err := script.Parse(script.OneByOne(8))
	if err != nil {
		t.Fatal(err)
	}
	story := func(c *Connection) string {
		by, _ := c.ClosedBy()
		return fmt.Sprint(c.ID, c.Client(), c.Exchanges, c.FirstExchange, c.Close(), by, c.FIN(0), c.FIN(1), *c.Closing, c.Over)
	}
	var places []*Connection
	place := func(c *Connection) int { // where it is, by the first that was there
		if i := slices.Index(places, c); i >= 0 {
			return i
		}
		places = append(places, c)
		return len(places) - 1
	}
	var got []int
	var first, third *Connection
	var stories []string
	_, err = Run(context.Background(), s.Source(), Listener{
		Exchange: func(x *Exchange) {
			if x.Connection.ID == 5 {
				x.Keep()
			}
		},
		Closed: func(c *Connection) {
			got = append(got, place(c))
			switch c.ID {
			case 1:
				first = c.Keep()
			case 3:
				third = c.Keep().Keep()
			case 4:
				stories = append(stories, story(first), story(third))
				third.Release()
			case 6:
				third.Release()
			}
		},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// The second is not kept, and makes room for the third. That goes when the sixth
	// closes, the fifth stays with its exchange.
	if want := []int{0, 1, 1, 2, 2, 3, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("connections are at %v, want %v", got, want)
	}
	if again := story(first); again != stories[0] || !strings.Contains(again, "10.0.0.1:40000") {
		t.Errorf("a connection that is kept was\n%s\nand became\n%s", stories[0], again)
	}
	if !strings.Contains(stories[1], "10.0.0.1:40002") {
		t.Errorf("a connection that was kept became\n%s", stories[1])
	}
}
