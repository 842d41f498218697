#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "meta/secret.h"
#include "worker/counting/counting.h"
#include "worker/errors/error_delta.h"
#include "worker/errors/errors.h"

struct errors {
    struct errors_options options;
    struct counting *counting;
    uint8_t secret[SECRET_BYTES];
};

COUNTING_OF(error)

static void delta_weigh(const void *delta, struct counting_weight *weight)
{
    *weight = (struct counting_weight){ .bytes = error_delta_bytes(delta),
                                        .skipped = error_delta_skipped(delta),
                                        .rest = error_delta_rest(delta) };
}

static void *names_create(void *ctx)
{
    const struct errors *errors = ctx;
    return error_names_create(errors->secret);
}

static bool record_begin(void *delta, void *names, int64_t now_us, struct uuid project_id,
                         const struct otlp_request *request)
{
    (void)delta, (void)project_id;
    error_names_begin(names, now_us, request);
    return false;
}

static bool count_row(void *delta, void *names, struct uuid project_id, const struct rows_row *row,
                      int64_t not_before_us)
{
    error_delta_row(delta, names, project_id, row, not_before_us);
    return false;
}

static bool store(void *ctx, void *delta, const struct tap_move *move, struct err *err)
{
    struct errors *errors = ctx;
    struct error_changes changes = {
        .app_id = move->app_id, .owner = move->owner, .position_before = move->before, .position = move->position
    };
    error_delta_changes(delta, &changes);
    fail_point("errors.before_store");
    if (!error_store(errors->options.db, &changes, clock_unix_us(), err)) return false;
    fail_point("errors.after_store");
    return true;
}

static bool expire(void *ctx, int64_t now_us, uint64_t *deleted, struct err *err)
{
    const struct errors *errors = ctx;
    return error_expire(errors->options.db, &errors->options.keep, now_us, deleted, err);
}

static const struct counting_ops ops = {
    .tap = ERROR_TAP,
    .what = "errors",
    .event_store_failed = "errors.store_failed",
    .event_store_recovered = "errors.store_recovered",
    .event_expire_failed = "errors.expire_failed",
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

struct tap_source errors_source(struct errors *errors)
{
    return counting_source(errors->counting);
}

bool errors_open(struct errors **opened, const struct errors_options *options, struct err *err)
{
    struct errors *errors = mem_calloc(1, sizeof *errors);
    *opened = NULL;
    errors->options = *options;
    if (!secret_find(options->db, "errors", errors->secret, err)) {
        free(errors);
        return err_within(err, "errors");
    }
    struct counting_options counting = { .ops = &ops,
                                         .ctx = errors,
                                         .db = options->db,
                                         .bytes_max = options->bytes_max,
                                         .keep_us = options->keep.keep_us,
                                         .log = options->log };
    errors->counting = counting_open(&counting);
    *opened = errors;
    return true;
}

void errors_stats(struct errors *errors, struct counting_stats *stats)
{
    counting_stats(errors->counting, stats);
}

void errors_close(struct errors *errors)
{
    if (!errors) return;
    counting_close(errors->counting);
    free(errors);
}
