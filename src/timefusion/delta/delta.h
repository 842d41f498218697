/* delta.h -- a Delta Lake table: its log read into a snapshot, and commits that happen once or not at all.
 *
 *   _delta_log/00000000000000000000.json   protocol, metaData, commitInfo
 *              00000000000000000001.json   add*, remove*, txn*, commitInfo      <- put if absent: the commit
 *              00000000000000000010.checkpoint.parquet, _last_checkpoint
 *   project_id=<uuid>/date=<YYYY-MM-DD>/part-<uuid>.parquet
 *
 * Any number of writers, ours and others: a commit that lost a put-if-absent race reads what the winners did and goes on
 * over it, unless they took what it stands on: a file that it removes is no longer live, a txn has moved (ERR_CONFLICT).
 * Exactly once: each commit carries `txn` actions (appId, version = last buffer position included); a flush that lost a
 * put-if-absent race is retried only while the table's latest txn of its appIds is the one it started from.
 * A flush that was told ERR_IO may have been committed: the same call again answers true, without a second commit; another
 * one (more files, a later version_after) is told ERR_CONFLICT, and the snapshot's txn then says what is in.
 * Thread: one committer at a time (a lock inside); snapshots are immutable, counted, for any thread, and never wait.
 * Memory: one struct delta_file per live file, shared by all snapshots; checkpoints are written as a stream.
 * Errors: ERR_CONFLICT: another writer owns this partition now (drop the flush), or has replaced a file to be removed (plan
 *         anew on a new snapshot); ERR_UNSUPPORTED: a table feature, by name; ERR_CORRUPT: the log does not parse or has a
 *         hole; ERR_BUSY: other writers were faster too often.
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
/* The live files, sorted by (project_id, timestamp_max_us descending): delta_snapshot_file. */
struct delta_snapshot {
    uint64_t version;
    uint32_t file_count, txn_count;
    const struct delta_txn *txns;
    const struct delta_chunks *chunks; /* private: the files, in pieces shared with other snapshots */
};
struct delta_txn {
    const char *app_id;
    uint64_t version;
    int64_t updated_unix_ms; /* -1: not told */
};

/* A live file of a checkpoint; texts are borrowed for the call. Null columns are {NULL, 0}. */
struct delta_checkpoint_add {
    struct bytes path; /* encoded, as in the log */
    struct bytes project_id, date, stats;
    int64_t bytes, modified_unix_ms; /* bytes: -1: null */
    bool has_deletion_vector;
};
/* Takes what a checkpoint holds. add may be NULL: then those come as JSON too. */
struct delta_checkpoint_sink {
    bool (*action)(void *ctx, struct bytes json, struct err *err);
    bool (*add)(void *ctx, const struct delta_checkpoint_add *add, struct err *err);
    void *ctx;
};
/* Reads a checkpoint: tells the sink each row, in any order. JSON is of the log's shape; groups and fields that are null are
 * as good as absent (DuckDB's to_json of a row will do); the many rows that are live files go by columns. Filled in by
 * whoever can read any Parquet file (timefusion/query, by DuckDB), since other writers' checkpoints are not ours to choose. */
struct delta_checkpoint_reader {
    bool (*read)(void *ctx, struct object_store *store, const char *key, const struct delta_checkpoint_sink *sink,
                 struct err *err);
    void *ctx;
};
struct commit_store; /* delta/commit_store.h: a lock for stores without put-if-absent */
struct delta_options {
    struct object_store *store;
    const char *prefix; /* key of the table's folder: "otel_metrics" */
    const struct schema_table *table;
    struct delta_checkpoint_reader
        checkpoint_reader; /* read NULL: replay from version 0 by JSON when it is all there */
    uint32_t
        checkpoint_every; /* commits, unless the table's delta.checkpointInterval says; 0: never. Over 500 files each
                                * of these, every (files / 500) commits */
    struct commit_store *commit_store; /* borrowed; NULL: the object store's put-if-absent */
    const char *commit_mode; /* how commits are made, and where: kept in the table as monoscope.commit; a table
                                        * with another one is refused, for two ways would not see each other. NULL: any */
    const struct log *log;
};
/* Opens the table; makes it (protocol, metaData with our schema) when it is not there; adds new nullable columns of our
 * schema to an older table by a metaData action. */
