/* Issues that are new. */
#include "findings/finding_new_inside.h"
#include "meta/issue.h"
#include <inttypes.h>

enum { READ_MAX = 500 };

struct seen {
    struct bytes service, number, title;
    struct uuid fingerprint_id;
    struct new_thing thing;
};
struct reading {
    struct arena *arena;
    struct db_rows seen;
};

static bool seen_row(void *ctx, struct db_row *row, struct err *err)
{
    struct reading *reading = ctx;
    struct seen *seen = db_rows_add(&reading->seen, sizeof *seen);
    int64_t state = db_row_integer(row, 1);
    double rows = (double)db_row_integer(row, 5);
    (void)err;
    *seen = (struct seen){
        .number = bytes_of_text(arena_printf(reading->arena, "%" PRId64, db_row_integer(row, 0))),
        .service = db_text_keep(reading->arena, row, 2),
        .title = db_text_keep(reading->arena, row, 3),
        .fingerprint_id = db_row_uuid(row, 7),
        .thing = { .first_unix_us = db_row_integer(row, 4),
                   .last_unix_us = db_row_integer(row, 6),
                   .rows = rows,
                   .effect = rows,
                   .is_done = state == ISSUE_RESOLVED || state == ISSUE_IGNORED },
    };
    return true;
}

static bool seen_read(const struct new_looking *looking, struct reading *reading, struct err *err)
{
    return db_read(looking->db,
                   "SELECT i.number, i.state, i.service, i.title, i.first_unix_us, CAST(SUM(m.row_count) AS bigint), "
                   "MAX(m.at_unix_us), (SELECT e.id FROM error_fingerprints e WHERE e.project_id = i.project_id AND "
                   "e.issue = i.number ORDER BY e.first_unix_us, e.id LIMIT 1) FROM issues i JOIN error_fingerprints f "
                   "ON f.project_id = i.project_id AND f.issue = i.number JOIN error_minutes m ON m.project_id = "
                   "f.project_id AND m.fingerprint_id = f.id AND m.at_unix_us >= $2 AND m.at_unix_us < $3 WHERE "
                   "i.project_id = $1 AND i.first_unix_us >= $2 AND i.merged_into = 0 AND EXISTS(SELECT 1 FROM "
                   "rollup_series s WHERE s.project_id = i.project_id AND s.service = i.service AND s.kind <> 'edge' "
                   "AND s.first_unix_us <= $4) GROUP BY i.project_id, i.number, i.state, i.service, i.title, "
                   "i.first_unix_us ORDER BY 1 LIMIT $5",
                   DB_VALUES(db_uuid(looking->project_id), db_integer(new_since_unix_us(looking)),
                             db_integer(looking->to_unix_us), db_integer(looking->to_unix_us - NEW_KNOWN_US),
                             db_integer(READ_MAX)),
                   seen_row, reading, err);
}

static void seen_open(struct new_looking *looking, const struct seen *seen)
{
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(seen->fingerprint_id, id);
    const struct watch_subject subject = {
        .service = seen->service,
        .endpoint = bytes_of_text(arena_printf(&looking->arena, "err:%s", id)),
        .method = seen->number,
        .route = seen->title,
        .kind = NEW_ROW_KIND,
    };
    struct new_thing thing = seen->thing;
    bool is_late = new_is_late(looking, &thing);
    thing.is_up = !is_late && new_is_up(&thing);
    if (thing.first_unix_us >= looking->to_unix_us - NEW_WITHIN_US - NEW_REST_US && (thing.is_up || is_late) &&
        thing.rows >= NEW_EVENTS_MIN && !thing.is_done)
        new_open(looking, DETECT_NEW_ERROR, &subject, &thing);
}

bool new_errors_look(struct new_looking *looking, struct err *err)
{
    struct reading reading = { .arena = &looking->arena, .seen = { .arena = &looking->arena } };
    const struct new_known *known = looking->known.items;
    if (!seen_read(looking, &reading, err)) return false;
    const struct seen *seen = reading.seen.items;
    bool *is_told = arena_calloc(&looking->arena, reading.seen.count + 1);
    for (uint32_t k = 0; k < looking->known.count; k++) {
        const struct seen *its = NULL;
        if (known[k].kind != DETECT_NEW_ERROR) continue;
        for (uint32_t s = 0; s < reading.seen.count && !its; s++)
            if (bytes_equal(seen[s].number, known[k].subject.method)) its = &seen[s];
        if (its) is_told[its - seen] = true;
        if (known[k].end_unix_us == 0) new_end(looking, &known[k], its ? &its->thing : NULL);
    }
    for (uint32_t s = 0; s < reading.seen.count; s++)
        if (!is_told[s]) seen_open(looking, &seen[s]);
    return true;
}
