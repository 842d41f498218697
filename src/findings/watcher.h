/* watcher.h -- the threads that watch: each minute, of each project that is this process's to watch, what came is looked at, and
 * what is unusual becomes findings (finding.h).
 *
 *   projects --finding_owner_take--> ours --watch_run (detect/rollups)--> finding_causes_rank --> finding_tell
 *                                     '---- those that go on, some minutes later: finding_causes_rank --> finding_explain
 *   issues and log patterns that are new: finding_new_look --> the same
 *   metrics: finding_metrics_run (detect/levels) --> the same
 *   DIR/<project>.watch, .metrics: what is usual, written now and then; in PostgreSQL too (finding_usual.h), for the process that takes
 *   the project over; without either the last day's minutes are read again
 *
 * What is in there is as old as it is: minutes since are looked at once more, and what they tell is stored already.
 * Catching up takes a tenth of a core at most, so that a server that has just begun answers.
 * What is stored as going on and is not known as that, ends; what was found too late to be told, and goes on, is told once all was
 * looked at: finding_standing.h.
 * Threads: one of roll-ups, one of metrics, whose statements may be slow. Memory: 8 KB a series, WATCH_SERIES_MAX a project. Errors: in the log; the next minute tries again. */
#pragma once
#include "base/log.h"
#include "findings/finding_causes.h"
#include "meta/db.h"
#include "meta/meta.h"

struct watcher_options {
    struct db *db;
    struct meta *meta; /* whose projects */
    const struct log *log;
    const char *dir;  /* made when it is missing; copied, as what follows */
    const char *name; /* of the process: what it watched before its restart is its own at once */
    int64_t (*now_unix_us)(void);
    struct finding_face face; /* who reads rows, of both threads at once; call NULL: nobody */
    uint32_t look_ms;         /* between two looks; 0: as is usual */
};
struct watcher;
MUST_CHECK bool watcher_start(struct watcher **watcher, const struct watcher_options *options, struct err *err);
void watcher_cancel(struct watcher *watcher); /* begins nothing any more */
void watcher_stop(struct watcher *watcher);   /* NULL is fine, as above */
