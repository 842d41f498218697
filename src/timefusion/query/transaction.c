/* Transactions: one snapshot of every table and one now() from BEGIN to COMMIT or ROLLBACK; and the times that a session and its
 * statements may take. */
#include "base/clock.h"
#include "timefusion/query/cursor.h"
#include "timefusion/query/duckdb_fs.h"

#define MS_NS 1000000u

void query_session_begin(struct query_session *session)
{
    assert(!session->in_transaction);
    int64_t timeout_ms = session_timeout_ms(session, SETTING_TRANSACTION_TIMEOUT);
    session->in_transaction = true;
    session->temporaries_before = temporaries_copy(&session->temporaries);
    session->transaction_unix_us = clock_unix_us();
    session->transaction_end_mono_ns = timeout_ms > 0 ? clock_mono_ns() + (uint64_t)timeout_ms * MS_NS : 0;
}

void query_session_end(struct query_session *session)
{
    assert(session->open_cursors == 0); /* they may read the snapshots' files */
    session_rows_drop(session);
    query_session_savepoints_keep(session, 0);
    temporaries_put(session, &session->temporaries, &session->temporaries_before);
    temporaries_drop(session, &session->temporaries_before);
    if (session->temporaries.count > 0) temporary_commit(session);
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        if (session->pinned[id].snapshot) duckdb_fs_drop(session->engine->fs, session->pinned[id].id);
    memset(session->pinned, 0, sizeof session->pinned);
    session->in_transaction = false;
    session->transaction_end_mono_ns = 0;
}

/* All tables at once: what came between two statements is in none of them. */
bool transaction_hold(struct query_session *session, enum schema_table_id table, struct held *held, struct err *err)
{
    assert(session->in_transaction);
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        if (!session->pinned[id].snapshot &&
            !snapshot_take(session, (enum schema_table_id)id, &session->pinned[id], err))
            return false;
    struct timefusion_snapshot *with_own;
    if (!session_drafts_snapshot(session, table, session->pinned[table].snapshot, &with_own, err)) return false;
    if (with_own) {
        snapshot_show(session, with_own, held);
        return true;
    }
    *held = session->pinned[table];
    held->is_pinned = true;
    return true;
}

void session_clock_begin(struct query_session *session)
{
    int64_t timeout_ms = session_timeout_ms(session, SETTING_STATEMENT_TIMEOUT);
    uint64_t deadline_ns = timeout_ms > 0 ? clock_mono_ns() + (uint64_t)timeout_ms * MS_NS : 0;
    if (session->transaction_end_mono_ns != 0 && (deadline_ns == 0 || session->transaction_end_mono_ns < deadline_ns))
        deadline_ns = session->transaction_end_mono_ns;
    pthread_mutex_lock(&session->lock);
    session->is_cancelled = session->is_over_time = false;
    atomic_store(&session->stops, false);
    session->deadline_mono_ns = deadline_ns;
    session->limit_seconds = 0;
    pthread_mutex_unlock(&session->lock);
}

void session_time_limit(struct query_session *session, uint64_t seconds)
{
    uint64_t deadline_ns = clock_mono_ns() + seconds * 1000 * MS_NS;
    pthread_mutex_lock(&session->lock);
    if (session->deadline_mono_ns == 0 || deadline_ns < session->deadline_mono_ns) {
        session->deadline_mono_ns = deadline_ns;
        session->limit_seconds = seconds;
    }
    pthread_mutex_unlock(&session->lock);
}

void query_session_resume(struct query_session *session)
{
    session_clock_begin(session);
}

bool query_session_is_over(const struct query_session *session)
{
    return session->transaction_end_mono_ns != 0 && clock_mono_ns() >= session->transaction_end_mono_ns;
}

int64_t query_session_idle_ms(const struct query_session *session, bool *is_over)
{
    int64_t idle_ms = session_timeout_ms(session, session->in_transaction ? SETTING_IDLE_IN_TRANSACTION_TIMEOUT
                                                                          : SETTING_IDLE_SESSION_TIMEOUT);
    *is_over = false;
    if (session->transaction_end_mono_ns == 0) return idle_ms;
    uint64_t now_ns = clock_mono_ns();
    int64_t left_ms = now_ns >= session->transaction_end_mono_ns
                          ? 1
                          : (int64_t)((session->transaction_end_mono_ns - now_ns) / MS_NS) + 1;
    *is_over = idle_ms == 0 || left_ms < idle_ms;
    return *is_over ? left_ms : idle_ms;
}

const char *query_session_setting(const struct query_session *session, const char *name)
{
    int setting = setting_by_name(name);
    if (setting < 0) return NULL;
    return session->settings[setting] ? session->settings[setting]
                                      : setting_definition((uint32_t)setting)->default_value;
}
