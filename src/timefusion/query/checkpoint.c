#include "timefusion/delta/delta.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/rows.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Delta PROTOCOL.md, "Checkpoint Schema": the columns are the actions. Of their fields only those that the log has as well:
 * stats_parsed and the like would only repeat them. NULL: all fields. */
static const struct {
    const char *action;
    const char *fields[12];
} actions[] = {
    { "protocol", { "minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures" } },
    { "metaData",
      { "id", "name", "description", "format", "schemaString", "partitionColumns", "createdTime", "configuration" } },
    { "txn", { "appId", "version", "lastUpdated" } },
    { "add",
      { "path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "tags", "deletionVector",
        "baseRowId", "defaultRowCommitVersion", "clusteringProvider" } },
    { "remove",
      { "path", "deletionTimestamp", "dataChange", "extendedFileMetadata", "partitionValues", "size", "tags",
        "deletionVector" } },
    { "domainMetadata", { "domain", "configuration", "removed" } },
    { "sidecar", { "path", "sizeInBytes" } }, /* of a V2 checkpoint: to be refused */
};
#define FILE_SQL "read_parquet(['mono://1/checkpoint.parquet'])"
#define WHOLE_BYTES_MAX \
    (256u << 20) /* up to here a bucket's checkpoint is taken into memory at once, by ranges side by side */
#define RANGE_BYTES (4u << 20)

/* Where DuckDB reads from: memory, or the store. */
struct source {
    struct object_reader *reader;
    uint8_t *whole; /* or NULL */
    uint64_t bytes;
};

static bool source_read(void *file, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    struct source *source = file;
    if (source->whole == NULL) return object_reader_pread(source->reader, offset, ptr, len, err);
    if (offset > source->bytes || len > source->bytes - offset)
        return err_set(err, ERR_CORRUPT, "a checkpoint of %" PRIu64 " bytes has no %zu at %" PRIu64, source->bytes, len,
                       offset);
    memcpy(ptr, source->whole + offset, len);
    return true;
}

static bool source_open(struct source *source, struct object_store *store, const char *key, struct err *err)
{
    *source = (struct source){ 0 };
    if (!object_size(store, key, &source->bytes, err) || !object_reader_open(store, key, &source->reader, err))
        return false;
    if (source->bytes > WHOLE_BYTES_MAX || object_is_local(store, key)) return true;
    uint32_t count = (uint32_t)((source->bytes + RANGE_BYTES - 1) / RANGE_BYTES);
    struct object_range ranges[WHOLE_BYTES_MAX / RANGE_BYTES];
    source->whole = mem_alloc(source->bytes + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = (uint64_t)i * RANGE_BYTES, rest = source->bytes - offset;
        ranges[i] =
            (struct object_range){ offset, rest < RANGE_BYTES ? (size_t)rest : RANGE_BYTES, source->whole + offset };
    }
    return count == 0 || object_get_ranges(store, key, ranges, count, err);
}

static void source_close(struct source *source)
{
    object_reader_close(source->reader);
    free(source->whole);
}

/* SELECT of one action as JSON text, from the fields that this file has; false when it has none of them. */
static bool action_sql(struct buf *sql, size_t action, duckdb_logical_type type)
{
    bool any = false;
    bool ok = buf_printf(sql, "SELECT CAST(to_json(struct_pack(");
    for (idx_t child = 0; ok && child < duckdb_struct_type_child_count(type); child++) {
        char *name = duckdb_struct_type_child_name(type, child);
        for (size_t f = 0; f < COUNT_OF(actions[action].fields) && actions[action].fields[f]; f++) {
            if (strcmp(actions[action].fields[f], name) != 0) continue;
            ok =
                ok && buf_printf(sql, "%s\"%s\" := \"%s\".\"%s\"", any ? ", " : "", name, actions[action].action, name);
            any = true;
        }
        duckdb_free(name);
    }
    return ok && any &&
           buf_printf(sql, ")) AS VARCHAR) FROM " FILE_SQL " WHERE \"%s\" IS NOT NULL", actions[action].action) &&
           buf_add(sql, "", 1);
}

