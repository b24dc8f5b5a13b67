package filter

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// parser reads an expression by descent. "and" and "or" have the same precedence
// and bind to the left; "not" binds tighter.
type parser struct {
	tokens []token // what is left, up to the end
	depth  int
	tags   bool
	// inherited is what stood before the latest value: a value alone, behind
	// "and" or "or", is meant in the same way. nil: there is nothing to inherit.
	inherited *qualifiers
}

// item is either a condition or a number: which one a parenthesis holds shows only
// inside.
type item struct {
	condition node
	number    number
}

func parse(text string) (root node, tags bool, err error) {
	all, err := tokens(text)
	if err != nil {
		return nil, false, err
	}
	p := &parser{tokens: all}
	if len(all) == 1 {
		return nil, false, nil
	}
	if root, err = p.condition(); err != nil {
		return nil, false, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, false, p.unexpected(t)
	}
	return root, p.tags, nil
}

func (p *parser) unexpected(t token) error {
	if t.is(")") {
		return fail(t, "there is no ( for this )")
	}
	return fail(t, "expected and, or, or the end, found %s", t)
}

func fail(t token, format string, values ...any) error {
	return &Error{t.column, fmt.Sprintf(format, values...)}
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// takeIf takes the next token if it is one of those operators or words.
func (p *parser) takeIf(texts ...string) (token, bool) {
	if t := p.peek(); slices.ContainsFunc(texts, t.is) {
		return p.take(), true
	}
	return token{}, false
}

func (p *parser) expect(text, where string) error {
	if t := p.peek(); !t.is(text) {
		return fail(t, "expected %s %s, found %s", text, where, t)
	}
	p.take()
	return nil
}

// deeper reads what nests, by read.
func deeper[T any](p *parser, read func() (T, error)) (T, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		var none T
		return none, fail(p.peek(), "the filter nests deeper than %d levels", maxDepth)
	}
	return read()
}

// condition reads terms with and, or between them.
func (p *parser) condition() (node, error) {
	start := p.peek()
	it, err := p.conditionOrNumber()
	if err == nil && it.condition == nil {
		err = notCondition(start)
	}
	return it.condition, err
}

func notCondition(start token) error {
	return fail(start, "a number alone is no condition: compare it with another, as in len > 100")
}

func (p *parser) conditionOrNumber() (item, error) {
	it, err := p.term()
	for err == nil && it.condition != nil {
		operator, ok := p.takeIf("and", "or")
		if !ok {
			break
		}
		start := p.peek()
		var right item
		if right, err = p.term(); err == nil && right.condition == nil {
			err = notCondition(start)
		}
		it.condition = &junction{operator.text == "or", it.condition, right.condition}
	}
	return it, err
}

// term reads a condition without and, or outside of parentheses, or a number with
// nothing to compare it with behind it.
func (p *parser) term() (item, error) {
	t := p.peek()
	if _, ok := p.takeIf("not"); ok {
		negated, err := deeper(p, p.term)
		if err == nil && negated.condition == nil {
			err = notCondition(t)
		}
		return item{condition: &negation{negated.condition}}, err
	}
	var it item
	var err error
	switch {
	case t.is("("):
		it, err = p.parenthesis()
	case p.startsNumber():
		it.number, err = p.operand()
	default:
		it.condition, err = p.primitive()
	}
	if err != nil || it.number == nil {
		return it, err
	}
	return p.relation(it.number)
}

func (p *parser) parenthesis() (item, error) {
	p.take()
	inherited := p.inherited
	it, err := deeper(p, p.conditionOrNumber)
	if err != nil {
		return it, err
	}
	p.inherited = inherited
	if t := p.peek(); t.kind != tokenEnd && !t.is(")") {
		return it, p.unexpected(t)
	}
	return it, p.expect(")", "at the end")
}

// comparisons are the operators between numbers that make a condition of them.
var comparisons = map[string]bpf.JumpTest{
	"=": bpf.JumpEqual, "!=": bpf.JumpNotEqual,
	">": bpf.JumpGreaterThan, "<": bpf.JumpLessThan,
	">=": bpf.JumpGreaterOrEqual, "<=": bpf.JumpLessOrEqual,
}

// relation reads what follows a number.
func (p *parser) relation(x number) (item, error) {
	x, err := p.calculation(x, 0)
	if err != nil {
		return item{}, err
	}
	t := p.peek()
	test, ok := comparisons[t.text]
	if !ok || t.kind != tokenOperator {
		return item{number: x}, nil
	}
	p.take()
	y, err := p.calculated()
	p.inherited = nil
	return item{condition: &relation{test, x, y}}, err
}

