#include "timefusion/query/prune.h"
#include "base/uuid.h"
#include "timefusion/parquet/footer_select.h"
#include "timefusion/query/literal.h"
#include <stdio.h>
#include <stdlib.h>

#define IN_TEXTS_MAX       1000
#define BLOOM_TEXTS_MAX    100
#define BLOOM_BYTES_MAX    (1u << 20)
#define DAY_US             86400000000
#define WHOLE_BYTES_MAX    (1u << 20) /* of a file that is fetched in one piece */
#define WHOLE_FILES_MAX    32u
#define GROUPS_FETCHED_MAX 16u
#define GROUPS_BYTES_MAX   (32u << 20)

static bool is_list_op(enum condition_op op)
{
    return op == CONDITION_IN || op == CONDITION_HOLDS || op == CONDITION_OVERLAPS;
}

/* The value as one of four DuckDB types: BIGINT, DOUBLE, VARCHAR, VARCHAR[]. NULL: no use. */
static const char *bound_template(struct arena *arena, const struct plan_table *table,
                                  const struct condition *condition)
{
    enum query_type column = type_of_schema(table->schema->columns[condition->column].type);
    const char *value = condition->value;
    if (is_list_op(condition->op)) {
        if (column == QUERY_TYPE_TEXT || column == type_list_of(QUERY_TYPE_TEXT))
            return arena_printf(arena, "CAST(%s AS VARCHAR[])", value);
        if (column == QUERY_TYPE_UUID) return arena_printf(arena, "CAST(CAST(%s AS UUID[]) AS VARCHAR[])", value);
        return NULL;
    }
    switch (column) {
    case QUERY_TYPE_TIMESTAMPTZ: return arena_printf(arena, "epoch_us(CAST(%s AS TIMESTAMPTZ))", value);
    case QUERY_TYPE_DATE:
        if (condition->type == QUERY_TYPE_DATE)
            return arena_printf(arena, "CAST(CAST(%s AS DATE) - DATE '1970-01-01' AS BIGINT)", value);
        return arena_printf(arena, "epoch_us(CAST(%s AS TIMESTAMPTZ))", value);
    case QUERY_TYPE_INT4:
    case QUERY_TYPE_INT8:
        if (type_is_integer(condition->type)) return arena_printf(arena, "CAST(%s AS BIGINT)", value);
        return arena_printf(arena, "CAST(%s AS DOUBLE)", value);
    case QUERY_TYPE_FLOAT8: return arena_printf(arena, "CAST(%s AS DOUBLE)", value);
    case QUERY_TYPE_TEXT: return arena_printf(arena, "CAST(%s AS VARCHAR)", value);
    case QUERY_TYPE_UUID: return arena_printf(arena, "CAST(CAST(%s AS UUID) AS VARCHAR)", value);
    default: return NULL;
    }
}

static bool is_set(duckdb_vector vector)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    return !validity || (validity[0] & 1);
}

static struct bytes text_copy(struct arena *arena, duckdb_string_t *text)
{
    return arena_copy(arena, bytes_from(duckdb_string_t_data(text), duckdb_string_t_length(*text)));
}

static void texts_read(struct arena *arena, duckdb_vector vector, struct bound *bound)
{
    duckdb_list_entry entry = *(duckdb_list_entry *)duckdb_vector_get_data(vector);
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    duckdb_string_t *texts = duckdb_vector_get_data(child);
    uint64_t *validity = duckdb_vector_get_validity(child);
    bool has_null = false;
    if (entry.length > IN_TEXTS_MAX) return;
    bound->texts = arena_alloc(arena, (entry.length + 1) * sizeof *bound->texts);
    for (uint64_t i = entry.offset; i < entry.offset + entry.length; i++) {
        if (validity && !(validity[i / 64] >> (i % 64) & 1))
            has_null = true;
        else
            bound->texts[bound->text_count++] = text_copy(arena, &texts[i]);
    }
    /* A list that must be held wholly holds nothing when it is empty: every row passes. A NULL in it is DuckDB's to judge. */
    if (bound->op == CONDITION_HOLDS)
        bound->kind = has_null || bound->text_count == 0 ? BOUND_UNKNOWN : BOUND_TEXTS;
    else
        bound->kind = bound->text_count == 0 ? BOUND_NEVER : BOUND_TEXTS;
}

