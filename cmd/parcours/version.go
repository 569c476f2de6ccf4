package main

import (
	"fmt"
	"runtime/debug"
)

// VersionCommand prints what this binary was built from.
type VersionCommand struct{}

// Run prints one line.
func (VersionCommand) Run(s *streams) error {
	version := "development"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	_, err := fmt.Fprintf(s.out, "parcours %s\n", version)
	return err
}
