/* replay_backend.h -- what the backend did for recorded sessions: which are to be looked at, and what was found.
 *
 *   replay_backend_due --sessions of a project--> web/api/replay_backend.h asks for their spans --replay_backend_store--> rows
 *
 * A session is looked at every every_us while data of it comes, and once more settle_us after the last: spans of servers may come
 * later than the page's own batches. Several processes may look at one at once: they find the same, and the last stays.
 * Of sessions that were heard of more than a day ago nothing is due: what was found stays.
 * Table: migrations/0092_replay_backends.sql. Times: unix microseconds of our own clock. Thread: any. Memory: the caller's arena.
 * Errors: as db.h has them. */
#pragma once
#include "meta/replay.h"

struct replay_backend_due {
    struct uuid project_id;
    struct bytes session_id, service;    /* the page's */
    struct bytes traces;                 /* ids that the page named, a blank behind each */
    int64_t first_unix_us, last_unix_us; /* by the page's clock */
};
struct replay_backend_options {
    int64_t now_unix_us, every_us, settle_us;
    uint32_t limit;
};
/* Those of a project stand together. */
MUST_CHECK bool replay_backend_due(struct db *db, const struct replay_backend_options *options, struct arena *arena,
                                   struct replay_backend_due **due, uint32_t *count, struct err *err);
/* found: of each of due what it is now. Sessions that have been deleted meanwhile are left out. */
MUST_CHECK bool replay_backend_store(struct db *db, const struct replay_backend_due *due,
                                     const struct replay_backend *found, uint32_t count, struct err *err);
