package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"wirelag/rules"
)

// maxConfig is how many bytes a configuration file may have.
const maxConfig = 1 << 20

// config is what a configuration file says.
type config struct {
	file     string
	values   rules.Values
	settings map[string]setting // by flag
}

// setting is the value of a flag as it would stand on the command line.
type setting struct {
	text string
	line int
}

// readConfig reads the configuration file called name; "" is an empty one.
func readConfig(name string) (*config, error) {
	c := &config{file: name, values: rules.Values{}, settings: map[string]setting{}}
	if name == "" {
		return c, nil
	}
	text, err := readSmallFile(name, maxConfig)
	if err != nil {
		return nil, err
	}
	if err := c.parse(text); err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return c, nil
}

// readSmallFile reads a file that has no more bytes than most.
func readSmallFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, reason(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, reason(err))
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, most)
	}
	return text, nil
}

// parse takes the text of a file. Its errors begin with the line.
func (c *config) parse(text []byte) error {
	document, err := parseYAML(text)
	if document == nil {
		return err
	}
	return c.take(document)
}

// parseYAML returns the root of the only document in text; nil where there is none.
func parseYAML(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(err)
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, place(&more, "a second document begins; one is all there may be")
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(err)
	}
	return document.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntaxError is an error of the YAML parser, behind its line where that is known.
func syntaxError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if line := yamlLine.FindStringSubmatch(text); line != nil {
		return fmt.Errorf("%s: %s", line[1], text[len(line[0]):])
	}
	return fmt.Errorf(" %s", text)
}

// place is an error at a place in the file.
func place(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%d: %s", n.Line, fmt.Sprintf(format, args...))
}

// eachMember calls f with the members of a mapping. what is told in errors.
func eachMember(n *yaml.Node, what string, f func(key, value *yaml.Node) error) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return place(n, "%s takes names and values (name: value)", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			return place(key, "%s has %s twice", what, key.Value)
		}
		seen[key.Value] = true
		if err := f(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (c *config) take(n *yaml.Node) error {
	return eachMember(n, "the file", func(key, value *yaml.Node) error {
		switch {
		case key.Value == "rules":
			return eachMember(value, "rules", c.takeRule)
		case key.Value == "disable":
			return c.takeDisable(value)
		case !slices.Contains(settings, key.Value):
			return place(key, "%s", unknown("setting", key.Value, append([]string{"rules"}, settings...)))
		case value.Kind != yaml.ScalarNode:
			return place(value, "%s takes one value", key.Value)
		}
		c.settings[key.Value] = setting{value.Value, value.Line}
		return nil
	})
}

func (c *config) takeDisable(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return place(n, "disable takes a list of rules ([a, b])")
	}
	var ids []string
	for _, id := range n.Content {
		if rules.Find(id.Value) == nil {
			return place(id, "%s", unknown("rule", id.Value, ruleIDs()))
		}
		ids = append(ids, id.Value)
	}
	c.settings["disable"] = setting{strings.Join(ids, ","), n.Line}
	return nil
}

func (c *config) takeRule(key, value *yaml.Node) error {
	rule := rules.Find(key.Value)
	if rule == nil {
		return place(key, "%s", unknown("rule", key.Value, ruleIDs()))
	}
	return eachMember(value, rule.ID, func(key, value *yaml.Node) error {
		i := slices.IndexFunc(rule.Options, func(o rules.Option) bool { return o.Name == key.Value })
		if i < 0 {
			var names []string
			for _, o := range rule.Options {
				names = append(names, o.Name)
			}
			return place(key, "%s: %s", rule.ID, unknown("option", key.Value, names))
		}
		v, err := rule.Options[i].Parse(value.Value)
		if err != nil {
			return place(value, "%s: %v", rule.ID, err)
		}
		c.values.Set(rule, rule.Options[i].Name, v)
		return nil
	})
}
