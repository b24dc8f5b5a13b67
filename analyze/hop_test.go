package analyze_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// atProxy are two connections captured on the proxy between them: its ends
// answer at once, the others 20 ms later.
const atProxy = `
f 10.0.1.1:40000 > 10.0.1.2:8080
b 10.0.2.1:50000 > 10.0.2.2:80
0ms      f > SYN
0.01ms   f < SYN ACK
20ms     f > ACK
21ms     b > SYN
41ms     b < SYN ACK
41.01ms  b > ACK
`

// onLAN are the same captured elsewhere: nothing tells that there is a proxy.
const onLAN = `
f 10.0.1.1:40000 > 10.0.1.2:8080
b 10.0.2.1:50000 > 10.0.2.2:80
0ms   f > SYN
5ms   f < SYN ACK
10ms  f > ACK
21ms  b > SYN
26ms  b < SYN ACK
31ms  b > ACK
`

// twoClients are two clients of a proxy that has two connections to the server.
const twoClients = `
f 10.0.1.1:40000 > 10.0.1.2:8080
g 10.0.1.3:40000 > 10.0.1.2:8080
b 10.0.2.1:50000 > 10.0.2.2:80
c 10.0.2.1:50001 > 10.0.2.2:80
0ms      f > SYN
0.01ms   f < SYN ACK
20ms     f > ACK
20.1ms   g > SYN
20.11ms  g < SYN ACK
40ms     g > ACK
41ms     b > SYN
41.1ms   c > SYN
61ms     b < SYN ACK
61.01ms  b > ACK
61.1ms   c < SYN ACK
61.11ms  c > ACK
`

// twoWaiting are two clients whose equal requests wait in a proxy, with a field more in each
// of the responses.
const twoWaiting = twoClients + `
70ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
71ms  g > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
90ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
91ms  c > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
110ms b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%[1]s\r\nok"
110ms b > ACK
112ms c < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%[2]s\r\nok"
112ms c > ACK
130ms f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%[1]s\r\nok"
131ms g < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%[2]s\r\nok"
150ms f > ACK
151ms g > ACK
`

// lateACK are two clients whose requests wait in a proxy: that the first response reached
// the proxy is known last of all.
const lateACK = twoClients + `
70ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n%[1]s\r\n"
71ms  g > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n%[2]s\r\n"
90ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n%[1]s\r\n"
91ms  c > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n%[2]s\r\n"
110ms c < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
110ms c > ACK
112ms b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
130ms f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
131ms g < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
150ms f > ACK
151ms g > ACK
`

