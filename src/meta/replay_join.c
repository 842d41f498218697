#include "meta/replay_join.h"

#include <inttypes.h>

#include "meta/db_rows.h"

#define OF_SESSION "project_id = $1 AND session_id = $2"

static bool due_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct replay_due *due = db_rows_add(rows, sizeof *due);
    (void)err;
    due->project_id = db_row_uuid(row, 0);
    due->session_id = db_text_keep(rows->arena, row, 1);
    due->heard_unix_us = db_row_integer(row, 2);
    due->loose_count = db_row_integer(row, 3);
    due->loose_bytes = db_row_integer(row, 4);
    due->is_idle = db_row_integer(row, 5) != 0;
    due->wants_sweep = db_row_integer(row, 6) != 0;
    return true;
}

#define DUE_COLUMNS "project_id, session_id, heard_unix_us, loose_count, loose_bytes"
bool replay_join_due(struct db *db, const struct replay_due_options *options, struct arena *arena,
                     struct replay_due **due, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db,
                 "SELECT " DUE_COLUMNS ", CASE WHEN heard_unix_us < $2 THEN 1 ELSE 0 END, 0 FROM replay_sessions WHERE "
                 "is_complete = 0 AND owned_until_unix_us < $1 AND (heard_unix_us < $2 OR loose_count >= $3 OR "
                 "loose_bytes >= $4) ORDER BY heard_unix_us LIMIT $5",
                 DB_VALUES(db_integer(options->now_unix_us), db_integer(options->now_unix_us - options->idle_us),
                           db_integer(options->loose_count_min), db_integer(options->loose_bytes_min),
                           db_integer(options->limit)),
                 due_row, &rows, err) ||
        !db_read(db,
                 "SELECT " DUE_COLUMNS
                 ", 0, 1 FROM replay_sessions WHERE sweep_unix_us > 0 AND sweep_unix_us <= $1 AND "
                 "owned_until_unix_us < $1 ORDER BY sweep_unix_us LIMIT $2",
                 DB_VALUES(db_integer(options->now_unix_us), db_integer(options->limit)), due_row, &rows, err))
        return false;
    *due = rows.items;
    *count = rows.count;
    return true;
}

/* ---- the lease ---- */

struct leasing {
    const struct replay_lease *lease;
    int64_t now_unix_us;
    bool got;
};
static bool take_run(struct db_session *session, void *ctx, struct err *err)
{
    struct leasing *leasing = ctx;
    const struct replay_lease *lease = leasing->lease;
    int64_t changed = 0;
    if (!db_run(session,
                "UPDATE replay_sessions SET owner = $3, owned_until_unix_us = $4 WHERE " OF_SESSION
                " AND owned_until_unix_us < $5",
                DB_VALUES(db_uuid(lease->project_id), db_text_bytes(lease->session_id), db_text_bytes(lease->owner),
                          db_integer(leasing->now_unix_us + REPLAY_LEASE_US), db_integer(leasing->now_unix_us)),
                NULL, NULL, &changed, err))
        return false;
    leasing->got = changed == 1;
    return true;
}

bool replay_join_take(struct db *db, const struct replay_lease *lease, int64_t now_unix_us, bool *got, struct err *err)
{
    struct leasing leasing = { .lease = lease, .now_unix_us = now_unix_us };
    bool ok = db_transaction(db, take_run, &leasing, err);
    *got = ok && leasing.got;
    return ok;
}

static bool release_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct replay_lease *lease = ctx;
    return db_run(session,
                  "UPDATE replay_sessions SET owner = '', owned_until_unix_us = 0 WHERE " OF_SESSION " AND owner = $3",
                  DB_VALUES(db_uuid(lease->project_id), db_text_bytes(lease->session_id), db_text_bytes(lease->owner)),
                  NULL, NULL, NULL, err);
}

bool replay_join_release(struct db *db, const struct replay_lease *lease, struct err *err)
{
    struct replay_lease copy = *lease;
    return db_transaction(db, release_run, &copy, err);
}

static bool lost_set(struct err *err)
{
    return err_set(err, ERR_CONFLICT, "another process has this session's segments now");
}

/* ---- one object instead of several ---- */

struct committing {
    const struct replay_lease *lease;
    const struct replay_join *join;
    int64_t now_unix_us;
};

