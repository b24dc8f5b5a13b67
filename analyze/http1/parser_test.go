package http1

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type parseCase struct {
	name  string
	input string
	want  []string // as recorder.lines has it: head+framing bytes are last
	stream
}

func responses(methods ...string) stream { return stream{role: Response, methods: methods} }

var parseCases = []parseCase{
	// Requests.
	{name: "get", input: "GET /a?b HTTP/1.1\r\nHost: x\r\naccept:*/*\r\n\r\n",
		want: []string{`GET /a?b 1.1 Host=x accept=*/* | none | 42+0`}},
	{name: "pipelined", input: "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcDELETE /3 HTTP/1.1\r\n\r\n",
		want: []string{`GET /1 1.1 Host=x | none | 28+0`, `POST /2 1.1 Content-Length=3 | content-length 3 abc | 39+3`, `DELETE /3 1.1 | none | 22+0`}},
	{name: "target forms", input: "OPTIONS * HTTP/1.1\r\n\r\nGET http://h:1/p HTTP/1.0\r\n\r\nPROPFIND /%20 HTTP/1.1\r\n\r\nX-Y!z / HTTP/1.1\r\n\r\n",
		want: []string{`OPTIONS * 1.1 | none | 22+0`, `GET http://h:1/p 1.0 | none | 29+0`, `PROPFIND /%20 1.1 | none | 26+0`, `X-Y!z / 1.1 | none | 20+0`}},
	{name: "longest method", input: strings.Repeat("M", 64) + " /1 HTTP/1.1\r\n\r\n",
		want: []string{strings.Repeat("M", 64) + ` /1 1.1 | none | 80+0`}},
	{name: "too long a method", input: strings.Repeat("M", 65) + " /1 HTTP/1.1\r\n\r\n",
		want: []string{`junk "` + strings.Repeat("M", 65) + ` /1 HTTP/1.1\r\n\r\n"`}},
	{name: "simple request", input: "GET /x\r\n", want: []string{`GET /x 0.9 | none | 8+0`}},
	{name: "simple request, then fields", input: "GET /x\nHost: a\n\n",
		want: []string{`GET /x 0.9 | none | bare-lf | 7+0`, `junk "Host: a\n\n"`}},
	{name: "simple request only at the start", input: "GET / HTTP/1.1\r\n\r\nGET /x\r\n",
		want: []string{`GET / 1.1 | none | 18+0`, `junk "GET /x\r\n"`}},
	{name: "no simple POST", input: "POST /x\r\n", want: []string{`junk "POST /x\r\n"`}},
	{name: "no target", input: "GET HTTP/1.1\r\nHost: x\r\n\r\n", want: []string{`GET "" 1.1 Host=x | none | bad-start-line | 25+0`}},
	{name: "spaces in target", input: "GET /uri after space HTTP/1.1\r\n\r\n", want: []string{`GET "/uri after space" 1.1 | none | space-in-target | 33+0`}},
	{name: "spaces around target", input: "GET   /x\t HTTP/1.1 \r\n\r\n", want: []string{`GET /x 1.1 | none | bad-start-line | 23+0`}},
	{name: "odd versions", input: "GET /1 HTTP/1.2\r\n\r\nGET /2 http/1.1\r\n\r\nGET /3 HTTP/1.\r\n\r\nGET /4 HTTP/1\r\n\r\nGET /5 HTTP/11.999x\r\n\r\nGET /6 HTTP/0.9\r\n\r\n",
		want: []string{`GET /1 1.2 | none | odd-version | 19+0`, `GET /2 1.1 | none | odd-version | 19+0`, `GET /3 1.0 | none | odd-version | 18+0`,
			`GET /4 1.0 | none | odd-version | 17+0`, `GET /5 11.255 | none | odd-version | 23+0`, `GET /6 0.9 | none | odd-version | 19+0`}},
	{name: "leading empty lines", input: "\r\n\nGET / HTTP/1.1\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		want: []string{`GET / 1.1 | none | leading-crlf | 18+3`, `GET / 1.1 | none | leading-crlf | 18+2`}},
	{name: "many leading empty lines", input: strings.Repeat("\r\n", 5) + "GET / HTTP/1.1\r\n\r\n",
		want: []string{`GET / 1.1 | none | leading-crlf | 18+0`, `junk "\r\n\r\n\r\n\r\n\r\n"`}},
	{name: "trailing empty line", input: "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na\r\n",
		want: []string{`POST / 1.1 Content-Length=1 | content-length 1 a | 38+1`, `junk "\r\n"`}},
	{name: "not a request", input: "\x16\x03\x01 hello\n", want: []string{`junk "\x16\x03\x01 hello\n"`}},
	{name: "HTTP/2 preface", input: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: []string{`junk "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"`}},
	{name: "more than the length", input: "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabcd",
		want: []string{`POST / 1.1 Content-Length=2 | content-length 2 ab | 38+2`, `junk "cd"`}},
	{name: "cut in the start line", input: "GET / HT", want: []string{`junk "GET / HT"`}},
	{name: "cut in the head", input: "GET / HTTP/1.1\r\nA: b\r\nHos", want: []string{`GET / 1.1 A=b | none | incomplete | head-unfinished | 25+0`}},
	{name: "cut behind a line", input: "GET / HTTP/1.1\r\nA: b\r\n", want: []string{`GET / 1.1 A=b | none | incomplete | head-unfinished | 22+0`}},
	{name: "cut in the body", input: "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
		want: []string{`POST / 1.1 Content-Length=9 | content-length 9 abc | incomplete | 38+3`}},

	// Fields.
	{name: "field bytes", input: "GET / HTTP/1.1\r\nA:\r\nB: \t c \t\r\ncAsE:x:y\r\nU: \xe9\r\nT: a\tb\r\n\r\n",
		want: []string{"GET / 1.1 A=\"\" B=c cAsE=x:y U=\xe9 T=\"a\\tb\" | none | 56+0"}},
	{name: "LF only", input: "GET / HTTP/1.1\nA: b\n\n", want: []string{`GET / 1.1 A=b | none | bare-lf lf-only | 21+0`}},
	{name: "mixed line ends", input: "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", want: []string{`GET / 1.1 A=b C=d | none | bare-lf | 29+0`}},
	{name: "LF empty line", input: "GET / HTTP/1.1\r\nA: b\r\n\n", want: []string{`GET / 1.1 A=b | none | bare-lf | 23+0`}},
	{name: "folded", input: "GET / HTTP/1.1\r\nA: b \r\n  c\r\n\t\r\n \td \nE: f\r\n\r\n",
		want: []string{`GET / 1.1 A="b c d" E=f | none | bare-lf obs-fold | 44+0`}},
	{name: "folded at the end", input: "GET / HTTP/1.1\r\nA:\r\n b\r\n\r\n", want: []string{`GET / 1.1 A=b | none | obs-fold | 26+0`}},
	{name: "white space behind the start line", input: "GET / HTTP/1.1\r\n A: b\r\nC: d\r\n\r\n",
		want: []string{`GET / 1.1 ""="A: b" C=d | none | space-before-field | 31+0`}},
	{name: "nothing but white space behind the start line", input: "GET / HTTP/1.1\r\n \t\r\n\r\n",
		want: []string{`GET / 1.1 ""="" | none | space-before-field | 22+0`}},
	{name: "space before the colon", input: "POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\na=b&c",
		want: []string{`POST / 1.1 Content-Length=5 | content-length 5 "a=b&c" | space-before-colon | 39+5`}},
	{name: "no colon", input: "GET / HTTP/1.1\r\nMozilla 4.0 \r\n\r\n", want: []string{`GET / 1.1 "Mozilla 4.0"="" | none | no-colon | 32+0`}},
	{name: "field names", input: "GET / HTTP/1.1\r\n: a\r\nb c: d\r\ne\xe9: f\r\n\r\n",
		want: []string{"GET / 1.1 \"\"=a \"b c\"=d e\xe9=f | none | invalid-field-name | 38+0"}},
	{name: "controls", input: "GET /\x01 HTTP/1.1\r\nA: b\x00c\r\nD: e\rf\r\n\r\n",
		want: []string{"GET /\x01 1.1 A=\"b\\x00c\" D=\"e\\rf\" | none | bare-cr nul-byte control-byte | 35+0"}},
	{name: "CR CR LF is no empty line", input: "GET / HTTP/1.1\r\n\r\r\n\r\n", want: []string{`GET / 1.1 "\r"="" | none | bare-cr no-colon | 21+0`}},

	// The length of request bodies.
	{name: "equal lengths", input: "POST / HTTP/1.1\r\nContent-Length: 2, 2\r\nContent-Length: 02\r\n\r\nab",
		want: []string{`POST / 1.1 Content-Length="2, 2" Content-Length=02 | content-length 2 ab | repeated-length | 61+2`}},
	{name: "length 0", input: "POST / HTTP/1.1\r\ncontent-LENGTH: \t000\r\n\r\n", want: []string{`POST / 1.1 content-LENGTH=000 | content-length 0 | 41+0`}},
	{name: "conflicting lengths", input: "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
		want: []string{`POST / 1.1 Content-Length=2 Content-Length=3 | content-length 2 ab | conflicting-lengths | 57+2`}},
	{name: "chunked and length", input: "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		want: []string{`POST / 1.1 Content-Length=4 Transfer-Encoding=chunked | chunked a | length-with-transfer-encoding | 66+11`}},
	{name: "a request not chunked at the end", input: "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=gzip | none | unknown-transfer-encoding | 44+0`}},
	{name: "codings", input: "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, ,\r\ntransfer-encoding:\tCHUNKED\r\n\r\n0\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding="gzip, ," transfer-encoding=CHUNKED | chunked | 75+5`}},
	{name: "chunked not last", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding="chunked, gzip" | none | unknown-transfer-encoding | 53+0`, `GET / 1.1 | none | 18+0`}},
	{name: "unknown coding with length", input: "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nab",
		want: []string{`POST / 1.1 Transfer-Encoding=xchunked Content-Length=2 | content-length 2 ab | length-with-transfer-encoding unknown-transfer-encoding | 67+2`}},
	{name: "identity", input: "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nab",
		want: []string{`POST / 1.1 Transfer-Encoding=identity Content-Length=2 | content-length 2 ab | unknown-transfer-encoding | 67+2`}},
	{name: "coding in HTTP/1.0", input: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nab",
		want: []string{`POST / 1.0 Transfer-Encoding=chunked Content-Length=2 | content-length 2 ab | length-with-transfer-encoding transfer-encoding-in-http10 | 66+2`}},
	{name: "empty and parametrised codings", input: "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding="" | none | unknown-transfer-encoding | 39+0`, `POST / 1.1 Transfer-Encoding="chunked;q=1" | chunked | unknown-transfer-encoding | 51+5`}},
	{name: "chunked twice", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding="chunked, chunked" | chunked | unknown-transfer-encoding | 56+5`}},
	{name: "folded coding", input: "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked | obs-fold | 49+5`}},

	// Chunked bodies.
	{name: "chunks", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n005;a=\"b\"\r\nhello\r\nA ; x\r\n0123456789\r\n00\r\nT: 1\r\nContent-Length: 7\r\n U: 2\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked hello0123456789 +T=1 +Content-Length="7 U: 2" | obs-fold | 47+75`, `GET / 1.1 | none | 18+0`}},
	{name: "LF in chunk framing", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nab",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked a | incomplete | bad-chunk-end bare-lf-in-chunk | 47+3`, `junk "b"`}},
	{name: "LF behind the chunk", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked a | bare-lf-in-chunk | 47+10`}},
	{name: "CR in the chunk line", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\rx\r\na\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked | incomplete | bad-chunk-size | 47+5`, `junk "a\r\n"`}},
	{name: "bad chunk size", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked | incomplete | bad-chunk-size | 47+5`, `junk "hello"`}},
	{name: "no chunk size", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked | incomplete | bad-chunk-size | 47+4`}},
	{name: "space before the size", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked a | bad-chunk-size | 47+12`}},
	{name: "chunk size 2^64", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabc",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked | incomplete | bad-chunk-size | 47+19`, `junk "abc"`}},
	{name: "chunk size 2^63-1", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked abc | incomplete | 47+21`}},
	{name: "no end of trailers", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: 1\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked a +T=1 | incomplete | trailers-unfinished | 47+15`}},
	{name: "no last chunk", input: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
		want: []string{`POST / 1.1 Transfer-Encoding=chunked | chunked a | incomplete | 47+6`}},

	// Tunnels.
	{name: "CONNECT", input: "CONNECT h:443 HTTP/1.1\r\n\r\n\x16\x03\x01GET / HTTP/1.1\r\n\r\n",
		want: []string{`CONNECT h:443 1.1 | none | 26+0`, `tunnelled "\x16\x03\x01GET / HTTP/1.1\r\n\r\n"`}},
	{name: "CONNECT, refused", input: "CONNECT h:443 HTTP/1.1\r\n\r\nCONNECT h:443 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\nGET x y HTTP/1.1\r\n\r\n",
		want: []string{`CONNECT h:443 1.1 | none | 26+0`, `CONNECT h:443 1.1 Proxy-Authorization=x | none | 50+0`, `tunnelled "GET x y HTTP/1.1\r\n\r\n"`}},
	{name: "upgrade", input: "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		want: []string{`GET / 1.1 Upgrade=h2c | none | 32+0`, `tunnelled "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"`}},
	{name: "upgrade not begun", input: "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET", want: []string{`GET / 1.1 Upgrade=h2c | none | 32+0`, `tunnelled "GET"`}},

	// Responses.
	{name: "ok", input: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.0 404 Not Found \r\nContent-Length: 0\r\n\r\n",
		want: []string{`200 OK 1.1 Content-Length=2 | content-length 2 ab | 38+2`, `404 "Not Found" 1.0 Content-Length=0 | content-length 0 | 46+0`}, stream: responses()},
	{name: "interim", input: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		want: []string{`100 Continue 1.1 | none | 25+0`, `103 "Early Hints" 1.1 Link=x Content-Length=5 | none | 56+0`, `204 "No Content" 1.1 | none | 27+0`}, stream: responses()},
	{name: "no body", input: "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nHTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 204 \r\nContent-Length: 9\r\n\r\n",
		want: []string{`200 OK 1.1 Content-Length=900 | none | 40+0`, `304 "Not Modified" 1.1 Transfer-Encoding=chunked | none | 57+0`,
			`204 "" 1.1 Content-Length=9 | none | 36+0`}, stream: responses("HEAD", "GET", "GET")},
	{name: "until close", input: "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", want: []string{`200 OK 1.1 | close "HTTP/1.1 200 OK\r\n\r\n" | 19+19`}, stream: responses()},
	{name: "until reset", input: "HTTP/1.1 200 OK\r\n\r\nab", want: []string{`200 OK 1.1 | close ab | incomplete | 19+2`}, stream: stream{role: Response, ending: Reset}},
	{name: "until the capture ends", input: "HTTP/1.1 200 OK\r\n\r\nab", want: []string{`200 OK 1.1 | close ab | incomplete | 19+2`}, stream: stream{role: Response, ending: CaptureEnd}},
	{name: "unknown coding", input: "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\nContent-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n",
		want: []string{`200 OK 1.1 Transfer-Encoding=xchunked Content-Length=1 | close "1\r\na\r\n0\r\n\r\n" | length-with-transfer-encoding unknown-transfer-encoding | 67+11`}, stream: responses()},
	{name: "unknown coding before chunked", input: "HTTP/1.1 200 OK\r\nTransfer-Encoding: lalala\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		want: []string{`200 OK 1.1 Transfer-Encoding=lalala Transfer-Encoding=chunked | chunked a | unknown-transfer-encoding | 74+11`}, stream: responses()},
	{name: "chunked in HTTP/1.0", input: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nplain",
		want: []string{`200 OK 1.0 Transfer-Encoding=chunked | close plain | transfer-encoding-in-http10 | 47+5`}, stream: responses()},
	{name: "odd status", input: "HTTP/1.1 20 ok\r\nContent-Length: 0\r\n\r\nHTTP/1.1 2000 ok\r\nContent-Length: 0\r\n\r\nHTTP/1.1 ok\r\nContent-Length: 0\r\n\r\nHTTP/1.1\r\nContent-Length: 0\r\n\r\n",
		want: []string{`20 ok 1.1 Content-Length=0 | content-length 0 | bad-start-line | 37+0`, `200 "0 ok" 1.1 Content-Length=0 | content-length 0 | bad-start-line | 39+0`,
			`0 ok 1.1 Content-Length=0 | content-length 0 | bad-start-line | 34+0`, `0 "" 1.1 Content-Length=0 | content-length 0 | bad-start-line | 31+0`}, stream: responses()},
	{name: "spaces in the status line", input: "HTTP/1.1 204\r\n\r\nHTTP/1.1  204  a  \r\n\r\nHTTP/1.1204 b\r\n\r\nHTTP/1.1 204c\r\n\r\n",
		want: []string{`204 "" 1.1 | none | 16+0`, `204 " a" 1.1 | none | bad-start-line | 22+0`, `204 b 1.1 | none | bad-start-line | 17+0`, `204 c 1.1 | none | bad-start-line | 17+0`}, stream: responses()},
	{name: "bare CR in the reason", input: "HTTP/1.1 204 \rTransfer-Encoding:chunked\r\n\r\n",
		want: []string{`204 "\rTransfer-Encoding:chunked" 1.1 | none | bare-cr | 43+0`}, stream: responses()},
	{name: "junk behind", input: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n",
		want: []string{`200 OK 1.1 Content-Length=1 | content-length 1 a | 38+1`, `junk "bcHTTP/1.1 200 OK\r\n\r\n"`}, stream: responses()},
	{name: "not a response", input: "ICY 200 OK\r\n\r\n", want: []string{`junk "ICY 200 OK\r\n\r\n"`}, stream: responses()},
	{name: "101", input: "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\n\x81\x00", want: []string{`101 "Switching Protocols" 1.1 Content-Length=5 | tunnel | 55+0`, `tunnelled "\x81\x00"`}, stream: responses()},
	{name: "CONNECT 200", input: "HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		want: []string{`407 No 1.1 Content-Length=1 | content-length 1 a | 38+1`, `200 OK 1.1 Transfer-Encoding=chunked | tunnel | 47+0`, `tunnelled "HTTP/1.1 200 OK\r\n\r\n"`}, stream: responses("CONNECT", "CONNECT")},
	{name: "simple response", input: "\r\n<html>", want: []string{`0 "" 0.9 | close "\r\n<html>" | 0+8`}, stream: stream{role: Response, simple: true}},
	{name: "almost a status line", input: "HTTPS is\n", want: []string{`0 "" 0.9 | close "HTTPS is\n" | 0+9`}, stream: stream{role: Response, simple: true}},
	{name: "a cut status line", input: "HTTP/1", want: []string{`0 "" 0.9 | close HTTP/1 | 0+6`}, stream: stream{role: Response, simple: true}},
	{name: "a whole response to a simple request", input: "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
		want: []string{`400 Bad 1.1 Content-Length=0 | content-length 0 | 39+0`}, stream: stream{role: Response, simple: true}},
	{name: "long reason", input: "HTTP/1.1 204 " + strings.Repeat("r", lineMax) + "\r\n\r\n",
		want: []string{fmt.Sprintf(`204 "rrrrrrrrrrrrrrrr"...(%d) 1.1 | none | kept 0 cut 0 15 | head-cut | %d+0`, lineMax-13, lineMax+17)}, stream: responses()},
	{name: "nothing", input: "", want: nil, stream: responses()},
}

// invalidLengths are Content-Length values without a number in force.
var invalidLengths = []string{"-1", "+5", "", "0x10", "1 2", "5.0", "9223372036854775808", "18446744073709551615",
	"99999999999999999999999999", "five", "\x0b5", "5;", ","}

// allParseCases adds the invalid lengths to parseCases.
func allParseCases() []parseCase {
	cases := slices.Clone(parseCases)
	for _, v := range invalidLengths {
		head := "Content-Length: " + v + "\r\n\r\n"
		field := fmt.Sprintf("Content-Length=%s", shorten(v))
		problems := "invalid-length"
		if strings.Contains(v, "\x0b") {
			problems = "control-byte invalid-length"
		}
		cases = append(cases,
			parseCase{name: "request of length " + v, input: "POST / HTTP/1.1\r\n" + head + "GET / HTTP/1.1\r\n\r\n",
				want: []string{fmt.Sprintf("POST / 1.1 %s | none | %s | %d+0", field, problems, 17+len(head)), `GET / 1.1 | none | 18+0`}},
			parseCase{name: "response of length " + v, input: "HTTP/1.1 200 OK\r\n" + head + "abc",
				want: []string{fmt.Sprintf("200 OK 1.1 %s | close abc | %s | %d+3", field, problems, 17+len(head))}, stream: responses()})
	}
	return cases
}

func TestParse(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range allParseCases() {
		t.Run(c.name, func(t *testing.T) {
			input := []byte(c.input)
			got := c.read(t, input)
			if !slices.Equal(got.lines(), c.want) {
				t.Fatalf("read %q\n got %s\nwant %s", c.input, strings.Join(got.lines(), "\n     "), strings.Join(c.want, "\n     "))
			}
			compareSplit(t, got, c.read(t, singleBytes(input)...))
			for range 20 {
				compareSplit(t, got, c.read(t, randomPieces(input, random)...))
			}
		})
	}
}

// compareSplit compares what was read of the same bytes in different pieces. Once
// sync is lost, the pieces matter.
func compareSplit(t *testing.T, whole, split *recorder) {
	t.Helper()
	if whole.safe != split.safe || !slices.Equal(whole.ended[:whole.safe], split.ended[:split.safe]) {
		t.Fatalf("in pieces: %q\n  in one: %q", split.lines(), whole.lines())
	}
	if len(whole.junk)+len(split.junk) == 0 && !whole.lost && !slices.Equal(whole.lines(), split.lines()) {
		t.Fatalf("in pieces: %q\n  in one: %q", split.lines(), whole.lines())
	}
}
