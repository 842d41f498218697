#include "timefusion/delta/commit_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

#include "base/json.h"

/* -- reading ---------------------------------------------------------------------------------------------------- */

static const char *attribute(yyjson_val *item, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(yyjson_obj_get(item, name), "S"));
}

/* "00000000000000000007.json" */
static bool version_read(const char *name, uint64_t *version)
{
    *version = 0;
    if (!name || strlen(name) != 25 || strcmp(name + 20, ".json") != 0) return false;
    for (size_t i = 0; i < 20; i++) {
        uint64_t digit = (uint64_t)(uint8_t)(name[i] - '0');
        if (digit > 9 || *version > (INT64_MAX - digit) / 10) return false;
        *version = *version * 10 + digit;
    }
    return true;
}

static bool item_read(struct commit_entry *entry, yyjson_val *item, struct err *err)
{
    const char *name = attribute(item, "fileName"), *temp = attribute(item, "tempPath");
    const char *complete = attribute(item, "complete");
    if (!version_read(name, &entry->version))
        return err_set(err, ERR_CORRUPT, "an entry of the lock table has no commit's name in fileName");
    bool is_sane = temp && strlen(temp) < sizeof entry->temp_path && temp[0] != '/' && complete;
    if (!is_sane) return err_set(err, ERR_CORRUPT, "entry \"%s\" of the lock table lacks tempPath or complete", name);
    snprintf(entry->temp_path, sizeof entry->temp_path, "%s", temp);
    entry->is_complete = strcmp(complete, "true") == 0;
    return true;
}

bool commit_entry_read(struct commit_entry *entry, struct bytes json, bool *has_entry, struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *item = yyjson_obj_get(root, "Item");
    *entry = (struct commit_entry){ 0 };
    if (!item) item = yyjson_arr_get_first(yyjson_obj_get(root, "Items"));
    *has_entry = item != NULL;
    bool ok = yyjson_is_obj(root) || err_set(err, ERR_CORRUPT, "DynamoDB's answer is no JSON object");
    if (ok && item) ok = item_read(entry, item, err);
    yyjson_doc_free(doc);
    return ok;
}

void commit_table_read(struct bytes json, bool *is_active, bool *has_our_keys)
{
    static const char *const names[] = { "tablePath", "fileName" }, *const kinds[] = { "HASH", "RANGE" };
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *table = yyjson_obj_get(yyjson_doc_get_root(doc), "Table"), *keys = yyjson_obj_get(table, "KeySchema");
    const char *status = yyjson_get_str(yyjson_obj_get(table, "TableStatus"));
    *is_active = status && (strcmp(status, "ACTIVE") == 0 || strcmp(status, "UPDATING") == 0);
    *has_our_keys = yyjson_arr_size(keys) == COUNT_OF(names);
    for (size_t i = 0; i < COUNT_OF(names) && *has_our_keys; i++) {
        const char *name = yyjson_get_str(yyjson_obj_get(yyjson_arr_get(keys, i), "AttributeName"));
        const char *kind = yyjson_get_str(yyjson_obj_get(yyjson_arr_get(keys, i), "KeyType"));
        *has_our_keys = name && kind && strcmp(name, names[i]) == 0 && strcmp(kind, kinds[i]) == 0;
    }
    yyjson_doc_free(doc);
}

/* -- writing ---------------------------------------------------------------------------------------------------- */

static bool raw(struct buf *json, const char *text)
{
    return buf_add(json, text, strlen(text));
}

static bool quoted(struct buf *json, const char *text)
{
    struct bytes bytes = bytes_of_text(text);
    if (!buf_reserve(json, json_text_bytes_max(bytes.len))) return false;
    json->len = (size_t)(json_put_text(json->ptr + json->len, bytes) - json->ptr);
    return true;
}

static bool table_begin(struct buf *json, const char *lock_table)
{
    return raw(json, "{\"TableName\":") && quoted(json, lock_table);
}

static bool key_add(struct buf *json, const char *table_uri, uint64_t version)
{
    return raw(json, "\"tablePath\":{\"S\":") && quoted(json, table_uri) &&
           buf_printf(json, "},\"fileName\":{\"S\":\"%020" PRIu64 ".json\"}", version);
}

bool commit_entry_put(struct buf *json, const char *lock_table, const char *table_uri, const struct commit_entry *entry)
{
    assert(!entry->is_complete);
    return table_begin(json, lock_table) && raw(json, ",\"Item\":{") && key_add(json, table_uri, entry->version) &&
           raw(json, ",\"tempPath\":{\"S\":") && quoted(json, entry->temp_path) &&
           raw(json, "},\"complete\":{\"S\":\"false\"}},\"ConditionExpression\":\"attribute_not_exists(fileName)\"}");
}

bool commit_entry_get(struct buf *json, const char *lock_table, const char *table_uri, uint64_t version)
{
    return table_begin(json, lock_table) && raw(json, ",\"ConsistentRead\":true,\"Key\":{") &&
           key_add(json, table_uri, version) && raw(json, "}}");
}

bool commit_entry_latest(struct buf *json, const char *lock_table, const char *table_uri)
{
    return table_begin(json, lock_table) &&
           raw(json, ",\"ConsistentRead\":true,\"ScanIndexForward\":false,\"Limit\":1,\"KeyConditionExpression\":"
                     "\"tablePath = :t\",\"ExpressionAttributeValues\":{\":t\":{\"S\":") &&
           quoted(json, table_uri) && raw(json, "}}}");
}

bool commit_entry_complete(struct buf *json, const char *lock_table, const char *table_uri, uint64_t version,
                           int64_t expires_unix_s)
{
    return table_begin(json, lock_table) && raw(json, ",\"Key\":{") && key_add(json, table_uri, version) &&
           buf_printf(
               json,
               "},\"UpdateExpression\":\"SET complete = :c, expireTime = :e\",\"ConditionExpression\":"
               "\"complete = :f\",\"ExpressionAttributeValues\":{\":c\":{\"S\":\"true\"},\":f\":{\"S\":\"false\"},"
               "\":e\":{\"N\":\"%" PRId64 "\"}}}",
               expires_unix_s);
}

bool commit_table_describe(struct buf *json, const char *lock_table)
{
    return table_begin(json, lock_table) && raw(json, "}");
}

bool commit_table_create(struct buf *json, const char *lock_table)
{
    return table_begin(json, lock_table) &&
           raw(json, ",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{\"AttributeName\":\"tablePath\","
                     "\"AttributeType\":\"S\"},{\"AttributeName\":\"fileName\",\"AttributeType\":\"S\"}],\"KeySchema\":"
                     "[{\"AttributeName\":\"tablePath\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"fileName\","
                     "\"KeyType\":\"RANGE\"}]}");
}

bool commit_table_expire(struct buf *json, const char *lock_table)
{
    return table_begin(json, lock_table) &&
           raw(json, ",\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"expireTime\"}}");
}
