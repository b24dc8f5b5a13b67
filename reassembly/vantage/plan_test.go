package vantage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

func TestPlan(t *testing.T) {
	talk := dialogue(40000, time.Hour, 5)
	withoutSYN := talk[1:]
	half := talk[:len(talk)/2]
	refused := slices.Clone(talk[:2])
	refused[1].Flags, refused[1].Seq, refused[1].IPID = packet.RST|packet.ACK, 0, 0
	for _, c := range []struct {
		name   string
		sights []*sight
		leads  int           // index of the sight that leads
		offset time.Duration // of the other's clock, against the leading one's
	}{
		{"client and server", []*sight{see(at(0, 0, 0), talk), see(at(1, oneWay, 0), talk)}, 0, 0},
		{"server's file first", []*sight{see(at(0, oneWay, 0), talk), see(at(1, 0, 0), talk)}, 1, 0},
		{"server ahead", []*sight{see(at(0, 0, 0), talk), see(at(1, oneWay, 3700*time.Millisecond), talk)}, 0, 3700 * time.Millisecond},
		{"server behind", []*sight{see(at(0, 0, 0), talk), see(at(1, oneWay, -200*time.Millisecond), talk)}, 0, -200 * time.Millisecond},
		{"client ahead by a day", []*sight{see(at(0, 0, 24*time.Hour), talk), see(at(1, oneWay, 0), talk)}, 0, -24 * time.Hour},
		{"half way and server", []*sight{see(at(0, oneWay, 7), talk), see(at(1, oneWay/2, 0), talk)}, 1, 7},
		{"the client's end of it missing", []*sight{see(at(0, 0, 0), half), see(at(1, oneWay, time.Second), talk)}, 1, -time.Second},
		{"refused, server behind", []*sight{see(at(0, 0, 0), refused), see(at(1, oneWay, -3*time.Second), refused)}, 0, -3 * time.Second},
		{"the client's SYN missing", []*sight{see(at(0, 0, 0), withoutSYN), see(at(1, oneWay, 0), talk)}, 1, 0},
		{"no SYN at all", []*sight{see(at(0, oneWay, 0), withoutSYN), see(at(1, 0, 0), withoutSYN)}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := surveyOf(c.sights...).plan()
			if p == nil {
				t.Fatal("no plan")
			}
			for i, g := range c.sights {
				copied, told, shared := take(p, g)
				if leads := i == c.leads; leads && copied != [2]int{} || !leads && told != [2]int{} {
					t.Errorf("sight %d: %v copies, %v told", i, copied, told)
				}
				v := shared.Vantages[i]
				want := Vantage{File: i, Packets: uint64(len(g.traffic)), Leads: i == c.leads}
				if i != c.leads {
					want.ClockOffset = c.offset
				}
				if v != want || shared.ClockOffset != 0 {
					t.Errorf("sight %d: %+v, want %+v; the connection's offset is %v", i, v, want, shared.ClockOffset)
				}
			}
			want := []capture.Clock{{File: 1 - c.leads, Interface: capture.AllInterfaces, Ahead: c.offset}}
			if c.offset == 0 {
				want = nil
			}
			if !slices.Equal(p.Clocks(), want) {
				t.Errorf("corrections %+v, want %+v", p.Clocks(), want)
			}
		})
	}
}

// Queues make segments late in one direction; the clock must not be taken for that.
func TestQueuesDoNotMoveTheClock(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	talk := dialogue(40000, time.Hour, 40)
	near, far := see(at(0, 0, 0), talk), see(at(1, oneWay, time.Second), slices.Clone(talk))
	for i := range far.traffic {
		if s := &far.traffic[i]; s.by == toServer && !s.Flags.Has(packet.SYN) {
			s.Time = s.Time.Add(time.Duration(random.IntN(200)) * time.Millisecond)
		}
	}
	p := surveyOf(near, far).plan()
	if want := []capture.Clock{{File: 1, Interface: capture.AllInterfaces, Ahead: time.Second}}; !slices.Equal(p.Clocks(), want) {
		t.Errorf("corrections %+v, want %+v", p.Clocks(), want)
	}
}

// Adapters join and split segments: what follows from their ends is not compared.
func TestOffloadAndReusedPort(t *testing.T) {
	talk := append(dialogue(40000, time.Hour, 3), dialogue(40000, 2*time.Hour, 3)...)
	second := len(talk) / 2
	for i := second; i < len(talk); i++ {
		talk[i].Seq, talk[i].Ack = talk[i].Seq+5e6, talk[i].Ack+7e6
	}
	var split []sent
	for i, s := range talk {
		if s.Length < 1000 {
			split = append(split, s)
			continue
		}
		talk[i].Length, talk[i].Flags = 3000, s.Flags|packet.PSH
		for range 3 {
			split = append(split, s)
			s.Seq, s.IPID = s.Seq+s.Length, s.IPID+1000
		}
	}
	near, far := see(at(0, 0, 0), split), see(at(1, oneWay, 0), talk)
	p := surveyOf(near, far).plan()
	first, again := far.sees(talk[0]), far.sees(talk[second])
	a, copiedA := p.Take(&first)
	b, copiedB := p.Take(&again)
	if a == nil || b == nil || a == b || !copiedA || !copiedB {
		t.Errorf("two connections of a port: %p copied %v, %p copied %v", a, copiedA, b, copiedB)
	}
}

