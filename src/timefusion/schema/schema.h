/* schema.h -- the tables and their columns, from schemas/<table>.schema: decoder, Parquet writer, Delta schema and SQL
 * catalog are driven by this list alone.
 *
 * schema_columns.h (generated) has, for each table, the enum of columns (LOGS_AND_SPANS_name, METRICS_value ...) and an
 * X-macro list. A column's Parquet field id is its enum value + 1.
 * Thread: constant tables. Units: see enum schema_type. */
#pragma once
#include "base/bytes.h"

enum schema_type {
    SCHEMA_TYPE_DATE,        /* int32 days since 1970-01-01 */
    SCHEMA_TYPE_TIMESTAMPTZ, /* int64 microseconds since 1970, UTC */
    SCHEMA_TYPE_UUID,        /* stored as 36 characters of text */
    SCHEMA_TYPE_TEXT,
    SCHEMA_TYPE_JSON,    /* stored as compact UTF-8 text */
    SCHEMA_TYPE_INTEGER, /* int32 */
    SCHEMA_TYPE_BIGINT,  /* int64 */
    SCHEMA_TYPE_DOUBLE,
    SCHEMA_TYPE_BOOLEAN,
    SCHEMA_TYPE_TEXT_LIST,
    SCHEMA_TYPE_BIGINT_LIST,
    SCHEMA_TYPE_DOUBLE_LIST,
};
enum schema_flags {
    SCHEMA_NOT_NULL = 1,
    SCHEMA_BLOOM = 2,     /* equality on it (on an element, for a list) skips files and row groups */
    SCHEMA_PARTITION = 4, /* in the folder's name, not in the file */
    SCHEMA_DERIVED = 8,   /* not stored: made from other columns when asked for */
};
struct schema_column {
    const char *name;
    enum schema_type type;
    uint32_t flags;
    /* The attribute that the column holds: "http.request.method" for attributes___http___request___method (runs of two
     * or three underscores are dots), "service.name" for resource___service___name; else "". */
    const char *attribute;
    bool is_resource; /* attribute is of the resource */
};
enum schema_table_id { SCHEMA_LOGS_AND_SPANS, SCHEMA_METRICS, SCHEMA_TABLE_COUNT };
struct schema_table {
    enum schema_table_id id;
    const char *name; /* "otel_logs_and_spans" */
    const struct schema_column *columns;
    uint32_t column_count;
    /* indexes of columns every part needs */
    uint32_t timestamp, date, project_id, row_id, service_name;
};
#define SCHEMA_COLUMNS_MAX 128
const struct schema_table *schema_table(enum schema_table_id id);
const struct schema_table *schema_table_by_name(struct bytes name);           /* NULL: none */
int schema_column_index(const struct schema_table *table, struct bytes name); /* -1: none */
const char *schema_type_sql(enum schema_type type); /* "timestamptz", "jsonb", "text[]": what SQL clients see */
static inline bool schema_column_is_stored(const struct schema_column *column)
{
    return (column->flags & (SCHEMA_PARTITION | SCHEMA_DERIVED)) == 0;
}
/* The column that holds an attribute; -1 when it has none. A perfect-enough hash: some 10 ns. */
int schema_attribute_column(const struct schema_table *table, bool is_resource, struct bytes key);
#include "timefusion/schema/schema_columns.h"
