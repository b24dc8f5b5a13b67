package main

import (
	"fmt"
	"strings"
)

// unknown says that there is no what called name, and which of the known ones
// may have been meant.
func unknown(what, name string, known []string) string {
	s := fmt.Sprintf("there is no %s %q", what, name)
	if meant := nearest(name, known); meant != "" {
		return s + "; did you mean " + meant + "?"
	}
	return s
}

// leastPart is how long a word must be to be taken for a part of another.
const leastPart = 3

// nearest is what is most like word among known, as a whole or as far as word
// goes: a typing error or two away, or with the word in it; "" when nothing is.
func nearest(word string, known []string) string {
	best, least := "", len(word)/3+2
	for _, k := range known {
		if d := min(editDistance(word, k), editDistance(word, beginning(k, word))); d < least {
			best, least = k, d
		}
	}
	if best != "" || len(word) < leastPart {
		return best
	}
	for _, k := range known {
		if strings.Contains(k, word) {
			return k
		}
	}
	return ""
}

// beginning is as many of the parts of k, which hyphens separate, as word has.
func beginning(k, word string) string {
	parts := strings.Split(k, "-")
	return strings.Join(parts[:min(len(parts), strings.Count(word, "-")+1)], "-")
}

// editDistance is the number of bytes to insert, delete or replace (Levenshtein)
// to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
