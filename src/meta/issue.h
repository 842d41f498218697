/* issue.h -- issues: groups of errors that people work on. What the REST API reads and changes.
 *
 *   tap --meta/error.h--> error_fingerprints, counts --owner, meta/issue_owner.h--> issues, why each fingerprint is in its issue
 *   web/api --issue_list, issue_get ...--> pages     web/api --issue_change, issue_merge, issue_split--> state, assignee, moves
 *
 *            .---------.  7 days, "seen"   .---------. far over its own baseline .------------.
 *   begins   |   NEW   | ----------------> | ONGOING | ------------------------> | ESCALATING |
 *            '---------'                   '---------' <------- subsides ------- '------------'
 *   any of these --a person--> RESOLVED --a later event--> REGRESSED -> as NEW        (the edges: issues/issue_state.h)
 *   any          --a person--> IGNORED  --time, events or users are over--> ONGOING
 *
 * An issue is one group of errors/group.h, by its number. One that was merged has merged_into: who asks for it gets the other
 * (issue_get), and nothing changes it any more. What people move (merge, split) is pinned: the owner follows at once, for each
 * of its transactions asks whether `moves` is what it knows.
 * Tables: migrations/0061_issues.sql. Figures of a range are sums of error_minutes or error_hours (meta/error.h), users of a
 * range those whose first and last time meet it; figures of ever are kept current by the owner.
 * Thread: any. Memory: the caller's arena. Errors: ERR_NOT_FOUND, ERR_INPUT, ERR_CONFLICT (another version of the rules is
 * there), and those of db.h. Times: unix microseconds. */
#pragma once
#include "base/arena.h"
#include "meta/count_range.h"
#include "meta/db.h"
struct actor;

#define ISSUE_STATES(X)         \
    X(NEW, "new")               \
    X(ONGOING, "ongoing")       \
    X(ESCALATING, "escalating") \
    X(REGRESSED, "regressed")   \
    X(RESOLVED, "resolved")     \
    X(IGNORED, "ignored")
enum issue_state {
#define X(name, text) ISSUE_##name,
    ISSUE_STATES(X)
#undef X
        ISSUE_STATE_COUNT
};
extern const char *const issue_state_names[ISSUE_STATE_COUNT];
#define ISSUE_STATES_OPEN \
    ((1u << ISSUE_NEW) | (1u << ISSUE_ONGOING) | (1u << ISSUE_ESCALATING) | (1u << ISSUE_REGRESSED))
#define ISSUE_STATES_ALL ((1u << ISSUE_STATE_COUNT) - 1)

/* How long it is ignored: until the first of those that are not 0; none: until a person says otherwise. */
struct issue_ignored {
    int64_t until_unix_us;
    int64_t until_count, until_users; /* further ones */
    int64_t at_count, at_users;       /* what the figures were then: set by issue_change */
};
struct issue {
    struct uuid project_id;
    int64_t number;
    struct bytes title;   /* the type, or what is known of it */
    struct bytes message; /* a template */
    struct bytes culprit; /* innermost frame in app */
    struct bytes service, language;
    struct bytes category, known_id; /* of a known error, else empty */
    enum issue_state state;
    int64_t state_unix_us;
    struct bytes resolved_in_release; /* it counts as resolved after that one; empty: at once */
    struct issue_ignored ignored;
    struct uuid assignee_id, team_id;          /* zero: none */
    struct bytes assignee_name, assignee_text; /* a user's name and e-mail, or a team's name twice; empty: none */
    int64_t merged_into;                       /* 0: it was not */
    int64_t first_unix_us, last_unix_us, total_count, user_count; /* ever */
    int64_t created_unix_us, changed_unix_us;                     /* changed_unix_us rises with each change: a tag */
};

/* ---- list ---- */