static void bound_read(struct arena *arena, duckdb_vector vector, struct bound *bound)
{
    duckdb_logical_type logical = duckdb_vector_get_column_type(vector);
    duckdb_type type = duckdb_get_type_id(logical);
    duckdb_destroy_logical_type(&logical);
    if (!is_set(vector)) {
        bound->kind = BOUND_NEVER;
        return;
    }
    void *data = duckdb_vector_get_data(vector);
    switch (type) {
    case DUCKDB_TYPE_BIGINT:
        bound->kind = BOUND_INTEGER;
        bound->integer = *(int64_t *)data;
        break;
    case DUCKDB_TYPE_DOUBLE:
        bound->number = *(double *)data;
        bound->kind = bound->number < 0 || bound->number >= 0 ? BOUND_NUMBER : BOUND_UNKNOWN; /* not a NaN */
        break;
    case DUCKDB_TYPE_VARCHAR:
        bound->kind = BOUND_TEXTS;
        bound->texts = arena_alloc(arena, sizeof *bound->texts);
        bound->texts[0] = text_copy(arena, data);
        bound->text_count = 1;
        break;
    case DUCKDB_TYPE_LIST: texts_read(arena, vector, bound); break;
    default: break;
    }
}

static void kind_fold(const struct plan_table *table, struct bound *bound)
{
    if (strcmp(table->schema->columns[bound->column].name, "kind") != 0 || table->schema->id != SCHEMA_LOGS_AND_SPANS)
        return;
    if (bound->op != CONDITION_EQ && bound->op != CONDITION_IN) return;
    for (uint32_t i = 0; i < bound->text_count; i++)
        for (size_t c = 0; c < bound->texts[i].len; c++) {
            uint8_t *letter = (uint8_t *)(uintptr_t)&bound->texts[i].ptr[c]; /* our copy */
            if (*letter >= 'A' && *letter <= 'Z') *letter |= 0x20;
        }
}

static int64_t integer_at(duckdb_data_chunk chunk, idx_t column)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
    return is_set(vector) ? *(int64_t *)duckdb_vector_get_data(vector) : -1;
}

/* Values that say what they are: a time as a number, a text in quotes, an id. DuckDB need not be asked for these. */
static bool bound_is_plain(struct arena *arena, const struct plan_table *table, const struct condition *condition,
                           struct bytes value, struct bound *bound)
{
    static const char open[] = LITERAL_TIME_OPEN, close[] = ")";
    static const char id_open[] = "CAST('", id_close[] = "' AS UUID)";
    enum query_type column = type_of_schema(table->schema->columns[condition->column].type);
    const char *text = (const char *)value.ptr; /* ends with a zero */
    struct uuid uuid;
    char id[UUID_TEXT_BYTES + 1];
    if (is_list_op(condition->op)) return false;
    if (column == QUERY_TYPE_TIMESTAMPTZ && strncmp(text, open, sizeof open - 1) == 0) {
        char *end;
        bound->integer = strtoll(text + sizeof open - 1, &end, 10);
        if (end == text + sizeof open - 1 || strcmp(end, close) != 0) return false;
        bound->kind = BOUND_INTEGER;
        return true;
    }
    if (column == QUERY_TYPE_UUID && value.len == sizeof id_open - 1 + UUID_TEXT_BYTES + sizeof id_close - 1 &&
        memcmp(text, id_open, sizeof id_open - 1) == 0 &&
        strcmp(text + value.len - (sizeof id_close - 1), id_close) == 0 &&
        uuid_from_text(bytes_from(text + sizeof id_open - 1, UUID_TEXT_BYTES), &uuid)) {
        uuid_to_text(uuid, id);
        value = bytes_of_text(id);
    } else if (column == QUERY_TYPE_TEXT && value.len >= 2 && text[0] == '\'' && text[value.len - 1] == '\'' &&
               !memchr(text + 1, '\'', value.len - 2)) {
        value = bytes_from(text + 1, value.len - 2);
    } else {
        return false;
    }
    bound->kind = BOUND_TEXTS;
    bound->texts = arena_alloc(arena, sizeof *bound->texts);
    bound->texts[0] = arena_copy(arena, value);
    bound->text_count = 1;
    return true;
}

