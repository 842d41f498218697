/* file.h -- one immutable Parquet file of a table, segment or Delta: counted, read by ranges, footer kept for pruning.
 *
 *   struct timefusion_file (what snapshots show) is the first member: a snapshot's pointer is a pointer to this.
 *
 * Thread: any; the count is atomic, reader and footer are opened under the file's lock, once.
 * Memory: freed with the last reference; then a file marked doomed is deleted from its store as well, so that no query
 *         loses a file it has yet to open. footer_bytes of all files count against the cache in timefusion.c. */
#pragma once
#include "timefusion/timefusion.h"
#include <pthread.h>
#include <stdatomic.h>

struct file_extent { /* bytes fetched ahead */
    struct file_extent *next;
    uint64_t offset;
    size_t len;
    uint8_t *bytes;
};
struct file_room { /* for extents of all files */
    _Atomic uint64_t bytes;
    uint64_t bytes_max;
};
struct owner;
struct segment_place;
struct file {
    struct timefusion_file shown;
    const struct schema_table *table;
    struct object_store *store;  /* borrowed */
    char *key;                   /* in the store */
    struct hash128 hash;         /* of the key: how the index knows it */
    struct file_room *room;      /* borrowed; NULL: nothing is fetched ahead */
    struct disk *disk;           /* a segment's: deleted here, without the syncs a store promises; else NULL */
    uint32_t row_group_count;    /* a segment's; else 0 */
    struct owner *owner;         /* a segment's: whose (segment/owner.h); else NULL */
    struct segment_place *place; /* a segment's: in the list, under the list's lock (segment_inside.h); else NULL */
    atomic_uint reference_count;
    atomic_bool is_doomed;
    pthread_mutex_t lock; /* guards all below */
    struct object_reader *reader;
    struct parquet_footer *footer;
    struct file_extent *extents; /* go with the last query's reference */
};
/* Where the table's file of this path is in the store. */
#define FILE_KEY_BYTES (OBJECT_KEY_BYTES_MAX + 1)
void file_key(const struct schema_table *table, const char *path, char key[FILE_KEY_BYTES]);
/* With one reference, the caller's. key is copied. */
struct file *file_create(struct object_store *store, const char *key, const struct schema_table *table,
                         enum timefusion_origin origin, uint64_t id);
struct file *file_acquire(struct file *file);
void file_release(struct file *file);
/* The footer read anew, the caller's; is_joinable (or NULL): would parquet_join take the file? */
MUST_CHECK bool file_footer_load(struct file *file, struct parquet_footer **footer, bool *is_joinable, struct err *err);
void file_extents_drop(struct file *file); /* of a file with room */
/* When the last reference goes, the bytes go. */
void file_doom(struct file *file);
