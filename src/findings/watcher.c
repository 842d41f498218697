#include "findings/watcher.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/ticker.h"
#include "findings/finding_new.h"
#include "meta/db_rows.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LOOK_MS = 15000, BEGIN_MS = 5000, PROJECTS_MAX = 10000, PATH_BYTES = 1200, SAVE_BYTES_MAX = 256 << 20 };
#define MINUTE_US INT64_C(60000000)
#define LEARN_US  (26 * 60 * MINUTE_US) /* of minutes that are read again without a file: a day, and some more */
#define SAVE_US   (10 * MINUTE_US)
#define TOLD_US   (15 * MINUTE_US) /* what was found before is of the past: people need not be woken */
#define KEPT_US   (90 * 24 * 60 * MINUTE_US)
#define EXPIRE_US (60 * 60 * MINUTE_US)

struct watched_project {
    struct uuid id;
    struct watch *watch;
    int64_t saved_unix_us, expired_unix_us;
    bool is_seen;
};
struct watcher {
    struct watcher_options options;
    char *dir;
    struct uuid owner;
    pthread_t thread;
    struct ticker ticker;
    bool is_failing, is_unexplained;
    struct watched_project *projects;
    uint32_t count;
};

/* ---- what is usual, on the disk ---- */

static void path_of(const struct watcher *watcher, struct uuid id, const char *end, char path[PATH_BYTES])
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(id, text);
    snprintf(path, PATH_BYTES, "%s/%s.watch%s", watcher->dir, text, end);
}

static void watch_save(struct watcher *watcher, struct watched_project *project, int64_t now_unix_us)
{
    char path[PATH_BYTES], fresh[PATH_BYTES];
    struct buf bytes;
    path_of(watcher, project->id, "", path);
    path_of(watcher, project->id, ".tmp", fresh);
    buf_init(&bytes, SAVE_BYTES_MAX);
    FILE *file = watch_write(project->watch, &bytes) ? fopen(fresh, "wb") : NULL;
    bool ok = file && fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
    if (file && fclose(file) != 0) ok = false;
    if (!ok || rename(fresh, path) != 0) log_warn(watcher->options.log, "findings.not_saved", log_text("path", path));
    project->saved_unix_us = now_unix_us;
    buf_deinit(&bytes);
}

static struct watch *watch_load(struct watcher *watcher, struct uuid id, int64_t now_unix_us)
{
    char path[PATH_BYTES];
    struct err err = { 0 };
    struct buf bytes;
    uint8_t piece[65536];
    path_of(watcher, id, "", path);
    struct watch *watch = watch_create(id, now_unix_us - LEARN_US, NULL);
    FILE *file = fopen(path, "rb");
    if (!file) return watch;
    buf_init(&bytes, SAVE_BYTES_MAX);
    bool ok = true;
    for (size_t got; ok && (got = fread(piece, 1, sizeof piece, file)) > 0;) ok = buf_add(&bytes, piece, got);
    fclose(file);
    if (!ok || !watch_read(watch, buf_bytes(&bytes), now_unix_us - LEARN_US, &err)) {
        log_warn(watcher->options.log, "findings.learns_anew", log_text("path", path), log_text("err", err.text));
        watch_destroy(watch);
        watch = watch_create(id, now_unix_us - LEARN_US, NULL);
    }
    buf_deinit(&bytes);
    return watch;
}

/* ---- a look ---- */

/* What a run found, until it is explained and told. */
struct told {
    struct detect_finding finding;
    struct watch_subject subject;
    bool has_subject;
};
struct telling {
    struct watcher *watcher;
    const struct watched_project *project;
    struct arena arena;
    struct db_rows told; /* of struct told */
    struct finding_causes *causes;
};

static struct bytes text_keep(struct arena *arena, struct bytes text)
{
    return text.len > 0 ? arena_copy(arena, text) : BYTES("");
}