#define ISSUE_STEPS_MAX   120
#define ISSUE_PAGE_MAX    100
#define ISSUE_MINUTE_US   INT64_C(60000000)
#define ISSUE_HOUR_US     INT64_C(3600000000)
#define ISSUE_QUERY_BYTES 256
enum issue_sort { ISSUE_SORT_LAST, ISSUE_SORT_FIRST, ISSUE_SORT_COUNT, ISSUE_SORT_USERS, ISSUE_SORT_COUNT_OF };
struct issue_filter {
    struct uuid project_id;
    struct count_range range; /* those with an event in it; at most ISSUE_STEPS_MAX steps */
    uint32_t states;          /* a set of 1 << enum issue_state */
    struct bytes
        text; /* each of its words is somewhere in title, message, culprit, service, category; "#12": that one */
    struct bytes service, category, environment; /* empty: any */
    struct uuid assignee_id, team_id;            /* zero: any */
    bool is_unassigned;                          /* those of nobody */
    enum issue_sort sort;                        /* the greatest first, then the higher number */
    bool is_behind;                              /* of a page: behind the one with these */
    int64_t behind_value, behind_number;         /* issue_listed.sort_value and its number */
    uint32_t limit;                              /* at most ISSUE_PAGE_MAX + 1 */
};
struct issue_listed {
    struct issue issue;
    int64_t count, users; /* in the range and environment */
    int64_t sort_value;
    int64_t *steps;                           /* range.steps of them */
    struct bytes first_release, last_release; /* ever; empty: none was told */
};
MUST_CHECK bool issue_list(struct db *db, const struct issue_filter *filter, struct arena *arena,
                           struct issue_listed **issues, uint32_t *count, struct err *err);
/* What the list can be narrowed to: services and categories of its issues with how many, by that. */
struct issue_facet {
    struct bytes value;
    int64_t issues;
};
enum issue_facet_of { ISSUE_FACET_SERVICE, ISSUE_FACET_CATEGORY, ISSUE_FACET_STATE }; /* STATE: value is its name */
MUST_CHECK bool issue_facets(struct db *db, const struct issue_filter *filter, enum issue_facet_of of,
                             struct arena *arena, struct issue_facet **facets, uint32_t *count, struct err *err);

/* ---- one ---- */

/* One that was merged answers as the one it went into; *issue then has another number. */
MUST_CHECK bool issue_get(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                          struct issue *issue, struct err *err);
/* The same with the list's figures. */
MUST_CHECK bool issue_get_listed(struct db *db, struct uuid project_id, int64_t number, const struct count_range *range,
                                 struct bytes environment, struct arena *arena, struct issue_listed *listed,
                                 struct err *err);
/* The same in a session, for If-Match beside a change; without names of the assignee. */
MUST_CHECK bool issue_find(struct db_session *session, struct uuid project_id, int64_t number, struct arena *arena,
                           struct issue *issue, struct err *err);
/* 0: the fingerprint is not grouped yet; ERR_NOT_FOUND: there is none. */
MUST_CHECK bool issue_of_fingerprint(struct db *db, struct uuid project_id, struct uuid fingerprint_id, int64_t *number,
                                     struct err *err);
/* The numbers that were merged into it, ascending: old links. */
MUST_CHECK bool issue_merged_numbers(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                                     int64_t **numbers, uint32_t *count, struct err *err);

/* Its first or its latest event, as meta/error.h keeps it (JSON), and whose fingerprint it is; empty: none is kept. */
MUST_CHECK bool issue_event(struct db *db, struct uuid project_id, int64_t number, bool is_latest, struct arena *arena,
                            struct bytes *event, struct uuid *fingerprint_id, struct err *err);
struct issue_release {
    struct bytes release, environment;
    int64_t first_unix_us, last_unix_us, count;
};
/* By when they were last seen, at most 100. */
MUST_CHECK bool issue_releases(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                               struct issue_release **releases, uint32_t *count, struct err *err);
/* By their events ever, at most 100. */
struct issue_service {
    struct bytes service;
    int64_t count, fingerprints;
};
MUST_CHECK bool issue_services(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                               struct issue_service **services, uint32_t *count, struct err *err);
struct issue_step_count {
    uint32_t step; /* of the range */
    struct bytes environment;
    int64_t count;
};
MUST_CHECK bool issue_counts(struct db *db, struct uuid project_id, int64_t number, const struct count_range *range,
                             struct arena *arena, struct issue_step_count **counts, uint32_t *count, struct err *err);

#define ISSUE_BY_NEW 0 /* enum group_by (errors/group.h), which this folder does not know */
struct issue_fingerprint {
    struct uuid id;
    int64_t issue;
    struct bytes title, message, culprit, category, known_id; /* as an issue's */
    struct bytes service, language, last_event;
    int64_t first_unix_us, last_unix_us, total_count;
    uint32_t decided_by; /* enum group_by; issues/why.h makes the sentence of these */
    double score, threshold;
    struct uuid like_id; /* zero: none */
    bool is_pinned;      /* a person moved it */
    int64_t moved_from;  /* the issue it was in before; 0: nobody moved it */
    uint32_t errors_version, similar_version, group_version;
    struct bytes judge; /* JSON of what a model was asked and said; empty: none was asked */
    int64_t decided_unix_us;
};
/* Of an issue, those seen last first, behind one of these (NULL: from the first). */
struct issue_fingerprint_place {
    int64_t last_unix_us;
    struct uuid id;
};
MUST_CHECK bool issue_fingerprints(struct db *db, struct uuid project_id, int64_t number,
                                   const struct issue_fingerprint_place *behind, uint32_t limit, struct arena *arena,
                                   struct issue_fingerprint **fingerprints, uint32_t *count, struct err *err);
