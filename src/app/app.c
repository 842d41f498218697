#include "app/app_inside.h"
#include "base/clock.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include "channels/channels.h"
#include "meta/accounts.h"
#include "meta/meta.h"
#include "net/tls.h"
#include "peers/peer_server.h"
#include "peers/peers.h"
#include "sourcemaps/sourcemaps.h"
#include "telemetry/telemetry.h"
#include "timefusion/cache/cache.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/pgwire/pgwire.h"
#include "timefusion/query/query.h"
#include "timefusion/timefusion.h"
#include "web/api/api.h"
#include "web/oidc/oidc.h"
#include "worker/drafts.h"
#include "worker/errors/errors.h"
#include "worker/patterns/patterns.h"
#include "worker/replay/replays.h"
#include "worker/rollup/rollup.h"
#include "worker/worker.h"
#include <stdlib.h>

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
    struct tls_files web_files = { files.cert, files.key, NULL };
    if (!tls_context_open(&app->tls, &files, app->log, err) ||
        (config->web_tls && !tls_context_open(&app->web_tls, &web_files, app->log, err)))
        return err_within(err, "TLS");
    app->address.has_web_tls = app->web_tls != NULL;
    app->address.has_tls = true;
    tls_context_name(app->tls, strcmp(config->listen, "0.0.0.0") == 0 ? "127.0.0.1" : config->listen,
                     app->address.tls_name, sizeof app->address.tls_name);
    return true;
}

/* Which parts there will be. Roles apart from each other meet in Kafka and in the metadata. */
static bool roles_find(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    if (!roles_read(config->role, &app->roles, err)) return false;
    if (app->roles == ROLE_ALL) return true;
    if (config->kafka_brokers[0] == '\0')
        return err_set(err, ERR_INPUT,
                       "--role %s without --kafka-brokers (or MONOSCOPE_KAFKA_BROKERS): our own log is for one process "
                       "with all roles",
                       config->role);
    if (config->database[0] == '\0')
        return err_set(err, ERR_INPUT,
                       "--role %s without --database (or MONOSCOPE_DATABASE_URL): all processes need the same metadata",
                       config->role);
    return true;
}

/* In the order the data takes; what our roles do not need stays closed. */
static bool parts_start(struct app *app, struct err *err)
{
    bool has_kafka = app->config.kafka_brokers[0] != '\0', is_worker = app->roles & ROLE_WORKER;
    bool is_query = app->roles & ROLE_QUERY, is_ingest = app->roles & ROLE_INGEST;
    if (is_worker || is_query) app->tails = tails_create(&(struct tails_options){ .bytes_max = app->budget.tails });
    if (is_worker) app_patterns_start(app);
    if ((is_worker || is_query) && !(app_store_start(app, err) && app_source_maps_start(app, err))) return false;
    if (is_worker && !app_replays_start(app, err)) return false;
    return (!(has_kafka && is_worker) || app_peers_serve(app, err)) && (!has_kafka || app_kafka_start(app, err)) &&
           (!is_worker ||
            (app_maintenance_open(app, err) && app_rollups_start(app, err) && app_errors_start(app, err) &&
             (has_kafka ? app_member_start(app, err) : app_worker_start(app, err)) && app_issues_start(app, err))) &&
           (!(has_kafka && is_query) || app_peers_follow(app, err)) && (!is_query || app_query_start(app, err)) &&
           (!is_ingest || app_ingest_start(app, err));
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
    bool ok = app_telemetry_open(app, log, err);
    span_begin(&app->start_span, app->log, NULL, SPAN_INTERNAL, "start");
    ok = ok && roles_find(app, err) && tls_start(app, err) && disk_real.ops->mkdir(&disk_real, config->data, err) &&
         app_web_start(app, err) && app_meta_start(app, err) && app_people_start(app, err) && app_llm_start(app, err) &&
         app_limits_start(app, err) && parts_start(app, err) && app_channels_start(app, err) &&
         app_monitors_start(app, err) && app_replay_backends_start(app, err) && app_api_start(app, err) &&
         app_agents_start(app, err) && app_findings_start(app, err) &&
         telemetry_start(app->telemetry, app->buffer, app->own_project_id, err) && app_kafka_look(app, err) &&
         (!app->maintenance || maintenance_start(app->maintenance, &rewriter, err));
    span_end(&app->start_span, app->log, ok ? NULL : err_name(err->code),
             LOG_FIELDS(log_number("replayed_records", (int64_t)app->address.replayed_records)));
    if (!ok) {
        app_stop(app);
        *out = NULL;
        return false;
    }
    app_watch(app, WATCH_RUNNING);
    services_set(&app->services, true);
    app->address.start_ms = (clock_mono_ns() - begin_ns) / 1000000;
    *out = app;
    return true;
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
    struct web_readiness readiness = { 0 };
    bool is_ready = true;
    if (app->timefusion) timefusion_trim(app->timefusion);
    app_again_tick(app);
    watch_ready(&app->watch, &readiness);
    for (uint32_t i = 0; i < readiness.part_count; i++) is_ready = is_ready && readiness.parts[i].is_ready;
    services_set(&app->services, is_ready); /* gRPC's health checks and /readyz say the same */
}

