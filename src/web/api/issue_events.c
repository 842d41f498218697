/* The rows of an issue: those with one of its fingerprints among their hashes, newest first, by a SELECT as anyone could ask. */
#include "base/clock.h"
#include "base/utf8.h"
#include "web/api/handlers.h"
#include "web/api/issues.h"
#include "web/api/rows_page.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 30000,
    FINGERPRINTS_MAX = 2000, /* those seen last */
    VALUE_BYTES_MAX = 8 << 20,
    MESSAGE_BYTES = 1000
};

/* In the order of the SELECT. Those with a name are answered as they are; the first two are the page's keys. */
enum { AT_TIME, AT_ID, AT_HASHES = 11, AT_ERRORS, AT_ERROR_TYPE, AT_STATUS_MESSAGE };
static const struct rows_field fields[] = {
    [AT_TIME] = { "timestamp", "timestamp" },
    [AT_ID] = { "id", "id" },
    { "kind", "kind" },
    { "service", "resource___service___name" },
    { "name", "name" },
    { "level", "level" },
    { "release", "resource___service___version" },
    { "environment", "resource___deployment___environment___name" },
    { "trace_id", "context___trace_id" },
    { "span_id", "context___span_id" },
    { "session_id", "attributes___session___id" },
    [AT_HASHES] = { NULL, "hashes" },
    [AT_ERRORS] = { NULL, "errors" },
    [AT_ERROR_TYPE] = { NULL, "attributes___error___type" },
    [AT_STATUS_MESSAGE] = { NULL, "status_message" },
    { "user_id", "attributes___user___id" },
};

struct asking {
    struct rows_page rows;
    struct buf json; /* of a value */
    const struct uuid *ids;
    uint32_t id_count;
    int64_t from_us, to_us;
};

static bool sql_make(struct asking *asking)
{
    struct rows_page *rows = &asking->rows;
    struct bytes environment = api_query(rows->call, "environment");
    rows_page_select(rows, fields, COUNT_OF(fields), asking->from_us, asking->to_us);
    rows_page_put(rows, " AND hashes && ARRAY[");
    for (uint32_t i = 0; i < asking->id_count; i++) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(asking->ids[i], id);
        rows_page_put(rows, i > 0 ? ", 'err:" : "'err:");
        rows_page_put(rows, id);
        rows_page_put(rows, "'");
    }
    rows_page_put(rows, "]");
    if (environment.len > 0)
        rows_page_compared(rows, " AND resource___deployment___environment___name = ", environment);
    return rows_page_end(rows);
}

/* ---- rows ---- */

static bool is_of_issue(const struct asking *asking, struct uuid id)
{
    for (uint32_t i = 0; i < asking->id_count; i++)
        if (uuid_equal(asking->ids[i], id)) return true;
    return false;
}

/* The first element of hashes that is of the issue: "err:" and its id. */
static bool fingerprint_find(const struct asking *asking, struct bytes json, struct uuid *id)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *one;
    size_t i, count;
    bool is_found = false;
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, one)
    {
        struct bytes text = bytes_from(yyjson_get_str(one), yyjson_get_len(one));
        if (is_found || text.len != 4 + UUID_TEXT_BYTES || memcmp(text.ptr, "err:", 4) != 0) continue;
        is_found = uuid_from_text(bytes_from(text.ptr + 4, UUID_TEXT_BYTES), id) && is_of_issue(asking, *id);
    }
    yyjson_doc_free(doc);
    return is_found;
}

/* A text of the row, or null, its beginning where it is long. */
static void text_put(struct api_call *call, yyjson_mut_val *item, const char *name, yyjson_val *value)
{
    struct bytes text =
        yyjson_is_str(value) ? bytes_from(yyjson_get_str(value), yyjson_get_len(value)) : (struct bytes){ 0 };
    if (text.len > MESSAGE_BYTES) text.len = utf8_cut(text, MESSAGE_BYTES);
    if (text.len > 0)
        api_put_text(call, item, name, text);
    else
        yyjson_mut_obj_add_null(call->json, item, name);
}

static struct bytes value_json(struct buf *json, const struct query_chunk *chunk, const struct sql_run *run,
                               uint32_t column, uint32_t row)
{
    json->len = 0;
    if (!sql_put_json(json, chunk, column, run->columns[column].type, query_chunk_value(chunk, column, row)))
        return BYTES("null"); /* larger than what is looked at */
    return buf_bytes(json);
}

