# Short names for the usual things; what is built and how is in CMakeLists.txt, CMakePresets.json and src/CMakeLists.txt.
#
#   make            build/release/monoscope
#   make run        the same, installing what is missing, then starts it       ARGS="--port ..." are handed on
#   make demo       a server with a small shop of three languages and its visitors; prints what to look at
#   make test       unit tests, fuzz replay, sanitizers, stories; under 30 min  ONLY="wal_test story_kill" picks
#   make test-full  the same with the long stories
#   make soak       the stories with many more rounds, and half an hour of fuzzing for every parser
#   make bench      one line per figure: name value unit                        BENCH=ingest picks
#   make asan tsan  unit tests under the sanitizers (asan by clang, tsan by gcc)
#   make fuzz       libFuzzer on every parser for FUZZ_SECONDS each, of the build for asan
#   make lint fmt   checks; formats
#   make deps clean

SHELL := /bin/sh
.DEFAULT_GOAL := all
.PHONY: all release run demo deps test-deps lint-deps brought built-release built-asan built-tsan test test-full soak bench asan tsan fuzz lint analyze fmt clean dev
ARGS ?=
ONLY ?=
BENCH ?=
JOBS ?= $(shell nproc)
CONFIGURE := $(if $(CI),-DMONO_WERROR=ON)

# $(call build,preset[,targets]): configures once, and again when what the tests need has come since (`make run` does without);
# ninja runs cmake again by itself when it has to. Warnings are gcc's to give: clang, which builds for asan, has others.
define build
@test -f build/$(1)/build.ninja && { grep -q cmocka_FOUND:INTERNAL=1 build/$(1)/CMakeCache.txt || ! pkg-config --exists cmocka; } || \
    cmake --preset $(1) $(if $(filter-out asan,$(1)),$(CONFIGURE)) >/dev/null
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

demo: deps
	@deps/apt demo
	@deps/bring demo
	$(call build,release,monoscope)
	@exec demo/run $(ARGS)

# What the tests bring comes while what they test is built; tests/run builds what the sanitizers and libFuzzer run, beside the stories.
test: deps
	@deps/apt test
	@$(MAKE) --no-print-directory -j2 brought built-release
	@tests/run $(ONLY)

brought:
	@deps/bring test

built-release built-asan built-tsan:
	$(call build,$(@:built-%=%))

test-full: test-deps
	@command -v cargo >/dev/null || deps/apt full
	@deps/bring full
	$(call build,release)
	@tests/run --full $(ONLY)

soak: test-deps
	$(call build,release)
	@tests/run --soak $(ONLY)

bench: test-deps
	$(call build,release)
	@bench/run $(BENCH)

asan tsan: test-deps
	@tests/run --steps $@ $(ONLY)

fuzz: test-deps
	@tests/run --steps fuzzing $(ONLY)

lint: lint-deps
	@lint/run

analyze: test-deps
	$(call build,analyze)

fmt: lint-deps
	@lint/sources | xargs clang-format -i

clean:
	rm -rf build