/* -- actions as JSON --------------------------------------------------------------------------------------------- */

struct action_lines {
    const struct delta_checkpoint_sink *sink;
    const char *action;
    struct buf line;
};

static bool lines_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    struct action_lines *it = ctx;
    duckdb_string_t *texts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    bool ok = true;
    for (idx_t row = 0; ok && row < duckdb_data_chunk_get_size(chunk); row++) {
        it->line.len = 0;
        ok = (buf_printf(&it->line, "{\"%s\":", it->action) &&
              buf_add(&it->line, duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row])) &&
              buf_add(&it->line, "}", 1)) ||
             err_set(err, ERR_TOO_LARGE, "an action of a checkpoint is too long");
        ok = ok && it->sink->action(it->sink->ctx, buf_bytes(&it->line), err);
    }
    return ok;
}

static bool lines_read(duckdb_connection connection, const char *action, const char *sql,
                       const struct delta_checkpoint_sink *sink, struct err *err)
{
    struct action_lines it = { .sink = sink, .action = action };
    buf_init(&it.line, 64u << 20);
    bool ok = rows_stream(connection, sql, &(struct rows_stream){ .take = lines_take, .ctx = &it }, err);
    buf_deinit(&it.line);
    return ok;
}

/* -- live files by columns ----------------------------------------------------------------------------------------- */

static bool struct_has(duckdb_logical_type type, const char *wanted, duckdb_type kind)
{
    bool has = false;
    for (idx_t child = 0; !has && child < duckdb_struct_type_child_count(type); child++) {
        char *name = duckdb_struct_type_child_name(type, child);
        duckdb_logical_type of = duckdb_struct_type_child_type(type, child);
        has = strcmp(name, wanted) == 0 && (kind == DUCKDB_TYPE_INVALID || duckdb_get_type_id(of) == kind);
        duckdb_destroy_logical_type(&of);
        duckdb_free(name);
    }
    return has;
}

/* False when the columns are not those that every writer has: then JSON tells what is wrong. */
static bool adds_sql(struct buf *sql, duckdb_logical_type type)
{
    return struct_has(type, "path", DUCKDB_TYPE_VARCHAR) && struct_has(type, "size", DUCKDB_TYPE_BIGINT) &&
           struct_has(type, "partitionValues", DUCKDB_TYPE_MAP) &&
           buf_printf(sql,
                      "SELECT \"add\".path, CAST(\"add\".partitionValues['project_id'] AS VARCHAR), "
                      "CAST(\"add\".partitionValues['date'] AS VARCHAR), \"add\".size, %s, %s, %s FROM " FILE_SQL
                      " WHERE \"add\" IS NOT NULL",
                      struct_has(type, "modificationTime", DUCKDB_TYPE_BIGINT) ? "\"add\".modificationTime"
                                                                               : "CAST(0 AS BIGINT)",
                      struct_has(type, "stats", DUCKDB_TYPE_VARCHAR) ? "\"add\".stats" : "CAST(NULL AS VARCHAR)",
                      struct_has(type, "deletionVector", DUCKDB_TYPE_INVALID) ? "\"add\".deletionVector IS NOT NULL"
                                                                              : "false") &&
           buf_add(sql, "", 1);
}

struct column {
    void *data;
    uint64_t *valid;
};

static struct bytes text_of(const struct column *column, idx_t row)
{
    if (column->valid && !duckdb_validity_row_is_valid(column->valid, row)) return (struct bytes){ 0 };
    duckdb_string_t *text = (duckdb_string_t *)column->data + row;
    return bytes_from((const uint8_t *)duckdb_string_t_data(text), duckdb_string_t_length(*text));
}

static int64_t number_of(const struct column *column, idx_t row, int64_t fallback)
{
    if (column->valid && !duckdb_validity_row_is_valid(column->valid, row)) return fallback;
    return ((int64_t *)column->data)[row];
}

enum { COLUMN_PATH, COLUMN_PROJECT, COLUMN_DATE, COLUMN_SIZE, COLUMN_MODIFIED, COLUMN_STATS, COLUMN_VECTOR, COLUMNS };

