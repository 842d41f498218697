#include "findings/watcher.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/fail.h"
#include "base/ticker.h"
#include "detect/levels/levels.h"
#include "findings/finding_metrics.h"
#include "findings/finding_new.h"
#include "findings/finding_standing.h"
#include "findings/finding_usual.h"
#include "meta/db_rows.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LOOK_MS = 15000, BEGIN_MS = 5000, PROJECTS_MAX = 10000, PATH_BYTES = 1200, SAVE_BYTES_MAX = 256 << 20 };
#define MINUTE_US         INT64_C(60000000)
#define LEARN_US          (26 * 60 * MINUTE_US) /* of minutes that are read again without a file: a day, and some more */
#define SAVE_US           (10 * MINUTE_US)
#define SHARE_US          (60 * MINUTE_US) /* of much: what is in the metadata may be so old */
#define SHARE_BYTES_SMALL (8u << 20)
#define TOLD_US           (15 * MINUTE_US) /* what was found before is of the past: people need not be woken */
#define KEPT_US           (90 * 24 * 60 * MINUTE_US)
#define EXPIRE_US         (60 * 60 * MINUTE_US)

struct watched_project {
    struct uuid id;
    struct watch *watch; /* one of them, as its watcher's part is */
    struct finding_metrics *metrics;
    int64_t saved_unix_us, shared_unix_us, expired_unix_us;
    int64_t news_unix_us;    /* up to when new things were looked for */
    int64_t settled_unix_us; /* up to when what goes on was held against what is stored */
    bool is_seen;
};
/* Roll-ups and metrics have a thread each: a statement over points may take half a minute, and people are to be told sooner. */
struct watcher {
    struct watcher_options options;
    char *dir;
    struct uuid owner;
    pthread_t thread;
    struct ticker ticker;
    bool is_of_metrics, is_failing, is_unexplained;
    struct watcher *metrics; /* the other; NULL: of metrics, or nobody reads rows */
    struct watched_project *projects;
    uint32_t count;
};

/* ---- what is usual: on the disk, and where processes share the metadata, in there ---- */

static void path_of(const struct watcher *watcher, struct uuid id, const char *end, char path[PATH_BYTES])
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(id, text);
    snprintf(path, PATH_BYTES, "%s/%s.%s", watcher->dir, text, end);
}

static void file_save(struct watcher *watcher, struct uuid id, const char *end, struct bytes bytes)
{
    char path[PATH_BYTES];
    struct err err = { 0 };
    path_of(watcher, id, end, path);
    bool ok = bytes.len > 0 ? disk_file_replace(&disk_real, path, bytes, &err)
                            : err_set(&err, ERR_TOO_LARGE, "it is more than %d bytes", SAVE_BYTES_MAX);
    if (!ok) log_warn(watcher->options.log, "findings.not_saved", log_text("path", path), log_text("err", err.text));
}

/* False: there is no such file. */
static bool file_load(struct watcher *watcher, struct uuid id, const char *end, struct buf *bytes)
{
    char path[PATH_BYTES];
    uint8_t piece[65536];
    path_of(watcher, id, end, path);
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    bool ok = true;
    for (size_t got; ok && (got = fread(piece, 1, sizeof piece, file)) > 0;) ok = buf_add(bytes, piece, got);
    fclose(file);
    if (!ok) bytes->len = 0; /* it cannot be read, then */
    return true;
}

static const char *end_of(const struct watcher *watcher)
{
    return watcher->is_of_metrics ? "metrics" : "watch";
}

static bool is_shared(const struct watcher *watcher)
{
    return db_kind(watcher->options.db) == DB_POSTGRES;
}

/* The file says as much: that another process would know less is no reason to stop. */
static void usual_share(struct watcher *watcher, struct watched_project *project, struct bytes bytes,
                        int64_t now_unix_us)
{
    struct err err = { 0 };
    bool is_stored;
    if (!is_shared(watcher) || (bytes.len > SHARE_BYTES_SMALL && now_unix_us - project->shared_unix_us < SHARE_US))
        return;
    if (!finding_usual_store(watcher->options.db, project->id, end_of(watcher), watcher->owner, bytes, now_unix_us,
                             &is_stored, &err))
        log_warn(watcher->options.log, "findings.not_shared", log_text("err", err.text));
    project->shared_unix_us = now_unix_us;
}

