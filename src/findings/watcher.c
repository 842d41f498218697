#include "findings/watcher.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/ticker.h"
#include "findings/finding.h"
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
    bool is_failing;
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

struct telling {
    struct watcher *watcher;
    const struct watched_project *project;
    struct err *err;
    bool ok;
};
static void found(void *ctx, const struct detect_finding *finding, const struct watch_subject *subject)
{
    struct telling *telling = ctx;
    const struct watcher_options *options = &telling->watcher->options;
    int64_t now = options->now_unix_us();
    if (!telling->ok) return;
    telling->ok = finding_tell(options->db, telling->project->id, finding, subject,
                               finding->found_unix_us >= now - TOLD_US, now, telling->err);
}

/* A failure to store has the pieces since the last file looked at again: the watch is loaded anew. */
static bool project_look(struct watcher *watcher, struct watched_project *project, struct err *err)
{
    const struct watcher_options *options = &watcher->options;
    struct telling telling = { watcher, project, err, true };
    int64_t now = options->now_unix_us(), to = now - WATCH_DELAY_US;
    bool got;
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
    while (telling.ok && watch_next_unix_us(project->watch) + MINUTE_US <= to) {
        int64_t piece = watch_next_unix_us(project->watch) + WATCH_PIECE_MINUTES * MINUTE_US;
        uint64_t begin_ns = clock_thread_ns();
        if (!watch_run(project->watch, options->db, piece < to ? piece : to, found, &telling, err)) return false;
        uint64_t ms = (clock_thread_ns() - begin_ns) / 1000000;
        if (!ticker_rest(&watcher->ticker, 10 + 9 * ms)) break;
        bool is_ours;
        now = options->now_unix_us();
        if (telling.ok && !finding_owner_take(options->db, project->id, watcher->owner, now, &is_ours, err))
            return false;
    }
    if (!telling.ok) {
        watch_destroy(project->watch);
        project->watch = NULL;
        return false;
    }
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
