/* One issue, and what all files of issues read and write in the same way. */
#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "meta/access.h"
#include "meta/db_rows.h"
#include "meta/issue_inside.h"

#include <inttypes.h>
#include <stdio.h>

const char *const issue_state_names[ISSUE_STATE_COUNT] = {
#define X(name, text) text,
    ISSUE_STATES(X)
#undef X
};
const char *const issue_happening_names[ISSUE_HAPPENING_COUNT] = {
#define X(name, text) text,
    ISSUE_HAPPENINGS(X)
#undef X
};
const char *const issue_why_names[ISSUE_WHY_COUNT_OF] = { "",      "age",  "rises", "subsided",
                                                          "event", "time", "count", "users" };

static enum issue_state state_of(int64_t state)
{
    return state >= 0 && state < ISSUE_STATE_COUNT ? (enum issue_state)state : ISSUE_ONGOING;
}

void issue_take(struct issue *issue, struct arena *arena, struct db_row *row)
{
    *issue = (struct issue){
        .project_id = db_row_uuid(row, 0),
        .number = db_row_integer(row, 1),
        .title = db_text_keep(arena, row, 2),
        .message = db_text_keep(arena, row, 3),
        .culprit = db_text_keep(arena, row, 4),
        .service = db_text_keep(arena, row, 5),
        .language = db_text_keep(arena, row, 6),
        .category = db_text_keep(arena, row, 7),
        .known_id = db_text_keep(arena, row, 8),
        .state = state_of(db_row_integer(row, 9)),
        .state_unix_us = db_row_integer(row, 10),
        .resolved_in_release = db_text_keep(arena, row, 11),
        .ignored = { .until_unix_us = db_row_integer(row, 12),
                     .until_count = db_row_integer(row, 13),
                     .until_users = db_row_integer(row, 14),
                     .at_count = db_row_integer(row, 15),
                     .at_users = db_row_integer(row, 16) },
        .assignee_id = db_row_uuid(row, 17),
        .team_id = db_row_uuid(row, 18),
        .merged_into = db_row_integer(row, 19),
        .first_unix_us = db_row_integer(row, 20),
        .last_unix_us = db_row_integer(row, 21),
        .total_count = db_row_integer(row, 22),
        .user_count = db_row_integer(row, 23),
        .created_unix_us = db_row_integer(row, 24),
        .changed_unix_us = db_row_integer(row, 25),
        .assignee_name = db_text_keep(arena, row, 26),
        .assignee_text = db_text_keep(arena, row, 27),
    };
}

/* ---- one ---- */

struct reading {
    struct arena *arena;
    struct issue *issue;
    bool is_there;
};
static bool issue_row(void *ctx, struct db_row *row, struct err *err)
{
    struct reading *reading = ctx;
    (void)err;
    issue_take(reading->issue, reading->arena, row);
    reading->is_there = true;
    return true;
}

static bool no_issue(int64_t number, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no issue #%" PRId64 " in this project", number);
}

#define ISSUE_ONE "SELECT " ISSUE_COLUMNS ISSUE_FROM "WHERE i.project_id = $1 AND i.number = $2"

bool issue_read(struct db_session *session, struct uuid project_id, int64_t number, struct arena *arena,
                struct issue *issue, struct err *err)
{
    struct reading reading = { arena, issue, false };
    return db_run(session, ISSUE_ONE, DB_VALUES(db_uuid(project_id), db_integer(number)), issue_row, &reading, NULL,
                  err) &&
           (reading.is_there || no_issue(number, err));
}

bool issue_get(struct db *db, struct uuid project_id, int64_t number, struct arena *arena, struct issue *issue,
               struct err *err)
{
    struct reading reading = { arena, issue, false };
    return db_read(db,
                   "SELECT " ISSUE_COLUMNS ISSUE_FROM
                   "WHERE i.project_id = $1 AND i.number = (SELECT CASE m.merged_into WHEN 0 THEN m.number ELSE "
                   "m.merged_into END FROM issues m WHERE m.project_id = $1 AND m.number = $2)",
                   DB_VALUES(db_uuid(project_id), db_integer(number)), issue_row, &reading, err) &&
           (reading.is_there || no_issue(number, err));
}

bool issue_resolve(struct db_session *session, struct uuid project_id, int64_t *number, struct err *err)
{
    int64_t resolved = -1;
    if (!db_run(session,
                "SELECT CASE merged_into WHEN 0 THEN number ELSE merged_into END FROM issues WHERE project_id = $1 AND "
                "number = $2",
                DB_VALUES(db_uuid(project_id), db_integer(*number)), db_take_integer, &resolved, NULL, err))
        return false;
    if (resolved < 0) return no_issue(*number, err);
    *number = resolved;
    return true;
}

bool issue_find(struct db_session *session, struct uuid project_id, int64_t number, struct arena *arena,
                struct issue *issue, struct err *err)
{
    return issue_resolve(session, project_id, &number, err) &&
           issue_read(session, project_id, number, arena, issue, err);
}

