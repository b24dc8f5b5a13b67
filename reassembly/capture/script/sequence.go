package script

import (
	"fmt"
	"strings"
)

// OneByOne is the text of n connections between the same hosts, c0 and so on, ten
// seconds apart: each is opened, carries an exchange and is closed by the client,
// within 0.4 s.
func OneByOne(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "c%d 10.0.0.1:%d > 10.0.0.2:80\n", i, 40000+i)
	}
	for i := range n {
		at := i * 10_000
		for _, line := range []string{
			`%dms c%d > SYN`, `%dms c%d < SYN ACK`, `%dms c%d > ACK`, `%dms c%d > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"`,
			`%dms c%d < "HTTP/1.1 204 No Content\r\n\r\n"`, `%dms c%d > FIN`, `%dms c%d < FIN`, `%dms c%d > ACK`,
		} {
			fmt.Fprintf(&text, line+"\n", at, i)
			at += 50
		}
	}
	return text.String()
}
