/* Figures and states of issues with new counts, and of those whose time has come. */
#include <stdlib.h>

#include "meta/db_rows.h"
#include "meta/issue_inside.h"

enum { RELEASES_MAX = 100, ISSUES_MAX = 200 };

struct refreshing {
    enum db_kind kind;
    const struct issue_lease *lease;
    const struct issue_refresh_options *options;
    int64_t now_unix_us;
    struct issue_refreshed refreshed;
    struct arena arena;
    int64_t numbers[ISSUES_MAX];
    uint32_t number_count;
    int64_t hours[ISSUE_HOURS_MAX], hours_from_us;
    uint32_t hours_count;
    struct issue_release_seen releases[RELEASES_MAX];
    uint32_t release_count;
};

static bool number_row(void *ctx, struct db_row *row, struct err *err)
{
    struct refreshing *refreshing = ctx;
    (void)err;
    if (refreshing->number_count < ISSUES_MAX) refreshing->numbers[refreshing->number_count++] = db_row_integer(row, 0);
    return true;
}

static bool hour_row(void *ctx, struct db_row *row, struct err *err)
{
    struct refreshing *refreshing = ctx;
    int64_t hour = (db_row_integer(row, 0) - refreshing->hours_from_us) / ISSUE_HOUR_US;
    (void)err;
    if (hour >= 0 && hour < refreshing->hours_count) refreshing->hours[hour] = db_row_integer(row, 1);
    return true;
}

static bool release_row(void *ctx, struct db_row *row, struct err *err)
{
    struct refreshing *refreshing = ctx;
    (void)err;
    if (refreshing->release_count == RELEASES_MAX) return true;
    refreshing->releases[refreshing->release_count++] =
        (struct issue_release_seen){ .release = db_text_keep(&refreshing->arena, row, 0),
                                     .first_unix_us = db_row_integer(row, 1),
                                     .last_unix_us = db_row_integer(row, 2) };
    return true;
}

#define HOURS(table)                                                                                               \
    "SELECT c.at_unix_us, CAST(SUM(c.row_count) AS bigint) FROM error_fingerprints f CROSS JOIN " table            \
    " WHERE c.project_id = f.project_id AND c.fingerprint_id = f.id AND c.at_unix_us >= $3 AND c.at_unix_us < $4 " \
    "AND f.project_id = $1 AND f.issue = $2 GROUP BY c.at_unix_us"
#define LAST_HOUR(table)                                                                                              \
    "SELECT coalesce(CAST(SUM(c.row_count) AS bigint), 0) FROM error_fingerprints f CROSS JOIN " table                \
    " WHERE c.project_id = f.project_id AND c.fingerprint_id = f.id AND c.at_unix_us > $3 AND f.project_id = $1 AND " \
    "f.issue = $2"

/* Clock hours from the issue's first one until the last that had ended before the 60 minutes that are compared with them. */
static bool hours_read(struct db_session *session, struct refreshing *refreshing, const struct issue *issue,
                       struct issue_seen *seen, struct err *err)
{
    int64_t end_us = refreshing->now_unix_us - ISSUE_HOUR_US, first_us = issue->first_unix_us;
    end_us -= end_us % ISSUE_HOUR_US;
    first_us -= first_us % ISSUE_HOUR_US;
    if (first_us < end_us - ISSUE_HOURS_MAX * ISSUE_HOUR_US) first_us = end_us - ISSUE_HOURS_MAX * ISSUE_HOUR_US;
    refreshing->hours_from_us = first_us;
    refreshing->hours_count = first_us < end_us ? (uint32_t)((end_us - first_us) / ISSUE_HOUR_US) : 0;
    memset(refreshing->hours, 0, sizeof refreshing->hours);
    if (!db_run(session, ISSUE_BY_FINGERPRINT(refreshing->kind, true, HOURS),
                DB_VALUES(db_uuid(issue->project_id), db_integer(issue->number), db_integer(first_us),
                          db_integer(end_us)),
                hour_row, refreshing, NULL, err))
        return false;
    seen->hours = refreshing->hours;
    seen->hours_count = refreshing->hours_count;
    seen->hours_end_unix_us = end_us;
    return true;
}

static bool seen_read(struct db_session *session, struct refreshing *refreshing, const struct issue *issue,
                      struct issue_seen *seen, struct err *err)
{
    struct db_value project = db_uuid(issue->project_id), number = db_integer(issue->number);
    *seen = (struct issue_seen){ .now_unix_us = refreshing->now_unix_us };
    refreshing->release_count = 0;
    if (issue->state == ISSUE_IGNORED) return true;
    if (issue->state == ISSUE_RESOLVED) {
        if (issue->last_unix_us <= issue->state_unix_us) return true;
        if (!db_run(session,
                    "SELECT r.release, min(r.first_unix_us), max(r.last_unix_us) FROM error_fingerprints f CROSS JOIN "
                    "error_releases r WHERE r.project_id = f.project_id AND r.fingerprint_id = f.id AND f.project_id = "
                    "$1 AND f.issue = $2 GROUP BY r.release HAVING max(r.last_unix_us) > $3 ORDER BY 2, 1 LIMIT 100",
                    DB_VALUES(project, number, db_integer(issue->state_unix_us)), release_row, refreshing, NULL, err))
            return false;
        seen->releases = refreshing->releases;
        seen->release_count = refreshing->release_count;
        return true;
    }
    if (!db_run(session, ISSUE_BY_FINGERPRINT(refreshing->kind, false, LAST_HOUR),
                DB_VALUES(project, number, db_integer(refreshing->now_unix_us - ISSUE_HOUR_US)), db_take_integer,
                &seen->hour_count, NULL, err))
        return false;
    if (seen->hour_count < refreshing->options->volume_min && issue->state != ISSUE_ESCALATING) return true;
    return hours_read(session, refreshing, issue, seen, err);
}

