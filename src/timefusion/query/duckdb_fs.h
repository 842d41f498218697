/* duckdb_fs.h -- the only files DuckDB can open: "mono://<snapshot>/<name>", read-only, of snapshots that are held.
 *
 *   duckdb_fs_register(database) ; duckdb_fs_add(snapshot 7, files) -> read_parquet(['mono://7/a.parquet']) -> duckdb_fs_drop(7)
 *
 * A name that is not in the table does not exist; nothing is ever written but what our own SQL puts into memory (out). A snapshot's release is called when it was
 * dropped and the last file handle of it is closed, so that a read in flight never loses its file.
 * Thread: any. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <duckdb.h>
#ifdef __cplusplus
extern "C" {
#endif

struct duckdb_fs;
struct duckdb_fs_file {
    const char *name; /* unique for ever: DuckDB caches footers by it */
    uint64_t bytes;
    void *file; /* passed to read */
};
struct duckdb_fs_snapshot {
    uint64_t id;
    const struct duckdb_fs_file *files; /* copied */
    uint32_t file_count;
    bool (*read)(void *file, uint64_t offset, void *ptr, size_t len, struct err *err);
    void (*release)(void *ctx); /* or NULL: the caller holds it until the database is closed */
    void *ctx;
};
/* The file system belongs to the database; call before its configuration is locked. */
MUST_CHECK bool duckdb_fs_register(duckdb_database database, struct duckdb_fs **fs, struct err *err);
void duckdb_fs_add(struct duckdb_fs *fs, const struct duckdb_fs_snapshot *snapshot);
void duckdb_fs_drop(struct duckdb_fs *fs, uint64_t snapshot_id);
/* From begin to end a file "mono://out/<id>" can be written once, into memory, up to bytes_max: for SQL of our own. bytes: what
 * was written, for the caller to free; NULL: it goes. */
void duckdb_fs_out_begin(struct duckdb_fs *fs, uint64_t id, size_t bytes_max);
void duckdb_fs_out_end(struct duckdb_fs *fs, uint64_t id, struct bytes *bytes);
void duckdb_fs_close(struct duckdb_fs *fs); /* after the database was closed */
/* Bytes that were read of the snapshot; 0 when it is not there. */
uint64_t duckdb_fs_bytes(const struct duckdb_fs *fs, uint64_t snapshot_id);
/* Reads of the snapshot fail once so many bytes were read of it. */
void duckdb_fs_limit(struct duckdb_fs *fs, uint64_t snapshot_id, uint64_t bytes_max);
bool duckdb_fs_is_over(const struct duckdb_fs *fs, uint64_t snapshot_id);
/* Reads since the start: for tests. */
void duckdb_fs_counts(const struct duckdb_fs *fs, uint64_t *reads, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
