/* Answers from cubes: which files they stand for, wholly or for what lies between the whole minutes or hours of the times that are
 * asked for, and the relation of their lines and of all other rows. */
#include "timefusion/query/cube.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/kept.h"
#include "timefusion/query/literal.h"
#include <inttypes.h>
#include <stdio.h>

bool cubes_are_on(const struct query_session *session)
{
    const char *value = session->settings[SETTING_ROLLUPS];
    return session->engine->cubes && (!value || strcmp(value, "on") == 0);
}

/* from <= time < end */
struct span {
    int64_t from_us, end_us;
};

static struct span asked_times(const struct query_cursor *cursor, const struct plan_table *table,
                               const struct bound *bounds)
{
    const struct query_session *session = cursor->session;
    struct span span = { INT64_MIN, INT64_MAX };
    if (session->last_us != 0) span = (struct span){ session->from_us, session->last_us + 1 };
    for (uint32_t c = 0; c < table->condition_count; c++) {
        const struct bound *bound = &bounds[c];
        bool is_after = bound->op == CONDITION_GT || bound->op == CONDITION_GE;
        bool is_before = bound->op == CONDITION_LT || bound->op == CONDITION_LE;
        if (bound->column != table->schema->timestamp || (!is_after && !is_before)) continue;
        bool is_next = bound->op == CONDITION_GT || bound->op == CONDITION_LE;
        int64_t at_us = bound->integer < INT64_MAX ? bound->integer + is_next : INT64_MAX;
        if (is_after && at_us > span.from_us) span.from_us = at_us;
        if (is_before && at_us < span.end_us) span.end_us = at_us;
    }
    return span;
}

/* What of the times are whole steps. */
static struct span whole_steps(struct span span, int64_t step_us)
{
    struct span whole = span;
    if (span.from_us > 0 && span.from_us % step_us != 0) whole.from_us += step_us - span.from_us % step_us;
    if (span.end_us > 0 && span.end_us < INT64_MAX) whole.end_us -= span.end_us % step_us;
    return whole;
}

/* What stands for one kind: cubes of whole files, cubes of files that the times cut, and what of these are rows. */
struct share {
    struct cube **whole, **cut;
    uint32_t whole_count, cut_count;
    struct span whole_times; /* of the files that are whole */
    struct span steps;       /* of the cut ones */
    struct pruned rest;
};
struct shares {
    struct share *kinds; /* cube_kind_count */
    uint32_t count, spared, missing;
    struct pruned now; /* files that no cube stands for */
    struct choice choice;
};

static void file_add(struct pruned *files, const struct pruned *from, uint32_t f)
{
    if (from->groups) files->groups[files->count] = from->groups[f];
    files->files[files->count++] = from->files[f];
}

static struct pruned files_create(struct arena *arena, const struct pruned *like)
{
    struct pruned files = { .files = arena_alloc(arena, (like->count + 1) * sizeof *files.files) };
    if (like->groups) files.groups = arena_alloc(arena, (like->count + 1) * sizeof *files.groups);
    return files;
}

static void shares_create(struct arena *arena, const struct choice *choice, struct shares *shares)
{
    const struct pruned *all = &choice->files[SCHEMA_LOGS_AND_SPANS];
    *shares = (struct shares){ .choice = *choice, .now = files_create(arena, all) };
    shares->kinds = arena_calloc(arena, cube_kind_count * sizeof *shares->kinds);
    for (uint32_t k = 0; k < cube_kind_count; k++) {
        struct share *share = &shares->kinds[k];
        share->whole = arena_alloc(arena, (all->count + 1) * sizeof *share->whole);
        share->cut = arena_alloc(arena, (all->count + 1) * sizeof *share->cut);
        share->rest = files_create(arena, all);
    }
}

