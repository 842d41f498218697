#include "app/app_inside.h"
#include "telemetry/telemetry.h"
#include <inttypes.h>

bool app_telemetry_open(struct app *app, const struct log *log, struct err *err)
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

bool app_web_start(struct app *app, struct err *err)
{
    struct web_options options = {
        .address = app->config.listen,
        .port = (uint16_t)app->config.web_port,
        .tls = app->web_tls,
        .upload_bytes_max = app_upload_bytes_max(app),
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

/* What is open so far may be looked at. */
void app_watch(struct app *app, enum watch_phase phase)
{
    watch_set(&app->watch, phase,
              &(struct watch_parts){ .meta = app->meta,
                                     .meter = app->meter,
                                     .intake = app->intake,
                                     .redactor = app->redactor,
                                     .llm = app->llm,
                                     .store = app->store.objects,
                                     .timefusion = app->timefusion,
                                     .cache = app->cache,
                                     .maintenance = app->maintenance,
                                     .buffer = app->buffer,
                                     .rollups = app->rollups,
                                     .patterns = app->patterns,
                                     .errors = app->errors,
                                     .replays = app->replays,
                                     .issues = app_issues_grouper(app),
                                     .tails = app->tails,
                                     .source_maps = app->source_maps,
                                     .worker = app->worker,
                                     .kafka = app->kafka,
                                     .member = app->member,
                                     .peers = app->peers,
                                     .peer_server = app->peer_server,
                                     .pgwire = app->pgwire,
                                     .ingest = app->ingest,
                                     .admission = app->admission,
                                     .grpc = app->grpc,
                                     .http = app->http,
                                     .api = app->api,
                                     .accounts = app->accounts });
}
