/* A project's owner: its lease, what it reads, what it decides. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "meta/issue_inside.h"

/* ---- the lease ---- */

struct due {
    struct uuid *projects;
    uint32_t count, max;
};
static bool due_row(void *ctx, struct db_row *row, struct err *err)
{
    struct due *due = ctx;
    (void)err;
    if (due->count < due->max) due->projects[due->count++] = db_row_uuid(row, 0);
    return true;
}

/* Of what SQLite would read all, for want of statistics, the small indices. */
#define DUE(new, changed)                                                                                             \
    "SELECT d.project_id FROM (SELECT project_id FROM error_fingerprints" new " WHERE issue = 0 UNION SELECT "        \
                                                                              "project_id FROM "                      \
                                                                              "error_fingerprints" changed            \
                                                                              " WHERE is_changed = 1 UNION SELECT "   \
                                                                              "project_id FROM issues WHERE "         \
                                                                              "look_unix_us <= $1) d LEFT JOIN "      \
                                                                              "issue_owners o ON o.project_id = "     \
                                                                              "d.project_id WHERE o.project_id IS "   \
                                                                              "NULL OR "                              \
                                                                              "o.until_unix_us < $1 OR o.owner = $2 " \
                                                                              "OR o.name = $3 ORDER BY "              \
                                                                              "coalesce(o.until_unix_us, 0) LIMIT $4"
bool issue_owner_due(struct db *db, struct uuid owner, const char *name, int64_t now_unix_us, struct uuid *projects,
                     uint32_t projects_max, uint32_t *count, struct err *err)
{
    struct due due = { .projects = projects, .max = projects_max };
    if (!db_read(db,
                 db_kind(db) == DB_SQLITE
                     ? DUE(" INDEXED BY error_fingerprints_new", " INDEXED BY error_fingerprints_changed")
                     : DUE("", ""),
                 DB_VALUES(db_integer(now_unix_us), db_uuid(owner), db_text(name), db_integer(projects_max)), due_row,
                 &due, err))
        return false;
    *count = due.count;
    return true;
}

struct taking {
    struct issue_lease lease;
    const char *name;
    int64_t now_unix_us;
    bool got;
};
static bool take_row(void *ctx, struct db_row *row, struct err *err)
{
    struct taking *taking = ctx;
    (void)err;
    taking->lease.number_next = db_row_integer(row, 0);
    taking->lease.moves = db_row_integer(row, 1);
    taking->got = true;
    return true;
}
static bool take_run(struct db_session *session, void *ctx, struct err *err)
{
    struct taking *taking = ctx;
    taking->got = false;
    return db_run(
        session,
        "INSERT INTO issue_owners AS t(project_id, owner, name, until_unix_us, number_next, moves) VALUES($1, "
        "$2, $3, $4, 1, 0) ON CONFLICT(project_id) DO UPDATE SET owner = excluded.owner, name = "
        "excluded.name, until_unix_us = excluded.until_unix_us WHERE t.until_unix_us < $5 OR t.owner = "
        "excluded.owner OR t.name = excluded.name RETURNING number_next, moves",
        DB_VALUES(db_uuid(taking->lease.project_id), db_uuid(taking->lease.owner), db_text(taking->name),
                  db_integer(taking->lease.until_unix_us), db_integer(taking->now_unix_us)),
        take_row, taking, NULL, err);
}

bool issue_owner_take(struct db *db, struct uuid project_id, struct uuid owner, const char *name, int64_t now_unix_us,
                      struct issue_lease *lease, bool *got, struct err *err)
{
    struct taking taking = {
        .lease = { .project_id = project_id, .owner = owner, .until_unix_us = now_unix_us + ISSUE_LEASE_US },
        .name = name,
        .now_unix_us = now_unix_us
    };
    if (!db_transaction(db, take_run, &taking, err)) return false;
    *got = taking.got;
    *lease = taking.lease;
    return true;
}

/* First statement of each of the owner's transactions. */
static bool fence(struct db_session *session, const struct issue_lease *lease, int64_t until_unix_us,
                  int64_t number_next, struct err *err)
{
    int64_t changed = 0;
    if (!db_run(session,
                "UPDATE issue_owners SET until_unix_us = $4, number_next = $5 WHERE project_id = $1 AND owner = $2 AND "
                "moves = $3 AND number_next = $6",
                DB_VALUES(db_uuid(lease->project_id), db_uuid(lease->owner), db_integer(lease->moves),
                          db_integer(until_unix_us), db_integer(number_next), db_integer(lease->number_next)),
                NULL, NULL, &changed, err))
        return false;
    return changed == 1 ||
           err_set(err, ERR_CONFLICT, "another process groups this project's errors now, or people have moved some");
}

