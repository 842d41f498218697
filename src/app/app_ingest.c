#include "app/app_inside.h"
#include "base/clock.h"
#include "ingest/ingest.h"
#include "meta/meta.h"
#include "net/admission.h"
#include "net/grpc.h"
#include "net/http.h"
#include "net/loop.h"
#include "timefusion/pgwire/pgwire.h"
#include <inttypes.h>

#define REQUEST_BYTES_MAX (64u << 20)

static bool key_find(void *ctx, struct bytes secret, struct ingest_key *out)
{
    struct app *app = ctx;
    struct meta_key key;
    if (!meta_key_find(app->meta, secret, &key)) return false;
    *out = (struct ingest_key){ key.project_id, key.id, .is_browser = key.origins[0] != '\0',
                                .is_for_asking = (key.scopes & META_SCOPE_INGEST) == 0 };
    return true;
}

static bool key_find_ended(void *ctx, struct bytes secret, struct ingest_key *out)
{
    struct app *app = ctx;
    struct meta_key key;
    if (!meta_key_find_ended(app->meta, secret, &key)) return false;
    *out = (struct ingest_key){ key.project_id, key.id, .is_browser = key.origins[0] != '\0' };
    return true;
}

static bool keys_are_current(void *ctx)
{
    struct app *app = ctx;
    return meta_is_current(app->meta);
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
        .handler = { .call = ingest_call, .ctx = app->ingest, .refused = ingest_call_refused },
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

bool app_ingest_start(struct app *app, struct err *err)
{
    struct ingest_options ingest_options = {
        .threads = 1,
        .memory_bytes_max = app->budget.requests,
        .buffer = app->buffer,
        .keys = { .find = key_find,
                  .find_ended = key_find_ended,
                  .is_current = keys_are_current,
                  .allows_origin = key_allows_origin,
                  .knows_origin = key_knows_origin,
                  .ctx = app },
        .meter = app->meter,
        .intake = app->intake,
        .asks_snapshots = app->roles == ROLE_ALL,
        .redactor = app->redactor,
        .log = app->log,
    };
    return ingest_open(&app->ingest, &ingest_options, err) && loop_open(&app->loop, err) && ports_open(app, err);
}

static bool ports_are_idle(const struct app *app)
{
    return (!app->grpc || grpc_server_is_idle(app->grpc)) && (!app->http || http_server_is_idle(app->http));
}

/* Ends the ports: calls in flight are answered, later ones meet a closed door. */
void app_ports_close(struct app *app, uint64_t begin_ns)
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
