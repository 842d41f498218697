/* tap_position.h -- how far a tap (worker/tap.h) has come with a partition: moves in the transaction that stores what the tap
 * saw, so that after any replay everything counts once.
 *
 *   tap_position_take   whoever opens the partition becomes its owner, and is told where it stands
 *   tap_position_move   first statement of a store: from where the changes begin to where they end, or ERR_CONFLICT
 *
 * Thread: any. Errors: as db.h has them. Table: migrations/0010_rollups.sql. */
#pragma once
#include "meta/db.h"

/* *position: up to there it is stored, 0: nothing is; what the owner before has under way is in it, or comes too late. */
MUST_CHECK bool tap_position_take(struct db *db, const char *tap, const char *app_id, struct uuid owner,
                                  int64_t now_unix_us, uint64_t *position, struct err *err);

struct tap_move {
    const char *tap, *app_id;
    struct uuid owner; /* of tap_position_take */
    uint64_t before, position;
};
/* *is_done: these changes are stored already, for an answer to the commit was lost. ERR_CONFLICT: another process has stored
 * what these changes hold, or owns the partition. */
MUST_CHECK bool tap_position_move(struct db_session *session, const struct tap_move *move, int64_t now_unix_us,
                                  bool *is_done, struct err *err);
