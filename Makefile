# Parcours. `make help` lists what can be made; README.md says what to install first.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
COMMANDS := ingest aggregator parcours
SOURCES  := cmd pipeline schemas deploy dashboards
ARGS     ?=

export CGO_ENABLED := 0

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: libchdb ## build bin/ingest, bin/aggregator and bin/parcours, and fetch the embedded ClickHouse
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ $(addprefix ./cmd/,$(COMMANDS))

.PHONY: libchdb
libchdb: ## fetch the embedded ClickHouse into the user cache directory, once
	@./scripts/fetch-libchdb.sh

.PHONY: demo
demo: build ## a made-up company from events to breakpoints; ARGS="--customers 2000 --days 60 --seed 7 --exit"
	@./bin/parcours demo $(ARGS)

.PHONY: test
test: libchdb ## run all tests, on a real NATS and a real ClickHouse
	$(GO) test -timeout 25m ./...

.PHONY: race
race: libchdb ## run the tests of the loops and adapters with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./pipeline/aggregate/... ./pipeline/nats/... ./pipeline/ingest/...

.PHONY: lint
lint: ## golangci-lint with the rules of .golangci.yml
	$(GOLANGCI) run ./...

.PHONY: fmt
fmt: ## format the code
	gofmt -w $(SOURCES)

.PHONY: generate
generate: ## make the generated files anew (schemas)
	$(GO) generate ./...

.PHONY: current
current: ## fail when a generated file is not what `make generate` makes, or go.mod is not tidy
	@before=$$(git status --porcelain); $(GO) generate ./... ; $(GO) mod tidy; after=$$(git status --porcelain); \
	if [ "$$before" != "$$after" ]; then echo "generated files or go.mod are not current: run make generate and go mod tidy"; git --no-pager diff --stat; exit 1; fi

.PHONY: formatted
formatted:
	@unformatted=$$(gofmt -l $(SOURCES)); if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted"; exit 1; fi

.PHONY: check
check: formatted current lint test ## what CI runs: format, generated files, lint, tests

.PHONY: bench
bench: libchdb ## run the benchmarks, each beside its bare baseline
	$(GO) test -run '^$$' -bench . -benchtime 1s ./...

.PHONY: bench-dashboards
bench-dashboards: build ## how long every panel takes on ten million events; fills ~/.cache/parcours/bench once, which takes half an hour
	@./scripts/bench-dashboards.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
