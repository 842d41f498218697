#include "timefusion/query/command.h"
#include "timefusion/delta/delta.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/literal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_MS        3600000
#define ROWS_BYTES_MAX (32u << 20)

/* -- OPTIMIZE, VACUUM -------------------------------------------------------------------------------------------- */

static bool maintain(struct query_cursor *cursor, enum maintenance_kind kind, struct maintenance_request *request,
                     struct maintenance_result *result, struct err *err)
{
    struct query_session *session = cursor->session;
    struct maintenance *maintenance = session->engine->options.hooks.maintenance;
    if (!maintenance)
        return err_set(err, ERR_UNSUPPORTED, "this process does not look after the tables; ask one that ingests");
    request->table = cursor->plan->command->table->id;
    request->project_id = session->is_operator ? NULL : &session->project_id;
    request->cancel = &session->stops;
    if (!lane_begin(session, cursor->lane, err)) return false; /* so that the watchdog looks at the time */
    bool ok = maintenance_run_now(maintenance, kind, request, result, err);
    lane_end(session);
    return ok || cursor_failed(cursor, err);
}

static bool optimize_run(struct query_cursor *cursor, struct buf *sql, struct err *err)
{
    const struct command *command = cursor->plan->command;
    struct maintenance_result result = { 0 };
    struct maintenance_request request = {
        .has_days = command->day_first != INT32_MIN || command->day_last != INT32_MAX,
        .day_first = command->day_first,
        .day_last = command->day_last,
        .keep_ms = -1,
    };
    return maintain(cursor, MAINTENANCE_JOIN, &request, &result, err) &&
           buf_printf(sql,
                      "SELECT '%s', CAST(%" PRIu64 " AS BIGINT), CAST(%" PRIu64 " AS BIGINT), CAST(%" PRIu64
                      " AS BIGINT), CAST(%" PRIu64 " AS BIGINT), CAST(%" PRIu64 " AS BIGINT), CAST(%" PRIu64
                      " AS BIGINT), CAST(%" PRIu64 " AS BIGINT)",
                      command->table->name, result.units, result.files_removed, result.files_added,
                      result.bytes_removed, result.bytes_added, result.rows, result.conflicts);
}

static bool vacuum_run(struct query_cursor *cursor, struct buf *sql, struct err *err)
{
    const struct command *command = cursor->plan->command;
    struct maintenance_result result = { 0 };
    struct maintenance_request request = {
        .keep_ms = command->retain_hours < 0 ? -1 : command->retain_hours * HOUR_MS,
        .is_dry_run = command->is_dry_run,
    };
    return maintain(cursor, MAINTENANCE_VACUUM, &request, &result, err) &&
           buf_printf(sql, "SELECT '%s', CAST(%" PRIu64 " AS BIGINT), CAST(%" PRIu64 " AS BIGINT), %s",
                      command->table->name, result.files_removed, result.bytes_removed,
                      command->is_dry_run ? "true" : "false");
}

/* -- DESCRIBE HISTORY -------------------------------------------------------------------------------------------- */

struct history {
    struct buf *sql;
    bool is_operator, any, ok;
};

static bool text_or_null(struct buf *sql, const char *text)
{
    return buf_add(sql, ", ", 2) && (text ? buf_add(sql, "CAST(", 5) && literal_quote(sql, bytes_of_text(text)) &&
                                                buf_printf(sql, " AS VARCHAR)")
                                          : buf_printf(sql, "CAST(NULL AS VARCHAR)"));
}

/* What was done with which predicate, and how much of it, is of all projects: for an operator. */
static bool history_row(void *ctx, const struct delta_history_entry *entry)
{
    struct history *history = ctx;
    char time[64] = "NULL";
    if (entry->timestamp_unix_ms >= 0) snprintf(time, sizeof time, LITERAL_TIME, entry->timestamp_unix_ms * 1000);
    history->ok = buf_printf(history->sql, "%s(CAST(%" PRIu64 " AS BIGINT), CAST(%s AS TIMESTAMPTZ)",
                             history->any ? ", " : "", entry->version, time) &&
                  text_or_null(history->sql, entry->operation) &&
                  text_or_null(history->sql, history->is_operator ? entry->parameters_json : NULL) &&
                  text_or_null(history->sql, history->is_operator ? entry->metrics_json : NULL) &&
                  text_or_null(history->sql, entry->engine) && buf_add(history->sql, ")", 1);
    history->any = true;
    return history->ok;
}

static bool history_run(struct query_cursor *cursor, struct buf *sql, struct err *err)
{
    struct query_session *session = cursor->session;
    const struct command *command = cursor->plan->command;
    struct delta_table *table = timefusion_delta(session->engine->options.timefusion, command->table->id);
    struct history history = { .sql = sql, .is_operator = session->is_operator, .ok = true };
    if (command->limit == 0 || !buf_printf(sql, "SELECT * FROM (VALUES ")) {
        cursor->is_done = true;
        return true;
    }
    if (!delta_history(table, command->limit, history_row, &history, err)) return false;
    if (history.ok && history.any) return buf_printf(sql, ") AS h(a, b, c, d, e, f) ORDER BY a DESC");
    cursor->is_done = history.ok;
    return history.ok;
}

bool command_run(struct query_cursor *cursor, struct err *err)
{
    struct buf sql;
    bool ok = false;
    buf_init(&sql, ROWS_BYTES_MAX);
    switch (cursor->plan->command->kind) {
    case COMMAND_FLUSH:
        cursor->is_done = true;
        ok = session_flush(cursor->session, 0, err);
        break;
    case COMMAND_OPTIMIZE: ok = optimize_run(cursor, &sql, err); break;
    case COMMAND_VACUUM: ok = vacuum_run(cursor, &sql, err); break;
    case COMMAND_HISTORY: ok = history_run(cursor, &sql, err); break;
    }
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the answer is too long; ask for less");
    if (ok && !cursor->is_done)
        ok = (buf_add(&sql, "", 1) || err_set(err, ERR_TOO_LARGE, "the answer is too long; ask for less")) &&
             cursor_sql(cursor, (const char *)sql.ptr, err);
    buf_deinit(&sql);
    return ok;
}
