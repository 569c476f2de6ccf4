package embedded

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Codes of ClickHouse's exceptions that the front raises or tells apart itself.
const (
	codeBadArguments         = 36
	codeNotImplemented       = 48
	codeUnknownTable         = 60
	codeSyntaxError          = 62
	codeUnknownSetting       = 115
	codeTimeout              = 159
	codeReadonly             = 164
	codeTooManyQueries       = 202
	codeUnknownFormat        = 73
	codeRequestTooLarge      = 307
	codeSessionNotFound      = 372
	codeSessionLocked        = 373
	codeCancelled            = 394
	codeAccessDenied         = 497
	codeAuthenticationFailed = 516
	codeTooManySessions      = 429
	codeUnknown              = 1002
)

// exception is an error as ClickHouse words it: "Code: N. DB::Exception: what happened. (NAME)".
type exception struct {
	code int
	text string
}

func (e *exception) Error() string { return e.text }

// newException reads the code from a message of the engine.
func newException(message string) *exception {
	match := regexp.MustCompile(`Code: (\d+)\.`).FindStringSubmatch(message)
	if match == nil {
		return raise(codeUnknown, "UNKNOWN_EXCEPTION", "%s", message)
	}
	code, _ := strconv.Atoi(match[1])
	return &exception{code: code, text: message}
}

func raise(code int, name, format string, arguments ...any) *exception {
	return &exception{code: code, text: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, arguments...), name)}
}

// streamingUnsupported tells that a statement was not begun because it returns no rows to stream.
func (e *exception) streamingUnsupported() bool {
	return e.code == codeBadArguments && strings.Contains(e.text, "Streaming query is not supported")
}

// body is what the server sends for it, the version of the engine included.
func (e *exception) body(version string) string {
	if strings.HasSuffix(e.text, ")") && !strings.Contains(e.text, "(version ") {
		return fmt.Sprintf("%s (version %s (embedded build))\n", e.text, version)
	}
	return e.text + "\n"
}

// status is the HTTP status ClickHouse answers an exception with.
func (e *exception) status() int {
	switch e.code {
	case codeAuthenticationFailed, 192, 193:
		return http.StatusForbidden
	case 6, 19, 26, 27, 38, 41, 42, 43, 44, 53, 62, 69, 70, 72, 117, 130, 131, 138, 143, 321, 376, 467, 676:
		return http.StatusBadRequest
	case 46, 47, codeUnknownTable, 50, 55, 56, 63, 71, codeUnknownFormat, 78, 81, 115, 125, 128, 335, 511, codeSessionNotFound:
		return http.StatusNotFound
	case codeNotImplemented:
		return http.StatusNotImplemented
	case codeTimeout:
		return http.StatusRequestTimeout
	case codeTooManyQueries, codeTooManySessions, 209, 439, 76:
		return http.StatusServiceUnavailable
	case codeRequestTooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}