/* Type and message of the error with this id; of a failed span without an exception what stands in the row. */
static void error_put(struct asking *asking, yyjson_mut_val *item, const struct query_chunk *chunk,
                      const struct sql_run *run, uint32_t row)
{
    struct api_call *call = asking->rows.call;
    struct buf *json = &asking->json;
    struct uuid id;
    char text[UUID_TEXT_BYTES + 1] = "";
    yyjson_val *one, *found = NULL;
    size_t i, count;
    bool is_found = fingerprint_find(asking, value_json(json, chunk, run, AT_HASHES, row), &id);
    if (is_found) {
        uuid_to_text(id, text);
        yyjson_mut_obj_add_strcpy(call->json, item, "fingerprint", text);
    } else {
        yyjson_mut_obj_add_null(call->json, item, "fingerprint");
    }
    struct bytes errors = value_json(json, chunk, run, AT_ERRORS, row);
    yyjson_doc *doc = yyjson_read((const char *)errors.ptr, errors.len, 0);
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, one)
    {
        if (found == NULL && yyjson_equals_str(yyjson_obj_get(one, "fingerprint"), text)) found = one;
    }
    if (found != NULL) {
        text_put(call, item, "type", yyjson_obj_get(found, "type"));
        text_put(call, item, "message", yyjson_obj_get(found, "message"));
        yyjson_doc_free(doc);
        return;
    }
    yyjson_doc_free(doc);
    static const struct {
        const char *name;
        uint32_t column;
    } own[] = { { "type", AT_ERROR_TYPE }, { "message", AT_STATUS_MESSAGE } };
    for (size_t o = 0; o < COUNT_OF(own); o++) {
        struct bytes value = value_json(json, chunk, run, own[o].column, row);
        doc = yyjson_read((const char *)value.ptr, value.len, YYJSON_READ_ALLOW_INVALID_UNICODE);
        text_put(call, item, own[o].name, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
}

/* False: the page is full. */
static bool row_add(void *ctx, struct rows_page *rows, const struct query_chunk *chunk, const struct sql_run *run,
                    uint32_t row)
{
    struct asking *asking = ctx;
    struct api_call *call = rows->call;
    yyjson_mut_val *item = yyjson_mut_obj(call->json);
    struct bytes keys[2] = { 0 };
    for (uint32_t c = 0; c < COUNT_OF(fields); c++) {
        if (fields[c].name == NULL) continue;
        struct bytes value = arena_copy(call->arena, value_json(&asking->json, chunk, run, c, row));
        yyjson_mut_val *name = yyjson_mut_str(call->json, fields[c].name);
        yyjson_mut_obj_add(item, name, yyjson_mut_rawn(call->json, (const char *)value.ptr, value.len));
        if (c <= AT_ID) keys[c] = bytes_from(value.ptr + 1, value.len - 2); /* without quotes */
    }
    error_put(asking, item, chunk, run, row);
    return api_page_add(&rows->page, item, keys);
}

/* Which fingerprints, from when to when. False: it was answered. */
static bool asking_read(struct asking *asking)
{
    struct api_call *call = asking->rows.call;
    struct issue issue;
    struct uuid *ids, only;
    struct err err = { 0 };
    struct bytes text = api_query(call, "fingerprint");
    int64_t number, now_us = clock_unix_us();
    if (!rows_page_open(&asking->rows, call) || !issues_number(call, &number)) return false;
    if (!issue_get(call->parts->db, call->project.id, number, call->arena, &issue, &err) ||
        !issue_fingerprint_ids(call->parts->db, call->project.id, number, FINGERPRINTS_MAX, call->arena, &ids,
                               &asking->id_count, &err)) {
        api_fail(call, &err);
        return false;
    }
    asking->ids = ids;
    if (text.len > 0) {
        if (!uuid_from_text(text, &only) || !is_of_issue(asking, only)) {
            api_fail_at(call, "?fingerprint", "it is none of this issue's fingerprints");
            return false;
        }
        ids[0] = only;
        asking->id_count = 1;
    }
    asking->to_us = issue.last_unix_us >= now_us ? issue.last_unix_us + 1 : now_us;
    asking->from_us = issue.first_unix_us > 0 ? issue.first_unix_us : 0;
    if (!api_query_time(call, "to", &asking->to_us) || !api_query_time(call, "from", &asking->from_us)) return false;
    if (asking->from_us < asking->to_us && asking->from_us >= 0) return true;
    api_fail_at(call, "?from", "from must be before to, and not before 1970");
    return false;
}

void api_issue_event_list(struct api_call *call)
{
    struct asking asking = { .rows = { .call = call } };
    struct rows_page_how how = {
        .read_only = "a list of events only reads", .timeout_ms = TIMEOUT_MS, .row = row_add, .ctx = &asking
    };
    buf_init(&asking.json, VALUE_BYTES_MAX);
    if (asking_read(&asking)) {
        if (asking.id_count == 0) /* its fingerprints are past their time */
            api_page_answer(call, &asking.rows.page);
        else if (sql_make(&asking))
            rows_page_answer(&asking.rows, &how);
    }
    buf_deinit(&asking.json);
    rows_page_close(&asking.rows);
}
