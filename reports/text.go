package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"wirelag/analyze"
	"wirelag/rules"
)

// textWriter writes tables for a terminal. It keeps sums by client and server
// and the rows that will be shown, and writes everything at the end.
type textWriter struct {
	w           io.Writer
	options     Options
	redact      redactor
	proxied     proxied
	pairs       pairs
	connections top[*analyze.Connection]
	exchanges   top[*analyze.Exchange]
	stories     stories
	points      capturePoints
	added       map[uint64]time.Duration // by exchange: what a proxy added to it
}

// textRows is how many rows a table has unless it is asked for more or less.
const textRows = 10

func newText(w io.Writer, o Options) Writer {
	o.Top = cmp.Or(o.Top, textRows)
	return &textWriter{
		w: w, options: o, redact: newRedactor(o),
		proxied:     proxied{selected: o.Selected},
		connections: top[*analyze.Connection]{n: o.Top, order: mostBytes},
		exchanges:   top[*analyze.Exchange]{n: o.Top, order: slowest},
		stories:     stories{least: o.MinSeverity},
	}
}

func mostBytes(a, b *analyze.Connection) int {
	return cmp.Compare(bytesOf(b), bytesOf(a))
}

func slowest(a, b *analyze.Exchange) int {
	return cmp.Compare(tookOf(&b.Timing), tookOf(&a.Timing))
}

func (t *textWriter) Connection(c *analyze.Connection) error {
	t.pairs.addConnection(c)
	t.points.add(c)
	if t.connections.add(c) {
		c.Keep()
	}
	return nil
}

func (t *textWriter) Exchange(x *analyze.Exchange) error {
	t.pairs.addExchange(x)
	if t.exchanges.add(x) {
		x.Keep()
	}
	return nil
}

func (t *textWriter) Finding(f *rules.Finding) error {
	t.stories.add(f)
	return nil
}

func (t *textWriter) Close(c *analyze.Capture) error {
	if c == nil {
		return nil
	}
	p := &page{width: max(t.options.Width, minWidth), color: t.options.Color, redact: &t.redact}
	clock := newClock(c, t.options.Zone)
	spent := t.pairs.budget().without(&t.proxied.Budget)
	p.verdict(newVerdict(&t.stories, c, spent, t.options))
	p.capture(c, clock)
	if t.options.Selected {
		p.line(fmt.Sprintf("%s of the exchanges are selected; findings are about all", count(t.exchanges.shown)), normal)
	}
	p.budget(spent)
	p.health(c)
	p.findings(&t.stories, t.options.Top, newTelling(c, &t.options, &t.redact))
	p.pairs(&t.pairs, t.options.Top)
	p.budgets(&t.pairs, t.options.Top)
	p.capturePoints(&t.points, c)
	p.connections(&t.connections, clock)
	p.exchanges(t, clock)
	_, err := io.WriteString(t.w, p.text.String())
	return err
}

// minWidth is the narrowest page; in narrower terminals its lines are broken.
const minWidth = 40

// style is an ANSI "select graphic rendition" parameter (ECMA-48 §8.3.117).
type style string

const (
	normal style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	yellow style = "33"

	boldRed    style = "1;31"
	boldYellow style = "1;33"
)

// page lays text out in lines that are no wider than it is.
type page struct {
	text   strings.Builder
	width  int
	color  bool
	redact *redactor
}

func (p *page) paint(s string, as style) string {
	if !p.color || as == normal || s == "" {
		return s
	}
	return "\x1b[" + string(as) + "m" + s + "\x1b[0m"
}

// title begins a section.
func (p *page) title(s string) {
	p.text.WriteString("\n" + p.paint(cut(s, p.width), bold) + "\n")
}

// line writes s and cuts what does not fit.
func (p *page) line(s string, as style) {
	p.text.WriteString(p.paint(cut(s, p.width), as) + "\n")
}

// paragraph writes s in as many lines as it takes; the first is indented by
// two, the others by four.
func (p *page) paragraph(s string, as style) { p.flow("  ", "    ", s, as) }

// flow writes s in as many lines as it takes, the first behind lead, the others
// behind indent, which is at least as wide.
func (p *page) flow(lead, indent, s string, as style) {
	for _, line := range Wrap(s, p.width-len(indent)) {
		p.line(lead+line, as)
		lead = indent
	}
}

// Wrap breaks s into lines of at most width columns, between words.
func Wrap(s string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(s) {
		joined := strings.TrimPrefix(line+" "+word, " ")
		if line != "" && text.StringWidth(joined) > width {
			lines = append(lines, line)
			joined = word
		}
		line = joined
	}
	return append(lines, line)
}

// cut shortens s to width columns; an ellipsis shows that it did.
func cut(s string, width int) string {
	if text.StringWidth(s) <= width {
		return s
	}
	return text.Trim(s, width-1) + "…"
}

