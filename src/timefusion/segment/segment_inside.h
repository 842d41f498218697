/* segment_inside.h -- the list of segments, for the files of this folder: who has which, in which order they came.
 *
 *   listings[table] --project--> segments          what a query asks for
 *   newest -> older -> older ...                    the process's own, by number: what a peer has not seen yet
 *   removed: ring of (number, id)                   and what it may forget
 *   partitions[] --> owners by epoch, the chosen one of each table
 *
 * Thread: everything here is under the lock. */
#pragma once
#include "timefusion/segment/segment.h"

#define SEGMENTS_REMOVED_MAX 16384u /* remembered for peers; one that is further behind gets the whole list */

struct segment_place {
    struct uuid project_id;
    bool is_listed;
    bool is_gone;    /* a copy: the peer has dropped it, it stays until Delta as we know it has its rows */
    uint64_t number; /* of the change that listed it */
    struct file *newer, *older;
};

/* Open addressing by project; a project without segments keeps its empty slot until the table grows. */
struct project_slot {
    struct uuid project_id;
    bool is_used;
    struct file **files;
    uint32_t count, cap;
};
struct listing {
    struct project_slot *slots;
    uint32_t used, cap; /* cap: a power of two, or 0 */
};

struct partition {
    char app_id[OWNER_APP_ID_BYTES];
    struct owner **owners; /* by epoch, lowest first; a reference each */
    uint32_t owner_count, owner_cap;
    uint64_t chosen[SCHEMA_TABLE_COUNT];
};

struct segments_removed {
    uint64_t number, id;
};

struct segments {
    struct disk *disk;
    struct object_store *store;
    char *dir;
    atomic_uint_fast64_t next_id;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct listing listings[SCHEMA_TABLE_COUNT];
    struct partition *partitions;
    uint32_t partition_count, partition_cap;
    struct uuid id;  /* of this list, for peers: another process's is another */
    uint64_t number; /* of the last change of our own segments and owners */
    struct file *newest;
    struct segments_removed *removed; /* SEGMENTS_REMOVED_MAX, at number % that */
    uint64_t removed_count;           /* all that ever were */
    struct segments_stats stats;
};

/* NULL: the project has none. */
struct project_slot *segments_slot(struct segments *segments, enum schema_table_id table, struct uuid project_id);
/* Puts it there, with a reference, or takes it away, which dooms it. The lock is held; unlisted ones are the caller's to
 * release after. */
void segments_list_add(struct segments *segments, struct uuid project_id, struct file *segment);
void segments_list_remove(struct segments *segments, struct file *segment);
/* Something that peers are to hear of. */
uint64_t segments_changed(struct segments *segments);
/* Has a newer one begun? */
void owner_look(const struct segments *segments, struct owner *owner, struct delta_snapshot *const *deltas);
void owners_view_take(struct segments *segments, enum schema_table_id table, struct owners_view *view);
