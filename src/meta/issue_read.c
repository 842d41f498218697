/* What an issue has: events, releases, counts, fingerprints and why, activity. */
#include "meta/issue_inside.h"

/* ---- events, releases, counts ---- */

struct event_reading {
    struct arena *arena;
    struct bytes event;
    struct uuid id;
};
static bool event_row(void *ctx, struct db_row *row, struct err *err)
{
    struct event_reading *reading = ctx;
    (void)err;
    reading->event = db_text_keep(reading->arena, row, 0);
    reading->id = db_row_uuid(row, 1);
    return true;
}

bool issue_event(struct db *db, struct uuid project_id, int64_t number, bool is_latest, struct arena *arena,
                 struct bytes *event, struct uuid *fingerprint_id, struct err *err)
{
    struct event_reading reading = { .arena = arena };
    if (!db_read(db,
                 is_latest ? "SELECT last_event, id FROM error_fingerprints WHERE project_id = $1 AND issue = $2 ORDER "
                             "BY last_unix_us DESC, id DESC LIMIT 1"
                           : "SELECT first_event, id FROM error_fingerprints WHERE project_id = $1 AND issue = $2 "
                             "ORDER BY first_unix_us, id LIMIT 1",
                 DB_VALUES(db_uuid(project_id), db_integer(number)), event_row, &reading, err))
        return false;
    *event = reading.event;
    *fingerprint_id = reading.id;
    return true;
}

static bool release_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct issue_release *release = db_rows_add(rows, sizeof *release);
    (void)err;
    *release = (struct issue_release){ .release = db_text_keep(rows->arena, row, 0),
                                       .environment = db_text_keep(rows->arena, row, 1),
                                       .first_unix_us = db_row_integer(row, 2),
                                       .last_unix_us = db_row_integer(row, 3),
                                       .count = db_row_integer(row, 4) };
    return true;
}

bool issue_releases(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                    struct issue_release **releases, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db,
                 "SELECT r.release, r.environment, min(r.first_unix_us), max(r.last_unix_us), CAST(SUM(r.row_count) AS "
                 "bigint) FROM error_fingerprints f CROSS JOIN error_releases r WHERE r.project_id = f.project_id AND "
                 "r.fingerprint_id = f.id AND f.project_id = $1 AND f.issue = $2 GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2 "
                 "LIMIT 100",
                 DB_VALUES(db_uuid(project_id), db_integer(number)), release_row, &rows, err))
        return false;
    *releases = rows.items;
    *count = rows.count;
    return true;
}

static bool service_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct issue_service *service = db_rows_add(rows, sizeof *service);
    (void)err;
    *service = (struct issue_service){ .service = db_text_keep(rows->arena, row, 0),
                                       .count = db_row_integer(row, 1),
                                       .fingerprints = db_row_integer(row, 2) };
    return true;
}

bool issue_services(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                    struct issue_service **services, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(
            db,
            "SELECT service, CAST(SUM(total_count) AS bigint), count(*) FROM error_fingerprints WHERE project_id = "
            "$1 AND issue = $2 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 100",
            DB_VALUES(db_uuid(project_id), db_integer(number)), service_row, &rows, err))
        return false;
    *services = rows.items;
    *count = rows.count;
    return true;
}

static bool step_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct issue_step_count *step = db_rows_add(rows, sizeof *step);
    (void)err;
    *step = (struct issue_step_count){ .step = (uint32_t)db_row_integer(row, 0),
                                       .environment = db_text_keep(rows->arena, row, 1),
                                       .count = db_row_integer(row, 2) };
    return true;
}

#define STEPS(table)                                                                                                 \
    "SELECT (c.at_unix_us - $3) / $5, c.environment, CAST(SUM(c.row_count) AS bigint) FROM error_fingerprints f "    \
    "CROSS JOIN " table " WHERE c.project_id = f.project_id AND c.fingerprint_id = f.id AND c.at_unix_us >= $3 AND " \
    "c.at_unix_us < $4 AND f.project_id = $1 AND f.issue = $2 GROUP BY 1, 2 ORDER BY 1, 2"
bool issue_counts(struct db *db, struct uuid project_id, int64_t number, const struct count_range *range,
                  struct arena *arena, struct issue_step_count **counts, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db, ISSUE_BY_FINGERPRINT(db_kind(db), range->by_hours, STEPS),
                 DB_VALUES(db_uuid(project_id), db_integer(number), db_integer(range->from_unix_us),
                           db_integer(range->to_unix_us), db_integer(range->step_us)),
                 step_row, &rows, err))
        return false;
    *counts = rows.items;
    *count = rows.count;
    return true;
}

/* ---- fingerprints ---- */

#define FINGERPRINT_COLUMNS                                                                                          \
    "SELECT f.id, f.issue, coalesce(p.title, ''), coalesce(p.message, ''), coalesce(p.culprit, ''), "                \
    "coalesce(p.category, ''), coalesce(p.known_id, ''), f.service, f.language, f.last_event, f.first_unix_us, "     \
    "f.last_unix_us, f.total_count, coalesce(p.decided_by, 0), coalesce(p.score, 0.0), coalesce(p.threshold, 0.0), " \
    "p.like_id, coalesce(p.is_pinned, 0), coalesce(p.moved_from, 0), coalesce(p.errors_version, 0), "                \
    "coalesce(p.similar_version, 0), coalesce(p.group_version, 0), coalesce(p.judge, ''), "                          \
    "coalesce(p.decided_unix_us, 0) FROM error_fingerprints f LEFT JOIN issue_fingerprints p ON p.project_id = "     \
    "f.project_id AND p.fingerprint_id = f.id WHERE f.project_id = $1 AND "
