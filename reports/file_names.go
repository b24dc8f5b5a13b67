package reports

import (
	"os"
	"strings"

	"wirelag/reassembly/capture"
)

// shortNames are the ends of the names of files: each has as many folders as it
// takes to tell the file from the others.
func (r *redactor) shortNames(files []*capture.File) []string {
	names, short := make([]string, len(files)), make([]string, len(files))
	for i, f := range files {
		names[i] = r.fileName(f)
	}
	for parts, open := 1, len(files); open > 0; parts++ {
		open = 0
		called := map[string]string{} // full name by its end; "" where several have that end
		for i, name := range names {
			if short[i] != "" {
				continue
			}
			end := lastParts(name, parts)
			if other, known := called[end]; known && other != name {
				name = ""
			}
			called[end] = name
		}
		for i, name := range names {
			if short[i] != "" {
				continue
			}
			if end := lastParts(name, parts); end == name || called[end] != "" {
				short[i] = end
			} else {
				open++
			}
		}
	}
	for i := range short {
		short[i] = Printable(short[i])
	}
	return short
}

// lastParts is the end of a path with n parts; all of it where it has no more.
func lastParts(path string, n int) string {
	at := len(path)
	for range n {
		if at = strings.LastIndexByte(path[:at], os.PathSeparator); at < 0 {
			return path
		}
	}
	return path[at+1:]
}
