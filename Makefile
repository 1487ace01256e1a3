# Đình: everything a developer does here. `make` alone lists it.
SHELL := /bin/bash
export CGO_ENABLED := 0
GO ?= go
BIN := build/dinh
GO_FILES := $(shell find app blocks cmd country kernel web -name '*.go' -o -name '*.sql' -o -name '*.html' -o -name '*.yaml' -o -name '*.json' 2>/dev/null | grep -v node_modules)
PG_BIN ?= $(firstword $(wildcard /usr/lib/postgresql/*/bin) $(dir $(shell command -v initdb 2>/dev/null)))

.DEFAULT_GOAL := help
.PHONY: help assets build run test test-pg demo check bench lint browser crash faults peers bench-exchange fuzz new-block clean

help: ## list these commands
	@echo "Đình — the common house of a digital government"; echo
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

web/static/dist/app.css: package.json package-lock.json $(wildcard web/assets/scss/*.scss web/assets/js/*.js web/build.mjs)
	npm ci --no-audit --no-fund --loglevel=error
	npm run --silent build
	@touch $@

assets: web/static/dist/app.css ## build styles, scripts and fonts with npm

$(BIN): web/static/dist/app.css go.mod go.sum $(GO_FILES)
	$(GO) build -trimpath -ldflags='-s -w' -o $@ ./cmd/dinh

build: $(BIN) ## build the one binary, build/dinh

run: build ## build, seed sample people, serve on http://localhost:8080
	$(BIN) serve --demo --data var/demo

test: assets ## all tests that need nothing but Go
	$(GO) vet ./... && $(GO) test ./...

demo: build ## play three services from start to finish, then check everything
	$(BIN) demo

test-pg: assets ## the store and journey tests on a private PostgreSQL
	PG_BIN='$(PG_BIN)' ./test/postgres.sh $(GO) test -count=1 ./kernel/db/... ./kernel/job/... ./kernel/event/... ./kernel/keys/... ./kernel/ledger/... ./kernel/timestamp/... ./blocks/... ./test/journeys/...

browser: build ## the journeys in a real browser, with axe and screenshots
	node test/browser/run.mjs

crash: build ## kill -9 at random moments, restart, count everything
	DINH_CRASH_KILLS=$${KILLS:-200} $(GO) test -count=1 -timeout 25m -run TestKill ./test/crash

bench-exchange: build ## exchanges per second through two gateways, beside a bare proxy → build/bench/exchange.json
	$(BIN) bench exchange

faults: build ## gateways, databases and networks that break under load; then count everything
	DINH_FAULTS=1 $(GO) test -count=1 -timeout 15m -v ./test/faults

peers: assets ## other people's clients and suites judge a started house → build/peers/*.json
	./test/peers/fetch.sh $${DINH_PEERS:-build/peers}
	DINH_PEERS=$$(realpath $${DINH_PEERS:-build/peers}) $(GO) test -count=1 -v ./test/peers/...

bench: build ## applications per second, pages, memory, start time → build/bench/*.json
	$(BIN) bench

fuzz: ## each fuzz target for a few seconds
	./test/fuzz.sh $${SECONDS_EACH:-5}

lint: ## vet, gofmt, golangci-lint when it is installed
	@out=$$(gofmt -l app blocks cmd country kernel test web); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; else echo "golangci-lint is not installed: skipped (go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.14.0)"; fi

new-block: ## write a compiling, tested, documented block: make new-block name=permits
	@test -n "$(name)" || { echo "usage: make new-block name=permits (one lower-case noun)"; exit 2; }
	$(GO) run ./cmd/newblock $(name)

check: ## what CI runs: lint, tests, PostgreSQL, demo, crash, faults, browser, peers, fuzz, benches
	$(MAKE) lint
	$(MAKE) test-pg
	$(MAKE) demo
	$(MAKE) crash
	$(MAKE) faults
	$(MAKE) browser
	$(MAKE) peers
	$(MAKE) fuzz
	$(MAKE) bench
	$(MAKE) bench-exchange
	$(MAKE) test

clean: ## remove what was built; data in var/ stays
	rm -rf build web/static/dist/*.css web/static/dist/*.js