// cutStart shortens s to width columns by its beginning: the end of a file's name
// tells most.
func cutStart(s string, width int) string {
	if text.StringWidth(s) <= width || width < 10 {
		return s
	}
	s = s[lastColumns(s, width):]
	for text.StringWidth(s) >= width {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return "…" + s
}

// lastColumns is where about the last width columns of s begin.
func lastColumns(s string, width int) int {
	at := len(s)
	for columns := 0; at > 0 && columns < width; {
		r, size := utf8.DecodeLastRuneInString(s[:at])
		columns += text.RuneWidth(r)
		at -= size
	}
	return at
}

// cutMiddle is cut for ASCII, with the ellipsis in the middle.
func cutMiddle(s string, width int) string {
	if len(s) <= width {
		return s
	}
	tail := width / 2
	return s[:width-1-tail] + "…" + s[len(s)-tail:]
}

// cell is what a table shows at one place.
type cell struct {
	text string
	as   style
}

// column is a column of a table.
type column struct {
	head  string
	right bool // numbers stand to the right
	// rank: where the page is too narrow, columns of the highest rank go first;
	// those of rank 0 stay.
	rank int
	// least is the width that the column can be cut to; 0: it is never cut.
	least int
	// most is the width beyond which the column is always cut; 0: there is none.
	most int
	// address: what is cut is cut in the middle, so that the port can be seen.
	address bool
}

// grid is a table before it is fitted to a page.
type grid struct {
	columns []column
	rows    [][]cell
}

// row appends a row; cells are plain text.
func (g *grid) row(cells ...cell) { g.rows = append(g.rows, cells) }

const gap = 2 // columns between the columns of a table, and before the first

// fit returns the columns to show and their widths.
func (g *grid) fit(width int) (shown, widths []int) {
	for i := range g.columns {
		if g.columns[i].rank == 0 || !g.isEmpty(i) {
			shown = append(shown, i)
		}
	}
	for {
		widths = g.widths(shown, width)
		least := slices.MaxFunc(shown, func(a, b int) int { return cmp.Compare(g.columns[a].rank, g.columns[b].rank) })
		rank := g.columns[least].rank
		if sum(widths) <= width || rank == 0 {
			g.widen(shown, widths, width)
			return shown, widths
		}
		shown = slices.DeleteFunc(shown, func(i int) bool { return g.columns[i].rank == rank })
	}
}

// widen gives the columns that were cut to their most what room is left.
func (g *grid) widen(shown, widths []int, width int) {
	for i, c := range shown {
		if g.columns[c].most > 0 {
			widths[i] += min(max(width-sum(widths), 0), max(g.content(c)-widths[i], 0))
		}
	}
}

// content is the width of what a column contains.
func (g *grid) content(c int) int {
	widest := text.StringWidth(g.columns[c].head)
	for _, row := range g.rows {
		widest = max(widest, text.StringWidth(row[c].text))
	}
	return widest
}

// isEmpty reports whether a column has nothing to tell.
func (g *grid) isEmpty(i int) bool {
	return !slices.ContainsFunc(g.rows, func(row []cell) bool {
		s := row[i].text
		return s != "" && s != absent && s != duration(0) && s != size(0)
	})
}

// widths are those of the contents, the widest ones cut down as far as their
// columns allow until all fit.
func (g *grid) widths(shown []int, width int) []int {
	widths := make([]int, len(shown))
	for i, c := range shown {
		widths[i] = g.content(c)
		if g.columns[c].least > 0 {
			widths[i] = min(widths[i], width)
		}
		if most := g.columns[c].most; most > 0 {
			widths[i] = min(widths[i], most)
		}
	}
	for sum(widths) > width {
		widest := -1
		for i, c := range shown {
			least := g.columns[c].least
			if least > 0 && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

func sum(widths []int) int {
	total := 0
	for _, w := range widths {
		total += gap + w
	}
	return total
}

// table writes g, fitted to the page.
func (p *page) table(g *grid) {
	shown, widths := g.fit(p.width)
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{PaddingLeft: strings.Repeat(" ", gap)},
		Options: table.OptionsNoBordersAndSeparators,
	})
	t.SuppressTrailingSpaces()
	var configs []table.ColumnConfig
	head := table.Row{}
	for i, c := range shown {
		align := text.AlignLeft
		if g.columns[c].right {
			align = text.AlignRight
		}
		configs = append(configs, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align})
		head = append(head, p.paint(cut(g.columns[c].head, widths[i]), faint))
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(head)
	for _, cells := range g.rows {
		row := table.Row{}
		for i, c := range shown {
			shorten := cut
			if g.columns[c].address {
				shorten = cutMiddle
			}
			row = append(row, p.paint(shorten(cells[c].text, widths[i]), cells[c].as))
		}
		t.AppendRow(row)
	}
	for line := range strings.Lines(t.Render()) {
		// What columns of rank 0 alone do not leave room for is cut.
		p.text.WriteString(cutPainted(strings.TrimRight(line, "\n"), p.width) + "\n")
	}
}

// cutPainted is cut for a line that may be painted already.
func cutPainted(s string, width int) string {
	if text.StringWidthWithoutEscSequences(s) <= width {
		return s
	}
	return text.Trim(s, width-1) + "…"
}