/* A file that the times cut. False: it is read as rows. */
static bool cut_take(struct query_cursor *cursor, const struct plan_cube *wanted, struct span span,
                     const struct pruned *all, uint32_t f, struct shares *shares)
{
    const struct timefusion_file *file = all->files[f];
    bool is_missing;
    struct cube *cube = cube_acquire(cursor, timefusion_file_hash(file), wanted, true, &is_missing);
    if (!cube) return false;
    struct span steps = whole_steps(span, cube->kind->step_us);
    if (steps.from_us >= steps.end_us || file->timestamp_min_us >= steps.end_us ||
        file->timestamp_max_us < steps.from_us)
        return false;
    struct share *share = &shares->kinds[cube->kind - cube_kinds];
    share->steps = steps;
    share->cut[share->cut_count++] = cube;
    bool has_rest = (file->timestamp_min_us < steps.from_us && span.from_us < steps.from_us) ||
                    (file->timestamp_max_us >= steps.end_us && span.end_us > steps.end_us);
    if (has_rest) file_add(&share->rest, all, f);
    shares->spared += !has_rest;
    return true;
}

/* A file with rows that lack a value whose sketches are asked for, where their traces may have it: they are to be read. */
static bool shows_others(struct timefusion_file *file, const struct plan_cube *wanted, const struct identity *identity)
{
    const struct parquet_footer *footer;
    struct err ignored = { 0 };
    for (int field = 0; field < IDENTITY_FIELDS; field++) {
        if (!(identity->present & 1u << field) || !column_set_has(&wanted->sketches, identity_columns[field])) continue;
        if (!timefusion_file_footer(file, &footer, &ignored)) return true;
        const struct parquet_column_stats *stats = &footer->file_columns[identity_columns[field]];
        if (!stats->has_null_count || stats->null_count > 0 || stats->value_count != file->row_count) return true;
    }
    return false;
}

static void whole_add(struct share *share, struct cube *cube, const struct timefusion_file *file)
{
    struct span *times = &share->whole_times;
    if (share->whole_count == 0 || file->timestamp_min_us < times->from_us) times->from_us = file->timestamp_min_us;
    if (share->whole_count == 0 || file->timestamp_max_us >= times->end_us) times->end_us = file->timestamp_max_us + 1;
    share->whole[share->whole_count++] = cube;
}

/* Where all lines of whole files lie within the steps of the cut ones, they are one relation: planning one takes half a millisecond. */
static void share_join(struct share *share)
{
    if (share->cut_count == 0 || share->whole_count == 0 || share->whole_times.from_us < share->steps.from_us ||
        share->whole_times.end_us > share->steps.end_us)
        return;
    for (uint32_t c = 0; c < share->whole_count; c++) share->cut[share->cut_count++] = share->whole[c];
    share->whole_count = 0;
}

static void shares_make(struct query_cursor *cursor, const struct plan_cube *wanted, const struct plan_table *table,
                        const struct choice *choice, struct shares *shares)
{
    const struct pruned *all = &choice->files[SCHEMA_LOGS_AND_SPANS];
    struct span span = asked_times(cursor, table, cursor->bounds.tables[wanted->table]);
    bool names_times = column_set_has(&table->seen, table->schema->timestamp);
    shares_create(&cursor->arena, choice, shares);
    for (uint32_t f = 0; f < all->count; f++) {
        struct timefusion_file *file = all->files[f];
        bool is_missing = false, is_taken = false;
        bool is_large = kept_is_large(cursor, file) && !shows_others(file, wanted, &choice->identity);
        bool is_whole = file->timestamp_min_us >= span.from_us && file->timestamp_max_us < span.end_us;
        if (is_large && is_whole) {
            struct cube *cube = cube_acquire(cursor, timefusion_file_hash(file), wanted, false, &is_missing);
            struct share *share = cube ? &shares->kinds[cube->kind - cube_kinds] : NULL;
            if (cube) whole_add(share, cube, file);
            is_taken = cube != NULL;
            shares->spared += is_taken;
            shares->missing += is_missing;
        } else if (is_large && names_times) {
            is_taken = cut_take(cursor, wanted, span, all, f, shares);
        }
        shares->count += is_taken;
        if (!is_taken) file_add(&shares->now, all, f);
    }
    for (uint32_t k = 0; k < cube_kind_count; k++) share_join(&shares->kinds[k]);
}

