#include "app/app.h"
#include "app/locks.h"
#include "app/services.h"
#include "app/store.h"
#include "app/watch.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/span.h"
#include "buffer/buffer.h"
#include "ingest/ingest.h"
#include "meta/meta.h"
#include "net/admission.h"
#include "net/grpc.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tls.h"
#include "telemetry/telemetry.h"
#include "timefusion/cache/cache.h"
#include "timefusion/delta/delta.h"
#include "timefusion/flush.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/pgwire/pgwire.h"
#include "timefusion/query/query.h"
#include "timefusion/timefusion.h"
#include "worker/otlp/inbound.h"
#include "worker/worker.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PROJECT "default"
#define KEY_FILE        "default.key"
#define OWN_PROJECT     "monoscope" /* the process's own telemetry */
#define OWN_KEY_FILE    "monoscope.key"
#define OWN_FLUSH_MS    600000 /* its rows alone are no reason to commit more often */

struct app {
    struct config config;
    struct budget budget;
    const struct log *log; /* own_log, for the parts */
    struct log own_log;    /* the caller's, and its events become telemetry */
    struct telemetry *telemetry;
    struct watch watch;
    struct web *web;
    struct span start_span;
    struct uuid own_project_id; /* all zero: own telemetry is not kept */
    uint64_t position_at_start; /* of the log's last record */
    struct meta *meta;
    struct store store;
    struct locks locks; /* of its tables */
    struct timefusion *timefusion;
    struct cache *cache; /* NULL: none */
    struct maintenance *maintenance;
    struct buffer *buffer;
    struct worker *worker;
    struct query_engine *query;
    struct pgwire_server *pgwire;
    struct ingest *ingest;
    struct loop *loop;
    struct tls_context *tls;     /* NULL: in the clear */
    struct admission *admission; /* of all intake ports */
    struct grpc_server *grpc;
    struct services services; /* of grpc */
    struct http_server *http;
    struct app_address address;
    bool replay_failed;
    struct err replay_err;
    pthread_mutex_t lock; /* guards failed, failure */
    bool failed;
    struct err failure;
};

static void path_in(const struct app *app, const char *name, char *path, size_t path_bytes)
{
    snprintf(path, path_bytes, "%s/%s", app->config.data, name);
}

/* The first key is kept beside the data, readable by its owner alone, so that `make run` can print it again. */
static bool key_file_write(const char *path, const char *secret, struct err *err)
{
    struct disk_file *file;
    if (!disk_real.ops->open(&disk_real, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err)) return false;
    struct bytes bytes = bytes_of_text(secret);
    bool ok = disk_real.ops->pwrite(file, 0, &bytes, 1, err) && disk_real.ops->sync(file, err);
    disk_real.ops->close(file);
    return ok;
}

static void key_file_read(const char *path, char *secret, size_t secret_bytes)
{
    struct disk_file *file;
    struct err ignored = { 0 };
    size_t len = 0;
    secret[0] = '\0';
    if (!disk_real.ops->open(&disk_real, path, DISK_READ, &file, &ignored)) return;
    if (disk_real.ops->pread(file, 0, secret, secret_bytes - 1, &len, &ignored)) secret[len] = '\0';
    disk_real.ops->close(file);
    secret[strcspn(secret, "\r\n")] = '\0';
}

/* Finds the project, or makes it with a first key beside the data. */
static bool project_begin(struct app *app, const char *name, const char *key_file, struct meta_project *project,
                          struct err *err)
{
    char path[1024], secret[META_SECRET_BYTES];
    struct meta_key key;
    struct err missing = { 0 };
    if (meta_project_find(app->meta, bytes_of_text(name), project, &missing)) return true;
    if (missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return false;
    }
    path_in(app, key_file, path, sizeof path);
    return meta_project_create(app->meta, name, project, err) &&
           meta_key_create(app->meta, project->id, "first key", &key, secret, err) && key_file_write(path, secret, err);
}

