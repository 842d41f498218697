/* index.h -- which files of a table can hold a value (a trace id, an error's fingerprint), known without opening them.
 *
 *   a file's columns --index_values_read--> hashes --index_note--> pending --index_sync, enough of them--> run in the store
 *   runs --index_work: the small into the larger, 8 to one--> few runs for any number of files
 *   value --index_lookup: one ranged GET a run--> row groups of each file that may hold it
 *
 * A run (run.h) is an object <table>/_monoscope/index/<project>/<name>.run: engines pass over folders that begin with "_".
 * Files and runs are immutable and their names are never used twice, so "file F does not hold X" stays true for ever,
 * whoever compacts, deletes or writes beside us. A run is only an accelerator: one that is missing, torn or damaged costs
 * time, and a file that no run covers is judged by its footer and blooms.
 *
 * Thread: any; one lock per project and table, never held during I/O.
 * Memory: file tables and page directories of runs in use (24 bytes a file, 16 a 32 KB page), small runs as a whole;
 *         over memory_bytes_max what was used least recently goes and is read again when needed.
 * Errors: of index_work alone (ERR_IO of the store; nothing is lost, try later). The rest never fails, it knows less. */
#pragma once
#include "base/bytes.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/uuid.h"
#include "timefusion/object/object.h"
#include "timefusion/schema/schema.h"

#define INDEX_GROUPS_ANY UINT64_MAX /* not covered, or not asked: every row group may hold it */

struct index;
struct index_options {
    struct object_store *store; /* borrowed until close */
    struct disk *disk;          /* large runs are merged through a file in tmp_dir */
    const char *tmp_dir;
    uint64_t memory_bytes_max; /* 0: 16 MiB */
    uint32_t pending_files;    /* files of a project noted before a run is written; 0: 8 */
    const struct log *log;
};
struct index *index_create(const struct index_options *options);
void index_close(struct index *index); /* what is pending is forgotten: index_sync first. NULL is fine */

/* Columns whose values are indexed: of the bloom ones those that name something across files. */
uint32_t index_columns(const struct schema_table *table, const uint32_t **columns);

/* ---- from files ---- */

/* Hashes of one file's values, by row group. */
struct index_values;
struct index_source {
    bool (*read)(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err);
    void *ctx;
    uint64_t bytes; /* of the file */
};
/* Reads the chunks of indexed columns: dictionaries where there are some. A column in a form that ours does not read is
 * left out, and said so in the run. ERR_CORRUPT, ERR_IO, ERR_UNSUPPORTED: the file stays uncovered. */
MUST_CHECK bool index_values_read(struct index_values **values, const struct schema_table *table,
                                  const struct index_source *source, struct err *err);
/* The same of a file on the local disk, before it goes to the store; NULL when it cannot be: it is indexed later. */
struct index_values *index_values_read_local(struct disk *disk, struct disk_file *file, uint64_t bytes,
                                             const struct schema_table *table);
void index_values_destroy(struct index_values *values); /* NULL is fine */
/* For a file of which nothing can be known: covered, and never ruled out. */
struct index_values *index_values_none(void);
/* A committed file: its key in the store ("otel_metrics/project_id=.../part-....parquet"). Takes values. Writes a run when
 * enough files are pending; a failure of that is logged and tried again later. */
void index_note(struct index *index, const struct schema_table *table, struct uuid project_id, const char *key,
                struct index_values *values);
/* Writes what is pending, as far as it gets in time: before the process ends. */
void index_sync(struct index *index, uint64_t deadline_mono_ns);

/* ---- look-ups ---- */

static inline struct hash128 index_file_hash(const char *key)
{
    return hash128_of(bytes_of_text(key));
}
struct index_file {
    struct hash128 hash; /* index_file_hash */
    uint64_t groups;     /* in and out: bit n is row group n, bit 63 also all behind it; 0: the file is not asked for */
};
struct index_question {
    const struct schema_table *table;
    struct uuid project_id;
    uint32_t column;
    const struct bytes *values;
    uint32_t value_count;
    bool is_all; /* a row holds every one of the values; else at least one */
};
/* Clears the bits of row groups that hold no such row. True when some file was covered. */
bool index_lookup(struct index *index, const struct index_question *question, struct index_file *files,
                  uint32_t file_count);

/* ---- upkeep, in small units ---- */

/* One unit of work on a project: merges runs, takes away those that merged ones replaced or whose files are all gone; they
 * are deleted. */
struct index_upkeep {
    const struct schema_table *table;
    struct uuid project_id;
    uint64_t live_mono_ns;      /* the clock before live was looked up: runs noted later are left alone */
    const struct hash128 *live; /* the table's files (index_file_hash), sorted by index_hash_order */
    uint32_t live_count;
    bool is_done; /* out: nothing more to merge now */
};
int index_hash_order(const void *a, const void *b); /* of struct hash128, for qsort */
MUST_CHECK bool index_work(struct index *index, struct index_upkeep *upkeep, struct err *err);
/* Is it time to look after a project? Without asking the store: runs were written here, or files have come (the newest was
 * made then) since the last time. */
bool index_wants_work(struct index *index, const struct schema_table *table, struct uuid project_id,
                      int64_t newest_unix_ms);
/* Is the file covered by a run that is known here? */
bool index_covers(struct index *index, const struct schema_table *table, struct uuid project_id, struct hash128 file);

struct index_counts {
    uint64_t lookups, files_asked, files_out; /* files_out: ruled out */
    uint64_t gets, get_bytes;                 /* of pages */
    uint64_t runs_written, runs_merged, runs_deleted, runs_damaged;
    uint64_t runs, pending_files, memory_bytes; /* now, of projects in memory */
    uint64_t entries_noted;
};
void index_counts(struct index *index, struct index_counts *counts);
