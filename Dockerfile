# One image with the three binaries: /ingest, /aggregator, /parcours.
#
#   docker build -t parcours:local .
#
# Not in it: the embedded ClickHouse (libchdb). So `parcours up`, `demo` and whatever opens a data directory of its own do not
# work here; the verbs that go through servers elsewhere do (docs/deploy.md). No time zones either: the code has its own.
# No Docker was at hand where this was written: it was never built. deploy/dockerfile_test.go checks what it names.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd ./cmd
COPY dashboards ./dashboards
COPY pipeline ./pipeline
COPY schemas ./schemas
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    mkdir -p /out/data && \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/ ./cmd/ingest ./cmd/aggregator ./cmd/parcours

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/ingest /out/aggregator /out/parcours /
# Volumes that begin empty take owner and mode from here.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/data /keys
USER 65532:65532
WORKDIR /data
ENTRYPOINT ["/parcours"]
CMD ["--help"]
