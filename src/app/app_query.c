#include "app/app_inside.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include "ingest/rows_intake.h"
#include "ingest/rows_redact.h"
#include "meta/error.h"
#include "meta/meta.h"
#include "meta/meter.h"
#include "meta/pattern.h"
#include "meta/rollup.h"
#include "meta/statement_log.h"
#include "telemetry/telemetry.h"
#include "timefusion/pgwire/pgwire.h"
#include "timefusion/query/query.h"
#include "worker/drafts.h"
#include "worker/worker.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool key_let_in(struct app *app, const struct meta_key *key, struct pgwire_user *who, struct err *err)
{
    struct meta_project project;
    struct err missing = { 0 };
    if ((key->scopes & META_SCOPE_QUERY) == 0)
        return err_set(err, ERR_FORBIDDEN,
                       "this API key is not for asking (scope query): ask with another key of the project");
    who->project_id = key->project_id;
    who->key_id = key->id;
    snprintf(who->name, sizeof who->name, "%s", key->name);
    if ((key->scopes & (META_SCOPE_INGEST | META_SCOPE_ADMIN)) == 0)
        strcpy(who->read_only_why, "this API key has scope query alone");
    who->is_operator = meta_project_find(app->meta, bytes_of_text(APP_OWN_PROJECT), &project, &missing) &&
                       uuid_equal(project.id, key->project_id);
    return true;
}

static bool key_begin(void *ctx, struct bytes user, struct scram_verifier *verifier)
{
    struct app *app = ctx;
    *verifier = (struct scram_verifier){ .rounds = META_KEY_ROUNDS };
    return meta_key_salt(app->meta, user, verifier->salt);
}

static bool is_right(const void *server, const uint8_t stored_key[SHA256_BYTES])
{
    return scram_server_is_right(server, stored_key);
}

static bool key_end(void *ctx, struct bytes user, const struct scram_server *server, uint8_t server_key[SHA256_BYTES],
                    struct pgwire_user *who, struct err *err)
{
    struct app *app = ctx;
    struct meta_key key;
    if (!meta_check_current(app->meta, err)) return false;
    if (!meta_key_find_proved(app->meta, user, is_right, server, &key, server_key))
        return err_set(err, ERR_UNAUTHENTICATED,
                       "unknown API key; the user is a project, the password is one of its API keys");
    return key_let_in(app, &key, who, err);
}

/* The key is what counts; a user that names another project than the key's is a mistake worth telling. */
static bool login(void *ctx, struct bytes user, struct bytes password, struct pgwire_user *who, struct err *err)
{
    struct app *app = ctx;
    struct meta_key key;
    struct meta_project project;
    struct err missing = { 0 };
    if (!meta_check_current(app->meta, err)) return false;
    if (!meta_key_find(app->meta, password, &key))
        return err_set(err, ERR_UNAUTHENTICATED, "unknown API key; the password is an API key of the project");
    if (meta_project_find(app->meta, user, &project, &missing) && !uuid_equal(project.id, key.project_id))
        return err_set(err, ERR_UNAUTHENTICATED, "this API key is not of project \"%.*s\"", (int)user.len,
                       (const char *)user.ptr);
    return key_let_in(app, &key, who, err);
}

/* A request is acknowledged a moment before the worker gets it: the log says how far it must come. */
static bool flush_now(void *ctx, uint64_t *ticket, uint32_t timeout_ms, struct err *err)
{
    struct app *app = ctx;
    if (app->kafka) return app_kafka_flush(app, ticket, timeout_ms, err);
    if (*ticket == 0) *ticket = buffer_position_last(app->buffer);
    /* Released is in the tables: after a start that had nothing to replay the worker has met none of it. */
    if (*ticket <= buffer_position_released(app->buffer)) return true;
    return worker_flush(app->worker, ticket, timeout_ms, err);
}

static bool texts_forget(void *ctx, struct uuid project_id, struct err *err)
{
    struct app *app = ctx;
    return rollup_values_forget(meta_db(app->meta), project_id, err) &&
           pattern_samples_forget(meta_db(app->meta), project_id, err) &&
           error_events_forget(meta_db(app->meta), project_id, err);
}

static bool log_roll(void *ctx, struct err *err)
{
    struct app *app = ctx;
    if (app->kafka) return err_set(err, ERR_UNSUPPORTED, "it is Kafka's topic: until its retention ends");
    return buffer_roll(app->buffer, err);
}

static bool stats_lines(void *ctx, struct buf *lines)
{
    struct app *app = ctx;
    return telemetry_lines(app->telemetry, lines);
}

static bool query_admit(void *ctx, struct uuid project_id, struct err *err)
{
    struct app *app = ctx;
    return meter_query_begin(app->meter, project_id, (struct uuid){ 0 }, err);
}

static void query_ran(void *ctx, const struct query_ran *ran)
{
    struct app *app = ctx;
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(ran->client->actor_id, id);
    struct statement_row row = {
        .project_id = ran->project_id,
        .at_unix_us = ran->begun_unix_us,
        .actor_kind = bytes_of_text(ran->client->actor_kind),
        .actor_id = bytes_of_text(id),
        .actor_name = bytes_of_text(ran->client->actor_name),
        .address = bytes_of_text(ran->client->address),
        .via = bytes_of_text(ran->client->via),
        .session = ran->client->pid,
        .operation = bytes_of_text(ran->operation),
        .statement = app->config.statement_literals ? ran->text : ran->shape,
        .duration_us = (int64_t)(ran->duration_ns / 1000),
        .waited_us = (int64_t)(ran->waited_ns / 1000),
        .row_count = (int64_t)ran->rows,
        .bytes = (int64_t)ran->bytes,
        .files_read = ran->files_read,
        .files_pruned = ran->files_pruned,
        .sqlstate = bytes_of_text(err_sqlstate(ran->failure)),
    };
    statement_log_add(app->statement_log, &row);
}

