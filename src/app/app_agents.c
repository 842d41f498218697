/* Agents: the threads that run what is due. */
#include "agents/run.h"
#include "app/app_inside.h"
#include "base/clock.h"
#include "meta/meta.h"
#include "schedule/scheduler.h"
#include "web/api/agent_tools.h"
#include <stdlib.h>

enum { THREADS = 2 };

struct agent_parts {
    struct agents_options options;
    struct scheduler *scheduler;
};

bool app_agents_start(struct app *app, struct err *err)
{
    char name[APP_NAME_BYTES];
    if (!(app->roles & ROLE_QUERY)) return true; /* who reads for them is not in this process */
    if (!app_worker_name(app, name, err)) return false;
    struct agent_parts *parts = mem_calloc(1, sizeof *parts);
    app->agents = parts;
    parts->options = (struct agents_options){ .db = meta_db(app->meta),
                                              .llm = app->llm,
                                              .log = app->log,
                                              .tools = agent_tools_of(app->api),
                                              .now_unix_us = clock_unix_us };
    parts->scheduler = scheduler_create(&(struct scheduler_options){ .db = meta_db(app->meta),
                                                                     .log = app->log,
                                                                     .owner = name,
                                                                     .threads = THREADS,
                                                                     .now_unix_us = clock_unix_us,
                                                                     .work = agents_work,
                                                                     .ctx = &parts->options });
    return scheduler_start(parts->scheduler, err);
}

void app_agents_cancel(struct app *app)
{
    if (app->agents != NULL) scheduler_stop(app->agents->scheduler);
}

void app_agents_stop(struct app *app)
{
    if (app->agents == NULL) return;
    scheduler_close(app->agents->scheduler);
    free(app->agents);
    app->agents = NULL;
}
