#include "meta/db_rows.h"
#include "meta/pattern.h"

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
