#include "meta/replay_kept_out.h"

#include <stdlib.h>

#include "meta/db_rows.h"

bool replay_keep_out(struct db_session *session, struct uuid project_id, struct bytes id, int64_t now_unix_us,
                     struct err *err)
{
    return db_run(session,
                  "INSERT INTO replay_kept_out(project_id, session_id, at_unix_us) VALUES ($1, $2, $3) "
                  "ON CONFLICT (project_id, session_id) DO UPDATE SET at_unix_us = excluded.at_unix_us",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(id), db_integer(now_unix_us)), NULL, NULL, NULL, err);
}

static bool name_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct replay_name *name = db_rows_add(rows, sizeof *name);
    (void)err;
    name->project_id = db_row_uuid(row, 0);
    name->session = db_text_keep(rows->arena, row, 1);
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct replay_name *a = left, *b = right;
    int order = memcmp(a->project_id.bytes, b->project_id.bytes, sizeof a->project_id.bytes);
    return order != 0 ? order : bytes_compare(a->session, b->session);
}

bool replay_kept_out(struct db *db, struct arena *arena, struct replay_names *names, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db, "SELECT project_id, session_id FROM replay_kept_out", NULL, 0, name_row, &rows, err)) return false;
    if (rows.count > 1) qsort(rows.items, rows.count, sizeof(struct replay_name), by_name);
    *names = (struct replay_names){ rows.items, rows.count };
    return true;
}

bool replay_is_kept_out(const struct replay_names *names, struct uuid project_id, struct bytes session)
{
    struct replay_name wanted = { project_id, session };
    return names->count > 0 && bsearch(&wanted, names->items, names->count, sizeof *names->items, by_name) != NULL;
}

static bool returned_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct replay_session *session = db_rows_add(rows, sizeof *session);
    (void)err;
    session->project_id = db_row_uuid(row, 0);
    session->id = db_text_keep(rows->arena, row, 1);
    return true;
}

bool replay_returned(struct db *db, uint32_t limit, struct arena *arena, struct replay_session **sessions,
                     uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db,
                 "SELECT k.project_id, k.session_id FROM replay_kept_out k JOIN replay_sessions s ON s.project_id = "
                 "k.project_id AND s.session_id = k.session_id LIMIT $1",
                 DB_VALUES(db_integer(limit)), returned_row, &rows, err))
        return false;
    *sessions = rows.items;
    *count = rows.count;
    return true;
}

static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    const int64_t *before = ctx;
    return db_run(session, "DELETE FROM replay_kept_out WHERE at_unix_us < $1", DB_VALUES(db_integer(*before)), NULL,
                  NULL, NULL, err);
}

bool replay_kept_out_expire(struct db *db, int64_t now_unix_us, struct err *err)
{
    int64_t before = now_unix_us - REPLAY_KEPT_OUT_US;
    return db_transaction(db, expire_run, &before, err);
}
