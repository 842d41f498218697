#include "meta/ask_feedback.h"
#include "base/clock.h"
#include "meta/db.h"

bool ask_feedback_insert(struct db_session *session, struct ask_feedback *feedback, struct err *err)
{
    const struct uuid none = { 0 };
    bool has_owner = !uuid_equal(feedback->owner_id, none);
    feedback->id = uuid_random();
    feedback->created_unix_us = clock_unix_us();
    return db_run(session,
                  "INSERT INTO ask_feedback(id, project_id, owner_id, owner_name, question, plan, note, is_good, "
                  "created_unix_us) "
                  "VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  DB_VALUES(db_uuid(feedback->id), db_uuid(feedback->project_id),
                            has_owner ? db_uuid(feedback->owner_id) : db_null(DB_UUID),
                            db_text_bytes(feedback->owner_name), db_text_bytes(feedback->question),
                            db_text_bytes(feedback->plan), db_text_bytes(feedback->note), db_boolean(feedback->is_good),
                            db_integer(feedback->created_unix_us)),
                  NULL, NULL, NULL, err) &&
           db_run(session,
                  "DELETE FROM ask_feedback WHERE project_id = $1 AND id IN (SELECT id FROM ask_feedback WHERE "
                  "project_id = $1 "
                  "ORDER BY created_unix_us DESC, id DESC LIMIT 1000 OFFSET $2)",
                  DB_VALUES(db_uuid(feedback->project_id), db_integer(ASK_FEEDBACK_MAX)), NULL, NULL, NULL, err);
}

struct listing {
    bool (*each)(void *ctx, const struct ask_feedback *feedback);
    void *ctx;
    bool is_over;
};
static bool feedback_take(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    (void)err;
    struct ask_feedback feedback = { .id = db_row_uuid(row, 0),
                                     .owner_name = db_row_text(row, 1),
                                     .question = db_row_text(row, 2),
                                     .plan = db_row_text(row, 3),
                                     .note = db_row_text(row, 4),
                                     .is_good = db_row_boolean(row, 5),
                                     .created_unix_us = db_row_integer(row, 6) };
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &feedback);
    return true;
}

bool ask_feedback_list(struct db *db, struct uuid project_id, int64_t before_unix_us, struct uuid before_id,
                       uint32_t limit, bool (*each)(void *ctx, const struct ask_feedback *feedback), void *ctx,
                       struct err *err)
{
    struct listing listing = { .each = each, .ctx = ctx };
    return db_read(
        db,
        "SELECT id, owner_name, question, plan, note, is_good, created_unix_us FROM ask_feedback WHERE project_id = $1 "
        "AND (created_unix_us < $2 OR (created_unix_us = $2 AND id < $3)) ORDER BY created_unix_us DESC, id DESC LIMIT "
        "$4",
        DB_VALUES(db_uuid(project_id), db_integer(before_unix_us), db_uuid(before_id), db_integer(limit)),
        feedback_take, &listing, err);
}