static bool meta_start(struct app *app, struct err *err)
{
    char path[1024];
    struct meta_project project, own;
    path_in(app, "meta.sqlite", path, sizeof path);
    if (!meta_open(&app->meta, path, app->log, err) || !project_begin(app, DEFAULT_PROJECT, KEY_FILE, &project, err))
        return false;
    if (app->config.telemetry) {
        if (!project_begin(app, OWN_PROJECT, OWN_KEY_FILE, &own, err)) return false;
        app->own_project_id = own.id;
    }
    path_in(app, KEY_FILE, path, sizeof path);
    key_file_read(path, app->address.key, sizeof app->address.key);
    snprintf(app->address.project, sizeof app->address.project, "%s", project.name);
    uuid_to_text(project.id, app->address.project_id);
    return true;
}

static bool tls_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    struct tls_files files = { config->tls_cert, config->tls_key, config->tls_client_ca };
    if (files.cert == NULL && files.key == NULL && files.client_ca == NULL) return true;
    if (files.cert == NULL) {
        return err_set(err, ERR_INPUT, "%s without --tls-cert (or MONOSCOPE_TLS_CERT): TLS needs a certificate",
                       files.key != NULL ? "--tls-key" : "--tls-client-ca");
    }
    if (files.key == NULL) {
        return err_set(err, ERR_INPUT,
                       "--tls-cert without --tls-key (or MONOSCOPE_TLS_KEY): TLS needs the key of \"%s\"", files.cert);
    }
    if (!tls_context_open(&app->tls, &files, app->log, err)) return err_within(err, "TLS");
    app->address.has_tls = true;
    tls_context_name(app->tls, strcmp(config->listen, "0.0.0.0") == 0 ? "127.0.0.1" : config->listen,
                     app->address.tls_name, sizeof app->address.tls_name);
    return true;
}

#define DISK_RESERVE_BYTES (1ull << 30)

/* Only before a bucket: a folder's bytes are in the kernel's cache already. What the log may still need of the disk stays
 * free. */
static bool cache_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    char path[1024];
    if (!app->store.aws) return true;
    if (config->cache_memory_bytes == 0 && config->cache_disk_bytes == 0) return true;
    budget_give_cache(&app->budget, config->cache_memory_bytes);
    path_in(app, "cache", path, sizeof path);
    struct cache_options options = {
        .dir = path,
        .scope = object_store_url(app->store.objects),
        .memory_bytes = app->budget.cache,
        .disk_bytes = config->cache_disk_bytes,
        .disk_reserve_bytes = config->log_disk_bytes + DISK_RESERVE_BYTES,
        .ttl_s = config->cache_ttl_ms / 1000,
        .disk = &disk_real,
        .log = app->log,
    };
    if (!cache_open(&app->cache, &options, err)) return err_within(err, "cache");
    app->store.objects = object_store_open_cached(app->store.objects, app->cache);
    return true;
}

static bool store_start(struct app *app, struct err *err)
{
    if (!store_open(&app->store, &app->config, app->log, err) || !cache_start(app, err) ||
        !locks_open(&app->locks, &app->store, app->log, err))
        return false;
    struct timefusion_options options = {
        .dir = app->config.data,
        .store = app->store.objects,
        .disk = &disk_real,
        .checkpoint_reader = query_checkpoint_reader(),
        .commit_stores = app->locks.stores,
        .commit_modes = app->locks.modes,
        .refresh_ms = 1000,
        .footer_bytes_max = app->budget.footers,
        .index_bytes_max = app->budget.index,
        .fetch_bytes_max = app->budget.fetched,
        .log = app->log,
    };
    return timefusion_open(&app->timefusion, &options, err);
}

static uint32_t days_kept(void *ctx, struct uuid project_id, enum schema_table_id table)
{
    const uint64_t day_ms = 86400000;
    struct app *app = ctx;
    uint32_t days;
    if (meta_retention_find(app->meta, project_id, schema_table(table)->name, &days)) return days;
    return (uint32_t)((app->config.retention_ms + day_ms - 1) / day_ms);
}

