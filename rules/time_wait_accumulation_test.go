package rules

import (
	"fmt"
	"strings"
	"testing"

	"wirelag/reassembly/capture/script"
)

// TestTimeWaitProjected closes 1100 connections within 4.4 s, at which rate a tenth of
// the ports would be in TIME_WAIT after a minute: the capture must be too short to tell
// how many there were, and the ports must be others each time.
func TestTimeWaitProjected(t *testing.T) {
	const closes = 1100
	for _, c := range []struct {
		name   string
		ports  int
		silent int // seconds after the closes
		likely bool
	}{
		{"the capture is shorter than TIME_WAIT", closes, 0, true},
		{"still shorter", closes, 50, true},
		{"the capture goes on for longer", closes, 60, false},
		{"ports in rotation", 500, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text strings.Builder
			text.WriteString("last 10.0.0.9:40000 > 10.0.0.9:80\n")
			for i := range closes {
				fmt.Fprintf(&text, "c%d 10.0.0.1:%d > 10.0.0.2:80 isn=%d/%[3]d\n", i, 40_000+i%c.ports, 1_000_000+i*10_000)
			}
			for i := range closes {
				fmt.Fprintf(&text, "%dms c%d > SYN\n%[1]dms c%[2]d < SYN ACK\n%[1]dms c%[2]d > ACK\n", 4*i, i)
				fmt.Fprintf(&text, "%dms c%d > FIN\n%[1]dms c%[2]d < FIN\n%[1]dms c%[2]d > ACK\n", 4*i+1, i)
			}
			fmt.Fprintf(&text, "%dms last > SYN\n", closes*4+c.silent*1000)
			s, err := script.Parse(text.String())
			if err != nil {
				t.Fatal(err)
			}
			findings := judge(t, s.Source(), []*Rule{timeWaitAccumulation}, nil)
			switch {
			case !c.likely && len(findings) > 0:
				t.Errorf("surplus %s", show(findings[0]))
			case c.likely && (len(findings) != 1 || findings[0].Confidence != Likely || !strings.Contains(findings[0].Detail, "shorter than the 60.0 s that TIME_WAIT lasts, the rest is projected")):
				t.Errorf("%d findings, should be one that is projected", len(findings))
			}
		})
	}
}
