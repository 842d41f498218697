/* group.h -- the rows of one project, table and day on their way to Delta: columns in memory and the segments made of them.
 *
 *   columns:  [0 ......... sealed and gone][0 .. small segments cover .. published][.. not yet visible ..]
 *   segments: joined, joined, sealed, sealed | level 2, level 1, level 1, level 0, level 0
 *
 * Thread: the worker's. Memory: columns (freed when sealed and idle) and the lists. */
#pragma once
#include "base/log.h"
#include "timefusion/flush.h"

#define GROUP_SEAL_ROWS 24576 /* a row group; see shared figures in docs/segments.md */
#define GROUP_FAN_IN    8     /* small segments that become one; sealed ones that are joined */
#define GROUP_SMALL_MAX 64

struct group {
    const struct schema_table *table;
    struct uuid project_id;
    int32_t day;
    struct owner *owner; /* borrowed */
    struct columns *columns;
    uint32_t published_rows;              /* of columns: visible */
    struct segment_range range;           /* of the records whose rows are in columns */
    uint64_t unpublished_since_ns;        /* mono; 0: nothing waits */
    uint64_t unpublished_low;             /* what waits is of records after this position */
    int64_t unpublished_received_unix_us; /* when the first request of what waits came; 0: replayed */
    struct file *small[GROUP_SMALL_MAX];
    uint32_t small_from[GROUP_SMALL_MAX], small_level[GROUP_SMALL_MAX];
    uint32_t small_count;
    struct file **sealed;
    uint32_t sealed_count, sealed_cap, row_group_count;
};

struct group *group_create(const struct schema_table *table, struct uuid project_id, int32_t day, struct owner *owner);
/* The columns to put rows of this record into. */
struct columns *group_columns(struct group *group, uint64_t position, uint64_t now_ns);
/* Makes the rows that wait visible. ERR_IO: nothing changed, try again. */
MUST_CHECK bool group_publish(struct group *group, struct timefusion *timefusion, struct parquet_writer *writer,
                              struct err *err);
/* All rows of columns become one row group; joins sealed segments when there are many. */
MUST_CHECK bool group_seal(struct group *group, struct timefusion *timefusion, struct parquet_writer *writer,
                           struct err *err);
/* Moves everything into the flush; the group is empty after. */
void group_cut(struct group *group, struct flush_group *into);
static inline bool group_is_empty(const struct group *group)
{
    return group->sealed_count == 0 && (!group->columns || columns_row_count(group->columns) == 0);
}
void group_destroy(struct group *group); /* lets go of its segments; they stay listed */
