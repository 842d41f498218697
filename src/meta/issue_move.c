/* Merge and split: people say what belongs together. What they moved is pinned, and the owner's index follows. */
#include <inttypes.h>

#include "base/clock.h"
#include "meta/db_rows.h"
#include "meta/issue_inside.h"

struct moves {
    int64_t moves, number_next;
};
static bool moves_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(struct moves *)ctx = (struct moves){ db_row_integer(row, 0), db_row_integer(row, 1) };
    return true;
}

/* One more move of the project, and perhaps a number: what every transaction of its owner asks about. */
static bool move_begin(struct db_session *session, struct uuid project_id, bool takes_number, struct moves *moves,
                       struct err *err)
{
    moves->moves = 0;
    if (!db_run(session,
                "UPDATE issue_owners SET moves = moves + 1, number_next = number_next + $2 WHERE project_id = $1 "
                "RETURNING moves, number_next",
                DB_VALUES(db_uuid(project_id), db_integer(takes_number ? 1 : 0)), moves_row, moves, NULL, err))
        return false;
    return moves->moves > 0 || err_set(err, ERR_NOT_FOUND, "this project has no issues");
}

/* fingerprint NULL: all of the issue. *moved: how many there were. */
static bool fingerprints_move(struct db_session *session, struct uuid project_id, int64_t from, int64_t into,
                              const struct uuid *fingerprint_id, int64_t move, int64_t *moved, struct err *err)
{
    struct db_value values[] = { db_uuid(project_id), db_integer(from), db_integer(into), db_integer(move),
                                 fingerprint_id ? db_uuid(*fingerprint_id) : db_null(DB_UUID) };
    if (fingerprint_id == NULL)
        return db_run(session,
                      "UPDATE issue_fingerprints SET issue = $3, is_pinned = 1, moved_number = $4, moved_from = $2 "
                      "WHERE project_id = $1 AND issue = $2",
                      values, 4, NULL, NULL, moved, err) &&
               db_run(session, "UPDATE error_fingerprints SET issue = $3 WHERE project_id = $1 AND issue = $2", values,
                      3, NULL, NULL, NULL, err);
    return db_run(session,
                  "UPDATE issue_fingerprints SET issue = $3, is_pinned = 1, moved_number = $4, moved_from = $2 WHERE "
                  "project_id = $1 AND issue = $2 AND fingerprint_id = $5",
                  values, 5, NULL, NULL, moved, err) &&
           db_run(session, "UPDATE error_fingerprints SET issue = $3 WHERE project_id = $1 AND issue = $2 AND id = $4",
                  DB_VALUES(values[0], values[1], values[2], values[4]), NULL, NULL, NULL, err);
}

static bool both_tell(struct db_session *session, struct uuid project_id, const struct actor *actor, int64_t from,
                      int64_t into, int64_t moved, bool is_merge, int64_t now_unix_us, struct err *err)
{
    struct issue_detail of_from = { .len = 0 }, of_into = { .len = 0 };
    issue_detail_number(&of_from, "into", into);
    issue_detail_number(&of_from, "fingerprints", moved);
    issue_detail_number(&of_into, "from", from);
    issue_detail_number(&of_into, "fingerprints", moved);
    return issue_activity_add(session, project_id, from, actor,
                              is_merge ? ISSUE_HAPPENED_MERGED_INTO : ISSUE_HAPPENED_SPLIT_OFF, &of_from, now_unix_us,
                              err) &&
           issue_activity_add(session, project_id, into, actor,
                              is_merge ? ISSUE_HAPPENED_MERGED_IN : ISSUE_HAPPENED_SPLIT_FROM, &of_into, now_unix_us,
                              err);
}

bool issue_merge(struct db_session *session, struct uuid project_id, int64_t from, int64_t into,
                 const struct actor *actor, struct err *err)
{
    struct moves moves;
    int64_t moved = 0, now_unix_us = clock_unix_us();
    if (!issue_resolve(session, project_id, &from, err) || !issue_resolve(session, project_id, &into, err))
        return false;
    if (from == into) return err_set(err, ERR_INPUT, "an issue cannot be merged into itself");
    return move_begin(session, project_id, false, &moves, err) &&
           fingerprints_move(session, project_id, from, into, NULL, moves.moves, &moved, err) &&
           db_run(
               session,
               "UPDATE issues SET merged_into = $3, look_unix_us = $4, changed_unix_us = CASE WHEN changed_unix_us < "
               "$5 THEN $5 ELSE changed_unix_us + 1 END WHERE project_id = $1 AND (number = $2 OR merged_into = $2)",
               DB_VALUES(db_uuid(project_id), db_integer(from), db_integer(into), db_integer(ISSUE_LOOK_NEVER),
                         db_integer(now_unix_us)),
               NULL, NULL, NULL, err) &&
           issue_figures_set(session, project_id, into, now_unix_us, err) &&
           both_tell(session, project_id, actor, from, into, moved, true, now_unix_us, err) &&
           db_note_change(session, ISSUE_TOPIC, err);
}

