/* Logs and spans by the search language and a few fields, newest first: a SELECT over the query engine, which reads the newest
 * files and stops. */
#include "search/search.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/pattern_groups.h"
#include "web/api/rfc3339.h"
#include "web/api/sql_run.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 30000, PARAMETERS_MAX = 16, PAGE_BYTES_MAX = 4 << 20 /* of large rows fewer come */ };
static const int64_t DAY_US = 24 * 3600 * 1000000ll;

/* In the order of the SELECT; the first two are the page's keys. */
static const struct field {
    const char *name, *sql;
} fields[] = {
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

struct asking {
    struct api_call *call;
    struct buf sql;
    struct query_parameter parameters[PARAMETERS_MAX];
    uint32_t count;
};

/* Its number, for "$n". */
static uint32_t parameter(struct asking *asking, struct bytes value)
{
    assert(asking->count < PARAMETERS_MAX);
    asking->parameters[asking->count++].value = value;
    return asking->count;
}

static void put(struct asking *asking, const char *text)
{
    if (!buf_add(&asking->sql, text, strlen(text))) abort(); /* a few hundred bytes */
}

static void put_compared(struct asking *asking, const char *before, struct bytes value)
{
    if (!buf_printf(&asking->sql, "%s$%u", before, parameter(asking, value))) abort();
}

static struct bytes time_text(struct api_call *call, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write(unix_us, text);
    return arena_copy(call->arena, bytes_of_text(text));
}

static struct bytes upper(struct api_call *call, struct bytes text)
{
    uint8_t *to = arena_alloc(call->arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        to[i] = text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? (uint8_t)(text.ptr[i] - 32) : text.ptr[i];
    return bytes_from(to, text.len);
}

/* q in the search language. False: the client was told what is wrong in it. */
static bool put_search(struct asking *asking)
{
    struct api_call *call = asking->call;
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
    struct bytes condition = search_sql(call->arena, root);
    if (condition.len == 0) return true;
    put(asking, " AND ");
    if (!buf_add(&asking->sql, condition.ptr, condition.len)) abort();
    return true;
}

static void put_filters(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct bytes kind = api_query(call, "kind"), value;
    if (bytes_equal(kind, BYTES("span"))) {
        put(asking, " AND kind <> 'log'");
    } else if (kind.len > 0) {
        put_compared(asking, " AND kind = ", kind);
    }
    if ((value = api_query(call, "level")).len > 0) put_compared(asking, " AND level = ", upper(call, value));
    if ((value = api_query(call, "status")).len > 0) put_compared(asking, " AND status_code = ", upper(call, value));
    if ((value = api_query(call, "service")).len > 0) put_compared(asking, " AND resource___service___name = ", value);
    if ((value = api_query(call, "trace_id")).len > 0) put_compared(asking, " AND context___trace_id = ", value);
}

/* The page after (timestamp, id); its cursor was ours, or is refused. */
static bool put_after(struct asking *asking, const struct api_page *page)
{
    int64_t unix_us;
    struct uuid id;
    if (page->is_first) return true;
    if (!rfc3339_read(page->after[0], &unix_us) || !uuid_from_text(page->after[1], &id)) {
        api_fail_at(asking->call, "?cursor", "it is no cursor of this list: take it from next_cursor");
        return false;
    }
    put_compared(asking, " AND timestamp <= ", page->after[0]);
    put_compared(asking, " AND (timestamp < ", page->after[0]);
    put_compared(asking, " OR id < ", page->after[1]);
    put(asking, ")");
    return true;
}

/* False: it was answered. */
static bool sql_make(struct asking *asking, const struct api_page *page)
{
    struct api_call *call = asking->call;
    int64_t to_us = clock_unix_us(), from_us = to_us - DAY_US;
    if (!api_query_time(call, "to", &to_us)) return false;
    from_us = to_us - DAY_US;
    if (!api_query_time(call, "from", &from_us)) return false;
    put(asking, "SELECT ");
    for (size_t f = 0; f < COUNT_OF(fields); f++) {
        if (f > 0) put(asking, ", ");
        put(asking, fields[f].sql);
    }
    put_compared(asking, " FROM otel_logs_and_spans WHERE timestamp >= ", time_text(call, from_us));
    put_compared(asking, " AND timestamp < ", time_text(call, to_us));
    put_filters(asking);
    if (!put_search(asking) || !put_after(asking, page)) return false;
    if (!buf_printf(&asking->sql, " ORDER BY timestamp DESC, id DESC LIMIT %u", page->limit + 1)) abort();
    return true;
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
static bool row_add(struct api_call *call, struct api_page *page, const struct query_chunk *chunk,
                    const struct sql_run *run, uint32_t row)
{
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
    struct asking asking = { .call = call };
    struct api_page page;
    struct sql_run run;
    struct err err = { 0 };
    const struct query_chunk *chunk = NULL;
    if (!api_page_read(call, 2, &page)) return;
    buf_init(&asking.sql, 4 << 20);
    if (sql_make(&asking, &page)) {
        struct sql_query query = { .sql = buf_bytes(&asking.sql),
                                   .parameters = asking.parameters,
                                   .parameter_count = asking.count,
                                   .timeout_ms = TIMEOUT_MS,
                                   .read_only = "a search only reads" };
        bool ok = sql_open(&run, call, &query, &err), is_full = false;
        while (ok && !is_full && (ok = sql_next(&run, &chunk, &err)) && chunk != NULL)
            for (uint32_t r = 0; !is_full && r < query_chunk_rows(chunk); r++)
                is_full = !row_add(call, &page, chunk, &run, r);
        if (ok) {
            sql_warnings_header(&run);
            api_page_answer(call, &page);
        } else {
            sql_fail(call, &err);
        }
        sql_close(&run);
    }
    buf_deinit(&asking.sql);
}
