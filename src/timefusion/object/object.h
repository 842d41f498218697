/* object.h -- where table files live: a folder now; a bucket slots in behind the same struct.
 *
 *   object_put_if_absent, object_put, object_put_file, object_writer --> name and bytes, whole or not at all
 *   object_get, object_get_range, object_reader, object_list         <--
 *
 * Keys are relative, "/"-separated: "otel_metrics/_delta_log/00000000000000000007.json". No empty, "." or ".." part, no
 * part that starts with ".tmp" (the store's own), at most OBJECT_KEY_BYTES_MAX: else ERR_INPUT.
 * Durable: what put_* answered true for survives a power cut, name and bytes; so does what put_if_absent answered
 * ERR_EXISTS for. A put that failed with ERR_IO may or may not have happened: look, or put again.
 * Thread: any; a reader any, a writer one. Errors: ERR_EXISTS from put_if_absent when the key is there; ERR_NOT_FOUND;
 * ERR_TOO_LARGE; ERR_CORRUPT for a range past the end; ERR_IO. */
#pragma once
#include "base/bytes.h"
#include "base/disk.h"
#include "base/err.h"

#define OBJECT_KEY_BYTES_MAX 1024
/* Could this be a key? For names that come from outside, before they are put into one. */
bool object_key_is_valid(const char *key);

struct object_store;
/* A folder, made when missing. disk: base/disk.h. */
MUST_CHECK bool object_store_open_folder(struct object_store **store, const char *dir, struct disk *disk,
                                         struct err *err);
void object_store_close(struct object_store *store);

MUST_CHECK bool object_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err);
MUST_CHECK bool object_put(struct object_store *store, const char *key, struct bytes bytes,
                           struct err *err); /* replaces */
/* Takes a finished, synced file of the local disk: moved or copied in; the local name is gone after. */
MUST_CHECK bool object_put_file(struct object_store *store, const char *key, const char *path, struct err *err);
/* len_max guards the memory; ERR_TOO_LARGE over it. */
MUST_CHECK bool object_get(struct object_store *store, const char *key, size_t len_max, struct buf *out,
                           struct err *err);
MUST_CHECK bool object_get_range(struct object_store *store, const char *key, uint64_t offset, void *ptr, size_t len,
                                 struct err *err);
MUST_CHECK bool object_size(struct object_store *store, const char *key, uint64_t *bytes, struct err *err);
MUST_CHECK bool object_delete(struct object_store *store, const char *key, struct err *err); /* absent is fine */
/* Every key with this prefix, in byte order, until entry answers false. */
MUST_CHECK bool object_list(struct object_store *store, const char *prefix,
                            bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us),
                            void *ctx, struct err *err);
/* A path that opens the object for reading on the local disk, or false when the store is not local. */
bool object_local_path(struct object_store *store, const char *key, char *path, size_t path_bytes);
/* An object too large for memory: bytes one after the other, there under its key (replacing) once finished. */
struct object_writer;
MUST_CHECK bool object_writer_open(struct object_store *store, const char *key, struct object_writer **writer,
                                   struct err *err);
MUST_CHECK bool object_writer_add(struct object_writer *writer, struct bytes bytes, struct err *err);
/* Frees the writer, also when it fails. */
MUST_CHECK bool object_writer_finish(struct object_writer *writer, struct err *err);
void object_writer_cancel(struct object_writer *writer); /* NULL is fine; nothing is left behind */
/* A range through an object kept open, for scans. */
struct object_reader;
MUST_CHECK bool object_reader_open(struct object_store *store, const char *key, struct object_reader **reader,
                                   struct err *err);
MUST_CHECK bool object_reader_pread(struct object_reader *reader, uint64_t offset, void *ptr, size_t len,
                                    struct err *err);
void object_reader_close(struct object_reader *reader);