/* Requests that wait to become rows: the worker needs the machine. */
static bool intake_is_behind(void *ctx)
{
    struct app *app = ctx;
    struct worker_stats stats;
    worker_stats(app->worker, &stats);
    return stats.queue_bytes > app->budget.requests / 8 || stats.is_disk_failing;
}

static bool maintenance_begin(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    struct maintenance_options options = {
        .timefusion = app->timefusion,
        .is_on = config->maintenance,
        .interval_ms = (uint32_t)config->maintenance_ms,
        .vacuum_every_ms = config->vacuum_ms,
        .vacuum_keep_ms = (int64_t)config->vacuum_keep_ms,
        .recode_after_ms = config->recode_after_ms,
        .memory_bytes_max = app->budget.maintenance,
        .days_kept = days_kept,
        .is_behind = intake_is_behind,
        .ctx = app,
        .log = app->log,
    };
    return maintenance_open(&app->maintenance, &options, err);
}

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

static void on_release(void *ctx, uint64_t position)
{
    struct app *app = ctx;
    struct err err = { 0 };
    /* Not released is not lost: a replay skips what the tables hold. */
    if (!buffer_release(app->buffer, position, &err))
        log_warn(app->log, "buffer.release_failed", log_number("position", (int64_t)position),
                 log_text("err", err.text));
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

/* What is open so far may be looked at. */
static void watch_parts(struct app *app, enum watch_phase phase)
{
    watch_set(&app->watch, phase,
              &(struct watch_parts){ .meta = app->meta,
                                     .store = app->store.objects,
                                     .timefusion = app->timefusion,
                                     .cache = app->cache,
                                     .maintenance = app->maintenance,
                                     .buffer = app->buffer,
                                     .worker = app->worker,
                                     .pgwire = app->pgwire,
                                     .ingest = app->ingest,
                                     .admission = app->admission,
                                     .grpc = app->grpc,
                                     .http = app->http });
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

static bool log_start(struct app *app, struct err *err)
{
    char path[1024], parked[1024];
    path_in(app, "log", path, sizeof path);
    path_in(app, "parked", parked, sizeof parked);
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
    struct worker_options worker_options = {
        .timefusion = app->timefusion,
        .buffer_id = buffer_id(app->buffer),
        .partition = 0,
        .parked_dir = parked,
        .disk = &disk_real,
        .columns_bytes_max = app->budget.columns,
        .queue_bytes_max = app->budget.requests,
        .attribute_keys_max = (uint32_t)app->config.attribute_keys,
        .publish_ms = (uint32_t)app->config.publish_ms,
        .flush_ms = (uint32_t)app->config.flush_ms,
        .quiet_project_id = app->own_project_id,
        .quiet_flush_ms = !app->config.telemetry ? 0 : own_flush_ms(&app->config),
        .release = on_release,
        .lost = on_lost,
        .ctx = app,
        .log = app->log,
    };
    if (!worker_open(&app->worker, &worker_options, err)) return false;
    watch_parts(app, WATCH_REPLAYING);
    app->position_at_start = buffer_position_last(app->buffer);
    return log_replay(app, err) && worker_start(app->worker, err);
}

/* The key is what counts; a user that names another project than the key's is a mistake worth telling. */
static bool login(void *ctx, struct bytes user, struct bytes password, struct pgwire_user *who, struct err *err)
{
    struct app *app = ctx;
    struct meta_key key;
    struct meta_project project;
    struct err missing = { 0 };
    if (!meta_key_find(app->meta, password, &key))
        return err_set(err, ERR_UNAUTHENTICATED, "unknown API key; the password is an API key of the project");
    if (key.is_ingest_only)
        return err_set(err, ERR_FORBIDDEN, "this API key is for sending only: ask with another key of the project");
    if (meta_project_find(app->meta, user, &project, &missing) && !uuid_equal(project.id, key.project_id))
        return err_set(err, ERR_UNAUTHENTICATED, "this API key is not of project \"%.*s\"", (int)user.len,
                       (const char *)user.ptr);
    who->project_id = key.project_id;
    who->is_operator = meta_project_find(app->meta, bytes_of_text(OWN_PROJECT), &project, &missing) &&
                       uuid_equal(project.id, key.project_id);
    return true;
}

/* A request is acknowledged a moment before the worker gets it: the log says how far it must come. */
static bool flush_now(void *ctx, uint64_t *ticket, uint32_t timeout_ms, struct err *err)
{
    struct app *app = ctx;
    if (*ticket == 0) *ticket = buffer_position_last(app->buffer);
    /* Released is in the tables: after a start that had nothing to replay the worker has met none of it. */
    if (*ticket <= buffer_position_released(app->buffer)) return true;
    return worker_flush(app->worker, ticket, timeout_ms, err);
}

static bool log_roll(void *ctx, struct err *err)
{
    struct app *app = ctx;
    return buffer_roll(app->buffer, err);
}

static bool stats_lines(void *ctx, struct buf *lines)
{
    struct app *app = ctx;
    return telemetry_lines(app->telemetry, lines);
}

static bool query_start(struct app *app, struct err *err)
{
    char path[1024];
    path_in(app, "tmp/query", path, sizeof path);
    struct query_options query_options = {
        .timefusion = app->timefusion,
        .hooks = { .flush = flush_now,
                   .log_roll = log_roll,
                   .stats = stats_lines,
                   .ctx = app,
                   .maintenance = app->maintenance },
        .memory_bytes_max = app->budget.query,
        .threads = 2,
        .temp_dir = path,
        .log = app->log,
    };
    struct pgwire_options pgwire_options = {
        .address = app->config.listen,
        .port = (uint16_t)app->config.pg_port,
        .connections_max = (uint32_t)app->config.pg_connections,
        .login = { .login = login, .ctx = app },
        .tls = app->tls,
        .log = app->log,
    };
    if (!disk_real.ops->mkdir(&disk_real, path, err) || !query_engine_open(&app->query, &query_options, err))
        return false;
    pgwire_options.engine = app->query;
    if (!pgwire_server_open(&app->pgwire, &pgwire_options, err))
        return err_within(err, "SQL port %" PRIu64 " (another port: --pg-port)", app->config.pg_port);
    app->address.pg_port = pgwire_server_port(app->pgwire);
    return true;
}

static bool key_find(void *ctx, struct bytes secret, struct ingest_key *out)
{
    struct app *app = ctx;
    struct meta_key key;
    if (!meta_key_find(app->meta, secret, &key)) return false;
    *out = (struct ingest_key){ key.project_id, key.id, .is_browser = key.origins[0] != '\0' };
    return true;
}

static bool key_allows_origin(void *ctx, struct bytes secret, struct bytes origin)
{
    struct app *app = ctx;
    struct meta_key key;
    return meta_key_find(app->meta, secret, &key) && origins_hold(key.origins, origin);
}

static bool key_knows_origin(void *ctx, struct bytes origin)
{
    struct app *app = ctx;
    return meta_origin_is_known(app->meta, origin);
}

#define REQUEST_BYTES_MAX (64u << 20)

static bool ports_open(struct app *app, struct err *err)
{
    app->admission = admission_create(app->budget.wire);
    if (!services_open(&app->services, err)) return false;
    struct grpc_options grpc_options = {
        .address = app->config.listen,
        .port = (uint16_t)app->config.otlp_grpc_port,
        .message_bytes_max = REQUEST_BYTES_MAX,
        .admission = app->admission,
        .streams_max = 256,
        .tls = app->tls,
        .age_ms_max = (uint32_t)app->config.connection_age_ms,
        .handler = { .call = ingest_call, .ctx = app->ingest },
        .services = app->services.list,
        .service_count = SERVICES,
        .log = app->log,
    };
    struct http_options http_options = {
        .address = app->config.listen,
        .port = (uint16_t)app->config.otlp_http_port,
        .body_bytes_max = REQUEST_BYTES_MAX,
        .admission = app->admission,
        .tls = app->tls,
        .age_ms_max = (uint32_t)app->config.connection_age_ms,
        .handler = { .call = ingest_http, .refuse = ingest_http_refuse, .ctx = app->ingest },
        .log = app->log,
    };
    if (!grpc_server_open(&app->grpc, app->loop, &grpc_options, err))
        return err_within(err, "OTLP/gRPC port %" PRIu64 " (another port: --otlp-grpc-port)",
                          app->config.otlp_grpc_port);
    if (!http_server_open(&app->http, app->loop, &http_options, err))
        return err_within(err, "OTLP/HTTP port %" PRIu64 " (another port: --otlp-http-port)",
                          app->config.otlp_http_port);
    app->address.otlp_grpc_port = grpc_server_port(app->grpc);
    app->address.otlp_http_port = http_server_port(app->http);
    return true;
}

static bool ingest_start(struct app *app, struct err *err)
{
    struct ingest_options ingest_options = {
        .threads = 1,
        .memory_bytes_max = app->budget.requests,
        .buffer = app->buffer,
        .keys = { .find = key_find, .allows_origin = key_allows_origin, .knows_origin = key_knows_origin, .ctx = app },
        .log = app->log,
    };
    return ingest_open(&app->ingest, &ingest_options, err) && loop_open(&app->loop, err) && ports_open(app, err);
}

static bool telemetry_begin(struct app *app, const struct log *log, struct err *err)
{
    struct telemetry_options options = {
        .interval_ms = (uint32_t)app->config.telemetry_ms,
        .version = MONO_VERSION,
        .is_kept = app->config.telemetry,
        .endpoint = app->config.telemetry_endpoint,
        .headers = app->config.telemetry_headers,
        .collect = watch_collect,
        .ctx = &app->watch,
        .log = log,
    };
    if (!telemetry_open(&app->telemetry, &options, err))
        return err_within(err, "--telemetry-endpoint and --telemetry-headers");
    app->own_log = *log;
    app->own_log.sink = telemetry_sink(app->telemetry);
    app->log = &app->own_log;
    return true;
}

static bool web_start(struct app *app, struct err *err)
{
    struct web_options options = {
        .address = app->config.listen,
        .port = (uint16_t)app->config.web_port,
        .telemetry = app->telemetry,
        .ready = watch_ready,
        .ctx = &app->watch,
        .log = app->log,
    };
    if (!web_open(&app->web, &options, err))
        return err_within(err, "HTTP port %" PRIu64 " (another port: --web-port)", app->config.web_port);
    app->address.web_port = web_port(app->web);
    return true;
}

bool app_start(struct app **out, const struct config *config, const struct log *log, struct err *err)
{
    struct app *app = mem_calloc(1, sizeof *app);
    uint64_t begin_ns = clock_mono_ns();
    app->config = *config;
    app->budget = budget_share(config->memory_bytes);
    app->log = log;
    pthread_mutex_init(&app->lock, NULL);
    watch_init(&app->watch, &app->budget, config->log_disk_bytes);
    struct rewriter rewriter = query_rewriter();
    bool ok = telemetry_begin(app, log, err);
    span_begin(&app->start_span, app->log, NULL, SPAN_INTERNAL, "start");
    ok = ok && tls_start(app, err) && disk_real.ops->mkdir(&disk_real, config->data, err) && web_start(app, err) &&
         meta_start(app, err) && store_start(app, err) && maintenance_begin(app, err) && log_start(app, err) &&
         query_start(app, err) && ingest_start(app, err) &&
         telemetry_start(app->telemetry, app->buffer, app->own_project_id, err) &&
         maintenance_start(app->maintenance, &rewriter, err);
    span_end(&app->start_span, app->log, ok ? NULL : err_name(err->code),
             LOG_FIELDS(log_number("replayed_records", (int64_t)app->address.replayed_records)));
    if (!ok) {
        app_stop(app);
        *out = NULL;
        return false;
    }
    watch_parts(app, WATCH_RUNNING);
    services_set(&app->services, true);
    app->address.start_ms = (clock_mono_ns() - begin_ns) / 1000000;
    *out = app;
    return true;
}

bool app_project_name_check(const char *name, struct err *err)
{
    return strcmp(name, OWN_PROJECT) != 0 ||
           err_set(err, ERR_EXISTS, "project \"%s\" is the server's own: it is made at a start with --telemetry on",
                   name);
}

const struct log *app_log(const struct app *app)
{
    return app->log;
}

void app_address(const struct app *app, struct app_address *address)
{
    *address = app->address;
}

void app_tick(struct app *app)
{
    struct err err = { 0 };
    if (!meta_refresh(app->meta, &err)) log_warn(app->log, "meta.refresh_failed", log_text("err", err.text));
    struct web_readiness readiness = { 0 };
    bool is_ready = true;
    watch_ready(&app->watch, &readiness);
    for (uint32_t i = 0; i < readiness.part_count; i++) is_ready = is_ready && readiness.parts[i].is_ready;
    services_set(&app->services, is_ready); /* gRPC's health checks and /readyz say the same */
}

void app_reload(struct app *app)
{
    struct err err = { 0 };
    if (app->tls == NULL) {
        log_info(app->log, "app.reloaded", log_text("tls", "none"));
    } else if (tls_context_reload(app->tls, &err)) {
        log_info(app->log, "app.reloaded", log_text("tls", app->config.tls_cert));
    } else {
        log_error(app->log, "tls.reload_failed", log_text("err", err.text),
                  log_text("then", "the certificate that was loaded before stays in use"));
    }
}

bool app_has_failed(struct app *app, struct err *err)
{
    pthread_mutex_lock(&app->lock);
    bool failed = app->failed;
    if (failed) *err = app->failure;
    pthread_mutex_unlock(&app->lock);
    return failed;
}

static bool ports_are_idle(const struct app *app)
{
    return (!app->grpc || grpc_server_is_idle(app->grpc)) && (!app->http || http_server_is_idle(app->http));
}

/* Ends the ports: calls in flight are answered, later ones meet a closed door. */
static void ports_close(struct app *app, uint64_t begin_ns)
{
    if (app->grpc) grpc_server_drain(app->grpc);
    if (app->http) http_server_drain(app->http);
    while (!ports_are_idle(app) && clock_mono_ns() - begin_ns < 3000000000ull) clock_sleep_ms(5);
    if (app->ingest) ingest_stop(app->ingest);
    loop_stop(app->loop);
    watch_set(&app->watch, WATCH_STOPPING, NULL);
    ingest_close(app->ingest);
    grpc_server_close(app->grpc);
    http_server_close(app->http);
    loop_close(app->loop);
    services_close(&app->services);
    admission_release(app->admission);
    pgwire_server_close(app->pgwire);
}

/* Own telemetry first: what it hands to the log last is flushed with the rest. */
static void rows_store(struct app *app)
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

/* Of the 10 s: 3 for calls in flight, 5 for the last flush, 2 for the telemetry's second target. */
void app_stop(struct app *app)
{
    if (!app) return;
    struct span span;
    uint64_t begin_ns = clock_mono_ns();
    span_begin(&span, app->log, NULL, SPAN_INTERNAL, "stop");
    watch_parts(app, WATCH_STOPPING);
    services_set(&app->services, false);
    maintenance_cancel(app->maintenance);
    ports_close(app, begin_ns);
    maintenance_stop(app->maintenance);
    rows_store(app);
    store_cancel(&app->store); /* a bucket that does not answer must not keep us */
    worker_close(app->worker);
    query_engine_close(app->query);
    buffer_close(app->buffer);
    maintenance_close(app->maintenance);
    timefusion_close(app->timefusion);
    locks_close(&app->locks);
    store_close(&app->store);
    cache_close(app->cache);
    meta_close(app->meta);
    web_close(app->web);
    tls_context_close(app->tls);
    log_info(app->log, "app.stopped", log_number("ms", (int64_t)((clock_mono_ns() - begin_ns) / 1000000)));
    span_end(&span, app->log, NULL, LOG_FIELDS());
    telemetry_close(app->telemetry);
    watch_deinit(&app->watch);
    pthread_mutex_destroy(&app->lock);
    free(app);
}