MUST_CHECK bool delta_open(struct delta_table **table, const struct delta_options *options, struct err *err);
void delta_close(struct delta_table *table); /* NULL is fine; every snapshot must have been released (asserted) */

const char *delta_prefix(const struct delta_table *table); /* as in its options */

struct delta_snapshot *delta_snapshot_acquire(struct delta_table *table);
struct delta_snapshot *delta_snapshot_share(struct delta_snapshot *snapshot); /* once more, to be released too */
void delta_snapshot_release(struct delta_snapshot *snapshot);
/* -1 when the snapshot has no txn of this application. */
int64_t delta_snapshot_txn(const struct delta_snapshot *snapshot, const char *app_id);
/* The files of one project: a range of indexes. */
void delta_snapshot_project(const struct delta_snapshot *snapshot, struct uuid project_id, uint32_t *first,
                            uint32_t *count);
/* index < file_count. Costs the search of a piece: some ten steps at 100,000 files. */
const struct delta_file *delta_snapshot_file(const struct delta_snapshot *snapshot, uint32_t index);

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
/* What one commit does. No path twice, in adds and removes together. */
struct delta_change {
    const struct delta_add *adds; /* their files must be in the store already */
    uint32_t add_count;
    const char *const *removes; /* paths of files that were live in a snapshot of the caller's */
    uint32_t remove_count;
    const struct delta_txn_change *txns;
    uint32_t txn_count;
    const char *operation;       /* "WRITE" (NULL), "OPTIMIZE", "DELETE", "UPDATE", "VACUUM START" ... */
    const char *parameters_json; /* operationParameters: a JSON object of texts; NULL: none, or those of an append */
    const char
        *metrics_json; /* operationMetrics beside the counts of files, bytes and rows: an object of texts, or NULL */
    bool data_change;  /* false: the same rows in other files */
};
/* One commit of the change as a whole. On true the snapshot holds it. The checkpoint that falls due is written by this call
 * too; when that fails the commit stands, and the log says so. On ERR_CONFLICT nothing was written. Removes with
 * data_change are ERR_UNSUPPORTED when the table is delta.appendOnly. */
MUST_CHECK bool delta_commit(struct delta_table *table, const struct delta_change *change, uint64_t *version,
                             struct err *err);
/* Reads what other writers have committed since; one GET that finds nothing when there is nothing. */
MUST_CHECK bool delta_refresh(struct delta_table *table, struct err *err);

/* What a commit said of itself; texts are borrowed for the call, NULL when it did not say. */
struct delta_history_entry {
    uint64_t version;
    int64_t timestamp_unix_ms;                                       /* -1: not said */
    int64_t read_version;                                            /* -1: not said */
    const char *operation, *parameters_json, *metrics_json, *engine; /* JSON: objects */
    bool is_blind_append;
};
/* The last limit versions that are still in the log, newest first, until entry answers false. */
MUST_CHECK bool delta_history(struct delta_table *table, uint32_t limit,
                              bool (*entry)(void *ctx, const struct delta_history_entry *entry), void *ctx,
                              struct err *err);

struct delta_removed {
    const char *path;
    int64_t deletion_unix_ms; /* 0: not told */
    uint64_t bytes;           /* 0: not told */
};
/* Files that are no longer live, but may be wanted by readers of older versions; older ones than
 * delta.deletedFileRetentionDuration are forgotten at each checkpoint. No lock is held in the call. */
void delta_removed_each(struct delta_table *table, bool (*each)(void *ctx, const struct delta_removed *removed),
                        void *ctx);

/* A key of the table's configuration ("delta.appendOnly"), appended with a NUL; false: not set. */
bool delta_configuration(struct delta_table *table, const char *key, struct buf *text);
/* One that is a duration ("interval 7 days"); fallback_ms when it is not set or says nothing we know. */
int64_t delta_configuration_ms(struct delta_table *table, const char *key, int64_t fallback_ms);

/* Deletes commits and checkpoints older than delta.logRetentionDuration (30 days), but none that the newest checkpoint
 * older than that needs. That checkpoint is read back first. Does nothing when delta.enableExpiredLogCleanup is false. */
MUST_CHECK bool delta_clean_log(struct delta_table *table, uint32_t *deleted_count, struct err *err);
