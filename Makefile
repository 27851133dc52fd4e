# The front door. Each target does all of its set-up by itself: packages, configuration, build. Below it lies
# CMake, which stands alone as well: cmake --preset release && cmake --build --preset release.
#
#   PREFIX=/usr/local DESTDIR=   where `make install` puts things
#   JOBS=2                       how many at a time; all cores by default
#   ROUNDS=20                    how long `make soak` goes on
#   SECONDS=60                   how long each program of `make fuzz` goes on
#   QUICK=yes PEER_ROUNDS=5      `make bench-peers` in two minutes, without figures to be told; how often it runs all
#   SETUP=no                     leave the system's packages alone

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ROUNDS ?= 20
SECONDS ?= 60
SETUP ?= yes
QUICK ?= no
PEER_ROUNDS ?= $(if $(filter yes,$(QUICK)),3,5)

EXAMPLES := reference_counting cycle_collection weak_references avoiding_cycles ephemerons pauses dry_run tracing process_memory \
	leak_hunt ffi_libc ffi_zlib ffi_sqlite ffi_jansson treelib packages
FUZZERS := snapshot:corpus ffi:ffi-corpus
SOURCES = git ls-files -- '*.c' '*.h' ':!*_wrap.c'

# $(call setup,SECTIONS) and $(call build,PRESET): the two steps before everything else.
setup = @if [ "$(SETUP)" != no ]; then cmake/setup.sh $(1); fi
build = @cmake --preset $(1) >/dev/null && cmake --build --preset $(1) -j $(JOBS)

.DEFAULT_GOAL := help
.PHONY: help demo test build asan soak fuzz bench bench-peers format lint install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: build ## Run the experiments of lua/examples, the last one on this machine's packages
	@for name in $(EXAMPLES); do \
		printf '\n---- %s ----\n' "$$name"; \
		build/bin/husk run "lua/examples/$$name.lua" || [ $$? = 77 ] || exit; \
	done

test: build ## Build and run all tests
	$(call setup,readers)
	@ctest --preset release -j $(JOBS)

build: ## Build the library, the Lua module and build/bin/husk
	$(call setup,build)
	$(call build,release)

asan: ## Run all tests under the address, leak and undefined behaviour sanitizers
	$(call setup,build readers)
	$(call build,asan)
	@ctest --preset asan -j $(JOBS)

soak: build ## Random operations against the models for a long time; ROUNDS=20, some minutes each
	@for round in $$(seq $(ROUNDS)); do \
		seed=$$(date +%s); \
		for what in exact passes memory big; do \
			echo "round $$round: model $$what $$seed"; \
			build/tests/model $$what $$seed 10000000 || exit; \
		done; \
	done

fuzz: ## Any bytes as files of snapshots, then as texts of C types, each for SECONDS=60; what is new stays in build-fuzz
	$(call setup,build fuzz)
	@cmake --preset fuzz >/dev/null && cmake --build --preset fuzz -j $(JOBS) --target fuzzers
	@for pair in $(FUZZERS); do \
		name=$${pair%%:*}; \
		printf '\n---- %s ----\n' "$$name"; \
		test -x "build-fuzz/tests/fuzz_$$name" || { echo "fuzz_$$name is not built: libffi-dev is missing"; continue; }; \
		mkdir -p "build-fuzz/$${pair#*:}"; \
		(cd build-fuzz && "tests/fuzz_$$name" -max_total_time=$(SECONDS) -max_len=65536 -rss_limit_mb=2048 \
			-print_final_stats=1 "$${pair#*:}" "../tests/fuzz/$${pair#*:}") || exit; \
	done

bench: ## Measure, beside malloc, mimalloc, CPython and Boehm's collector; build/bench/results.json
	$(call setup,build bench)
	$(call build,release)
	@cmake --build --preset release --target bench_run
	@cmake --build --preset release --target bench_bindings
	@cmake --build --preset release --target bench_preload

bench-peers: ## The same work in a dozen other systems, by turns; build/bench/peers/peers.json, charts in docs/peers
	$(call setup,build peers)
	$(call build,release)
	@lua5.4 bench/peers/run.lua build/bench/peers/peers.lua --json build/bench/peers/peers.json \
		--rounds $(PEER_ROUNDS) $(if $(filter yes,$(QUICK)),--quick,--charts docs/peers --page docs/peers.md)

format: ## Lay out all C sources with clang-format
	$(call setup,build)
	@$(SOURCES) | xargs clang-format -i

lint: build ## Run the checks of the sources: clang-tidy, layers, headers, symbols, warnings
	@git ls-files -- 'libcore/src/*.c' 'bindings/*.c' 'cli/*.c' ':!*_wrap.c' | xargs -P $(JOBS) -n 4 clang-tidy --quiet -p build
	@ctest --preset release -L lint

install: build ## Install under PREFIX (and DESTDIR)
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

clean: ## Remove everything that was built
	@rm -rf build build-*
