/* Logs and spans by the search language and a few fields, newest first: a SELECT over the query engine, which reads the newest
 * files and stops. */
#include "search/search.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "web/api/handlers.h"
#include "web/api/pattern_groups.h"
#include "web/api/rows_page.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 30000, PAGE_BYTES_MAX = 4 << 20 /* of large rows fewer come */ };
static const int64_t DAY_US = 24 * 3600 * 1000000ll;

/* In the order of the SELECT; the first two are the page's keys. */
static const struct rows_field fields[] = {
    { "timestamp", "timestamp" },
    { "id", "id" },
    { "kind", "kind" },
    { "level", "level" },
    { "service", "resource___service___name" },
    { "name", "name" },
    { "body", "body" },
    { "status", "status_code" },
    { "status_message", "status_message" },
    { "duration_ns", "duration" },
    { "trace_id", "context___trace_id" },
    { "span_id", "context___span_id" },
    { "parent_id", "parent_id" },
};

static struct bytes upper(struct api_call *call, struct bytes text)
{
    uint8_t *to = arena_alloc(call->arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        to[i] = text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? (uint8_t)(text.ptr[i] - 32) : text.ptr[i];
    return bytes_from(to, text.len);
}

/* q in the search language. False: the client was told what is wrong in it. */
static bool put_search(struct rows_page *rows)
{
    struct api_call *call = rows->call;
    struct search_node *root;
    struct search_problem problem;
    if (!search_parse(call->arena, api_query(call, "q"), &root, &problem)) {
        struct bytes q = api_query(call, "q");
        api_fail_at(call, "?q", "at characters %zu to %zu: %s", utf8_count(bytes_from(q.ptr, problem.from)),
                    utf8_count(bytes_from(q.ptr, problem.to)), problem.text);
        return false;
    }
    struct err err = { 0 };
    if (!pattern_search_expand(call, root, &err)) {
        api_fail(call, &err);
        return false;
    }
    rows_page_condition(rows, search_sql(call->arena, root));
    return true;
}

static void put_filters(struct rows_page *rows)
{
    struct api_call *call = rows->call;
    struct bytes kind = api_query(call, "kind"), value;
    if (bytes_equal(kind, BYTES("span"))) {
        rows_page_put(rows, " AND kind <> 'log'");
    } else if (kind.len > 0) {
        rows_page_compared(rows, " AND kind = ", kind);
    }
    if ((value = api_query(call, "level")).len > 0) rows_page_compared(rows, " AND level = ", upper(call, value));
    if ((value = api_query(call, "status")).len > 0)
        rows_page_compared(rows, " AND status_code = ", upper(call, value));
    if ((value = api_query(call, "service")).len > 0)
        rows_page_compared(rows, " AND resource___service___name = ", value);
    if ((value = api_query(call, "trace_id")).len > 0) rows_page_compared(rows, " AND context___trace_id = ", value);
}

/* False: it was answered. */
static bool sql_make(struct rows_page *rows)
{
    struct api_call *call = rows->call;
    int64_t to_us = clock_unix_us(), from_us = to_us - DAY_US;
    if (!api_query_time(call, "to", &to_us)) return false;
    from_us = to_us - DAY_US;
    if (!api_query_time(call, "from", &from_us)) return false;
    rows_page_select(rows, fields, COUNT_OF(fields), from_us, to_us);
    put_filters(rows);
    return put_search(rows) && rows_page_end(rows);
}

static struct bytes value_json(struct api_call *call, const struct query_chunk *chunk, const struct sql_run *run,
                               uint32_t column, uint32_t row)
{
    struct buf json;
    buf_init(&json, API_ANSWER_BYTES_MAX);
    struct query_value value = query_chunk_value(chunk, column, row);
    bool ok = sql_put_json(&json, chunk, column, run->columns[column].type, value);
    struct bytes out = ok ? arena_copy(call->arena, buf_bytes(&json)) : BYTES("\"(too large)\"");
    buf_deinit(&json);
    return out;
}

/* False: the page is full. */
static bool row_add(void *ctx, struct rows_page *rows, const struct query_chunk *chunk, const struct sql_run *run,
                    uint32_t row)
{
    struct api_call *call = rows->call;
    struct api_page *page = &rows->page;
    (void)ctx;
    yyjson_mut_val *item = yyjson_mut_obj(call->json);
    struct bytes keys[2] = { 0 };
    for (uint32_t c = 0; c < COUNT_OF(fields); c++) {
        struct bytes json = value_json(call, chunk, run, c, row);
        yyjson_mut_val *name = yyjson_mut_str(call->json, fields[c].name);
        yyjson_mut_obj_add(item, name, yyjson_mut_rawn(call->json, (const char *)json.ptr, json.len));
        if (c < 2) keys[c] = bytes_from(json.ptr + 1, json.len - 2); /* without quotes */
    }
    if (page->count > 0 && call->arena->bytes > PAGE_BYTES_MAX) api_page_end(page);
    return api_page_add(page, item, keys);
}

/* For pages that ask by SQL themselves: what a search means, or where it is wrong. */
void api_search_translate(struct api_call *call)
{
    struct search_node *root;
    struct search_problem problem;
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *problems = yyjson_mut_arr(call->json);
    struct bytes where = { 0 };
    struct err err = { 0 };
    if (search_parse(call->arena, api_body_text(call, "q"), &root, &problem)) {
        if (!pattern_search_expand(call, root, &err)) {
            api_fail(call, &err);
            return;
        }
        where = search_sql(call->arena, root);
    } else {
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(call->json, problems);
        struct bytes q = api_body_text(call, "q");
        yyjson_mut_obj_add_uint(call->json, one, "from", utf8_count(bytes_from(q.ptr, problem.from)));
        yyjson_mut_obj_add_uint(call->json, one, "to", utf8_count(bytes_from(q.ptr, problem.to)));
        api_put_text(call, one, "text", bytes_of_text(problem.text));
    }
    api_put_text(call, answer, "where", where);
    yyjson_mut_obj_add_val(call->json, answer, "problems", problems);
    api_answer(call, answer);
}

void api_search(struct api_call *call)
{
    static const struct rows_page_how how = { .read_only = "a search only reads",
                                              .timeout_ms = TIMEOUT_MS,
                                              .row = row_add };
    struct rows_page rows;
    if (rows_page_open(&rows, call) && sql_make(&rows)) rows_page_answer(&rows, &how);
    rows_page_close(&rows);
}
