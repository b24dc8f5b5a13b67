// Package reports writes what an analysis found: for a person at a terminal
// (text) or for programs (json, ndjson). In go connections and exchanges as
// [analyze.Listener] tells them, findings as [rules.Ledger] does and, at the
// end, the description of the capture; out goes one report. Every format keeps bounded memory: text keeps
// aggregates and the most telling rows, ndjson one object, json spools to a
// temporary file. Secrets in captured strings are masked unless the options say
// otherwise, and no captured byte reaches a terminal as a control character.
package reports

import (
	"io"
	"time"

	"wirelag/analyze"
	"wirelag/rules"
)

// Writer writes one report. Connections come when they are over, after their
// exchanges, findings when they are final; the order is that of the capture. Nothing may be called after Close
// or after an error, but Close.
type Writer interface {
	Connection(c *analyze.Connection) error
	Exchange(x *analyze.Exchange) error
	// Hop takes a link between two exchanges, which came before.
	Hop(h *analyze.Hop) error
	// Finding takes a finding, which may concern connections and exchanges that
	// come later.
	Finding(f *rules.Finding) error
	// Close ends the report with the description of the capture. Close(nil)
	// gives the report up: it frees what the writer holds and writes nothing.
	Close(c *analyze.Capture) error
}

// Options say what a report is about and how it is to look. From Width on they
// concern the formats for people only.
type Options struct {
	Version string // of the program
	// SeveralFiles: frame numbers need the index of their file to be told apart.
	SeveralFiles bool
	// ShowSecrets leaves passwords, tokens and cookies as they were captured.
	ShowSecrets bool
	// RedactHosts replaces what names hosts by pseudonyms, the same for the same RedactKey.
	RedactHosts bool
	RedactKey   []byte
	// Selected: only some of the exchanges are told.
	Selected bool
	Rules    []*rules.Rule  // those that were asked, in the order of the catalogue
	Values   rules.Values   // of their options
	FailOn   rules.Severity // the least severity of findings that fail a test (junit)
	Width    int            // columns of the terminal
	Top      int            // rows of a table at most; 0: as many as suit the format
	Color    bool           // whether the terminal shows colours
	Zone     *time.Location // of moments; nil: seconds since the start of the capture
	// MinSeverity is the least severity of the findings that are shown.
	MinSeverity rules.Severity
}

// Format is a kind of report.
type Format struct {
	Name        string
	Description string
	// New starts a report on w, which the writer does not close.
	New func(w io.Writer, o Options) Writer
	// Trails: it draws connections by their trails, see analyze.Options.
	Trails bool
	// Streams: it writes what it is told at once, not at the end.
	Streams bool
}

// Formats are the formats there are; the first is the default.
var Formats = []Format{
	{Name: "text", Description: "findings and tables for a terminal", New: newText},
	{Name: "html", Description: "a page for a browser, complete in one file", New: newHTML, Trails: true},
	{Name: "json", Description: "one JSON object", New: newJSON},
	{Name: "ndjson", Description: "one JSON object a line, as soon as it is known", New: newNDJSON, Streams: true},
	{Name: "har", Description: "HTTP archive (HAR 1.2) of the exchanges, for browsers' developer tools", New: newHAR},
	{Name: "csv", Description: "exchanges as comma-separated values, for spreadsheets", New: newCSV, Streams: true},
	{Name: "junit", Description: "JUnit XML, for CI: a test for each rule, which --fail-on decides", New: newJUnit},
}
