#include "web/api/replay_backend.h"

#include "base/clock.h"
#include "base/rfc3339.h"
#include "replay/replay_batch.h"
#include "web/api/sql_run.h"

#define MARGIN_US INT64_C(60000000) /* a page's clock is not the servers' */
enum { TIMEOUT_MS = 20000, SQL_BYTES_MAX = 1 << 20 };

/* What is being added up of a session. */
struct sum {
    const struct replay_backend_due *of;
    int64_t span_count, error_count;
    struct bytes services[REPLAY_BACKEND_SERVICES_MAX], traces[REPLAY_BACKEND_TRACES_MAX];
    uint32_t service_count, trace_count;
};
struct asking {
    struct query_engine *engine;
    struct arena *arena;
    struct sum *sums;
    uint32_t count;
    struct buf seen; /* traces that had rows by session.id: those are counted */
};

static void add_once(struct bytes *texts, uint32_t *count, uint32_t max, struct arena *arena, struct bytes text)
{
    for (uint32_t t = 0; t < *count; t++)
        if (bytes_equal(texts[t], text)) return;
    if (text.len > 0 && *count < max) texts[(*count)++] = arena_copy(arena, text);
}

/* A row: whose (a session's or a trace's id), service, trace, spans, errors. */
static void row_add(struct asking *asking, struct sum *sum, const struct query_chunk *chunk, uint32_t row)
{
    struct query_value service = query_chunk_value(chunk, 1, row), trace = query_chunk_value(chunk, 2, row);
    if (service.is_null || bytes_equal(service.bytes, sum->of->service)) return;
    sum->span_count += query_chunk_value(chunk, 3, row).integer;
    sum->error_count += query_chunk_value(chunk, 4, row).integer;
    add_once(sum->services, &sum->service_count, COUNT_OF(sum->services), asking->arena, service.bytes);
    if (!trace.is_null) add_once(sum->traces, &sum->trace_count, COUNT_OF(sum->traces), asking->arena, trace.bytes);
}

static void row_of_session(struct asking *asking, const struct query_chunk *chunk, uint32_t row)
{
    struct bytes id = query_chunk_value(chunk, 0, row).bytes;
    struct query_value trace = query_chunk_value(chunk, 2, row);
    if (!trace.is_null && trace.bytes.len == REPLAY_TRACE_BYTES - 1)
        (void)!buf_printf(&asking->seen, "%.*s ", (int)trace.bytes.len, (const char *)trace.bytes.ptr);
    for (uint32_t s = 0; s < asking->count; s++)
        if (bytes_equal(asking->sums[s].of->session_id, id)) row_add(asking, &asking->sums[s], chunk, row);
}

static void row_of_trace(struct asking *asking, const struct query_chunk *chunk, uint32_t row)
{
    struct bytes id = query_chunk_value(chunk, 0, row).bytes;
    for (uint32_t s = 0; s < asking->count; s++)
        if (memmem(asking->sums[s].of->traces.ptr, asking->sums[s].of->traces.len, id.ptr, id.len))
            row_add(asking, &asking->sums[s], chunk, row);
}

static bool rows_fetch(struct asking *asking, struct query_cursor *cursor,
                       void (*add)(struct asking *, const struct query_chunk *, uint32_t), struct err *err)
{
    const struct query_chunk *chunk;
    while (query_fetch(cursor, &chunk, err)) {
        if (chunk == NULL) return true;
        for (uint32_t r = 0; r < query_chunk_rows(chunk); r++) add(asking, chunk, r);
    }
    return false;
}

