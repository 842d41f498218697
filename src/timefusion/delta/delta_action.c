#include "timefusion/delta/delta_action.h"

#include <inttypes.h>
#include <stdlib.h>
#include <yyjson.h>

#include "timefusion/delta/delta.h"
#include "timefusion/object/object.h"

/* Members: *out is left alone when the member is absent or null, so the caller sets what that means. */
static bool member_text(yyjson_val *object, const char *key, const char **out, struct err *err)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    if (!value || yyjson_is_null(value)) return true;
    if (!yyjson_is_str(value) || strlen(yyjson_get_str(value)) != yyjson_get_len(value))
        return err_set(err, ERR_CORRUPT, "\"%s\" is not a text", key);
    *out = yyjson_get_str(value);
    return true;
}

static bool member_int(yyjson_val *object, const char *key, int64_t *out, struct err *err)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    if (!value || yyjson_is_null(value)) return true;
    bool fits = yyjson_is_sint(value) || (yyjson_is_uint(value) && yyjson_get_uint(value) <= INT64_MAX);
    if (!fits) return err_set(err, ERR_CORRUPT, "\"%s\" is not a 64-bit number", key);
    *out = yyjson_get_sint(value);
    return true;
}

static bool member_bool(yyjson_val *object, const char *key, bool *out, struct err *err)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    if (!value || yyjson_is_null(value)) return true;
    if (!yyjson_is_bool(value)) return err_set(err, ERR_CORRUPT, "\"%s\" is not true or false", key);
    *out = yyjson_get_bool(value);
    return true;
}

/* The member as JSON of its own, checked to hold texts only; the caller's to free. */
static bool member_json(yyjson_val *object, const char *key, bool is_list, char **out, struct err *err)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    if (!value || yyjson_is_null(value)) return true;
    if (is_list ? !yyjson_is_arr(value) : !yyjson_is_obj(value))
        return err_set(err, ERR_CORRUPT, "\"%s\" has the wrong type", key);
    size_t i, count;
    yyjson_val *name, *element;
    bool texts = true;
    if (is_list) {
        yyjson_arr_foreach(value, i, count, element) texts = texts && yyjson_is_str(element);
    } else {
        yyjson_obj_foreach(value, i, count, name, element)
        {
            (void)name;
            texts = texts && (yyjson_is_str(element) || yyjson_is_null(element));
        }
    }
    if (!texts) return err_set(err, ERR_CORRUPT, "\"%s\" holds more than texts", key);
    *out = yyjson_val_write(value, 0, NULL);
    return *out != NULL || err_set(err, ERR_TOO_LARGE, "\"%s\" is too large", key);
}

static bool path_take(const char *encoded, char path[DELTA_PATH_BYTES_MAX + 1], struct err *err)
{
    if (encoded == NULL) return err_set(err, ERR_CORRUPT, "a file has no path");
    if (strstr(encoded, "://") || strncmp(encoded, "file:/", 6) == 0 || encoded[0] == '/')
        return err_set(err, ERR_UNSUPPORTED, "file \"%.100s\" lies outside the table (shallow clone)", encoded);
    if (!delta_path_decode(encoded, path) || !object_key_is_valid(path))
        return err_set(err, ERR_CORRUPT, "\"%.100s\" cannot be the path of a file", encoded);
    return true;
}

static bool path_parse(yyjson_val *object, char path[DELTA_PATH_BYTES_MAX + 1], struct err *err)
{
    const char *encoded = NULL;
    return member_text(object, "path", &encoded, err) && path_take(encoded, path, err);
}

/* Rows and the range of times. Statistics that do not parse are as good as none. */
static void stats_parse(struct delta_action *action)
{
    action->add.row_count = DELTA_ROWS_UNKNOWN;
    action->add.timestamp_min_us = INT64_MIN;
    action->add.timestamp_max_us = INT64_MAX;
    if (action->add.stats == NULL) return;
    yyjson_doc *doc = yyjson_read(action->add.stats, strlen(action->add.stats), 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *rows = yyjson_obj_get(root, "numRecords");
    const char *min = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(root, "minValues"), "timestamp"));
    const char *max = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(root, "maxValues"), "timestamp"));
    int64_t min_us, max_us;
    if (yyjson_is_uint(rows)) action->add.row_count = yyjson_get_uint(rows);
    if (min && max && delta_time_parse(min, false, &min_us) && delta_time_parse(max, true, &max_us) &&
        min_us <= max_us) {
        action->add.timestamp_min_us = min_us;
        action->add.timestamp_max_us = max_us;
    }
    yyjson_doc_free(doc);
}

