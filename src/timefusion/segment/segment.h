/* segment.h -- Parquet files on local disk that SQL sees from birth, until Delta holds their rows.
 *
 *   segment_write --(not listed)--> segments_swap(out: old ones, in: new ones) --> listed: visible, all at once
 *                                         '-- swapped out: deleted when the last query lets go
 *
 * A segment holds rows of one project, one table and one day, from records at positions (low, high] of one buffer
 * partition, written by one owner of it (owner.h). Segments are not synced: the buffer is their durability, and a start begins with an empty folder.
 *
 * Thread: any; one lock, held for list changes only.
 * Memory: one struct file each. Errors: ERR_IO from the disk; nothing is listed then. */
#pragma once
#include "timefusion/file.h"
#include "timefusion/segment/owner.h"

struct segments;
struct segment_range { /* of positions in one buffer partition: (low, high] */
    uint64_t low, high;
    struct owner *owner; /* whose; each segment holds on to it */
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
/* A peer's segment, written from what read gives: ERR_CORRUPT when it is no file of the table. */
#define SEGMENT_COPY_BYTES (1u << 20) /* read at once */
struct segment_original {
    const struct schema_table *table;
    int32_t day;
    uint64_t bytes, position_low, position_high;
    bool (*read)(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err);
    void *ctx;
};
MUST_CHECK bool segment_copy(struct segments *segments, const struct segment_original *original, struct owner *owner,
                             struct file **segment, struct err *err);
/* In one step for every reader: takes `out` from the list (they are doomed) and puts `in` there. The list takes its own
 * references; the caller keeps its. */
void segments_swap(struct segments *segments, enum schema_table_id table, struct uuid project_id,
                   struct file *const *out, uint32_t out_count, struct file *const *in, uint32_t in_count);
/* References to all segments of a project and table, for the caller to release; *files by malloc, NULL when none. view (or
 * NULL): the partitions as they were in the same moment, for owners_choose. */
uint32_t segments_list(struct segments *segments, enum schema_table_id table, struct uuid project_id,
                       struct file ***files, struct owners_view *view);
/* Drops what nobody is to see any more: segments of owners whose place others have taken, and, of owners that are closed or
 * peers' that have dropped them, those that Delta holds. txn: the tables as they are now. */
void segments_trim(struct segments *segments, struct delta_snapshot *const deltas[SCHEMA_TABLE_COUNT]);
struct segments_stats {
    uint32_t segment_count, copy_count; /* copies: of peers' segments, among them */
    uint64_t bytes, copy_bytes, copy_footer_bytes, written_count, joined_count;
};
void segments_stats(struct segments *segments, struct segments_stats *stats);
