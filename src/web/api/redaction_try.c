/* What redaction rules make of a text and attributes: through the same steps as telemetry, as the one record of a request.
 *
 *   {"text", "attributes"} --OTLP/JSON--> otlp_json_to_protobuf --redaction_rewrite--> otlp_decode --> JSON again */
#include "base/clock.h"
#include "ingest/redaction/redaction.h"
#include "web/api/handlers.h"
#include "web/api/redaction.h"
#include "worker/otlp/otlp_json.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_BYTES_MAX = 4 << 20, VALUES_DEEP_MAX = 30 };

/* ---- in ---- */

/* An AnyValue as OTLP/JSON has it. */
static yyjson_mut_val *any_value(yyjson_mut_doc *doc, yyjson_val *value, uint32_t depth)
{
    yyjson_mut_val *made = yyjson_mut_obj(doc), *values = yyjson_mut_arr(doc), *list = yyjson_mut_obj(doc);
    yyjson_val *key, *item;
    if (yyjson_is_str(value)) {
        yyjson_mut_obj_add_strn(doc, made, "stringValue", yyjson_get_str(value), yyjson_get_len(value));
    } else if (yyjson_is_bool(value)) {
        yyjson_mut_obj_add_bool(doc, made, "boolValue", yyjson_get_bool(value));
    } else if (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX) {
        yyjson_mut_obj_add_real(doc, made, "doubleValue", (double)yyjson_get_uint(value));
    } else if (yyjson_is_int(value)) {
        yyjson_mut_obj_add_sint(doc, made, "intValue", yyjson_get_sint(value));
    } else if (yyjson_is_real(value)) {
        yyjson_mut_obj_add_real(doc, made, "doubleValue", yyjson_get_real(value));
    } else if (depth < VALUES_DEEP_MAX && yyjson_is_arr(value)) {
        yyjson_arr_iter iter = yyjson_arr_iter_with(value);
        while ((item = yyjson_arr_iter_next(&iter)) != NULL)
            yyjson_mut_arr_append(values, any_value(doc, item, depth + 1));
        yyjson_mut_obj_add_val(doc, list, "values", values);
        yyjson_mut_obj_add_val(doc, made, "arrayValue", list);
    } else if (depth < VALUES_DEEP_MAX && yyjson_is_obj(value)) {
        yyjson_obj_iter iter = yyjson_obj_iter_with(value);
        while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
            yyjson_mut_val *pair = yyjson_mut_arr_add_obj(doc, values);
            yyjson_mut_obj_add_strn(doc, pair, "key", yyjson_get_str(key), yyjson_get_len(key));
            yyjson_mut_obj_add_val(doc, pair, "value", any_value(doc, yyjson_obj_iter_get_val(key), depth + 1));
        }
        yyjson_mut_obj_add_val(doc, list, "values", values);
        yyjson_mut_obj_add_val(doc, made, "kvlistValue", list);
    }
    return made;
}

static bool request_make(struct api_call *call, struct buf *protobuf, struct err *err)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *attributes = yyjson_mut_arr(doc);
    yyjson_mut_val *resource = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, root, "resourceLogs"));
    yyjson_mut_val *scope = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, resource, "scopeLogs"));
    yyjson_mut_val *record = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, scope, "logRecords"));
    yyjson_val *key, *text = yyjson_obj_get(call->body, "text");
    yyjson_obj_iter iter = yyjson_obj_iter_with(yyjson_obj_get(call->body, "attributes"));
    yyjson_mut_doc_set_root(doc, root);
    if (yyjson_is_str(text)) yyjson_mut_obj_add_val(doc, record, "body", any_value(doc, text, 0));
    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        yyjson_mut_val *pair = yyjson_mut_arr_add_obj(doc, attributes);
        yyjson_mut_obj_add_strn(doc, pair, "key", yyjson_get_str(key), yyjson_get_len(key));
        yyjson_mut_obj_add_val(doc, pair, "value", any_value(doc, yyjson_obj_iter_get_val(key), 0));
    }
    yyjson_mut_obj_add_val(doc, record, "attributes", attributes);
    size_t len;
    char *json = yyjson_mut_write(doc, 0, &len);
    bool ok = json != NULL ? otlp_json_to_protobuf(OTLP_LOGS, bytes_from(json, len), BODY_BYTES_MAX, protobuf, err)
                           : err_set(err, ERR_INPUT, "the attributes cannot be written as JSON");
    free(json);
    yyjson_mut_doc_free(doc);
    return ok;
}

/* ---- out ---- */

