/* shelf.h -- the runs of one project's table that are known here. Private to this folder.
 *
 *   index.c   finds the shelf, notes files, writes what is pending     shelf.c    list, metas, the map from file to run
 *   lookup.c  asks the runs                                            upkeep.c   merges them
 *
 * Thread: any; lock guards all that follows it and is never held during I/O; list_lock is held while the store is asked
 * which runs there are, so that one asks for all. */
#pragma once
#include <pthread.h>

#include "timefusion/index/index.h"
#include "timefusion/index/run.h"
#include "timefusion/index/run_merge.h"

#define SHELF_PREFIX_BYTES 160
#define SHELF_BUCKETS      1024u

struct shelf_slot {
    struct run *run; /* NULL: free */
    uint32_t file;
};
struct shelf {
    struct shelf *next; /* in its bucket */
    const struct schema_table *table;
    struct uuid project_id;
    char prefix[SHELF_PREFIX_BYTES]; /* "<table>/_monoscope/index/<project>/" */
    pthread_mutex_t list_lock;
    pthread_mutex_t lock;
    bool is_listed, is_writing;
    uint64_t listed_mono_ns, used_mono_ns;
    struct run **runs; /* in the store */
    uint32_t run_count, run_cap;
    struct run *pending; /* noted here and not yet in the store; NULL: none */
    struct shelf_slot *slots;
    uint32_t slot_cap; /* a power of two, or 0 */
    bool wants_work;   /* runs were written since the last upkeep */
    uint64_t worked_mono_ns;
    int64_t worked_unix_ms; /* 0: never */
    bool is_stale;          /* the slots do not know all runs */
    char **obsolete;        /* keys of runs that were replaced, to be deleted */
    uint32_t obsolete_count, obsolete_cap;
};

struct index {
    struct index_options options;
    pthread_mutex_t lock; /* guards buckets; a shelf stays until close */
    struct shelf *buckets[SHELF_BUCKETS];
    _Atomic uint64_t memory;
    _Atomic uint64_t lookups, files_asked, files_out, gets, get_bytes, written, merged, deleted, damaged, entries;
};

struct shelf *shelf_get(struct index *index, const struct schema_table *table, struct uuid project_id);
/* Asks the store which runs there are: the first time, and when last asked before this. Never fails: knows less. */
void shelf_list(struct index *index, struct shelf *shelf, uint64_t before_mono_ns);
void shelf_destroy(struct index *index, struct shelf *shelf);

/* Under the lock. */
void shelf_add(struct index *index, struct shelf *shelf, struct run *run); /* takes the reference */
void shelf_remove(struct index *index, struct shelf *shelf,
                  struct run *run); /* of runs, not of pending; if it is there */
void shelf_pending_set(struct index *index, struct shelf *shelf, struct run *run); /* takes it; NULL: none */
void shelf_obsolete_add(struct shelf *shelf, const char *key);
/* The run that covers the file, and its number in it; NULL: none. */
struct run *shelf_find(struct index *index, struct shelf *shelf, struct hash128 file, uint32_t *number);
/* Without it: a run that was not what it should be. Takes the lock itself. */
void shelf_drop_bad(struct index *index, struct shelf *shelf, struct run *run, const struct err *why);
/* Of projects not used for longest, until memory is within bounds. Takes locks itself. */
void shelf_trim(struct index *index, const struct shelf *except);

/* Deletes what was replaced. Who still asks such a run lists again; a small one is in his memory anyway. Takes the lock. */
MUST_CHECK bool shelf_obsolete_delete(struct index *index, struct shelf *shelf, struct err *err);

/* Reads side by side, each from a key of its own. ok by read. */
struct shelf_read {
    const char *key;
    uint64_t offset;
    size_t len;
    uint8_t *into;
    bool ok;
    struct err err;
};
void shelf_reads(struct index *index, struct shelf_read *reads, uint32_t count);
