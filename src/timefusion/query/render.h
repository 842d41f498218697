/* render.h -- a plan's template and one execution's values to the SQL that DuckDB gets.
 *
 *   render_sql: marks -> literals        source_put: a table reference -> (SELECT ... FROM read_parquet([...]))
 *
 * Thread: any. Memory: out is the caller's, with its limit. */
#pragma once
#include "timefusion/query/plan.h"

#define RENDER_SQL_BYTES_MAX (64u << 20)

struct identity;

struct render {
    const struct plan *plan;
    const struct query_parameter *parameters; /* NULL: none are known yet (Describe) */
    bool with_nulls;                          /* then they are NULL, else something of their type */
    int64_t now_unix_us;
    struct uuid project_id;
    const char *user;
    char *const *settings;
    uint32_t pid;
    struct bytes stats, activity; /* what marks C0 and C1 stand for */
    const char *const *tables;    /* SQL by plan table; NULL: empty relations of the right types */
    const char *written; /* SQL of the rows that an INSERT has written; NULL: an empty relation of the right types */
    const struct temporaries *own; /* the session's tables, for marks D; NULL: it has none */
    const uint64_t *temporaries;   /* numbers of the session's own tables, by mark X */
    bool is_cubed;                 /* aggregates are those of cubes' groups */
    const char *const *cubes;      /* SQL by cube; NULL, and those that are: as they were written */
    const char *const *folds;      /* SQL by fold, likewise */
};
/* What of a template's parts cannot be sent or read is an ERR_INPUT. */
MUST_CHECK bool render_sql(struct buf *out, const char *template, const struct render *render, struct err *err);

/* Files of one stored table for one table reference. */
struct source_files {
    uint64_t snapshot_id;
    const char *const *names;
    uint32_t count;
    const struct parquet_footer *const
        *footers; /* by file; NULL, or those that are: taken to have all columns, none hidden */
};
/* Attributes that are wanted as columns of their own, h<n>. */
struct source_attributes {
    const char *const *paths;
    uint32_t count;
};
/* What a change of rows wants beside the columns that were asked for. */
enum source_also {
    SOURCE_ALSO_NOTHING,
    SOURCE_ALSO_FILE,   /* f: the name of the row's file */
    SOURCE_ALSO_STORED, /* y<n>: all stored columns of the row's own table; for files of one table */
};
/* What else is known of the rows that are wanted. */
struct source_rows {
    enum source_also also;
    const char *const *ids; /* the row's id is one of these texts; NULL: any */
    uint32_t id_count;
    /* Of these times; 0: any. */
    int64_t from_us, to_us;
    const struct identity *identity; /* identity.h; NULL: nothing to resolve */
};
/* The columns of table that were asked for, over these files. Either list may be empty. */
MUST_CHECK bool source_put(struct buf *out, const struct plan_table *table, struct uuid project_id,
                           const struct source_files *logs, const struct source_files *metrics,
                           const struct source_rows *rows);
/* read_parquet([...]) of the columns needed, as s<column>, and of attributes, as h<n>; files must not be empty. What a file has
 * no column for comes out of its JSON. */
MUST_CHECK bool source_files_put(struct buf *out, const struct schema_table *schema, const struct source_files *files,
                                 const struct column_set *needed, const struct source_attributes *attributes);
