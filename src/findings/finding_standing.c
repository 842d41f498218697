#include "findings/finding_standing.h"

enum { READ_MAX = 1000 };
#define MINUTE_US INT64_C(60000000)

struct settling {
    struct finding_standing *standing;
    bool is_of_metrics;
    struct db_rows lost; /* of struct finding */
    int64_t before;
    uint32_t seen;
};

void finding_standing_put(void *ctx, const struct detect_finding *finding, const struct watch_subject *subject)
{
    static const struct watch_subject all = { .kind = "" };
    struct finding_standing *standing = ctx;
    standing->open.arena = standing->arena;
    struct finding_known *known = db_rows_add(&standing->open, sizeof *known);
    *known = (struct finding_known){ *finding, subject ? *subject : all, subject != NULL };
}

/* As finding_tell knows it again; NULL: it does not. */
static const struct finding_known *known_find(const struct finding_standing *standing, const struct finding *f)
{
    const struct finding_known *known = standing->open.items;
    for (uint32_t k = 0; k < standing->open.count; k++) {
        int64_t apart = known[k].finding.begin_unix_us - f->begin_unix_us;
        if (finding_measure(known[k].finding.kind) == finding_measure(f->kind) &&
            (known[k].finding.found_unix_us == f->found_unix_us ||
             (apart >= -FINDING_SAME_US && apart <= FINDING_SAME_US)) &&
            bytes_equal(known[k].subject.service, f->service) && bytes_equal(known[k].subject.endpoint, f->endpoint) &&
            bytes_equal(bytes_of_text(known[k].subject.kind), f->row_kind))
            return &known[k];
    }
    return NULL;
}

static bool each(void *ctx, const struct finding *f)
{
    struct settling *settling = ctx;
    settling->seen++;
    settling->before = f->number;
    if (f->kind == DETECT_NEW_ERROR || f->kind == DETECT_NEW_PATTERN) return true;
    if ((f->kind == DETECT_METRIC) != settling->is_of_metrics) return true;
    const struct finding_known *known = known_find(settling->standing, f);
    if (known && f->incident == 0 && f->severity > INCIDENT_INFO) {
        struct finding_known *untold = db_rows_add(&settling->standing->untold, sizeof *untold);
        *untold = *known;
    }
    if (known) return true;
    struct finding *lost = db_rows_add(&settling->lost, sizeof *lost);
    *lost = *f;
    return true;
}

static bool end(struct db *db, struct arena *arena, const struct finding *f, int64_t now_unix_us, struct err *err)
{
    const struct detect_finding over = { .kind = f->kind,
                                         .change = DETECT_CLOSED,
                                         .is_up = f->is_up,
                                         .begin_unix_us = f->begin_unix_us,
                                         .found_unix_us = f->found_unix_us,
                                         .end_unix_us = f->found_unix_us + MINUTE_US,
                                         .window_minutes = (uint32_t)f->window_minutes,
                                         .value = f->value,
                                         .expected = f->expected,
                                         .low = f->low,
                                         .high = f->high,
                                         .effect = f->effect,
                                         .z = f->z,
                                         .p = f->p,
                                         .rows = f->rows };
    const struct watch_subject subject = { f->service, f->endpoint, f->method, f->route,
                                           arena_printf(arena, "%.*s", (int)f->row_kind.len,
                                                        (const char *)f->row_kind.ptr) };
    return finding_tell(db, f->project_id, &over, &subject, NULL, false, now_unix_us, err);
}

bool finding_standing_settle(struct db *db, struct uuid project_id, struct finding_standing *standing,
                             bool is_of_metrics, int64_t now_unix_us, struct err *err)
{
    struct settling settling = { .standing = standing,
                                 .is_of_metrics = is_of_metrics,
                                 .lost = { .arena = standing->arena } };
    standing->untold = (struct db_rows){ .arena = standing->arena };
    do {
        const struct finding_filter filter = { .is_open = true, .before = settling.before, .limit = READ_MAX };
        settling.seen = 0;
        if (!finding_list(db, project_id, standing->arena, &filter, each, &settling, err)) return false;
    } while (settling.seen == READ_MAX);
    const struct finding *lost = settling.lost.items;
    for (uint32_t l = 0; l < settling.lost.count; l++)
        if (!end(db, standing->arena, &lost[l], now_unix_us, err)) return false;
    return true;
}