void app_reload(struct app *app)
{
    struct err err = { 0 };
    if (app->tls == NULL) {
        log_info(app->log, "app.reloaded", log_text("tls", "none"));
    } else if (tls_context_reload(app->tls, &err) && (app->web_tls == NULL || tls_context_reload(app->web_tls, &err)) &&
               (app->peer_tls == NULL || tls_context_reload(app->peer_tls, &err))) {
        log_info(app->log, "app.reloaded", log_text("tls", app->config.tls_cert));
    } else {
        log_error(app->log, "tls.reload_failed", log_text("err", err.text),
                  log_text("then", "the certificate that was loaded before stays in use"));
    }
}

void app_fail(struct app *app, const struct err *err)
{
    pthread_mutex_lock(&app->lock);
    if (!app->failed) app->failure = *err;
    app->failed = true;
    pthread_mutex_unlock(&app->lock);
}

bool app_has_failed(struct app *app, struct err *err)
{
    pthread_mutex_lock(&app->lock);
    bool failed = app->failed;
    if (failed) *err = app->failure;
    pthread_mutex_unlock(&app->lock);
    return failed;
}

/* Of the 10 s: 3 for calls in flight, 5 for the last flush, 2 for the telemetry's second target. */
void app_stop(struct app *app)
{
    if (!app) return;
    struct span span;
    uint64_t begin_ns = clock_mono_ns();
    span_begin(&span, app->log, NULL, SPAN_INTERNAL, "stop");
    app_watch(app, WATCH_STOPPING);
    services_set(&app->services, false);
    maintenance_cancel(app->maintenance);
    app_kafka_look_stop(app);
    app_replay_backends_stop(app);
    app_monitors_stop(app);
    app_issues_stop(app);
    app_findings_cancel(app);
    channels_stop(app->channels);
    app_agents_cancel(app);
    api_stop(app->api);
    app_findings_stop(app);
    app_agents_stop(app);
    app_ports_close(app, begin_ns);
    peer_server_close(app->peer_server); /* it asks the member */
    app->peer_server = NULL;
    maintenance_stop(app->maintenance);
    app_rows_store(app);
    store_cancel(&app->store); /* a bucket that does not answer must not keep us */
    worker_close(app->worker);
    query_engine_close(app->query);
    drafts_destroy(app->drafts);
    peers_close(app->peers); /* they ask Kafka */
    buffer_close(app->buffer);
    app_again_close(app);
    app_kafka_close(app);
    sourcemaps_close(app->source_maps);
    rollups_close(app->rollups); /* after all workers */
    patterns_close(app->patterns);
    replays_close(app->replays);
    errors_close(app->errors);
    maintenance_close(app->maintenance);
    timefusion_close(app->timefusion);
    locks_close(&app->locks);
    store_close(&app->store);
    cache_close(app->cache);
    app_limits_stop(app);
    channels_close(app->channels);
    app_llm_stop(app);
    accounts_close(app->accounts);
    oidc_close(app->oidc);
    meta_close(app->meta);
    web_close(app->web);
    api_close(app->api);
    tails_destroy(app->tails); /* after workers and readers */
    tls_context_close(app->tls);
    tls_context_close(app->web_tls);
    tls_context_close(app->peer_tls);
    log_info(app->log, "app.stopped", log_number("ms", (int64_t)((clock_mono_ns() - begin_ns) / 1000000)));
    span_end(&span, app->log, NULL, LOG_FIELDS());
    telemetry_close(app->telemetry);
    watch_deinit(&app->watch);
    pthread_mutex_destroy(&app->lock);
    free(app);
}
