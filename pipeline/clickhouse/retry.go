package clickhouse

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cenkalti/backoff/v5"
)

// retry runs attempt until it succeeds, fails with an error that will not pass, or ctx ends: then it gives ctx's cause.
func (s *Store) retry(ctx context.Context, what string, attempt func(context.Context) error) error {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = 50*time.Millisecond, 5*time.Second
	again := func(err error, wait time.Duration) {
		s.metrics.retries.Inc()
		s.log.Warn().Err(err).Dur("wait", wait).Msg("cannot " + what + ", trying again")
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := attempt(ctx)
		if err != nil && ctx.Err() != nil {
			err = backoff.Permanent(context.Cause(ctx))
		} else if err != nil && !passes(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0), backoff.WithNotify(again))
	return err
}

// passes says whether an error may go away by itself: the network, or a server that is starting, full or overloaded.
func passes(err error) bool {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exceptionPasses(exception.Code)
	}
	var status *clickhouse.HTTPError
	if errors.As(err, &status) {
		return statusPasses(status.StatusCode)
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.ErrClosedPipe) || errors.Is(err, clickhouse.ErrAcquireConnTimeout)
}

func statusPasses(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// exceptionPasses knows ClickHouse's error codes (ErrorCodes.cpp). Anything not named is a fault of ours.
func exceptionPasses(code int32) bool {
	switch code {
	case 159, // TIMEOUT_EXCEEDED
		164, // READONLY: a replica that is starting
		202, // TOO_MANY_SIMULTANEOUS_QUERIES
		209, // SOCKET_TIMEOUT
		210, // NETWORK_ERROR
		236, // ABORTED: the server is shutting down
		241, // MEMORY_LIMIT_EXCEEDED
		242, // TABLE_IS_READ_ONLY: a replica lost its Keeper
		243, // NOT_ENOUGH_SPACE: the log waits until there is some
		252, // TOO_MANY_PARTS: merges must catch up
		279, // ALL_CONNECTION_TRIES_FAILED
		285, // TOO_FEW_LIVE_REPLICAS
		286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
		319, // UNKNOWN_STATUS_OF_INSERT
		394, // QUERY_WAS_CANCELLED
		425, // SYSTEM_ERROR: the operating system's
		574, // DISTRIBUTED_TOO_MANY_PENDING_BYTES
		999: // KEEPER_EXCEPTION
		return true
	}
	return false
}