static bool state_tell(struct db_session *session, const struct issue *issue, const struct issue_verdict *verdict,
                       int64_t now_unix_us, struct err *err)
{
    struct issue_detail detail = { .len = 0 };
    issue_detail_text(&detail, "from", bytes_of_text(issue_state_names[issue->state]));
    issue_detail_text(&detail, "to", bytes_of_text(issue_state_names[verdict->state]));
    issue_detail_text(&detail, "why", bytes_of_text(issue_why_names[verdict->why]));
    if (verdict->release.len > 0) issue_detail_text(&detail, "release", verdict->release);
    if (verdict->count > 0) issue_detail_number(&detail, "count", verdict->count);
    if (verdict->why == ISSUE_WHY_RISES || verdict->why == ISSUE_WHY_SUBSIDED) {
        issue_detail_real(&detail, "usual", verdict->usual);
        issue_detail_real(&detail, "limit", verdict->limit);
    }
    return issue_activity_add(session, issue->project_id, issue->number, NULL, ISSUE_HAPPENED_STATE, &detail,
                              now_unix_us, err);
}

static bool state_write(struct db_session *session, const struct issue *issue, const struct issue_verdict *verdict,
                        int64_t now_unix_us, struct err *err)
{
    int64_t since_us = verdict->state == issue->state ? issue->state_unix_us : now_unix_us;
    int64_t look_us = issue_look(verdict->state, since_us, &issue->ignored, now_unix_us);
    struct db_value project = db_uuid(issue->project_id), number = db_integer(issue->number);
    if (verdict->state == issue->state)
        return db_run(
            session, "UPDATE issues SET look_unix_us = $3 WHERE project_id = $1 AND number = $2 AND look_unix_us <> $3",
            DB_VALUES(project, number, db_integer(look_us)), NULL, NULL, NULL, err);
    return db_run(session,
                  "UPDATE issues SET state = $3, state_unix_us = $4, look_unix_us = $5, resolved_in_release = '', "
                  "ignored_until_unix_us = 0, ignored_until_count = 0, ignored_until_users = 0, ignored_at_count = 0, "
                  "ignored_at_users = 0 WHERE project_id = $1 AND number = $2",
                  DB_VALUES(project, number, db_integer(verdict->state), db_integer(now_unix_us), db_integer(look_us)),
                  NULL, NULL, NULL, err) &&
           state_tell(session, issue, verdict, now_unix_us, err);
}

static bool one_refresh(struct db_session *session, struct refreshing *refreshing, int64_t number, struct err *err)
{
    struct issue issue;
    struct issue_seen seen;
    struct issue_verdict verdict;
    struct uuid project_id = refreshing->lease->project_id;
    if (!db_run(session,
                "UPDATE error_fingerprints SET is_changed = 0 WHERE project_id = $1 AND issue = $2 AND is_changed = 1",
                DB_VALUES(db_uuid(project_id), db_integer(number)), NULL, NULL, NULL, err) ||
        !issue_figures_set(session, project_id, number, refreshing->now_unix_us, err))
        return false;
    if (!issue_read(session, project_id, number, &refreshing->arena, &issue, err)) {
        if (err->code != ERR_NOT_FOUND) return false;
        *err = (struct err){ 0 }; /* its figures are nobody's */
        return true;
    }
    if (issue.merged_into != 0) return true;
    if (!seen_read(session, refreshing, &issue, &seen, err)) return false;
    verdict = (struct issue_verdict){ .state = issue.state };
    refreshing->options->state(&issue, &seen, &verdict);
    if (verdict.state != issue.state) refreshing->refreshed.by_why[verdict.why]++;
    return state_write(session, &issue, &verdict, refreshing->now_unix_us, err);
}

static bool refresh_run(struct db_session *session, void *ctx, struct err *err)
{
    struct refreshing *refreshing = ctx;
    arena_reset(&refreshing->arena);
    refreshing->refreshed = (struct issue_refreshed){ 0 };
    refreshing->number_count = 0;
    if (!issue_owner_fence(session, refreshing->lease, refreshing->now_unix_us, err) ||
        !db_run(session,
                "SELECT number FROM (SELECT issue AS number FROM error_fingerprints WHERE project_id = $1 AND "
                "is_changed = 1 AND "
                "issue > 0 UNION SELECT number FROM issues WHERE project_id = $1 AND look_unix_us <= $2) AS d LIMIT $3",
                DB_VALUES(db_uuid(refreshing->lease->project_id), db_integer(refreshing->now_unix_us),
                          db_integer(refreshing->options->issues_max)),
                number_row, refreshing, NULL, err))
        return false;
    for (uint32_t n = 0; n < refreshing->number_count; n++)
        if (!one_refresh(session, refreshing, refreshing->numbers[n], err)) return false;
    refreshing->refreshed.issues = refreshing->number_count;
    return true;
}

bool issue_refresh(struct db *db, struct issue_lease *lease, const struct issue_refresh_options *options,
                   int64_t now_unix_us, struct issue_refreshed *refreshed, struct err *err)
{
    assert(options->issues_max <= ISSUES_MAX);
    struct refreshing *refreshing = mem_calloc(1, sizeof *refreshing);
    refreshing->kind = db_kind(db);
    refreshing->lease = lease;
    refreshing->options = options;
    refreshing->now_unix_us = now_unix_us;
    arena_init(&refreshing->arena, 0);
    bool ok = db_transaction(db, refresh_run, refreshing, err);
    if (ok) {
        *refreshed = refreshing->refreshed;
        lease->until_unix_us = now_unix_us + ISSUE_LEASE_US;
    }
    arena_deinit(&refreshing->arena);
    free(refreshing);
    return ok;
}
