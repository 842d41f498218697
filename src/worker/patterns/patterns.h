/* patterns.h -- the tap that counts log lines by what they say: template, service, level, minute.
 *
 *   a partition's tap (counting.h): rows --pattern_delta.h--> counts --store--> meta/pattern.h: one transaction with its
 *                                             position, and now and then what is past its time goes
 *
 * What cannot be stored is added up: memory grows with time and templates, not with lines.
 * Thread: open and close the owner's; stats any. Memory: bytes_max. Errors: see tap.h. */
#pragma once
#include "meta/pattern.h"
#include "worker/counting/counting.h"

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
void patterns_stats(struct patterns *patterns,
                    struct counting_stats *stats); /* rows_rest: counted under a pattern's rest or "(other)" */
/* Every tap must be closed. NULL is fine. */
void patterns_close(struct patterns *patterns);