static yyjson_mut_val *value_json(struct api_call *call, const struct otlp_value *value)
{
    struct otlp_value_reader reader;
    struct otlp_attribute entry;
    yyjson_mut_val *made;
    switch (value->type) {
    case OTLP_TEXT: return yyjson_mut_strncpy(call->json, (const char *)value->bytes.ptr, value->bytes.len);
    case OTLP_BOOL: return yyjson_mut_bool(call->json, value->boolean);
    case OTLP_INT: return yyjson_mut_sint(call->json, value->integer);
    case OTLP_DOUBLE: return yyjson_mut_real(call->json, value->number);
    case OTLP_ARRAY:
        made = yyjson_mut_arr(call->json);
        otlp_value_reader_init(&reader, value);
        while (otlp_value_reader_next(&reader, &entry)) yyjson_mut_arr_append(made, value_json(call, &entry.value));
        return made;
    case OTLP_KVLIST:
        made = yyjson_mut_obj(call->json);
        otlp_value_reader_init(&reader, value);
        while (otlp_value_reader_next(&reader, &entry))
            yyjson_mut_obj_add(made, yyjson_mut_strncpy(call->json, (const char *)entry.key.ptr, entry.key.len),
                               value_json(call, &entry.value));
        return made;
    default: return yyjson_mut_null(call->json);
    }
}

static void answer(struct api_call *call, const struct otlp_request *request, const struct redaction_rule *rules,
                   uint32_t rule_count, const struct redaction_counts *counts)
{
    const struct otlp_log *log = &request->logs.at[0];
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *attributes = yyjson_mut_obj(call->json);
    yyjson_mut_val *found = yyjson_mut_arr(call->json);
    yyjson_mut_obj_add_val(call->json, object, "text", value_json(call, &log->body));
    for (uint32_t a = 0; a < log->attributes.count; a++) {
        const struct otlp_attribute *attribute = &request->attributes.at[log->attributes.first + a];
        yyjson_mut_obj_add(attributes,
                           yyjson_mut_strncpy(call->json, (const char *)attribute->key.ptr, attribute->key.len),
                           value_json(call, &attribute->value));
    }
    yyjson_mut_obj_add_val(call->json, object, "attributes", attributes);
    for (uint32_t r = 0; r < rule_count; r++) {
        if (counts->found[r] == 0) continue;
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(call->json, found);
        yyjson_mut_obj_add_strcpy(call->json, one, "rule", rules[r].name);
        yyjson_mut_obj_add_uint(call->json, one, "count", counts->found[r]);
    }
    yyjson_mut_obj_add_val(call->json, object, "found", found);
    api_answer(call, object);
}

/* ---- the rules ---- */

struct rules {
    struct redaction_rule *at;
    uint32_t count;
};

static bool rule_keep(void *ctx, const struct redaction_rule *rule, uint64_t found)
{
    struct rules *rules = ctx;
    (void)found;
    if (rules->count < REDACTION_RULES_MAX) rules->at[rules->count++] = *rule;
    return true;
}

static bool rules_find(struct api_call *call, struct rules *rules, struct err *err)
{
    yyjson_val *list = yyjson_obj_get(call->body, "rules"), *item;
    rules->at = arena_calloc(call->arena, REDACTION_RULES_MAX * sizeof *rules->at);
    if (list == NULL || yyjson_is_null(list))
        return redaction_rule_list(call->parts->db, &call->project.id, rule_keep, rules, err);
    yyjson_arr_iter iter = yyjson_arr_iter_with(list);
    while ((item = yyjson_arr_iter_next(&iter)) != NULL && rules->count < REDACTION_RULES_MAX) {
        rules->at[rules->count] = (struct redaction_rule){ .is_on = true };
        redaction_rule_of_json(item, &rules->at[rules->count++]);
    }
    return true;
}

void api_redaction_try(struct api_call *call)
{
    struct rules rules = { 0 };
    struct redaction *redaction = NULL;
    struct redaction_counts counts = { 0 };
    struct otlp_request request;
    struct buf protobuf, rewritten;
    struct err err = { 0 };
    bool is_changed = false;
    uint8_t key[REDACTION_KEY_BYTES];
    buf_init(&protobuf, BODY_BYTES_MAX + OTLP_JSON_SPARE_BYTES);
    buf_init(&rewritten, BODY_BYTES_MAX);
    otlp_request_init(&request);
    /* Not the project's: whoever may look at rules could find out by it what a kept hash stands for. */
    const struct uuid random[] = { uuid_random(), uuid_random() };
    static_assert(sizeof random == sizeof key, "a key of random bytes");
    memcpy(key, random, sizeof key);
    struct redaction_scratch *scratch = redaction_scratch_create();
    bool ok = rules_find(call, &rules, &err) && redaction_create(&redaction, rules.at, rules.count, key, &err) &&
              request_make(call, &protobuf, &err) &&
              redaction_rewrite(redaction, scratch, OTLP_LOGS, buf_bytes(&protobuf), false, &rewritten, &is_changed,
                                &counts, &err) &&
              otlp_decode(&request, OTLP_LOGS, buf_bytes(is_changed ? &rewritten : &protobuf), clock_unix_us(),
                          &otlp_limits_default, &err);
    if (!ok) {
        api_fail(call, &err);
    } else if (request.logs.count == 0) {
        api_fail_with(call, ERR_INPUT, "%s", request.rejected_reason);
    } else {
        answer(call, &request, rules.at, rules.count, &counts);
    }
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
    otlp_request_deinit(&request);
    buf_deinit(&protobuf);
    buf_deinit(&rewritten);
}
