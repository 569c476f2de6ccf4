package aggregate

import (
	"errors"
	"time"
)

// Config says how the loop batches and ticks.
type Config struct {
	FlushRows       int           `help:"Rows folded before an insert." default:"50000"`
	FlushEvery      time.Duration `help:"Longest time a row waits for its insert while events keep coming." default:"1s"`
	FlushIdle       time.Duration `help:"Time without a new event after which waiting rows are inserted." default:"100ms"`
	TickGrace       time.Duration `help:"How far ticks stay behind real time (wall clock mode): the delay of the slowest channel." default:"1m"`
	TickEvery       time.Duration `help:"Longest time without a tick (wall clock mode)." default:"1h"`
	StopWithin      time.Duration `help:"Longest time that stopping waits for the last rows to be in." default:"10s"`
	StalledAfter    time.Duration `help:"Time after which a batch that is not taken makes the process not ready." default:"30s"`
	CheckpointEvery time.Duration `help:"Time between two checkpoints: what came since the last one is folded again after a kill. Saving a large state takes at most a twentieth of the time." default:"30s"`
	TickLeast       time.Duration `help:"Shortest time between two ticks of a partition (wall clock mode)." default:"1s"`
	DailyLeast      time.Duration `help:"Shortest time between two looks for days to close, while events keep coming and after a failure." default:"10s"`
	CopiesAfter     time.Duration `help:"Time without a new event after which the copies of slow views are taken anew where time moves with events alone (log clock mode)." default:"2m"`
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error {
	switch {
	case c.FlushRows < 1:
		return errors.New("flush-rows: expected at least 1")
	case c.FlushEvery <= 0 || c.FlushIdle <= 0:
		return errors.New("flush-every and flush-idle: expected more than 0")
	case c.CheckpointEvery <= 0:
		return errors.New("checkpoint-every: expected more than 0")
	case c.TickEvery < time.Second || c.TickLeast <= 0 || c.TickGrace < 0:
		return errors.New("tick-every: expected at least 1s; tick-least: more than 0; tick-grace: 0 or more")
	case c.DailyLeast <= 0:
		return errors.New("daily-least: expected more than 0")
	case c.CopiesAfter <= 0:
		return errors.New("copies-after: expected more than 0")
	}
	return nil
}

// Default is the configuration that the help texts state.
func Default() Config {
	return Config{
		FlushRows: 50_000, FlushEvery: time.Second, FlushIdle: 100 * time.Millisecond,
		TickGrace: time.Minute, TickEvery: time.Hour, TickLeast: time.Second, StopWithin: 10 * time.Second, StalledAfter: 30 * time.Second, CheckpointEvery: 30 * time.Second,
		DailyLeast: 10 * time.Second, CopiesAfter: 2 * time.Minute,
	}
}
