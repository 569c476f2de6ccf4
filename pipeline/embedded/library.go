package embedded

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	// libraryVersion is the release of libchdb that scripts/fetch-libchdb.sh fetches.
	libraryVersion = "26.7.3-stable.1"
	libraryFile    = "libchdb.so"

	libraryVariable = "PARCOURS_LIBCHDB"
	cacheVariable   = "PARCOURS_CACHE"
)

// LibraryPath finds libchdb: at the explicit path, else where the environment variable PARCOURS_LIBCHDB says, else in
// the user's cache directory (or PARCOURS_CACHE). The error is one sentence that says what is missing and what to do.
func LibraryPath(explicit string) (string, error) {
	path, err := wantedLibrary(explicit)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("libchdb, which embedded ClickHouse needs, is not at %s: run `make build` or scripts/fetch-libchdb.sh, or set %s to where it is",
			path, libraryVariable)
	}
	return path, nil
}

func wantedLibrary(explicit string) (string, error) {
	if explicit != "" {
		return explicit, nil
	}
	if path := os.Getenv(libraryVariable); path != "" {
		return path, nil
	}
	cache, err := cacheDirectory()
	if err != nil {
		return "", fmt.Errorf("find libchdb: %w; set %s to where it is", err, libraryVariable)
	}
	return filepath.Join(cache, "libchdb", libraryVersion, libraryFile), nil
}

// cacheDirectory is where scripts/fetch-libchdb.sh puts things: it and this function spell the same rule.
func cacheDirectory() (string, error) {
	if dir := os.Getenv(cacheVariable); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "parcours"), nil
}
