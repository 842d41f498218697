/* Kafka as the buffer: the producer that requests go into, this process's place in the group of workers, and FLUSH over all of
 * the group's partitions. */
#include "app/app_inside.h"
#include "app/app_kafka.h"
#include "app/buffers.h"
#include "base/clock.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include "buffer/kafka/kafka_producer.h"
#include "ingest/rows_intake.h"
#include "peers/peers.h"
#include "timefusion/timefusion.h"
#include "worker/member.h"
#include "worker/otlp/inbound.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS        5000
#define MEMBER_LOOK_MS 1000
#define LOOK_SLICE_MS  100
#define FLUSH_POLL_MS  100

/* What is stored comes back by the group, to whichever process has its partition. */
static void sink_stored(void *ctx, const struct buffer_record *record, void *request)
{
    (void)ctx;
    if (record->signal == BUFFER_SIGNAL_ROWS) {
        rows_stored_release(request);
    } else {
        inbound_release(request);
    }
}

/* A name that stays over restarts as long as the data folder does. */
bool app_worker_name(const struct app *app, char name[APP_NAME_BYTES], struct err *err)
{
    char path[1024], id[UUID_TEXT_BYTES + 1] = "", host[65] = "";
    struct disk_file *file;
    size_t len = 0;
    struct uuid known;
    if (app->config.worker_name[0] != '\0') {
        snprintf(name, APP_NAME_BYTES, "%s", app->config.worker_name);
        return true;
    }
    app_path(app, "worker.id", path, sizeof path);
    if (!disk_real.ops->open(&disk_real, path, DISK_READ | DISK_WRITE | DISK_CREATE, &file, err)) return false;
    bool ok = disk_real.ops->pread(file, 0, id, UUID_TEXT_BYTES, &len, err);
    id[ok ? len : 0] = '\0';
    if (ok && !uuid_from_text(bytes_of_text(id), &known)) {
        uuid_to_text(uuid_random(), id);
        struct bytes text = bytes_of_text(id);
        ok = disk_real.ops->pwrite(file, 0, &text, 1, err) && disk_real.ops->sync(file, err);
    }
    disk_real.ops->close(file);
    if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "worker");
    snprintf(name, APP_NAME_BYTES, "%s-%.8s", host, id);
    return ok || err_within(err, "the worker's name (or set --worker-name)");
}

bool app_kafka_start(struct app *app, struct err *err)
{
    char client_id[200];
    app_client_id(app, client_id, sizeof client_id);
    if (!app_kafka_open(&app->kafka, &app->config, client_id, app->log, err)) return false;
    struct kafka_producer_options options = {
        .kafka = app->kafka,
        .pending_bytes_max = app->budget.requests / (app->roles & ROLE_WORKER ? 2 : 1),
        .delivery_ms = (uint32_t)app->config.kafka_delivery_ms,
        .sink = { .record = sink_stored, .ctx = app },
    };
    return kafka_producer_open(&app->buffer, &options, err) && buffer_start(app->buffer, err);
}

static void on_failed(void *ctx, const struct err *err)
{
    app_fail(ctx, err);
}

bool app_member_start(struct app *app, struct err *err)
{
    char name[APP_NAME_BYTES];
    struct buffers_options buffers = app_buffers_options(app);
    if (!buffers_check_kafka(&buffers, kafka_buffer_id(app->kafka, KAFKA_TELEMETRY),
                             kafka_topic_name(app->kafka, KAFKA_TELEMETRY), err) ||
        !app_worker_name(app, name, err))
        return false;
    struct member_options options = {
        .kafka = app->kafka,
        .name = name,
        .session_ms = (uint32_t)app->config.kafka_session_ms,
        .requests_bytes_max = app->budget.requests / (app->roles & ROLE_INGEST ? 2 : 1),
        .worker = app_worker_options(app),
        .failed = on_failed,
        .ctx = app,
    };
    if (!member_open(&app->member, &options, err)) return false;
    atomic_store(&app->flushable, app->member);
    return true;
}

bool app_member_leads(struct app *app)
{
    struct member_partition partitions[64];
    uint32_t count = member_partitions(app->member, partitions, COUNT_OF(partitions));
    for (uint32_t p = 0; p < count && p < COUNT_OF(partitions); p++)
        if (partitions[p].partition.topic == KAFKA_TELEMETRY && partitions[p].partition.number == 0) return true;
    return false;
}

/* Looks every few seconds: is it still the topic that it was, and how far do our partitions reach? */
static void *kafka_look_main(void *arg)
{
    struct app *app = arg;
    pthread_setname_np(pthread_self(), "kafka-look");
    for (uint32_t ms = 0; !atomic_load(&app->kafka_look_stops); ms += LOOK_SLICE_MS) {
        struct err err = { 0 };
        clock_sleep_ms(LOOK_SLICE_MS);
        if (ms % MEMBER_LOOK_MS == 0 && app->member && !member_look(app->member, &err))
            log_debug(app->log, "kafka.look_failed", log_text("err", err.text));
        if (ms % LOOK_MS != 0) continue;
        if (!kafka_check(app->kafka, &err) && (err.code == ERR_NOT_FOUND || err.code == ERR_CONFLICT))
            app_fail(app, &err);
    }
    return NULL;
}

bool app_kafka_look(struct app *app, struct err *err)
{
    if (!app->kafka) return true;
    errno = pthread_create(&app->kafka_look, NULL, kafka_look_main, app);
    app->kafka_look_runs = errno == 0;
    return app->kafka_look_runs || err_os(err, "could not start a thread");
}

void app_kafka_look_stop(struct app *app)
{
    atomic_store(&app->kafka_look_stops, true);
    if (app->kafka_look_runs) pthread_join(app->kafka_look, NULL);
    app->kafka_look_runs = false;
}