static void found(void *ctx, const struct detect_finding *finding, const struct watch_subject *subject)
{
    struct telling *telling = ctx;
    struct told *told = db_rows_add(&telling->told, sizeof *told);
    told->finding = *finding;
    told->has_subject = subject != NULL;
    if (!subject) return;
    told->subject =
        (struct watch_subject){ text_keep(&telling->arena, subject->service),
                                text_keep(&telling->arena, subject->endpoint),
                                text_keep(&telling->arena, subject->method), text_keep(&telling->arena, subject->route),
                                arena_printf(&telling->arena, "%s", subject->kind) };
}

static struct finding_asked asked_of(const struct told *told)
{
    return (struct finding_asked){ told->finding.kind,    told->finding.is_up,
                                   told->subject.service, bytes_of_text(told->subject.kind),
                                   told->finding.z,       told->finding.begin_unix_us };
}

/* Causes are worth having, and no reason not to tell: what fails is in the log, once until it is well again. */
static void causes_failed(struct watcher *watcher, const struct err *err)
{
    if (!watcher->is_unexplained) log_warn(watcher->options.log, "findings.not_explained", log_text("err", err->text));
    watcher->is_unexplained = true;
}

/* *causes: those that serve what began then, read anew where they do not. False: there are none; told. *is_new: read just now. */
static bool causes_have(struct watcher *watcher, const struct watched_project *project, int64_t begin_unix_us,
                        struct arena *arena, struct finding_causes **causes, bool *is_new)
{
    const struct watcher_options *options = &watcher->options;
    struct err err = { 0 };
    *is_new = !*causes || !finding_causes_serves(*causes, begin_unix_us);
    if (!*is_new) return true;
    if (!finding_causes_read(options->db, options->face.call ? &options->face : NULL, project->id, begin_unix_us,
                             watch_next_unix_us(project->watch), arena, causes, &err)) {
        causes_failed(watcher, &err);
        return false;
    }
    watcher->is_unexplained = false;
    return true;
}

/* At its opening without a look at rows, so that people are told soon. */
static void explain(struct telling *telling, const struct told *told, struct finding_explained *explained)
{
    struct watcher *watcher = telling->watcher;
    const struct told *all = telling->told.items;
    struct finding_asked asked = asked_of(told);
    bool is_new;
    *explained = (struct finding_explained){ BYTES(""), BYTES("") };
    if (!causes_have(watcher, telling->project, asked.begin_unix_us, &telling->arena, &telling->causes, &is_new))
        return;
    for (uint32_t t = 0; is_new && t < telling->told.count; t++) {
        struct finding_asked other = asked_of(&all[t]);
        if (all[t].finding.change == DETECT_OPENED && all[t].has_subject) finding_causes_add(telling->causes, &other);
    }
    if (!finding_causes_rank(telling->causes, &asked, false, explained))
        log_debug(watcher->options.log, "findings.no_cause", log_text("kind", detect_kind_name(asked.kind)));
}

static bool told_flush(struct telling *telling, struct err *err)
{
    const struct watcher_options *options = &telling->watcher->options;
    bool ok = true;
    for (uint32_t t = 0; ok && t < telling->told.count; t++) {
        const struct told *told = &((const struct told *)telling->told.items)[t];
        int64_t now = options->now_unix_us();
        bool is_told = told->finding.found_unix_us >= now - TOLD_US;
        struct finding_explained explained;
        bool is_explained =
            is_told && told->has_subject && told->finding.change == DETECT_OPENED && finding_is_told(&told->finding);
        if (is_explained) explain(telling, told, &explained);
        ok = finding_tell(options->db, telling->project->id, &told->finding, told->has_subject ? &told->subject : NULL,
                          is_explained ? &explained : NULL, is_told, now, err);
    }
    arena_reset(&telling->arena);
    telling->told = (struct db_rows){ .arena = &telling->arena };
    telling->causes = NULL;
    return ok;
}

/* ---- causes, later ---- */

