/* issue_inside.h -- what the files of issues share. Not for other folders.
 *
 *   issue.c         one issue          issue_list.c    lists, facets      issue_read.c    its events, fingerprints, activity
 *   issue_change.c  by people          issue_move.c    merge, split
 *   issue_owner.c   lease, decisions   issue_refresh.c figures, states    issue_expire.c  what is past its time */
#pragma once
#include "meta/db_rows.h"
#include "meta/issue_owner.h"

#define ISSUE_AGE_US        (7 * 24 * ISSUE_HOUR_US) /* then it is not new, or regressed, any more */
#define ISSUE_ESCALATING_US (5 * ISSUE_MINUTE_US) /* how often one that escalates is looked at though nothing comes */
#define ISSUE_LOOK_NEVER    INT64_MAX

/* The columns that issue_take reads, of the tables of ISSUE_FROM. */
#define ISSUE_COLUMNS                                                                                                 \
    "i.project_id, i.number, i.title, i.message, i.culprit, i.service, i.language, i.category, i.known_id, i.state, " \
    "i.state_unix_us, i.resolved_in_release, i.ignored_until_unix_us, i.ignored_until_count, i.ignored_until_users, " \
    "i.ignored_at_count, i.ignored_at_users, i.assignee_id, i.assigned_team_id, i.merged_into, i.first_unix_us, "     \
    "i.last_unix_us, i.total_count, i.user_count, i.created_unix_us, i.changed_unix_us, coalesce(a.name, t.name, "    \
    "''), "                                                                                                           \
    "coalesce(a.email, t.name, '')"
#define ISSUE_COLUMN_COUNT 28
#define ISSUE_FROM \
    " FROM issues i LEFT JOIN users a ON a.id = i.assignee_id LEFT JOIN teams t ON t.id = i.assigned_team_id "

/* Counts of one fingerprint: `of` is a macro of the table. SQLite, which has no statistics, would read all errors of those hours. */
#define ISSUE_BY_FINGERPRINT(kind, by_hours, of)                                                      \
    ((kind) == DB_SQLITE ? (by_hours) ? of("error_hours c INDEXED BY error_hours_by_fingerprint")     \
                                      : of("error_minutes c INDEXED BY error_minutes_by_fingerprint") \
     : (by_hours) ? of("error_hours c")                                                               \
                         : of("error_minutes c"))

void issue_take(struct issue *issue, struct arena *arena, struct db_row *row);

/* Of one that was merged, the one it went into; ERR_NOT_FOUND. */
MUST_CHECK bool issue_resolve(struct db_session *session, struct uuid project_id, int64_t *number, struct err *err);
/* As it stands, in a session; ERR_NOT_FOUND. No names of the assignee. */
MUST_CHECK bool issue_read(struct db_session *session, struct uuid project_id, int64_t number, struct arena *arena,
                           struct issue *issue, struct err *err);
/* Times, counts and users made anew of its fingerprints. */
MUST_CHECK bool issue_figures_set(struct db_session *session, struct uuid project_id, int64_t number,
                                  int64_t now_unix_us, struct err *err);
/* First statement of each of the owner's transactions: ERR_CONFLICT when it is not the owner any more. */
MUST_CHECK bool issue_owner_fence(struct db_session *session, const struct issue_lease *lease, int64_t now_unix_us,
                                  struct err *err);
/* When a state is to be looked at though nothing came. */
static inline int64_t issue_look(enum issue_state state, int64_t state_unix_us, const struct issue_ignored *ignored,
                                 int64_t now_unix_us)
{
    if (state == ISSUE_NEW || state == ISSUE_REGRESSED) return state_unix_us + ISSUE_AGE_US;
    if (state == ISSUE_ESCALATING) return now_unix_us + ISSUE_ESCALATING_US;
    if (state == ISSUE_IGNORED && ignored->until_unix_us > 0) return ignored->until_unix_us;
    return ISSUE_LOOK_NEVER;
}

/* A JSON object a member at a time, for an activity's detail. */
struct issue_detail {
    char text[2048];
    size_t len;
};
void issue_detail_text(struct issue_detail *detail, const char *name, struct bytes text);
void issue_detail_number(struct issue_detail *detail, const char *name, int64_t number);
void issue_detail_real(struct issue_detail *detail, const char *name, double number);
void issue_detail_null(struct issue_detail *detail, const char *name);
/* actor NULL: the issue by itself. detail NULL: {}. */
MUST_CHECK bool issue_activity_add(struct db_session *session, struct uuid project_id, int64_t number,
                                   const struct actor *actor, enum issue_happening what,
                                   const struct issue_detail *detail, int64_t now_unix_us, struct err *err);
