/* maintenance.h -- keeps the tables good without anybody asking: few large files, nothing past its time, no litter.
 *
 *   [many small files of a project's day] --join: row groups copied--> [few]   a file is copied twice at most
 *   [a day that is over, untouched]       --recode: sorted by (hour, service, timestamp), zstd 9--> once
 *   [days past the retention]             --drop: removed from the table--> vacuum deletes the files later
 *   [files that no version needs]         --vacuum--> gone; and the log's expired commits with them
 *   [files that no index run covers]      --index--> runs, and those merged: see index/index.h
 *
 * Each piece of work is a unit of some seconds, with one commit or none; nothing is kept between units but the table
 * itself, so a crash costs the unit. A commit that meets another writer's (ERR_CONFLICT) drops its unit: it is counted,
 * and planned anew later. Row counts never change: join and recode commit with dataChange=false.
 *
 * Thread: one of its own, that gives way to everything else; maintenance_run_now on the caller's, one unit at a time
 *         with it (a lock between units); stats any.
 * Memory: memory_bytes_max for what a unit holds; footers of the files it joins.
 * Errors: ERR_CANCELLED; ERR_UNSUPPORTED: recode without a rewriter; else of the store. A unit that fails by itself is
 *         logged, counted and tried again later and later. */
#pragma once
#include <stdatomic.h>

#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "timefusion/maintenance/rewriter.h"
#include "timefusion/schema/schema.h"

struct maintenance;
struct timefusion;

enum maintenance_kind {
    MAINTENANCE_JOIN,
    MAINTENANCE_RECODE,
    MAINTENANCE_DROP,
    MAINTENANCE_VACUUM,
    MAINTENANCE_LOG,
    MAINTENANCE_INDEX,
    MAINTENANCE_KIND_COUNT
};
const char *maintenance_kind_name(enum maintenance_kind kind); /* "join", "recode", "drop", "vacuum", "log", "index" */

struct maintenance_options {
    struct timefusion *timefusion;
    bool is_on;               /* else only what maintenance_run_now asks for */
    uint32_t interval_ms;     /* between looks at the tables; each time half to one and a half of it */
    uint64_t vacuum_every_ms; /* also for expired commits of the log; 0: never */
    int64_t vacuum_keep_ms;   /* how long files that no version needs are kept; -1: as the table says, else 7 days */
    uint64_t recode_after_ms; /* after the end of a day; 0: never */
    uint64_t memory_bytes_max;
    /* Days that a project's table keeps; 0: all. NULL: all of all. */
    uint32_t (*days_kept)(void *ctx, struct uuid project_id, enum schema_table_id table);
    /* The intake is behind: not now. NULL: never. */
    bool (*is_behind)(void *ctx);
    void *ctx;
    const struct log *log;
};
MUST_CHECK bool maintenance_open(struct maintenance **maintenance, const struct maintenance_options *options,
                                 struct err *err);
/* Starts the thread when it is on. rewriter is copied, its ctx lives until maintenance_stop; all zero: none. */
MUST_CHECK bool maintenance_start(struct maintenance *maintenance, const struct rewriter *rewriter, struct err *err);
/* Ends the unit under way and begins no other; does not wait. */
void maintenance_cancel(struct maintenance *maintenance); /* NULL is fine */
/* Ends the unit under way within a second or two, then the thread; maintenance_run_now answers ERR_CANCELLED from now on. */
void maintenance_stop(struct maintenance *maintenance);  /* NULL is fine */
void maintenance_close(struct maintenance *maintenance); /* stops first; NULL is fine */

struct maintenance_request {
    enum schema_table_id table;
    const struct uuid *project_id; /* NULL: every project */
    bool has_days;                 /* join, recode: only days from first to last, inclusive; days since 1970 */
    int32_t day_first, day_last;
    int64_t keep_ms;                                           /* vacuum: instead of the table's retention; -1: that */
    bool is_dry_run;                                           /* vacuum: nothing is deleted */
    void (*file)(void *ctx, const char *path, uint64_t bytes); /* vacuum: each file it deletes, or would; or NULL */
    void *ctx;
    const atomic_bool *cancel; /* or NULL */
};
struct maintenance_result {
    uint64_t units, conflicts;
    uint64_t files_removed, bytes_removed; /* vacuum: deleted from the store; else: no longer in the table */
    uint64_t files_added, bytes_added;
    uint64_t rows;
    uint64_t version; /* of the table, after */
};
/* All there is to do of a kind, now: join also joins what would rather wait for more files. On false *result says what
 * was done before. */
MUST_CHECK bool maintenance_run_now(struct maintenance *maintenance, enum maintenance_kind kind,
                                    const struct maintenance_request *request, struct maintenance_result *result,
                                    struct err *err);

/* Until maintenance_resume, on the same thread, no unit runs: for who replaces files too, and has met a unit's commit. False: one
 * still runs after wait_ms. */
MUST_CHECK bool maintenance_pause(struct maintenance *maintenance, uint32_t wait_ms);
void maintenance_resume(struct maintenance *maintenance);

struct maintenance_counts { /* since the start */
    uint64_t units, failed, conflicts;
    uint64_t files_in, files_out, bytes_in, bytes_out, rows;
    uint64_t busy_ns;
    uint32_t pending;     /* units that the last look has found and not yet done */
    int64_t last_unix_ms; /* a unit's end; 0: none yet */
    char last_error[240]; /* empty: none */
};
struct maintenance_stats {
    struct maintenance_counts kinds[MAINTENANCE_KIND_COUNT];
    bool is_on, is_waiting; /* waiting: for the intake to catch up */
};
void maintenance_stats(struct maintenance *maintenance, struct maintenance_stats *stats);