// precedence of the operators between numbers. In tcpdump's grammar % and ^ have
// none: what stands in front of them is a single operand, and what stands behind
// them is all that follows.
var precedence = map[string]int{"|": 1, "&": 2, "<<": 3, ">>": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": greedy, "^": greedy}

const greedy = 6

var operations = map[string]bpf.ALUOp{
	"|": bpf.ALUOpOr, "&": bpf.ALUOpAnd, "<<": bpf.ALUOpShiftLeft, ">>": bpf.ALUOpShiftRight, "+": bpf.ALUOpAdd,
	"-": bpf.ALUOpSub, "*": bpf.ALUOpMul, "/": bpf.ALUOpDiv, "%": bpf.ALUOpMod, "^": bpf.ALUOpXor,
}

// calculated reads a number and what is calculated with it.
func (p *parser) calculated() (number, error) {
	x, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.calculation(x, 0)
}

// calculation reads the operators that bind tighter than above, and what is behind
// them.
func (p *parser) calculation(x number, above int) (number, error) {
	for {
		t := p.peek()
		binding := precedence[t.text]
		if t.kind != tokenOperator || binding <= above {
			return x, nil
		}
		p.take()
		if binding == greedy {
			binding = 0
		}
		y, err := p.operand()
		if err == nil {
			y, err = p.calculation(y, binding)
		}
		if err != nil {
			return nil, err
		}
		if x, err = calculationOf(t, x, y); err != nil {
			return nil, err
		}
	}
}

func calculationOf(t token, x, y number) (number, error) {
	op := operations[t.text]
	right, ok := y.value()
	switch {
	case !ok:
	case right == 0 && (op == bpf.ALUOpDiv || op == bpf.ALUOpMod):
		return nil, fail(t, "division by zero")
	case right > 31 && (op == bpf.ALUOpShiftLeft || op == bpf.ALUOpShiftRight):
		return nil, fail(t, "a shift by more than 31 bits")
	}
	if left, known := x.value(); ok && known {
		result, _ := calculate(uint16(op), left, right)
		return literal(result), nil
	}
	return &operation{op, t.column, x, y}, nil
}

// startsNumber reports whether a number comes next, and not a value that inherits
// what it is.
func (p *parser) startsNumber() bool {
	t, after := p.peek(), p.tokens[min(1, len(p.tokens)-1)]
	switch t.kind {
	case tokenOperator:
		return t.is("-")
	case tokenNumber:
		_, calculated := operations[after.text]
		_, compared := comparisons[after.text]
		return after.kind == tokenOperator && (calculated || compared) || after.is(")") && p.inherited == nil
	case tokenWord:
		_, named := namedNumbers[t.text]
		return named || t.text == "len" || after.is("[")
	}
	return false
}

// operand reads a number that no operator is in, outside of parentheses.
func (p *parser) operand() (number, error) {
	t := p.take()
	switch {
	case t.kind == tokenNumber:
		return literal(t.number), nil
	case t.is("len"):
		return frameLength{}, nil
	case t.is("-"):
		x, err := deeper(p, p.operand)
		if err != nil {
			return nil, err
		}
		return calculationOf(token{text: "-", column: t.column}, literal(0), x)
	case t.is("("):
		x, err := deeper(p, p.calculated)
		if err != nil {
			return nil, err
		}
		return x, p.expect(")", "behind the calculation")
	}
	if n, ok := namedNumbers[t.text]; ok && t.kind == tokenWord {
		return literal(n), nil
	}
	if t.kind == tokenWord && p.peek().is("[") {
		return p.field(t)
	}
	return nil, fail(t, "expected a number, found %s", t)
}

// field reads [index] or [index:size] behind a protocol.
func (p *parser) field(protocol token) (number, error) {
	h, ok := headers[protocol.text]
	if !ok {
		return nil, fail(protocol, "%s has no bytes to look at: use ether, ip, ip6, arp, tcp, udp, icmp or icmp6", protocol)
	}
	p.take()
	index, err := deeper(p, p.calculated)
	if err != nil {
		return nil, err
	}
	f := &field{header: h, column: protocol.column, index: index, size: 1}
	if _, ok := p.takeIf(":"); ok {
		t := p.take()
		if t.kind != tokenNumber || t.number != 1 && t.number != 2 && t.number != 4 {
			return nil, fail(t, "the size of a field is 1, 2 or 4 bytes, not %s", t)
		}
		f.size = int(t.number)
	}
	return f, p.expect("]", "behind the offset")
}
