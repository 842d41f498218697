# Short names for the usual things; what is built and how is in CMakeLists.txt, CMakePresets.json and src/CMakeLists.txt.
#
#   make            build/release/monoscope
#   make run        the same, installing what is missing, then starts it       ARGS="--port ..." are handed on
#   make demo       a server with a small shop of three languages and its visitors; prints what to look at
#   make test       unit tests, fuzz replay, sanitizers, stories; under 30 min  ONLY="wal_test story_kill" picks
#   make test-full  the same with the long stories
#   make soak       the stories with many more rounds, and half an hour of fuzzing for every parser
#   make bench      one line per figure: name value unit                        BENCH=ingest picks
#   make asan tsan  unit tests under the sanitizers
#   make fuzz       libFuzzer on every parser for FUZZ_SECONDS each (clang)
#   make lint fmt   checks; formats
#   make deps clean

SHELL := /bin/sh
.DEFAULT_GOAL := all
.PHONY: all release run demo deps test-deps fuzz-deps lint-deps brought built test test-full soak bench asan tsan fuzz lint analyze fmt clean dev
ARGS ?=
ONLY ?=
BENCH ?=
JOBS ?= $(shell nproc)
CONFIGURE := $(if $(CI),-DMONO_WERROR=ON)

# $(call build,preset[,targets]): configures once, and again when what the tests need has come since (`make run` does without);
# ninja runs cmake again by itself when it has to. Warnings are gcc's to give: clang, which builds the fuzz targets, has others.
define build
@test -f build/$(1)/build.ninja && { grep -q cmocka_FOUND:INTERNAL=1 build/$(1)/CMakeCache.txt || ! pkg-config --exists cmocka; } || \
    cmake --preset $(1) $(if $(filter-out fuzz,$(1)),$(CONFIGURE)) >/dev/null
@ninja -C build/$(1) -j $(JOBS) --quiet $(2)
endef

all: release

deps:
	@deps/apt build run
	@deps/bring

test-deps: deps
	@deps/apt test
	@deps/bring test

fuzz-deps: deps
	@deps/apt fuzz

lint-deps: test-deps fuzz-deps
	@deps/apt lint

release dev: deps
	$(call build,$@)

run: deps
	$(call build,release,monoscope)
	@exec build/release/monoscope run $(ARGS)

demo: deps
	@deps/apt demo
	@deps/bring demo
	$(call build,release,monoscope)
	@exec demo/run $(ARGS)

# What the tests bring comes while what they test is built.
test: deps
	@deps/apt test fuzz
	@$(MAKE) --no-print-directory -j2 brought built
	@tests/run $(ONLY)

brought:
	@deps/bring test

built:
	$(call build,release)
	$(call build,asan)
	$(call build,tsan)
	$(call build,fuzz,fuzzers)

test-full: test-deps fuzz-deps
	@command -v cargo >/dev/null || deps/apt full
	@deps/bring full
	@$(MAKE) --no-print-directory built
	@tests/run --full $(ONLY)

soak: test-deps fuzz-deps
	$(call build,release)
	$(call build,fuzz,fuzzers)
	@tests/run --soak $(ONLY)

bench: test-deps
	$(call build,release)
	@bench/run $(BENCH)

asan tsan: test-deps
	$(call build,$@)
	@tests/run --steps $@ $(ONLY)

fuzz: fuzz-deps
	$(call build,fuzz,fuzzers)
	@tests/run --steps fuzzing $(ONLY)

lint: lint-deps
	@lint/run

analyze: test-deps
	$(call build,analyze)

fmt: lint-deps
	@lint/sources | xargs clang-format -i

clean:
	rm -rf build
