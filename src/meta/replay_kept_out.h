/* replay_kept_out.h -- sessions that somebody asked to delete: what still comes of them is not kept.
 *
 *   DELETE --replay_keep_out, replay_forget--> a name instead of the rows
 *   worker/replay --replay_kept_out--> names --replay_is_kept_out--> batches of other sessions are stored
 *   a batch that was being stored meanwhile brings a session back: replay_returned, deleted once more
 *
 * A page that goes on sends its batches in vain until its session ends. Names go after REPLAY_KEPT_OUT_US, later than the last of what was
 * acknowledged before is stored. Table: migrations/0102. Thread: any. Memory: the arena's. Errors: as db.h has them. */
#pragma once
#include "meta/replay.h"

#define REPLAY_KEPT_OUT_US INT64_C(691200000000) /* eight days: a topic of Kafka's keeps seven */

struct replay_names {
    struct replay_name {
        struct uuid project_id;
        struct bytes session;
    } * items; /* in order */
    uint32_t count;
};
MUST_CHECK bool replay_keep_out(struct db_session *session, struct uuid project_id, struct bytes id,
                                int64_t now_unix_us, struct err *err);
/* Of all projects. */
MUST_CHECK bool replay_kept_out(struct db *db, struct arena *arena, struct replay_names *names, struct err *err);
bool replay_is_kept_out(const struct replay_names *names, struct uuid project_id, struct bytes session);
/* Sessions that are there all the same, at most limit. */
MUST_CHECK bool replay_returned(struct db *db, uint32_t limit, struct arena *arena, struct replay_session **sessions,
                                uint32_t *count, struct err *err);
MUST_CHECK bool replay_kept_out_expire(struct db *db, int64_t now_unix_us, struct err *err);
