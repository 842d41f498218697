/* The rows of an issue: those with one of its fingerprints among their hashes, newest first, by a SELECT as anyone could ask. */
#include "base/clock.h"
#include "base/utf8.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/issues.h"
#include "web/api/rfc3339.h"
#include "web/api/sql_run.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 30000,
    FINGERPRINTS_MAX = 2000, /* those seen last */
    PARAMETERS_MAX = 8,
    VALUE_BYTES_MAX = 8 << 20,
    MESSAGE_BYTES = 1000
};

/* In the order of the SELECT. Those with a name are answered as they are; the first two are the page's keys. */
enum { AT_TIME, AT_ID, AT_HASHES = 11, AT_ERRORS, AT_ERROR_TYPE, AT_STATUS_MESSAGE };
static const struct field {
    const char *name, *sql;
} fields[] = {
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
    struct api_call *call;
    struct api_page page;
    struct buf sql;
    struct query_parameter parameters[PARAMETERS_MAX];
    uint32_t count;
    const struct uuid *ids;
    uint32_t id_count;
    int64_t from_us, to_us;
};

static void put(struct asking *asking, const char *text)
{
    if (!buf_add(&asking->sql, text, strlen(text))) abort(); /* at most FINGERPRINTS_MAX ids */
}

static void put_compared(struct asking *asking, const char *before, struct bytes value)
{
    assert(asking->count < PARAMETERS_MAX);
    asking->parameters[asking->count++].value = value;
    if (!buf_printf(&asking->sql, "%s$%u", before, asking->count)) abort();
}

static struct bytes time_text(struct api_call *call, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write(unix_us, text);
    return arena_copy(call->arena, bytes_of_text(text));
}

/* The page behind (timestamp, id). False: the client was told. */
static bool put_after(struct asking *asking)
{
    const struct api_page *page = &asking->page;
    int64_t unix_us;
    struct uuid id;
    if (page->is_first) return true;
    if (!rfc3339_read(page->after[0], &unix_us) || !uuid_from_text(page->after[1], &id)) {
        api_fail_at(asking->call, "?cursor", "this cursor is of another list: begin without one");
        return false;
    }
    put_compared(asking, " AND timestamp <= ", page->after[0]);
    put_compared(asking, " AND (timestamp < ", page->after[0]);
    put_compared(asking, " OR id < ", page->after[1]);
    put(asking, ")");
    return true;
}

static bool sql_make(struct asking *asking)
{
    struct bytes environment = api_query(asking->call, "environment");
    put(asking, "SELECT ");
    for (size_t f = 0; f < COUNT_OF(fields); f++) {
        if (f > 0) put(asking, ", ");
        put(asking, fields[f].sql);
    }
    put_compared(asking, " FROM otel_logs_and_spans WHERE timestamp >= ", time_text(asking->call, asking->from_us));
    put_compared(asking, " AND timestamp < ", time_text(asking->call, asking->to_us));
    put(asking, " AND hashes && ARRAY[");
    for (uint32_t i = 0; i < asking->id_count; i++) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(asking->ids[i], id);
        put(asking, i > 0 ? ", 'err:" : "'err:");
        put(asking, id);
        put(asking, "'");
    }
    put(asking, "]");
    if (environment.len > 0) put_compared(asking, " AND resource___deployment___environment___name = ", environment);
    if (!put_after(asking)) return false;
    if (!buf_printf(&asking->sql, " ORDER BY timestamp DESC, id DESC LIMIT %u", asking->page.limit + 1)) abort();
    return true;
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
static void error_put(struct asking *asking, yyjson_mut_val *item, struct buf *json, const struct query_chunk *chunk,
                      const struct sql_run *run, uint32_t row)
{
    struct api_call *call = asking->call;
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
static bool row_add(struct asking *asking, struct buf *json, const struct query_chunk *chunk, const struct sql_run *run,
                    uint32_t row)
{
    struct api_call *call = asking->call;
    yyjson_mut_val *item = yyjson_mut_obj(call->json);
    struct bytes keys[2] = { 0 };
    for (uint32_t c = 0; c < COUNT_OF(fields); c++) {
        if (fields[c].name == NULL) continue;
        struct bytes value = arena_copy(call->arena, value_json(json, chunk, run, c, row));
        yyjson_mut_val *name = yyjson_mut_str(call->json, fields[c].name);
        yyjson_mut_obj_add(item, name, yyjson_mut_rawn(call->json, (const char *)value.ptr, value.len));
        if (c <= AT_ID) keys[c] = bytes_from(value.ptr + 1, value.len - 2); /* without quotes */
    }
    error_put(asking, item, json, chunk, run, row);
    return api_page_add(&asking->page, item, keys);
}

static void rows_answer(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct sql_run run;
    struct err err = { 0 };
    const struct query_chunk *chunk = NULL;
    struct sql_query query = { .sql = buf_bytes(&asking->sql),
                               .parameters = asking->parameters,
                               .parameter_count = asking->count,
                               .timeout_ms = TIMEOUT_MS,
                               .read_only = "a list of events only reads" };
    struct buf json;
    buf_init(&json, VALUE_BYTES_MAX);
    bool ok = sql_open(&run, call, &query, &err), is_full = false;
    while (ok && !is_full && (ok = sql_next(&run, &chunk, &err)) && chunk != NULL)
        for (uint32_t r = 0; !is_full && r < query_chunk_rows(chunk); r++)
            is_full = !row_add(asking, &json, chunk, &run, r);
    if (ok) {
        sql_warnings_header(&run);
        api_page_answer(call, &asking->page);
    } else {
        sql_fail(call, &err);
    }
    sql_close(&run);
    buf_deinit(&json);
}

/* Which fingerprints, from when to when. False: it was answered. */
static bool asking_read(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct issue issue;
    struct uuid *ids, only;
    struct err err = { 0 };
    struct bytes text = api_query(call, "fingerprint");
    int64_t number, now_us = clock_unix_us();
    if (!api_page_read(call, 2, &asking->page) || !issues_number(call, &number)) return false;
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
    struct asking asking = { .call = call };
    if (!asking_read(&asking)) return;
    if (asking.id_count == 0) { /* its fingerprints are past their time */
        api_page_answer(call, &asking.page);
        return;
    }
    buf_init(&asking.sql, 1 << 20);
    if (sql_make(&asking)) rows_answer(&asking);
    buf_deinit(&asking.sql);
}
