/* delta.h -- a Delta Lake table: its log read into a snapshot, and commits that happen once or not at all.
 *
 *   _delta_log/00000000000000000000.json   protocol, metaData, commitInfo
 *              00000000000000000001.json   add*, txn*, commitInfo      <- put if absent: the commit
 *              00000000000000000010.checkpoint.parquet, _last_checkpoint
 *   project_id=<uuid>/date=<YYYY-MM-DD>/part-<uuid>.parquet
 *
 * Exactly once: each commit carries `txn` actions (appId, version = last buffer position included); a flush that lost a
 * put-if-absent race is retried only while the table's latest txn of its appIds is the one it started from.
 * A flush that was told ERR_IO may have been committed: the same call again answers true, without a second commit; another
 * one (more files, a later version_after) is told ERR_CONFLICT, and the snapshot's txn then says what is in.
 * Thread: one committer at a time (a lock inside); snapshots are immutable, counted and for any thread.
 * Memory: the snapshot holds one struct delta_file per live file; checkpoints are written as a stream.
 * Errors: ERR_CONFLICT: another writer owns this partition now (drop the flush); ERR_UNSUPPORTED: a table feature, by name;
 *         ERR_CORRUPT: the log does not parse or has a hole.
 * Source: delta-io/delta PROTOCOL.md (reader version 1, writer version 2). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "timefusion/object/object.h"
#include "timefusion/parquet/parquet.h"
#include "timefusion/schema/schema.h"

struct delta_table;

#define DELTA_ROWS_UNKNOWN UINT64_MAX
struct delta_file {
    const char *path; /* relative to the table's folder, decoded */
    struct uuid project_id;
    int32_t day;                                /* days since 1970 */
    uint64_t bytes, row_count;                  /* DELTA_ROWS_UNKNOWN when the add had no statistics */
    int64_t timestamp_min_us, timestamp_max_us; /* INT64_MIN, INT64_MAX when the add had no statistics */
    int64_t modified_unix_ms;
    struct bytes stats; /* private: the add's statistics, packed (delta_text.h); none: length 0 */
};
/* Live files sorted by (project_id, timestamp_max_us descending). */
struct delta_snapshot {
    uint64_t version;
    uint32_t file_count;
    struct delta_file *const *files;
    uint32_t txn_count;
    const struct delta_txn *txns;
    /* private: reference count and storage */
};
struct delta_txn {
    const char *app_id;
    uint64_t version;
    int64_t updated_unix_ms; /* -1: not told */
};

/* Reads a checkpoint: calls action for each row's action as a JSON object of the log's shape, in any order; groups and
 * fields that are null are as good as absent (DuckDB's to_json of a row will do). Filled in by whoever can read
 * any Parquet file (timefusion/query, by DuckDB), since other writers' checkpoints are not ours to choose. */
struct delta_checkpoint_reader {
    bool (*read)(void *ctx, struct object_store *store, const char *key,
                 bool (*action)(void *action_ctx, struct bytes json, struct err *err), void *action_ctx,
                 struct err *err);
    void *ctx;
};
struct delta_options {
    struct object_store *store;
    const char *prefix; /* key of the table's folder: "otel_metrics" */
    const struct schema_table *table;
    struct delta_checkpoint_reader
        checkpoint_reader;     /* read NULL: replay from version 0 by JSON when it is all there */
    uint32_t checkpoint_every; /* commits; 10; 0: never. Over 500 files each of these, every (files / 500) commits */
    const struct log *log;
};
/* Opens the table; makes it (protocol, metaData with our schema) when it is not there; adds new nullable columns of our
 * schema to an older table by a metaData action. */
MUST_CHECK bool delta_open(struct delta_table **table, const struct delta_options *options, struct err *err);
void delta_close(struct delta_table *table); /* NULL is fine; every snapshot must have been released (asserted) */

struct delta_snapshot *delta_snapshot_acquire(struct delta_table *table);
void delta_snapshot_release(struct delta_snapshot *snapshot);
/* -1 when the snapshot has no txn of this application. */
int64_t delta_snapshot_txn(const struct delta_snapshot *snapshot, const char *app_id);
/* The files of one project: a range of snapshot->files. */
void delta_snapshot_project(const struct delta_snapshot *snapshot, struct uuid project_id, uint32_t *first,
                            uint32_t *count);

struct delta_add {
    const char *path; /* relative, as delta_file_path made it */
    struct uuid project_id;
    int32_t day;
    uint64_t bytes;
    const struct parquet_footer *footer; /* statistics come from here */
};
struct delta_txn_change {
    const char *app_id;
    int64_t version_before; /* -1: none */
    uint64_t version_after;
};
/* path: "project_id=.../date=.../part-<uuid>.parquet" */
void delta_file_path(struct uuid project_id, int32_t day, struct uuid file_id, char path[160]);
/* One commit of at least one add or txn; its files must be in the store already. On true the snapshot holds the adds. The
 * checkpoint that falls due is written by this call too; when that fails the commit stands, and the log says so. */
MUST_CHECK bool delta_commit(struct delta_table *table, const struct delta_add *adds, uint32_t add_count,
                             const struct delta_txn_change *txns, uint32_t txn_count, uint64_t *version,
                             struct err *err);
/* Reads what other writers have committed since; cheap when there is nothing. */
MUST_CHECK bool delta_refresh(struct delta_table *table, struct err *err);
