#include "web/api/pattern_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/rfc3339.h"
#include "base/utf8.h"
#include "patterns/mask.h"
#include "web/api/sql_run.h"

enum { TIMEOUT_MS = 30000, NAMED_MAX = 500, SAMPLE_BYTES = 300 };

static struct bytes time_text(struct api_call *call, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write(unix_us, text);
    return arena_copy(call->arena, bytes_of_text(text));
}

/* A value of an answer as JSON; empty when it is too large. */
static struct bytes cell_json(struct api_call *call, const struct query_chunk *chunk, const struct sql_run *run,
                              uint32_t c, uint32_t r)
{
    struct buf json;
    struct bytes out = { 0 };
    buf_init(&json, 4 << 20);
    struct query_value value = query_chunk_value(chunk, c, r);
    if (sql_put_json(&json, chunk, c, run->columns[c].type, value)) out = arena_copy(call->arena, buf_bytes(&json));
    buf_deinit(&json);
    return out;
}

/* The same of what has no signs to escape: numbers, ids, times, levels. */
static struct bytes cell(struct api_call *call, const struct query_chunk *chunk, const struct sql_run *run, uint32_t c,
                         uint32_t r)
{
    struct bytes text = cell_json(call, chunk, run, c, r);
    return text.len >= 2 && text.ptr[0] == '"' ? bytes_from(text.ptr + 1, text.len - 2) : text;
}

static int64_t number_of(struct bytes text)
{
    char copy[32] = { 0 };
    if (text.len >= sizeof copy) return 0;
    memcpy(copy, text.ptr, text.len);
    return strtoll(copy, NULL, 10);
}

uint32_t pattern_level_of(struct bytes name)
{
    for (uint32_t level = 1; level < PATTERN_LEVELS; level++)
        if (name.len == strlen(pattern_levels[level]) &&
            strncasecmp((const char *)name.ptr, pattern_levels[level], name.len) == 0)
            return level;
    return 0;
}

/* Rows of the condition by element, step and level; those of as long before in one step. */
bool pattern_rows_count(struct api_call *call, const struct count_range *range, struct bytes service,
                        struct bytes condition, struct pattern_rows *rows, struct err *err)
{
    struct bytes from = time_text(call, range->from_unix_us), to = time_text(call, range->to_unix_us),
                 before = time_text(call, 2 * range->from_unix_us - range->to_unix_us);
    struct buf sql;
    struct sql_run run;
    const struct query_chunk *chunk = NULL;
    buf_init(&sql, 8 << 20);
    bool is_made =
        buf_printf(&sql,
                   "SELECT h, level, CASE WHEN timestamp < $1 THEN -1 ELSE floor(extract(epoch from (timestamp - "
                   "$1::timestamptz)) / %" PRId64 ")::bigint END AS step, count(*) AS n FROM (SELECT "
                   "unnest(hashes) AS h, level, timestamp FROM otel_logs_and_spans WHERE kind = 'log' AND "
                   "timestamp >= $2 AND timestamp < $3",
                   range->step_us / 1000000) &&
        (service.len == 0 || buf_printf(&sql, " AND resource___service___name = $4")) &&
        (condition.len == 0 ||
         (buf_printf(&sql, " AND (") && buf_add(&sql, condition.ptr, condition.len) && buf_printf(&sql, ")"))) &&
        buf_printf(&sql, ") x WHERE h LIKE 'pat:%%' GROUP BY 1, 2, 3");
    assert(is_made);
    const struct query_parameter parameters[] = {
        { .value = from }, { .value = before }, { .value = to }, { .value = service }
    };
    struct sql_query query = { .sql = buf_bytes(&sql),
                               .parameters = parameters,
                               .parameter_count = service.len > 0 ? 4 : 3,
                               .timeout_ms = TIMEOUT_MS };
    bool ok = sql_open(&run, call, &query, err);
    while (ok && (ok = sql_next(&run, &chunk, err)) && chunk != NULL) {
        for (uint32_t r = 0; r < query_chunk_rows(chunk); r++) {
            struct bytes element = cell(call, chunk, &run, 0, r), step = cell(call, chunk, &run, 2, r);
            struct uuid id;
            if (element.len != 4 + UUID_TEXT_BYTES ||
                !uuid_from_text(bytes_from(element.ptr + 4, UUID_TEXT_BYTES), &id))
                continue;
            if (rows->count == rows->cap) {
                rows->cap = rows->cap ? rows->cap * 2 : 1024;
                rows->at = mem_realloc(rows->at, rows->cap * sizeof *rows->at);
            }
            int64_t number = number_of(step);
            rows->at[rows->count++] = (struct pattern_rows_found){ id, number < 0 ? UINT32_MAX : (uint32_t)number,
                                                                   pattern_level_of(cell(call, chunk, &run, 1, r)),
                                                                   number_of(cell(call, chunk, &run, 3, r)) };
        }
    }
    if (ok) sql_warnings_header(&run);
    sql_close(&run);
    buf_deinit(&sql);
    return ok;
}

/* -- names ------------------------------------------------------------------------------------------------------ */

/* What a body says, as JSON: a text, the member of an object that reads like a message, else all of it. */
static struct bytes message_of(struct arena *arena, struct bytes json)
{
    static const char *const names[] = { "message", "msg", "@m", "short_message", "log", "event", "error", "text" };
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    for (size_t n = 0; yyjson_is_obj(root) && n < COUNT_OF(names); n++) {
        yyjson_val *member = yyjson_obj_get(root, names[n]);
        if (yyjson_is_str(member)) root = member;
    }
    struct bytes message = json;
    if (yyjson_is_str(root)) message = arena_copy(arena, bytes_from(yyjson_get_str(root), yyjson_get_len(root)));
    yyjson_doc_free(doc);
    return message;
}

