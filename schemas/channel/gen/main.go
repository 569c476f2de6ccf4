// Command gen writes the JSON Schemas of channel events and their examples from one table: gen <folder>.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen <folder>")
		os.Exit(2)
	}
	if err := write(os.Args[1], files()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// files gives every generated file: path in the folder -> content.
func files() map[string][]byte {
	all := map[string][]byte{
		"envelope.v1.json": encode(envelope()),
		"data.v1.json":     encode(data()),
	}
	for _, k := range kinds {
		all[k.path()] = encode(k.schema())
		for name, content := range k.examples() {
			all["examples/"+k.Type+"/"+name+".json"] = content
		}
	}
	return all
}

// write replaces what stands in the folder: an example that is no longer generated must go.
func write(folder string, all map[string][]byte) error {
	for _, pattern := range [...]string{"*.json", "system/*.json", "examples/*/*.json"} {
		old, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return err
		}
		for _, path := range old {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, content := range all {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