/* ---- FLUSH ---- */

/* Where each partition ends now: what the ticket stands for. */
static bool flush_begin(struct app *app, uint64_t *ticket, struct err *err)
{
    uint32_t count = kafka_partition_count(app->kafka, KAFKA_TELEMETRY);
    struct kafka_bounds *bounds = mem_calloc(count, sizeof *bounds);
    for (uint32_t p = 0; p < count; p++) bounds[p].partition = (struct kafka_partition){ KAFKA_TELEMETRY, p };
    if (!kafka_bounds(app->kafka, bounds, count, err)) {
        free(bounds);
        return false;
    }
    pthread_mutex_lock(&app->lock);
    struct app_flush *flush = &app->flushes[app->flush_next++ % COUNT_OF(app->flushes)];
    free(flush->bounds);
    *flush = (struct app_flush){ .ticket = app->flush_next, .count = count, .bounds = bounds };
    *ticket = flush->ticket;
    pthread_mutex_unlock(&app->lock);
    return true;
}

/* A copy of what the ticket waits for; NULL when too many came after it. */
static struct kafka_bounds *flush_bounds(struct app *app, uint64_t ticket, uint32_t *count)
{
    struct kafka_bounds *copy = NULL;
    pthread_mutex_lock(&app->lock);
    for (uint32_t f = 0; f < COUNT_OF(app->flushes); f++) {
        struct app_flush *flush = &app->flushes[f];
        if (flush->ticket != ticket) continue;
        *count = flush->count;
        copy = mem_alloc((flush->count + 1) * sizeof *copy);
        memcpy(copy, flush->bounds, flush->count * sizeof *copy);
    }
    pthread_mutex_unlock(&app->lock);
    return copy;
}

/* Whoever has them is asked to store what they hold, and the answers are waited for: a process that asks follows the workers. */
static void partitions_nudge(struct app *app, const struct kafka_bounds *asked, uint32_t count, uint64_t until_ns)
{
    struct peers_goal *goals = mem_calloc(count + 1, sizeof *goals);
    char(*app_ids)[FLUSH_APP_ID_BYTES] = mem_calloc(count + 1, sizeof *app_ids);
    struct err ignored = { 0 };
    uint64_t now_ns = clock_mono_ns();
    uint32_t goal_count = 0;
    for (uint32_t p = 0; p < count; p++) {
        if (asked[p].position_last == 0) continue;
        flush_app_id(kafka_buffer_id(app->kafka, KAFKA_TELEMETRY), asked[p].partition.number, app_ids[goal_count]);
        goals[goal_count] = (struct peers_goal){ app_ids[goal_count], asked[p].position_last };
        goal_count++;
    }
    if (now_ns < until_ns)
        (void)!peers_flush(app->peers, goals, goal_count, (uint32_t)((until_ns - now_ns) / 1000000), &ignored);
    free(app_ids);
    free(goals);
}

/* By a worker of ours, which is asked to store it now, or as the group was told. */
static bool partition_is_stored(struct app *app, const struct kafka_bounds *now, uint64_t position)
{
    char app_id[FLUSH_APP_ID_BYTES];
    struct err err = { 0 };
    if (position == 0 || (now->has_committed && now->position_committed >= position)) return true;
    flush_app_id(kafka_buffer_id(app->kafka, KAFKA_TELEMETRY), now->partition.number, app_id);
    if (app->member && (member_flush(app->member, app_id, position, 0, &err) || err.code != ERR_NOT_FOUND))
        return err.code == ERR_OK;
    return false;
}

bool app_kafka_flush(struct app *app, uint64_t *ticket, uint32_t timeout_ms, struct err *err)
{
    uint64_t until_ns = clock_mono_ns() + timeout_ms * 1000000ull;
    uint32_t count = 0, stored = 0;
    bool is_first = *ticket == 0, ok = true;
    if (is_first && !flush_begin(app, ticket, err)) return false;
    struct kafka_bounds *asked = flush_bounds(app, *ticket, &count);
    if (!asked) return err_set(err, ERR_BUSY, "too many statements wait for the tables at once; try again");
    struct kafka_bounds *now = mem_calloc(count + 1, sizeof *now);
    memcpy(now, asked, count * sizeof *now);
    if (app->peers) partitions_nudge(app, asked, count, until_ns);
    while (ok && stored < count) {
        struct err away = { 0 };
        (void)!kafka_bounds(app->kafka, now, count, &away); /* then nothing is known, and it is asked again */
        while (stored < count && partition_is_stored(app, &now[stored], asked[stored].position_last)) stored++;
        for (uint32_t p = stored + 1; is_first && p < count; p++) /* asked before the first is waited for */
            (void)!partition_is_stored(app, &now[p], asked[p].position_last);
        is_first = false;
        if (stored == count) break;
        if (clock_mono_ns() < until_ns) {
            clock_sleep_ms(FLUSH_POLL_MS);
            continue;
        }
        ok = err_set(err, ERR_TIMEOUT, "partition %" PRIu32 " of topic \"%s\" is not stored up to %" PRIu64 " yet",
                     stored, kafka_topic_name(app->kafka, KAFKA_TELEMETRY), asked[stored].position_last);
    }
    free(asked);
    free(now);
    /* What others have committed must be seen by who waited for it. */
    for (uint32_t t = 0; ok && t < SCHEMA_TABLE_COUNT; t++)
        ok = delta_refresh(timefusion_delta(app->timefusion, (enum schema_table_id)t), err);
    return ok;
}

void app_kafka_close(struct app *app)
{
    for (uint32_t f = 0; f < COUNT_OF(app->flushes); f++) free(app->flushes[f].bounds);
    kafka_close(app->kafka);
}