struct due {
    struct arena arena;
    struct db_rows findings;
};
static bool due_put(void *ctx, const struct finding *finding)
{
    struct due *due = ctx;
    struct finding *one = db_rows_add(&due->findings, sizeof *one);
    *one = *finding;
    return true;
}

static bool due_explain(struct watcher *watcher, const struct watched_project *project, struct err *err)
{
    const struct watcher_options *options = &watcher->options;
    struct due due = { .findings = { 0 } };
    struct finding_causes *causes = NULL;
    arena_init(&due.arena, 0);
    due.findings.arena = &due.arena;
    bool ok = finding_causes_due(options->db, project->id, &due.arena, options->now_unix_us(), due_put, &due, err);
    for (uint32_t d = 0; ok && d < due.findings.count && ticker_goes_on(&watcher->ticker); d++) {
        const struct finding *one = &((const struct finding *)due.findings.items)[d];
        struct finding_asked asked = finding_asked_of(one);
        struct finding_explained explained;
        bool is_new, is_explained = causes_have(watcher, project, one->begin_unix_us, &due.arena, &causes, &is_new) &&
                                    finding_causes_rank(causes, &asked, true, &explained);
        ok = finding_explain(options->db, one, is_explained ? &explained : NULL, options->now_unix_us(), err);
    }
    arena_deinit(&due.arena);
    return ok;
}

/* *is_lost: what a piece told is not stored. */
static bool pieces_run(struct telling *telling, int64_t to_unix_us, bool *is_lost, struct err *err)
{
    struct watcher *watcher = telling->watcher;
    const struct watcher_options *options = &watcher->options;
    struct watch *watch = telling->project->watch;
    while (watch_next_unix_us(watch) + MINUTE_US <= to_unix_us) {
        int64_t piece = watch_next_unix_us(watch) + WATCH_PIECE_MINUTES * MINUTE_US;
        uint64_t begin_ns = clock_thread_ns();
        struct err failure = { 0 };
        bool has_run = watch_run(watch, options->db, piece < to_unix_us ? piece : to_unix_us, found, telling, err);
        *is_lost = !told_flush(telling, &failure);
        if (*is_lost) *err = failure;
        if (*is_lost || !has_run) return false;
        uint64_t ms = (clock_thread_ns() - begin_ns) / 1000000;
        bool is_ours;
        if (!ticker_rest(&watcher->ticker, 10 + 9 * ms)) break;
        if (!finding_owner_take(options->db, telling->project->id, watcher->owner, options->now_unix_us(), &is_ours,
                                err))
            return false;
    }
    return true;
}

/* A failure to store has the pieces since the last file looked at again: the watch is loaded anew. */
static bool project_look(struct watcher *watcher, struct watched_project *project, struct err *err)
{
    const struct watcher_options *options = &watcher->options;
    struct telling telling = { .watcher = watcher, .project = project };
    int64_t now = options->now_unix_us();
    bool got, is_lost = false;
    if (!finding_owner_take(options->db, project->id, watcher->owner, now, &got, err)) return false;
    if (!got) {
        watch_destroy(project->watch);
        project->watch = NULL;
        return true;
    }
    if (!project->watch) {
        project->watch = watch_load(watcher, project->id, now);
        project->saved_unix_us = now;
    }
    arena_init(&telling.arena, 0);
    telling.told.arena = &telling.arena;
    bool ok = pieces_run(&telling, now - WATCH_DELAY_US, &is_lost, err) &&
              finding_new_look(options->db, project->id, watch_next_unix_us(project->watch), found, &telling, err) &&
              told_flush(&telling, err);
    arena_deinit(&telling.arena);
    if (is_lost) {
        watch_destroy(project->watch);
        project->watch = NULL;
    }
    if (!ok || !due_explain(watcher, project, err)) return false;
    now = options->now_unix_us();
    if (now - project->saved_unix_us >= SAVE_US) watch_save(watcher, project, now);
    if (now - project->expired_unix_us >= EXPIRE_US) {
        project->expired_unix_us = now;
        if (!finding_expire(options->db, project->id, now - KEPT_US, err)) return false;
    }
    return true;
}