static void query_limits(void *ctx, struct uuid project_id, struct query_limits *limits)
{
    struct app *app = ctx;
    struct limit_values values;
    meter_limits(app->meter, project_id, NULL, &values);
    *limits = (struct query_limits){ .running_max = values.at[LIMIT_QUERIES_RUNNING],
                                     .seconds_max = values.at[LIMIT_QUERY_SECONDS],
                                     .bytes_max = values.at[LIMIT_QUERY_BYTES],
                                     .rows_max = values.at[LIMIT_QUERY_ROWS] };
}

static void query_ended(void *ctx, struct uuid project_id)
{
    struct app *app = ctx;
    meter_query_end(app->meter, project_id);
}

/* INSERT and COPY FROM go the way of requests. */
static bool rows_keep(void *ctx, const struct query_rows *rows, struct err *err)
{
    struct app *app = ctx;
    const struct rows_intake intake = { app->buffer, app->meter, app->redactor };
    const struct rows_arrival arrival = { .project_id = rows->project_id,
                                          .key_id = rows->key_id,
                                          .batch = rows->batch,
                                          .logs = rows->logs,
                                          .spans = rows->spans,
                                          .points = rows->points };
    return rows_intake(&intake, &arrival, err);
}

static bool rows_show(void *ctx, struct uuid project_id, uint64_t *ticket, uint32_t timeout_ms, struct err *err)
{
    struct app *app = ctx;
    if (app->kafka) return app_kafka_flush(app, ticket, timeout_ms, err);
    if (*ticket == 0) *ticket = buffer_position_last(app->buffer);
    return worker_show(app->worker, project_id, *ticket, timeout_ms, err);
}

static bool rows_draft(void *ctx, const struct query_draft *draft, struct query_drafted *out, struct err *err)
{
    struct app *app = ctx;
    struct drafted drafted[SCHEMA_TABLE_COUNT];
    struct bytes batch = draft->batch;
    if (!rows_redact(app->redactor, draft->project_id, &batch, NULL, err)) return false;
    bool ok = drafts_make(app->drafts, draft->project_id, batch, draft->received_unix_us, drafted, err);
    free((void *)(uintptr_t)batch.ptr);
    for (uint32_t id = 0; ok && id < SCHEMA_TABLE_COUNT; id++) {
        out->files[id] = drafted[id].files;
        out->file_count[id] = drafted[id].count;
    }
    return ok;
}

static void drafts_start(struct app *app)
{
    struct worker_options worker = app_worker_options(app);
    app->drafts =
        drafts_create(app->timefusion, &(struct rows_options){ .attribute_keys_max = worker.attribute_keys_max,
                                                               .attribute_keys_of = worker.attribute_keys_of,
                                                               .ctx = worker.attribute_keys_ctx,
                                                               .rules = worker.rules,
                                                               .stacks = worker.stacks });
}

bool app_query_start(struct app *app, struct err *err)
{
    char path[1024], rollups[1024];
    app_path(app, "tmp/query", path, sizeof path);
    app_path(app, "rollups", rollups, sizeof rollups);
    struct query_options query_options = {
        .timefusion = app->timefusion,
        .hooks = { .flush = flush_now,
                   .log_roll = log_roll,
                   .forget = texts_forget,
                   .stats = stats_lines,
                   .admit = query_admit,
                   .ended = query_ended,
                   .limits = query_limits,
                   .keep = rows_keep,
                   .show = rows_show,
                   .draft = rows_draft,
                   .ran = query_ran,
                   .ctx = app,
                   .maintenance = app->maintenance },
        .memory_bytes_max = app->budget.query,
        .write_bytes_max = app->budget.requests,
        .threads = 2,
        .slots = (uint32_t)app->config.query_slots,
        .temp_dir = path,
        .rollup_dir = rollups,
        .log = app->log,
    };
    struct pgwire_options pgwire_options = {
        .address = app->config.listen,
        .port = (uint16_t)app->config.pg_port,
        .connections_max = (uint32_t)app->config.pg_connections,
        .login = { .login = login,
                   .key_begin = key_begin,
                   .key_end = key_end,
                   .person_begin = app_person_begin,
                   .person_end = app_person_end,
                   .still = app_login_still,
                   .changes = app_sql_changes,
                   .ctx = app },
        .tls = app->tls,
        .log = app->log,
    };
    drafts_start(app);
    if (!disk_real.ops->mkdir(&disk_real, path, err) || !query_engine_open(&app->query, &query_options, err))
        return false;
    pgwire_options.engine = app->query;
    if (!pgwire_server_open(&app->pgwire, &pgwire_options, err))
        return err_within(err, "SQL port %" PRIu64 " (another port: --pg-port)", app->config.pg_port);
    app->address.pg_port = pgwire_server_port(app->pgwire);
    return true;
}
