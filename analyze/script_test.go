package analyze_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
	"wirelag/reassembly/packet"
)

// TestScripts runs every script in testdata and compares what was found with the
// script's "want" lines. They are, in this order:
//
//	connection ID CLIENT > SERVER PROTOCOL, how the roles are known, how it ended
//	exchange CONNECTION.N REQUEST | INTERIM… RESPONSE | phases in ms
//	gap CONNECTION DIRECTION BYTES
//	health KIND COUNT
func TestScripts(t *testing.T) {
	for _, file := range scripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := parseFile(t, file)
			var want []string
			for _, w := range s.Wants {
				want = append(want, w.Text)
			}
			for _, limits := range []reassembly.Limits{{}, asleep} {
				h := listenWithin(t, limits, script.Singles(s.Source()))
				h.keepsPromises(t)
				if got := h.describe(s); !slices.Equal(got, want) {
					t.Errorf("%s, asleep %v:\n%s", file, limits == asleep, difference(got, want))
				}
			}
		})
	}
}

func scripts(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return files
}

func parseFile(t testing.TB, file string) *script.Script {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := script.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return s
}

// difference marks the lines that only got (+) or only want (-) has.
func difference(got, want []string) string {
	var b strings.Builder
	for _, g := range got {
		mark := " "
		if !slices.Contains(want, g) {
			mark = "+"
		}
		fmt.Fprintf(&b, "%s %s\n", mark, g)
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			fmt.Fprintf(&b, "- %s\n", w)
		}
	}
	return b.String()
}

// describe is what was heard as lines of text.
func (h *heard) describe(s *script.Script) []string {
	var lines []string
	connections := slices.Clone(h.connections)
	slices.SortFunc(connections, func(a, b *analyze.Connection) int { return int(a.ID) - int(b.ID) })
	for _, c := range connections {
		lines = append(lines, describeConnection(c))
		n := 0
		for _, x := range h.exchanges {
			if x.Connection == c {
				n++
				lines = append(lines, fmt.Sprintf("exchange %d.%d %s | %s | %s", c.ID, n,
					describeRequest(x.Request), describeResponse(x), describePhases(x.Timing)))
			}
		}
	}
	lines = append(lines, gaps(s.Source())...)
	for _, i := range h.capture.Health {
		lines = append(lines, fmt.Sprintf("health %s %d", i.Kind, i.Count))
	}
	return lines
}

func describeConnection(c *analyze.Connection) string {
	roles := map[reassembly.Role]string{reassembly.RoleBySYN: "syn", reassembly.RoleByContent: "content", reassembly.RoleByPort: "port"}
	line := fmt.Sprintf("connection %d %s > %s %s by %s, %s", c.ID, c.Client(), c.Server(), c.Protocol, roles[c.Roles()], c.Close())
	if side, ok := c.ClosedBy(); ok {
		by := "server"
		if side == c.ClientSide() {
			by = "client"
		}
		line += " by " + by
	}
	if n := c.Retransmissions(); n > 0 {
		line += fmt.Sprintf(", %d sent again", n)
	}
	return line
}

func describeRequest(m *http1.Message) string {
	if m == nil {
		return "-"
	}
	return m.Method + " " + m.Target + " " + describeBody(m)
}

func describeResponse(x *analyze.Exchange) string {
	text := ""
	for _, m := range x.Interim {
		text += fmt.Sprintf("%d ", m.Status)
	}
	if x.Response == nil {
		return text + "-"
	}
	return fmt.Sprintf("%s%d %s", text, x.Response.Status, describeBody(x.Response))
}

func describeBody(m *http1.Message) string {
	text := fmt.Sprintf("%s %d", m.Framing, m.BodyBytes)
	if !m.Complete {
		text += " incomplete"
	}
	if m.Lost > 0 {
		text += fmt.Sprintf(" lost %d", m.Lost)
	}
	return strings.TrimSpace(text + " " + m.Problems.String())
}

func describePhases(t analyze.Timing) string {
	text := ""
	for _, p := range []struct {
		name string
		d    time.Duration
	}{{"connect", t.Connect}, {"send", t.Send}, {"blocked", t.Blocked}, {"wait", t.Wait}, {"receive", t.Receive}, {"total", t.Total()}} {
		if p.d != analyze.Unknown {
			text += fmt.Sprintf("%s %g ", p.name, float64(p.d)/float64(time.Millisecond))
		}
	}
	return strings.TrimSpace(text)
}

// gaps are the holes in the streams of src.
func gaps(src capture.Source) (lines []string) {
	table := reassembly.NewTable(reassembly.Consumer{
		Gap: func(c *reassembly.Connection, side reassembly.Side, n int64, _ capture.Span) {
			lines = append(lines, fmt.Sprintf("gap %d %s %d", c.ID, c.Direction(side), n))
		},
	}, reassembly.Limits{})
	var decoder packet.Decoder
	var batch capture.Batch
	var segment packet.Segment
	for src.Read(&batch) != io.EOF {
		for i := range batch.Packets {
			if decoder.Decode(&batch.Packets[i], &segment) == packet.TCP {
				table.Add(&segment)
			}
		}
	}
	table.Finish()
	return lines
}
