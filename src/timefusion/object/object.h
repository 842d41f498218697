/* object.h -- where table files live: a folder or an S3 bucket behind one struct.
 *
 *   object_put_if_absent, object_put, object_put_file, object_writer --> name and bytes, whole or not at all
 *   object_get, object_get_ranges, object_reader, object_list_from   <--
 *
 * Keys are relative, "/"-separated: "otel_metrics/_delta_log/00000000000000000007.json". No empty, "." or ".." part, no
 * part that starts with ".tmp" (the store's own; but "<table>/_delta_log/.tmp/<name>" is Delta's), at most
 * OBJECT_KEY_BYTES_MAX: else ERR_INPUT.
 * Durable: what put_* answered true for survives a power cut, name and bytes; so does what put_if_absent answered
 * ERR_EXISTS for. A put that failed with ERR_IO may or may not have happened: look, or put again.
 * Thread: any; a reader any, a writer one. Errors: ERR_EXISTS from put_if_absent when the key is there; ERR_NOT_FOUND;
 * ERR_TOO_LARGE; ERR_CORRUPT for a range past the end and for bytes that fail their checksum; ERR_FORBIDDEN,
 * ERR_UNAUTHENTICATED and ERR_INPUT say which setting to change; ERR_IO. */
#pragma once
#include "base/bytes.h"
#include "base/disk.h"
#include "base/err.h"
#include <stdatomic.h>

#define OBJECT_KEY_BYTES_MAX 1024
/* Could this be a key? For names that come from outside, before they are put into one. */
bool object_key_is_valid(const char *key);

struct aws;
struct object_store;
struct object_options {
    struct disk *disk;    /* of file:// and of the files that put_file takes: base/disk.h */
    struct aws *aws;      /* signs and sends for s3://; borrowed until close. NULL: only folders open */
    const char *endpoint; /* of an S3 server: "http://host:9000"; NULL: AWS's own, of the region */
    bool is_virtual_host; /* at an endpoint: http://bucket.host/key, not http://host/bucket/key. AWS always has it */
    const atomic_bool *cancel; /* true: what is under way to a bucket ends with ERR_CANCELLED; NULL: never */
};
/* "s3://bucket/prefix", "file:///folder", or a folder's path; a folder is made when missing. Nothing is sent yet. */
MUST_CHECK bool object_store_open_url(struct object_store **store, const char *url,
                                      const struct object_options *options, struct err *err);
/* A folder, made when missing. disk: base/disk.h. */
MUST_CHECK bool object_store_open_folder(struct object_store **store, const char *dir, struct disk *disk,
                                         struct err *err);
void object_store_close(struct object_store *store); /* no reader or writer may be open; NULL is fine */
/* "s3://bucket/prefix" or "file:///folder", without a "/" at the end; lives as long as the store. */
const char *object_store_url(struct object_store *store);
/* Puts, puts again if absent, reads, lists and deletes a key of its own. ERR_UNSUPPORTED: the store overwrites what it
 * was told to put only if absent, so that commits of two writers would be lost: a lock is needed. */
MUST_CHECK bool object_store_probe(struct object_store *store, struct err *err);

MUST_CHECK bool object_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err);
MUST_CHECK bool object_put(struct object_store *store, const char *key, struct bytes bytes,
                           struct err *err); /* replaces */
/* Takes a finished, synced file of the local disk: moved, copied or sent in; the local name is gone after. */
MUST_CHECK bool object_put_file(struct object_store *store, const char *key, const char *path, struct err *err);
/* Several of them, side by side where that saves time; after an error some may be there, and their local names gone. */
struct object_file {
    const char *key, *path;
};
MUST_CHECK bool object_put_files(struct object_store *store, const struct object_file *files, uint32_t count,
                                 struct err *err);
/* len_max guards the memory; ERR_TOO_LARGE over it. */
MUST_CHECK bool object_get(struct object_store *store, const char *key, size_t len_max, struct buf *out,
                           struct err *err);
