/* Monitors are evaluated: a thread of those that answer queries. Several processes may have one, and share the monitors by leases
 * (monitors/monitor_store.h). */
#include "app/app_inside.h"
#include "base/clock.h"
#include "base/ticker.h"
#include "meta/meta.h"
#include "web/api/monitor_ask.h"

#include <errno.h>
#include <stdlib.h>

enum { LOOK_MS = 5000, PROJECTS_MAX = 10000 };
#define BUDGET_US INT64_C(20000000) /* of a project, each look */

struct app_monitors {
    const struct app *app;
    pthread_t thread;
    struct ticker ticker;
    char name[APP_NAME_BYTES]; /* of the process */
    bool is_failing;
    struct meta_project *projects;
    uint32_t count;
    struct baselines *baselines;
};

static bool project_note(void *ctx, const struct meta_project *project)
{
    struct app_monitors *monitors = ctx;
    if (monitors->count == PROJECTS_MAX) return false;
    if (monitors->count % 64 == 0)
        monitors->projects = mem_realloc(monitors->projects, (monitors->count + 64) * sizeof *monitors->projects);
    monitors->projects[monitors->count++] = *project;
    return true;
}

static bool look(struct app_monitors *monitors, struct err *err)
{
    const struct app *app = monitors->app;
    const struct monitors_evaluator evaluator = { .db = meta_db(app->meta),
                                                  .source = { monitor_ask, app->query },
                                                  .baselines = monitors->baselines,
                                                  .owner = monitors->name,
                                                  .budget_us = BUDGET_US };
    bool ok;
    monitors->count = 0;
    ok = meta_project_list(app->meta, project_note, monitors, err);
    for (uint32_t p = 0; p < monitors->count && ticker_goes_on(&monitors->ticker); p++) {
        struct monitors_stats stats;
        struct err failure = { 0 };
        if (!monitors_evaluate(&evaluator, monitors->projects[p].id, monitors->projects[p].name, clock_unix_us(),
                               &stats, &failure)) {
            *err = failure;
            ok = false;
        }
        if (stats.evaluated > 0 || stats.failed > 0 || stats.others > 0)
            log_debug(app->log, "monitors.evaluated", log_text("project", monitors->projects[p].name),
                      log_number("evaluated", stats.evaluated), log_number("asked", stats.asked),
                      log_number("told", stats.told), log_number("failed", stats.failed),
                      log_number("others", stats.others), log_number("left", stats.left));
    }
    return ok;
}

static void *monitors_run(void *ctx)
{
    struct app_monitors *monitors = ctx;
    do {
        struct err err = { 0 };
        bool ok = look(monitors, &err);
        if (!ok && !monitors->is_failing)
            log_warn(monitors->app->log, "monitors.failed", log_text("err", err.text));
        else if (ok && monitors->is_failing)
            log_info(monitors->app->log, "monitors.well_again");
        monitors->is_failing = !ok;
    } while (ticker_rest(&monitors->ticker, LOOK_MS));
    return NULL;
}

bool app_monitors_start(struct app *app, struct err *err)
{
    if (app->query == NULL) return true; /* who answers no queries can ask none */
    struct app_monitors *monitors = mem_calloc(1, sizeof *monitors);
    monitors->app = app;
    if (!app_worker_name(app, monitors->name, err)) {
        free(monitors);
        return false;
    }
    monitors->baselines = baselines_create();
    ticker_init(&monitors->ticker);
    int failure = pthread_create(&monitors->thread, NULL, monitors_run, monitors);
    if (failure != 0) {
        ticker_deinit(&monitors->ticker);
        baselines_free(monitors->baselines);
        free(monitors);
        errno = failure;
        return err_os(err, "cannot start the thread of monitors");
    }
    app->monitors = monitors;
    return true;
}

void app_monitors_stop(struct app *app)
{
    struct app_monitors *monitors = app->monitors;
    if (monitors == NULL) return;
    ticker_stop(&monitors->ticker);
    pthread_join(monitors->thread, NULL);
    ticker_deinit(&monitors->ticker);
    baselines_free(monitors->baselines);
    free(monitors->projects);
    free(monitors);
    app->monitors = NULL;
}
