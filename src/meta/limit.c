#include "meta/limit.h"

#include "meta/db.h"

static const struct {
    const char *name, *words;
    bool is_of_keys;
} limits[LIMIT_COUNT] = {
#define X(name, text, words, of_keys) [LIMIT_##name] = { text, words, of_keys },
    LIMITS(X)
#undef X
};

const char *limit_name(enum limit limit)
{
    return limits[limit].name;
}

const char *limit_words(enum limit limit)
{
    return limits[limit].words;
}

bool limit_is_of_keys(enum limit limit)
{
    return limits[limit].is_of_keys;
}

bool limit_read(struct bytes name, enum limit *limit)
{
    for (int l = 0; l < LIMIT_COUNT; l++) {
        if (!bytes_equal(name, bytes_of_text(limits[l].name))) continue;
        *limit = (enum limit)l;
        return true;
    }
    return false;
}

bool limit_put(struct db_session *session, const struct limit_row *row, struct err *err)
{
    bool is_key = !uuid_equal(row->project_id, row->subject_id);
    if (row->value > LIMIT_VALUE_MAX) return err_set(err, ERR_INPUT, "a limit is at most 2^53");
    if (is_key && !limits[row->limit].is_of_keys)
        return err_set(err, ERR_INPUT, "%s is a limit of projects, not of keys", limits[row->limit].name);
    return db_run(session,
                  "INSERT INTO limits(subject_id, name, project_id, value) VALUES($1, $2, $3, $4)"
                  " ON CONFLICT(subject_id, name) DO UPDATE SET value = excluded.value",
                  DB_VALUES(db_uuid(row->subject_id), db_text(limits[row->limit].name), db_uuid(row->project_id),
                            db_integer((int64_t)row->value)),
                  NULL, NULL, NULL, err) &&
           db_note_change(session, LIMIT_TOPIC, err);
}

bool limit_remove(struct db_session *session, struct uuid subject_id, enum limit limit, struct err *err)
{
    return db_run(session, "DELETE FROM limits WHERE subject_id = $1 AND name = $2",
                  DB_VALUES(db_uuid(subject_id), db_text(limits[limit].name)), NULL, NULL, NULL, err) &&
           db_note_change(session, LIMIT_TOPIC, err);
}

struct listing {
    void (*each)(void *ctx, const struct limit_row *row);
    void *ctx;
};

/* A name that this program does not know is a newer one's. */
static bool row_read(void *ctx, struct db_row *row, struct err *err)
{
    const struct listing *listing = ctx;
    struct limit_row limit = { .project_id = db_row_uuid(row, 0),
                               .subject_id = db_row_uuid(row, 1),
                               .value = (uint64_t)db_row_integer(row, 3) };
    (void)err;
    if (limit_read(db_row_text(row, 2), &limit.limit)) listing->each(listing->ctx, &limit);
    return true;
}

bool limit_list(struct db *db, const struct uuid *project_id, void (*each)(void *ctx, const struct limit_row *row),
                void *ctx, struct err *err)
{
    struct listing listing = { each, ctx };
    if (project_id == NULL)
        return db_read(db, "SELECT project_id, subject_id, name, value FROM limits", DB_NO_VALUES, row_read, &listing,
                       err);
    return db_read(db, "SELECT project_id, subject_id, name, value FROM limits WHERE project_id = $1",
                   DB_VALUES(db_uuid(*project_id)), row_read, &listing, err);
}
