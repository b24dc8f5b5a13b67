package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"wirelag/rules"
)

// configVariable names the configuration file where --config does not.
const configVariable = "WIRELAG_CONFIG"

// maxConfig is how large a configuration file may be.
const maxConfig = 1 << 20

// config is what a configuration file says.
type config struct {
	values  rules.Values
	disable []string
	failOn  string
}

// readConfig reads the configuration file called name, or the one that the
// environment names. Without either it is empty.
func readConfig(name string) (*config, error) {
	c := &config{values: rules.Values{}}
	if name == "" {
		name = os.Getenv(configVariable)
	}
	if name == "" {
		return c, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxConfig)
	}
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&document); errors.Is(err, io.EOF) {
		return c, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := c.take(document.Content[0]); err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return c, nil
}

// place is an error at a place in the file.
func place(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%d: %s", n.Line, fmt.Sprintf(format, args...))
}

// pairs calls f with the members of a mapping.
func pairs(n *yaml.Node, what string, f func(key, value *yaml.Node) error) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return place(n, "%s is not a mapping of names to values", what)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := f(n.Content[i], n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (c *config) take(n *yaml.Node) error {
	return pairs(n, "the file", func(key, value *yaml.Node) error {
		switch key.Value {
		case "rules":
			return pairs(value, "rules", c.takeRule)
		case "disable":
			return c.takeDisable(value)
		case "fail-on":
			if _, ok := severityOf(value.Value); !ok && value.Value != "none" {
				return place(value, "fail-on takes none, info, warning or error, not %q", value.Value)
			}
			c.failOn = value.Value
			return nil
		}
		return place(key, "%q is not known: rules, disable and fail-on are", key.Value)
	})
}

func (c *config) takeDisable(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return place(n, "disable is not a list of rules")
	}
	for _, id := range n.Content {
		if rules.Find(id.Value) == nil {
			return place(id, "%v", unknownRule(id.Value))
		}
		c.disable = append(c.disable, id.Value)
	}
	return nil
}

func (c *config) takeRule(key, value *yaml.Node) error {
	rule := rules.Find(key.Value)
	if rule == nil {
		return place(key, "%v", unknownRule(key.Value))
	}
	return pairs(value, key.Value, func(key, value *yaml.Node) error {
		i := slices.IndexFunc(rule.Options, func(o rules.Option) bool { return o.Name == key.Value })
		if i < 0 {
			return place(key, "%s has no option %q", rule.ID, key.Value)
		}
		v, err := rule.Options[i].Parse(value.Value)
		if err != nil {
			return place(value, "%s: %v", rule.ID, err)
		}
		c.values.Set(rule, rule.Options[i].Name, v)
		return nil
	})
}

// newConfig builds the command config.
func newConfig(s streams) *cobra.Command {
	var o ruleOptions
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in force",
		Long: `Config prints the configuration in force as YAML: the file that --config or
the environment variable ` + configVariable + ` names, with the defaults of what it
leaves out. Its output is a complete configuration file.`,
		Example: "  wirelag config > wirelag.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := o.resolve(cmd.Flags().Changed)
			if err != nil {
				return usageError("wirelag config", err)
			}
			_, err = io.WriteString(s.stdout, chosen.yaml())
			return err
		},
	}
	cmd.Flags().StringVar(&o.config, "config", "", "read `FILE`")
	o.failOn = "none"
	return cmd
}

// yaml writes the configuration as a file of its own.
func (s *selected) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# exit with 1 on findings that bad: none, info, warning or error\nfail-on: %s\n", s.failOn)
	b.WriteString("# rules that are not run\ndisable: [")
	var off []string
	for _, r := range rules.All {
		if !slices.Contains(s.rules, r) {
			off = append(off, r.ID)
		}
	}
	b.WriteString(strings.Join(off, ", ") + "]\nrules:\n")
	for _, r := range rules.All {
		if len(r.Options) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %s:\n", r.ID)
		for _, o := range r.Options {
			fmt.Fprintf(&b, "    # %s; default %s\n    %s: %s\n", o.Doc, o, o.Name, s.values.Text(r, o))
		}
	}
	return b.String()
}