bool issue_owner_fence(struct db_session *session, const struct issue_lease *lease, int64_t now_unix_us,
                       struct err *err)
{
    return fence(session, lease, now_unix_us + ISSUE_LEASE_US, lease->number_next, err);
}

struct keeping {
    struct issue_lease *lease;
    int64_t until_unix_us;
    int64_t changed;
};
static bool keep_run(struct db_session *session, void *ctx, struct err *err)
{
    struct keeping *keeping = ctx;
    return db_run(session, "UPDATE issue_owners SET until_unix_us = $3 WHERE project_id = $1 AND owner = $2",
                  DB_VALUES(db_uuid(keeping->lease->project_id), db_uuid(keeping->lease->owner),
                            db_integer(keeping->until_unix_us)),
                  NULL, NULL, &keeping->changed, err);
}
static bool keep(struct db *db, const struct issue_lease *lease, int64_t until_unix_us, struct err *err)
{
    struct issue_lease kept = *lease;
    struct keeping keeping = { .lease = &kept, .until_unix_us = until_unix_us };
    if (!db_transaction(db, keep_run, &keeping, err)) return false;
    return keeping.changed == 1 || err_set(err, ERR_CONFLICT, "another process groups this project's errors now");
}

bool issue_owner_keep(struct db *db, struct issue_lease *lease, int64_t now_unix_us, struct err *err)
{
    if (!keep(db, lease, now_unix_us + ISSUE_LEASE_US, err)) return false;
    lease->until_unix_us = now_unix_us + ISSUE_LEASE_US;
    return true;
}

bool issue_owner_release(struct db *db, const struct issue_lease *lease, struct err *err)
{
    return keep(db, lease, 0, err) || err->code == ERR_CONFLICT; /* it is not ours: as well */
}

static bool look_row(void *ctx, struct db_row *row, struct err *err)
{
    struct issue_lease *lease = ctx;
    (void)err;
    lease->number_next = db_row_integer(row, 0);
    lease->moves = db_row_integer(row, 1);
    return true;
}
bool issue_owner_look(struct db *db, struct issue_lease *lease, struct err *err)
{
    return db_read(db, "SELECT number_next, moves FROM issue_owners WHERE project_id = $1",
                   DB_VALUES(db_uuid(lease->project_id)), look_row, lease, err);
}

/* ---- what is grouped ---- */

struct rows_reading {
    bool (*each)(void *ctx, const struct issue_row *row, struct err *err);
    void *ctx;
};
static bool row_row(void *ctx, struct db_row *row, struct err *err)
{
    struct rows_reading *reading = ctx;
    struct issue_row read = { .id = db_row_uuid(row, 0),
                              .issue = db_row_integer(row, 1),
                              .decided_by = (uint32_t)db_row_integer(row, 2),
                              .score = db_row_real(row, 3),
                              .threshold = db_row_real(row, 4),
                              .like_id = db_row_uuid(row, 5),
                              .is_pinned = db_row_boolean(row, 6),
                              .errors_version = (uint32_t)db_row_integer(row, 7),
                              .similar_version = (uint32_t)db_row_integer(row, 8),
                              .group_version = (uint32_t)db_row_integer(row, 9),
                              .row = db_row_bytes(row, 10) };
    return reading->each(reading->ctx, &read, err);
}

#define ROWS                                                                                           \
    "SELECT fingerprint_id, issue, decided_by, score, threshold, like_id, is_pinned, errors_version, " \
    "similar_version, "                                                                                \
    "group_version, row FROM issue_fingerprints WHERE project_id = $1"
bool issue_rows_read(struct db *db, struct uuid project_id, int64_t moved_after,
                     bool (*each)(void *ctx, const struct issue_row *row, struct err *err), void *ctx, struct err *err)
{
    struct rows_reading reading = { each, ctx };
    if (moved_after < 0)
        return db_read(db, ROWS " ORDER BY decided_unix_us, fingerprint_id", DB_VALUES(db_uuid(project_id)), row_row,
                       &reading, err);
    return db_read(db, ROWS " AND moved_number > $2 ORDER BY moved_number, fingerprint_id",
                   DB_VALUES(db_uuid(project_id), db_integer(moved_after)), row_row, &reading, err);
}