MUST_CHECK bool object_get_range(struct object_store *store, const char *key, uint64_t offset, void *ptr, size_t len,
                                 struct err *err);
/* Several ranges side by side: one request each and none for the size. */
struct object_range {
    uint64_t offset;
    size_t len;
    void *into;
};
MUST_CHECK bool object_get_ranges(struct object_store *store, const char *key, const struct object_range *ranges,
                                  uint32_t count, struct err *err);
MUST_CHECK bool object_size(struct object_store *store, const char *key, uint64_t *bytes, struct err *err);
MUST_CHECK bool object_delete(struct object_store *store, const char *key, struct err *err); /* absent is fine */
/* All of them, in as few requests as the store has; after an error some may be gone. */
MUST_CHECK bool object_delete_many(struct object_store *store, const char *const *keys, uint32_t count,
                                   struct err *err);
/* Every key with this prefix, in byte order, until entry answers false. */
MUST_CHECK bool object_list(struct object_store *store, const char *prefix,
                            bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us),
                            void *ctx, struct err *err);
/* Only those behind start_after in byte order ("": all). */
MUST_CHECK bool object_list_from(struct object_store *store, const char *prefix, const char *start_after,
                                 bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us),
                                 void *ctx, struct err *err);
/* A path that opens the object for reading on the local disk, or false when the store is not local. */
bool object_local_path(struct object_store *store, const char *key, char *path, size_t path_bytes);
/* Is there one: do bytes come as fast as they are copied? */
bool object_is_local(struct object_store *store, const char *key);
/* An object too large for memory: bytes one after the other, there under its key (replacing) once finished. */
struct object_writer;
MUST_CHECK bool object_writer_open(struct object_store *store, const char *key, struct object_writer **writer,
                                   struct err *err);
MUST_CHECK bool object_writer_add(struct object_writer *writer, struct bytes bytes, struct err *err);
/* Frees the writer, also when it fails. */
MUST_CHECK bool object_writer_finish(struct object_writer *writer, struct err *err);
void object_writer_cancel(struct object_writer *writer); /* NULL is fine; nothing is left behind */
/* A range through an object kept open, for scans. Opening sends nothing: on S3 a missing object is told by the first
 * read, and a read is one ranged GET. A folder's reader outlives the deletion of its object, a bucket's does not. */
struct object_reader;
MUST_CHECK bool object_reader_open(struct object_store *store, const char *key, struct object_reader **reader,
                                   struct err *err);
/* The same for an object known to have that many bytes: a store that asks or guesses its size need not. Reads beyond end
 * there, even if the object does not. */
MUST_CHECK bool object_reader_open_sized(struct object_store *store, const char *key, uint64_t bytes,
                                         struct object_reader **reader, struct err *err);
MUST_CHECK bool object_reader_pread(struct object_reader *reader, uint64_t offset, void *ptr, size_t len,
                                    struct err *err);
void object_reader_close(struct object_reader *reader);

/* Since the store opened. Of a folder calls, of a bucket requests that were sent, with the retries. */
enum object_count {
    OBJECT_COUNT_GET,
    OBJECT_COUNT_HEAD, /* sizes */
    OBJECT_COUNT_PUT,  /* parts too */
    OBJECT_COUNT_LIST, /* pages */
    OBJECT_COUNT_DELETE,
    OBJECT_COUNT_OTHER,  /* beginning, ending and giving up a multipart upload */
    OBJECT_COUNT_RETRY,  /* of those above */
    OBJECT_COUNT_FAILED, /* calls of ours that ended in an error other than ERR_NOT_FOUND and ERR_EXISTS */
    OBJECT_COUNT_BYTES_READ,
    OBJECT_COUNT_BYTES_WRITTEN,
    OBJECT_COUNTS
};
struct object_counts {
    uint64_t of[OBJECT_COUNTS];
};
const char *object_count_name(enum object_count count); /* "get" */
void object_counts(struct object_store *store, struct object_counts *counts);