static void usual_save(struct watcher *watcher, struct watched_project *project, int64_t now_unix_us)
{
    struct buf bytes;
    buf_init(&bytes, SAVE_BYTES_MAX);
    if (watcher->is_of_metrics ? !finding_metrics_write(project->metrics, &bytes)
                               : !watch_write(project->watch, &bytes))
        bytes.len = 0;
    file_save(watcher, project->id, end_of(watcher), buf_bytes(&bytes));
    usual_share(watcher, project, buf_bytes(&bytes), now_unix_us);
    project->saved_unix_us = now_unix_us;
    buf_deinit(&bytes);
}

static bool has_usual(const struct watched_project *project)
{
    return project->watch || project->metrics;
}

static void usual_forget(struct watched_project *project)
{
    watch_destroy(project->watch);
    finding_metrics_destroy(project->metrics);
    project->watch = NULL;
    project->metrics = NULL;
    project->settled_unix_us = 0;
}

static void usual_create(const struct watcher *watcher, struct watched_project *project, int64_t oldest_unix_us)
{
    usual_forget(project);
    if (watcher->is_of_metrics)
        project->metrics = finding_metrics_create(project->id, oldest_unix_us);
    else
        project->watch = watch_create(project->id, oldest_unix_us, NULL);
}

/* False: it is of no use, and there is none. */
static bool usual_read(struct watcher *watcher, struct watched_project *project, struct bytes bytes, int64_t oldest)
{
    struct err err = { 0 };
    usual_create(watcher, project, oldest);
    if (watcher->is_of_metrics ? finding_metrics_read(project->metrics, bytes, oldest, &err)
                               : watch_read(project->watch, bytes, oldest, &err))
        return true;
    log_warn(watcher->options.log, "findings.learns_anew", log_text("err", err.text));
    usual_forget(project);
    return false;
}

