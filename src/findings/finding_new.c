#include "findings/finding_new_inside.h"
#include <math.h>

static const int64_t MINUTE_US = INT64_C(60000000);

static bool known_row(void *ctx, struct db_row *row, struct err *err)
{
    struct new_looking *looking = ctx;
    struct arena *arena = &looking->arena;
    struct new_known *known = db_rows_add(&looking->known, sizeof *known);
    (void)err;
    enum detect_kind kind = (enum detect_kind)db_row_integer(row, 0);
    *known = (struct new_known){
        .kind = kind,
        .subject = { db_text_keep(arena, row, 1), db_text_keep(arena, row, 2), db_text_keep(arena, row, 3),
                     db_text_keep(arena, row, 4), kind == DETECT_NEW_ERROR ? NEW_ROW_KIND : NEW_PATTERN_ROW_KIND },
        .is_up = db_row_boolean(row, 5),
        .begin_unix_us = db_row_integer(row, 6),
        .found_unix_us = db_row_integer(row, 7),
        .end_unix_us = db_row_integer(row, 8),
        .effect = db_row_real(row, 9),
    };
    return true;
}

static bool known_read(struct new_looking *looking, struct err *err)
{
    return db_read(looking->db,
                   "SELECT kind, service, endpoint, method, route, is_up, begin_unix_us, found_unix_us, "
                   "end_unix_us, effect FROM findings WHERE project_id = $1 AND kind IN ($2, $3) AND (begin_unix_us >= "
                   "$4 OR end_unix_us = 0) ORDER BY number",
                   DB_VALUES(db_uuid(looking->project_id), db_integer(DETECT_NEW_ERROR), db_integer(DETECT_NEW_PATTERN),
                             db_integer(new_since_unix_us(looking))),
                   known_row, looking, err);
}

/* An hour and a rest more than a finding goes on: it has to be ended, too. */
int64_t new_since_unix_us(const struct new_looking *looking)
{
    return looking->to_unix_us - NEW_ACCEPT_US - NEW_WITHIN_US - NEW_REST_US;
}

/* Surely at least NEW_RATE_MIN a minute: more of a Poisson count than 95 of 100 at that rate. By the mean alone what comes less often
 * passes by chance, as it is looked at each minute. */
static bool is_often(const struct new_thing *thing, int64_t lasted_us)
{
    double least = NEW_RATE_MIN * (double)lasted_us / (double)MINUTE_US;
    return thing->rows >= least + NEW_RATE_SURE * sqrt(least);
}

bool new_is_up(const struct new_thing *thing)
{
    int64_t lasted_us = thing->last_unix_us + MINUTE_US - thing->first_unix_us;
    return thing->rows >= NEW_SOON || (lasted_us >= NEW_LASTS_US && is_often(thing, lasted_us));
}

bool new_is_late(const struct new_looking *looking, const struct new_thing *thing)
{
    return thing->first_unix_us < looking->to_unix_us - NEW_WITHIN_US;
}

static struct detect_finding found_of(const struct new_looking *looking, enum detect_kind kind, int64_t begin_unix_us,
                                      const struct new_thing *thing)
{
    double minutes = fmax(1, (double)(thing->last_unix_us + MINUTE_US - begin_unix_us) / (double)MINUTE_US);
    return (struct detect_finding){ .kind = kind,
                                    .change = DETECT_OPENED,
                                    .is_up = thing->is_up,
                                    .begin_unix_us = begin_unix_us,
                                    .found_unix_us = looking->to_unix_us - MINUTE_US,
                                    .window_minutes = (uint32_t)minutes,
                                    .value = thing->rows / minutes,
                                    .effect = thing->effect,
                                    .z = sqrt(thing->rows), /* of a Poisson count that was to be none */
                                    .rows = thing->rows };
}

void new_open(struct new_looking *looking, enum detect_kind kind, const struct watch_subject *subject,
              const struct new_thing *thing)
{
    int64_t begin = thing->first_unix_us - thing->first_unix_us % MINUTE_US;
    struct detect_finding found = found_of(looking, kind, begin, thing);
    looking->tell(looking->ctx, &found, subject);
}

void new_end(struct new_looking *looking, const struct new_known *known, const struct new_thing *thing)
{
    const struct new_thing gone = { .last_unix_us = known->found_unix_us, .is_done = true };
    if (!thing) thing = &gone;
    bool is_over = thing->is_done || thing->last_unix_us < looking->to_unix_us - NEW_CALM_US,
         is_usual = known->begin_unix_us < looking->to_unix_us - NEW_ACCEPT_US;
    if (!is_over && !is_usual) return;
    struct detect_finding found = found_of(looking, known->kind, known->begin_unix_us, thing);
    found.is_up = known->is_up;
    found.change = is_over ? DETECT_CLOSED : DETECT_ACCEPTED;
    found.found_unix_us = known->found_unix_us;
    found.effect = known->effect;
    found.end_unix_us = is_over ? thing->last_unix_us + MINUTE_US : looking->to_unix_us;
    looking->tell(looking->ctx, &found, &known->subject);
}

bool finding_new_look(struct db *db, struct uuid project_id, int64_t to_unix_us, watch_tell_fn *tell, void *ctx,
                      struct err *err)
{
    struct new_looking looking = {
        .db = db, .project_id = project_id, .to_unix_us = to_unix_us - to_unix_us % MINUTE_US, .tell = tell, .ctx = ctx
    };
    arena_init(&looking.arena, 0);
    looking.known.arena = &looking.arena;
    bool ok = known_read(&looking, err) && new_errors_look(&looking, err) && new_patterns_look(&looking, err);
    arena_deinit(&looking.arena);
    return ok;
}
