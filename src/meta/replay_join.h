/* replay_join.h -- whose turn it is to join segments of a session, and what became of it.
 *
 *   replay_join_due --> sessions --replay_join_take--> lease --objects written--> replay_join_commit ... --replay_join_end--> free
 *
 * A session is due when enough came since it was joined last, or when nothing came for idle_us: then replay_join_end marks it as
 * complete, unless data came meanwhile. A session is swept some time after segments were replaced in it: the objects that have
 * no row any more go (worker/replay/replay_join.h).
 * Fencing: commit and end fail with ERR_CONFLICT for an owner whose lease another one has taken, commit also when a segment that is to
 * be replaced is gone. Table: migrations/0082_replay_joins.sql. Times: unix microseconds of our own clock.
 * Thread: any. Memory: the caller's arena. Errors: those, and as db.h has them. */
#pragma once
#include "meta/replay.h"

#define REPLAY_LEASE_US (INT64_C(30) * 1000000) /* renewed by each commit */

struct replay_due {
    struct uuid project_id;
    struct bytes session_id;
    int64_t heard_unix_us, loose_count, loose_bytes;
    bool is_idle, wants_sweep;
};
struct replay_due_options {
    int64_t now_unix_us, idle_us, loose_count_min, loose_bytes_min;
    uint32_t limit;
};
MUST_CHECK bool replay_join_due(struct db *db, const struct replay_due_options *options, struct arena *arena,
                                struct replay_due **due, uint32_t *count, struct err *err);
struct replay_lease {
    struct uuid project_id;
    struct bytes session_id, owner; /* owner: a name that nobody else has */
};
MUST_CHECK bool replay_join_take(struct db *db, const struct replay_lease *lease, int64_t now_unix_us, bool *got,
                                 struct err *err);
struct replay_join {
    const struct bytes *replaced; /* names of segments */
    size_t replaced_count;
    int64_t replaced_bytes;
    const struct replay_segment *segment; /* instead of them */
    const struct replay_session *twice;   /* counts that were told twice */
    int64_t sweep_unix_us;
};
MUST_CHECK bool replay_join_commit(struct db *db, const struct replay_lease *lease, const struct replay_join *join,
                                   int64_t now_unix_us, struct err *err);
/* due: what was joined of; sweep_unix_us: when to look for objects without a row at the latest; 0: as it is; is_swept: they have
 * been looked for, so at that time again or never. */
struct replay_join_end {
    const struct replay_due *due;
    bool is_complete, is_swept;
    int64_t sweep_unix_us;
};
MUST_CHECK bool replay_join_end(struct db *db, const struct replay_lease *lease, const struct replay_join_end *end,
                                struct err *err);
/* Another may have it at once: what was begun is not ended. */
MUST_CHECK bool replay_join_release(struct db *db, const struct replay_lease *lease, struct err *err);