/* project_id and date as our own paths have them. */
static bool partition_take(struct bytes project, const char *date, struct uuid *project_id, int32_t *day,
                           struct err *err)
{
    char canonical[UUID_TEXT_BYTES + 1] = "";
    bool is_uuid = uuid_from_text(project, project_id);
    if (is_uuid) uuid_to_text(*project_id, canonical);
    if (!is_uuid || !bytes_equal(project, bytes_of_text(canonical)))
        return err_set(err, ERR_CORRUPT, "no project_id that is a UUID in lower case");
    if (date == NULL || !date_parse(date, day)) return err_set(err, ERR_CORRUPT, "no date");
    return true;
}

static bool partition_parse(yyjson_val *partition, struct uuid *project_id, int32_t *day, struct err *err)
{
    const char *project = NULL, *date = NULL;
    return member_text(partition, "project_id", &project, err) && member_text(partition, "date", &date, err) &&
           partition_take(project ? bytes_of_text(project) : BYTES(""), date, project_id, day, err);
}

static bool add_parse(yyjson_val *object, struct delta_action *action, struct err *err)
{
    int64_t bytes = -1, modified = 0;
    if (!path_parse(object, action->path, err)) return false;
    yyjson_val *vector = yyjson_obj_get(object, "deletionVector");
    if (vector && !yyjson_is_null(vector))
        return err_set(err, ERR_UNSUPPORTED, "file \"%.120s\" has deletionVectors", action->path);
    if (!member_int(object, "size", &bytes, err) || !member_int(object, "modificationTime", &modified, err) ||
        !member_text(object, "stats", &action->add.stats, err) ||
        !partition_parse(yyjson_obj_get(object, "partitionValues"), &action->add.project_id, &action->add.day, err))
        return err_within(err, "file \"%.120s\"", action->path);
    if (bytes < 0) return err_set(err, ERR_CORRUPT, "file \"%.120s\" has no size", action->path);
    action->add.bytes = (uint64_t)bytes;
    action->add.modified_unix_ms = modified;
    stats_parse(action);
    return true;
}

/* As a text with its NUL, cut to the room there is: what is longer than any date or path is none. */
static const char *text_in(struct bytes from, char *to, size_t room)
{
    if (from.ptr == NULL || from.len >= room || memchr(from.ptr, 0, from.len)) return NULL;
    memcpy(to, from.ptr, from.len);
    to[from.len] = 0;
    return to;
}

bool delta_action_of_add(const struct delta_checkpoint_add *add, const char *stats, struct delta_action *action,
                         struct err *err)
{
    char encoded[3 * DELTA_PATH_BYTES_MAX + 1], date[32];
    *action = (struct delta_action){ .kind = DELTA_ACTION_ADD };
    if (!path_take(text_in(add->path, encoded, sizeof encoded), action->path, err)) return false;
    if (add->has_deletion_vector)
        return err_set(err, ERR_UNSUPPORTED, "file \"%.120s\" has deletionVectors", action->path);
    if (!partition_take(add->project_id, text_in(add->date, date, sizeof date), &action->add.project_id,
                        &action->add.day, err))
        return err_within(err, "file \"%.120s\"", action->path);
    if (add->bytes < 0) return err_set(err, ERR_CORRUPT, "file \"%.120s\" has no size", action->path);
    action->add.bytes = (uint64_t)add->bytes;
    action->add.modified_unix_ms = add->modified_unix_ms;
    action->add.stats = stats;
    stats_parse(action);
    return true;
}

static bool remove_parse(yyjson_val *object, struct delta_action *action, struct err *err)
{
    int64_t bytes = -1;
    struct err odd = { 0 }; /* what cannot be understood is as good as not told */
    action->remove.data_change = true;
    if (!path_parse(object, action->path, err) ||
        !member_int(object, "deletionTimestamp", &action->remove.deletion_unix_ms, err) ||
        !member_bool(object, "dataChange", &action->remove.data_change, err))
        return false;
    action->remove.is_extended = member_int(object, "size", &bytes, &odd) && bytes >= 0 &&
                                 partition_parse(yyjson_obj_get(object, "partitionValues"), &action->remove.project_id,
                                                 &action->remove.day, &odd);
    if (action->remove.is_extended) action->remove.bytes = (uint64_t)bytes;
    return true;
}

static bool txn_parse(yyjson_val *object, struct delta_action *action, struct err *err)
{
    int64_t version = -1;
    action->txn.updated_unix_ms = -1;
    if (!member_text(object, "appId", &action->txn.app_id, err) || !member_int(object, "version", &version, err) ||
        !member_int(object, "lastUpdated", &action->txn.updated_unix_ms, err))
        return err_within(err, "txn");
    if (action->txn.app_id == NULL || version < 0) return err_set(err, ERR_CORRUPT, "txn without appId or version");
    action->txn.version = (uint64_t)version;
    return true;
}

