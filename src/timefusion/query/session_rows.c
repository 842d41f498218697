/* What a session has written and not yet kept: of one statement, or of the transaction it is in. */
#include "base/clock.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/gate_defect.h"
#include "timefusion/query/insert.h"
#include <stdlib.h>

#define SHOW_SLICE_MS 200
#define SHOW_MS_MAX   30000

static void charge(struct query_session *session, uint64_t bytes)
{
    atomic_fetch_add(&session->engine->written_bytes, bytes - session->rows.charged); /* wraps to less */
    session->rows.charged = bytes;
}

struct session_rows_mark session_rows_mark(struct query_session *session)
{
    struct session_rows *rows = &session->rows;
    if (!rows->is_begun) batch_init(&rows->batch, BATCH_BYTES_MAX);
    rows->is_begun = true;
    return (struct session_rows_mark){ .batch = batch_mark(&rows->batch), .spans = rows->spans };
}

void session_rows_back(struct query_session *session, const struct session_rows_mark *mark)
{
    if (!session->rows.is_begun) return; /* they could not be kept, and are gone */
    batch_cut(&session->rows.batch, &mark->batch);
    session_drafts_cut(session, mark->batch.len);
    session->rows.spans = mark->spans;
    if (mark->batch.len == 0) session_rows_drop(session);
}

void session_rows_drop(struct query_session *session)
{
    session_drafts_cut(session, 0);
    if (!session->rows.is_begun) return;
    batch_deinit(&session->rows.batch);
    charge(session, 0);
    session->rows = (struct session_rows){ 0 };
}

void query_session_savepoint(struct query_session *session)
{
    session->savepoints =
        mem_realloc(session->savepoints, (session->savepoint_count + 1) * sizeof *session->savepoints);
    session->savepoints[session->savepoint_count++] =
        (struct session_savepoint){ session_rows_mark(session), temporaries_copy(&session->temporaries) };
}

void query_session_savepoints_keep(struct query_session *session, uint32_t count)
{
    while (session->savepoint_count > count)
        temporaries_drop(session, &session->savepoints[--session->savepoint_count].temporaries);
}

void query_session_savepoint_back(struct query_session *session, uint32_t savepoint)
{
    assert(savepoint < session->savepoint_count);
    session_rows_back(session, &session->savepoints[savepoint].rows);
    temporaries_put(session, &session->temporaries, &session->savepoints[savepoint].temporaries);
    query_session_savepoints_keep(session, savepoint + 1);
}

bool session_rows_weigh(struct query_session *session, struct err *err)
{
    uint64_t max = session->engine->options.write_bytes_max;
    charge(session, session->rows.batch.bytes.cap);
    if (max == 0 || atomic_load(&session->engine->written_bytes) <= max) return true;
    return err_set(err, ERR_MEMORY,
                   "all sessions together hold too many rows that are being written; write fewer at once, or later");
}

/* The rows survive; they are seen a moment later by others, and by who has written them with the answer. */
static bool rows_show(struct query_session *session, struct err *err)
{
    const struct query_hooks *hooks = &session->engine->options.hooks;
    uint64_t ticket = 0, begin_ns = clock_mono_ns();
    while (hooks->show && !hooks->show(hooks->ctx, session->project_id, &ticket, SHOW_SLICE_MS, err)) {
        if (err->code != ERR_TIMEOUT) return false;
        *err = (struct err){ .code = ERR_OK };
        if (session_is_stopped(session, err) || clock_mono_ns() - begin_ns > SHOW_MS_MAX * UINT64_C(1000000))
            return false;
    }
    return true;
}

bool session_rows_piece(struct query_session *session, struct err *err)
{
    const struct query_hooks *hooks = &session->engine->options.hooks;
    struct session_rows *rows = &session->rows;
    struct query_rows kept = { .project_id = GATE_WRITTEN(session->project_id),
                               .key_id = session->key_id,
                               .batch = buf_bytes(&rows->batch.bytes),
                               .logs = rows->batch.rows[SCHEMA_LOGS_AND_SPANS] - rows->spans,
                               .spans = rows->spans,
                               .points = rows->batch.rows[SCHEMA_METRICS] };
    rows->batch.bytes = (struct buf){ 0 }; /* the hook's */
    bool ok = hooks->keep(hooks->ctx, &kept, err);
    session_rows_drop(session);
    return ok;
}

static bool rows_keep(struct query_session *session, const char **notice, struct err *err)
{
    struct err show_err = { 0 };
    if (!session_rows_piece(session, err)) return false;
    /* They are kept: an error now would have them written twice. */
    if (!rows_show(session, &show_err))
        *notice = "the rows are kept, and are not to be seen yet: what makes them visible is behind";
    return true;
}

bool session_rows_end(struct query_session *session, const char **notice, struct err *err)
{
    const struct query_hooks *hooks = &session->engine->options.hooks;
    if (!hooks->keep) return err_set(err, ERR_UNSUPPORTED, "this process takes no rows in; ask one that does");
    if (session->in_transaction) {
        session_drafts_show(session);
        return true;
    }
    if (batch_row_count(&session->rows.batch) == 0) {
        session_rows_drop(session);
        return true;
    }
    return !session_is_stopped(session, err) && rows_keep(session, notice, err);
}

bool query_session_commit(struct query_session *session, const char **notice, struct err *err)
{
    *notice = NULL;
    assert(session->in_transaction);
    if (session->rows.is_begun && batch_row_count(&session->rows.batch) > 0 && !rows_keep(session, notice, err))
        return false;
    session_rows_drop(session);
    query_session_savepoints_keep(session, 0);
    temporaries_put(session, &session->temporaries_before, &session->temporaries);
    return true;
}