/* ---- what is not ---- */

static bool new_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct issue_new *new = db_rows_add(rows, sizeof *new);
    (void)err;
    *new = (struct issue_new){ .id = db_row_uuid(row, 0),
                               .service = db_text_keep(rows->arena, row, 1),
                               .family = db_text_keep(rows->arena, row, 2),
                               .language = db_text_keep(rows->arena, row, 3),
                               .first_event = db_text_keep(rows->arena, row, 4),
                               .made_by = (uint32_t)db_row_integer(row, 5),
                               .first_unix_us = db_row_integer(row, 6) };
    return true;
}

#define NEW                                                                                                    \
    "SELECT id, service, family, language, first_event, made_by, first_unix_us FROM error_fingerprints WHERE " \
    "project_id = $1"
bool issue_new_read(struct db *db, struct uuid project_id, uint32_t limit, struct arena *arena,
                    struct issue_new **fingerprints, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db, NEW " AND issue = 0 ORDER BY first_unix_us, id LIMIT $2",
                 DB_VALUES(db_uuid(project_id), db_integer(limit)), new_row, &rows, err))
        return false;
    *fingerprints = rows.items;
    *count = rows.count;
    return true;
}

bool issue_first_event(struct db *db, struct uuid project_id, struct uuid fingerprint_id, struct arena *arena,
                       struct issue_new *fingerprint, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    *fingerprint = (struct issue_new){ .id = fingerprint_id };
    if (!db_read(db, NEW " AND id = $2", DB_VALUES(db_uuid(project_id), db_uuid(fingerprint_id)), new_row, &rows, err))
        return false;
    if (rows.count > 0) *fingerprint = *(struct issue_new *)rows.items;
    return true;
}

/* ---- decisions ---- */

struct deciding {
    const struct issue_lease *lease;
    const struct issue_decided *decided;
    uint32_t count;
    int64_t number_next, now_unix_us;
    struct arena arena;
};

static struct bytes lower(struct arena *arena, struct bytes text)
{
    uint8_t *small = arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        small[i] = (uint8_t)(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? text.ptr[i] + 32 : text.ptr[i]);
    return bytes_from(small, text.len);
}

static struct bytes words_of(struct arena *arena, const struct issue_decided *one)
{
    return lower(arena, bytes_of_text(arena_printf(arena, "%.*s %.*s %.*s %.*s %.*s", (int)one->title.len,
                                                   one->title.ptr, (int)one->message.len, one->message.ptr,
                                                   (int)one->culprit.len, one->culprit.ptr, (int)one->service.len,
                                                   one->service.ptr, (int)one->category.len, one->category.ptr)));
}

static bool why_write(struct db_session *session, struct deciding *deciding, struct err *err)
{
    enum { VALUES = 19 };
    const struct uuid none = { 0 };
    struct db_value *values = arena_alloc(&deciding->arena, deciding->count * VALUES * sizeof *values);
    for (uint32_t d = 0; d < deciding->count; d++) {
        const struct issue_decided *one = &deciding->decided[d];
        const struct issue_row *row = &one->row;
        const struct db_value its[VALUES] = {
            db_uuid(deciding->lease->project_id),
            db_uuid(row->id),
            db_integer(row->issue),
            db_text_bytes(one->title),
            db_text_bytes(one->message),
            db_text_bytes(one->culprit),
            db_text_bytes(one->category),
            db_text_bytes(one->known_id),
            db_integer(row->decided_by),
            db_real(row->score),
            db_real(row->threshold),
            uuid_equal(row->like_id, none) ? db_null(DB_UUID) : db_uuid(row->like_id),
            db_boolean(row->is_pinned),
            db_integer(row->errors_version),
            db_integer(row->similar_version),
            db_integer(row->group_version),
            db_bytes(row->row),
            db_text_bytes(one->judge),
            db_integer(deciding->now_unix_us),
        };
        memcpy(values + d * VALUES, its, sizeof its);
    }
    return db_run_many(
        session,
        "INSERT INTO issue_fingerprints(project_id, fingerprint_id, issue, title, message, culprit, "
        "category, known_id, decided_by, score, threshold, like_id, is_pinned, moved_number, moved_from, "
        "errors_version, similar_version, group_version, row, judge, decided_unix_us) VALUES($1, $2, $3, "
        "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14, $15, $16, $17, $18, $19) ON "
        "CONFLICT(project_id, fingerprint_id) DO NOTHING",
        values, VALUES, deciding->count, NULL, err);
}

