package script

import (
	"strings"
	"testing"
)

// TestCourse compares scripts with what gopacket's layers decode from their frames.
func TestCourse(t *testing.T) {
	const short = "c 10.0.0.1:40000 > 10.0.0.2:80 isn=100/500 mss=0 nosack\n"
	for _, test := range []struct {
		name, script string
		want         []string
	}{
		{"handshake, exchange and close", `
			c 10.0.0.1:40000 > 10.0.0.2:80
			0ms   c > SYN
			20ms  c < SYN ACK
			+1us  c > ACK
			21ms  c > "GET"
			40ms  c < "200"
			50ms  c > FIN
			70ms  c < FIN
			70ms  c > ACK`,
			[]string{
				"0s 40000>80 SYN seq=1000000 MSS=05b4 SACKPermitted=",
				"20ms 80>40000 SYN ACK seq=3001000000 ack=1000001 MSS=05b4 SACKPermitted=",
				"20.001ms 40000>80 ACK seq=1000001 ack=3001000001",
				`21ms 40000>80 PSH ACK seq=1000001 ack=3001000001 "GET"`,
				`40ms 80>40000 PSH ACK seq=3001000001 ack=1000004 "200"`,
				"50ms 40000>80 FIN ACK seq=1000004 ack=3001000004",
				"70ms 80>40000 FIN ACK seq=3001000004 ack=1000005",
				"70ms 40000>80 ACK seq=1000005 ack=3001000005",
			}},
		{"options of a declaration", `
			c 10.0.0.1:1 > 10.0.0.2:80 isn=4294967295/0 mss=1400/1300 wscale=7/2 win=1000/2000 nosack timestamps
			0ms   c > SYN
			5ms   c < SYN ACK
			10ms  c > "x"
			12ms  c < ACK`,
			[]string{
				"0s 1>80 SYN seq=4294967295 win=1000 MSS=0578 WindowScale=07 Timestamps=000f424000000000",
				"5ms 80>1 SYN ACK seq=0 ack=0 win=2000 MSS=0514 WindowScale=02 Timestamps=001e8485000f4240",
				`10ms 1>80 PSH ACK seq=0 ack=1 win=1000 Timestamps=000f424a001e8485 "x"`,
				"12ms 80>1 ACK seq=1 ack=1 win=2000 Timestamps=001e848c000f424a",
			}},
		{"a lost segment is not acknowledged until it is sent again", short + `
			0ms  c < "aaa"
			lost c < "bbb"
			1ms  c < "ccc"
			2ms  c > ACK sack=[7-10]
			3ms  again c < seq=4
			4ms  c > ACK`,
			[]string{
				`0s 80>40000 PSH ACK seq=501 ack=101 "aaa"`,
				`1ms 80>40000 PSH ACK seq=507 ack=101 "ccc"`,
				`2ms 40000>80 ACK seq=101 ack=504 SACK=000001fb000001fe`,
				`3ms 80>40000 PSH ACK seq=504 ack=101 "bbb"`,
				"4ms 40000>80 ACK seq=101 ack=510",
			}},
		{"a segment that is dropped behind the capture point", short + `
			0ms   c > "abc" dropped
			1ms   c < ACK
			300ms again c >
			301ms c < ACK dsack=[1-4]`,
			[]string{
				`0s 40000>80 PSH ACK seq=101 ack=501 "abc"`,
				"1ms 80>40000 ACK seq=501 ack=101",
				`300ms 40000>80 PSH ACK seq=101 ack=501 "abc"`,
				"301ms 80>40000 ACK seq=501 ack=104 SACK=0000006500000068",
			}},
		{"a segment that the capture missed is acknowledged", short + `
			unseen c > "abc"
			0ms   c < ACK
			1ms   c > "d"`,
			[]string{
				"0s 80>40000 ACK seq=501 ack=104",
				`1ms 40000>80 PSH ACK seq=104 ack=501 "d"`,
			}},
		{"order exchanged on the way", short + `
			0ms c > "bb" seq=+2
			0ms c > "aa" seq=1
			1ms c < ACK
			2ms c > "cc"`,
			[]string{
				`0s 40000>80 PSH ACK seq=103 ack=501 "bb"`,
				`0s 40000>80 PSH ACK seq=101 ack=501 "aa"`,
				"1ms 80>40000 ACK seq=501 ack=105",
				`2ms 40000>80 PSH ACK seq=105 ack=501 "cc"`,
			}},
		{"overrides", short + `
			0ms c > "x" ack=@7 win=1 tsval=1 tsecr=2
			1ms c < "y" seq=@9 ack=-1 noack badsum
			2ms c > SYN ACK mss=9 wscale=1 tfo=0011
			3ms c > ACK URG ECE CWR nopsh "z" zerowindow`,
			[]string{
				`0s 40000>80 PSH ACK seq=101 ack=7 win=1 Timestamps=0000000100000002 "x"`,
				`1ms 80>40000 PSH seq=9 "y" badsum`,
				`2ms 40000>80 SYN ACK seq=100 ack=501 MSS=0009 WindowScale=01 Unknown(34)=0011`,
				`3ms 40000>80 ACK URG ECE CWR seq=102 ack=501 win=0 "z"`,
			}},
		{"keep-alive and its copy", short + `
			0ms c > "x"
			1s  c > keepalive
			1s  dup c >
			+1s c < ACK`,
			[]string{
				`0s 40000>80 PSH ACK seq=101 ack=501 "x"`,
				"1s 40000>80 ACK seq=101 ack=501",
				"1s 40000>80 ACK seq=101 ack=501",
				"2s 80>40000 ACK seq=501 ack=102",
			}},
		{"refused", short + `
			0ms c > SYN
			1ms c < RST ACK`,
			[]string{
				"0s 40000>80 SYN seq=100",
				"1ms 80>40000 RST ACK seq=0 ack=101",
			}},
		{"a payload cut into segments", short + `
			0ms c < "head" repeat("x", 46) split=20 every=1ms
			-1ms c > RST`,
			[]string{
				`0s 80>40000 ACK seq=501 ack=101 "headxxxxxxxxxxxxxxxx"`,
				`1ms 80>40000 ACK seq=521 ack=101 "xxxxxxxxxxxxxxxxxxxx"`,
				`2ms 80>40000 PSH ACK seq=541 ack=101 "xxxxxxxxxx"`,
				"1ms 40000>80 RST seq=101",
			}},
		{"a connection on the ports of another, and a datagram", `
			a 10.0.0.1:4 > 10.0.0.2:80 mss=0 nosack
			b 10.0.0.1:4 > 10.0.0.2:80 mss=0 nosack
			d 10.0.0.1:5 > 10.0.0.3:53 udp
			0ms a > SYN
			0ms d > "query" vlan=3
			1ms b > SYN
			1ms d < badsum`,
			[]string{
				"0s 4>80 SYN seq=1000000",
				`0s udp 5>53 "query"`,
				"1ms 4>80 SYN seq=2000000",
				`1ms udp 53>5 ""`,
			}},
		{"split by the MSS", `
			c [2001:db8::1]:1 > [2001:db8::2]:80 timestamps
			0ms c < repeat("ab", 1000) split`,
			[]string{
				"0s 80>1 ACK seq=3001000001 ack=1000001 Timestamps=001e848000000000 1428 bytes",
				"0s 80>1 PSH ACK seq=3001001429 ack=1000001 Timestamps=001e848000000000 572 bytes",
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range parse(t, test.script).Packets {
				got = append(got, summary(t, p))
			}
			if g, w := strings.Join(got, "\n"), strings.Join(test.want, "\n"); g != w {
				t.Errorf("got:\n%s\nwant:\n%s", g, w)
			}
		})
	}
}