static bool metadata_parse(yyjson_val *object, struct delta_action *action, struct err *err)
{
    const char *provider = "parquet";
    action->metadata.created_unix_ms = -1;
    if (!member_text(object, "id", &action->metadata.id, err) ||
        !member_text(object, "name", &action->metadata.name, err) ||
        !member_text(object, "description", &action->metadata.description, err) ||
        !member_text(object, "schemaString", &action->metadata.schema, err) ||
        !member_int(object, "createdTime", &action->metadata.created_unix_ms, err) ||
        !member_text(yyjson_obj_get(object, "format"), "provider", &provider, err) ||
        !member_json(object, "partitionColumns", true, &action->metadata.partition_columns, err) ||
        !member_json(object, "configuration", false, &action->metadata.configuration, err))
        return err_within(err, "metaData");
    if (action->metadata.id == NULL || action->metadata.schema == NULL)
        return err_set(err, ERR_CORRUPT, "metaData without id or schemaString");
    if (strcmp(provider, "parquet") != 0)
        return err_set(err, ERR_UNSUPPORTED, "the table's format is \"%.60s\"", provider);
    if (action->metadata.partition_columns == NULL) action->metadata.partition_columns = mem_strdup("[]");
    if (action->metadata.configuration == NULL) action->metadata.configuration = mem_strdup("{}");
    return true;
}

static bool protocol_parse(yyjson_val *object, struct delta_action *action, struct err *err)
{
    int64_t reader = -1, writer = -1;
    if (!member_int(object, "minReaderVersion", &reader, err) ||
        !member_int(object, "minWriterVersion", &writer, err) ||
        !member_json(object, "readerFeatures", true, &action->protocol.reader_features, err) ||
        !member_json(object, "writerFeatures", true, &action->protocol.writer_features, err))
        return err_within(err, "protocol");
    if (reader < 1 || writer < 1 || reader > INT32_MAX || writer > INT32_MAX)
        return err_set(err, ERR_CORRUPT, "protocol without its versions");
    action->protocol.reader = (int32_t)reader;
    action->protocol.writer = (int32_t)writer;
    return true;
}

static const struct {
    const char *key;
    enum delta_action_kind kind;
    bool (*parse)(yyjson_val *object, struct delta_action *action, struct err *err);
} kinds[] = {
    { "add", DELTA_ACTION_ADD, add_parse },
    { "remove", DELTA_ACTION_REMOVE, remove_parse },
    { "txn", DELTA_ACTION_TXN, txn_parse },
    { "metaData", DELTA_ACTION_METADATA, metadata_parse },
    { "protocol", DELTA_ACTION_PROTOCOL, protocol_parse },
};

static bool root_parse(yyjson_val *root, struct delta_action *action, struct err *err)
{
    if (!yyjson_is_obj(root)) return err_set(err, ERR_CORRUPT, "an action is not a JSON object");
    yyjson_val *sidecar = yyjson_obj_get(root, "sidecar");
    if (sidecar && !yyjson_is_null(sidecar)) return err_set(err, ERR_UNSUPPORTED, "the table has v2Checkpoint");
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        yyjson_val *object = yyjson_obj_get(root, kinds[i].key);
        if (!object || yyjson_is_null(object)) continue;
        if (action->kind != DELTA_ACTION_OTHER) return err_set(err, ERR_CORRUPT, "two actions in one line");
        if (!yyjson_is_obj(object)) return err_set(err, ERR_CORRUPT, "\"%s\" is not a JSON object", kinds[i].key);
        action->kind = kinds[i].kind;
        if (!kinds[i].parse(object, action, err)) return false;
    }
    return true;
}

bool delta_action_parse(struct bytes json, struct delta_action *action, struct err *err)
{
    memset(action, 0, sizeof *action);
    yyjson_read_err why;
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)json.ptr, json.len, YYJSON_READ_NOFLAG, NULL, &why); /* not in situ */
    if (doc == NULL) return err_set(err, ERR_CORRUPT, "not JSON at byte %zu: %s", why.pos, why.msg);
    action->document = doc;
    if (root_parse(yyjson_doc_get_root(doc), action, err)) return true;
    delta_action_deinit(action);
    return false;
}

void delta_action_deinit(struct delta_action *action)
{
    yyjson_doc_free(action->document);
    free(action->metadata.partition_columns);
    free(action->metadata.configuration);
    free(action->protocol.reader_features);
    free(action->protocol.writer_features);
    memset(action, 0, sizeof *action);
}
