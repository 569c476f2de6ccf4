package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// Project reads a file of Compose with the library that Compose itself reads it with: against its schema, with its defaults for
// variables, and with every service, volume and config that is named looked up. Nothing of this process's environment enters.
func Project(file string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithEnv(nil))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return project, nil
}

// Service is how Compose starts a service; files are what is on its volumes by then: path in the container -> content. What it
// takes from configs comes on top.
func Service(file, name string, files map[string]string) (Process, error) {
	project, err := Project(file)
	if err != nil {
		return Process{}, err
	}
	s, err := project.GetService(name)
	if err != nil {
		return Process{}, err
	}
	p := Process{Command: slices.Concat(s.Entrypoint, s.Command), Env: map[string]string{}, Files: map[string]string{}}
	for variable, value := range s.Environment {
		if value == nil {
			return p, fmt.Errorf("variable %s has no value", variable)
		}
		p.Env[variable] = *value
	}
	for path, content := range files {
		p.Files[path] = content
	}
	for _, c := range s.Configs {
		p.Files[c.Target] = project.Configs[c.Source].Content
	}
	return p, nil
}