/* A new one with the texts of the earliest fingerprint that goes there, and the state and assignee it had so far. */
static bool issue_copy(struct db_session *session, struct uuid project_id, int64_t from, int64_t into,
                       int64_t now_unix_us, struct err *err)
{
    return db_run(
        session,
        "INSERT INTO issues(project_id, number, title, message, culprit, service, language, category, known_id, words, "
        "state, state_unix_us, resolved_in_release, ignored_until_unix_us, ignored_until_count, ignored_until_users, "
        "ignored_at_count, ignored_at_users, assignee_id, assigned_team_id, merged_into, first_unix_us, last_unix_us, "
        "total_count, user_count, created_unix_us, changed_unix_us, look_unix_us) SELECT i.project_id, $3, p.title, "
        "p.message, p.culprit, f.service, f.language, p.category, p.known_id, "
        "lower(p.title || ' ' || p.message || ' ' || p.culprit || ' ' || f.service || ' ' || p.category), "
        "i.state, i.state_unix_us, i.resolved_in_release, i.ignored_until_unix_us, 0, 0, 0, 0, i.assignee_id, "
        "i.assigned_team_id, 0, f.first_unix_us, f.last_unix_us, 0, 0, $4, $4, i.look_unix_us FROM issues i JOIN "
        "error_fingerprints f ON f.project_id = i.project_id AND f.issue = $3 JOIN issue_fingerprints p ON "
        "p.project_id "
        "= f.project_id AND p.fingerprint_id = f.id WHERE i.project_id = $1 AND i.number = $2 ORDER BY "
        "f.first_unix_us, "
        "f.id LIMIT 1",
        DB_VALUES(db_uuid(project_id), db_integer(from), db_integer(into), db_integer(now_unix_us)), NULL, NULL, NULL,
        err);
}

bool issue_split(struct db_session *session, struct uuid project_id, int64_t number, const struct uuid *fingerprint_ids,
                 uint32_t fingerprint_count, const struct actor *actor, int64_t *into, struct err *err)
{
    struct moves moves;
    int64_t moved = 0, left = 0, now_unix_us = clock_unix_us();
    bool is_new = *into == 0;
    if (fingerprint_count == 0) return err_set(err, ERR_INPUT, "no fingerprint is named that is to be split off");
    if (fingerprint_count > ISSUE_SPLIT_MAX)
        return err_set(err, ERR_TOO_LARGE, "at most %d fingerprints are split off at once", ISSUE_SPLIT_MAX);
    if (!issue_resolve(session, project_id, &number, err)) return false;
    if (!is_new && !issue_resolve(session, project_id, into, err)) return false;
    if (*into == number) return err_set(err, ERR_INPUT, "they are in that issue already");
    if (!move_begin(session, project_id, is_new, &moves, err)) return false;
    if (is_new) *into = moves.number_next - 1;
    for (uint32_t f = 0; f < fingerprint_count; f++) {
        int64_t one = 0;
        if (!fingerprints_move(session, project_id, number, *into, &fingerprint_ids[f], moves.moves, &one, err))
            return false;
        moved += one;
    }
    if (moved != fingerprint_count)
        return err_set(err, ERR_INPUT, "%" PRId64 " of the fingerprints are not of issue #%" PRId64,
                       (int64_t)fingerprint_count - moved, number);
    if (!db_run(session, "SELECT count(*) FROM error_fingerprints WHERE project_id = $1 AND issue = $2",
                DB_VALUES(db_uuid(project_id), db_integer(number)), db_take_integer, &left, NULL, err))
        return false;
    if (left == 0) return err_set(err, ERR_INPUT, "these are all of its fingerprints: merge the issue instead");
    return (!is_new || issue_copy(session, project_id, number, *into, now_unix_us, err)) &&
           issue_figures_set(session, project_id, number, now_unix_us, err) &&
           issue_figures_set(session, project_id, *into, now_unix_us, err) &&
           both_tell(session, project_id, actor, number, *into, moved, false, now_unix_us, err) &&
           db_note_change(session, ISSUE_TOPIC, err);
}