func TestLinkTypes(t *testing.T) {
	for link, size := range map[string]int{"ethernet": 14, "raw": 0, "null": 4, "loop": 4, "sll": 16} {
		for addresses, header := range map[string]int{
			"10.0.0.1:1 > 10.0.0.2:80":           20,
			"[2001:db8::1]:1 > [2001:db8::2]:80": 40,
		} {
			s := parse(t, "link "+link+"\nc "+addresses+"\n0ms c > \"x\"")
			if got, want := len(s.Packets[0].Data), size+header+21; got != want {
				t.Errorf("%s, %s: frame of %d bytes, want %d", link, addresses, got, want)
			}
			if _, good := decode(t, s.Packets[0]); !good {
				t.Errorf("%s, %s: wrong checksum", link, addresses)
			}
		}
	}
	sll2 := parse(t, "link sll2\nc 10.0.0.1:1 > 10.0.0.2:80\n0ms c > \"x\"").Packets[0]
	raw := parse(t, "link raw\nc 10.0.0.1:1 > 10.0.0.2:80\n0ms c > \"x\"").Packets[0]
	if got, want := string(sll2.Data[20:]), string(raw.Data); got != want || sll2.Data[0] != 8 || sll2.Data[1] != 0 {
		t.Errorf("sll2: %x, want 20 bytes before %x", sll2.Data, raw.Data)
	}
}

func TestTagsAndIPFields(t *testing.T) {
	s := parse(t, `
		c 10.0.0.1:1 > 10.0.0.2:80 vlan=5 ttl=60/50
		0ms c > "x"
		0ms c > "x" vlan=7,8 ttl=3 ipid=99
		0ms c < "x"
		0ms c > "x"`)
	for i, want := range []string{
		"810000050800 45 0001 3c", "88a80007810000080800 45 0063 03", "810000050800 45 8001 32", "810000050800 45 0003 3c",
	} {
		data := s.Packets[i].Data
		ip := len(data) - 41
		if got := hexFields(data[12:ip], data[ip:ip+1], data[ip+4:ip+6], data[ip+8:ip+9]); got != want {
			t.Errorf("packet %d: tags, version, IP ID and TTL are %s, want %s", i+1, got, want)
		}
	}
}

func TestPartialChecksum(t *testing.T) {
	s := parse(t, "link raw\nc 10.0.0.1:1 > 10.0.0.2:80\n0ms c > \"x\" partsum")
	if got := hexFields(s.Packets[0].Data[36:38]); got != "141e" { // 0a00+0001+0a00+0002+0006+0015
		t.Errorf("checksum %s, want the pseudo header's sum 141e", got)
	}
}
