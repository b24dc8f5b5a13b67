package reports

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
)

// However the time is divided, the shares add up and each is right.
func TestSharesAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b Budget
		for range random.IntN(20) {
			d := time.Duration(random.ExpFloat64() * float64(time.Second))
			b.Spent[random.IntN(analyze.Phases)][random.IntN(analyze.SpentOns)] += d
		}
		parts := b.Parts()
		total, spent := 0, time.Duration(0)
		for _, p := range parts {
			total += p.PerMille
			spent += p.Time
			if exact := 1000 * float64(p.Time) / float64(b.Spent.Total()); float64(p.PerMille) < exact-1 || float64(p.PerMille) > exact+1 {
				t.Errorf("%v of %v are %d ‰", p.Time, b.Spent.Total(), p.PerMille)
			}
		}
		if spent != b.Spent.Total() || len(parts) > 0 && total != 1000 {
			t.Errorf("%v of %v, %d ‰ in %+v", spent, b.Spent.Total(), total, parts)
		}
	}
}

func TestBudgetOfNothingHasNoParts(t *testing.T) {
	if parts := new(Budget).Parts(); parts != nil {
		t.Error(parts)
	}
}

// What the proxy waited for is in its client's time already.
func TestProxiesAreNotCountedTwice(t *testing.T) {
	o := options()
	all := reportOn(t, "proxy", "ndjson", o)
	if want := `"budget":{"exchanges":1,`; !strings.Contains(all, want) {
		t.Errorf("no %s in %s", want, all)
	}
	o.Selected = true
	if got := reportOn(t, "proxy", "ndjson", o); !strings.Contains(got, `"budget":{"exchanges":3,`) {
		t.Errorf("a selection: %s", got)
	}
}
