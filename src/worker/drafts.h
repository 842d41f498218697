/* drafts.h -- rows that a transaction holds, as the files they would be: for the session alone that has written them.
 *
 *   batch --written, rows: as a worker does--> columns by table and day --parquet--> segments that are never listed
 *
 * The rows get what the worker will give them (kind, summary, hashes, errors ...) by the same rules at the same time; taps do
 * not see them, and they are stored once their transaction has ended. Only which attribute keys are one too many is as if
 * the project had sent none before.
 * Thread: any; sessions do not wait for each other. Memory: some times the batch while it is made; the means for one batch are
 * kept. Disk: the segments' folder; a file goes with its last reference. Errors: ERR_IO the disk; ERR_CORRUPT it is no batch. */
#pragma once
#include "timefusion/timefusion.h"
#include "worker/rows/rows.h"

struct drafts;
struct drafts *drafts_create(struct timefusion *timefusion, const struct rows_options *rows);
void drafts_destroy(struct drafts *drafts); /* NULL is fine */

/* Files of one table. */
struct drafted {
    struct timefusion_file **files; /* by malloc, NULL when none; a reference each */
    uint32_t count;
};
/* All of the batch, which is borrowed, or nothing. */
MUST_CHECK bool drafts_make(struct drafts *drafts, struct uuid project_id, struct bytes batch, int64_t received_unix_us,
                            struct drafted drafted[SCHEMA_TABLE_COUNT], struct err *err);
