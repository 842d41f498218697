/* replay.h -- which sessions were recorded, and where their segments are: stored by the worker's tap, asked by the API.
 *
 *   worker/replay --objects first, then replay_store(changes, position)--> sessions, segments --replay_list, replay_read--> answers
 *   DELETE, retention --objects deleted--> replay_forget
 *
 * Exactly once as roll-ups are (tap_position.h). What is stored does not depend on the order it comes in, but for texts that
 * change within a session: the last one stored stays.
 * Table: migrations/0081_replays.sql, 0082, 0083; what each figure means: docs/replay.md. Times: unix microseconds.
 * Thread: any. Memory: changes are the caller's; answers live in its arena. Errors: as db.h has them; ERR_CONFLICT of replay_store:
 * another process has stored what these changes hold. */
#pragma once
#include "base/arena.h"
#include "meta/db.h"
#include "meta/tap_position.h"

#define REPLAY_TAP              "replays"
#define REPLAY_SEGMENTS_MAX     20000 /* of a session that are read */
#define REPLAY_SESSION_URLS_MAX 200   /* of a session that are kept, or a few more when two processes store at once */

/* What the backend did for a session: services other than the page's (replay_backend.h). Texts as the row has them. */
struct replay_backend {
    int64_t looked_unix_us, span_count, error_count; /* looked: 0 for never */
    struct bytes services, traces;                   /* "\nNAME\nNAME\n"; "ID ID " */
};
struct replay_session {
    struct uuid project_id;
    struct bytes id;
    int64_t first_unix_us, last_unix_us;
    struct bytes service, version, environment, user_id, user_name, user_email, user_agent;
    struct bytes landing_url; /* of the first page */
    int64_t event_count, page_count, click_count, rage_click_count, error_count, byte_count, failed_request_count;
    const struct bytes *urls; /* of replay_store alone: addresses of its pages, each once */
    uint32_t url_count;
    struct bytes traces; /* of replay_store alone: ids that its page named, a blank behind each */
    struct replay_backend backend;
    bool is_complete;                 /* nothing has come for a while (replay_join.h); late data opens it again */
    int64_t loose_count, loose_bytes; /* of replay_store alone: its segments, which are not joined yet */
};
struct replay_segment {
    struct uuid project_id;
    struct bytes session_id, name, tab_id;
    int64_t first_unix_us, last_unix_us;
    struct bytes ranges;
    int64_t event_count, byte_count;
};
struct replay_changes {
    struct tap_move move;
    const struct replay_session *sessions; /* each once */
    const struct replay_segment *segments;
    size_t session_count, segment_count;
};
MUST_CHECK bool replay_store(struct db *db, const struct replay_changes *changes, int64_t now_unix_us, struct err *err);

/* ---- reading ---- */

struct replay_filter {
    int64_t from_unix_us, to_unix_us; /* sessions that were there within */
    /* empty: any; user: id, name or e-mail; service: the page's or one of the backend; text: a part of the address of any page */
    struct bytes session, user, service, environment, text;
    bool has_errors, has_rage_clicks, has_failed_requests;
    int64_t duration_min_us;
    int64_t after_unix_us; /* behind this place; 0: from the start, newest first */
    struct bytes after_id;
    uint32_t limit;
};
MUST_CHECK bool replay_list(struct db *db, struct uuid project_id, const struct replay_filter *filter,
                            struct arena *arena, struct replay_session **sessions, uint32_t *count, struct err *err);
/* The segments of a session alone, by their first event. */
MUST_CHECK bool replay_segments_read(struct db *db, struct uuid project_id, struct bytes id, struct arena *arena,
                                     struct replay_segment **segments, uint32_t *count, struct err *err);
/* ERR_NOT_FOUND. Segments by their first event. */
MUST_CHECK bool replay_read(struct db *db, struct uuid project_id, struct bytes id, struct arena *arena,
                            struct replay_session *session, struct replay_segment **segments, uint32_t *count,
                            struct err *err);
MUST_CHECK bool replay_forget(struct db_session *session, struct uuid project_id, struct bytes id, struct err *err);
/* Sessions of all projects that ended before: the oldest, at most limit. */
MUST_CHECK bool replay_doomed(struct db *db, int64_t before_unix_us, uint32_t limit, struct arena *arena,
                              struct replay_session **sessions, uint32_t *count, struct err *err);
