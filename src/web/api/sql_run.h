/* sql_run.h -- one statement over a project's telemetry for a call: with a time limit, and cancelled when its client goes.
 *
 *   struct sql_run run;
 *   if (sql_open(&run, call, &query, &err)) { while (sql_next(&run, &chunk, &err) && chunk) ... }
 *   sql_close(&run);
 *
 * Thread: the call's; the API's watcher cancels. Memory: the query engine's own. Errors: with err->position in the SQL. */
#pragma once
#include "timefusion/query/query.h"
#include "web/api/api_call.h"

struct sql_query {
    struct bytes sql;
    const struct query_parameter *parameters;
    uint32_t parameter_count;
    uint32_t timeout_ms;
    const char *read_only; /* why DELETE, UPDATE and what looks after the tables are refused; NULL: they are not */
};
struct sql_run {
    struct api_call *call;
    struct query_session *session;
    struct query_statement *statement;
    struct query_cursor *cursor;
    const struct query_column *columns;
    uint32_t column_count;
    uint64_t begin_mono_ns;
};
/* Also after it failed sql_close is to be called. */
MUST_CHECK bool sql_open(struct sql_run *run, struct api_call *call, const struct sql_query *query, struct err *err);
MUST_CHECK bool sql_next(struct sql_run *run, const struct query_chunk **chunk, struct err *err);
void sql_close(struct sql_run *run);
/* Is it one statement that the gate lets through and that only reads? It is not run. types: of its parameters, unknown ones are found. */
MUST_CHECK bool sql_check(struct api_call *call, struct bytes sql, const enum query_type *types, uint32_t count,
                          struct err *err);
/* SET statement_timeout, as a client would. */
MUST_CHECK bool sql_timeout_set(struct query_session *session, uint32_t timeout_ms, struct err *err);
/* A session of a part of the server's own, which only reads: who, as the log of statements names it (via of schemas/statements.json);
 * why, when what it runs would change something. Closed by query_session_close, after a failure too when it is set. */
MUST_CHECK bool sql_own_session(struct query_session **session, struct query_engine *engine, struct uuid project_id,
                                const char *project_name, const char *who, const char *read_only, uint32_t timeout_ms,
                                struct err *err);
/* api_fail for what a statement ran into: what it asks too much of is the asker's, so no 5xx of it. */
void sql_fail(struct api_call *call, const struct err *err);
/* What may be missing from the answer, and why, as a header of it: monoscope-warning. */
void sql_warnings_header(const struct sql_run *run);

/* Of what the answer was put together, in a word: "raw", "rollups", "rollups+raw". */
const char *sql_answered_from(const struct sql_run *run);

/* "timestamptz", "text[]". */
void sql_type_name(enum query_type type, char name[32]);
/* A value as JSON: numbers, true, false, null; jsonb as it is; times as RFC 3339; lists as arrays; all else as text. */
MUST_CHECK bool sql_put_json(struct buf *out, const struct query_chunk *chunk, uint32_t column, enum query_type type,
                             struct query_value value);
/* As a field of CSV (RFC 4180): NULL is empty, an empty text is "". */
MUST_CHECK bool sql_put_csv(struct buf *out, const struct query_chunk *chunk, uint32_t column, enum query_type type,
                            struct query_value value);
