# Short names for the usual things; what is built and how is in CMakeLists.txt, CMakePresets.json and src/CMakeLists.txt.
#
#   make            build/release/monoscope
#   make run        the same, installing what is missing, then starts it       ARGS="--port ..." are handed on
#   make test       unit tests, fuzz replay, sanitizers, stories; under 30 min  ONLY="wal_test story_kill" picks
#   make test-full  the same with the long stories
#   make soak       the stories with many more rounds
#   make bench      one line per figure: name value unit                        BENCH=ingest picks
#   make asan tsan  unit tests under the sanitizers
#   make fuzz       libFuzzer on every target for FUZZ_SECONDS each (clang)
#   make lint fmt   checks; formats
#   make deps clean

SHELL := /bin/sh
.DEFAULT_GOAL := all
.PHONY: all release run deps test-deps lint-deps test test-full soak bench asan tsan fuzz lint analyze fmt clean dev
ARGS ?=
ONLY ?=
BENCH ?=
FUZZ_SECONDS ?= 60
JOBS ?= $(shell nproc)
CONFIGURE := $(if $(CI),-DMONO_WERROR=ON)

# $(call build,preset[,targets]): configures once; ninja runs cmake again by itself when it has to.
define build
@test -f build/$(1)/build.ninja || cmake --preset $(1) $(CONFIGURE) >/dev/null
@ninja -C build/$(1) -j $(JOBS) --quiet $(2)
endef

all: release

deps:
	@deps/apt build run
	@deps/bring

test-deps: deps
	@deps/apt test
	@deps/bring test

lint-deps: test-deps
	@deps/apt lint

release dev: deps
	$(call build,$@)

run: deps
	$(call build,release,monoscope)
	@exec build/release/monoscope run $(ARGS)

test: test-deps
	$(call build,release)
	$(call build,asan)
	$(call build,tsan)
	@tests/run $(ONLY)

test-full: test-deps
	$(call build,release)
	$(call build,asan)
	$(call build,tsan)
	@tests/run --full $(ONLY)

soak: test-deps
	$(call build,release)
	@tests/run --soak $(ONLY)

bench: test-deps
	$(call build,release)
	@bench/run $(BENCH)

asan tsan: test-deps
	$(call build,$@)
	@tests/run --steps $@ $(ONLY)

fuzz: lint-deps
	$(call build,fuzz)
	@lint/fuzz build/fuzz $(FUZZ_SECONDS)

lint: lint-deps
	@lint/run

analyze: test-deps
	$(call build,analyze)

fmt: lint-deps
	@lint/sources | xargs clang-format -i

clean:
	rm -rf build
