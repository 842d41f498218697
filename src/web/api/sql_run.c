#include "web/api/sql_run.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "meta/audit.h"
#include "web/api/api_inside.h"
#include <stdio.h>

enum { WARNINGS_MAX = 8 };

bool sql_timeout_set(struct query_session *session, uint32_t timeout_ms, struct err *err)
{
    char sql[64];
    struct query_statement *statement = NULL;
    struct query_cursor *cursor = NULL;
    const struct query_chunk *chunk;
    int len = snprintf(sql, sizeof sql, "SET statement_timeout = '%u'", timeout_ms);
    bool ok = query_prepare(session, bytes_from(sql, (size_t)len), NULL, 0, &statement, err) &&
              query_execute(statement, NULL, 0, &cursor, err) && query_fetch(cursor, &chunk, err);
    if (cursor) query_cursor_close(cursor);
    if (statement) query_statement_close(statement);
    return ok;
}

/* What changes something, or has others wait: more than reading. */
static bool is_writing(const struct query_statement *statement)
{
    static const char *const words[] = { "FLUSH", "OPTIMIZE", "VACUUM" };
    char tag[64];
    query_statement_tag(statement, 0, tag);
    for (size_t w = 0; w < COUNT_OF(words); w++)
        if (strncmp(tag, words[w], strlen(words[w])) == 0) return true;
    return query_statement_is_final(statement);
}

static void cancel(void *ctx)
{
    query_cancel(ctx);
}

static bool one_statement(struct bytes sql, struct bytes *statement, struct err *err)
{
    struct bytes statements[2];
    uint32_t count = 0;
    if (!query_split(sql, statements, COUNT_OF(statements), &count, err)) {
        if (err->code == ERR_TOO_LARGE || count > 1) return err_set(err, ERR_INPUT, "one statement at a time");
        return false;
    }
    if (count != 1) return err_set(err, ERR_INPUT, count == 0 ? "there is no statement" : "one statement at a time");
    *statement = statements[0];
    return true;
}

/* A change is in the audit log before it runs. */
static bool change_told(struct api_call *call, const struct query_statement *statement, struct err *err)
{
    char tag[64];
    if (!query_statement_changes(statement)) return true;
    query_statement_tag(statement, 0, tag);
    tag[strcspn(tag, " ")] = '\0';
    struct audit_event event = {
        .action = "sql.change", .object_kind = "statement", .object = tag, .project_id = &call->project.id
    };
    return audit_write_alone(call->parts->db, call->actor, &event, err);
}

/* Places of errors are those in whole, which has blanks and comments before the statement. */
static bool prepare(struct sql_run *run, struct bytes whole, struct bytes sql, const enum query_type *types,
                    uint32_t type_count, struct err *err)
{
    if (query_prepare(run->session, sql, types, type_count, &run->statement, err)) return true;
    if (err->position > 0) err->position += (int)utf8_count(bytes_from(whole.ptr, (size_t)(sql.ptr - whole.ptr)));
    return false;
}

static void client_set(struct sql_run *run)
{
    const struct actor *actor = run->call->actor;
    query_session_set_client(run->session, &(struct query_client){ .address = actor->address,
                                                                   .actor_kind = audit_actor_kind(actor),
                                                                   .actor_id = audit_actor_id(actor),
                                                                   .actor_name = actor->name,
                                                                   .via = "http" });
}

bool sql_own_session(struct query_session **session, struct query_engine *engine, struct uuid project_id,
                     const char *project_name, const char *who, const char *read_only, uint32_t timeout_ms,
                     struct err *err)
{
    *session = NULL;
    if (!query_session_open(session, engine, project_id, project_name, err) ||
        !sql_timeout_set(*session, timeout_ms, err))
        return false;
    query_session_set_client(*session, &(struct query_client){
                                           .address = "", .actor_kind = "system", .actor_name = who, .via = who });
    query_session_set_read_only(*session, read_only);
    return true;
}

