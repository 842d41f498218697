/* patterns.h -- the tap that counts log lines by what they say: template, service, level, minute.
 *
 *   worker thread: rows --pattern_delta.h--> current --cut--> waiting         a partition's tap
 *   flush thread:                                             '--store--> meta/pattern.h: one transaction with its position,
 *                                                                         and now and then what is past its time goes
 *
 * What cannot be stored (the database is away) is added up, so memory grows with time and templates, not with lines.
 * bytes_max bounds it for all partitions; past a half of it a partition asks to be cut, past the whole the worker takes
 * no more (tap.h).
 * Thread: open and close the owner's; stats any. Memory: bytes_max. Errors: see tap.h. */
#pragma once
#include "base/histogram.h"
#include "meta/pattern.h"
#include "worker/tap.h"

struct patterns;
struct patterns_options {
    struct db *db;
    uint64_t bytes_max;
    int64_t keep_us; /* hours and templates; 0: for ever */
    const struct log *log;
};
struct patterns *patterns_open(const struct patterns_options *options);
/* For worker_options; good until patterns_close. */
struct tap_source patterns_source(struct patterns *patterns);
struct patterns_stats {
    uint64_t bytes; /* held now, waiting and being counted */
    uint64_t stores, store_failures, deleted;
    uint64_t rows_skipped; /* too old to be counted */
    uint64_t rows_rest;    /* counted under a pattern's rest or "(other)" */
    bool is_storing_failing;
    struct histogram_counts store_times;
};
void patterns_stats(struct patterns *patterns, struct patterns_stats *stats);
/* Every tap must be closed. NULL is fine. */
void patterns_close(struct patterns *patterns);
