#include "meta/error_rules.h"

#include <inttypes.h>

#include "base/clock.h"
#include "meta/db_rows.h"

#define COLUMNS "project_id, version, valid_from_unix_us, replaced_unix_us, stored_unix_us, body, author"

struct reading {
    struct arena *arena; /* NULL: what is read is borrowed */
    struct error_rules_version *rules;
    bool (*each)(void *ctx, const struct error_rules_version *rules);
    void *ctx;
    bool is_stopped;
};
static bool version_row(void *ctx, struct db_row *row, struct err *err)
{
    struct reading *reading = ctx;
    struct error_rules_version rules = { .project_id = db_row_uuid(row, 0),
                                         .version = db_row_integer(row, 1),
                                         .valid_from_unix_us = db_row_integer(row, 2),
                                         .replaced_unix_us = db_row_integer(row, 3),
                                         .stored_unix_us = db_row_integer(row, 4),
                                         .body = db_row_text(row, 5),
                                         .author = db_row_text(row, 6) };
    (void)err;
    if (reading->each != NULL) {
        reading->is_stopped = row->is_bad || !reading->each(reading->ctx, &rules);
        return !reading->is_stopped;
    }
    *reading->rules = rules;
    reading->rules->body = db_text_keep(reading->arena, row, 5);
    reading->rules->author = db_text_keep(reading->arena, row, 6);
    return true;
}

bool error_rules_get(struct db *db, struct uuid project_id, struct arena *arena, struct error_rules_version *rules,
                     struct err *err)
{
    struct reading reading = { .arena = arena, .rules = rules };
    *rules = (struct error_rules_version){ .project_id = project_id,
                                           .body = { (const uint8_t *)"", 0 },
                                           .author = { (const uint8_t *)"", 0 } };
    return db_read(db, "SELECT " COLUMNS " FROM error_rules WHERE project_id = $1 AND replaced_unix_us = 0",
                   DB_VALUES(db_uuid(project_id)), version_row, &reading, err);
}

bool error_rules_get_version(struct db *db, struct uuid project_id, int64_t version, struct arena *arena,
                             struct error_rules_version *rules, struct err *err)
{
    struct reading reading = { .arena = arena, .rules = rules };
    *rules = (struct error_rules_version){ .project_id = project_id };
    return db_read(db, "SELECT " COLUMNS " FROM error_rules WHERE project_id = $1 AND version = $2",
                   DB_VALUES(db_uuid(project_id), db_integer(version)), version_row, &reading, err) &&
           (rules->version != 0 ||
            err_set(err, ERR_NOT_FOUND, "there is no version %" PRId64 " of this project's rules", version));
}

struct latest {
    int64_t version, valid_from_unix_us;
};
static bool latest_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(struct latest *)ctx = (struct latest){ db_row_integer(row, 0), db_row_integer(row, 1) };
    return true;
}

bool error_rules_put(struct db_session *session, struct error_rules_version *rules, int64_t version_seen,
                     struct err *err)
{
    struct latest latest = { 0 };
    struct db_value project = db_uuid(rules->project_id);
    if (rules->body.len > ERROR_RULES_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a project's rules have at most %u bytes", ERROR_RULES_BYTES_MAX);
    if (!db_run(
            session,
            "SELECT version, valid_from_unix_us FROM error_rules WHERE project_id = $1 ORDER BY version DESC LIMIT 1",
            DB_VALUES(project), latest_row, &latest, NULL, err))
        return false;
    if (version_seen >= 0 && version_seen != latest.version)
        return err_set(err, ERR_CONFLICT,
                       "the rules are at version %" PRId64 ", not %" PRId64 ": somebody has changed them meanwhile",
                       latest.version, version_seen);
    rules->version = latest.version + 1;
    rules->stored_unix_us = clock_unix_us();
    rules->replaced_unix_us = 0;
    rules->valid_from_unix_us = rules->stored_unix_us + ERROR_RULES_DELAY_US;
    if (rules->valid_from_unix_us <= latest.valid_from_unix_us) /* a clock behind: versions follow one another */
        rules->valid_from_unix_us = latest.valid_from_unix_us + 1;
    return db_run(session,
                  "UPDATE error_rules SET replaced_unix_us = $2 WHERE project_id = $1 AND replaced_unix_us = 0",
                  DB_VALUES(project, db_integer(rules->valid_from_unix_us)), NULL, NULL, NULL, err) &&
           db_run(session, "INSERT INTO error_rules(" COLUMNS ") VALUES($1, $2, $3, 0, $4, $5, $6)",
                  DB_VALUES(project, db_integer(rules->version), db_integer(rules->valid_from_unix_us),
                            db_integer(rules->stored_unix_us), db_text_bytes(rules->body),
                            db_text_bytes(rules->author)),
                  NULL, NULL, NULL, err) &&
           db_note_change(session, ERROR_RULES_TOPIC, err);
}

bool error_rules_list(struct db *db, const struct uuid *project_id,
                      bool (*each)(void *ctx, const struct error_rules_version *rules), void *ctx, struct err *err)
{
    struct reading reading = { .each = each, .ctx = ctx };
    bool ok = project_id == NULL
                  ? db_read(db, "SELECT " COLUMNS " FROM error_rules ORDER BY project_id, version", DB_NO_VALUES,
                            version_row, &reading, err)
                  : db_read(db, "SELECT " COLUMNS " FROM error_rules WHERE project_id = $1 ORDER BY version",
                            DB_VALUES(db_uuid(*project_id)), version_row, &reading, err);
    return ok || (reading.is_stopped && err->code == ERR_OK);
}

static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run(session, "DELETE FROM error_rules WHERE replaced_unix_us > 0 AND replaced_unix_us < $1",
                  DB_VALUES(db_integer(*(int64_t *)ctx - ERROR_RULES_KEEP_US)), NULL, NULL, NULL, err);
}
bool error_rules_expire(struct db *db, int64_t now_unix_us, struct err *err)
{
    return db_transaction_adding(db, expire_run, &now_unix_us, err);
}
