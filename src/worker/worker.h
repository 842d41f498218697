/* worker.h -- turns durable records into visible rows, and visible rows into Delta tables.
 *
 *   buffer sink --worker_push--> [worker thread: rows -> columns per (project, table, day)]
 *        every 0.25 s: new rows --> small segment (plain)      visible from here on
 *        8 small ones  -----------> one, re-encoded            few files for a query
 *        24,576 rows -------------> sealed row group (zstd)    columns start anew
 *        8 sealed ones -----------> joined by copying
 *        every minute, or by size: cut at a position --> [flush thread: timefusion/flush.h, taps] --> release(position)
 *
 * Thread: worker_push from the buffer's thread; worker_replay from the thread that opens, before worker_start.
 * Memory: columns of all groups stay under columns_bytes_max (the largest are sealed early); requests are bounded by
 *         who makes them, queued ones by queue_bytes_max (a push waits: back-pressure).
 * Order:  records in position order; a flush cuts every project at the same one.
 * Errors: a disk that is full: rows stay in memory, the buffer keeps everything, the work goes on when there is room. */
#pragma once
#include "base/err.h"
#include "base/histogram.h"
#include "base/log.h"
#include "buffer/buffer.h"
#include "worker/tap.h"

struct worker;
struct inbound;
struct timefusion;

#define WORKER_TAPS_MAX 4
struct worker_options {
    struct timefusion *timefusion;
    struct uuid buffer_id;
    uint32_t partition;
    const char *parked_dir; /* bodies that were acknowledged and cannot be decoded any more: never in normal life */
    struct disk *disk;
    uint64_t columns_bytes_max;
    uint64_t queue_bytes_max;
    uint32_t attribute_keys_max;
    uint32_t publish_ms; /* 250 */
    uint32_t flush_ms;   /* 60,000 */
    /* A project whose rows alone are no reason to flush that often (the process's own telemetry); all zero: none. */
    struct uuid quiet_project_id;
    uint32_t quiet_flush_ms;
    const struct tap_source *taps; /* tap.h; at most WORKER_TAPS_MAX */
    uint32_t tap_count;
    /* Rows up to position are durable in Delta, and every tap has them; on the flush thread. */
    void (*release)(void *ctx, uint64_t position);
    /* Another owner commits this partition: nothing more can be stored; on the flush thread. */
    void (*lost)(void *ctx, const struct err *err);
    void *ctx;
    const struct log *log;
};
MUST_CHECK bool worker_open(struct worker **worker, const struct worker_options *options, struct err *err);
/* A record of the log at start: skipped by each table and each tap that holds it already. */
MUST_CHECK bool worker_replay(struct worker *worker, const struct buffer_record *record, struct err *err);
/* Makes what was replayed visible, then starts the thread. */
MUST_CHECK bool worker_start(struct worker *worker, struct err *err);
/* Takes inbound. record's body need not live on. */
void worker_push(struct worker *worker, const struct buffer_record *record, struct inbound *inbound);
/* Until everything pushed so far is in Delta, the taps were told to store it, and it was released if they did; or timeout (ERR_TIMEOUT). *position says what that is; not 0: it
 * was told by an earlier call, which is waited on with. NULL: no matter. */
MUST_CHECK bool worker_flush(struct worker *worker, uint64_t *position, uint32_t timeout_ms, struct err *err);
struct worker_stats {
    uint64_t records, rows, published, sealed, flushes, flush_failures;
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
