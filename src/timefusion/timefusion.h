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
#include "timefusion/index/index.h"
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
    uint64_t index_bytes_max;                  /* index.h; 0: its default */
    uint64_t fetch_bytes_max;                  /* fetched ahead for queries under way; 0: 64 MiB */
    const struct log *log;
};
/* Opens (makes) every table of the schema. */
MUST_CHECK bool timefusion_open(struct timefusion **timefusion, const struct timefusion_options *options,
                                struct err *err);
void timefusion_close(struct timefusion *timefusion); /* no snapshot may be held; NULL is fine */
struct segments *timefusion_segments(struct timefusion *timefusion);
struct delta_table *timefusion_delta(struct timefusion *timefusion, enum schema_table_id table);
struct index *timefusion_index(struct timefusion *timefusion);

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

/* Of its place in the store: the same in every process, and never that of another file. */
struct hash128 timefusion_file_hash(const struct timefusion_file *file);

/* How many rows it has: by its add, else by its footer. */
MUST_CHECK bool timefusion_file_rows(struct timefusion_file *file, uint64_t *rows, struct err *err);
/* Beyond the snapshot that it came from. */
void timefusion_file_acquire(struct timefusion_file *file);
void timefusion_file_release(struct timefusion_file *file);
/* Reads ranges ahead, all side by side, so that reads of theirs wait no more: kept until the last query lets go of the
 * file. A hint: what there is no room for, or fails, is read when it is asked for, as is all of a local disk. */
struct timefusion_fetch {
    struct timefusion_file *file;
    uint64_t offset;
    size_t len;
};
void timefusion_fetch(const struct timefusion_fetch *fetches, uint32_t count);
/* The last bytes of a file in which its footer nearly always is: what timefusion_file_footer reads first. */
size_t timefusion_footer_bytes(const struct timefusion_file *file);
/* Footers of these files, side by side; those that fail are told by timefusion_file_footer. */
void timefusion_fetch_footers(struct timefusion_file *const *files, uint32_t count);

/* What every snapshot from now on is to warn of; copied, in place of those before. */
void timefusion_warn(struct timefusion *timefusion, const char *const *warnings, uint32_t count);
/* Each second or so: newer owners of partitions are taken where they have come as far (segment/owner.h), and segments that
 * nobody is to see any more go. */
void timefusion_trim(struct timefusion *timefusion);
/* Others' commits are looked for now, in every table. */
void timefusion_refresh_soon(struct timefusion *timefusion);
/* When the last look at others' commits began that every table had; 0: there was none yet. */
uint64_t timefusion_looked_mono_ns(struct timefusion *timefusion);

struct timefusion_snapshot {
    const struct schema_table *table;
    struct uuid project_id;
    uint64_t delta_version;
    uint32_t file_count;
    struct timefusion_file **files; /* newest timestamp_max_us first */
    uint32_t warning_count;
    const char *const *warnings;
    struct narrow *narrow; /* private: what the index has answered */
};
MUST_CHECK bool timefusion_snapshot_acquire(struct timefusion *timefusion, enum schema_table_id table,
                                            struct uuid project_id, struct timefusion_snapshot **snapshot,
                                            struct err *err);
/* One of these Delta files alone, all of one project, in their order; files is borrowed for the call. */
struct timefusion_snapshot *timefusion_snapshot_of(struct timefusion *timefusion, enum schema_table_id table,
                                                   const struct delta_file *const *files, uint32_t file_count);
/* The files of base, which is held, and these: those of rows that only the caller is to see. files is borrowed for the call. */
struct timefusion_snapshot *timefusion_snapshot_with(const struct timefusion_snapshot *base,
                                                     struct timefusion_file *const *files, uint32_t file_count);
void timefusion_snapshot_release(struct timefusion_snapshot *snapshot);
/* Does a snapshot of this process hold the table's file, live or not? path: as in struct delta_file. */
bool timefusion_file_is_held(struct timefusion *timefusion, enum schema_table_id table, const char *path);
/* Clears, by file of the snapshot, the bits of row groups that the index knows not to hold a row with one of the values
 * (is_all: with all of them) in the column: bit n is row group n, bit 63 all from there on. Files with groups[f] 0 are not
 * asked for. False when the index knows nothing. */
bool timefusion_snapshot_narrow(const struct timefusion_snapshot *snapshot, uint32_t column, const struct bytes *values,
                                uint32_t value_count, bool is_all, uint64_t *groups);
/* One unit of keeping a project's index: merges runs, else indexes up to files_max files that no run covers. *is_done:
 * there was nothing to do. */
MUST_CHECK bool timefusion_index_work(struct timefusion *timefusion, enum schema_table_id table, struct uuid project_id,
                                      uint32_t files_max, bool *is_done, struct err *err);
