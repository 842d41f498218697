/* replay_segments.h -- batches that came since the last cut, as segments: one object a session and tab.
 *
 *   items --read, sorted by project, session, tab, recording, sequence--> runs --> lines of JSON, gzip --> object
 *                                                                          '--> replay_segment, replay_session
 *
 * A batch that is there twice is kept once. Thread: one owner. Memory: all batches' heads, one object's lines at a time.
 * Errors: those of the object store. */
#pragma once
#include "meta/replay.h"
#include "meta/replay_kept_out.h"
#include "worker/replay/replay_delta.h"

#define REPLAY_SEGMENT_SUFFIX ".ndjson.gz"

struct object_store;
/* Where the segments of a session are: "replay/PROJECT/SESSION/"; in the arena. */
const char *replay_prefix(struct arena *arena, struct uuid project_id, struct bytes session);
/* The key of a segment below it. */
const char *replay_key(struct arena *arena, struct uuid project_id, struct bytes session, struct bytes name);

/* Its objects, its rows, and objects that came between. is_asked: somebody asked for it, so what still comes of it is kept out. */
MUST_CHECK bool replay_session_delete(struct object_store *objects, struct db *db, struct uuid project_id,
                                      struct bytes session, bool is_asked, struct err *err);

/* Writes the objects but for sessions that are kept out, then fills changes->sessions and ->segments; both live in the arena. */
MUST_CHECK bool replay_segments_write(struct object_store *objects, const struct replay_delta *delta,
                                      const struct replay_names *kept_out, struct arena *arena,
                                      struct replay_changes *changes, struct err *err);
/* The same of batches of one session and tab alone, as one object TAB-SUFFIX. twice: gets the counts of what was there twice.
 * ERR_CORRUPT, and nothing is written: they do not have so many events. */
MUST_CHECK bool replay_segment_join(struct object_store *objects, const struct replay_delta *delta, int64_t events,
                                    const char *suffix, struct arena *arena, struct replay_segment *segment,
                                    struct replay_session *twice, struct err *err);
