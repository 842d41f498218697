/* activity.h -- what the sessions of a project do now: pg_stat_activity, pg_cancel_backend(), pg_terminate_backend().
 *
 *   statement begins, waits, ends --> struct activity (under the session's lock) --activity_take--> rows of the view
 *   SQL: mono_backend_signal(own pid, pid, ends it?) --> another session of the same project
 *
 * Thread: any. Memory: 1 KiB of text a session, as PostgreSQL has it. A session sees those of its own project alone. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct query_cursor;
struct query_engine;
struct query_session;

#define ACTIVITY_QUERY_BYTES 1024

struct activity {
    char query[ACTIVITY_QUERY_BYTES], application[64]; /* of the statement that runs, or ran last */
    bool is_active, in_transaction;
    const char *wait; /* what it waits for; NULL: it does not */
    int64_t opened_unix_us, transaction_unix_us, begun_unix_us, changed_unix_us;
};

/* A pid that no session has. */
uint32_t activity_pid(struct query_engine *engine);
void activity_begin(struct query_session *session, struct bytes sql);
void activity_wait(struct query_session *session, const char *wait);
void activity_end(struct query_session *session);
/* To query_hooks.ran: a cursor that is being closed; a statement that is no plan. */
void activity_ran(const struct query_cursor *cursor, uint64_t bytes);
void activity_refused(const struct query_session *session, struct bytes sql, uint64_t begun_mono_ns,
                      const struct err *err);
/* The view's rows, for mark C1. */
MUST_CHECK bool activity_take(struct query_cursor *cursor, struct err *err);
MUST_CHECK bool activity_register(struct query_engine *engine, struct err *err);