/* The issue may be there; what it has of figures it gets by issue_refresh, at once. */
static bool issues_write(struct db_session *session, struct deciding *deciding, struct err *err)
{
    enum { VALUES = 15 };
    struct db_value *values = arena_alloc(&deciding->arena, deciding->count * VALUES * sizeof *values);
    for (uint32_t d = 0; d < deciding->count; d++) {
        const struct issue_decided *one = &deciding->decided[d];
        const struct db_value its[VALUES] = {
            db_uuid(deciding->lease->project_id),
            db_integer(one->row.issue),
            db_text_bytes(one->title),
            db_text_bytes(one->message),
            db_text_bytes(one->culprit),
            db_text_bytes(one->service),
            db_text_bytes(one->language),
            db_text_bytes(one->category),
            db_text_bytes(one->known_id),
            db_text_bytes(words_of(&deciding->arena, one)),
            db_integer(ISSUE_NEW),
            db_integer(deciding->now_unix_us),
            db_integer(one->first_unix_us),
            db_integer(issue_look(ISSUE_NEW, deciding->now_unix_us, NULL, deciding->now_unix_us)),
            db_uuid(one->row.id),
        };
        memcpy(values + d * VALUES, its, sizeof its);
    }
    return db_run_many(
        session,
        "INSERT INTO issues(project_id, number, title, message, culprit, service, language, category, known_id, words, "
        "state, state_unix_us, resolved_in_release, ignored_until_unix_us, ignored_until_count, ignored_until_users, "
        "ignored_at_count, ignored_at_users, merged_into, first_unix_us, last_unix_us, total_count, user_count, "
        "created_unix_us, changed_unix_us, look_unix_us) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', "
        "0, 0, 0, 0, 0, 0, $13, f.last_unix_us, f.total_count, 0, $12, $12, $14 FROM error_fingerprints f WHERE "
        "f.project_id = $1 AND f.id = $15 ON CONFLICT(project_id, number) DO NOTHING",
        values, VALUES, deciding->count, NULL, err);
}

static bool places_write(struct db_session *session, struct deciding *deciding, struct err *err)
{
    struct db_value *values = arena_alloc(&deciding->arena, deciding->count * 3 * sizeof *values);
    for (uint32_t d = 0; d < deciding->count; d++) {
        values[3 * d] = db_uuid(deciding->lease->project_id);
        values[3 * d + 1] = db_uuid(deciding->decided[d].row.id);
        values[3 * d + 2] = db_integer(deciding->decided[d].row.issue);
    }
    return db_run_many(session,
                       "UPDATE error_fingerprints SET issue = $3, is_changed = 1 WHERE project_id = $1 AND id = $2 AND "
                       "issue = 0",
                       values, 3, deciding->count, NULL, err);
}

static bool decide_run(struct db_session *session, void *ctx, struct err *err)
{
    struct deciding *deciding = ctx;
    arena_reset(&deciding->arena);
    if (!fence(session, deciding->lease, deciding->now_unix_us + ISSUE_LEASE_US, deciding->number_next, err) ||
        !why_write(session, deciding, err) || !issues_write(session, deciding, err) ||
        !places_write(session, deciding, err))
        return false;
    for (uint32_t d = 0; d < deciding->count; d++) {
        const struct issue_decided *one = &deciding->decided[d];
        if (one->row.decided_by == ISSUE_BY_NEW && one->row.issue >= deciding->lease->number_next &&
            !issue_activity_add(session, deciding->lease->project_id, one->row.issue, NULL, ISSUE_HAPPENED_BEGAN, NULL,
                                deciding->now_unix_us, err))
            return false;
    }
    return true;
}

bool issue_decide(struct db *db, struct issue_lease *lease, const struct issue_decided *decided, uint32_t count,
                  int64_t number_next, int64_t now_unix_us, struct err *err)
{
    struct deciding deciding = {
        .lease = lease, .decided = decided, .count = count, .number_next = number_next, .now_unix_us = now_unix_us
    };
    arena_init(&deciding.arena, 0);
    bool ok = db_transaction(db, decide_run, &deciding, err);
    arena_deinit(&deciding.arena);
    if (!ok) return false;
    lease->number_next = number_next;
    lease->until_unix_us = now_unix_us + ISSUE_LEASE_US;
    return true;
}