/* The columns that the select names, as k<n>, and what is counted of a line. */
static bool columns_put(struct buf *out, const struct plan_cube *wanted, const struct plan_table *table, bool is_cube)
{
    const struct schema_table *schema = table->schema;
    const char *measure = is_cube ? ", t_c, t_s, t_l, t_h"
                                  : ", CAST(k%d IS NOT NULL AS BIGINT) AS t_c, k%d AS t_s, k%d AS t_l, k%d AS t_h";
    int duration = schema_column_index(schema, BYTES(CUBE_MEASURE));
    bool ok = buf_printf(out, is_cube ? "SELECT t_n" : "SELECT CAST(1 AS BIGINT) AS t_n");
    for (uint32_t c = 0; ok && c < schema->column_count; c++) {
        if (!column_set_has(&wanted->keys, c) && !(c == schema->timestamp && column_set_has(&table->seen, c))) continue;
        ok = is_cube ? buf_printf(out, ", %s AS k%u", schema->columns[c].name, c) : buf_printf(out, ", k%u", c);
    }
    if (wanted->names_steps) ok = ok && buf_printf(out, is_cube ? ", t_d AS k%d" : ", k%d", duration);
    if (wanted->has_steps) ok = ok && buf_printf(out, is_cube ? ", t_d" : ", k%d AS t_d", duration);
    if (wanted->has_measure) ok = ok && buf_printf(out, measure, duration, duration, duration, duration);
    for (uint32_t c = 0; ok && c < schema->column_count; c++) {
        if (!column_set_has(&wanted->sketches, c)) continue;
        ok = is_cube ? buf_printf(out, ", \"u_%s\" AS t_u%u", schema->columns[c].name, c)
                     : buf_printf(out, ", mono_sketch(k%u) AS t_u%u", c, c);
    }
    return ok;
}

/* Before each of the relation's parts; they stand behind a bracket. */
static bool part_begin(struct buf *out)
{
    return out->len == 1 || buf_printf(out, " UNION ALL ");
}

static bool cubes_put(struct buf *out, const struct plan_cube *wanted, const struct plan_table *table,
                      struct cube *const *cubes, uint32_t count)
{
    bool ok = part_begin(out) && columns_put(out, wanted, table, true) && buf_printf(out, " FROM read_parquet([");
    for (uint32_t c = 0; ok && c < count; c++)
        ok = buf_printf(out, "%s'mono://%" PRIu64 "/" CUBE_NAME "'", c ? "," : "", cubes[c]->id, cubes[c]->id);
    return ok && buf_printf(out, "])");
}

/* WHERE: within the steps, or, is_rest, out of them. */
static bool steps_put(struct buf *out, const char *column, struct span steps, bool is_rest)
{
    bool ok = buf_printf(out, is_rest ? " WHERE NOT (true" : " WHERE (true");
    if (steps.from_us > INT64_MIN) ok = ok && buf_printf(out, " AND %s >= " LITERAL_TIME, column, steps.from_us);
    if (steps.end_us < INT64_MAX) ok = ok && buf_printf(out, " AND %s < " LITERAL_TIME, column, steps.end_us);
    return ok && buf_printf(out, ")");
}

/* Rows of these files, of all stored tables that the choice has otherwise when is_all. */
static bool rows_put(struct query_cursor *cursor, struct buf *out, const struct plan_cube *wanted,
                     const struct plan_table *table, const struct shares *shares, const struct pruned *files,
                     bool is_all, struct err *err)
{
    struct choice choice = shares->choice;
    for (uint32_t id = 0; !is_all && id < SCHEMA_TABLE_COUNT; id++) choice.files[id].count = 0;
    choice.files[SCHEMA_LOGS_AND_SPANS] = *files;
    const char *rows = choice_sql(cursor, wanted->table, &choice, err);
    return rows && columns_put(out, wanted, table, false) && buf_printf(out, " FROM %s AS t", rows);
}

