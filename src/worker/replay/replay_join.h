/* replay_join.h -- small segments of sessions become few, sessions that are over are marked so, objects without a row go.
 *
 *   [thread, each round] replay_join_due --> a session, leased --> its loose segments, tab by tab, about REPLAY_JOINED_BYTES at once
 *       --read, sorted, batches that are there twice left out--> one object --replay_join_commit--> one row instead of theirs
 *   the objects of old stay for who still reads them, and go in a sweep, two idle times later
 *
 * A kill at any step loses nothing: an object is there before its row is, a row goes in the transaction that brings its successor, and
 * what has no row is swept. A segment whose object is missing or damaged is told in the log and stays as it is.
 * Several processes share the sessions by leases. One session at a time: memory is that of one joined object.
 * Thread: one of its own. Errors: logged, counted; tried again in a later round.
 * Fail points: replays.join_before_put, .join_before_commit, .join_after_commit, .join_before_end, .join_before_sweep. */
#pragma once
#include "base/log.h"
#include "meta/replay_join.h"

#define REPLAY_JOINED_BYTES (UINT64_C(1) << 20)

struct object_store;
struct replay_joiner;
struct replay_joiner_options {
    struct db *db;
    struct object_store *objects;
    int64_t idle_us; /* without data for so long: the session is complete */
    const struct log *log;
};
MUST_CHECK bool replay_joiner_start(struct replay_joiner **joiner, const struct replay_joiner_options *options,
                                    struct err *err);
void replay_joiner_stop(struct replay_joiner *joiner); /* waits for the object that is being written; NULL is fine */
struct replay_joiner_stats {
    uint64_t objects_read, objects_written, completed, swept, failures;
};
void replay_joiner_stats(struct replay_joiner *joiner, struct replay_joiner_stats *stats);
