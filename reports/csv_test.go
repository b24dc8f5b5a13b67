package reports

import (
	"bytes"
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// csvRows are the cells of a report by the names of their columns.
func csvRows(t *testing.T, report string) (rows []map[string]string) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(report)).ReadAll()
	if err != nil {
		t.Fatalf("%v in %s", err, report)
	}
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, cell := range record {
			row[records[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

func TestCSV(t *testing.T) {
	report := reportOn(t, "hostile", "csv", options())
	golden(t, "hostile.csv", report)
	if lines := strings.Count(report, "\n"); lines != strings.Count(report, "\r\n") || lines != 6 {
		t.Errorf("%d lines, %d end as RFC 4180 has it", lines, strings.Count(report, "\r\n"))
	}
	texts := map[string]bool{"host": true, "method": true, "target": true, "reason": true, "client_ip": true, "server_ip": true,
		"start": true, "request_complete": true, "response_complete": true}
	for _, row := range csvRows(t, report) {
		for column, cell := range row {
			if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && !texts[column] {
				t.Errorf("%s of exchange %s is no number: %q", column, row["exchange"], cell)
			}
		}
		if row["status"] == "" && row["wait_ms"]+row["total_ms"]+row["response_first_frame"] != "" {
			t.Errorf("without response: %v", row)
		}
	}
}

// A stable header is a promise.
func TestCSVColumnsAreDocumented(t *testing.T) {
	documented, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range csvColumns {
		if !bytes.Contains(documented, []byte("`"+c.name+"`")) {
			t.Errorf("docs/formats.md does not have the column %s", c.name)
		}
	}
}

func TestCells(t *testing.T) {
	for text, want := range map[string]string{
		"":                         `""`,
		"plain, with\ta tab":       `"plain, with\x09a tab"`,
		`say "x"`:                  `"say ""x"""`,
		`=HYPERLINK("http://h";1)`: `"'=HYPERLINK(""http://h"";1)"`,
		"+1":                       `"'+1"`,
		"-1":                       `"'-1"`,
		"@SUM(1)":                  `"'@SUM(1)"`,
		"＝1":                       `"'＝1"`,
		"'=1":                      `"''=1"`,
		"a=1":                      `"a=1"`,
		"\t=1":                     `"\x09=1"`,
		"\r\n=1":                   `"\x0d\x0a=1"`,
		"\xff\\\u202e":             `"\xff\\\u202e"`,
		"日本":                       `"日本"`,
	} {
		if got := string(appendCell(nil, text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// What is written can be read back, byte by byte, and is no formula.
func FuzzCells(f *testing.F) {
	f.Add("=1+1", "\"\xff\\x41\r\n")
	f.Add("'@", "\u2028\U000e0001")
	f.Fuzz(func(t *testing.T, a, b string) {
		line := append(appendCell(append(appendCell(nil, a), ','), b), "\r\n"...)
		record, err := csv.NewReader(bytes.NewReader(line)).Read()
		if err != nil || len(record) != 2 {
			t.Fatalf("%q: %v, %v", line, record, err)
		}
		for i, text := range []string{a, b} {
			cell := record[i]
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("%q begins like a formula", cell)
			}
			for _, r := range cell {
				if !unicode.IsPrint(r) {
					t.Errorf("%q in %q", r, cell)
				}
			}
			if got := textOfCell(t, cell); got != text {
				t.Errorf("%q came back as %q", text, got)
			}
		}
	})
}

// textOfCell undoes appendCell, as docs/formats.md says.
func textOfCell(t *testing.T, cell string) string {
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.TrimPrefix(cell, "'"), `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("%q: %v", cell, err)
	}
	return text
}
