#include "findings/finding_new.h"
#include "meta/db_rows.h"
#include "meta/issue.h"
#include <inttypes.h>
#include <math.h>

enum { READ_MAX = 500 };
static const int64_t MINUTE_US = INT64_C(60000000);

struct seen {
    int64_t number, state, first_unix_us, last_unix_us, row_count;
    struct bytes service, title;
    struct uuid fingerprint_id;
};
struct known {
    struct bytes method;
    int64_t begin_unix_us, found_unix_us, end_unix_us;
    double rows;
};
struct looking {
    struct arena arena;
    struct db_rows seen, known;
};

static bool seen_row(void *ctx, struct db_row *row, struct err *err)
{
    struct looking *looking = ctx;
    struct seen *seen = db_rows_add(&looking->seen, sizeof *seen);
    (void)err;
    *seen = (struct seen){ .number = db_row_integer(row, 0),
                           .state = db_row_integer(row, 1),
                           .service = db_text_keep(&looking->arena, row, 2),
                           .title = db_text_keep(&looking->arena, row, 3),
                           .first_unix_us = db_row_integer(row, 4),
                           .row_count = db_row_integer(row, 5),
                           .last_unix_us = db_row_integer(row, 6),
                           .fingerprint_id = db_row_uuid(row, 7) };
    return true;
}

static bool known_row(void *ctx, struct db_row *row, struct err *err)
{
    struct looking *looking = ctx;
    struct known *known = db_rows_add(&looking->known, sizeof *known);
    (void)err;
    *known = (struct known){ .method = db_text_keep(&looking->arena, row, 0),
                             .begin_unix_us = db_row_integer(row, 1),
                             .found_unix_us = db_row_integer(row, 2),
                             .end_unix_us = db_row_integer(row, 3),
                             .rows = db_row_real(row, 4) };
    return true;
}

/* An hour more than a finding goes on: it has to be ended, too. */
static bool read_all(struct looking *looking, struct db *db, struct uuid project_id, int64_t to_unix_us,
                     struct err *err)
{
    int64_t since = to_unix_us - NEW_ACCEPT_US - NEW_WITHIN_US;
    looking->seen = looking->known = (struct db_rows){ .arena = &looking->arena };
    return db_read(db,
                   "SELECT i.number, i.state, i.service, i.title, i.first_unix_us, CAST(SUM(m.row_count) AS bigint), "
                   "MAX(m.at_unix_us), (SELECT e.id FROM error_fingerprints e WHERE e.project_id = i.project_id AND "
                   "e.issue = "
                   "i.number ORDER BY e.first_unix_us, e.id LIMIT 1) FROM issues i JOIN error_fingerprints f ON "
                   "f.project_id = "
                   "i.project_id AND f.issue = i.number JOIN error_minutes m ON m.project_id = f.project_id AND "
                   "m.fingerprint_id = "
                   "f.id AND m.at_unix_us >= $2 AND m.at_unix_us < $3 WHERE i.project_id = $1 AND i.first_unix_us >= "
                   "$2 AND "
                   "i.merged_into = 0 AND EXISTS(SELECT 1 FROM rollup_series s WHERE s.project_id = i.project_id AND "
                   "s.service = "
                   "i.service AND s.kind <> 'edge' AND s.first_unix_us <= $4) GROUP BY i.project_id, i.number, "
                   "i.state, i.service, "
                   "i.title, i.first_unix_us ORDER BY 1 LIMIT $5",
                   DB_VALUES(db_uuid(project_id), db_integer(since), db_integer(to_unix_us),
                             db_integer(to_unix_us - NEW_KNOWN_US), db_integer(READ_MAX)),
                   seen_row, looking, err) &&
           db_read(db,
                   "SELECT method, begin_unix_us, found_unix_us, end_unix_us, row_count FROM findings WHERE project_id "
                   "= $1 AND kind = $2 AND "
                   "begin_unix_us >= $3 ORDER BY number",
                   DB_VALUES(db_uuid(project_id), db_integer(DETECT_NEW_ERROR), db_integer(since)), known_row, looking,
                   err);
}

static void tell_one(struct looking *looking, const struct seen *seen, struct detect_finding *found,
                     watch_tell_fn *tell, void *ctx)
{
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(seen->fingerprint_id, id);
    const struct watch_subject subject = {
        .service = seen->service,
        .endpoint = bytes_of_text(arena_printf(&looking->arena, "err:%s", id)),
        .method = bytes_of_text(arena_printf(&looking->arena, "%" PRId64, seen->number)),
        .route = seen->title,
        .kind = NEW_ROW_KIND,
    };
    tell(ctx, found, &subject);
}

/* Opens, goes on, ends. */
static void look_at(struct looking *looking, const struct seen *seen, int64_t to_unix_us, watch_tell_fn *tell,
                    void *ctx)
{
    const struct known *known = NULL;
    struct bytes number = bytes_of_text(arena_printf(&looking->arena, "%" PRId64, seen->number));
    int64_t begin = seen->first_unix_us - seen->first_unix_us % MINUTE_US;
    bool is_done = seen->state == ISSUE_RESOLVED || seen->state == ISSUE_IGNORED;
    for (uint32_t k = 0; k < looking->known.count; k++) {
        const struct known *one = &((const struct known *)looking->known.items)[k];
        if (bytes_equal(one->method, number)) known = one;
    }
    double minutes = fmax(1, (double)(seen->last_unix_us + MINUTE_US - begin) / (double)MINUTE_US),
           rows = (double)seen->row_count;
    struct detect_finding found = { .kind = DETECT_NEW_ERROR,
                                    .change = DETECT_OPENED,
                                    .is_up = true,
                                    .begin_unix_us = begin,
                                    .found_unix_us = to_unix_us - MINUTE_US,
                                    .window_minutes = (uint32_t)minutes,
                                    .value = rows / minutes,
                                    .effect = rows,
                                    .z = sqrt(rows), /* of a Poisson count that was to be none */
                                    .rows = rows };
    if (!known) {
        bool is_new = seen->first_unix_us >= to_unix_us - NEW_WITHIN_US && seen->row_count >= NEW_EVENTS_MIN;
        if (is_new && !is_done) tell_one(looking, seen, &found, tell, ctx);
        return;
    }
    bool is_over = is_done || seen->last_unix_us < to_unix_us - NEW_CALM_US,
         is_usual = begin < to_unix_us - NEW_ACCEPT_US;
    if (known->end_unix_us > 0 || (!is_over && !is_usual)) return;
    found.change = is_over ? DETECT_CLOSED : DETECT_ACCEPTED;
    found.begin_unix_us = known->begin_unix_us;
    found.found_unix_us = known->found_unix_us;
    found.end_unix_us = is_over ? seen->last_unix_us + MINUTE_US : to_unix_us;
    tell_one(looking, seen, &found, tell, ctx);
}

bool finding_new_look(struct db *db, struct uuid project_id, int64_t to_unix_us, watch_tell_fn *tell, void *ctx,
                      struct err *err)
{
    struct looking looking;
    to_unix_us -= to_unix_us % MINUTE_US;
    arena_init(&looking.arena, 0);
    bool ok = read_all(&looking, db, project_id, to_unix_us, err);
    for (uint32_t s = 0; ok && s < looking.seen.count; s++)
        look_at(&looking, &((const struct seen *)looking.seen.items)[s], to_unix_us, tell, ctx);
    arena_deinit(&looking.arena);
    return ok;
}