/* LIMIT and OFFSET where they are written as numbers. */
static bool walk_is_plain(const struct plan *plan, struct bounds *bounds)
{
    const char *limit = plan->walk_limit, *offset = plan->walk_offset ? plan->walk_offset : "0";
    size_t limit_len = strspn(limit, "0123456789"), offset_len = strspn(offset, "0123456789");
    if (limit[limit_len] || offset[offset_len] || limit_len == 0 || offset_len == 0 || limit_len > 9 || offset_len > 9)
        return false;
    bounds->walk_limit = strtoll(limit, NULL, 10);
    bounds->walk_offset = strtoll(offset, NULL, 10);
    return true;
}

void bounds_make(struct query_session *session, struct lane *lane, const struct render *render, struct arena *arena,
                 struct bounds *bounds)
{
    const struct plan *plan = render->plan;
    struct buf sql;
    struct err err = { .code = ERR_OK };
    struct bound **order = arena_alloc(arena, sizeof *order);
    uint32_t count = 0, total = 0;
    *bounds = (struct bounds){ .walk_limit = -1, .walk_offset = -1 };
    for (uint32_t t = 0; t < plan->table_count; t++) total += plan->tables[t].condition_count;
    if (total == 0 && !plan->is_walk) return;
    order = arena_alloc(arena, (total + 1) * sizeof *order);
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = buf_add(&sql, "SELECT ", 7);
    for (uint32_t t = 0; t < plan->table_count; t++) {
        const struct plan_table *table = &plan->tables[t];
        bounds->tables[t] = arena_calloc(arena, (table->condition_count + 1) * sizeof(struct bound));
        for (uint32_t c = 0; ok && c < table->condition_count; c++) {
            struct bound *bound = &bounds->tables[t][c];
            *bound = (struct bound){ .column = table->conditions[c].column,
                                     .op = table->conditions[c].op,
                                     .type = table->conditions[c].type };
            size_t from = sql.len;
            bool is_plain = render_sql(&sql, table->conditions[c].value, render, &err) && buf_add(&sql, "", 1);
            is_plain = is_plain && bound_is_plain(arena, table, &table->conditions[c],
                                                  bytes_from(sql.ptr + from, sql.len - from - 1), bound);
            sql.len = from;
            if (is_plain) continue;
            const char *template = bound_template(arena, table, &table->conditions[c]);
            if (!template) continue;
            ok = (count == 0 || buf_add(&sql, ", ", 2)) && render_sql(&sql, template, render, &err);
            order[count++] = bound;
        }
    }
    bool asks_walk = plan->is_walk && !walk_is_plain(plan, bounds);
    if (asks_walk) {
        ok = ok && (count == 0 || buf_add(&sql, ", ", 2)) && buf_printf(&sql, "CAST(") &&
             render_sql(&sql, plan->walk_limit, render, &err) && buf_printf(&sql, " AS BIGINT), CAST(") &&
             render_sql(&sql, plan->walk_offset ? plan->walk_offset : "0", render, &err) &&
             buf_printf(&sql, " AS BIGINT)");
    }
    duckdb_result result;
    ok = ok && (count > 0 || asks_walk) && buf_add(&sql, "", 1) && lane_begin(session, lane, &err);
    if (ok) {
        ok = engine_query(lane->connection, (const char *)sql.ptr, &result, &err);
        lane_end(session);
        duckdb_data_chunk chunk = ok ? duckdb_fetch_chunk(result) : NULL;
        if (chunk && duckdb_data_chunk_get_size(chunk) == 1) {
            for (uint32_t i = 0; i < count; i++) bound_read(arena, duckdb_data_chunk_get_vector(chunk, i), order[i]);
            if (asks_walk) {
                bounds->walk_limit = integer_at(chunk, count);
                bounds->walk_offset = integer_at(chunk, count + 1);
            }
        }
        if (chunk) duckdb_destroy_data_chunk(&chunk);
        if (ok) duckdb_destroy_result(&result);
    }
    buf_deinit(&sql);
    for (uint32_t t = 0; t < plan->table_count; t++)
        for (uint32_t c = 0; bounds->tables[t] && c < plan->tables[t].condition_count; c++)
            kind_fold(&plan->tables[t], &bounds->tables[t][c]);
}