struct of_fingerprint {
    int64_t number;
    bool is_there;
};
static bool of_fingerprint_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(struct of_fingerprint *)ctx = (struct of_fingerprint){ db_row_integer(row, 0), true };
    return true;
}
bool issue_of_fingerprint(struct db *db, struct uuid project_id, struct uuid fingerprint_id, int64_t *number,
                          struct err *err)
{
    struct of_fingerprint found = { 0 };
    if (!db_read(db, "SELECT issue FROM error_fingerprints WHERE project_id = $1 AND id = $2",
                 DB_VALUES(db_uuid(project_id), db_uuid(fingerprint_id)), of_fingerprint_row, &found, err))
        return false;
    *number = found.number;
    return found.is_there || err_set(err, ERR_NOT_FOUND, "there is no such fingerprint in this project");
}

static bool number_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(int64_t *)db_rows_add(ctx, sizeof(int64_t)) = db_row_integer(row, 0);
    return true;
}
bool issue_merged_numbers(struct db *db, struct uuid project_id, int64_t number, struct arena *arena, int64_t **numbers,
                          uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db, "SELECT number FROM issues WHERE project_id = $1 AND merged_into = $2 ORDER BY number LIMIT 1000",
                 DB_VALUES(db_uuid(project_id), db_integer(number)), number_row, &rows, err))
        return false;
    *numbers = rows.items;
    *count = rows.count;
    return true;
}

/* ---- figures of ever ---- */

#define FIGURES(of) \
    "coalesce((SELECT CAST(" of " AS bigint) FROM error_fingerprints f WHERE f.project_id = $1 AND f.issue = $2), 0)"
bool issue_figures_set(struct db_session *session, struct uuid project_id, int64_t number, int64_t now_unix_us,
                       struct err *err)
{
    return db_run(
        session,
        "UPDATE issues SET first_unix_us = " FIGURES("min(f.first_unix_us)") ", last_unix_us = " FIGURES(
            "max(f.last_unix_us)") ", total_count = " FIGURES("sum(f.total_count)") ", user_count = coalesce((SELECT "
                                                                                    "count(DISTINCT u.user_hash) FROM "
                                                                                    "error_fingerprints f CROSS JOIN "
                                                                                    "error_users u WHERE u.project_id "
                                                                                    "= f.project_id AND "
                                                                                    "u.fingerprint_id = f.id AND "
                                                                                    "f.project_id = $1 AND f.issue = "
                                                                                    "$2), 0), changed_unix_us = CASE "
                                                                                    "WHEN changed_unix_us < $3 THEN $3 "
                                                                                    "ELSE changed_unix_us + 1 END "
                                                                                    "WHERE project_id = $1 AND number "
                                                                                    "= $2",
        DB_VALUES(db_uuid(project_id), db_integer(number), db_integer(now_unix_us)), NULL, NULL, NULL, err);
}

/* ---- activity ---- */

static char *member_begin(struct issue_detail *detail, const char *name, size_t room)
{
    if (detail->len + strlen(name) + room + 8 > sizeof detail->text) return NULL;
    detail->len += (size_t)snprintf(detail->text + detail->len, sizeof detail->text - detail->len,
                                    "%c\"%s\":", detail->len == 0 ? '{' : ',', name);
    return detail->text + detail->len;
}

void issue_detail_text(struct issue_detail *detail, const char *name, struct bytes text)
{
    enum { TEXT_BYTES_MAX = 200 };
    if (text.len > TEXT_BYTES_MAX) text.len = utf8_cut(text, TEXT_BYTES_MAX);
    char *at = utf8_is_valid(text) ? member_begin(detail, name, json_text_bytes_max(text.len)) : NULL;
    if (at != NULL) detail->len = (size_t)((char *)json_put_text((uint8_t *)at, text) - detail->text);
}

void issue_detail_number(struct issue_detail *detail, const char *name, int64_t number)
{
    char *at = member_begin(detail, name, JSON_NUMBER_BYTES_MAX);
    if (at != NULL) detail->len = (size_t)((char *)json_put_int((uint8_t *)at, number) - detail->text);
}

void issue_detail_real(struct issue_detail *detail, const char *name, double number)
{
    char *at = member_begin(detail, name, JSON_NUMBER_BYTES_MAX);
    if (at != NULL) detail->len = (size_t)((char *)json_put_double((uint8_t *)at, number) - detail->text);
}

void issue_detail_null(struct issue_detail *detail, const char *name)
{
    char *at = member_begin(detail, name, 4);
    if (at == NULL) return;
    memcpy(at, "null", 4);
    detail->len += 4;
}

bool issue_activity_add(struct db_session *session, struct uuid project_id, int64_t number, const struct actor *actor,
                        enum issue_happening what, const struct issue_detail *detail, int64_t now_unix_us,
                        struct err *err)
{
    bool is_empty = detail == NULL || detail->len == 0, is_user = actor != NULL && actor->kind == ACTOR_USER;
    char json[sizeof detail->text + 2];
    snprintf(json, sizeof json, "%.*s}", is_empty ? 1 : (int)detail->len, is_empty ? "{" : detail->text);
    return db_run(session,
                  "INSERT INTO issue_activity(project_id, issue, at_unix_us, id, actor_id, actor, what, detail) "
                  "VALUES($1, $2, $3, $4, $5, $6, $7, $8)",
                  DB_VALUES(db_uuid(project_id), db_integer(number), db_integer(now_unix_us), db_uuid(uuid_random()),
                            is_user ? db_uuid(actor->user_id) : db_null(DB_UUID), db_text(actor ? actor->name : ""),
                            db_integer(what), db_text(json)),
                  NULL, NULL, NULL, err);
}