static bool adds_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    const struct delta_checkpoint_sink *sink = ctx;
    struct column columns[COLUMNS];
    bool ok = true;
    for (idx_t c = 0; c < COLUMNS; c++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);
        columns[c] = (struct column){ duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector) };
    }
    for (idx_t row = 0; ok && row < duckdb_data_chunk_get_size(chunk); row++)
        ok = sink->add(sink->ctx,
                       &(struct delta_checkpoint_add){
                           .path = text_of(&columns[COLUMN_PATH], row),
                           .project_id = text_of(&columns[COLUMN_PROJECT], row),
                           .date = text_of(&columns[COLUMN_DATE], row),
                           .bytes = number_of(&columns[COLUMN_SIZE], row, -1),
                           .modified_unix_ms = number_of(&columns[COLUMN_MODIFIED], row, 0),
                           .stats = text_of(&columns[COLUMN_STATS], row),
                           .has_deletion_vector = ((const bool *)columns[COLUMN_VECTOR].data)[row],
                       },
                       err);
    return ok;
}

/* -- the file -------------------------------------------------------------------------------------------------------- */

static bool actions_read(duckdb_connection connection, const struct delta_checkpoint_sink *sink, struct err *err)
{
    duckdb_result shape;
    if (!engine_query(connection, "SELECT * FROM " FILE_SQL " LIMIT 0", &shape, err)) return false;
    bool ok = true;
    for (size_t action = 0; ok && action < COUNT_OF(actions); action++) {
        for (idx_t column = 0; ok && column < duckdb_column_count(&shape); column++) {
            const char *name = actions[action].action;
            if (strcmp(duckdb_column_name(&shape, column), name) != 0) continue;
            duckdb_logical_type type = duckdb_column_logical_type(&shape, column);
            struct buf sql;
            buf_init(&sql, 16 * 1024);
            if (duckdb_get_type_id(type) != DUCKDB_TYPE_STRUCT) {
                ok = err_set(err, ERR_CORRUPT, "column \"%s\" of a checkpoint is not a struct", name);
            } else if (sink->add && strcmp(name, "add") == 0 && adds_sql(&sql, type)) {
                ok = rows_stream(connection, (const char *)sql.ptr,
                                 &(struct rows_stream){ .take = adds_take, .ctx = (void *)(uintptr_t)sink }, err);
            } else if (action_sql(&sql, action, type)) {
                ok = lines_read(connection, name, (const char *)sql.ptr, sink, err);
            }
            buf_deinit(&sql);
            duckdb_destroy_logical_type(&type);
        }
    }
    duckdb_destroy_result(&shape);
    return ok;
}

static bool source_query(struct source *source, const struct delta_checkpoint_sink *sink, struct err *err)
{
    duckdb_database database;
    struct duckdb_fs *fs;
    const struct query_options options = { .memory_bytes_max = 256u << 20, .threads = 2 };
    if (!engine_open_database(&database, &fs, NULL, &options, err)) return false;
    struct duckdb_fs_file file = { .name = "checkpoint.parquet", .bytes = source->bytes, .file = source };
    struct duckdb_fs_snapshot snapshot = { .id = 1, .files = &file, .file_count = 1, .read = source_read };
    duckdb_connection connection;
    duckdb_fs_add(fs, &snapshot);
    bool ok = duckdb_connect(database, &connection) == DuckDBSuccess ||
              err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
    if (ok) {
        ok = actions_read(connection, sink, err);
        duckdb_disconnect(&connection);
    }
    duckdb_close(&database);
    duckdb_fs_close(fs);
    return ok;
}

static bool checkpoint_read(void *ctx, struct object_store *store, const char *key,
                            const struct delta_checkpoint_sink *sink, struct err *err)
{
    (void)ctx;
    struct source source;
    bool ok = source_open(&source, store, key, err) &&
              (source_query(&source, sink, err) || err_within(err, "checkpoint \"%s\"", key));
    source_close(&source);
    return ok;
}

struct delta_checkpoint_reader query_checkpoint_reader(void)
{
    return (struct delta_checkpoint_reader){ .read = checkpoint_read };
}