void bounds_kinds(const struct plan_table *table, const struct bound *bounds, bool *logs, bool *points)
{
    *logs = true;
    *points = table->source == PLAN_TELEMETRY;
    bool may_be_point = *points, names_point = false;
    if (table->source == PLAN_METRICS) return;
    for (uint32_t c = 0; bounds && c < table->condition_count; c++) {
        const struct bound *bound = &bounds[c];
        if (strcmp(table->schema->columns[bound->column].name, "kind") != 0 || bound->kind != BOUND_TEXTS ||
            (bound->op != CONDITION_EQ && bound->op != CONDITION_IN))
            continue;
        bool has_point = false, has_other = false;
        for (uint32_t i = 0; i < bound->text_count; i++) {
            bool is_point = bytes_equal(bound->texts[i], BYTES("metric"));
            has_point = has_point || is_point;
            has_other = has_other || !is_point;
        }
        *logs = *logs && has_other;
        names_point = names_point || has_point;
        if (!has_point) may_be_point = false;
        *points = has_point && (table->source == PLAN_LOGS_AND_SPANS ? names_point : may_be_point);
        if (!has_point) return;
    }
}

/* The column of the stored table that a condition on the shown table asks; -1 none there: NULL for every row; -2 do not know. */
static int stored_column(const struct plan_table *table, const struct schema_table *stored, uint32_t column)
{
    if (table->schema == stored) return (int)column;
    const char *name = table->schema->columns[column].name;
    static const char *const made[] = { "kind", "body", "summary", "attributes", "resource" };
    for (size_t i = 0; i < COUNT_OF(made); i++)
        if (strcmp(made[i], name) == 0) return -2;
    if (strcmp(name, "name") == 0)
        name = "metric_name";
    else if (strcmp(name, "start_time") == 0)
        name = "start_timestamp";
    else if (strcmp(name, "observed_timestamp") == 0)
        name = "ingested_at";
    int own = schema_column_index(stored, bytes_of_text(name));
    if (own >= 0 && stored->columns[own].type != table->schema->columns[column].type) return -2;
    return own;
}

/* May any value in [min, max] pass? */
static bool integers_may_pass(const struct bound *bound, int64_t min, int64_t max)
{
    if (bound->kind == BOUND_NUMBER) { /* rounding keeps the order: only what lies strictly outside is out */
        switch (bound->op) {
        case CONDITION_LT:
        case CONDITION_LE: return !((double)min > bound->number);
        case CONDITION_GT:
        case CONDITION_GE: return !((double)max < bound->number);
        case CONDITION_EQ: return !((double)min > bound->number) && !((double)max < bound->number);
        default: return true;
        }
    }
    if (bound->kind != BOUND_INTEGER) return true;
    switch (bound->op) {
    case CONDITION_LT: return min < bound->integer;
    case CONDITION_LE: return min <= bound->integer;
    case CONDITION_GT: return max > bound->integer;
    case CONDITION_GE: return max >= bound->integer;
    case CONDITION_EQ: return min <= bound->integer && max >= bound->integer;
    default: return true;
    }
}

static bool numbers_may_pass(const struct bound *bound, double min, double max)
{
    if (bound->kind != BOUND_NUMBER || !(min <= max)) return true;
    switch (bound->op) { /* NaN is above all numbers to DuckDB and in no statistics: GT and GE cannot be judged */
    case CONDITION_LT: return min < bound->number;
    case CONDITION_LE: return min <= bound->number;
    case CONDITION_EQ: return min <= bound->number && max >= bound->number;
    default: return true;
    }
}

static bool texts_may_pass(const struct bound *bound, struct bytes min, struct bytes max)
{
    if (bound->kind != BOUND_TEXTS || bound->text_count == 0) return true;
    struct bytes first = bound->texts[0];
    switch (bound->op) {
    case CONDITION_LT: return bytes_compare(min, first) < 0;
    case CONDITION_LE: return bytes_compare(min, first) <= 0;
    case CONDITION_GT: return bytes_compare(max, first) >= 0; /* max may be a cut one */
    case CONDITION_GE: return bytes_compare(max, first) >= 0;
    default: break;
    }
    bool is_all = bound->op == CONDITION_HOLDS;
    for (uint32_t i = 0; i < bound->text_count; i++) {
        bool may_be = bytes_compare(min, bound->texts[i]) <= 0 && bytes_compare(max, bound->texts[i]) >= 0;
        if (may_be != is_all) return may_be;
    }
    return is_all;
}