struct unknown {
    struct uuid id;
    int64_t rows;
};
static int unknown_by_id(const void *left, const void *right)
{
    return memcmp(((const struct unknown *)left)->id.bytes, ((const struct unknown *)right)->id.bytes, 16);
}
static int unknown_by_rows(const void *left, const void *right)
{
    const struct unknown *a = left, *b = right;
    if (a->rows != b->rows) return a->rows > b->rows ? -1 : 1;
    return unknown_by_id(left, right);
}

/* Those with most rows first. */
static uint32_t unknown_find(struct arena *arena, const struct pattern_rows *rows,
                             const struct pattern_groups_all *known, struct unknown **out)
{
    struct unknown *list = arena_alloc(arena, (rows->count + 1) * sizeof *list);
    uint32_t count = 0, kept = 0;
    for (uint32_t r = 0; r < rows->count; r++)
        if (pattern_groups_find(known, rows->at[r].id) == UINT32_MAX)
            list[count++] = (struct unknown){ rows->at[r].id, rows->at[r].rows };
    if (count > 1) qsort(list, count, sizeof *list, unknown_by_id);
    for (uint32_t u = 0; u < count; u++) {
        if (kept > 0 && uuid_equal(list[kept - 1].id, list[u].id))
            list[kept - 1].rows += list[u].rows;
        else
            list[kept++] = list[u];
    }
    if (kept > 1) qsort(list, kept, sizeof *list, unknown_by_rows);
    *out = list;
    return kept < NAMED_MAX ? kept : NAMED_MAX;
}

static void elements_put(struct buf *sql, const struct unknown *list, uint32_t count)
{
    for (uint32_t u = 0; u < count; u++) {
        char text[UUID_TEXT_BYTES + 1];
        uuid_to_text(list[u].id, text);
        if (!buf_printf(sql, "%s'pat:%s'", u > 0 ? ", " : "", text)) abort(); /* a few kilobytes */
    }
}

static void seen_read(struct api_call *call, const struct query_chunk *chunk, const struct sql_run *run, uint32_t r,
                      struct pattern_seen *seen)
{
    struct bytes element = cell(call, chunk, run, 0, r);
    uint8_t room[MASK_ROOM_BYTES];
    *seen = (struct pattern_seen){ 0 };
    if (element.len != 4 + UUID_TEXT_BYTES || !uuid_from_text(bytes_from(element.ptr + 4, UUID_TEXT_BYTES), &seen->id))
        return;
    seen->service = message_of(call->arena, cell_json(call, chunk, run, 1, r));
    if (bytes_equal(seen->service, BYTES("null"))) seen->service = (struct bytes){ (const uint8_t *)"", 0 };
    if (!rfc3339_read(cell(call, chunk, run, 2, r), &seen->first_unix_us)) seen->first_unix_us = 0;
    if (!rfc3339_read(cell(call, chunk, run, 3, r), &seen->last_unix_us)) seen->last_unix_us = 0;
    struct bytes message = message_of(call->arena, cell_json(call, chunk, run, 4, r));
    seen->template = arena_copy(call->arena, mask_text(room, message));
    seen->sample = message.len > SAMPLE_BYTES ? bytes_from(message.ptr, utf8_cut(message, SAMPLE_BYTES)) : message;
}

bool pattern_rows_name(struct api_call *call, const struct count_range *range, const struct pattern_rows *rows,
                       const struct pattern_groups_all *known, struct pattern_seen **seen, uint32_t *count,
                       struct err *err)
{
    struct unknown *list;
    uint32_t wanted = unknown_find(call->arena, rows, known, &list);
    struct buf sql;
    struct sql_run run;
    const struct query_chunk *chunk = NULL;
    *seen = arena_alloc(call->arena, (wanted + 1) * sizeof **seen);
    *count = 0;
    if (wanted == 0) return true;
    buf_init(&sql, 1 << 20);
    if (!buf_printf(&sql, "SELECT h, min(s), min(timestamp), max(timestamp), min(body::text)::jsonb FROM (SELECT "
                          "unnest(hashes) AS h, resource___service___name AS s, timestamp, body FROM "
                          "otel_logs_and_spans WHERE kind = 'log' AND timestamp >= $1 AND timestamp < $2 AND hashes && "
                          "ARRAY["))
        abort();
    elements_put(&sql, list, wanted);
    if (!buf_printf(&sql, "]) x WHERE h IN (")) abort();
    elements_put(&sql, list, wanted);
    if (!buf_printf(&sql, ") GROUP BY 1")) abort();
    const struct query_parameter parameters[] = { { .value =
                                                        time_text(call, 2 * range->from_unix_us - range->to_unix_us) },
                                                  { .value = time_text(call, range->to_unix_us) } };
    struct sql_query query = { .sql = buf_bytes(&sql),
                               .parameters = parameters,
                               .parameter_count = COUNT_OF(parameters),
                               .timeout_ms = TIMEOUT_MS };
    bool ok = sql_open(&run, call, &query, err);
    while (ok && (ok = sql_next(&run, &chunk, err)) && chunk != NULL)
        for (uint32_t r = 0; r < query_chunk_rows(chunk) && *count < wanted; r++)
            seen_read(call, chunk, &run, r, &(*seen)[(*count)++]);
    sql_close(&run);
    buf_deinit(&sql);
    return ok;
}
