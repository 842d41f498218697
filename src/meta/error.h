/* error.h -- errors counted by fingerprint: stored by the worker's tap, made into issues by each project's owner.
 *
 *   worker/errors --error_store(changes, position)--> fingerprints (issue 0), minutes, hours, releases, users
 *                                                            '--issue_owner.h--> issues --issue.h--> lists, pages
 *
 * A minute and its hour are added to in the same transaction, so both are exact and nothing rolls up. Exactly once as
 * roll-ups are (tap_position.h). What is stored does not depend on the order it comes in: sums, the least and the greatest
 * time, the first and the last event, the least hashes of users.
 * An event is a JSON object that begins with its id, a hash of the rest: of two events at one time the lesser text is the
 * first, the greater the last. Its members: id (16 hexadecimal digits), timestamp (unix microseconds, a number), and those
 * that are not empty of type, message, stacktrace, stacktrace_left_out (a number: bytes cut out of its middle), place, service,
 * family, language, release, environment, trace_id, session_id, user_id.
 * Reading is the owner's and the issues' (issue_owner.h, issue.h). ERROR_TOPIC is noted as changed by each store.
 * Tables: migrations/0060_errors.sql; what each figure means: docs/errors.md.
 * Thread: any. Memory: changes are the caller's; answers live in its arena. Errors: as db.h has them; ERR_CONFLICT of
 * error_store: another process has stored what these changes hold. */
#pragma once
#include "base/arena.h"
#include "meta/db.h"

#define ERROR_MINUTE_US       INT64_C(60000000)
#define ERROR_HOUR_US         INT64_C(3600000000)
#define ERROR_DAY_US          (24 * ERROR_HOUR_US)
#define ERROR_MINUTES_KEEP_US (4 * ERROR_DAY_US)
#define ERROR_USERS_MAX       5000 /* of a fingerprint; of one that met more, these are counted */
#define ERROR_OTHER \
    "(other)" /* type of the fingerprint that errors of too many kinds count under; a release and an
                                           environment of too many */
#define ERROR_TAP   "errors"
#define ERROR_TOPIC "errors"

struct error_counted {
    struct uuid project_id, id;
    struct bytes service, family, language;
    uint32_t made_by; /* enum fingerprint_by (errors/fingerprint.h), which this folder does not know */
    uint32_t errors_version, rule_line;
    int64_t rules_version;
    struct bytes first_event, last_event;
    int64_t first_unix_us, last_unix_us;
    int64_t row_count;
};
struct error_count {
    struct uuid project_id, id;
    int64_t at_unix_us; /* a whole minute */
    struct bytes environment;
    int64_t row_count;
};
struct error_release {
    struct uuid project_id, id;
    struct bytes release, environment;
    int64_t first_unix_us, last_unix_us, row_count;
};
struct error_user {
    struct uuid project_id, id;
    int64_t hash; /* from 0 on */
    int64_t first_unix_us, last_unix_us;
};
/* What the records in (position_before, position] add. */
struct error_changes {
    const char *app_id;
    struct uuid owner; /* of tap_position_take */
    uint64_t position_before, position;
    struct error_counted *fingerprints;
    struct error_count *counts;
    struct error_release *releases;
    struct error_user *users; /* of each fingerprint at most ERROR_USERS_MAX: those with the least hashes */
    size_t fingerprint_count, count_count, release_count, user_count;
};
/* Sorts the arrays (locks are taken in one order by all). */
MUST_CHECK bool error_store(struct db *db, struct error_changes *changes, int64_t now_unix_us, struct err *err);

/* Lines of the project were deleted: its events, which may be of them, go. */
MUST_CHECK bool error_events_forget(struct db *db, struct uuid project_id, struct err *err);
/* What is kept how long. */
struct error_keep {
    int64_t keep_us;        /* hours, releases, users, and fingerprints not seen for so long; 0: for ever */
    int64_t rows_us;        /* events, where the project has no retention of its own for events_table; 0: for ever */
    const char *rows_table; /* whose retention counts for events */
};
/* One round of throwing away what is past its time, a part at a time; several processes may call it. */
MUST_CHECK bool error_expire(struct db *db, const struct error_keep *keep, int64_t now_unix_us, uint64_t *deleted,
                             struct err *err);

/* One fingerprint with its events; ERR_NOT_FOUND. */
struct error_known {
    struct error_counted counted;
    int64_t issue;      /* 0: not grouped yet */
    int64_t user_count; /* at most ERROR_USERS_MAX */
};
MUST_CHECK bool error_get(struct db *db, struct uuid project_id, struct uuid id, struct arena *arena,
                          struct error_known *known, struct err *err);
