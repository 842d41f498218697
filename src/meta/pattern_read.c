#include "meta/db_rows.h"
#include "meta/pattern.h"

const char *const pattern_levels[PATTERN_LEVELS] = { "none", "trace", "debug", "info", "warn", "error", "fatal" };

static bool seen_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct pattern_seen *seen = db_rows_add(rows, sizeof *seen);
    (void)err;
    *seen = (struct pattern_seen){ .id = db_row_uuid(row, 0),
                                   .service = db_text_keep(rows->arena, row, 1),
                                   .template = db_text_keep(rows->arena, row, 2),
                                   .sample = db_text_keep(rows->arena, row, 3),
                                   .is_rest = db_row_boolean(row, 4),
                                   .first_unix_us = db_row_integer(row, 5),
                                   .last_unix_us = db_row_integer(row, 6) };
    return true;
}

bool pattern_templates_read(struct db *db, struct uuid project_id, struct bytes service, struct arena *arena,
                            struct pattern_seen **seen, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db,
                 "SELECT id, service, template, sample, is_rest, first_unix_us, last_unix_us FROM pattern_templates "
                 "WHERE project_id = $1 AND ($2 = '' OR service = $2) ORDER BY last_unix_us DESC, id LIMIT $3",
                 DB_VALUES(db_uuid(project_id), db_text_bytes(service), db_integer(PATTERN_READ_MAX)), seen_row, &rows,
                 err))
        return false;
    *seen = rows.items;
    *count = rows.count;
    return true;
}

static bool figure_row(void *ctx, struct db_row *row, struct err *err)
{
    struct pattern_figure *figure = db_rows_add(ctx, sizeof *figure);
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

bool pattern_figures_read(struct db *db, struct uuid project_id, const struct count_range *range, struct arena *arena,
                          struct pattern_figure **figures, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    int64_t before_us = range->from_unix_us - (range->to_unix_us - range->from_unix_us);
    if (!db_read(db, range->by_hours ? FIGURES("pattern_hours") : FIGURES("pattern_minutes"),
                 DB_VALUES(db_uuid(project_id), db_integer(range->from_unix_us), db_integer(range->to_unix_us),
                           db_integer(range->step_us), db_integer(before_us)),
                 figure_row, &rows, err))
        return false;
    *figures = rows.items;
    *count = rows.count;
    return true;
}

static bool fresh_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct pattern_fresh *fresh = db_rows_add(rows, sizeof *fresh);
    int64_t level = db_row_integer(row, 4);
    (void)err;
    *fresh = (struct pattern_fresh){ .id = db_row_uuid(row, 0),
                                     .service = db_text_keep(rows->arena, row, 1),
                                     .first_unix_us = db_row_integer(row, 2),
                                     .last_unix_us = db_row_integer(row, 3),
                                     .level = level >= 0 && level < PATTERN_LEVELS ? (uint32_t)level : 0,
                                     .row_count = db_row_integer(row, 5) };
    return true;
}

/* Hours one by one, and not as a range: then their key finds the templates' own rows, and not those of all others. */
bool pattern_fresh_read(struct db *db, struct uuid project_id, int64_t since_unix_us, int64_t known_unix_us,
                        int64_t counted_unix_us, struct arena *arena, struct pattern_fresh **fresh, uint32_t *count,
                        struct err *err)
{
    struct db_rows rows = { .arena = arena };
    int64_t hour = counted_unix_us - counted_unix_us % PATTERN_HOUR_US;
    static_assert(PATTERN_FRESH_HOURS == 3, "as many as the statement names");
    if (!db_read(db,
                 "SELECT t.id, t.service, t.first_unix_us, t.last_unix_us, coalesce(h.level, 0), "
                 "CAST(coalesce(SUM(h.row_count), 0) AS bigint) FROM pattern_templates t LEFT JOIN pattern_hours h ON "
                 "h.project_id = t.project_id AND h.at_unix_us IN ($4, $5, $6) AND h.template_id = t.id WHERE "
                 "t.project_id = $1 AND t.first_unix_us >= $2 AND t.template <> '" PATTERN_OTHER
                 "' AND t.service IN (SELECT s.service FROM rollup_series s WHERE s.project_id = $1 AND s.kind = 'log' "
                 "AND s.first_unix_us <= $3) GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 5 LIMIT $7",
                 DB_VALUES(db_uuid(project_id), db_integer(since_unix_us), db_integer(known_unix_us), db_integer(hour),
                           db_integer(hour + PATTERN_HOUR_US), db_integer(hour + 2 * PATTERN_HOUR_US),
                           db_integer(PATTERN_READ_MAX)),
                 fresh_row, &rows, err))
        return false;
    *fresh = rows.items;
    *count = rows.count;
    return true;
}
