#include "findings/narrator.h"
#include "base/ticker.h"
#include "findings/finding_account.h"
#include <errno.h>
#include <stdlib.h>

enum { BEGIN_MS = 5000, LOOK_MS = 10000 };

struct narrator {
    struct narrator_options options;
    pthread_t thread;
    struct ticker ticker;
    atomic_bool stops;
    bool is_failing;
};

static bool words_ask(struct narrator *narrator, const struct finding_wish *wish, struct arena *arena,
                      struct bytes *content, struct err *err)
{
    struct db *db = narrator->options.db;
    struct finding finding;
    struct finding_explained explained;
    struct finding_evidence evidence;
    bool is_there;
    if (!finding_find(db, wish->project_id, arena, wish->number, &finding, &is_there, err)) return false;
    if (!is_there) return err_set(err, ERR_NOT_FOUND, "the finding is gone");
    if (!finding_explained_find(db, wish->project_id, wish->number, arena, &explained, err)) return false;
    finding_evidence_make(&finding, explained.content, arena, &evidence);
    return finding_account_ask(narrator->options.llm, wish->project_id, &evidence, &narrator->stops, arena, content,
                               err);
}

static bool wish_fulfil(struct narrator *narrator, const struct finding_wish *wish, struct err *err)
{
    const struct narrator_options *options = &narrator->options;
    struct arena arena;
    struct bytes content = BYTES("");
    struct err why = { 0 };
    char name[160];
    bool got;
    if (!llm_is_there(options->llm, wish->project_id, &got, name, err)) return false;
    if (!got) return true;
    if (!finding_account_take(options->db, wish, options->now_unix_us(), &got, err)) return false;
    if (!got) return true;
    arena_init(&arena, 0);
    if (!words_ask(narrator, wish, &arena, &content, &why)) {
        content = BYTES("");
        log_info(options->log, "findings.no_account", log_number("finding", wish->number), log_text("why", why.text));
    }
    bool ok = finding_account_put(options->db, wish, content, name, why.text, err);
    arena_deinit(&arena);
    return ok;
}

static bool look(struct narrator *narrator, struct err *err)
{
    const struct narrator_options *options = &narrator->options;
    struct finding_wish *wishes;
    struct arena arena;
    uint32_t count = 0;
    arena_init(&arena, 0);
    bool ok = finding_account_due(options->db, options->now_unix_us(), &arena, &wishes, &count, err);
    for (uint32_t w = 0; ok && w < count && ticker_goes_on(&narrator->ticker); w++)
        ok = wish_fulfil(narrator, &wishes[w], err);
    arena_deinit(&arena);
    return ok;
}

static void *narrator_run(void *ctx)
{
    struct narrator *narrator = ctx;
    if (!ticker_rest(&narrator->ticker, BEGIN_MS)) return NULL;
    do {
        struct err err = { 0 };
        bool ok = look(narrator, &err);
        if (!ok && !narrator->is_failing)
            log_warn(narrator->options.log, "findings.narrator_failed", log_text("err", err.text));
        narrator->is_failing = !ok;
    } while (ticker_rest(&narrator->ticker, LOOK_MS));
    return NULL;
}

bool narrator_start(struct narrator **out, const struct narrator_options *options, struct err *err)
{
    *out = NULL;
    struct narrator *narrator = mem_calloc(1, sizeof *narrator);
    narrator->options = *options;
    ticker_init(&narrator->ticker);
    int code = pthread_create(&narrator->thread, NULL, narrator_run, narrator);
    if (code != 0) {
        ticker_deinit(&narrator->ticker);
        free(narrator);
        errno = code;
        return err_os(err, "cannot start the thread that tells findings in words");
    }
    *out = narrator;
    return true;
}

void narrator_cancel(struct narrator *narrator)
{
    if (!narrator) return;
    atomic_store(&narrator->stops, true);
    ticker_stop(&narrator->ticker);
}

void narrator_stop(struct narrator *narrator)
{
    if (!narrator) return;
    narrator_cancel(narrator);
    pthread_join(narrator->thread, NULL);
    ticker_deinit(&narrator->ticker);
    free(narrator);
}
