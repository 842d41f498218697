/* Detection runs where agents do: in processes that answer queries. Of several each project is one's to watch. */
#include "app/app_inside.h"
#include "base/clock.h"
#include "findings/narrator.h"
#include "findings/watcher.h"
#include "meta/meta.h"
#include "web/api/agent_tools.h"
#include <stdio.h>

bool app_findings_start(struct app *app, struct err *err)
{
    char dir[1100], name[APP_NAME_BYTES];
    if (!(app->roles & ROLE_QUERY)) return true;
    if (!app_worker_name(app, name, err)) return false;
    snprintf(dir, sizeof dir, "%s/findings", app->config.data);
    const struct agent_tools tools = agent_tools_of(app->api);
    if (app->config.findings_model &&
        !narrator_start(&app->narrator,
                        &(struct narrator_options){
                            .db = meta_db(app->meta), .llm = app->llm, .log = app->log, .now_unix_us = clock_unix_us },
                        err))
        return false;
    return watcher_start(&app->watcher,
                         &(struct watcher_options){ .db = meta_db(app->meta),
                                                    .meta = app->meta,
                                                    .log = app->log,
                                                    .dir = dir,
                                                    .name = name,
                                                    .now_unix_us = clock_unix_us,
                                                    .face = { tools.call, tools.ctx } },
                         err);
}

/* What it asks of the API may take a while: that ends with the API. */
void app_findings_cancel(struct app *app)
{
    watcher_cancel(app->watcher);
    narrator_cancel(app->narrator);
}

void app_findings_stop(struct app *app)
{
    watcher_stop(app->watcher);
    narrator_stop(app->narrator);
    app->watcher = NULL;
    app->narrator = NULL;
}