static bool share_put(struct query_cursor *cursor, struct buf *out, const struct plan_cube *wanted,
                      const struct plan_table *table, const struct shares *shares, const struct share *share,
                      struct err *err)
{
    char time[16];
    bool ok = share->whole_count == 0 || cubes_put(out, wanted, table, share->whole, share->whole_count);
    snprintf(time, sizeof time, "k%u", table->schema->timestamp);
    if (share->cut_count > 0)
        ok = ok && cubes_put(out, wanted, table, share->cut, share->cut_count) &&
             steps_put(out, "\"timestamp\"", share->steps, false);
    if (share->rest.count > 0)
        ok = ok && part_begin(out) && rows_put(cursor, out, wanted, table, shares, &share->rest, false, err) &&
             steps_put(out, time, share->steps, true);
    return ok;
}

/* Are there rows that no cube stands for? Planning a relation that has none costs a quarter of such a statement's. */
static bool has_rows(const struct shares *shares)
{
    uint32_t files = shares->now.count, parts = 0;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        if (id != SCHEMA_LOGS_AND_SPANS) files += shares->choice.files[id].count;
    for (uint32_t k = 0; k < cube_kind_count; k++)
        parts += shares->kinds[k].whole_count + shares->kinds[k].cut_count + shares->kinds[k].rest.count;
    return files > 0 || parts == 0;
}

/* The select's table: rows of the files that cubes do not stand for, and the cubes' lines. */
static const char *relation_sql(struct query_cursor *cursor, const struct plan_cube *wanted,
                                const struct plan_table *table, const struct shares *shares, struct err *err)
{
    struct buf sql;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = buf_printf(&sql, "(");
    if (has_rows(shares)) ok = ok && rows_put(cursor, &sql, wanted, table, shares, &shares->now, true, err);
    for (uint32_t k = 0; ok && k < cube_kind_count; k++)
        ok = share_put(cursor, &sql, wanted, table, shares, &shares->kinds[k], err);
    ok = ok && buf_printf(&sql, ")");
    const char *text = ok ? arena_printf(&cursor->arena, "%.*s", (int)sql.len, (const char *)sql.ptr) : NULL;
    buf_deinit(&sql);
    if (!ok && err->code == ERR_OK)
        err_set(err, ERR_TOO_LARGE, "the query reads too many files; ask for a shorter time");
    return text;
}

static const char *select_sql(struct query_cursor *cursor, const struct plan_cube *wanted, const char *relation,
                              struct err *err)
{
    struct render render = cursor->render;
    const char **tables = arena_calloc(&cursor->arena, (cursor->plan->table_count + 1) * sizeof *tables);
    struct buf sql;
    tables[wanted->table] = relation;
    render.tables = tables;
    render.is_cubed = true;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = render_sql(&sql, wanted->whole, &render, err);
    const char *text = ok ? arena_printf(&cursor->arena, "%.*s", (int)sql.len, (const char *)sql.ptr) : NULL;
    buf_deinit(&sql);
    return text;
}

const char *cube_sql(struct query_cursor *cursor, uint32_t number, const struct choice *choice, struct err *err)
{
    const struct plan *plan = cursor->plan;
    const struct plan_cube *wanted = &plan->cubes[number];
    const struct plan_table *table = &plan->tables[wanted->table];
    if ((plan->kind != PLAN_SELECT && plan->kind != PLAN_EXPLAIN) || !cubes_are_on(cursor->session) ||
        choice->id_count > 0 || (choice->identity.present && column_set_is_empty(&wanted->sketches)) ||
        !kept_times_are_known(table, cursor->bounds.tables[wanted->table]))
        return NULL;
    struct shares shares;
    shares_make(cursor, wanted, table, choice, &shares);
    if (shares.missing > 0) cube_want(cursor->session->engine->cubes, cursor->session->project_id);
    /* Where many are missing, what is kept of all may be more. New files are always without at first. */
    if (shares.count == 0 || (shares.missing > shares.count / 4 && wanted->fold >= 0)) return NULL;
    const char *relation = relation_sql(cursor, wanted, table, &shares, err);
    const char *sql = relation ? select_sql(cursor, wanted, relation, err) : NULL;
    if (!sql) return NULL;
    cursor->files_opened -= shares.spared;
    cursor->files_cubed += shares.count;
    return sql;
}
