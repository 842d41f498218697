/* What a statement may take: its project's turn, time, bytes and rows. */
#include "base/clock.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/turn.h"
#include <inttypes.h>
#include <stdio.h>

#define TELLS_AFTER_NS UINT64_C(1000000000)

/* SELECT 1, and what looks at sessions or stops them: also while everything else waits. */
static bool is_free(const struct plan *plan)
{
    if (plan->kind == PLAN_SHOW) return true;
    return plan->kind == PLAN_SELECT &&
           (plan->relation_count == 0 || (plan->relation_count == 1 && plan->reads_activity));
}

struct waiting {
    struct query_cursor *cursor;
    uint64_t begin_mono_ns;
    bool is_told;
};

static bool wait(void *ctx, uint32_t at_work, uint32_t before, struct err *err)
{
    struct waiting *waiting = ctx;
    struct query_session *session = waiting->cursor->session;
    if (!waiting->is_told && session->told && clock_mono_ns() - waiting->begin_mono_ns > TELLS_AFTER_NS) {
        char text[160];
        snprintf(text, sizeof text,
                 "the statement waits for its turn: %u of this project are at work, %u more wait before it", at_work,
                 before);
        session->told(session->told_ctx, text);
        waiting->is_told = true;
    }
    return !session_is_stopped(session, err);
}

bool cursor_turn_take(struct query_cursor *cursor, struct err *err)
{
    struct query_session *session = cursor->session;
    struct waiting waiting = { cursor, clock_mono_ns(), false };
    if (is_free(cursor->plan) || cursor->plan->kind == PLAN_COMMAND) return true;
    struct turn_wanted wanted = { session->project_id, (uint32_t)cursor->limits.running_max, wait, &waiting };
    activity_wait(session, "Turn");
    cursor->has_turn = turn_take(session->engine->turns, &wanted, err);
    activity_wait(session, NULL);
    cursor->waited_ns += clock_mono_ns() - waiting.begin_mono_ns;
    return cursor->has_turn;
}

void cursor_turn_give(struct query_cursor *cursor)
{
    if (cursor->has_turn) turn_give(cursor->session->engine->turns, cursor->session->project_id);
    cursor->has_turn = false;
}

bool cursor_limits_begin(struct query_cursor *cursor, struct err *err)
{
    const struct query_hooks *hooks = &cursor->session->engine->options.hooks;
    if (is_free(cursor->plan)) return true;
    if (hooks->admit) {
        cursor->is_admitted = hooks->admit(hooks->ctx, cursor->session->project_id, err);
        if (!cursor->is_admitted) return false;
    }
    if (hooks->limits) hooks->limits(hooks->ctx, cursor->session->project_id, &cursor->limits);
    if (!cursor_turn_take(cursor, err)) return false;
    if (cursor->limits.seconds_max > 0) session_time_limit(cursor->session, cursor->limits.seconds_max);
    return true;
}

void cursor_limits_hold(struct query_cursor *cursor, uint32_t table)
{
    const struct held *held = &cursor->held[table];
    struct duckdb_fs *fs = cursor->session->engine->fs;
    cursor->bytes_before[table] = duckdb_fs_bytes(fs, held->id); /* of a transaction: other statements' */
    if (cursor->limits.bytes_max > 0)
        duckdb_fs_limit(fs, held->id, cursor->bytes_before[table] + cursor->limits.bytes_max);
}

uint64_t query_cursor_bytes(const struct query_cursor *cursor)
{
    const struct duckdb_fs *fs = cursor->session->engine->fs;
    uint64_t bytes = 0;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        if (cursor->held[id].snapshot) bytes += duckdb_fs_bytes(fs, cursor->held[id].id) - cursor->bytes_before[id];
    for (const struct held_narrowed *narrowed = cursor->narrowed; narrowed; narrowed = narrowed->next)
        bytes += duckdb_fs_bytes(fs, narrowed->id);
    return bytes;
}

bool cursor_bytes_are_over(const struct query_cursor *cursor, struct err *err)
{
    const struct duckdb_fs *fs = cursor->session->engine->fs;
    bool is_over = false;
    if (cursor->limits.bytes_max == 0) return false;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        is_over = is_over || (cursor->held[id].snapshot && duckdb_fs_is_over(fs, cursor->held[id].id));
    for (const struct held_narrowed *narrowed = cursor->narrowed; narrowed; narrowed = narrowed->next)
        is_over = is_over || duckdb_fs_is_over(fs, narrowed->id);
    if (!is_over) return false;
    err_set(err, ERR_TOO_LARGE,
            "the statement read more than %" PRIu64 " bytes of files, the limit of this project (query_bytes)",
            cursor->limits.bytes_max);
    err_hint(err,
             "ask for a shorter time, a trace id or fewer columns: EXPLAIN tells how many files are left; an instance "
             "admin sets the limit");
    return true;
}

bool cursor_rows_add(struct query_cursor *cursor, uint64_t rows, struct err *err)
{
    cursor->row_count += rows;
    if (cursor->limits.rows_max == 0 || cursor->row_count <= cursor->limits.rows_max) return true;
    err_set(err, ERR_TOO_LARGE, "the answer has more than %" PRIu64 " rows, the limit of this project (query_rows)",
            cursor->limits.rows_max);
    return err_hint(err, "use LIMIT, or GROUP BY; an instance admin sets the limit");
}