/* column IN (ids): of spans in the sessions' time. */
static bool ask(struct asking *asking, const char *column, struct bytes ids,
                void (*add)(struct asking *, const struct query_chunk *, uint32_t), struct err *err)
{
    char from[RFC3339_BYTES], to[RFC3339_BYTES];
    int64_t first = INT64_MAX, last = INT64_MIN;
    struct query_session *session = NULL;
    struct query_statement *prepared = NULL;
    struct query_cursor *cursor = NULL;
    for (uint32_t s = 0; s < asking->count; s++) {
        if (asking->sums[s].of->first_unix_us < first) first = asking->sums[s].of->first_unix_us;
        if (asking->sums[s].of->last_unix_us > last) last = asking->sums[s].of->last_unix_us;
    }
    rfc3339_write(first - MARGIN_US, from);
    rfc3339_write(last + MARGIN_US, to);
    const char *sql =
        arena_printf(asking->arena,
                     "SELECT %s, resource___service___name, context___trace_id, count(*), count(*) FILTER (WHERE "
                     "status_code = 'ERROR') FROM otel_logs_and_spans WHERE %s IN (%.*s) AND kind <> 'log' AND "
                     "timestamp >= '%s' AND timestamp < '%s' GROUP BY 1, 2, 3 ORDER BY 5 DESC, 4 DESC LIMIT %d",
                     column, column, (int)ids.len, (const char *)ids.ptr, from, to, REPLAY_BACKEND_ROWS_MAX);
    bool ok = sql_own_session(&session, asking->engine, asking->sums[0].of->project_id, "replays", "replays",
                              "replays only read", TIMEOUT_MS, err) &&
              query_prepare(session, bytes_of_text(sql), NULL, 0, &prepared, err) &&
              query_execute(prepared, NULL, 0, &cursor, err) && rows_fetch(asking, cursor, add, err);
    if (cursor) query_cursor_close(cursor);
    if (prepared) query_statement_close(prepared);
    if (session) query_session_close(session);
    return ok;
}

/* Ids have neither quotes nor backslashes (replay/replay_batch.h). */
static bool id_put(struct buf *ids, struct bytes id)
{
    return buf_printf(ids, "%s'%.*s'", ids->len > 0 ? "," : "", (int)id.len, (const char *)id.ptr);
}

static bool by_sessions(struct asking *asking, struct buf *ids, struct err *err)
{
    for (uint32_t s = 0; s < asking->count; s++)
        if (replay_id_is_valid(asking->sums[s].of->session_id)) (void)!id_put(ids, asking->sums[s].of->session_id);
    return ids->len == 0 || ask(asking, "attributes___session___id", buf_bytes(ids), row_of_session, err);
}

static bool by_traces(struct asking *asking, struct buf *ids, struct err *err)
{
    for (uint32_t s = 0; s < asking->count; s++) {
        struct bytes rest = asking->sums[s].of->traces;
        for (; rest.len >= REPLAY_TRACE_BYTES;
             rest = bytes_from(rest.ptr + REPLAY_TRACE_BYTES, rest.len - REPLAY_TRACE_BYTES)) {
            struct bytes id = bytes_from(rest.ptr, REPLAY_TRACE_BYTES - 1);
            if (!memmem(asking->seen.ptr, asking->seen.len, id.ptr, id.len)) (void)!id_put(ids, id);
        }
    }
    return ids->len == 0 || ask(asking, "context___trace_id", buf_bytes(ids), row_of_trace, err);
}

static struct bytes joined(struct arena *arena, const struct bytes *texts, uint32_t count, const char *before,
                           const char *behind)
{
    const char *all = count > 0 ? before : "";
    for (uint32_t t = 0; t < count; t++)
        all = arena_printf(arena, "%s%.*s%s", all, (int)texts[t].len, (const char *)texts[t].ptr, behind);
    return bytes_of_text(all);
}

bool replay_backend_ask(struct query_engine *engine, const struct replay_backend_due *due, uint32_t count,
                        struct arena *arena, struct replay_backend *found, struct err *err)
{
    struct asking asking = {
        .engine = engine, .arena = arena, .sums = arena_calloc(arena, count * sizeof *asking.sums), .count = count
    };
    struct buf ids, trace_ids;
    int64_t now_unix_us = clock_unix_us();
    assert(count > 0 && count <= REPLAY_BACKEND_SESSIONS_MAX);
    for (uint32_t s = 0; s < count; s++) asking.sums[s].of = &due[s];
    buf_init(&ids, SQL_BYTES_MAX);
    buf_init(&trace_ids, SQL_BYTES_MAX);
    buf_init(&asking.seen, SQL_BYTES_MAX);
    bool ok = by_sessions(&asking, &ids, err) && by_traces(&asking, &trace_ids, err);
    for (uint32_t s = 0; ok && s < count; s++) {
        const struct sum *sum = &asking.sums[s];
        found[s] = (struct replay_backend){ .looked_unix_us = now_unix_us,
                                            .span_count = sum->span_count,
                                            .error_count = sum->error_count,
                                            .services = joined(arena, sum->services, sum->service_count, "\n", "\n"),
                                            .traces = joined(arena, sum->traces, sum->trace_count, "", " ") };
    }
    buf_deinit(&asking.seen);
    buf_deinit(&trace_ids);
    buf_deinit(&ids);
    return ok;
}