static bool fingerprint_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct arena *arena = rows->arena;
    struct issue_fingerprint *fingerprint = db_rows_add(rows, sizeof *fingerprint);
    (void)err;
    *fingerprint = (struct issue_fingerprint){
        .id = db_row_uuid(row, 0),
        .issue = db_row_integer(row, 1),
        .title = db_text_keep(arena, row, 2),
        .message = db_text_keep(arena, row, 3),
        .culprit = db_text_keep(arena, row, 4),
        .category = db_text_keep(arena, row, 5),
        .known_id = db_text_keep(arena, row, 6),
        .service = db_text_keep(arena, row, 7),
        .language = db_text_keep(arena, row, 8),
        .last_event = db_text_keep(arena, row, 9),
        .first_unix_us = db_row_integer(row, 10),
        .last_unix_us = db_row_integer(row, 11),
        .total_count = db_row_integer(row, 12),
        .decided_by = (uint32_t)db_row_integer(row, 13),
        .score = db_row_real(row, 14),
        .threshold = db_row_real(row, 15),
        .like_id = db_row_uuid(row, 16),
        .is_pinned = db_row_boolean(row, 17),
        .moved_from = db_row_integer(row, 18),
        .errors_version = (uint32_t)db_row_integer(row, 19),
        .similar_version = (uint32_t)db_row_integer(row, 20),
        .group_version = (uint32_t)db_row_integer(row, 21),
        .judge = db_text_keep(arena, row, 22),
        .decided_unix_us = db_row_integer(row, 23),
    };
    return true;
}

bool issue_fingerprints(struct db *db, struct uuid project_id, int64_t number,
                        const struct issue_fingerprint_place *behind, uint32_t limit, struct arena *arena,
                        struct issue_fingerprint **fingerprints, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    const struct issue_fingerprint_place first = { 0 };
    if (!db_read(db,
                 FINGERPRINT_COLUMNS "f.issue = $2 AND ($3 = 0 OR f.last_unix_us < $4 OR (f.last_unix_us = $4 AND f.id "
                                     "< $5)) ORDER BY f.last_unix_us DESC, f.id DESC LIMIT $6",
                 DB_VALUES(db_uuid(project_id), db_integer(number), db_boolean(behind != NULL),
                           db_integer(behind ? behind->last_unix_us : 0), db_uuid(behind ? behind->id : first.id),
                           db_integer(limit)),
                 fingerprint_row, &rows, err))
        return false;
    *fingerprints = rows.items;
    *count = rows.count;
    return true;
}

bool issue_fingerprint_get(struct db *db, struct uuid project_id, struct uuid fingerprint_id, struct arena *arena,
                           struct issue_fingerprint *fingerprint, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db, FINGERPRINT_COLUMNS "f.id = $2", DB_VALUES(db_uuid(project_id), db_uuid(fingerprint_id)),
                 fingerprint_row, &rows, err))
        return false;
    if (rows.count == 0) return err_set(err, ERR_NOT_FOUND, "there is no such fingerprint in this project");
    *fingerprint = *(struct issue_fingerprint *)rows.items;
    return true;
}

static bool id_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(struct uuid *)db_rows_add(ctx, sizeof(struct uuid)) = db_row_uuid(row, 0);
    return true;
}
bool issue_fingerprint_ids(struct db *db, struct uuid project_id, int64_t number, uint32_t limit, struct arena *arena,
                           struct uuid **ids, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db,
                 "SELECT f.id FROM error_fingerprints f WHERE f.project_id = $1 AND f.issue = (SELECT CASE "
                 "m.merged_into WHEN 0 THEN m.number ELSE m.merged_into END FROM issues m WHERE m.project_id = $1 AND "
                 "m.number = $2) ORDER BY f.last_unix_us DESC, f.id LIMIT $3",
                 DB_VALUES(db_uuid(project_id), db_integer(number), db_integer(limit)), id_row, &rows, err))
        return false;
    *ids = rows.items;
    *count = rows.count;
    return true;
}

/* ---- activity ---- */

static bool activity_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    int64_t what = db_row_integer(row, 4);
    if (what < 0 || what >= ISSUE_HAPPENING_COUNT)
        return err_set(err, ERR_CORRUPT, "an issue's activity has a number that nobody writes");
    struct issue_activity *activity = db_rows_add(rows, sizeof *activity);
    *activity = (struct issue_activity){ .at_unix_us = db_row_integer(row, 0),
                                         .id = db_row_uuid(row, 1),
                                         .actor_id = db_row_uuid(row, 2),
                                         .actor = db_text_keep(rows->arena, row, 3),
                                         .what = (enum issue_happening)what,
                                         .detail = db_text_keep(rows->arena, row, 5) };
    return true;
}

bool issue_activity_list(struct db *db, struct uuid project_id, int64_t number,
                         const struct issue_activity_place *behind, uint32_t limit, struct arena *arena,
                         struct issue_activity **activity, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    const struct issue_activity_place first = { 0 };
    if (!db_read(db,
                 "SELECT at_unix_us, id, actor_id, actor, what, detail FROM issue_activity WHERE project_id = $1 AND "
                 "issue = $2 AND ($3 = 0 OR at_unix_us < $4 OR (at_unix_us = $4 AND id < $5)) ORDER BY at_unix_us "
                 "DESC, id DESC LIMIT $6",
                 DB_VALUES(db_uuid(project_id), db_integer(number), db_boolean(behind != NULL),
                           db_integer(behind ? behind->at_unix_us : 0), db_uuid(behind ? behind->id : first.id),
                           db_integer(limit)),
                 activity_row, &rows, err))
        return false;
    *activity = rows.items;
    *count = rows.count;
    return true;
}
