package rules

import (
	"archive/zip"
	"bytes"
	_ "embed" // the time zone database
	"fmt"
	"io"
	"sync"
	"time"
)

// TZVersion is the IANA release of the embedded time zone database. It is part of every rule book's version: a new
// release may move a deadline.
const TZVersion = "2025c"

// zoneinfo is the database as the Go distribution ships it (lib/time/zoneinfo.zip), so that two machines never disagree
// because one of them has an older tzdata package.
//
//go:embed tzdata/zoneinfo.zip
var zoneinfo []byte

// opened is the database with its list of names.
var opened = sync.OnceValues(func() (*zip.Reader, error) {
	return zip.NewReader(bytes.NewReader(zoneinfo), int64(len(zoneinfo)))
})

// LoadLocation finds a time zone in the embedded database, never in the host's.
func LoadLocation(name string) (*time.Location, error) {
	archive, err := opened()
	if err != nil {
		return nil, fmt.Errorf("open the embedded time zones: %w", err)
	}
	file, err := archive.Open(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: not an IANA name of release %s (expected one like Europe/Paris)", name, TZVersion)
	}
	defer file.Close()
	raw, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	return time.LoadLocationFromTZData(name, raw)
}
