#include "app/app_inside.h"
#include "base/clock.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include "ingest/rows_intake.h"
#include "meta/intake.h"
#include "meta/meter.h"
#include "sourcemaps/sourcemaps.h"
#include "telemetry/telemetry.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"
#include "worker/member.h"
#include "worker/rules/rule_book.h"
#include <inttypes.h>
#include <stdio.h>

#define OWN_FLUSH_MS 600000 /* its rows alone are no reason to commit more often */

static void sink_record(void *ctx, const struct buffer_record *record, void *request)
{
    struct app *app = ctx;
    if (request && record->signal == BUFFER_SIGNAL_ROWS) {
        worker_push_rows(app->worker, record);
        rows_stored_release(request);
        return;
    }
    if (request) {
        worker_push(app->worker, record, request);
        return;
    }
    app->address.replayed_records++;
    if (!app->replay_failed && !worker_replay(app->worker, record, &app->replay_err)) app->replay_failed = true;
}

/* In our own log there is nothing to wait for: what cannot be stored is parked. */
static bool on_mark(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count, struct err *err)
{
    (void)position;
    for (uint32_t f = 0; f < count; f++)
        if (!app_park(ctx, &failed[f], err)) return false;
    return true;
}

static bool on_release(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count,
                       struct err *err)
{
    struct app *app = ctx;
    struct err release_err = { 0 };
    (void)failed, (void)count, (void)err;
    /* Not released is not lost: a replay skips what the tables hold. */
    if (!buffer_release(app->buffer, position, &release_err))
        log_warn(app->log, "buffer.release_failed", log_number("position", (int64_t)position),
                 log_text("err", release_err.text));
    return true;
}

static void on_lost(void *ctx, const struct err *err)
{
    app_fail(ctx, err);
}

static uint32_t own_flush_ms(const struct config *config)
{
    return config->flush_ms > OWN_FLUSH_MS ? (uint32_t)config->flush_ms : OWN_FLUSH_MS;
}

static bool log_replay(struct app *app, struct err *err)
{
    struct span span;
    span_begin(&span, app->log, &app->start_span, SPAN_INTERNAL, "replay");
    bool ok = buffer_start(app->buffer, err);
    if (ok && app->replay_failed) {
        *err = app->replay_err;
        ok = false;
    }
    span_end(&span, app->log, ok ? NULL : err_name(err->code),
             LOG_FIELDS(log_number("records", (int64_t)app->address.replayed_records)));
    return ok;
}

struct buffers_options app_buffers_options(const struct app *app)
{
    return (struct buffers_options){
        .timefusion = app->timefusion,
        .data = app->config.data,
        .has_own_tables = app->config.storage[0] == '\0',
        .new_buffer = app->config.new_buffer,
        .log = app->log,
    };
}

/* The project's limit; without one as many as the setting may say at most. */
static uint32_t attribute_keys_of(void *ctx, struct uuid project_id)
{
    enum { KEYS_MAX = 10000000 };
    struct app *app = ctx;
    struct limit_values values;
    meter_limits(app->meter, project_id, NULL, &values);
    uint64_t keys = values.at[LIMIT_ATTRIBUTE_KEYS];
    return keys == 0 || keys > KEYS_MAX ? KEYS_MAX : (uint32_t)keys;
}

static void rows_shown(void *ctx, struct uuid project_id, const char *table, int64_t received_unix_us)
{
    intake_visible(((struct app *)ctx)->intake, project_id, table, received_unix_us);
}

struct worker_options app_worker_options(struct app *app)
{
    app->worker_memory.columns_bytes_max = app->budget.columns;
    return (struct worker_options){
        .timefusion = app->timefusion,
        .memory = &app->worker_memory,
        .attribute_keys_max = (uint32_t)app->config.attribute_keys,
        .attribute_keys_of = attribute_keys_of,
        .attribute_keys_ctx = app,
        .rules = rule_book_source(app->rule_book),
        .stacks = sourcemaps_stacks(app->source_maps),
        .publish_ms = (uint32_t)app->config.publish_ms,
        .flush_ms = (uint32_t)app->config.flush_ms,
        .quiet_project_id = app->own_project_id,
        .quiet_flush_ms = !app->config.telemetry ? 0 : own_flush_ms(&app->config),
        .taps = app->taps,
        .tap_count = app->tap_count,
        .watch = { tails_begin, tails_row, tails_end, app->tails },
        .shown = { rows_shown, app },
        .log = app->log,
    };
}

bool app_worker_start(struct app *app, struct err *err)
{
    char path[1024];
    app_path(app, "log", path, sizeof path);
    struct buffers_options buffers = app_buffers_options(app);
    struct buffer_options buffer_options = {
        .dir = path,
        .segment_bytes = 64ull << 20,
        .disk_bytes_max = app->config.log_disk_bytes,
        .pending_bytes_max = app->budget.requests,
        .record_bytes_max = 65u << 20,
        .disk = &disk_real,
        .sink = { .record = sink_record, .ctx = app },
        .log = app->log,
    };
    if (!disk_real.ops->mkdir(&disk_real, path, err) || !buffer_open(&app->buffer, &buffer_options, err) ||
        !buffers_check_log(&buffers, app->buffer, err))
        return false;
    struct worker_options worker_options = app_worker_options(app);
    flush_app_id(buffer_id(app->buffer), 0, worker_options.partition.app_id);
    flush_owner_read(app->timefusion, &worker_options.partition);
    worker_options.position_start = buffer_position_released(app->buffer);
    worker_options.source =
        (struct worker_source){ .mark = on_mark, .release = on_release, .lost = on_lost, .ctx = app };
    worker_options.queue_bytes_max = app->budget.requests;
    if (!worker_open(&app->worker, &worker_options, err)) return false;
    app_watch(app, WATCH_REPLAYING);
    app->position_at_start = buffer_position_last(app->buffer);
    return log_replay(app, err) && worker_start(app->worker, err);
}

/* Own telemetry first: what it hands to the log last is flushed with the rest. */
void app_rows_store(struct app *app)
{
    struct err err = { 0 };
    telemetry_stop(app->telemetry);
    if (app->member) {
        member_close(app->member, 5000);
        app->member = NULL;
    }
    if (!app->worker || !app->ingest) return;
    app_again_settle(app);
    /* The log answers before it hands over: what was answered is on its way, and is waited for. */
    struct worker_stats stats;
    worker_stats(app->worker, &stats);
    uint64_t last = buffer_position_last(app->buffer);
    for (uint32_t ms = 0; last > app->position_at_start && stats.position_pushed < last && ms < 1000; ms++) {
        clock_sleep_ms(1);
        worker_stats(app->worker, &stats);
    }
    if (!worker_flush(app->worker, NULL, 5000, &err))
        log_warn(app->log, "app.flush_unfinished", log_text("err", err.text),
                 log_text("then", "the log keeps the rest for the next start"));
}