/* What the metadata have is of whoever watched it last; a file is of when this process did, and may be of long ago. */
static bool usual_load(struct watcher *watcher, struct watched_project *project, int64_t now_unix_us, struct err *err)
{
    const struct watcher_options *options = &watcher->options;
    int64_t oldest = now_unix_us - LEARN_US;
    const char *from = "metadata";
    struct buf bytes;
    bool is_there = false, ok = true;
    buf_init(&bytes, SAVE_BYTES_MAX);
    if (is_shared(watcher)) ok = finding_usual_load(options->db, project->id, end_of(watcher), &bytes, &is_there, err);
    is_there = is_there && usual_read(watcher, project, buf_bytes(&bytes), oldest);
    project->saved_unix_us = now_unix_us;
    project->shared_unix_us = is_there ? now_unix_us : 0;
    if (ok && !is_there) {
        from = "file";
        bytes.len = 0;
        is_there = file_load(watcher, project->id, end_of(watcher), &bytes) &&
                   usual_read(watcher, project, buf_bytes(&bytes), oldest);
    }
    buf_deinit(&bytes);
    if (!ok) return false;
    if (!is_there) usual_create(watcher, project, oldest);
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(project->id, id);
    log_debug(options->log, "findings.loaded", log_text("project", id), log_text("part", end_of(watcher)),
              log_text("from", is_there ? from : "nothing"));
    return true;
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

/* is_now: people are told of all, however long ago it was found. */
static bool told_flush(struct telling *telling, bool is_now, struct err *err)
{
    const struct watcher_options *options = &telling->watcher->options;
    bool ok = true;
    for (uint32_t t = 0; ok && t < telling->told.count; t++) {
        const struct told *told = &((const struct told *)telling->told.items)[t];
        int64_t now = options->now_unix_us();
        bool is_told = is_now || told->finding.found_unix_us >= now - TOLD_US;
        struct finding_explained explained;
        bool is_explained =
            is_told && told->has_subject && told->finding.change == DETECT_OPENED && finding_is_told(&told->finding);
        if (is_explained) explain(telling, told, &explained);
        ok = finding_tell(options->db, telling->project->id, &told->finding, told->has_subject ? &told->subject : NULL,
                          is_explained ? &explained : NULL, is_told, now, err);
        if (ok) fail_point("findings.told");
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

/* The begin of what was not looked at yet, and how much is looked at as one. */
static int64_t next_of(const struct watched_project *project)
{
    return project->watch ? watch_next_unix_us(project->watch) : finding_metrics_next_unix_us(project->metrics);
}
static int64_t step_of(const struct watched_project *project)
{
    return project->watch ? MINUTE_US : LEVELS_BLOCK_US;
}

/* *rest_ms: how long others' work comes first, behind a piece. */
static bool piece_run(struct telling *telling, int64_t to_unix_us, uint64_t *rest_ms, struct err *err)
{
    const struct watcher_options *options = &telling->watcher->options;
    const struct watched_project *project = telling->project;
    if (project->watch) {
        int64_t piece = next_of(project) + WATCH_PIECE_MINUTES * MINUTE_US;
        uint64_t begin_ns = clock_thread_ns();
        bool ok = watch_run(project->watch, options->db, piece < to_unix_us ? piece : to_unix_us, found, telling, err);
        *rest_ms = 9 * (clock_thread_ns() - begin_ns) / 1000000;
        return ok;
    }
    uint64_t begin_ns = clock_mono_ns();
    bool ok = finding_metrics_run(project->metrics, options->db, &options->face, to_unix_us, found, telling, err);
    *rest_ms = next_of(project) < to_unix_us ? 3 * (clock_mono_ns() - begin_ns) / 1000000 : 0;
    return ok;
}

/* *is_lost: what a piece told is not stored. *is_ours false: another has the project now, for this process was suspended for too long. */
static bool pieces_run(struct telling *telling, int64_t to_unix_us, bool *is_lost, bool *is_ours, struct err *err)
{
    struct watcher *watcher = telling->watcher;
    const struct watched_project *project = telling->project;
    while (next_of(project) + step_of(project) <= to_unix_us) {
        struct err failure = { 0 };
        uint64_t rest_ms;
        bool has_run = piece_run(telling, to_unix_us, &rest_ms, err);
        *is_lost = !told_flush(telling, false, &failure);
        if (*is_lost) *err = failure;
        if (*is_lost || !has_run) return false;
        if (!ticker_rest(&watcher->ticker, 10 + rest_ms)) break;
        if (!finding_owner_take(watcher->options.db, project->id, watcher->owner, watcher->options.now_unix_us(),
                                is_ours, err))
            return false;
        if (!*is_ours) break;
    }
    return true;
}

/* Once a minute: nothing of a minute comes behind it. */
static bool news_run(struct telling *telling, struct watched_project *project, struct err *err)
{
    int64_t to = watch_next_unix_us(project->watch);
    if (to == project->news_unix_us) return true;
    if (!finding_new_look(telling->watcher->options.db, project->id, to, found, telling, err) ||
        !told_flush(telling, false, err))
        return false;
    project->news_unix_us = to;
    return true;
}

/* What was found late, catching up, and goes on all the same: people are to know of it now. */
static bool untold_tell(struct telling *telling, const struct finding_standing *standing, struct err *err)
{
    const struct finding_known *untold = standing->untold.items;
    for (uint32_t u = 0; u < standing->untold.count; u++)
        found(telling, &untold[u].finding, untold[u].has_subject ? &untold[u].subject : NULL);
    return told_flush(telling, true, err);
}

/* Once all that has come was looked at: what is found once more after a crash is known by then. */
static bool settle(struct telling *telling, struct watched_project *project, int64_t to_unix_us, struct err *err)
{
    struct watcher *watcher = telling->watcher;
    struct finding_standing standing = { .arena = &telling->arena };
    int64_t next = next_of(project);
    if (next == project->settled_unix_us || next + step_of(project) <= to_unix_us) return true;
    if (project->watch)
        watch_open(project->watch, finding_standing_put, &standing);
    else
        finding_metrics_open(project->metrics, finding_standing_put, &standing);
    bool ok = finding_standing_settle(watcher->options.db, project->id, &standing, watcher->is_of_metrics,
                                      watcher->options.now_unix_us(), err) &&
              untold_tell(telling, &standing, err);
    if (ok) project->settled_unix_us = next;
    return ok;
}

static bool part_run(struct telling *telling, struct watched_project *project, int64_t to_unix_us, bool *is_lost,
                     bool *is_ours, struct err *err)
{
    if (!pieces_run(telling, to_unix_us, is_lost, is_ours, err)) return false;
    if (!*is_ours) return true;
    if (project->metrics) return settle(telling, project, to_unix_us, err);
    return news_run(telling, project, err) && settle(telling, project, to_unix_us, err) &&
           due_explain(telling->watcher, project, err);
}

/* A failure to store has the pieces since the last file looked at again: the watch is loaded anew. */
static bool project_look(struct watcher *watcher, struct watched_project *project, struct err *err)
{
    const struct watcher_options *options = &watcher->options;
    struct telling telling = { .watcher = watcher, .project = project };
    int64_t now = options->now_unix_us();
    bool is_ours, is_lost = false;
    if (!finding_owner_take(options->db, project->id, watcher->owner, now, &is_ours, err)) return false;
    if (!is_ours) {
        usual_forget(project);
        return true;
    }
    if (!has_usual(project) && !usual_load(watcher, project, now, err)) return false;
    arena_init(&telling.arena, 0);
    telling.told.arena = &telling.arena;
    bool ok = part_run(&telling, project, now - WATCH_DELAY_US, &is_lost, &is_ours, err);
    arena_deinit(&telling.arena);
    if (is_lost || (ok && !is_ours)) usual_forget(project);
    if (!ok || !is_ours) return ok;
    now = options->now_unix_us();
    /* What nobody else knows yet is shared at once: it took a day's minutes to learn. */
    if (now - project->saved_unix_us >= SAVE_US || (is_shared(watcher) && project->shared_unix_us == 0))
        usual_save(watcher, project, now);
    if (!watcher->is_of_metrics && now - project->expired_unix_us >= EXPIRE_US) {
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
        usual_forget(&watcher->projects[p]);
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
    uint32_t look_ms = watcher->options.look_ms > 0 ? watcher->options.look_ms : LOOK_MS;
    if (!ticker_rest(&watcher->ticker, look_ms < BEGIN_MS ? look_ms : BEGIN_MS)) return NULL;
    do {
        struct err err = { 0 };
        bool ok = look(watcher, &err);
        if (!ok && !watcher->is_failing)
            log_warn(watcher->options.log, watcher->is_of_metrics ? "findings.metrics_failed" : "findings.failed",
                     log_text("err", err.text));
        if (ok && watcher->is_failing) log_info(watcher->options.log, "findings.well_again");
        watcher->is_failing = !ok;
    } while (ticker_rest(&watcher->ticker, look_ms));
    return NULL;
}

static bool part_start(struct watcher **out, const struct watcher_options *options, bool is_of_metrics, struct err *err)
{
    struct watcher *watcher = mem_calloc(1, sizeof *watcher);
    *out = NULL;
    watcher->options = *options;
    watcher->is_of_metrics = is_of_metrics;
    watcher->dir = mem_strdup(options->dir);
    watcher->owner = uuid_of_name((struct uuid){ { 0 } }, bytes_of_text(options->name));
    ticker_init(&watcher->ticker);
    int code = pthread_create(&watcher->thread, NULL, watcher_run, watcher);
    if (code != 0) {
        ticker_deinit(&watcher->ticker);
        free(watcher->dir);
        free(watcher);
        errno = code;
        return err_os(err, "cannot start a thread that watches");
    }
    *out = watcher;
    return true;
}

static void part_stop(struct watcher *watcher)
{
    ticker_stop(&watcher->ticker);
    pthread_join(watcher->thread, NULL);
    for (uint32_t p = 0; p < watcher->count; p++) {
        if (has_usual(&watcher->projects[p]))
            usual_save(watcher, &watcher->projects[p], watcher->options.now_unix_us());
        usual_forget(&watcher->projects[p]);
    }
    free(watcher->projects);
    free(watcher->dir);
    ticker_deinit(&watcher->ticker);
    free(watcher);
}

bool watcher_start(struct watcher **out, const struct watcher_options *options, struct err *err)
{
    struct watcher *metrics = NULL;
    *out = NULL;
    if (mkdir(options->dir, 0700) != 0 && errno != EEXIST)
        return err_os(err, "could not make folder \"%s\"", options->dir);
    if (options->face.call && !part_start(&metrics, options, true, err)) return false;
    if (!part_start(out, options, false, err)) {
        if (metrics) part_stop(metrics);
        return false;
    }
    (*out)->metrics = metrics;
    return true;
}

void watcher_cancel(struct watcher *watcher)
{
    if (!watcher) return;
    watcher_cancel(watcher->metrics);
    ticker_stop(&watcher->ticker);
}

void watcher_stop(struct watcher *watcher)
{
    if (!watcher) return;
    const struct watcher_options options = watcher->options;
    struct uuid owner = watcher->owner;
    struct err ignored = { 0 };
    watcher_cancel(watcher);
    if (watcher->metrics) part_stop(watcher->metrics);
    part_stop(watcher);
    if (!finding_owner_release(options.db, owner, &ignored))
        log_debug(options.log, "findings.not_released", log_text("err", ignored.text));
}
