#include "meta/tap_position.h"

#include <inttypes.h>

struct place {
    uint64_t position;
    char owner[UUID_TEXT_BYTES + 1];
};
static bool place_row(void *ctx, struct db_row *row, struct err *err)
{
    struct place *place = ctx;
    (void)err;
    place->position = (uint64_t)db_row_integer(row, 0);
    db_row_text_copy(row, 1, place->owner, sizeof place->owner);
    return true;
}

struct take_work {
    const char *tap, *app_id;
    char owner[UUID_TEXT_BYTES + 1];
    int64_t now_unix_us;
    struct place place;
};
static bool take_run(struct db_session *session, void *ctx, struct err *err)
{
    struct take_work *work = ctx;
    return db_run(
        session,
        "INSERT INTO tap_positions AS t(tap, app_id, position, stored_unix_us, owner) VALUES ($1, $2, 0, $3, $4) "
        "ON CONFLICT (tap, app_id) DO UPDATE SET owner = excluded.owner RETURNING position, owner",
        DB_VALUES(db_text(work->tap), db_text(work->app_id), db_integer(work->now_unix_us), db_text(work->owner)),
        place_row, &work->place, NULL, err);
}

bool tap_position_take(struct db *db, const char *tap, const char *app_id, struct uuid owner, int64_t now_unix_us,
                       uint64_t *position, struct err *err)
{
    struct take_work work = { .tap = tap, .app_id = app_id, .now_unix_us = now_unix_us };
    uuid_to_text(owner, work.owner);
    if (!db_transaction_adding(db, take_run, &work, err)) return false;
    *position = work.place.position;
    return true;
}

bool tap_position_move(struct db_session *session, const struct tap_move *move, int64_t now_unix_us, bool *is_done,
                       struct err *err)
{
    int64_t changed;
    char owner[UUID_TEXT_BYTES + 1];
    struct place found = { 0 };
    struct db_value tap = db_text(move->tap), app_id = db_text(move->app_id),
                    position = db_integer((int64_t)move->position), now = db_integer(now_unix_us);
    *is_done = false;
    uuid_to_text(move->owner, owner);
    if (!db_run(session,
                "UPDATE tap_positions SET position = $3, stored_unix_us = $4 "
                "WHERE tap = $1 AND app_id = $2 AND position = $5 AND owner = $6",
                DB_VALUES(tap, app_id, position, now, db_integer((int64_t)move->before), db_text(owner)), NULL, NULL,
                &changed, err))
        return false;
    if (changed == 1) return true;
    if (!db_run(session, "SELECT position, owner FROM tap_positions WHERE tap = $1 AND app_id = $2",
                DB_VALUES(tap, app_id), place_row, &found, NULL, err))
        return false;
    *is_done = found.position == move->position && strcmp(found.owner, owner) == 0;
    if (*is_done) return true;
    return err_set(err, ERR_CONFLICT,
                   "%s of \"%s\" stand at %" PRIu64 ", not %" PRIu64
                   ", or are not ours: another process owns the partition",
                   move->tap, move->app_id, found.position, move->before);
}
