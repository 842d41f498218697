/* segment.h -- Parquet files on local disk that SQL sees from birth, until Delta holds their rows.
 *
 *   segment_write --(not listed)--> segments_swap(out: old ones, in: new ones) --> listed: visible, all at once
 *                                         '-- swapped out: deleted when the last query lets go
 *
 * A segment holds rows of one project, one table and one day, from records at positions (low, high] of one buffer
 * partition. Segments are not synced: the buffer is their durability, and a start begins with an empty folder.
 *
 * Thread: any; one lock, held for list changes only.
 * Memory: one struct file each. Errors: ERR_IO from the disk; nothing is listed then. */
#pragma once
#include "timefusion/file.h"

struct segments;
struct segment_range { /* of positions in one buffer partition: (low, high] */
    uint64_t low, high;
    const char *app_id; /* the partition, as Delta's txn names it; lives longer than the segments */
};

/* Removes what an earlier process left in dir and makes it when missing. */
MUST_CHECK bool segments_open(struct segments **segments, const char *dir, struct disk *disk, struct err *err);
void segments_close(struct segments *segments);
/* Ids of files, over segments and Delta files of this process: never reused. */
uint64_t segments_next_id(struct segments *segments);

/* Writes a file made by parquet_write. The caller has the one reference. */
MUST_CHECK bool segment_write(struct segments *segments, const struct schema_table *table, int32_t day,
                              struct bytes bytes, struct segment_range range, struct file **segment, struct err *err);
/* Joins segments of one table and day by copying their row groups. */
MUST_CHECK bool segment_join(struct segments *segments, struct file *const *inputs, uint32_t input_count,
                             struct file **segment, struct err *err);
/* The same into a file of the caller's: how a flush makes a table's file. */
MUST_CHECK bool segment_join_into(struct disk *disk, struct file *const *inputs, uint32_t input_count,
                                  struct disk_file *out, bool sync, uint64_t *bytes, struct parquet_footer **footer,
                                  struct err *err);
/* In one step for every reader: takes `out` from the list (they are doomed) and puts `in` there. The list takes its own
 * references; the caller keeps its. */
void segments_swap(struct segments *segments, enum schema_table_id table, struct uuid project_id,
                   struct file *const *out, uint32_t out_count, struct file *const *in, uint32_t in_count);
/* References to all segments of a project and table, for the caller to release; *files by malloc, NULL when none. */
uint32_t segments_list(struct segments *segments, enum schema_table_id table, struct uuid project_id,
                       struct file ***files);
struct segments_stats {
    uint32_t segment_count;
    uint64_t bytes, written_count, joined_count;
};
void segments_stats(struct segments *segments, struct segments_stats *stats);
