/* What the backend did for recorded sessions is looked up: a thread of those that answer queries. Several processes may have one: they
 * find the same (meta/replay_backend.h). */
#include "app/app_inside.h"
#include "base/clock.h"
#include "base/ticker.h"
#include "meta/meta.h"
#include "web/api/replay_backend.h"

#include <errno.h>
#include <stdlib.h>

enum { EVERY_MS_MIN = 1000, EVERY_MS_MAX = 60000, DUE_MAX = 500 };

struct app_replay_backends {
    const struct app *app;
    pthread_t thread;
    struct ticker ticker;
    uint64_t every_ms;
    bool is_failing;
};

/* The sessions of one project that stand first; how many, in *count. */
static bool some_look(const struct app *app, const struct replay_backend_due *due, uint32_t left, struct arena *arena,
                      uint32_t *count, struct err *err)
{
    struct replay_backend found[REPLAY_BACKEND_SESSIONS_MAX];
    for (*count = 1; *count < left && *count < COUNT_OF(found); ++*count)
        if (!uuid_equal(due[*count].project_id, due[0].project_id)) break;
    return replay_backend_ask(app->query, due, *count, arena, found, err) &&
           replay_backend_store(meta_db(app->meta), due, found, *count, err);
}

/* A failure of one project leaves the others their turn. */
static bool look(struct app_replay_backends *backends, struct err *err)
{
    struct replay_backend_options options = { .now_unix_us = clock_unix_us(),
                                              .every_us = (int64_t)backends->every_ms * 1000,
                                              .settle_us = (int64_t)backends->every_ms * 2000,
                                              .limit = DUE_MAX };
    struct replay_backend_due *due;
    struct arena arena;
    uint32_t count = 0, some;
    arena_init(&arena, 0);
    bool ok = replay_backend_due(meta_db(backends->app->meta), &options, &arena, &due, &count, err);
    for (uint32_t d = 0; d < count && ticker_goes_on(&backends->ticker); d += some) {
        struct err failure = { 0 };
        if (some_look(backends->app, due + d, count - d, &arena, &some, &failure)) continue;
        *err = failure;
        ok = false;
    }
    arena_deinit(&arena);
    return ok;
}

static void *backends_run(void *ctx)
{
    struct app_replay_backends *backends = ctx;
    while (ticker_rest(&backends->ticker, backends->every_ms)) {
        struct err err = { 0 };
        bool ok = look(backends, &err);
        if (!ok && !backends->is_failing)
            log_warn(backends->app->log, "replays.backends_failed", log_text("err", err.text));
        else if (ok && backends->is_failing)
            log_info(backends->app->log, "replays.backends_well_again");
        backends->is_failing = !ok;
    }
    return NULL;
}

bool app_replay_backends_start(struct app *app, struct err *err)
{
    if (app->query == NULL) return true; /* who answers no queries can ask none */
    struct app_replay_backends *backends = mem_calloc(1, sizeof *backends);
    uint64_t every_ms = app->config.replays_idle_ms / 30;
    backends->app = app;
    backends->every_ms = every_ms < EVERY_MS_MIN ? EVERY_MS_MIN : every_ms > EVERY_MS_MAX ? EVERY_MS_MAX : every_ms;
    ticker_init(&backends->ticker);
    int failure = pthread_create(&backends->thread, NULL, backends_run, backends);
    if (failure != 0) {
        ticker_deinit(&backends->ticker);
        free(backends);
        errno = failure;
        return err_os(err, "cannot start the thread of replays' backends");
    }
    app->replay_backends = backends;
    return true;
}

void app_replay_backends_stop(struct app *app)
{
    struct app_replay_backends *backends = app->replay_backends;
    if (backends == NULL) return;
    ticker_stop(&backends->ticker);
    pthread_join(backends->thread, NULL);
    ticker_deinit(&backends->ticker);
    free(backends);
    app->replay_backends = NULL;
}
