/* The REST API: what its handlers get of the parts, opened when all of them are. */
#include "app/app_inside.h"
#include "meta/meta.h"
#include "meta/share.h"
#include "peers/peers.h"
#include "telemetry/telemetry.h"
#include "web/api/api.h"

static bool stats_lines(void *ctx, struct buf *lines)
{
    struct app *app = ctx;
    return telemetry_lines(app->telemetry, lines);
}

static void tail_pull(void *ctx, struct tail *tail)
{
    peers_tail(((struct app *)ctx)->peers, tail);
}

bool app_api_start(struct app *app, struct err *err)
{
    struct api_options options = {
        .parts = { .meta = app->meta,
                   .db = meta_db(app->meta),
                   .query = app->query,
                   .meter = app->meter,
                   .intake = app->intake,
                   .parked = app->worker != NULL ? app_parked_each : NULL,
                   .llm = app->llm,
                   .channels = app->channels,
                   .ask_model_wait_ms = (uint32_t)app->config.ask_model_wait_ms,
                   .tails = app->roles & ROLE_QUERY ? app->tails : NULL,
                   .source_maps = app->source_maps,
                   .objects = app->store.objects,
                   .tail_pull = app->peers ? tail_pull : NULL,
                   .version = MONO_VERSION,
                   .has_tls = app->web_tls != NULL,
                   .accounts = app->accounts,
                   .oidc = app->oidc,
                   .public_url = app->config.public_url,
                   .own_project = APP_OWN_PROJECT,
                   .retention_days_default = app_days_kept(&app->config),
                   .log = app->log,
                   .stats = stats_lines,
                   .ctx = app },
    };
    if (app->config.shares) {
        if (!secret_find(meta_db(app->meta), SHARE_SECRET, app->share_secret, err)) return err_within(err, "links");
        options.parts.share_secret = app->share_secret;
    }
    if (!api_open(&app->api, &options, err)) return err_within(err, "API");
    web_set_api(app->web, app->api);
    return true;
}
