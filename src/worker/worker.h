/* worker.h -- turns the durable records of one partition into visible rows, and visible rows into Delta tables.
 *
 *   buffer sink --worker_push--> [worker thread: rows -> columns per (project, table, day)]
 *   Kafka       --worker_offer-->  every 0.25 s: new rows --> small segment (plain)      visible from here on
 *                                  8 small ones  -----------> one, re-encoded            few files for a query
 *                                  24,576 rows -------------> sealed row group (zstd)    columns start anew
 *                                  8 sealed ones -----------> joined by copying
 *        every minute, or by size: cut at a position --> [flush thread: mark -> timefusion/flush.h, taps -> release]
 *
 * A record that cannot become rows is held until its cut and handed to the source twice, before the tables are committed
 * (mark: remember which) and after (release: send them on their way); so it is neither lost nor stored twice, and its
 * partition goes on.
 *
 * Thread: worker_push, worker_offer from the buffer's thread; worker_replay from the thread that opens, before worker_start;
 *         the source's functions are called on the flush thread.
 * Memory: columns of all groups stay under the bytes of worker_memory, which workers of a process share (the largest are
 *         sealed early); requests are bounded by who makes them, queued ones by queue_bytes_max (a push waits, an offer is
 *         refused: back-pressure); failed records by WORKER_FAILED_MAX and WORKER_FAILED_BYTES (then it is cut early).
 * Order:  records in position order; a flush cuts every project at the same one.
 * Errors: a disk that is full: rows stay in memory, the buffer keeps everything, the work goes on when there is room. */
#pragma once
#include "base/err.h"
#include "base/histogram.h"
#include "base/log.h"
#include "buffer/buffer.h"
#include "timefusion/flush.h"
#include "worker/tap.h"
#include <stdatomic.h>

struct worker;
struct inbound;

/* What the columns of several workers may hold together: each has its share, and what the others leave of theirs. */
struct worker_memory {
    _Atomic uint64_t columns_bytes;
    _Atomic uint32_t worker_count;
    uint64_t columns_bytes_max;
};

#define WORKER_FAILED_MAX   300 /* records; Kafka can remember some more of a cut (KAFKA_MARKS_MAX) */
#define WORKER_FAILED_BYTES (16u << 20)
struct worker_failed {
    struct buffer_record record; /* as it came; body and note live for the call */
    struct bytes note;           /* what worker_offer was told with it */
    const char *reason;
    bool is_final; /* trying again cannot help */
};
/* Where the records come from. What fails is tried again, but for ERR_CONFLICT: then lost is called, and no more. */
struct worker_source {
    /* Before the tables are committed up to position: these of it failed. Called when there are such. */
    bool (*mark)(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count, struct err *err);
    /* Rows up to position are durable in Delta, and every tap has them. What failed, up to the last cut, is still to go
     * somewhere; taps need nothing of it. */
    bool (*release)(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count, struct err *err);
    /* Another owner commits this partition: nothing more can be stored. */
    void (*lost)(void *ctx, const struct err *err);
    void *ctx;
};

/* Who watches rows as they come and keeps none (the live tail): unlike a tap it is told of no row again after a restart. On
 * the worker's thread, which waits for it. */
struct worker_watch {
    void *(*begin)(void *ctx, struct uuid project_id);          /* before a record's rows; NULL: nobody watches them */
    void (*row)(void *watching, const struct columns *columns); /* the last one of these columns */
    void (*end)(void *watching);
    void *ctx;
};

/* Rows of a table have become visible; the oldest of them came received_unix_us. On the worker's thread, a few times a second. */
struct worker_shown {
    void (*shown)(void *ctx, struct uuid project_id, const char *table,
                  int64_t received_unix_us); /* NULL: nobody is told */
    void *ctx;
};

