package script

import (
	"fmt"
	"strconv"
	"strings"
)

// maxPayload bounds the payload of one line, so that a short script cannot ask
// for gigabytes.
const maxPayload = 4 << 20

// token is a word of a line, or a piece of payload.
type token struct {
	text    string
	payload bool
}

// tokenize splits a line into its tokens and the text of its comment, which
// begins at a # outside of a literal.
func tokenize(line string) (tokens []token, comment string, err error) {
	size := 0
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" {
			return tokens, "", nil
		}
		if line[0] == '#' {
			return tokens, strings.TrimSpace(line[1:]), nil
		}
		t, rest, err := nextToken(line)
		if err != nil {
			return nil, "", err
		}
		if t.payload {
			if size += len(t.text); size > maxPayload {
				return nil, "", fmt.Errorf("more than %d bytes of payload", maxPayload)
			}
		}
		tokens, line = append(tokens, t), rest
	}
}

func nextToken(line string) (t token, rest string, err error) {
	switch {
	case line[0] == '"' || line[0] == '`':
		t.payload = true
		t.text, rest, err = literal(line)
	case strings.HasPrefix(line, "repeat("):
		t.payload = true
		t.text, rest, err = repeat(line[len("repeat("):])
	default:
		end := strings.IndexAny(line, " \t\r#\"`")
		if end < 0 {
			end = len(line)
		}
		t.text, rest = line[:end], line[end:]
	}
	return t, rest, err
}

// literal reads the Go string literal that line begins with.
func literal(line string) (text, rest string, err error) {
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil || quoted[0] == '\'' {
		return "", "", fmt.Errorf("no Go string literal: %.20s", line)
	}
	text, err = strconv.Unquote(quoted)
	return text, line[len(quoted):], err
}

// repeat reads the arguments of repeat("text", n) and the closing parenthesis.
func repeat(line string) (text, rest string, err error) {
	text, line, err = literal(line)
	if err != nil {
		return "", "", err
	}
	arguments, rest, closed := strings.Cut(line, ")")
	count, isSecond := strings.CutPrefix(strings.TrimSpace(arguments), ",")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if !closed || !isSecond || err != nil || n < 0 {
		return "", "", fmt.Errorf(`want repeat("text", count)`)
	}
	if text != "" && n > maxPayload/len(text) {
		return "", "", fmt.Errorf("more than %d bytes of payload", maxPayload)
	}
	return strings.Repeat(text, n), rest, nil
}
