#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "worker/counting/counting.h"
#include "worker/patterns/pattern_delta.h"
#include "worker/patterns/patterns.h"

struct patterns {
    struct patterns_options options;
    struct counting *counting;
};

COUNTING_OF(pattern)

static void delta_weigh(const void *delta, struct counting_weight *weight)
{
    *weight = (struct counting_weight){ .bytes = pattern_delta_bytes(delta),
                                        .skipped = pattern_delta_skipped(delta),
                                        .rest = pattern_delta_rest(delta) };
}

static void *names_create(void *ctx)
{
    (void)ctx;
    return pattern_names_create();
}

static bool record_begin(void *delta, void *names, int64_t now_us, struct uuid project_id,
                         const struct otlp_request *request)
{
    (void)delta, (void)project_id, (void)request;
    pattern_names_begin(names, now_us);
    return false;
}

static bool count_row(void *delta, void *names, struct uuid project_id, const struct rows_row *row,
                      int64_t not_before_us)
{
    pattern_delta_row(delta, names, project_id, row, not_before_us);
    return false;
}

static bool store(void *ctx, void *delta, const struct tap_move *move, struct err *err)
{
    struct patterns *patterns = ctx;
    struct pattern_changes changes = {
        .app_id = move->app_id, .owner = move->owner, .position_before = move->before, .position = move->position
    };
    pattern_delta_changes(delta, &changes);
    fail_point("patterns.before_store");
    if (!pattern_store(patterns->options.db, &changes, clock_unix_us(), err)) return false;
    fail_point("patterns.after_store");
    return true;
}

static bool expire(void *ctx, int64_t now_us, uint64_t *deleted, struct err *err)
{
    const struct patterns *patterns = ctx;
    return pattern_expire(patterns->options.db, patterns->options.keep_us, now_us, deleted, err);
}

static const struct counting_ops ops = {
    .tap = PATTERN_TAP,
    .what = "log patterns",
    .event_store_failed = "patterns.store_failed",
    .event_store_recovered = "patterns.store_recovered",
    .event_expire_failed = "patterns.expire_failed",
    .delta_create = delta_create,
    .delta_destroy = delta_destroy,
    .delta_reset = delta_reset,
    .delta_merge = delta_merge,
    .delta_weigh = delta_weigh,
    .names_create = names_create,
    .names_destroy = names_destroy,
    .record_begin = record_begin,
    .row = count_row,
    .store = store,
    .expire = expire,
};

struct tap_source patterns_source(struct patterns *patterns)
{
    return counting_source(patterns->counting);
}

struct patterns *patterns_open(const struct patterns_options *options)
{
    struct patterns *patterns = mem_calloc(1, sizeof *patterns);
    patterns->options = *options;
    struct counting_options counting = { .ops = &ops,
                                         .ctx = patterns,
                                         .db = options->db,
                                         .bytes_max = options->bytes_max,
                                         .keep_us = options->keep_us,
                                         .log = options->log };
    patterns->counting = counting_open(&counting);
    return patterns;
}

void patterns_stats(struct patterns *patterns, struct counting_stats *stats)
{
    counting_stats(patterns->counting, stats);
}

void patterns_close(struct patterns *patterns)
{
    if (!patterns) return;
    counting_close(patterns->counting);
    free(patterns);
}
