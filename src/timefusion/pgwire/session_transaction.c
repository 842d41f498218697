/* BEGIN ... COMMIT: one snapshot for all statements between, savepoints, and the state that ReadyForQuery tells. */
#include "timefusion/pgwire/session_inside.h"
#include <stdio.h>
#include <stdlib.h>

#define SAVEPOINTS_MAX 1000u

static bool ends_failure(enum query_transaction step)
{
    return step == QUERY_TRANSACTION_END || step == QUERY_TRANSACTION_CHAIN || step == QUERY_TRANSACTION_ROLLBACK_TO;
}

bool transaction_allows(struct session *session, const struct query_statement *statement, struct err *err)
{
    if (session->transaction == 'T' && query_statement_is_final(statement))
        return err_set(
            err, ERR_UNSUPPORTED,
            "this cannot run inside a transaction block, for it is done at once and cannot be rolled back; send "
            "it without BEGIN (autocommit)");
    if (session->transaction != 'E' || ends_failure(query_statement_transaction(statement))) return true;
    err_set(err, ERR_INPUT, "current transaction is aborted, commands ignored until end of transaction block");
    return session_fail(session, "25P02");
}

static void savepoints_cut(struct session *session, uint32_t count)
{
    while (session->savepoint_count > count) free(session->savepoints[--session->savepoint_count]);
    query_session_savepoints_keep(session->query, count);
}

/* The newest of that name; savepoint_count when there is none. */
static uint32_t savepoint_find(const struct session *session, const char *name)
{
    for (uint32_t s = session->savepoint_count; s > 0; s--)
        if (strcmp(session->savepoints[s - 1], name) == 0) return s - 1;
    return session->savepoint_count;
}

static bool savepoint_add(struct session *session, const char *name, struct err *err)
{
    if (session->savepoint_count == SAVEPOINTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %u savepoints", SAVEPOINTS_MAX);
    session->savepoints =
        mem_realloc(session->savepoints, (session->savepoint_count + 1) * sizeof *session->savepoints);
    session->savepoints[session->savepoint_count++] = mem_strdup(name);
    query_session_savepoint(session->query);
    return true;
}

static bool savepoint_step(struct session *session, enum query_transaction step, const char *name, struct err *err)
{
    if (session->transaction == 'I') {
        err_set(err, ERR_INPUT, "savepoints can only be used in transaction blocks");
        return session_fail(session, "25P01");
    }
    if (step == QUERY_TRANSACTION_SAVEPOINT) return savepoint_add(session, name, err);
    uint32_t found = savepoint_find(session, name);
    if (found == session->savepoint_count) {
        err_set(err, ERR_NOT_FOUND, "savepoint \"%.60s\" does not exist", name);
        return session_fail(session, "3B001");
    }
    if (step == QUERY_TRANSACTION_RELEASE) {
        savepoints_cut(session, found);
        portals_lift(session, found);
        return true;
    }
    query_session_savepoint_back(session->query, found);
    savepoints_cut(session, found + 1);
    portals_forget_above(session, found);
    session->transaction = 'T';
    return true;
}

void transaction_end(struct session *session, const struct portal *but)
{
    if (session->transaction == 'I') return;
    portals_forget_but(session, but);
    savepoints_cut(session, 0);
    query_session_end(session->query);
    session->transaction = 'I';
}

static void transaction_begin(struct session *session)
{
    if (session->transaction == 'I') {
        query_session_begin(session->query);
        session->transaction = 'T';
    } else {
        session_send_notice_or_error(session, 'N', "WARNING", "25001",
                                     &(struct session_words){ .text = "there is already a transaction in progress" });
    }
}

/* What was written since BEGIN is kept. When it cannot be, the transaction is over and nothing of it is. */
static bool commit(struct session *session, const struct portal *portal, struct err *err)
{
    const char *notice;
    bool ok = query_session_commit(session->query, &notice, err);
    if (ok && notice)
        session_send_notice_or_error(session, 'N', "WARNING", "01000", &(struct session_words){ .text = notice });
    if (!ok) transaction_end(session, portal);
    return ok;
}

bool transaction_run(struct session *session, struct portal *portal, struct err *err)
{
    const struct query_statement *statement = portal->prepared->statement;
    enum query_transaction step = query_statement_transaction(statement);
    bool was_failed = session->transaction == 'E';
    char tag[64];
    query_statement_tag(statement, 0, tag);
    if (was_failed && strcmp(tag, "COMMIT") == 0) snprintf(tag, sizeof tag, "ROLLBACK");
    switch (step) {
    case QUERY_TRANSACTION_BEGIN: transaction_begin(session); break;
    case QUERY_TRANSACTION_END:
    case QUERY_TRANSACTION_CHAIN:
        if (session->transaction == 'I')
            session_send_notice_or_error(session, 'N', "WARNING", "25P01",
                                         &(struct session_words){ .text = "there is no transaction in progress" });
        if (session->transaction != 'I') {
            if (session->transaction == 'T' && strncmp(tag, "COMMIT", 6) == 0 && !commit(session, portal, err))
                return false;
            transaction_end(session, portal);
            if (step == QUERY_TRANSACTION_CHAIN) transaction_begin(session);
        }
        break;
    default:
        if (!savepoint_step(session, step, query_statement_savepoint(statement), err)) return false;
    }
    portal->is_done = true;
    session_send_complete(session, portal, tag);
    return true;
}
