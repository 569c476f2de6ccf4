// Package service is what the commands have in common: one way to configure (flags, environment, one YAML file), logs,
// metrics and health, the exit codes, and the wiring of the parts.
package service

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	completion "github.com/jotaen/kong-completion"
)

// Exit codes of every command.
const (
	Done     = 0 // done
	Wrong    = 1 // found something wrong
	Misused  = 2 // used wrongly
	Impaired = 3 // could not be done
)

// EnvPrefix begins the name of every environment variable: --clickhouse-database is PARCOURS_CLICKHOUSE_DATABASE.
const EnvPrefix = "PARCOURS"

// Parse reads arguments into a command structure. A flag wins over the environment, that over the YAML file, that over
// the default. Keys of the file are the names of flags (with - or _), at the top or below the name of a command; a key
// that no flag has is an error.
func Parse(cli any, name, description string, args []string, stdout, stderr io.Writer) (*kong.Context, int, error) {
	exit := -1
	k, err := commandLine(cli, name, description,
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, Summary: false, WrapUpperBound: 110}),
		kong.Exit(func(code int) { exit = code }),
	)
	if err != nil {
		return nil, Impaired, err
	}
	completion.Register(k)
	ctx, err := k.Parse(args)
	if exit >= 0 { // --help and --version have printed and are done
		return nil, exit, nil
	}
	if err != nil {
		return nil, Misused, unfound(err)
	}
	return ctx, Done, nil
}

func commandLine(cli any, name, description string, more ...kong.Option) (*kong.Kong, error) {
	k, err := kong.New(cli, append(more, kong.Name(name), kong.Description(description), kong.DefaultEnvars(EnvPrefix), kong.Configuration(loadYAML))...)
	if err != nil {
		return nil, fmt.Errorf("command line of %s: %w", name, err)
	}
	return k, nil
}

// Variables are the names of all environment variables that the flags of a command structure read.
func Variables(cli any) ([]string, error) {
	k, err := commandLine(cli, "parcours", "")
	if err != nil {
		return nil, err
	}
	return variables(k.Model.Node), nil
}

func variables(n *kong.Node) []string {
	var all []string
	for _, f := range n.Flags {
		all = append(all, f.Envs...)
	}
	for _, child := range n.Children {
		all = append(all, variables(child)...)
	}
	return all
}

// unfound says of a file that is not there what it is, and nothing of how that was found out.
func unfound(err error) error {
	var missing *fs.PathError
	if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	what, _, _ := strings.Cut(err.Error(), missing.Error())
	if !strings.HasPrefix(what, "--") {
		what = "" // an argument: its name is in the help alone
	}
	return fmt.Errorf("%s%s: no such file", what, missing.Path)
}

// Service is the command line of a command that does one thing: it serves.
type Service interface{ Serve() error }

// Main parses the arguments, serves, and gives the exit code.
func Main(cli Service, name, description string, args []string, stdout, stderr io.Writer) int {
	ctx, code, err := Parse(cli, name, description, args, stdout, stderr)
	if err == nil && ctx != nil {
		err, code = cli.Serve(), Impaired
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return code
	}
	return Done
}

// yamlFile resolves flags from a YAML file.
type yamlFile struct{ values map[string]any }

func loadYAML(r io.Reader) (kong.Resolver, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	f := yamlFile{values: map[string]any{}}
	if err := yaml.Unmarshal(raw, &f.values); err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	f.values = dashed(f.values)
	return f, nil
}

func dashed(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			v = dashed(sub)
		}
		out[strings.ReplaceAll(k, "_", "-")] = v
	}
	return out
}

// Validate refuses keys that name no flag.
func (f yamlFile) Validate(app *kong.Application) error {
	known, commands := names(app.Node)
	for key, value := range f.values {
		sub, section := value.(map[string]any)
		switch command := commands[key]; {
		case section && command != nil:
			below, _ := names(command)
			for k := range sub {
				if !slices.Contains(below, k) {
					return fmt.Errorf("configuration file: %s.%s: no such setting", key, k)
				}
			}
		case !slices.Contains(known, key):
			return fmt.Errorf("configuration file: %s: no such setting", key)
		}
	}
	return nil
}

// names lists the flags of a node and of everything below it, and its commands.
func names(n *kong.Node) ([]string, map[string]*kong.Node) {
	var flags []string
	commands := map[string]*kong.Node{}
	for _, f := range n.Flags {
		flags = append(flags, f.Name)
	}
	for _, child := range n.Children {
		below, _ := names(child)
		flags = append(flags, below...)
		commands[child.Name] = child
	}
	return flags, commands
}

// Resolve finds the value of a flag: below its command first (rejected, for what stands below rejected list, too), then at
// the top. What the environment says stands.
func (f yamlFile) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, variable := range flag.Envs {
		if _, set := os.LookupEnv(variable); set {
			return nil, nil
		}
	}
	for command := parent.Command; command != nil; command = command.Parent {
		if sub, ok := f.values[command.Name].(map[string]any); ok {
			if v, ok := sub[flag.Name]; ok {
				return v, nil
			}
		}
	}
	if v, ok := f.values[flag.Name]; ok {
		if _, section := v.(map[string]any); !section {
			return v, nil
		}
	}
	return nil, nil
}

// Secret reads a secret from a file, or from an environment variable; never from a flag, which `ps` shows to everybody.
func Secret(file, variable string) (string, error) {
	if file == "" {
		return os.Getenv(variable), nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}