// Of two captures at one place, the one that goes on longer tells the connection.
func TestTheLongerOfTwoLeads(t *testing.T) {
	talk := dialogue(40000, time.Hour, 3)
	for _, files := range [][2]int{{0, 1}, {1, 0}} {
		whole, start := see(at(files[0], 0, 0), talk), see(at(files[1], 0, 0), talk[:len(talk)-2])
		sights := []*sight{whole, start}
		if whole.File == 1 {
			sights = []*sight{start, whole}
		}
		p := surveyOf(sights...).plan()
		if copied, _, _ := take(p, whole); copied != [2]int{} {
			t.Errorf("whole as file %d: %v of its segments are copies", files[0], copied)
		}
	}
}

// A point in the middle shares connections with those at both ends, which share none.
func TestClocksOfACluster(t *testing.T) {
	front, back := dialogue(40000, time.Hour, 3), dialogue(50000, time.Hour, 3)
	client := see(at(0, 0, 3*time.Second), front)
	proxy := see(at(1, oneWay/2, 0), slices.Concat(front, back, dialogue(55000, time.Hour, 1)))
	server := see(at(2, oneWay, -time.Second), back)
	p := surveyOf(client, proxy, server).plan()
	want := []capture.Clock{{File: 0, Interface: capture.AllInterfaces, Ahead: 3 * time.Second}, {File: 2, Interface: capture.AllInterfaces, Ahead: -time.Second}}
	if !slices.Equal(p.Clocks(), want) {
		t.Errorf("corrections %+v, want %+v", p.Clocks(), want)
	}
}

func TestNothingShared(t *testing.T) {
	talk := dialogue(40000, time.Hour, 3)
	var there, back []sent
	for _, s := range talk {
		if s.by == toServer {
			there = append(there, s)
		} else {
			back = append(back, s)
		}
	}
	in, out := at(0, 0, 0), at(0, 0, 0)
	out.Index = 1
	for name, sights := range map[string][]*sight{
		"one point":                   {see(at(0, 0, 0), talk)},
		"other connections":           {see(at(0, 0, 0), talk), see(at(1, 0, 0), dialogue(40001, time.Hour, 3))},
		"pieces":                      {see(at(0, 0, 0), talk[:7]), see(at(1, 0, 0), talk[7:])},
		"an interface each direction": {see(in, there), see(out, back)},
	} {
		if p := surveyOf(sights...).plan(); p != nil {
			t.Errorf("%s: a plan: %+v", name, p)
		}
	}
}

// What the leading point hardly saw of a direction is told by the other.
func TestDirectionOnAnotherInterface(t *testing.T) {
	talk := dialogue(40000, time.Hour, 20)
	in, out := at(0, 0, 0), at(0, 0, 0)
	out.Index, out.Name = 1, "eth1"
	var there, back []sent
	for i, s := range talk {
		if s.by == toServer || i < 5 {
			there = append(there, s)
		}
		if s.by == toClient || i < 5 {
			back = append(back, s)
		}
	}
	first, second := see(in, there), see(out, back)
	p := surveyOf(first, second).plan()
	_, toldFirst, _ := take(p, first)
	_, toldSecond, c := take(p, second)
	if toldFirst[toServer] < 20 || toldSecond[toClient] < 20 {
		t.Errorf("told %v and %v; vantages %+v", toldFirst, toldSecond, c.Vantages)
	}
}

// Interfaces of a file have one clock, unless it was merged of captures of several hosts.
func TestInterfacesOfAFile(t *testing.T) {
	talk := dialogue(40000, time.Hour, 5)
	for ahead, want := range map[time.Duration][]capture.Clock{
		0:           nil,
		time.Minute: {{File: 0, Interface: 1, Ahead: time.Minute}},
	} {
		in, out := at(0, 0, 0), at(0, 5*time.Microsecond, ahead)
		out.Index, out.Name = 1, "eth1"
		p := surveyOf(see(in, talk), see(out, talk)).plan()
		if !slices.Equal(p.Clocks(), want) {
			t.Errorf("clock %v ahead: corrections %+v, want %+v", ahead, p.Clocks(), want)
		}
		if copied, told, c := take(p, see(out, talk)); told != [2]int{} || c.Vantages[1].Interface != "eth1" {
			t.Errorf("clock %v ahead: %v copies, %v told; %+v", ahead, copied, told, c.Vantages)
		}
	}
}

