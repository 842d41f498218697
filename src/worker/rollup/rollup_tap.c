#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/ticker.h"
#include "worker/counting/counting.h"
#include "worker/rollup/rollup.h"
#include "worker/rollup/rollup_delta.h"

#define BYTES_MAX      (512ull << 20) /* an hour of 100,000 series; and indexes of minutes fit their bits */
#define THOROUGH_EVERY 45             /* rounds of the job: a quarter of an hour */
#define JOB_MS         20000

struct rollups {
    struct rollups_options options;
    struct counting *counting;
    _Atomic uint64_t hours, days, edges, deleted, job_failures;
    pthread_t thread;
    bool thread_runs;
    struct ticker ticker;
};

COUNTING_OF(rollup)

static void delta_weigh(const void *delta, struct counting_weight *weight)
{
    *weight = (struct counting_weight){ .bytes = rollup_delta_bytes(delta), .skipped = rollup_delta_skipped(delta) };
}

static void *names_create(void *ctx)
{
    (void)ctx;
    return rollup_names_create();
}

static bool record_begin(void *delta, void *names, int64_t now_us, struct uuid project_id,
                         const struct otlp_request *request)
{
    rollup_delta_request_begin(delta, names, now_us, project_id, request);
    return rollup_delta_wants_attributes(delta);
}

static bool count_row(void *delta, void *names, struct uuid project_id, const struct rows_row *row,
                      int64_t not_before_us)
{
    (void)names, (void)project_id;
    rollup_delta_row(delta, row, not_before_us);
    return rollup_delta_wants_attributes(delta);
}

static bool store(void *ctx, void *delta, const struct tap_move *move, struct err *err)
{
    struct rollups *rollups = ctx;
    struct rollup_changes changes = {
        .app_id = move->app_id, .owner = move->owner, .position_before = move->before, .position = move->position
    };
    rollup_delta_changes(delta, &changes);
    fail_point("rollups.before_store");
    if (!rollup_store(rollups->options.db, &changes, clock_unix_us(), err)) return false;
    fail_point("rollups.after_store");
    return true;
}

static const struct counting_ops ops = {
    .tap = ROLLUP_TAP,
    .what = "roll-ups",
    .event_store_failed = "rollups.store_failed",
    .event_store_recovered = "rollups.store_recovered",
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
};

struct tap_source rollups_source(struct rollups *rollups)
{
    return counting_source(rollups->counting);
}

/* ---- the job ---- */

static void job_round(struct rollups *rollups, bool is_thorough)
{
    struct rollup_job_stats stats = { 0 };
    struct err err = { 0 };
    bool ok = rollup_job(rollups->options.db, &rollups->options.keep, clock_unix_us(), is_thorough, &stats, &err);
    atomic_fetch_add(&rollups->hours, stats.hours);
    atomic_fetch_add(&rollups->days, stats.days);
    atomic_fetch_add(&rollups->edges, stats.edges);
    atomic_fetch_add(&rollups->deleted, stats.deleted);
    if (ok) return;
    /* Counted, and told where the database being away is told: nothing is lost by doing it later. */
    if (atomic_fetch_add(&rollups->job_failures, 1) % 60 == 0)
        log_warn(rollups->options.log, "rollups.job_failed", log_text("err", err.text));
}

static void *job_main(void *arg)
{
    struct rollups *rollups = arg;
    pthread_setname_np(pthread_self(), "rollups");
    uint32_t round = 0;
    uint32_t every_ms = rollups->options.job_ms ? rollups->options.job_ms : JOB_MS;
    while (ticker_rest(&rollups->ticker, every_ms)) job_round(rollups, round++ % THOROUGH_EVERY == 0);
    return NULL;
}

bool rollups_open(struct rollups **out, const struct rollups_options *options, struct err *err)
{
    *out = NULL;
    if (!rollup_prepare(options->db, &options->keep, options->log, err)) return err_within(err, "roll-ups");
    struct rollups *rollups = mem_calloc(1, sizeof *rollups);
    rollups->options = *options;
    struct counting_options counting = { .ops = &ops,
                                         .ctx = rollups,
                                         .db = options->db,
                                         .bytes_max = options->bytes_max < BYTES_MAX ? options->bytes_max : BYTES_MAX,
                                         .keep_us = options->keep.minutes_us,
                                         .log = options->log };
    rollups->counting = counting_open(&counting);
    ticker_init(&rollups->ticker);
    int failed = options->does_jobs ? pthread_create(&rollups->thread, NULL, job_main, rollups) : 0;
    if (failed) {
        errno = failed;
        rollups_close(rollups);
        return err_os(err, "could not start the thread of the roll-ups");
    }
    rollups->thread_runs = options->does_jobs;
    *out = rollups;
    return true;
}

void rollups_stats(struct rollups *rollups, struct rollups_stats *stats)
{
    *stats = (struct rollups_stats){ .hours = atomic_load(&rollups->hours),
                                     .days = atomic_load(&rollups->days),
                                     .edges = atomic_load(&rollups->edges),
                                     .deleted = atomic_load(&rollups->deleted),
                                     .job_failures = atomic_load(&rollups->job_failures) };
    counting_stats(rollups->counting, &stats->counting);
}

void rollups_close(struct rollups *rollups)
{
    if (!rollups) return;
    ticker_stop(&rollups->ticker);
    if (rollups->thread_runs) pthread_join(rollups->thread, NULL);
    ticker_deinit(&rollups->ticker);
    counting_close(rollups->counting);
    free(rollups);
}