bool sql_open(struct sql_run *run, struct api_call *call, const struct sql_query *query, struct err *err)
{
    struct bytes sql;
    *run = (struct sql_run){ .call = call, .begin_mono_ns = clock_mono_ns() };
    if (call->parts->query == NULL)
        return err_set(err, ERR_UNSUPPORTED, "this process does not answer queries: ask one with --role query");
    if (!one_statement(query->sql, &sql, err) ||
        !query_session_open(&run->session, call->parts->query, call->project.id, call->project.name, err) ||
        !sql_timeout_set(run->session, query->timeout_ms, err))
        return false;
    client_set(run);
    query_session_set_key(run->session, call->actor->key_id); /* a person has none */
    if (call->actor->kind == ACTOR_SHARE)
        query_session_set_times(run->session, call->actor->from_unix_us, call->actor->to_unix_us);
    if (query->read_only) query_session_set_read_only(run->session, query->read_only);
    if (!prepare(run, query->sql, sql, NULL, 0, err)) return false;
    const enum query_type *types;
    uint32_t wanted = query_statement_parameters(run->statement, &types);
    if (wanted != query->parameter_count)
        return err_set(err, ERR_INPUT, "the statement has %u parameters, %u were given", wanted,
                       query->parameter_count);
    if (query->read_only && is_writing(run->statement))
        return err_set(err, ERR_FORBIDDEN, "this statement changes the tables: %s", query->read_only);
    if (!change_told(call, run->statement, err)) return false;
    run->column_count = query_statement_columns(run->statement, &run->columns);
    return api_watch_statement(call, cancel, run->session, err) &&
           query_execute(run->statement, query->parameters, query->parameter_count, &run->cursor, err);
}

bool sql_check(struct api_call *call, struct bytes sql, const enum query_type *types, uint32_t count, struct err *err)
{
    struct sql_run run = { 0 }; /* of no call: nothing runs that its client could end */
    struct bytes statement;
    bool ok = one_statement(sql, &statement, err) &&
              query_session_open(&run.session, call->parts->query, call->project.id, call->project.name, err);
    if (ok) query_session_set_read_only(run.session, "it is only read here");
    ok = ok && prepare(&run, sql, statement, types, count, err);
    if (ok && (is_writing(run.statement) || query_statement_columns(run.statement, &run.columns) == 0))
        ok = err_set(err, ERR_INPUT, "a statement that reads is wanted: one that answers rows");
    sql_close(&run);
    return ok;
}

bool sql_next(struct sql_run *run, const struct query_chunk **chunk, struct err *err)
{
    return query_fetch(run->cursor, chunk, err);
}

void sql_close(struct sql_run *run)
{
    if (run->call) api_watch_end(run->call);
    if (run->cursor) query_cursor_close(run->cursor);
    if (run->statement) query_statement_close(run->statement);
    if (run->session) query_session_close(run->session);
    *run = (struct sql_run){ 0 };
}

void sql_fail(struct api_call *call, const struct err *err)
{
    int status = err_http_status(err->code);
    if (err->code == ERR_UNSUPPORTED && call->parts->query != NULL) status = 400;
    if (err->code == ERR_TIMEOUT || err->code == ERR_MEMORY) status = 422;
    api_fail_status(call, status, err);
}

void sql_warnings_header(const struct sql_run *run)
{
    const char *const *texts;
    uint32_t count = query_cursor_warnings(run->cursor, &texts);
    if (count == 0) return;
    const char *all = texts[0];
    for (uint32_t w = 1; w < count && w < WARNINGS_MAX; w++)
        all = arena_printf(run->call->arena, "%s; %s", all, texts[w]);
    if (count > WARNINGS_MAX) all = arena_printf(run->call->arena, "%s; and %u more", all, count - WARNINGS_MAX);
    api_header(run->call, "monoscope-warning", bytes_of_text(all));
}

const char *sql_answered_from(const struct sql_run *run)
{
    switch (query_cursor_answered(run->cursor)) {
    case QUERY_ANSWERED_ROLLUPS: return "rollups";
    case QUERY_ANSWERED_BOTH: return "rollups+raw";
    default: return "raw";
    }
}
