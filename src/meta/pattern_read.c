#include "meta/pattern.h"

#include <inttypes.h>

#define MINUTES_UP_TO_US  (6 * PATTERN_HOUR_US)
#define MINUTES_OLDEST_US (3 * PATTERN_DAY_US)

void pattern_range_fit(struct pattern_range *range, int64_t now_unix_us, uint32_t steps_max)
{
    int64_t length_us = range->to_unix_us - range->from_unix_us;
    range->by_hours = length_us > MINUTES_UP_TO_US || now_unix_us - range->from_unix_us > MINUTES_OLDEST_US;
    int64_t grain_us = range->by_hours ? PATTERN_HOUR_US : PATTERN_MINUTE_US, past_us = range->to_unix_us % grain_us;
    range->from_unix_us -= range->from_unix_us % grain_us;
    if (past_us > 0) range->to_unix_us += grain_us - past_us;
    length_us = range->to_unix_us - range->from_unix_us;
    int64_t grains = length_us / grain_us, grains_a_step = (grains + steps_max - 1) / steps_max;
    range->step_us = (grains_a_step > 0 ? grains_a_step : 1) * grain_us;
    range->steps = (uint32_t)((length_us + range->step_us - 1) / range->step_us);
}

struct reading {
    struct arena *arena;
    void *items;
    uint32_t count, cap;
};

/* The next place of an array of items; all of it moves when it grows. */
static void *item_add(struct reading *reading, size_t item_bytes)
{
    if (reading->count == reading->cap) {
        uint32_t cap = reading->cap ? reading->cap * 2 : 256;
        void *items = arena_alloc(reading->arena, cap * item_bytes);
        if (reading->count > 0) memcpy(items, reading->items, reading->count * item_bytes);
        reading->items = items;
        reading->cap = cap;
    }
    return (uint8_t *)reading->items + reading->count++ * item_bytes;
}

static struct bytes text_keep(struct arena *arena, struct db_row *row, size_t at)
{
    struct bytes text = db_row_text(row, at);
    return text.len > 0 ? arena_copy(arena, text) : (struct bytes){ (const uint8_t *)"", 0 };
}

static bool seen_row(void *ctx, struct db_row *row, struct err *err)
{
    struct reading *reading = ctx;
    struct pattern_seen *seen = item_add(reading, sizeof *seen);
    (void)err;
    *seen = (struct pattern_seen){ .id = db_row_uuid(row, 0),
                                   .service = text_keep(reading->arena, row, 1),
                                   .template = text_keep(reading->arena, row, 2),
                                   .sample = text_keep(reading->arena, row, 3),
                                   .is_rest = db_row_boolean(row, 4),
                                   .first_unix_us = db_row_integer(row, 5),
                                   .last_unix_us = db_row_integer(row, 6) };
    return true;
}

bool pattern_templates_read(struct db *db, struct uuid project_id, struct bytes service, struct arena *arena,
                            struct pattern_seen **seen, uint32_t *count, struct err *err)
{
    struct reading reading = { .arena = arena };
    if (!db_read(db,
                 "SELECT id, service, template, sample, is_rest, first_unix_us, last_unix_us FROM pattern_templates "
                 "WHERE project_id = $1 AND ($2 = '' OR service = $2) ORDER BY last_unix_us DESC, id LIMIT $3",
                 DB_VALUES(db_uuid(project_id), db_text_bytes(service), db_integer(PATTERN_READ_MAX)), seen_row,
                 &reading, err))
        return false;
    *seen = reading.items;
    *count = reading.count;
    return true;
}

static bool figure_row(void *ctx, struct db_row *row, struct err *err)
{
    struct pattern_figure *figure = item_add(ctx, sizeof *figure);
    (void)err;
    int64_t step = db_row_integer(row, 1), level = db_row_integer(row, 2);
    *figure = (struct pattern_figure){ .id = db_row_uuid(row, 0),
                                       .step = step < 0 ? UINT32_MAX : (uint32_t)step,
                                       .level = level >= 0 && level < PATTERN_LEVELS ? (uint32_t)level : 0,
                                       .row_count = db_row_integer(row, 3) };
    return true;
}

/* $1 project, $2 from, $3 to, $4 step, $5 before */
#define FIGURES(table)                                                                                              \
    "SELECT template_id, CASE WHEN at_unix_us < $2 THEN -1 ELSE (at_unix_us - $2) / $4 END AS step, level, "        \
    "CAST(SUM(row_count) AS bigint) FROM " table " WHERE project_id = $1 AND at_unix_us >= $5 AND at_unix_us < $3 " \
    "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"

bool pattern_figures_read(struct db *db, const struct pattern_range *range, struct arena *arena,
                          struct pattern_figure **figures, uint32_t *count, struct err *err)
{
    struct reading reading = { .arena = arena };
    int64_t before_us = range->from_unix_us - (range->to_unix_us - range->from_unix_us);
    if (!db_read(db, range->by_hours ? FIGURES("pattern_hours") : FIGURES("pattern_minutes"),
                 DB_VALUES(db_uuid(range->project_id), db_integer(range->from_unix_us), db_integer(range->to_unix_us),
                           db_integer(range->step_us), db_integer(before_us)),
                 figure_row, &reading, err))
        return false;
    *figures = reading.items;
    *count = reading.count;
    return true;
}