static bool segments_replace(struct db_session *session, const struct committing *work, struct err *err)
{
    const struct replay_join *join = work->join;
    const struct replay_segment *segment = join->segment;
    struct db_value project = db_uuid(work->lease->project_id), id = db_text_bytes(work->lease->session_id);
    for (size_t n = 0; n < join->replaced_count; n++) {
        int64_t gone = 0;
        if (!db_run(session, "DELETE FROM replay_segments WHERE " OF_SESSION " AND name = $3",
                    DB_VALUES(project, id, db_text_bytes(join->replaced[n])), NULL, NULL, &gone, err))
            return false;
        if (gone != 1) return lost_set(err);
    }
    return db_run(
        session,
        "INSERT INTO replay_segments(project_id, session_id, name, tab_id, first_unix_us, last_unix_us, ranges, "
        "event_count, byte_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        DB_VALUES(project, id, db_text_bytes(segment->name), db_text_bytes(segment->tab_id),
                  db_integer(segment->first_unix_us), db_integer(segment->last_unix_us), db_text_bytes(segment->ranges),
                  db_integer(segment->event_count), db_integer(segment->byte_count)),
        NULL, NULL, NULL, err);
}

/* The session's row first: as the tap does, so that two never wait for each other. */
static bool commit_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct committing *work = ctx;
    const struct replay_join *join = work->join;
    const struct replay_session *twice = join->twice;
    int64_t changed = 0;
    if (!db_run(session,
                "UPDATE replay_sessions SET owned_until_unix_us = $4, byte_count = byte_count + $5, "
                "event_count = event_count - $6, page_count = page_count - $7, click_count = click_count - $8, "
                "rage_click_count = rage_click_count - $9, error_count = error_count - $10, "
                "failed_request_count = failed_request_count - $11, "
                "sweep_unix_us = CASE WHEN sweep_unix_us = 0 THEN $12 ELSE sweep_unix_us END "
                "WHERE " OF_SESSION " AND owner = $3",
                DB_VALUES(db_uuid(work->lease->project_id), db_text_bytes(work->lease->session_id),
                          db_text_bytes(work->lease->owner), db_integer(work->now_unix_us + REPLAY_LEASE_US),
                          db_integer(join->segment->byte_count - join->replaced_bytes), db_integer(twice->event_count),
                          db_integer(twice->page_count), db_integer(twice->click_count),
                          db_integer(twice->rage_click_count), db_integer(twice->error_count),
                          db_integer(twice->failed_request_count), db_integer(join->sweep_unix_us)),
                NULL, NULL, &changed, err))
        return false;
    return changed == 1 ? segments_replace(session, work, err) : lost_set(err);
}

bool replay_join_commit(struct db *db, const struct replay_lease *lease, const struct replay_join *join,
                        int64_t now_unix_us, struct err *err)
{
    struct committing work = { lease, join, now_unix_us };
    return db_transaction(db, commit_run, &work, err);
}

/* ---- the end of a turn ---- */

struct ending {
    const struct replay_lease *lease;
    const struct replay_join_end *end;
};
static bool end_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct ending *work = ctx;
    const struct replay_join_end *end = work->end;
    const struct replay_due *due = end->due;
    int64_t changed = 0;
    if (!db_run(session,
                "UPDATE replay_sessions SET owner = '', owned_until_unix_us = 0, loose_count = loose_count - $4, "
                "loose_bytes = loose_bytes - $5, "
                "is_complete = CASE WHEN $6 = 1 AND heard_unix_us = $7 THEN 1 ELSE is_complete END, "
                "sweep_unix_us = CASE WHEN $8 = 1 OR sweep_unix_us = 0 THEN $9 ELSE sweep_unix_us END "
                "WHERE " OF_SESSION " AND owner = $3",
                DB_VALUES(db_uuid(work->lease->project_id), db_text_bytes(work->lease->session_id),
                          db_text_bytes(work->lease->owner), db_integer(end->is_swept ? 0 : due->loose_count),
                          db_integer(end->is_swept ? 0 : due->loose_bytes), db_integer(end->is_complete),
                          db_integer(due->heard_unix_us), db_integer(end->is_swept), db_integer(end->sweep_unix_us)),
                NULL, NULL, &changed, err))
        return false;
    return changed == 1 || lost_set(err);
}

bool replay_join_end(struct db *db, const struct replay_lease *lease, const struct replay_join_end *end,
                     struct err *err)
{
    struct ending work = { lease, end };
    return db_transaction(db, end_run, &work, err);
}