MUST_CHECK bool issue_fingerprint_get(struct db *db, struct uuid project_id, struct uuid fingerprint_id,
                                      struct arena *arena, struct issue_fingerprint *fingerprint, struct err *err);
/* All their ids, at most limit: what `issue:12` searches for. */
MUST_CHECK bool issue_fingerprint_ids(struct db *db, struct uuid project_id, int64_t number, uint32_t limit,
                                      struct arena *arena, struct uuid **ids, uint32_t *count, struct err *err);

/* ---- activity ---- */

#define ISSUE_HAPPENINGS(X)                                                              \
    X(BEGAN, "began")             /* {} */                                               \
    X(STATE, "state")             /* {"from", "to", "why"?, "release"?, "count"? ...} */ \
    X(ASSIGNED, "assigned")       /* {"to": name, or null} */                            \
    X(MERGED_IN, "merged_in")     /* {"from": number, "fingerprints": count} */          \
    X(MERGED_INTO, "merged_into") /* {"into": number, "fingerprints": count} */          \
    X(SPLIT_OFF, "split_off")     /* {"into": number, "fingerprints": count} */          \
    X(SPLIT_FROM, "split_from")   /* {"from": number, "fingerprints": count} */
enum issue_happening {
#define X(name, text) ISSUE_HAPPENED_##name,
    ISSUE_HAPPENINGS(X)
#undef X
        ISSUE_HAPPENING_COUNT
};
extern const char *const issue_happening_names[ISSUE_HAPPENING_COUNT];
struct issue_activity {
    int64_t at_unix_us;
    struct uuid id, actor_id; /* zero: no user */
    struct bytes actor;       /* who; empty: the issue by itself */
    enum issue_happening what;
    struct bytes detail; /* a JSON object */
};
struct issue_activity_place {
    int64_t at_unix_us;
    struct uuid id;
};
/* The latest first, behind one of these (NULL: from the first). */
MUST_CHECK bool issue_activity_list(struct db *db, struct uuid project_id, int64_t number,
                                    const struct issue_activity_place *behind, uint32_t limit, struct arena *arena,
                                    struct issue_activity **activity, uint32_t *count, struct err *err);

/* ---- changes by people: inside a transaction, beside audit_write ---- */

#define ISSUE_TOPIC         "issues" /* of db_note_change: owners look */
#define ISSUE_RELEASE_BYTES 128
struct issue_change {
    bool has_state;
    enum issue_state state; /* ONGOING ("seen", or opened again), RESOLVED or IGNORED; the others come by themselves */
    char resolved_in_release[ISSUE_RELEASE_BYTES]; /* of RESOLVED; empty: at once */
    struct issue_ignored ignored;                  /* of IGNORED: its until_... */
    bool has_assignee;
    struct uuid assignee_id, team_id; /* both zero: nobody. ERR_NOT_FOUND */
};
/* What a change can be without looking at any issue. */
MUST_CHECK bool issue_change_check(const struct issue_change *change, int64_t now_unix_us, struct err *err);
/* One that was merged: the one it went into. A change that changes nothing leaves no activity. *changed: whether any did. */
MUST_CHECK bool issue_change(struct db_session *session, struct uuid project_id, int64_t number,
                             const struct issue_change *change, const struct actor *actor, bool *changed,
                             struct err *err);
/* All fingerprints of `from` into `into`, pinned; from is closed. ERR_INPUT when they are one. */
MUST_CHECK bool issue_merge(struct db_session *session, struct uuid project_id, int64_t from, int64_t into,
                            const struct actor *actor, struct err *err);
/* Some of its fingerprints, pinned, become an issue of their own, or go into another that is there (*into not 0). ERR_INPUT
 * when they are all of it, none, or not of it. *into: its number. */
#define ISSUE_SPLIT_MAX 1000
MUST_CHECK bool issue_split(struct db_session *session, struct uuid project_id, int64_t number,
                            const struct uuid *fingerprint_ids, uint32_t fingerprint_count, const struct actor *actor,
                            int64_t *into, struct err *err);
