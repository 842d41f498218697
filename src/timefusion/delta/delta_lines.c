#include "timefusion/delta/delta_lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <yyjson.h>

#define ENGINE_INFO       "monoscope/" MONO_VERSION
#define APPEND_PARAMETERS "{\"mode\":\"Append\",\"partitionBy\":\"[\\\"project_id\\\",\\\"date\\\"]\"}"

bool delta_put_protocol(struct buf *buf)
{
    return buf_printf(buf, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d}}\n", DELTA_READER_VERSION,
                      DELTA_WRITER_VERSION);
}

static bool member_put(struct buf *buf, const char *key, const char *text)
{
    return text == NULL || (buf_printf(buf, ",\"%s\":", key) && delta_put_json_text(buf, bytes_of_text(text)));
}

bool delta_put_metadata(struct buf *buf, const struct delta_state *state)
{
    return buf_printf(buf, "{\"metaData\":{\"format\":{\"provider\":\"parquet\",\"options\":{}}") &&
           member_put(buf, "id", state->id) && member_put(buf, "name", state->name) &&
           member_put(buf, "description", state->description) && member_put(buf, "schemaString", state->schema) &&
           buf_printf(buf, ",\"partitionColumns\":%s,\"configuration\":", state->partition_columns) &&
           buf_add(buf, state->configuration, strlen(state->configuration)) &&
           (state->created_unix_ms < 0 || buf_printf(buf, ",\"createdTime\":%" PRId64, state->created_unix_ms)) &&
           buf_printf(buf, "}}\n");
}

static bool partition_put(struct buf *buf, struct uuid project_id, int32_t day)
{
    char project[UUID_TEXT_BYTES + 1], date[16];
    uuid_to_text(project_id, project);
    date_text(day, date);
    return buf_printf(buf, ",\"partitionValues\":{\"project_id\":\"%s\",\"date\":\"%s\"}", project, date);
}

static const char *boolean(bool is)
{
    return is ? "true" : "false";
}

bool delta_put_add(struct buf *buf, const struct delta_add *add, const char *stats, bool data_change,
                   int64_t now_unix_ms)
{
    return buf_printf(buf, "{\"add\":{\"path\":") && delta_put_path(buf, add->path) &&
           partition_put(buf, add->project_id, add->day) &&
           buf_printf(buf,
                      ",\"size\":%" PRIu64 ",\"modificationTime\":%" PRId64 ",\"dataChange\":%s,\"stats\":", add->bytes,
                      now_unix_ms, boolean(data_change)) &&
           delta_put_json_text(buf, bytes_of_text(stats)) && buf_printf(buf, "}}\n");
}

bool delta_put_remove(struct buf *buf, const struct delta_file *file, bool data_change, int64_t now_unix_ms)
{
    return buf_printf(buf, "{\"remove\":{\"path\":") && delta_put_path(buf, file->path) &&
           buf_printf(buf, ",\"deletionTimestamp\":%" PRId64 ",\"dataChange\":%s,\"extendedFileMetadata\":true",
                      now_unix_ms, boolean(data_change)) &&
           partition_put(buf, file->project_id, file->day) && buf_printf(buf, ",\"size\":%" PRIu64 "}}\n", file->bytes);
}

bool delta_put_txn(struct buf *buf, const struct delta_txn_change *txn, int64_t now_unix_ms)
{
    return buf_printf(buf, "{\"txn\":{\"appId\":") && delta_put_json_text(buf, bytes_of_text(txn->app_id)) &&
           buf_printf(buf, ",\"version\":%" PRIu64 ",\"lastUpdated\":%" PRId64 "}}\n", txn->version_after, now_unix_ms);
}

static bool count_put(struct buf *buf, const char *name, uint64_t count)
{
    return (buf->len > 0 && buf->ptr[buf->len - 1] == '{') || buf_add(buf, ",", 1)
               ? buf_printf(buf, "\"%s\":\"%" PRIu64 "\"", name, count)
               : false;
}

/* Named as Spark names them; texts, as all of operationMetrics. */
static bool metrics_put(struct buf *buf, const struct delta_commit_info *info)
{
    bool ok = buf_printf(buf, ",\"operationMetrics\":{"), is_write = info->removed_count == 0;
    if (info->added_count > 0 || !is_write) {
        ok = ok && count_put(buf, is_write ? "numFiles" : "numAddedFiles", info->added_count) &&
             count_put(buf, is_write ? "numOutputRows" : "numAddedRows", info->added_rows) &&
             count_put(buf, is_write ? "numOutputBytes" : "numAddedBytes", info->added_bytes);
    }
    if (!is_write) {
        ok = ok && count_put(buf, "numRemovedFiles", info->removed_count) &&
             count_put(buf, "numRemovedBytes", info->removed_bytes) &&
             (info->removed_rows == DELTA_ROWS_UNKNOWN || count_put(buf, "numRemovedRows", info->removed_rows));
    }
    if (info->metrics_json) {
        yyjson_doc *doc = yyjson_read(info->metrics_json, strlen(info->metrics_json), 0);
        size_t i, count;
        yyjson_val *name, *value;
        yyjson_obj_foreach(yyjson_doc_get_root(doc), i, count, name, value)
        {
            char *text = yyjson_val_write(value, 0, NULL);
            bool is_first = buf->ptr[buf->len - 1] == '{';
            ok = ok && text && (is_first || buf_add(buf, ",", 1)) &&
                 delta_put_json_text(buf, bytes_of_text(yyjson_get_str(name))) && buf_printf(buf, ":%s", text);
            free(text);
        }
        yyjson_doc_free(doc);
    }
    return ok && buf_add(buf, "}", 1);
}

bool delta_put_commit_info(struct buf *buf, const struct delta_commit_info *info)
{
    char id[UUID_TEXT_BYTES + 1];
    const char *parameters = info->parameters_json                            ? info->parameters_json
                             : info->added_count > 0 && info->is_blind_append ? APPEND_PARAMETERS
                                                                              : "{}";
    uuid_to_text(uuid_random(), id);
    return buf_printf(buf, "{\"commitInfo\":{\"timestamp\":%" PRId64 ",\"operation\":", info->now_unix_ms) &&
           delta_put_json_text(buf, bytes_of_text(info->operation ? info->operation : "WRITE")) &&
           buf_printf(buf, ",\"operationParameters\":") && buf_add(buf, parameters, strlen(parameters)) &&
           (info->read_version == DELTA_VERSION_NONE ||
            buf_printf(buf, ",\"readVersion\":%" PRIu64, info->read_version)) &&
           buf_printf(buf, ",\"isBlindAppend\":%s", boolean(info->is_blind_append)) && metrics_put(buf, info) &&
           buf_printf(buf, ",\"engineInfo\":\"" ENGINE_INFO "\",\"txnId\":\"%s\"}}\n", id);
}
