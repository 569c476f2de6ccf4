//go:build !linux

package embedded

import (
	"fmt"
	"os"
	"runtime"
)

// embeddable says whether this platform can run libchdb.
func embeddable() error {
	return fmt.Errorf("embedded ClickHouse does not run on %s; name a ClickHouse server instead", runtime.GOOS)
}

func threadID() int { return 0 }

func takeStdin() (*os.File, error) { return os.Stdin, nil }

func preferredByOutOfMemoryKiller() {}