static bool day_may_pass(const struct bound *bound, int32_t day)
{
    if (bound->kind != BOUND_INTEGER) return true;
    if (bound->type == QUERY_TYPE_DATE) return integers_may_pass(bound, day, day);
    /* A time: its day in the session's zone may be one off ours. */
    struct bound near = *bound;
    near.integer = bound->integer / DAY_US + (bound->op == CONDITION_LT || bound->op == CONDITION_LE ? 2
                                              : bound->op == CONDITION_EQ                            ? 0
                                                                                                     : -2);
    return bound->op == CONDITION_EQ || integers_may_pass(&near, day, day);
}

static bool bloom_may_pass(const struct bound *bound, struct timefusion_file *file,
                           const struct parquet_column_stats *stats, struct buf *bloom)
{
    if (stats->bloom_bytes == 0 || stats->bloom_bytes > BLOOM_BYTES_MAX || bound->kind != BOUND_TEXTS ||
        bound->text_count > BLOOM_TEXTS_MAX)
        return true;
    if (bound->op != CONDITION_EQ && !is_list_op(bound->op)) return true;
    struct err err = { .code = ERR_OK };
    bloom->len = 0;
    if (!buf_reserve(bloom, stats->bloom_bytes)) return true;
    if (!timefusion_file_read(file, stats->bloom_offset, bloom->ptr, stats->bloom_bytes, &err))
        return true; /* DuckDB will say so when it reads */
    struct bytes bytes = bytes_from(bloom->ptr, stats->bloom_bytes);
    bool is_all = bound->op == CONDITION_HOLDS;
    for (uint32_t i = 0; i < bound->text_count; i++) {
        bool may_be = parquet_bloom_may_hold(bytes, bound->texts[i]);
        if (may_be != is_all) return may_be;
    }
    return is_all;
}

static bool stats_may_pass(const struct bound *bound, const struct schema_column *column,
                           const struct parquet_column_stats *stats)
{
    if (stats->value_count > 0 && stats->null_count == stats->value_count &&
        !(bound->op == CONDITION_HOLDS && bound->kind != BOUND_TEXTS))
        return false; /* NULL passes nothing */
    if (!stats->has_min_max) return true;
    switch (column->type) {
    case SCHEMA_TYPE_TIMESTAMPTZ:
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT: return integers_may_pass(bound, stats->min.integer, stats->max.integer);
    case SCHEMA_TYPE_DOUBLE: return numbers_may_pass(bound, stats->min.number, stats->max.number);
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_TEXT_LIST: return texts_may_pass(bound, stats->min.text, stats->max.text);
    default: return true;
    }
}

struct question { /* a condition, as this stored table can answer it */
    const struct bound *bound;
    int column;
};

static bool group_may_pass(const struct question *questions, uint32_t count, struct timefusion_file *file,
                           const struct schema_table *schema, const struct parquet_row_group *group, bool ask_blooms,
                           struct buf *bloom)
{
    for (uint32_t q = 0; q < count; q++) {
        const struct schema_column *column = &schema->columns[questions[q].column];
        if (schema_column_is_stored(column) &&
            !stats_may_pass(questions[q].bound, column, &group->columns[questions[q].column]))
            return false;
    }
    for (uint32_t q = 0; ask_blooms && q < count; q++)
        if (schema_column_is_stored(&schema->columns[questions[q].column]) &&
            !bloom_may_pass(questions[q].bound, file, &group->columns[questions[q].column], bloom))
            return false;
    return true;
}

/* The row groups of a file, of those in groups, that may hold a row that passes. What the index has narrowed needs no
 * blooms: it knows more. */
static uint64_t groups_of_footer(const struct question *questions, uint32_t count, struct timefusion_file *file,
                                 const struct schema_table *schema, const struct parquet_footer *footer,
                                 uint64_t groups, struct buf *bloom)
{
    uint64_t passing = 0;
    bool ask_blooms = groups == INDEX_GROUPS_ANY;
    for (uint32_t g = 0; g < footer->row_group_count; g++) {
        uint64_t bit = (uint64_t)1 << (g < 63 ? g : 63);
        if (!(groups & bit) || (passing & bit)) continue;
        if (group_may_pass(questions, count, file, schema, &footer->row_groups[g], ask_blooms, bloom)) passing |= bit;
    }
    return passing;
}

