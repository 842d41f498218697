/* Source maps: where minified stacks are resolved, and their uploads' limits. */
#include "app/app_inside.h"
#include "meta/meta.h"
#include "sourcemaps/sourcemaps.h"

#define UPLOAD_SHARE 8 /* of the whole memory: an upload takes some multiple of itself while it is read */

uint32_t app_upload_bytes_max(const struct app *app)
{
    uint64_t share = app->budget.memory / UPLOAD_SHARE;
    return share < SOURCEMAPS_UPLOAD_BYTES_MAX ? (uint32_t)share : SOURCEMAPS_UPLOAD_BYTES_MAX;
}

bool app_source_maps_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    const uint64_t day_ms = 86400000;
    struct sourcemaps_options options = {
        .db = meta_db(app->meta),
        .objects = app->store.objects,
        .bytes_max = app->budget.source_maps,
        .limits = { .bytes_max = config->source_maps_bytes, .count_max = config->source_maps_count },
        .unused_days_max = (uint32_t)(config->source_maps_unused_ms / day_ms),
        .resolves = (app->roles & ROLE_WORKER) != 0,
        .log = app->log,
    };
    return sourcemaps_open(&app->source_maps, &options, err) || err_within(err, "source maps");
}
