// Package prepared gives tests a ClickHouse that has its tables already: they are made once for all tests of a package, and copied for each.
// To make them takes two to three seconds of a processor, and the suite needs them hundreds of times. A package that uses it says in its
// TestMain: os.Exit(prepared.Main(m)). What happens where there are none yet is what tests of migrations, and of a first start, look at.
package prepared

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"parcours/pipeline/embedded"
)

// Migrate makes the tables of the server at an address.
type Migrate func(ctx context.Context, addr string) error

// made is the directory of the server whose tables are copied, which has stopped.
var made struct {
	once sync.Once
	dir  string
	err  error
}

// Main runs the tests of a package, and puts away what they copied from.
func Main(m *testing.M) int {
	embedded.RunChild()
	code := m.Run()
	if made.dir != "" {
		_ = os.RemoveAll(made.dir)
	}
	return code
}

// Start starts a server of one test, which has its tables.
func Start(t testing.TB, migrate Migrate) *embedded.ClickHouse {
	t.Helper()
	dir := t.TempDir()
	Fill(t, dir, migrate)
	return Serve(t, dir)
}

// Serve starts a server of one test on a directory as it is: one without tables too.
func Serve(t testing.TB, dir string) *embedded.ClickHouse {
	t.Helper()
	server, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{Dir: dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close ClickHouse: %v", err)
		}
	})
	return server
}

// Fill puts tables where a server will keep its data, which must not have begun to.
func Fill(t testing.TB, dir string, migrate Migrate) {
	t.Helper()
	made.once.Do(func() { made.err = prepare(migrate) })
	if made.err != nil {
		t.Fatal(made.err)
	}
	if err := os.CopyFS(filepath.Join(dir, data), os.DirFS(filepath.Join(made.dir, data))); err != nil {
		t.Fatalf("copy tables: %v", err)
	}
}

// data is the folder of the tables in that of a server.
const data = "data"

func prepare(migrate Migrate) (err error) {
	if made.dir, err = os.MkdirTemp("", "parcours-prepared-"); err != nil {
		return fmt.Errorf("prepare tables: %w", err)
	}
	ctx := context.Background()
	server, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: made.dir}, zerolog.Nop())
	if err != nil {
		return fmt.Errorf("prepare tables: %w", err)
	}
	if err := migrate(ctx, server.Addr()); err != nil {
		_ = server.Close()
		return fmt.Errorf("prepare tables: %w", err)
	}
	return server.Close()
}
