/* worker_inside.h -- the worker's struct, for its own files: worker.c (life, waiting for a flush), worker_records.c
 * (records in, and those that fail), worker_rows.c (a record's rows into groups, making them visible, memory), worker_flush.c (the cut
 * and the flush thread), worker_taps.c. */
#pragma once
#include "base/queue.h"
#include "timefusion/flush.h"
#include "worker/group.h"
#include "worker/otlp/inbound.h"
#include "worker/rows/rows.h"
#include "worker/worker.h"
#include "worker/written/written.h"
#include <pthread.h>
#include <stdatomic.h>

#define QUEUE_ITEMS_MAX  65536
#define ROW_GROUPS_FLUSH 48          /* of a group: flush by size, before files pass PARQUET_ROW_GROUPS_MAX */
#define SEAL_BYTES_MAX   (48u << 20) /* twice what 24,576 rows of 0.9 KB take */
#define RETRY_MS         200
#define FLUSH_FILES_MAX  2000 /* more groups than this: flushes get rarer, not larger */

/* Who waits in worker_show; on its stack. */
struct showing {
    struct showing *next;
    struct uuid project_id;
    uint64_t position;
    bool is_done;
};

struct raw; /* worker_records.c: a record's bytes */
/* What the buffer hands over: decoded, or the bytes, or of a repeat the position alone. Position 0: somebody waits. */
struct item {
    uint64_t position;
    struct uuid project_id; /* of inbound */
    struct inbound *inbound;
    struct raw *raw;
};

/* Records that could not become rows. */
struct failed_list {
    struct worker_failed *at;
    struct raw **owned;
    uint32_t count, cap;
    uint64_t bytes;
};

/* What goes to the flush thread: rows, and records that are none. */
struct cut {
    struct flush flush;
    struct failed_list failed;
    bool is_marked; /* by an earlier try */
};

struct project {
    struct uuid id;
    struct group **groups;
    uint32_t group_count, group_cap;
};

struct worker {
    struct worker_options options;
    struct flush_owner partition; /* as we leave it in the tables; txn: the flush thread's */
    struct owner *owner;          /* this time of ours in the partition: its segments outlive the worker */
    struct queue *queue;
    pthread_t thread, flush_thread;
    bool thread_runs, flush_thread_runs;
    atomic_bool stops;

    /* the worker thread's */
    struct project **projects; /* by id: open addressing, cap a power of two */
    uint32_t project_count, project_cap;
    struct rows *rows;
    struct inbound_reader *reader;
    struct written *written; /* NULL until SQL has written a row */
    struct failed_list failed;
    struct parquet_writer *writer;
    int64_t txn[SCHEMA_TABLE_COUNT]; /* of the tables when we started: what a replay skips */
    uint64_t position;               /* of the last record worked on */
    uint64_t position_cut;           /* of the last flush begun */
    uint64_t visible_at_cut;         /* what was visible then: the flush makes the rest so, up to position_cut */
    uint64_t publish_due_ns, flush_due_ns, quiet_flush_due_ns;
    uint64_t cut_mono_ns;      /* the last one */
    uint64_t failing_since_ns; /* the disk refuses segments; 0: all is well */
    bool flush_wanted;         /* by size */
    bool has_loud; /* since the last cut a record of a project that is not quiet came: taps may hold it, rows or none */
    struct tap *taps[WORKER_TAPS_MAX];
    uint32_t tap_count;
    struct columns *nowhere;     /* what the taps need of a replay and the tables have already */
    uint64_t columns_bytes;      /* as worker_memory counts them for us */
    struct worker_stats counted; /* of the worker thread; shared after each turn */

    /* the flush thread's */
    uint64_t position_stored, position_released; /* in the tables; in the taps too */
    struct failed_list held;                     /* of stored cuts: they have not gone on yet */
    bool is_behind;                              /* taps or the release are to be tried again */

    struct histogram visible, flush_times;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct cut *cut;           /* for the flush thread; NULL: it is idle */
    uint64_t position_pushed;  /* the last one given to us */
    uint64_t position_flushed; /* in the tables, and the taps were told */
    uint64_t position_end;     /* of worker_options, or told since */
    uint64_t position_worked;  /* as `position`, for others */
    uint64_t flush_asked;      /* worker_flush waits for this position */
    struct showing *showings;
    struct worker_stats stats;
};

/* ---- worker_rows.c: the worker thread, and who opens ---- */
/* The rows of one record into their groups, unless the table is_stored them, and to the taps that lack them. written: whose
 * request it is; else NULL. */
void worker_record_work(struct worker *worker, uint64_t position, struct uuid project_id,
                        const struct otlp_request *request, bool is_replay, bool is_stored,
                        const struct written *written);
/* Calls fn for every group until it answers false. */
void worker_groups_each(struct worker *worker, bool (*fn)(struct worker *worker, struct group *group, void *ctx),
                        void *ctx);
/* Groups with rows that Delta lacks; loud_only: none of the quiet project. */
uint32_t worker_groups_filled(struct worker *worker, bool loud_only);
bool worker_is_quiet(const struct worker *worker, const struct group *group);
void worker_publish_all(struct worker *worker);
void worker_publish_if_due(struct worker *worker, uint64_t now_ns);
/* Rows that worker_show waits for. */
void worker_publish_if_asked(struct worker *worker);
/* Seals the largest groups until the columns are within their bytes. */
void worker_memory_bound(struct worker *worker);
/* Up to where the rows of every record can be asked for. */
uint64_t worker_visible_up_to(struct worker *worker);
void worker_projects_destroy(struct worker *worker);
void worker_memory_leave(struct worker *worker); /* our share is the others' */

/* ---- worker_records.c ---- */
void worker_item_work(struct worker *worker, struct item *item); /* takes it */
void worker_item_free(struct item *item);
void worker_failed_deinit(struct failed_list *list);

/* ---- worker_flush.c ---- */
void worker_cut_if_due(struct worker *worker, uint64_t now_ns);
void *worker_flush_main(void *worker); /* the flush thread */

/* ---- worker_taps.c ---- */
/* The taps that a record is for. */
struct worker_listening {
    struct tap *taps[WORKER_TAPS_MAX];
    uint32_t tap_count;
    bool wants_attributes;
};
MUST_CHECK bool worker_taps_open(struct worker *worker, struct err *err);
void worker_taps_close(struct worker *worker);
/* The worker thread, and who opens: */
bool worker_taps_lack(const struct worker *worker, uint64_t position);
void worker_taps_begin(struct worker *worker, struct worker_listening *listening, uint64_t position,
                       struct uuid project_id, const struct otlp_request *request);
void worker_taps_row(struct worker_listening *listening, const struct rows_row *row);
void worker_taps_cut(struct worker *worker, uint64_t position);
bool worker_taps_want_cut(const struct worker *worker);
bool worker_taps_have_room(const struct worker *worker);
/* The flush thread: stores what was cut. *position: all have it up to there, at most up to what the tables have. False:
 * another owner of the partition has stored. */
MUST_CHECK bool worker_taps_store(struct worker *worker, uint64_t *position, struct err *err);
