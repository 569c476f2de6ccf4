package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/nats"
)

// directory is access to the log and the tables of a data directory without the pipeline running on it: the servers of the
// process that holds it, else its own, started for as long as this lasts.
type directory struct {
	flags   DirectoryFlags
	log     zerolog.Logger
	held    *embedded.Addresses // nil when nobody else holds it
	bus     *nats.Bus
	closers []func() // in the order of starting
}

// openDirectory opens the log of a directory that has one; it makes none.
func openDirectory(flags DirectoryFlags, log zerolog.Logger) (*directory, error) {
	if err := hasLog(flags.Data); err != nil {
		return nil, err
	}
	d := &directory{flags: flags, log: log}
	lock, err := embedded.LockDirectory(flags.Data)
	var held *embedded.HeldError
	switch {
	case errors.As(err, &held) && held.Addresses.NATS != "":
		d.held = &held.Addresses
		err = d.connect(held.Addresses.NATS)
	case err == nil && !exists(filepath.Join(flags.Data, natsFolder)):
		err = errors.Join(noLog(flags.Data), lock.Release())
	case err == nil:
		d.closers = append(d.closers, func() { _ = lock.Release() }) // the process's end releases it too
		err = d.startLog()
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// hasLog refuses a directory in which nothing was ever stored: nobody holds it, and there is no log.
func hasLog(dir string) error {
	if exists(filepath.Join(dir, natsFolder)) {
		return nil
	}
	if _, err := embedded.ReadAddresses(dir); err == nil {
		return nil // its log may be elsewhere
	}
	return noLog(dir)
}

func noLog(dir string) error {
	if err := logIsThere(dir); err != nil {
		return err
	}
	return misused("--data %s: there is no log (parcours up, import or demo makes one)", dir)
}

// connect uses the NATS of the process that holds the directory.
func (d *directory) connect(url string) (err error) {
	config := guest()
	config.URL = url
	if d.bus, err = nats.Connect(config, d.log, prometheus.NewRegistry()); err != nil {
		return err
	}
	d.closers = append(d.closers, d.bus.Close)
	return nil
}

// startLog starts the directory's own NATS.
func (d *directory) startLog() error {
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: filepath.Join(d.flags.Data, natsFolder), Listen: freePort}, d.log)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, server.Close)
	return d.connect(server.URL())
}

// readable opens the tables of the directory, which must be of this release.
func (d *directory) readable(ctx context.Context) (*clickhouse.Store, error) {
	store, err := d.tables(ctx)
	if err == nil {
		err = store.Migrated(ctx)
	}
	return store, err
}

// tables opens the tables of the directory, as they are.
func (d *directory) tables(ctx context.Context) (*clickhouse.Store, error) {
	config := clickhouse.Config{}
	if d.held != nil {
		config = tablesOf(*d.held)
	} else {
		server, err := startTables(ctx, nodeConfig{dir: d.flags.Data, library: d.flags.Library, memory: d.flags.Memory}, d.log)
		if err != nil {
			return nil, err
		}
		d.closers = append(d.closers, func() { _ = server.Close() })
		config.Addr = server.Addr()
	}
	store, err := clickhouse.Open(ctx, config, d.log)
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, func() { _ = store.Close() })
	return store, nil
}

// scratch is where local copies go: in the directory, or where the system keeps such when somebody else holds it.
func (d *directory) scratch() (string, error) {
	if d.held != nil {
		return "", nil
	}
	return scratchOf(d.flags.Data)
}

// close stops what was started, in reverse.
func (d *directory) close() {
	for i := len(d.closers) - 1; i >= 0; i-- {
		d.closers[i]()
	}
	d.closers = nil
}