// However the captures of two points are cut into pieces, the plan is the same.
func TestPieces(t *testing.T) {
	var talk []sent
	for i := range uint16(6) {
		talk = append(talk, dialogue(40000+i, time.Duration(i)*300*time.Millisecond, 9)...)
	}
	for _, name := range [][2]string{{"client", "server"}, {"same", "same"}} {
		for _, skew := range []time.Duration{0, 3700 * time.Millisecond, -200 * time.Millisecond} {
			for _, size := range []int{8, 13, 50} {
				pieces := slices.Concat(
					cut(talk, size, at(0, 0, 0), name[0]),
					cut(talk, size+1, at(0, oneWay, skew), name[1]))
				for i := range pieces {
					pieces[i].File = i
				}
				t.Run(fmt.Sprintf("%s %v %d", name, skew, size), func(t *testing.T) { checkPieces(t, pieces, skew) })
			}
		}
	}
}

// cut returns the pieces of what a site sees.
func cut(talk []sent, size int, s site, name string) []*sight {
	traffic := slices.Clone(talk)
	slices.SortStableFunc(traffic, func(a, b sent) int { return int(s.sees(a).Time - s.sees(b).Time) })
	var pieces []*sight
	for piece := range slices.Chunk(traffic, size) {
		pieces = append(pieces, &sight{s, piece, name})
	}
	return pieces
}

// checkPieces checks that the pieces at the client lead.
func checkPieces(t *testing.T, pieces []*sight, skew time.Duration) {
	p := surveyOf(pieces...).plan()
	for i, g := range pieces {
		copied, told, _ := take(p, g)
		if leads := g.fromClient == 0; leads && copied != [2]int{} || !leads && told != [2]int{} {
			t.Errorf("piece %d: %v copies, %v told", i, copied, told)
		}
	}
	for _, clock := range p.Clocks() {
		if clock.Ahead != skew || pieces[clock.File].fromClient == 0 {
			t.Errorf("correction %+v", clock)
		}
	}
}

// A capture that holds each packet twice, cut between a packet and its copy, is
// one point all the same.
func TestCutBetweenCopies(t *testing.T) {
	var talk []sent
	for _, s := range dialogue(40000, time.Hour, 10) {
		talk = append(talk, s)
		s.Time = s.Time.Add(time.Microsecond)
		talk = append(talk, s)
	}
	cut := len(talk)/2 | 1
	if p := surveyOf(see(at(0, 0, 0), talk[:cut]), see(at(1, 0, 0), talk[cut:])).plan(); p != nil {
		t.Errorf("a plan: %+v", p)
	}
}

func TestBounds(t *testing.T) {
	talk := dialogue(40000, time.Hour, 1)
	v := surveyOf(see(at(0, 0, 0), talk))
	v.sightings = maxSightings
	other := at(1, 0, 0)
	for _, s := range dialogue(40001, time.Hour, 1) {
		n := other.sees(s)
		v.note(v.pointOf(1, n.Interface), &n)
	}
	if p := v.plan(); p == nil || p.Skipped() != uint64(len(talk)) {
		t.Errorf("plan %+v, want one that skipped %d", p, len(talk))
	}
	v = newSurvey()
	for i := range maxInterfaces + 1 {
		if at := v.pointOf(0, &capture.Interface{Index: i}); (at < 0) != (i == maxInterfaces) {
			t.Errorf("interface %d is point %d", i, at)
		}
	}
}

func TestTakeAllocatesNothing(t *testing.T) {
	talk := dialogue(40000, time.Hour, 5)
	near, far := see(at(0, 0, 0), talk), see(at(1, oneWay, 0), talk)
	p := surveyOf(near, far).plan()
	mine, copied := near.sees(talk[5]), far.sees(talk[5])
	if n := testing.AllocsPerRun(100, func() { p.Take(&mine); p.Take(&copied) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A reset that refuses a connection is the same at both points, whatever their clocks, and
// belongs to the SYN even where it stands before that.
func TestRefusedConnection(t *testing.T) {
	talk := dialogue(40000, time.Hour, 0)[:2]
	talk[1].Flags, talk[1].Seq, talk[1].IPID = packet.RST|packet.ACK, 0, 0
	for _, ahead := range []time.Duration{0, 50 * time.Microsecond, time.Hour, -3 * time.Second} {
		for _, early := range []bool{false, true} {
			near, far := see(at(0, 0, 0), talk), see(at(1, oneWay, ahead), slices.Clone(talk))
			if early {
				slices.Reverse(far.traffic)
			}
			p := surveyOf(near, far).plan()
			if p == nil {
				t.Fatalf("server ahead by %v: no plan", ahead)
			}
			_, told, _ := take(p, near)
			copied, _, c := take(p, far)
			if told != [2]int{1, 1} || copied != [2]int{1, 1} || len(c.Vantages) != 2 {
				t.Errorf("server ahead by %v, reset early %v: %v told, %v copies; %+v", ahead, early, told, copied, c)
			}
			if clocks := p.Clocks(); ahead != 0 && (len(clocks) != 1 || clocks[0].Ahead != ahead) {
				t.Errorf("server ahead by %v, reset early %v: corrections %+v", ahead, early, clocks)
			}
		}
	}
}
