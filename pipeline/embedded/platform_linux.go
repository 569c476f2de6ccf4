package embedded

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// embeddable says whether this platform can run libchdb.
func embeddable() error { return nil }

// threadID is the calling thread's, as ClickHouse lists it in system.processes.
func threadID() int { return unix.Gettid() }

// takeStdin moves standard input elsewhere and leaves nothing in its place. The engine reads standard input for some
// statements; it must neither wait for the parent nor swallow its end.
func takeStdin() (*os.File, error) {
	moved, err := unix.FcntlInt(os.Stdin.Fd(), unix.F_DUPFD_CLOEXEC, statusDescriptor+1)
	if err != nil {
		return nil, fmt.Errorf("move standard input: %w", err)
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("replace standard input: %w", err)
	}
	defer nothing.Close()
	if err := unix.Dup3(int(nothing.Fd()), int(os.Stdin.Fd()), 0); err != nil {
		return nil, fmt.Errorf("replace standard input: %w", err)
	}
	return os.NewFile(uintptr(moved), "parent"), nil
}

// preferredByOutOfMemoryKiller makes the kernel end this process before the parent, which holds the log. Where the
// kernel has no such file there is nothing to do.
func preferredByOutOfMemoryKiller() {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
}