static void warning_add(struct arena *arena, struct prune_warning **warnings, const char *text)
{
    struct prune_warning *warning = arena_alloc(arena, sizeof *warning);
    *warning = (struct prune_warning){ .next = *warnings, .text = text };
    *warnings = warning;
}

/* What the index knows of these files: groups by file of the snapshot. */
static void groups_narrow(const struct question *questions, uint32_t count, const struct timefusion_snapshot *snapshot,
                          uint64_t *groups)
{
    for (uint32_t q = 0; q < count; q++) {
        const struct bound *bound = questions[q].bound;
        if (bound->kind != BOUND_TEXTS || (bound->op != CONDITION_EQ && !is_list_op(bound->op))) continue;
        (void)timefusion_snapshot_narrow(snapshot, (uint32_t)questions[q].column, bound->texts, bound->text_count,
                                         bound->op == CONDITION_HOLDS, groups);
    }
}

/* By what the table itself tells of a file: its day, its times. */
static bool file_may_pass(const struct question *questions, uint32_t count, const struct schema_table *schema,
                          const struct timefusion_file *file)
{
    for (uint32_t q = 0; q < count; q++) {
        uint32_t column = (uint32_t)questions[q].column;
        if (column == schema->timestamp &&
            !integers_may_pass(questions[q].bound, file->timestamp_min_us, file->timestamp_max_us))
            return false;
        if (column == schema->date && !day_may_pass(questions[q].bound, file->day)) return false;
    }
    return true;
}

/* Bytes of the files that are left, side by side: small ones that the index has singled out as a whole, they are about to
 * be read; of others the footers. */
static void files_fetch(const struct timefusion_snapshot *snapshot, const uint64_t *groups)
{
    struct timefusion_file **files = mem_alloc(snapshot->file_count * sizeof(struct timefusion_file *));
    struct timefusion_fetch *fetches = mem_alloc(snapshot->file_count * sizeof *fetches);
    uint32_t count = 0, fetch_count = 0;
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        struct timefusion_file *file = snapshot->files[f];
        if (groups[f] == 0 || file->origin != TIMEFUSION_DELTA) continue;
        files[count++] = file;
        if (groups[f] == INDEX_GROUPS_ANY) continue;
        size_t len = file->bytes <= WHOLE_BYTES_MAX ? (size_t)file->bytes : timefusion_footer_bytes(file);
        fetches[fetch_count++] = (struct timefusion_fetch){ .file = file, .offset = file->bytes - len, .len = len };
    }
    if (fetch_count <= WHOLE_FILES_MAX) timefusion_fetch(fetches, fetch_count);
    timefusion_fetch_footers(files, count);
    free(files);
    free(fetches);
}

/* Where a row group's pages and blooms lie. */
static struct timefusion_fetch group_extent(struct timefusion_file *file, const struct parquet_footer *footer,
                                            const struct parquet_row_group *group)
{
    uint64_t from = UINT64_MAX, to = 0;
    for (uint32_t c = 0; c < footer->table->column_count; c++) {
        const struct parquet_column_stats *stats = &group->columns[c];
        if (stats->chunk_bytes == 0) continue;
        if (stats->chunk_offset < from) from = stats->chunk_offset;
        if (stats->chunk_offset + stats->chunk_bytes > to) to = stats->chunk_offset + stats->chunk_bytes;
    }
    for (uint32_t c = 0; c < footer->table->column_count; c++) { /* ours stand right behind the pages */
        const struct parquet_column_stats *stats = &group->columns[c];
        if (stats->bloom_bytes > 0 && stats->bloom_offset >= to && stats->bloom_offset - to < BLOOM_BYTES_MAX)
            to = stats->bloom_offset + stats->bloom_bytes;
    }
    if (from >= to) return (struct timefusion_fetch){ .file = file };
    return (struct timefusion_fetch){ .file = file, .offset = from, .len = (size_t)(to - from) };
}

/* The row groups that the index has left of large files, side by side, when they are few: DuckDB would ask for each column of
 * each by itself, one after the other. */