static bool project_note(void *ctx, const struct meta_project *found_project)
{
    struct watcher *watcher = ctx;
    for (uint32_t p = 0; p < watcher->count; p++)
        if (uuid_equal(watcher->projects[p].id, found_project->id)) return watcher->projects[p].is_seen = true;
    if (watcher->count == PROJECTS_MAX) return false;
    if (watcher->count % 64 == 0)
        watcher->projects = mem_realloc(watcher->projects, (watcher->count + 64) * sizeof *watcher->projects);
    watcher->projects[watcher->count++] = (struct watched_project){ .id = found_project->id, .is_seen = true };
    return true;
}

static bool look(struct watcher *watcher, struct err *err)
{
    struct err failure = { 0 };
    for (uint32_t p = 0; p < watcher->count; p++) watcher->projects[p].is_seen = false;
    bool ok = meta_project_list(watcher->options.meta, project_note, watcher, err);
    for (uint32_t p = 0; ok && p < watcher->count;) {
        if (watcher->projects[p].is_seen) {
            p++;
            continue;
        }
        watch_destroy(watcher->projects[p].watch);
        watcher->projects[p] = watcher->projects[--watcher->count];
    }
    for (uint32_t p = 0; p < watcher->count && ticker_goes_on(&watcher->ticker); p++) {
        failure = (struct err){ 0 };
        if (project_look(watcher, &watcher->projects[p], &failure)) continue;
        *err = failure;
        ok = false;
    }
    return ok;
}

static void *watcher_run(void *ctx)
{
    struct watcher *watcher = ctx;
    if (!ticker_rest(&watcher->ticker, BEGIN_MS)) return NULL;
    do {
        struct err err = { 0 };
        bool ok = look(watcher, &err);
        if (!ok && !watcher->is_failing) log_warn(watcher->options.log, "findings.failed", log_text("err", err.text));
        if (ok && watcher->is_failing) log_info(watcher->options.log, "findings.well_again");
        watcher->is_failing = !ok;
    } while (ticker_rest(&watcher->ticker, LOOK_MS));
    return NULL;
}

bool watcher_start(struct watcher **out, const struct watcher_options *options, struct err *err)
{
    *out = NULL;
    if (mkdir(options->dir, 0700) != 0 && errno != EEXIST)
        return err_os(err, "could not make folder \"%s\"", options->dir);
    struct watcher *watcher = mem_calloc(1, sizeof *watcher);
    watcher->options = *options;
    watcher->dir = mem_strdup(options->dir);
    watcher->owner = uuid_of_name((struct uuid){ { 0 } }, bytes_of_text(options->name));
    ticker_init(&watcher->ticker);
    int code = pthread_create(&watcher->thread, NULL, watcher_run, watcher);
    if (code != 0) {
        ticker_deinit(&watcher->ticker);
        free(watcher->dir);
        free(watcher);
        errno = code;
        return err_os(err, "cannot start the thread that watches");
    }
    *out = watcher;
    return true;
}

void watcher_cancel(struct watcher *watcher)
{
    if (watcher) ticker_stop(&watcher->ticker);
}

void watcher_stop(struct watcher *watcher)
{
    if (!watcher) return;
    struct err ignored = { 0 };
    ticker_stop(&watcher->ticker);
    pthread_join(watcher->thread, NULL);
    for (uint32_t p = 0; p < watcher->count; p++) {
        if (watcher->projects[p].watch) watch_save(watcher, &watcher->projects[p], 0);
        watch_destroy(watcher->projects[p].watch);
    }
    if (!finding_owner_release(watcher->options.db, watcher->owner, &ignored))
        log_debug(watcher->options.log, "findings.not_released", log_text("err", ignored.text));
    free(watcher->projects);
    free(watcher->dir);
    ticker_deinit(&watcher->ticker);
    free(watcher);
}
