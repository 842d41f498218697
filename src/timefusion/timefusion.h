/* timefusion.h -- the store: segments on local disk, Delta tables in the object store, and snapshots over both.
 *
 *   worker --struct columns--> segment (visible at once) --join--> joined segment --flush--> Delta file
 *   query  --timefusion_snapshot--> [files of one project in one table]: no row twice, none missing, at any moment
 *
 * A snapshot lists segments first and Delta's version second, and drops segments whose positions the table's txn
 * already covers; files in it stay readable until it is released.
 * Thread: any, unless said otherwise. Memory: lists of files; footers are cached by bytes (budget).
 * Errors: a file that is missing or fails its check becomes a warning in the snapshot, never a smaller answer unseen. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "timefusion/delta/delta.h"
#include "timefusion/object/object.h"
#include "timefusion/parquet/parquet.h"
#include "timefusion/schema/schema.h"

struct timefusion;
struct segments;

struct timefusion_options {
    const char *dir;            /* local: dir/segments, dir/tmp; made when missing */
    struct object_store *store; /* the tables; borrowed until close */
    struct disk *disk;          /* the local one */
    struct delta_checkpoint_reader checkpoint_reader;
    struct commit_store *const *commit_stores; /* of each table, by schema_table_id; NULL: see delta_options */
    const char *const *commit_modes;           /* likewise */
    uint32_t refresh_ms;                       /* how often others' commits are looked for (refresh.h); 0: never */
    uint64_t footer_bytes_max;                 /* of Delta files' footers kept while no query holds them */
    const struct log *log;
};
/* Opens (makes) every table of the schema. */
MUST_CHECK bool timefusion_open(struct timefusion **timefusion, const struct timefusion_options *options,
                                struct err *err);
void timefusion_close(struct timefusion *timefusion); /* no snapshot may be held; NULL is fine */
struct segments *timefusion_segments(struct timefusion *timefusion);
struct delta_table *timefusion_delta(struct timefusion *timefusion, enum schema_table_id table);

enum timefusion_origin { TIMEFUSION_SEGMENT, TIMEFUSION_DELTA };

/* A file of a snapshot. Immutable; the name is never reused. */
struct timefusion_file {
    uint64_t id; /* of this process: never reused */
    enum timefusion_origin origin;
    const char *name; /* unique: "<id>.parquet" */
    int32_t day;
    uint64_t bytes, row_count;
    int64_t timestamp_min_us, timestamp_max_us;
    uint64_t position_low, position_high; /* segments: rows of records in (low, high] */
};
/* Reads bytes of the file; exactly len or an error. Any thread, while the snapshot is held. */
MUST_CHECK bool timefusion_file_read(struct timefusion_file *file, uint64_t offset, void *ptr, size_t len,
                                     struct err *err);
/* Its footer, read and cached on first use; borrowed while the snapshot is held. */
MUST_CHECK bool timefusion_file_footer(struct timefusion_file *file, const struct parquet_footer **footer,
                                       struct err *err);

struct timefusion_snapshot {
    const struct schema_table *table;
    struct uuid project_id;
    uint64_t delta_version;
    uint32_t file_count;
    struct timefusion_file **files; /* newest timestamp_max_us first */
    uint32_t warning_count;
    const char *const *warnings;
};
MUST_CHECK bool timefusion_snapshot_acquire(struct timefusion *timefusion, enum schema_table_id table,
                                            struct uuid project_id, struct timefusion_snapshot **snapshot,
                                            struct err *err);
/* One of these Delta files alone, all of one project, in their order; files is borrowed for the call. */
struct timefusion_snapshot *timefusion_snapshot_of(struct timefusion *timefusion, enum schema_table_id table,
                                                   const struct delta_file *const *files, uint32_t file_count);
void timefusion_snapshot_release(struct timefusion_snapshot *snapshot);
/* Does a snapshot of this process hold the table's file, live or not? path: as in struct delta_file. */
bool timefusion_file_is_held(struct timefusion *timefusion, enum schema_table_id table, const char *path);
