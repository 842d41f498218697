/* issue_owner.h -- what a project's owner (src/issues) does to its issues: takes the project, reads what the worker's tap has
 * counted, writes which issue each new fingerprint is of, keeps figures and states current.
 *
 *   issue_owner_take --> lease --issue_rows_read--> the index in memory
 *   issue_new_read (fingerprints without an issue) --group--> issue_decide     one transaction: fingerprint, why, issue
 *   issue_refresh  (fingerprints with new counts, states whose time has come)  one transaction: figures, state, activity
 *
 * Fencing: each of these transactions first writes the lease, and fails with ERR_CONFLICT when it is not this owner's any more,
 * or when people have merged or split since (lease->moves): then the owner reads again. So a second owner, one that was
 * suspended, or one whose commit got lost on its way does nothing twice.
 * Thread: the owner's. Errors: ERR_CONFLICT as said; those of db.h. Tables: migrations/0060_errors.sql, 0061_issues.sql. */
#pragma once
#include "meta/issue.h"

#define ISSUE_LEASE_US INT64_C(30000000)
struct issue_lease {
    struct uuid project_id, owner;
    int64_t until_unix_us;
    int64_t number_next, moves;
};
/* Projects for whose issues there is something to do, and which are free, or held under this name; at most projects_max. */
MUST_CHECK bool issue_owner_due(struct db *db, struct uuid owner, const char *name, int64_t now_unix_us,
                                struct uuid *projects, uint32_t projects_max, uint32_t *count, struct err *err);
/* name: of the process; what it held before its restart it has at once. *got false: another owns the project. */
MUST_CHECK bool issue_owner_take(struct db *db, struct uuid project_id, struct uuid owner, const char *name,
                                 int64_t now_unix_us, struct issue_lease *lease, bool *got, struct err *err);
/* For another ISSUE_LEASE_US. */
MUST_CHECK bool issue_owner_keep(struct db *db, struct issue_lease *lease, int64_t now_unix_us, struct err *err);
/* Others may have it at once. */
MUST_CHECK bool issue_owner_release(struct db *db, const struct issue_lease *lease, struct err *err);

/* What the index needs of a fingerprint that is grouped. */
struct issue_row {
    struct uuid id, like_id;
    int64_t issue;
    uint32_t decided_by; /* enum group_by */
    double score, threshold;
    bool is_pinned;
    uint32_t errors_version, similar_version, group_version;
    struct bytes row; /* issues/row.h */
};
/* In the order they were decided. moved_after: those alone that people moved after that many moves; -1: all. */
MUST_CHECK bool issue_rows_read(struct db *db, struct uuid project_id, int64_t moved_after,
                                bool (*each)(void *ctx, const struct issue_row *row, struct err *err), void *ctx,
                                struct err *err);
/* The moves as they are now, with the next number: what the owner reads again by. */
MUST_CHECK bool issue_owner_look(struct db *db, struct issue_lease *lease, struct err *err);

struct issue_new {
    struct uuid id;
    struct bytes service, family, language; /* family empty: none was told */
    struct bytes first_event;
    uint32_t made_by; /* enum fingerprint_by */
    int64_t first_unix_us;
};
/* Those without an issue, in the order they came first. */
MUST_CHECK bool issue_new_read(struct db *db, struct uuid project_id, uint32_t limit, struct arena *arena,
                               struct issue_new **fingerprints, uint32_t *count, struct err *err);
/* The first event of one, for a judge; empty: it is gone. */
MUST_CHECK bool issue_first_event(struct db *db, struct uuid project_id, struct uuid fingerprint_id,
                                  struct arena *arena, struct issue_new *fingerprint, struct err *err);

struct issue_decided {
    struct issue_row row;
    struct bytes title, message, culprit, category, known_id, service, language, judge;
    int64_t first_unix_us;
};
/* number_next: after them. ERR_CONFLICT: nothing was written. */
MUST_CHECK bool issue_decide(struct db *db, struct issue_lease *lease, const struct issue_decided *decided,
                             uint32_t count, int64_t number_next, int64_t now_unix_us, struct err *err);

/* ---- figures and states ---- */

#define ISSUE_HOURS_MAX (28 * 24)
struct issue_release_seen {
    struct bytes release;
    int64_t first_unix_us, last_unix_us;
};
struct issue_seen {
    int64_t now_unix_us;
    int64_t hour_count; /* of the last 60 minutes */
    /* Of clock hours that had ended 60 minutes ago, oldest first, from the issue's first one on, silent ones too. NULL: not
     * read, for hour_count is under the options' volume_min and the issue is not escalating. */
    const int64_t *hours;
    uint32_t hours_count;
    int64_t hours_end_unix_us;                 /* when the last of them ended */
    const struct issue_release_seen *releases; /* with events after it was resolved; of RESOLVED alone */
    uint32_t release_count;
};
enum issue_why {
    ISSUE_WHY_NONE,
    ISSUE_WHY_AGE,      /* it is not new any more */
    ISSUE_WHY_RISES,    /* far over its own baseline */
    ISSUE_WHY_SUBSIDED, /* back at it */
    ISSUE_WHY_EVENT,    /* it came again after it was resolved */
    ISSUE_WHY_TIME,     /* was ignored until then */
    ISSUE_WHY_COUNT,    /* ... until so many further events */
    ISSUE_WHY_USERS,    /* ... until so many further users */
    ISSUE_WHY_COUNT_OF
};
extern const char *const issue_why_names[ISSUE_WHY_COUNT_OF];
struct issue_verdict {
    enum issue_state state;
    enum issue_why why;
    struct bytes release; /* of WHY_EVENT: borrowed of what was seen */
    int64_t count;        /* of WHY_RISES, WHY_SUBSIDED: of the hour; of WHY_COUNT, WHY_USERS: since */
    double usual, limit;  /* of WHY_RISES, WHY_SUBSIDED */
};
struct issue_refresh_options {
    /* Pure: it may be asked again. issue has its new figures. */
    void (*state)(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict);
    int64_t volume_min;
    uint32_t issues_max; /* a round */
};
struct issue_refreshed {
    uint32_t issues; /* looked at; issues_max: there may be more */
    uint32_t by_why[ISSUE_WHY_COUNT_OF];
};
MUST_CHECK bool issue_refresh(struct db *db, struct issue_lease *lease, const struct issue_refresh_options *options,
                              int64_t now_unix_us, struct issue_refreshed *refreshed, struct err *err);

/* Issues whose fingerprints are all gone (meta/error.h throws them away when they are past their time), a part at a time.
 * Several processes may call it. */
MUST_CHECK bool issue_expire(struct db *db, uint64_t *deleted, struct err *err);
