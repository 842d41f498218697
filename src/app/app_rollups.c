/* The counts of rows that workers keep in the database of the metadata. */
#include "app/app_inside.h"
#include "meta/meta.h"
#include "worker/patterns/patterns.h"
#include "worker/rollup/rollup.h"

bool app_rollups_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    struct rollups_options options = {
        .db = meta_db(app->meta),
        .bytes_max = app->budget.rollups,
        .keep = { .minutes_us = (int64_t)config->rollups_minutes_ms * 1000,
                  .hours_us = (int64_t)config->rollups_hours_ms * 1000,
                  .days_us = (int64_t)config->rollups_days_ms * 1000 },
        .does_jobs = true,
        .log = app->log,
    };
    if (!config->rollups) return true;
    if (!rollups_open(&app->rollups, &options, err)) return false;
    app->taps[app->tap_count++] = rollups_source(app->rollups);
    return true;
}

void app_patterns_start(struct app *app)
{
    struct patterns_options options = { .db = meta_db(app->meta),
                                        .bytes_max = app->budget.patterns,
                                        .keep_us = (int64_t)app->config.patterns_keep_ms * 1000,
                                        .log = app->log };
    if (!app->config.patterns) return;
    app->patterns = patterns_open(&options);
    app->taps[app->tap_count++] = patterns_source(app->patterns);
}
