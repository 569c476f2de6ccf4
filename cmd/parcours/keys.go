package main

import (
	"fmt"
	"path/filepath"

	"parcours/pipeline/ingest"
)

// KeysCommand prints the operator's public key.
type KeysCommand struct {
	Data string `help:"Directory of operator.key, which is made where it is missing." type:"path" default:"data" placeholder:"DIR"`
}

// Run prints one line; the private key stays in the file.
func (c *KeysCommand) Run(s *streams) error {
	if !exists(c.Data) {
		return misused("--data %s: no such directory", c.Data)
	}
	key, err := ingest.LoadOrCreateOperatorKey(filepath.Join(c.Data, operatorKeyFile))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, key.PublicKey())
	return err
}
