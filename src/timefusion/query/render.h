/* render.h -- a plan's template and one execution's values to the SQL that DuckDB gets.
 *
 *   render_sql: marks -> literals        source_put: a table reference -> (SELECT ... FROM read_parquet([...]))
 *
 * Thread: any. Memory: out is the caller's, with its limit. */
#pragma once
#include "timefusion/query/plan.h"

#define RENDER_SQL_BYTES_MAX (64u << 20)

struct render {
    const struct plan *plan;
    const struct query_parameter *parameters; /* NULL: none are known yet (Describe) */
    bool with_nulls;                          /* then they are NULL, else something of their type */
    int64_t now_unix_us;
    struct uuid project_id;
    const char *user;
    char *const *settings;
    const char *const *tables; /* SQL by plan table; NULL: empty relations of the right types */
};
/* What of a template's parts cannot be sent or read is an ERR_INPUT. */
MUST_CHECK bool render_sql(struct buf *out, const char *template, const struct render *render, struct err *err);

/* Files of one stored table for one table reference. */
struct source_files {
    uint64_t snapshot_id;
    const char *const *names;
    uint32_t count;
};
/* The columns of table that were asked for, over these files. Either list may be empty. ids: texts of which the row's id must be one, or NULL. */
MUST_CHECK bool source_put(struct buf *out, const struct plan_table *table, struct uuid project_id,
                           const struct source_files *logs, const struct source_files *metrics, const char *const *ids,
                           uint32_t id_count);