static void groups_fetch(const struct pruned *pruned)
{
    struct timefusion_fetch fetches[GROUPS_FETCHED_MAX];
    uint32_t count = 0;
    uint64_t bytes = 0;
    for (uint32_t f = 0; f < pruned->count; f++) {
        const struct parquet_footer *footer;
        struct err ignored = { .code = ERR_OK };
        struct timefusion_file *file = pruned->files[f];
        if (pruned->groups[f] == INDEX_GROUPS_ANY || file->bytes <= WHOLE_BYTES_MAX ||
            !timefusion_file_footer(file, &footer, &ignored))
            continue;
        for (uint32_t g = 0; g < footer->row_group_count; g++) {
            if (!parquet_group_is_in(pruned->groups[f], g)) continue;
            if (count == GROUPS_FETCHED_MAX) return;
            fetches[count] = group_extent(file, footer, &footer->row_groups[g]);
            bytes += fetches[count++].len;
        }
    }
    if (bytes <= GROUPS_BYTES_MAX) timefusion_fetch(fetches, count);
}

/* Bits by file of the snapshot: row groups that may hold a row that passes; 0: the file is out. False: none can. */
static bool groups_first(const struct plan_table *table, const struct bound *bounds,
                         const struct timefusion_snapshot *snapshot, struct question *questions,
                         uint32_t *question_count, uint64_t *groups)
{
    const struct schema_table *schema = snapshot->table;
    for (uint32_t c = 0; bounds && c < table->condition_count; c++) {
        if (bounds[c].kind == BOUND_UNKNOWN) continue;
        if (bounds[c].kind == BOUND_NEVER) return false;
        int column = stored_column(table, schema, bounds[c].column);
        if (column == -1) return false;
        if (column < 0) continue;
        questions[(*question_count)++] = (struct question){ .bound = &bounds[c], .column = column };
    }
    for (uint32_t f = 0; f < snapshot->file_count; f++)
        groups[f] = file_may_pass(questions, *question_count, schema, snapshot->files[f]) ? INDEX_GROUPS_ANY : 0;
    groups_narrow(questions, *question_count, snapshot, groups);
    return true;
}

void prune_files(const struct plan_table *table, const struct bound *bounds, const struct timefusion_snapshot *snapshot,
                 struct arena *arena, struct pruned *pruned, struct prune_warning **warnings)
{
    struct question *questions = arena_alloc(arena, (table->condition_count + 1) * sizeof *questions);
    uint64_t *groups = arena_alloc(arena, (snapshot->file_count + 1) * sizeof *groups);
    uint32_t question_count = 0;
    *pruned = (struct pruned){ 0 };
    if (!groups_first(table, bounds, snapshot, questions, &question_count, groups)) return;
    bool needs_footer = false;
    for (uint32_t q = 0; q < question_count; q++)
        needs_footer = needs_footer || ((uint32_t)questions[q].column != snapshot->table->timestamp &&
                                        (uint32_t)questions[q].column != snapshot->table->date);
    files_fetch(snapshot, groups);
    pruned->files = arena_alloc(arena, (snapshot->file_count + 1) * sizeof(struct timefusion_file *));
    pruned->groups = arena_alloc(arena, (snapshot->file_count + 1) * sizeof *pruned->groups);
    struct buf bloom;
    buf_init(&bloom, BLOOM_BYTES_MAX);
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        struct timefusion_file *file = snapshot->files[f];
        const struct parquet_footer *footer;
        struct err err = { .code = ERR_OK };
        if (groups[f] == 0) continue;
        if (!timefusion_file_footer(file, &footer, &err)) {
            /* One damaged file does not take the rest with it, but it is named. */
            warning_add(arena, warnings,
                        arena_printf(arena, "file \"%s\" cannot be read, up to %llu rows are missing: %s", file->name,
                                     (unsigned long long)file->row_count, err.text));
            continue;
        }
        uint64_t left = groups[f];
        if (needs_footer)
            left = groups_of_footer(questions, question_count, file, snapshot->table, footer, groups[f], &bloom);
        if (left == 0) continue;
        pruned->groups[pruned->count] = groups[f] == INDEX_GROUPS_ANY ? INDEX_GROUPS_ANY : left;
        pruned->files[pruned->count++] = file;
    }
    buf_deinit(&bloom);
    groups_fetch(pruned);
}