#define WORKER_TAPS_MAX    5
#define WORKER_END_UNKNOWN UINT64_MAX
struct worker_options {
    struct timefusion *timefusion;
    struct flush_owner partition; /* of flush_fence, or flush_owner_read for a log of this process alone (epoch 0) */
    uint64_t position_start;      /* released before: records after it come */
    /* Of the partition when it was taken over: what comes up to here some earlier owner may have shown, so it is not cut below
     * it but by size (segment/owner.h). WORKER_END_UNKNOWN: worker_settle will tell. */
    uint64_t position_end;
    const uint64_t *marks; /* rising: of records that failed and had not gone on when the last owner ended; copied */
    uint32_t mark_count;
    struct worker_source source;
    struct worker_memory *memory; /* borrowed */
    uint64_t queue_bytes_max;
    uint32_t attribute_keys_max;
    /* Of one project, where it is another; on the worker's thread. NULL: it is the same for all. */
    uint32_t (*attribute_keys_of)(void *ctx, struct uuid project_id);
    void *attribute_keys_ctx;
    struct rows_rules_source rules;   /* on the worker's thread */
    struct rows_stacks_source stacks; /* the same; may make it wait a little */
    uint32_t publish_ms;              /* 250 */
    uint32_t flush_ms;                /* 60,000 */
    /* A project whose rows alone are no reason to flush that often (the process's own telemetry); all zero: none. */
    struct uuid quiet_project_id;
    uint32_t quiet_flush_ms;
    const struct tap_source *taps; /* tap.h; at most WORKER_TAPS_MAX */
    uint32_t tap_count;
    struct worker_watch watch; /* begin NULL: none */
    struct worker_shown shown;
    const struct log *log;
};
MUST_CHECK bool worker_open(struct worker **worker, const struct worker_options *options, struct err *err);
/* A record of the log at start: skipped by each table and each tap that holds it already. */
MUST_CHECK bool worker_replay(struct worker *worker, const struct buffer_record *record, struct err *err);
/* Makes what was replayed visible, then starts the thread. */
MUST_CHECK bool worker_start(struct worker *worker, struct err *err);
/* position_end, as the partition had it OWNER_SETTLE_MS after the fence or later; the first call counts. Any thread. */
void worker_settle(struct worker *worker, uint64_t position_end);
/* May it be cut? Else worker_flush is in vain. Any thread. */
bool worker_is_settled(struct worker *worker);
/* Takes inbound. record's body need not live on. */
void worker_push(struct worker *worker, const struct buffer_record *record, struct inbound *inbound);
/* Copies a record of rows that SQL has written (BUFFER_SIGNAL_ROWS). */
void worker_push_rows(struct worker *worker, const struct buffer_record *record);
/* Until the project's rows of every record up to position can be asked for, which then is done at once and not with all
 * others; ERR_TIMEOUT. Any thread. */
MUST_CHECK bool worker_show(struct worker *worker, struct uuid project_id, uint64_t position, uint32_t timeout_ms,
                            struct err *err);
/* Copies a record of which there are only the bytes: it is decoded on the worker's thread. note: comes back when it fails.
 * why: it is none that we can read, and fails for that; else NULL. False: there is no room now. */
MUST_CHECK bool worker_offer(struct worker *worker, const struct buffer_record *record, struct bytes note,
                             const struct err *why);
/* Of a record that was there before, only the position goes on. */
void worker_pass(struct worker *worker, uint64_t position);
uint64_t worker_queue_bytes(struct worker *worker); /* of what waits to become rows */
/* Until everything pushed so far is in Delta, the taps were told to store it, and it was released if they did; or timeout
 * (ERR_TIMEOUT). *position says what that is; not 0: it was told by an earlier call, which is waited on with. NULL: no
 * matter. */
MUST_CHECK bool worker_flush(struct worker *worker, uint64_t *position, uint32_t timeout_ms, struct err *err);
struct worker_stats {
    uint64_t records, failed, rows, published, sealed, flushes, flush_failures;
    uint64_t columns_bytes;
    uint64_t queue_bytes; /* of requests that wait to become rows */
    uint64_t position_pushed, position_flushed;
    uint32_t projects;
    bool is_disk_failing;            /* segments cannot be written at the moment */
    struct histogram_counts visible; /* from a request's arrival until its rows can be asked; not the quiet project's */
    struct histogram_counts flush_times;
};
void worker_stats(struct worker *worker, struct worker_stats *stats);
/* Stops the threads; what is not in Delta stays in the log. NULL is fine. */
void worker_close(struct worker *worker);