func TestHops(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"captured on the proxy", atProxy + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
95ms  f > ACK
`, []string{"1 -> 2 certain, answered, added 5ms"}},

		{"absolute form, host with port, chunked made a length", atProxy + `
50ms  f > "GET http://w:80/a?b HTTP/1.1\r\nHost: w:80\r\nUser-Agent: x\r\nCookie: c=1\r\n\r\n"
52ms  b > "GET /a?b HTTP/1.0\r\nhost: w\r\nuser-agent: x\r\ncookie: c=1\r\nconnection: close\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: d\r\n\r\n2\r\nok\r\n0\r\n\r\n"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
95ms  f > ACK
`, []string{"1 -> 2 certain, answered, added 5ms"}},

		{"the same requests of two clients", onLAN + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
95ms  f > ACK
`, nil},

		{"two clients that ask the same wait in the proxy", fmt.Sprintf(twoWaiting, "", ""),
			[]string{"1 -> 3 likely, answered, added 40ms, or 1 -> 4, or 2 -> 3", "2 -> 4 likely, answered, added 39ms, or 2 -> 3, or 1 -> 4"}},

		{"what the responses say tells them apart", fmt.Sprintf(twoWaiting, `X-N: 1\r\n`, `X-N: 2\r\n`),
			[]string{"1 -> 3 certain, answered, added 40ms", "2 -> 4 certain, answered, added 39ms"}},

		{"one of two is over late", fmt.Sprintf(lateACK, `X-N: 1\r\n`, `X-N: 2\r\n`) + `
300ms b > ACK
`, []string{"1 -> 3 certain, answered, added 38ms", "2 -> 4 certain, answered, added 41ms"}},

		{"one of two is not over within the time", fmt.Sprintf(lateACK, ``, ``) + `
5s b > ACK
`, []string{"1 -> 4 likely, answered, added 41ms, or 2 -> 4, or another", "2 -> 3 likely, answered, added 38ms, or another"}},

		{"a service that asks another one the same", strings.ReplaceAll(atProxy, "10.0.2.1:", "10.0.1.2:") + `
50ms  f > "GET /status HTTP/1.1\r\nHost: a\r\nUser-Agent: lib\r\nAccept: */*\r\nX-Request-Id: 12345678\r\n\r\n"
52ms  b > "GET /status HTTP/1.1\r\nHost: b\r\nUser-Agent: lib\r\nAccept: */*\r\nX-Request-Id: 12345678\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nup"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
95ms  f > ACK
`, nil},

		{"a service that asks another one, without bodies", strings.ReplaceAll(atProxy, "10.0.2.1:", "10.0.1.2:") + `
50ms  f > "GET /status HTTP/1.1\r\nHost: a\r\nUser-Agent: lib\r\nAccept: */*\r\nConnection: X-Lib\r\nX-Lib: 1\r\n\r\n"
52ms  b > "GET /status HTTP/1.1\r\nHost: b\r\nUser-Agent: lib\r\nAccept: */*\r\nConnection: X-Lib\r\nX-Lib: 1\r\n\r\n"
72ms  b < "HTTP/1.1 204 No Content\r\nDate: d\r\n\r\n"
75ms  f < "HTTP/1.1 204 No Content\r\nDate: d\r\n\r\n"
95ms  f > ACK
`, nil},

		{"a service that asks another one with its name", strings.ReplaceAll(atProxy, "10.0.2.1:", "10.0.1.2:") + `
50ms  f > "GET /status HTTP/1.1\r\nHost: a\r\nUser-Agent: lib\r\nAccept: */*\r\n\r\n"
52ms  b > "GET /status HTTP/1.1\r\nHost: a\r\nUser-Agent: lib\r\nAccept: */*\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nup"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
95ms  f > ACK
`, nil},

		{"a proxy that changes the body", strings.ReplaceAll(atProxy, "10.0.2.1:", "10.0.1.2:") + `
50ms  f > "GET /status HTTP/1.1\r\nHost: a\r\nUser-Agent: lib\r\nCookie: c=1\r\n\r\n"
52ms  b > "GET /status HTTP/1.1\r\nHost: a\r\nUser-Agent: lib\r\nCookie: c=1\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nup"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
95ms  f > ACK
`, []string{"1 -> 2 certain, answered, added 5ms"}},

		{"a proxy that asks for another host", strings.ReplaceAll(atProxy, "10.0.2.1:", "10.0.1.2:") + `
50ms  f > "GET /status HTTP/1.1\r\nHost: a\r\nUser-Agent: lib\r\nAccept: */*\r\n\r\n"
52ms  b > "GET /status HTTP/1.1\r\nHost: b\r\nUser-Agent: lib\r\nAccept: */*\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
95ms  f > ACK
`, []string{"1 -> 2 certain, answered, added 5ms"}},

		{"where it was captured shows later", `
f 10.0.1.1:40000 > 10.0.1.2:8080
b 10.0.2.1:50000 > 10.0.2.2:80
0ms     f > SYN
0.04ms  f < SYN ACK
0.15ms  f > ACK
1ms     b > SYN
1.06ms  b < SYN ACK
1.08ms  b > ACK
2ms     f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
3ms     b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
4ms     b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
4.3ms   b > ACK
4.5ms   f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
4.65ms  f > ACK
6ms     f > "GET /b HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
6.005ms f < ACK
7ms     f < "HTTP/1.1 204 N\r\n\r\n"
`, []string{"1 -> 2 certain, answered, added 1.5ms"}},

		{"where it was captured shows on another connection", `
f 10.0.1.1:40000 > 10.0.1.2:8080
b 10.0.2.1:50000 > 10.0.2.2:80
d 10.0.2.1:50001 > 10.0.2.2:80
0ms     f > SYN
0.01ms  f < SYN ACK
20ms    f > ACK
21ms    f > "GET /c HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
22ms    f < "HTTP/1.1 204 N\r\n\r\n"
30ms    d > SYN
42ms    f > ACK
50ms    d < SYN ACK
50.02ms d > ACK
51ms    d > "GET /b HTTP/1.1\r\nHost: w\r\nUser-Agent: y\r\n\r\n"
71ms    d < "HTTP/1.1 204 N\r\n\r\n"
71ms    d > ACK
80ms    f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
82ms    b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
102ms   b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
103ms   f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
123ms   f > ACK
142ms   b > ACK
`, []string{"3 -> 4 certain, answered, added 3ms"}},

		{"named in X-Forwarded-For", onLAN + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
60ms  b > "GET /a HTTP/1.1\r\nHost: backend\r\nUser-Agent: x\r\nX-Forwarded-For: 10.9.9.9, 10.0.1.1\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
85ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
95ms  f > ACK
`, []string{"1 -> 2 certain, answered, added 13ms"}},

		{"named in Forwarded, with a port", onLAN + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
60ms  b > "GET /a HTTP/1.1\r\nHost: backend\r\nUser-Agent: x\r\nForwarded: for=\"10.0.1.1:40000\";proto=http\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
85ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
95ms  f > ACK
`, []string{"1 -> 2 certain, answered, added 13ms"}},

		{"another trace id is no proof", onLAN + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\ntraceparent: 00-0123456789abcdef0123456789abcdef-0000000000000001-01\r\n\r\n"
60ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\ntraceparent: 00-0123456789abcdef0123456789abcdee-0000000000000002-01\r\n\r\n"
72ms  b < "HTTP/1.1 204 OK\r\n\r\n"
85ms  f < "HTTP/1.1 204 OK\r\n\r\n"
95ms  f > ACK
`, nil},

		{"the same trace id is", onLAN + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\ntraceparent: 00-0123456789abcdef0123456789abcdef-0000000000000001-01\r\n\r\n"
60ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\ntraceparent: 00-0123456789abcdef0123456789abcdef-0000000000000002-01\r\n\r\n"
72ms  b < "HTTP/1.1 204 OK\r\n\r\n"
85ms  f < "HTTP/1.1 204 OK\r\n\r\n"
95ms  f > ACK
`, []string{"1 -> 2 likely, answered, added 13ms"}},

		{"passed on while it comes", atProxy + `
50ms  f > "POST /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nContent-Length: 6\r\n\r\none"
52ms  b > "POST /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nContent-Length: 6\r\n\r\none"
550ms f > "two"
551ms b > "two"
571ms b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
575ms f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
595ms f > ACK
`, []string{"1 -> 2 certain, answered, added 5ms"}},

		{"another body", atProxy + `
50ms  f > "POST /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nContent-Length: 3\r\n\r\none"
52ms  b > "POST /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nContent-Length: 3\r\n\r\ntwo"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
95ms  f > ACK
`, nil},

		{"another cookie", atProxy + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nCookie: one\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nCookie: two\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
95ms  f > ACK
`, nil},

		{"begun before the client's request", atProxy + `
50ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
55ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
95ms  f > ACK
`, nil},

		{"upstream over last", atProxy + `
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
95ms  f > ACK
112ms b > ACK
`, []string{"1 -> 2 likely, answered, added 5ms"}},

		{"tried again at another server", atProxy + `
d 10.0.2.1:50001 > 10.0.2.3:80
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Request-Id: 12345678\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Request-Id: 12345678\r\n\r\n"
60ms  b < FIN
60ms  b > FIN
80ms  b < ACK
61ms  d > SYN
81ms  d < SYN ACK
81ms  d > ACK
82ms  d > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Request-Id: 12345678\r\n\r\n"
102ms d < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
103ms f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: d\r\n\r\nok"
123ms f > ACK
`, []string{"1 -> 2 certain, failed", "1 -> 3 certain, answered, added 33ms"}},

		{"two requests, one upstream", atProxy + `
g 10.0.1.1:40001 > 10.0.1.2:8080
42ms  g > SYN
42ms  g < SYN ACK
48ms  g > ACK
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
51ms  g > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
75ms  g < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
95ms  f > ACK
96ms  g > ACK
`, []string{"1 -> 3 likely, answered, added 5ms, or 2 -> 3", "2 -> 3 likely, answered, joined"}},

		{"two requests at once, told apart by a field of their own", atProxy + `
g 10.0.1.1:40001 > 10.0.1.2:8080
d 10.0.2.1:50001 > 10.0.2.2:80
42ms  g > SYN
42ms  g < SYN ACK
48ms  g > ACK
42ms  d > SYN
48ms  d < SYN ACK
48ms  d > ACK
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Tag: 1\r\n\r\n"
50ms  g > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Tag: 2\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Tag: 2\r\n\r\n"
52ms  d > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Tag: 1\r\n\r\n"
72ms  b < "HTTP/1.1 204 N\r\n\r\n"
72ms  b > ACK
72ms  d < "HTTP/1.1 204 N\r\n\r\n"
72ms  d > ACK
75ms  f < "HTTP/1.1 204 N\r\n\r\n"
75ms  g < "HTTP/1.1 204 N\r\n\r\n"
95ms  f > ACK
96ms  g > ACK
`, []string{"1 -> 4 certain, answered, added 5ms", "2 -> 3 certain, answered, added 5ms"}},

		{"through two proxies", atProxy + `
d 10.0.2.2:60000 > 10.0.3.2:80
42ms  d > SYN
42ms  d < SYN ACK
50ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
52ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
62ms  d > ACK
62ms  d > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
65ms  d < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
72ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
72ms  b > ACK
75ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
85ms  d > ACK
95ms  f > ACK
`, []string{"2 -> 3 certain, answered, added 0s", "1 -> 2 likely, answered, added 5ms"}},

		{"all on one host", `
f 127.0.0.1:40000 > 127.0.0.1:8080
b 127.0.0.1:50000 > 127.0.0.1:8000
0ms   f > SYN
0ms   f < SYN ACK
0ms   f > ACK
1ms   b > SYN
1ms   b < SYN ACK
1ms   b > ACK
2ms   f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
3ms   b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n\r\n"
4ms   b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
5ms   f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
6ms   f > ACK
`, []string{"1 -> 2 likely, answered, added 2ms"}},

		{"one client asks two servers", `
f 10.0.0.1:40000 > 10.0.0.2:80
b 10.0.0.1:50000 > 10.0.0.3:80
0ms   f > SYN
5ms   f < SYN ACK
5ms   f > ACK
6ms   b > SYN
9ms   b < SYN ACK
9ms   b > ACK
20ms  f > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Request-Id: 12345678\r\n\r\n"
30ms  b > "GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\nX-Request-Id: 12345678\r\n\r\n"
40ms  b < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
50ms  f < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"1\"\r\n\r\nok"
51ms  f > ACK
`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := script.Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			got := hopsIn(t, s.Source())
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestHopsOfManyAlike has so many equal requests under way at once that not all can be
// compared: none is taken for certain, and no back has two fronts.
func TestHopsOfManyAlike(t *testing.T) {
	const many = 500
	var opened, asked, forwarded, answered, passed strings.Builder
	var text strings.Builder
	for i := range many {
		fmt.Fprintf(&text, "f%d 10.0.1.1:%d > 10.0.1.2:8080\nb%d 10.0.1.2:%d > 10.0.2.2:80\n", i, 20000+i, i, 30000+i)
		fmt.Fprintf(&opened, "0ms f%d > SYN\n0ms f%d < SYN ACK\n0ms f%d > ACK\n0ms b%d > SYN\n0ms b%d < SYN ACK\n0ms b%d > ACK\n", i, i, i, i, i, i)
		fmt.Fprintf(&asked, "10ms f%d > \"GET /a HTTP/1.1\\r\\nHost: w\\r\\nUser-Agent: x\\r\\n\\r\\n\"\n", i)
		fmt.Fprintf(&forwarded, "20ms b%d > \"GET /a HTTP/1.1\\r\\nHost: w\\r\\nUser-Agent: x\\r\\n\\r\\n\"\n", i)
		fmt.Fprintf(&answered, "30ms b%d < \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\"\n30ms b%d > ACK\n", i, i)
		fmt.Fprintf(&passed, "40ms f%d < \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\"\n40ms f%d > ACK\n", i, i)
	}
	for _, part := range []*strings.Builder{&opened, &asked, &forwarded, &answered, &passed} {
		text.WriteString(part.String())
	}
	s, err := script.Parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	backs := map[uint64]bool{}
	_, err = analyze.Run(context.Background(), s.Source(), analyze.Listener{Hop: func(h *analyze.Hop) {
		switch {
		case h.Joined:
		case h.Certain || backs[h.Back.ID]:
			t.Error(hopText(h))
		default:
			backs[h.Back.ID] = true
		}
	}}, analyze.Options{})
	if err != nil || len(backs) < many/4 {
		t.Errorf("%d hops, %v", len(backs), err)
	}
}

// TestHopsOfTwoClocks gives two files that share no connection: in which order things were
// is as uncertain as the clocks are.
func TestHopsOfTwoClocks(t *testing.T) {
	const front, back = `
f 10.0.1.1:40000 > 10.0.1.2:8080
0ms   f > SYN
20ms  f < SYN ACK
20ms  f > ACK
`, `
b 10.0.1.2:50000 > 10.0.2.2:80
0ms   b > SYN
0ms   b < SYN ACK
20ms  b > ACK
`
	// Each request takes 10 ms to the proxy and 10 ms to the server.
	asked := func(at int, fields string) (f, b string) {
		const request, response = `"GET /a HTTP/1.1\r\nHost: w\r\nUser-Agent: x\r\n%s\r\n"`, `"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"`
		text := fmt.Sprintf(request, fields)
		return fmt.Sprintf("%dms f > %s\n%dms f < %s\n%dms f > ACK\n", at, text, at+41, response, at+41),
			fmt.Sprintf("%dms b > %s\n%dms b < %s\n%dms b > ACK\n", at+20, text, at+21, response, at+41)
	}
	for _, c := range []struct {
		name   string
		skew   time.Duration
		fields []string
		want   []string
	}{
		{"one request", 5 * time.Millisecond, []string{`X-A: 1\r\n`},
			[]string{"1 -> 2 certain, answered, added 0s"}},
		{"all the same", 0, []string{"", ""},
			[]string{"1 -> 2 certain, answered, added 0s", "3 -> 4 likely, answered, added 0s"}},
		{"all the same, and the upstream clock is late", -45 * time.Millisecond, []string{"", "", ""},
			[]string{"2 -> 3 likely, answered, added 0s", "4 -> 5 likely, answered, added 0s"}},
		{"each with an id", 0, []string{`X-Request-Id: 12345671\r\n`, `X-Request-Id: 12345672\r\n`},
			[]string{"1 -> 2 certain, answered, added 0s", "3 -> 4 certain, answered, added 0s"}},
		{"each with a field of its own, and the upstream clock is late", -45 * time.Millisecond, []string{`X-A: 1\r\n`, `X-A: 2\r\n`, `X-A: 3\r\n`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, b := front, back
			for i, fields := range c.fields {
				x, y := asked(100+50*i, fields)
				f, b = f+x, b+y
			}
			got := hopsIn(t, twoFiles(t, f, b, c.skew))
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// twoFiles gives two captures, of which the second's clock is ahead.
func twoFiles(t *testing.T, first, second string, ahead time.Duration) capture.Source {
	t.Helper()
	var both *script.Script
	for i, text := range []string{first, second} {
		s, err := script.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for j := range s.Packets {
			p := &s.Packets[j]
			p.Frame = capture.NewFrame(i, p.Frame.Number())
			if i == 1 {
				p.Time = p.Time.Add(ahead)
			}
		}
		if both == nil {
			both = s
		} else {
			both.Packets = append(both.Packets, s.Packets...)
		}
	}
	slices.SortStableFunc(both.Packets, func(p, q capture.Packet) int { return cmp.Compare(p.Time, q.Time) })
	return both.Source()
}

// hopsIn lists the hops of a capture as sentences.
func hopsIn(t *testing.T, src capture.Source) (list []string) {
	t.Helper()
	over := map[*analyze.Exchange]bool{}
	_, err := analyze.Run(context.Background(), src, analyze.Listener{
		Exchange: func(x *analyze.Exchange) { over[x] = true },
		Hop: func(h *analyze.Hop) {
			if !over[h.Front] || !over[h.Back] {
				t.Errorf("hop %d -> %d is told before both are over", h.Front.ID, h.Back.ID)
			}
			list = append(list, hopText(h))
		},
	}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func hopText(h *analyze.Hop) string {
	words := []string{fmt.Sprintf("%d -> %d likely", h.Front.ID, h.Back.ID)}
	if h.Certain {
		words[0] = fmt.Sprintf("%d -> %d certain", h.Front.ID, h.Back.ID)
	}
	if h.Answered {
		words = append(words, "answered")
	} else {
		words = append(words, "failed")
	}
	if h.Joined {
		words = append(words, "joined")
	}
	if h.Added != analyze.Unknown {
		words = append(words, "added "+h.Added.Round(100*time.Microsecond).String())
	}
	for _, b := range h.OtherBacks {
		words = append(words, fmt.Sprintf("or %d -> %d", h.Front.ID, b.ID))
	}
	for _, f := range h.OtherFronts {
		words = append(words, fmt.Sprintf("or %d -> %d", f.ID, h.Back.ID))
	}
	if h.Unsettled {
		words = append(words, "or another")
	}
	return strings.Join(words, ", ")
}
