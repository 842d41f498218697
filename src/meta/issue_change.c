/* What people change of issues: states, how long they are ignored, who works on them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "meta/access.h"
#include "meta/issue_inside.h"

bool issue_change_check(const struct issue_change *change, int64_t now_unix_us, struct err *err)
{
    const struct issue_ignored *ignored = &change->ignored;
    const struct uuid none = { 0 };
    if (change->has_state && change->state != ISSUE_ONGOING && change->state != ISSUE_RESOLVED &&
        change->state != ISSUE_IGNORED)
        return err_set(err, ERR_INPUT, "a state is set to ongoing, resolved or ignored; issues become %s by themselves",
                       issue_state_names[change->state]);
    struct bytes release = bytes_of_text(change->resolved_in_release);
    if (release.len > 0 && (change->state != ISSUE_RESOLVED || !change->has_state))
        return err_set(err, ERR_INPUT, "a release is told of an issue that is resolved");
    if (!utf8_is_valid(release)) return err_set(err, ERR_INPUT, "a release is UTF-8");
    bool has_until = ignored->until_unix_us != 0 || ignored->until_count != 0 || ignored->until_users != 0;
    if (has_until && (!change->has_state || change->state != ISSUE_IGNORED))
        return err_set(err, ERR_INPUT, "until when is told of an issue that is ignored");
    if (ignored->until_unix_us != 0 && ignored->until_unix_us <= now_unix_us)
        return err_set(err, ERR_INPUT, "an issue cannot be ignored until a time that is over");
    if (ignored->until_count < 0 || ignored->until_users < 0)
        return err_set(err, ERR_INPUT, "further events and users are counted from 1 on");
    if (!uuid_equal(change->assignee_id, none) && !uuid_equal(change->team_id, none))
        return err_set(err, ERR_INPUT, "an issue is one user's or one team's");
    return true;
}

static bool is_same_state(const struct issue *issue, const struct issue_change *change)
{
    if (issue->state != change->state) return false;
    if (change->state == ISSUE_RESOLVED)
        return bytes_equal(issue->resolved_in_release, bytes_of_text(change->resolved_in_release));
    if (change->state == ISSUE_IGNORED)
        return issue->ignored.until_unix_us == change->ignored.until_unix_us &&
               issue->ignored.until_count == change->ignored.until_count &&
               issue->ignored.until_users == change->ignored.until_users;
    return true;
}

static bool state_set(struct db_session *session, const struct issue *issue, const struct issue_change *change,
                      const struct actor *actor, int64_t now_unix_us, struct err *err)
{
    struct issue_ignored ignored = change->ignored;
    struct issue_detail detail = { .len = 0 };
    if (change->state == ISSUE_IGNORED) {
        ignored.at_count = issue->total_count;
        ignored.at_users = issue->user_count;
    }
    issue_detail_text(&detail, "from", bytes_of_text(issue_state_names[issue->state]));
    issue_detail_text(&detail, "to", bytes_of_text(issue_state_names[change->state]));
    if (change->resolved_in_release[0] != '\0')
        issue_detail_text(&detail, "release", bytes_of_text(change->resolved_in_release));
    if (ignored.until_unix_us > 0) issue_detail_number(&detail, "until_unix_us", ignored.until_unix_us);
    if (ignored.until_count > 0) issue_detail_number(&detail, "until_count", ignored.until_count);
    if (ignored.until_users > 0) issue_detail_number(&detail, "until_users", ignored.until_users);
    return db_run(session,
                  "UPDATE issues SET state = $3, state_unix_us = $4, resolved_in_release = $5, ignored_until_unix_us = "
                  "$6, ignored_until_count = $7, ignored_until_users = $8, ignored_at_count = $9, ignored_at_users = "
                  "$10, look_unix_us = $11 WHERE project_id = $1 AND number = $2",
                  DB_VALUES(db_uuid(issue->project_id), db_integer(issue->number), db_integer(change->state),
                            db_integer(now_unix_us), db_text(change->resolved_in_release),
                            db_integer(ignored.until_unix_us), db_integer(ignored.until_count),
                            db_integer(ignored.until_users), db_integer(ignored.at_count), db_integer(ignored.at_users),
                            db_integer(issue_look(change->state, now_unix_us, &ignored, now_unix_us))),
                  NULL, NULL, NULL, err) &&
           issue_activity_add(session, issue->project_id, issue->number, actor, ISSUE_HAPPENED_STATE, &detail,
                              now_unix_us, err);
}

struct name {
    char text[300];
    bool is_there;
};
static bool name_row(void *ctx, struct db_row *row, struct err *err)
{
    struct name *name = ctx;
    (void)err;
    db_row_text_copy(row, 0, name->text, sizeof name->text);
    name->is_there = true;
    return true;
}

static bool assignee_set(struct db_session *session, const struct issue *issue, const struct issue_change *change,
                         const struct actor *actor, int64_t now_unix_us, struct err *err)
{
    const struct uuid none = { 0 };
    bool is_user = !uuid_equal(change->assignee_id, none), is_team = !uuid_equal(change->team_id, none);
    struct issue_detail detail = { .len = 0 };
    struct name name = { .is_there = false };
    if ((is_user || is_team) &&
        !db_run(session,
                is_user ? "SELECT CASE name WHEN '' THEN email ELSE name END FROM users WHERE "
                          "id = $1 AND disabled_unix_us IS NULL"
                        : "SELECT name FROM teams WHERE id = $1",
                DB_VALUES(db_uuid(is_user ? change->assignee_id : change->team_id)), name_row, &name, NULL, err))
        return false;
    if ((is_user || is_team) && !name.is_there)
        return err_set(err, ERR_NOT_FOUND, "there is no such %s", is_user ? "user" : "team");
    if (name.is_there)
        issue_detail_text(&detail, "to", bytes_of_text(name.text));
    else
        issue_detail_null(&detail, "to");
    return db_run(session,
                  "UPDATE issues SET assignee_id = $3, assigned_team_id = $4 WHERE project_id = $1 AND number = $2",
                  DB_VALUES(db_uuid(issue->project_id), db_integer(issue->number),
                            is_user ? db_uuid(change->assignee_id) : db_null(DB_UUID),
                            is_team ? db_uuid(change->team_id) : db_null(DB_UUID)),
                  NULL, NULL, NULL, err) &&
           issue_activity_add(session, issue->project_id, issue->number, actor, ISSUE_HAPPENED_ASSIGNED, &detail,
                              now_unix_us, err);
}

static bool change_run(struct db_session *session, const struct issue *issue, const struct issue_change *change,
                       const struct actor *actor, bool *changed, struct err *err)
{
    int64_t now_unix_us = clock_unix_us();
    bool sets_state = change->has_state && !is_same_state(issue, change);
    bool sets_assignee = change->has_assignee && (!uuid_equal(issue->assignee_id, change->assignee_id) ||
                                                  !uuid_equal(issue->team_id, change->team_id));
    if (!sets_state && !sets_assignee) return true;
    *changed = true;
    if (sets_state && !state_set(session, issue, change, actor, now_unix_us, err)) return false;
    if (sets_assignee && !assignee_set(session, issue, change, actor, now_unix_us, err)) return false;
    return db_run(session,
                  "UPDATE issues SET changed_unix_us = CASE WHEN changed_unix_us < $3 THEN $3 ELSE changed_unix_us + 1 "
                  "END WHERE project_id = $1 AND number = $2",
                  DB_VALUES(db_uuid(issue->project_id), db_integer(issue->number), db_integer(now_unix_us)), NULL, NULL,
                  NULL, err);
}

bool issue_change(struct db_session *session, struct uuid project_id, int64_t number, const struct issue_change *change,
                  const struct actor *actor, bool *changed, struct err *err)
{
    struct arena arena;
    struct issue issue;
    if (!issue_change_check(change, clock_unix_us(), err)) return false;
    arena_init(&arena, 0);
    bool ok = issue_resolve(session, project_id, &number, err) &&
              issue_read(session, project_id, number, &arena, &issue, err) &&
              change_run(session, &issue, change, actor, changed, err);
    arena_deinit(&arena);
    return ok;
}
