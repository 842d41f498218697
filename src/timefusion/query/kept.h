/* kept.h -- groups of whole files, kept: what was counted of a file that cannot change is not counted again.
 *
 *   SELECT bucket, level, count(*) .. WHERE timestamp .. AND rest GROUP BY 1, 2        (fold.c knows such selects)
 *       files within the times --asked once each--> kept_7: file, bucket, level, count ---+
 *       files that the times cut, small ones, segments --asked now------------------------+--> groups of groups
 *
 * A key is the project, the time zone, and the select as it is asked of one file, values in it and the times left out: so the
 * same chart some seconds later, of other times, or on another page, finds the files of before. Only what is the same put
 * together in parts: count, sum, min, max; no now(), no identity of traces, no other table. What DELETE took is forgotten.
 * The parts are tables in DuckDB's memory, under its limit; they end with the process.
 * Thread: any; parts of a key are made by one session at a time, and who wants them meanwhile waits. */
#pragma once
#include "timefusion/query/cursor_inside.h"

#define KEPT_ENTRIES_MAX     128    /* some 0.2 MB each */
#define KEPT_ROWS_MAX        400000 /* of all entries */
#define KEPT_ENTRY_ROWS_MAX  40000
#define KEPT_ENTRY_FILES_MAX 1024
#define KEPT_FILE_ROWS_MIN   20000 /* a smaller file is as soon read */
#define KEPT_UNUSED_S_MAX    1800

struct kepts;
struct kepts *kepts_create(void);
void kepts_destroy(struct kepts *kepts); /* no cursor is open any more */

/* The SQL of the fold over what choice has left, put together from parts; NULL with err OK: it is to be asked as written. */
const char *kept_sql(struct query_cursor *cursor, uint32_t fold, const struct choice *choice, struct err *err);
/* The cursor uses no parts any more. */
void kept_release(struct query_cursor *cursor);
/* A stored file of enough rows to keep something of it. */
bool kept_is_large(const struct query_cursor *cursor, const struct timefusion_file *file);
/* Are the times that are asked for known as numbers? */
bool kept_times_are_known(const struct plan_table *table, const struct bound *bounds);
/* Rows of the cursor's project were deleted. */
void kept_forget(struct query_cursor *cursor);
