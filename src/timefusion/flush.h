/* flush.h -- from segments to Delta, exactly once: join the row groups of a range of positions, one commit a table.
 *
 *   worker cuts at position P: [rows not yet sealed][sealed and joined segments] of every project
 *     --flush_run--> seal the rest --> join to <= 64 row groups a file --> store --> one commit per table, txn = P
 *                --> the segments leave the list --> the buffer may forget up to P
 *
 * A commit's txn is what makes a replay skip what Delta already holds; a segment is covered when its highest position is
 * at or below it.
 *
 * Owners: where a partition has one owner after another in different processes (Kafka), each makes itself known first:
 *   flush_fence --a commit per table: txn "<appId>/owner" = epoch--> from here on no commit of an earlier owner can happen,
 *                                                                   and what it has committed is known for good
 *   every flush stands on both, the owner's epoch and the data's txn as its owner left them; the epoch is kept in the
 *   tables' own logs and grows with each owner. Our own log has one process by its lock: epoch 0, no such txn.
 *
 * Thread: flush_run on one thread at a time. Memory: one row group's encoding, the list of files.
 * Errors: ERR_IO: nothing was lost, run the same flush again (files already stored are made anew, the orphans deleted);
 *         ERR_CONFLICT: another owner has committed this partition: stop. */
#pragma once
#include "base/span.h"
#include "timefusion/columns/columns.h"
#include "timefusion/file.h"
#include "timefusion/segment/segment.h"

/* What a project holds of one table and day up to the cut. */
struct flush_group {
    const struct schema_table *table;
    struct uuid project_id;
    int32_t day;
    struct file **sealed; /* references; in order of positions */
    uint32_t sealed_count;
    struct file **small; /* segments of the rows in columns, listed now, replaced by sealing them */
    uint32_t small_count;
    struct columns *columns; /* rows not yet sealed, or NULL */
    struct segment_range columns_range;
};
#define FLUSH_APP_ID_BYTES 96
/* A buffer partition as its owner has left it in the tables. */
struct flush_owner {
    char app_id[FLUSH_APP_ID_BYTES];
    uint64_t epoch;                  /* of flush_fence; 0: a log of this process alone */
    int64_t txn[SCHEMA_TABLE_COUNT]; /* of the data in each table, -1: none; flush_run moves it */
};
/* Takes the partitions over, all at once: sets epoch and txn of each (app_id is set) by one commit per table. ERR_CONFLICT:
 * others did the same at the same time, too often; ERR_IO: try again, which makes new epochs. */
MUST_CHECK bool flush_fence(struct timefusion *timefusion, struct flush_owner *owners, uint32_t count, struct err *err);
/* The txn of the tables as they are known now, without a fence. */
void flush_owner_read(struct timefusion *timefusion, struct flush_owner *owner);

struct flush {
    struct flush_owner *owner; /* the caller's: the same for all flushes of the partition */
    uint64_t position;         /* the cut: last whole record included */
    struct flush_group *groups;
    uint32_t group_count;
    bool must_commit;                            /* also without rows: the first table must say how far it has come */
    bool table_is_done[SCHEMA_TABLE_COUNT];      /* committed by an earlier try */
    bool table_is_uncertain[SCHEMA_TABLE_COUNT]; /* an earlier try's commit failed: it may be in all the same */
    const struct span *span;                     /* that the commits are part of, or NULL */
};
/* Runs or goes on with it. After true every group's segments are out of the list. */
MUST_CHECK bool flush_run(struct flush *flush, struct timefusion *timefusion, struct parquet_writer *writer,
                          const struct log *log, struct err *err);
void flush_deinit(struct flush *flush); /* releases what it holds */

bool flush_is_covered(const struct delta_snapshot *snapshot, const struct file *segment);
/* "monoscope/<buffer id>/<partition>": the appId of txn. */
void flush_app_id(struct uuid buffer_id, uint32_t partition, char app_id[FLUSH_APP_ID_BYTES]);

/* The store's parts, for flush.c and maintenance/. */
struct object_store *timefusion_store(struct timefusion *timefusion);
struct disk *timefusion_disk(struct timefusion *timefusion);
const char *timefusion_tmp_dir(struct timefusion *timefusion);
struct shreds *timefusion_shreds(struct timefusion *timefusion);
