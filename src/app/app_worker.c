#include "app/app_inside.h"
#include "base/clock.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include "telemetry/telemetry.h"
#include "timefusion/delta/delta.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"
#include "worker/worker.h"
#include <inttypes.h>
#include <stdio.h>

#define OWN_FLUSH_MS 600000 /* its rows alone are no reason to commit more often */

static void sink_record(void *ctx, const struct buffer_record *record, void *request)
{
    struct app *app = ctx;
    if (request) {
        worker_push(app->worker, record, request);
        return;
    }
    app->address.replayed_records++;
    if (!app->replay_failed && !worker_replay(app->worker, record, &app->replay_err)) app->replay_failed = true;
}

static bool body_park(struct app *app, const struct worker_failed *failed, struct err *err)
{
    struct disk_file *file;
    char dir[1024], path[1100];
    app_path(app, "parked", dir, sizeof dir);
    snprintf(path, sizeof path, "%s/%020" PRIu64 ".otlp", dir, failed->record.position);
    log_error(app->log, "worker.record_parked", log_text("file", path), log_text("err", failed->reason));
    if (!disk_real.ops->mkdir(&disk_real, dir, err) ||
        !disk_real.ops->open(&disk_real, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err))
        return false;
    bool ok = disk_real.ops->pwrite(file, 0, &failed->record.body, 1, err) && disk_real.ops->sync(file, err);
    disk_real.ops->close(file);
    return ok && disk_real.ops->sync_dir(&disk_real, dir, err);
}

/* In our own log there is nothing to wait for: what cannot be stored is parked. */
static bool on_mark(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count, struct err *err)
{
    (void)position;
    for (uint32_t f = 0; f < count; f++)
        if (!body_park(ctx, &failed[f], err)) return false;
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
    struct app *app = ctx;
    pthread_mutex_lock(&app->lock);
    app->failed = true;
    app->failure = *err;
    pthread_mutex_unlock(&app->lock);
}

/* A log that ends below what a table already holds from it is not the log the table was fed from. */
static bool log_check(struct app *app, struct err *err)
{
    char app_id[96];
    flush_app_id(buffer_id(app->buffer), 0, app_id);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(app->timefusion, t));
        int64_t txn = delta_snapshot_txn(snapshot, app_id);
        delta_snapshot_release(snapshot);
        if (txn >= 0 && (uint64_t)txn > buffer_position_last(app->buffer))
            return err_set(err, ERR_CORRUPT,
                           "table \"%s\" holds records up to %" PRId64
                           " of the log in \"%s/log\", which ends at %" PRIu64
                           ": the log was restored from an older copy; move it away to start a new one",
                           schema_table(t)->name, txn, app->config.data, buffer_position_last(app->buffer));
    }
    return true;
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

bool app_worker_start(struct app *app, struct err *err)
{
    char path[1024];
    app_path(app, "log", path, sizeof path);
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
        !log_check(app, err))
        return false;
    struct flush_owner partition = { 0 };
    flush_app_id(buffer_id(app->buffer), 0, partition.app_id);
    flush_owner_read(app->timefusion, &partition);
    app->worker_memory.columns_bytes_max = app->budget.columns;
    struct worker_options worker_options = {
        .timefusion = app->timefusion,
        .partition = partition,
        .position_start = buffer_position_released(app->buffer),
        .source = { .mark = on_mark, .release = on_release, .lost = on_lost, .ctx = app },
        .memory = &app->worker_memory,
        .queue_bytes_max = app->budget.requests,
        .attribute_keys_max = (uint32_t)app->config.attribute_keys,
        .publish_ms = (uint32_t)app->config.publish_ms,
        .flush_ms = (uint32_t)app->config.flush_ms,
        .quiet_project_id = app->own_project_id,
        .quiet_flush_ms = !app->config.telemetry ? 0 : own_flush_ms(&app->config),
        .taps = app->taps,
        .tap_count = app->tap_count,
        .log = app->log,
    };
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
    if (!app->worker || !app->ingest) return;
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
