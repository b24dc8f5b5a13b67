package filter

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// token is a word, number, address or operator of an expression.
type token struct {
	kind   tokenKind
	text   string
	column int // in characters, from 1
	number uint32
	ipv6   netip.Addr
	mac    [6]byte
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenOperator
	tokenWord
	tokenName   // a word behind a backslash, which makes it a name
	tokenNumber // decimal, octal or hexadecimal
	tokenDotted // 2 to 4 numbers
	tokenIPv6
	tokenMAC
)

// is reports whether t is that operator or word.
func (t token) is(text string) bool {
	return t.text == text && (t.kind == tokenOperator || t.kind == tokenWord)
}

// String is how messages name it.
func (t token) String() string {
	if t.kind == tokenEnd {
		return "the end"
	}
	return strconv.Quote(t.text)
}

var (
	wordPattern    = regexp.MustCompile(`^[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?`)
	addressPattern = regexp.MustCompile(`^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*`)
	macPattern     = regexp.MustCompile(`^[0-9A-Fa-f]{1,2}(?:[-:.][0-9A-Fa-f]{1,2}){5}$`)
	numberPattern  = regexp.MustCompile(`^(?:0[xX][0-9A-Fa-f]+|[0-9]+)$`)
	dottedPattern  = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+){1,3}$`)
)

// operators, the longer ones first.
var operators = []string{
	"&&", "||", "==", "!=", ">=", "<=", "<<", ">>",
	"(", ")", "[", "]", "!", "=", "<", ">", ":", "+", "-", "*", "/", "%", "&", "|", "^",
}

// synonyms are the operators that are words too.
var synonyms = map[string]string{"&&": "and", "||": "or", "!": "not", "==": "="}

// tokens splits an expression.
func tokens(text string) ([]token, error) {
	if len(text) > maxTextBytes {
		return nil, &Error{1, fmt.Sprintf("the filter is longer than %d bytes", maxTextBytes)}
	}
	var all []token
	column := 1
	for rest := text; ; {
		trimmed := strings.TrimLeft(rest, " \t\r\n")
		column += len(rest) - len(trimmed)
		rest = trimmed
		if rest == "" {
			return append(all, token{kind: tokenEnd, column: column}), nil
		}
		t, size, err := next(rest)
		if err != nil {
			return nil, &Error{column, err.Error()}
		}
		t.column = column
		all = append(all, t)
		column += utf8.RuneCountInString(rest[:size])
		rest = rest[size:]
	}
}

// next reads the token at the start of s and returns its length in s.
func next(s string) (token, int, error) {
	if address := addressPattern.FindString(s); address != "" {
		if t, ok := colonToken(address); ok {
			return t, len(address), nil
		}
	}
	if s[0] == '\\' {
		name := wordPattern.FindString(s[1:])
		if name == "" {
			return token{}, 0, fmt.Errorf(`a backslash stands before a name, as in \tcp`)
		}
		return token{kind: tokenName, text: name}, 1 + len(name), nil
	}
	if word := wordPattern.FindString(s); word != "" {
		t, err := wordToken(word)
		return t, len(word), err
	}
	for _, operator := range operators {
		if strings.HasPrefix(s, operator) {
			text := operator
			if word, ok := synonyms[operator]; ok {
				text = word
			}
			return token{kind: tokenOperator, text: text}, len(operator), nil
		}
	}
	_, size := utf8.DecodeRuneInString(s)
	return token{}, 0, fmt.Errorf("%q is not part of the language", s[:size])
}

// colonToken reads an address with colons. What it does not take are two numbers,
// as in ip[6:2].
func colonToken(s string) (token, bool) {
	if macPattern.MatchString(s) {
		return token{kind: tokenMAC, text: s, mac: parseMAC(s)}, true
	}
	if strings.Count(s, ":") < 2 {
		return token{}, false
	}
	ip, err := netip.ParseAddr(s)
	return token{kind: tokenIPv6, text: s, ipv6: ip}, err == nil
}

func wordToken(s string) (token, error) {
	t := token{kind: tokenWord, text: s}
	switch {
	case numberPattern.MatchString(s):
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil {
			return t, fmt.Errorf("%s is not a number of 32 bits", s)
		}
		t.kind, t.number = tokenNumber, uint32(n)
	case macPattern.MatchString(s):
		t.kind, t.mac = tokenMAC, parseMAC(s)
	case dottedPattern.MatchString(s):
		t.kind = tokenDotted
	}
	return t, nil
}

// parseMAC reads what macPattern matches.
func parseMAC(s string) (mac [6]byte) {
	for i, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(":-.", r) }) {
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			panic("the pattern let something through that is no byte: " + part)
		}
		mac[i] = byte(n)
	}
	return mac
}
