/* Deliveries and their tries, for people. */
#include "channels/delivery.h"
#include "meta/db_rows.h"

static const char columns[] =
    "id, channel_id, incident, attempts, act, severity, state, title, why, remote, uncertain, "
    "created_unix_us, due_unix_us, ended_unix_us, digest_id";

static void take(struct arena *arena, struct db_row *row, struct delivery *delivery)
{
    int64_t state = db_row_integer(row, 6);
    *delivery = (struct delivery){
        .id = db_row_integer(row, 0),
        .channel_id = db_row_integer(row, 1),
        .incident = db_row_integer(row, 2),
        .attempts = db_row_integer(row, 3),
        .act = (uint32_t)db_row_integer(row, 4),
        .severity = (uint32_t)db_row_integer(row, 5),
        .state = (enum delivery_state)state,
        .title = db_text_keep(arena, row, 7),
        .why = db_text_keep(arena, row, 8),
        .remote = db_text_keep(arena, row, 9),
        .is_uncertain = db_row_boolean(row, 10),
        .created_unix_us = db_row_integer(row, 11),
        .due_unix_us = db_row_integer(row, 12),
        .ended_unix_us = db_row_integer(row, 13),
        .digest_id = db_row_integer(row, 14),
    };
    if (state < 0 || state >= DELIVERY_STATE_COUNT || delivery->act >= MESSAGE_ACT_COUNT ||
        delivery->severity >= MESSAGE_SEVERITY_COUNT)
        row->is_bad = true;
}

struct listing {
    struct arena *arena;
    bool (*each)(void *ctx, const struct delivery *delivery);
    void *ctx;
    bool is_done;
};
static bool list_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct delivery delivery;
    (void)err;
    if (listing->is_done) return true;
    take(listing->arena, row, &delivery);
    listing->is_done = !row->is_bad && !listing->each(listing->ctx, &delivery);
    return true;
}

bool delivery_list(struct db *db, struct arena *arena, struct uuid project_id, int64_t channel_id, int64_t before,
                   uint32_t limit, bool (*each)(void *ctx, const struct delivery *delivery), void *ctx, struct err *err)
{
    struct listing listing = { arena, each, ctx, false };
    const char *sql = arena_printf(arena,
                                   "SELECT %s FROM deliveries WHERE project_id = $1 AND channel_id = $2 AND ($3 = 0 OR "
                                   "id < $3) ORDER BY id DESC LIMIT $4",
                                   columns);
    return db_read(db, sql,
                   DB_VALUES(db_uuid(project_id), db_integer(channel_id), db_integer(before), db_integer(limit)),
                   list_row, &listing, err);
}

struct one {
    struct arena *arena;
    struct delivery *delivery;
    bool is_there;
};
static bool one_row(void *ctx, struct db_row *row, struct err *err)
{
    struct one *one = ctx;
    (void)err;
    take(one->arena, row, one->delivery);
    one->is_there = true;
    return true;
}

bool delivery_find(struct db *db, struct arena *arena, struct uuid project_id, int64_t id, struct delivery *delivery,
                   struct err *err)
{
    struct one one = { arena, delivery, false };
    const char *sql = arena_printf(arena, "SELECT %s FROM deliveries WHERE project_id = $1 AND id = $2", columns);
    return db_read(db, sql, DB_VALUES(db_uuid(project_id), db_integer(id)), one_row, &one, err) &&
           (one.is_there || err_set(err, ERR_NOT_FOUND, "the project has no such delivery"));
}

static bool attempt_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct delivery_attempt *attempt = db_rows_add(rows, sizeof *attempt);
    (void)err;
    *attempt = (struct delivery_attempt){ .number = db_row_integer(row, 0),
                                          .began_unix_us = db_row_integer(row, 1),
                                          .took_us = db_row_integer(row, 2),
                                          .status = db_row_integer(row, 3),
                                          .is_done = db_row_boolean(row, 4),
                                          .why = db_text_keep(rows->arena, row, 5) };
    return true;
}

bool delivery_attempts(struct db *db, struct arena *arena, int64_t id, struct delivery_attempt **attempts,
                       uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db,
                 "SELECT number, began_unix_us, took_us, status, is_done, why FROM delivery_attempts WHERE delivery_id "
                 "= $1 ORDER BY number DESC LIMIT 100",
                 DB_VALUES(db_integer(id)), attempt_row, &rows, err))
        return false;
    *attempts = rows.items;
    *count = rows.count;
    return true;
}

bool delivery_again(struct db_session *session, struct uuid project_id, int64_t id, int64_t now_unix_us,
                    struct err *err)
{
    int64_t changed = 0;
    return db_run(session,
                  "UPDATE deliveries SET state = 0, due_unix_us = $3, first_try_unix_us = 0, ended_unix_us = 0, why = "
                  "'' WHERE project_id = $1 AND id = $2 AND state = 2",
                  DB_VALUES(db_uuid(project_id), db_integer(id), db_integer(now_unix_us)), NULL, NULL, &changed, err) &&
           (changed == 1 || err_set(err, ERR_CONFLICT, "only a delivery that failed is tried again"));
}
