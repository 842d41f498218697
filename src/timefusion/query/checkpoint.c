#include "timefusion/delta/delta.h"
#include "timefusion/query/engine.h"
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
};
#define FILE_SQL "read_parquet(['mono://1/checkpoint.parquet'])"

static bool object_read(void *file, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    return object_reader_pread(file, offset, ptr, len, err);
}

static void nothing(void *ctx)
{
    (void)ctx;
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

struct sink {
    bool (*action)(void *ctx, struct bytes json, struct err *err);
    void *ctx;
};

static bool action_read(duckdb_connection connection, size_t action, const char *sql, const struct sink *sink,
                        struct err *err)
{
    duckdb_prepared_statement prepared = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result;
    struct buf line;
    bool ok = true, has_result = false;
    buf_init(&line, 64u << 20);
    if (duckdb_prepare(connection, sql, &prepared) != DuckDBSuccess) {
        ok = engine_err(err, DUCKDB_ERROR_INVALID, duckdb_prepare_error(prepared));
    } else if (duckdb_pending_prepared_streaming(prepared, &pending) != DuckDBSuccess) {
        ok = engine_err(err, DUCKDB_ERROR_INVALID, duckdb_pending_error(pending));
    } else {
        has_result = true;
        if (duckdb_execute_pending(pending, &result) != DuckDBSuccess)
            ok = engine_err(err, duckdb_result_error_type(&result), duckdb_result_error(&result));
    }
    while (ok) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (!chunk) {
            const char *message = duckdb_result_error(&result);
            if (message && message[0]) ok = engine_err(err, duckdb_result_error_type(&result), message);
            break;
        }
        duckdb_string_t *texts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        for (idx_t row = 0; ok && row < duckdb_data_chunk_get_size(chunk); row++) {
            line.len = 0;
            ok = (buf_printf(&line, "{\"%s\":", actions[action].action) &&
                  buf_add(&line, duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row])) &&
                  buf_add(&line, "}", 1)) ||
                 err_set(err, ERR_TOO_LARGE, "an action of a checkpoint is too long");
            ok = ok && sink->action(sink->ctx, buf_bytes(&line), err);
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    if (has_result) duckdb_destroy_result(&result);
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&prepared);
    buf_deinit(&line);
    return ok;
}

static bool actions_read(duckdb_connection connection, const struct sink *sink, struct err *err)
{
    duckdb_result shape;
    if (!engine_query(connection, "SELECT * FROM " FILE_SQL " LIMIT 0", &shape, err)) return false;
    bool ok = true;
    for (size_t action = 0; ok && action < COUNT_OF(actions); action++) {
        for (idx_t column = 0; ok && column < duckdb_column_count(&shape); column++) {
            if (strcmp(duckdb_column_name(&shape, column), actions[action].action) != 0) continue;
            duckdb_logical_type type = duckdb_column_logical_type(&shape, column);
            struct buf sql;
            buf_init(&sql, 16 * 1024);
            if (duckdb_get_type_id(type) == DUCKDB_TYPE_STRUCT && action_sql(&sql, action, type))
                ok = action_read(connection, action, (const char *)sql.ptr, sink, err);
            buf_deinit(&sql);
            duckdb_destroy_logical_type(&type);
        }
    }
    duckdb_destroy_result(&shape);
    return ok;
}

static bool checkpoint_read(void *ctx, struct object_store *store, const char *key,
                            bool (*action)(void *action_ctx, struct bytes json, struct err *err), void *action_ctx,
                            struct err *err)
{
    (void)ctx;
    uint64_t bytes;
    struct object_reader *reader;
    if (!object_size(store, key, &bytes, err) || !object_reader_open(store, key, &reader, err)) return false;
    duckdb_database database;
    struct duckdb_fs *fs;
    const struct query_options options = { .memory_bytes_max = 256u << 20, .threads = 1 };
    bool ok = engine_open_database(&database, &fs, NULL, &options, err);
    if (ok) {
        struct duckdb_fs_file file = { .name = "checkpoint.parquet", .bytes = bytes, .file = reader };
        struct duckdb_fs_snapshot snapshot = {
            .id = 1, .files = &file, .file_count = 1, .read = object_read, .release = nothing
        };
        struct sink sink = { .action = action, .ctx = action_ctx };
        duckdb_connection connection;
        duckdb_fs_add(fs, &snapshot);
        ok = duckdb_connect(database, &connection) == DuckDBSuccess ||
             err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
        if (ok) {
            ok = actions_read(connection, &sink, err) || err_within(err, "checkpoint \"%s\"", key);
            duckdb_disconnect(&connection);
        }
        duckdb_close(&database);
        duckdb_fs_close(fs);
    }
    object_reader_close(reader);
    return ok;
}

struct delta_checkpoint_reader query_checkpoint_reader(void)
{
    return (struct delta_checkpoint_reader){ .read = checkpoint_read };
}
