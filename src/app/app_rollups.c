/* What workers keep beside the tables: counts of rows in the database of the metadata, replays in the object store. */
#include "app/app_inside.h"
#include "meta/meta.h"
#include "timefusion/schema/schema.h"
#include "worker/errors/errors.h"
#include "worker/patterns/patterns.h"
#include "worker/replay/replays.h"
#include "worker/rollup/rollup.h"

bool app_rollups_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    struct rollups_options options = {
        .db = meta_db(app->meta),
        .bytes_max = app->budget.rollups,
        .keep = { .minutes_us = (int64_t)config->rollups_minutes_ms * 1000,
                  .hours_us = (int64_t)config->rollups_hours_ms * 1000,
                  .days_us = (int64_t)config->rollups_days_ms * 1000,
                  .attributes_us = (int64_t)config->rollups_attributes_ms * 1000 },
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

bool app_replays_start(struct app *app, struct err *err)
{
    struct replays_options options = { .db = meta_db(app->meta),
                                       .objects = app->store.objects,
                                       .bytes_max = app->budget.replays,
                                       .idle_us = (int64_t)app->config.replays_idle_ms * 1000,
                                       .keep_us = (int64_t)app->config.replays_keep_ms * 1000,
                                       .log = app->log };
    if (!replays_open(&app->replays, &options, err)) return false;
    app->taps[app->tap_count++] = replays_source(app->replays);
    return true;
}

bool app_errors_start(struct app *app, struct err *err)
{
    struct errors_options options = { .db = meta_db(app->meta),
                                      .bytes_max = app->budget.errors,
                                      .keep = { .keep_us = (int64_t)app->config.errors_keep_ms * 1000,
                                                .rows_us = app_days_kept(&app->config) * ERROR_DAY_US,
                                                .rows_table = schema_table(SCHEMA_LOGS_AND_SPANS)->name },
                                      .log = app->log };
    if (!app->config.errors) return true;
    if (!errors_open(&app->errors, &options, err)) return false;
    app->taps[app->tap_count++] = errors_source(app->errors);
    return true;
}
