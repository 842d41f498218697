#include "timefusion/query/identity.h"
#include "timefusion/query/literal.h"
#include <inttypes.h>
#include <stdlib.h>

/* Fields by place; all but the first are the user's. */
#define SESSION 0
#define USER_ID 1
#define DAY_US  86400000000

const uint32_t identity_columns[IDENTITY_FIELDS] = {
    LOGS_AND_SPANS_attributes___session___id, LOGS_AND_SPANS_attributes___user___id,
    LOGS_AND_SPANS_attributes___user___email, LOGS_AND_SPANS_attributes___user___full_name,
    LOGS_AND_SPANS_attributes___user___name,  LOGS_AND_SPANS_attributes___user___hash,
};
#define TRACE     LOGS_AND_SPANS_context___trace_id
#define TIMESTAMP LOGS_AND_SPANS_timestamp

/* ---- which files ---- */

/* A user is one thing: asking for one of its fields needs all, to tell users apart. */
static uint32_t fields_wanted(const struct plan_table *table)
{
    uint32_t wanted = 0, user = (1u << IDENTITY_FIELDS) - 1 - (1u << SESSION);
    for (int field = 0; field < IDENTITY_FIELDS; field++)
        if (column_set_has(&table->seen, identity_columns[field])) wanted |= field == SESSION ? 1u << SESSION : user;
    return wanted;
}

/* column = a text, or IN texts, which we can name as well. */
static bool is_equality(const struct bound *bound)
{
    if (bound->kind != BOUND_TEXTS || (bound->op != CONDITION_EQ && bound->op != CONDITION_IN)) return false;
    for (uint32_t i = 0; i < bound->text_count; i++)
        if (!identity_can_name(bound->texts[i])) return false;
    return true;
}

static int64_t moved(int64_t time_us, int64_t by_us)
{
    int64_t sum;
    if (__builtin_add_overflow(time_us, by_us, &sum)) return by_us < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

/* The times that conditions allow, an hour wider at both ends. */
static void window_make(struct identity *identity, const struct plan_table *table, const struct bound *bounds)
{
    identity->from_us = INT64_MIN;
    identity->to_us = INT64_MAX;
    for (uint32_t c = 0; bounds && c < table->condition_count; c++) {
        const struct bound *bound = &bounds[c];
        bool is_date = bound->column == table->schema->date && bound->type == QUERY_TYPE_DATE;
        if (bound->kind != BOUND_INTEGER || (bound->column != table->schema->timestamp && !is_date)) continue;
        int64_t first_us = bound->integer, last_us = bound->integer;
        if (is_date) {
            if (bound->integer < -1000000 || bound->integer > 1000000) continue;
            first_us = bound->integer * DAY_US;
            last_us = first_us + DAY_US;
        }
        bool is_low = bound->op == CONDITION_EQ || bound->op == CONDITION_GT || bound->op == CONDITION_GE;
        bool is_high = bound->op == CONDITION_EQ || bound->op == CONDITION_LT || bound->op == CONDITION_LE;
        if (is_low && first_us > identity->from_us) identity->from_us = first_us;
        if (is_high && last_us < identity->to_us) identity->to_us = last_us;
    }
    if (identity->from_us > INT64_MIN) identity->from_us = moved(identity->from_us, -IDENTITY_MARGIN_US);
    if (identity->to_us < INT64_MAX) identity->to_us = moved(identity->to_us, IDENTITY_MARGIN_US);
}

/* prune_files by conditions of our own making. */
static void files_of(const struct bound *bounds, uint32_t count, const struct timefusion_snapshot *snapshot,
                     struct arena *arena, struct pruned *pruned, struct prune_warning **warnings)
{
    struct plan_table table = { .source = PLAN_LOGS_AND_SPANS, .schema = snapshot->table, .condition_count = count };
    prune_files(&table, bounds, snapshot, arena, pruned, warnings);
}

/* The fields of wanted that the file has values of. In doubt it has. */
static uint32_t file_fields(struct timefusion_file *file, uint32_t wanted)
{
    const struct parquet_footer *footer;
    struct err err = { .code = ERR_OK };
    uint32_t fields = 0;
    if (!timefusion_file_footer(file, &footer, &err)) return wanted; /* prune_files has told */
    for (int field = 0; field < IDENTITY_FIELDS; field++) {
        const struct parquet_column_stats *stats = &footer->file_columns[identity_columns[field]];
        bool has_none = stats->has_null_count && stats->null_count == stats->value_count;
        if ((wanted & 1u << field) && !has_none) fields |= 1u << field;
    }
    return fields;
}

static struct bound time_bound(enum condition_op op, int64_t time_us)
{
    return (struct bound){
        .column = TIMESTAMP, .op = op, .type = QUERY_TYPE_TIMESTAMPTZ, .kind = BOUND_INTEGER, .integer = time_us
    };
}

static struct bound trace_bound(const struct identity *identity)
{
    return (struct bound){ .column = TRACE,
                           .op = CONDITION_IN,
                           .type = QUERY_TYPE_TEXT,
                           .kind = identity->trace_count > 0 ? BOUND_TEXTS : BOUND_NEVER,
                           .texts = identity->traces,
                           .text_count = identity->trace_count };
}

/* value: a condition that every row that gives must pass, or NULL. */
static void files_choose(struct identity *identity, uint32_t wanted, const struct bound *value,
                         const struct timefusion_snapshot *snapshot, struct arena *arena,
                         struct prune_warning **warnings)
{
    struct bound bounds[4];
    uint32_t count = 0, kept = 0;
    bounds[count++] = time_bound(CONDITION_GE, identity->from_us);
    bounds[count++] = time_bound(CONDITION_LE, identity->to_us);
    if (identity->has_traces) bounds[count++] = trace_bound(identity);
    if (value) bounds[count++] = *value;
    files_of(bounds, count, snapshot, arena, &identity->files, warnings);
    identity->present = 0;
    for (uint32_t f = 0; f < identity->files.count; f++) {
        uint32_t fields = file_fields(identity->files.files[f], wanted);
        if (fields == 0) continue;
        identity->present |= fields;
        identity->files.groups[kept] = identity->files.groups[f];
        identity->files.files[kept++] = identity->files.files[f];
    }
    identity->files.count = kept;
}

bool identity_can_name(struct bytes trace)
{
    return trace.len == 0 || !memchr(trace.ptr, '\0', trace.len);
}

static int range_order(const void *a, const void *b)
{
    const struct identity_range *left = a, *right = b;
    return (left->from_us > right->from_us) - (left->from_us < right->from_us);
}

uint32_t identity_ranges_merge(struct identity_range *ranges, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 1) qsort(ranges, count, sizeof *ranges, range_order);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || ranges[i].from_us > ranges[kept - 1].to_us)
            ranges[kept++] = ranges[i];
        else if (ranges[i].to_us > ranges[kept - 1].to_us)
            ranges[kept - 1].to_us = ranges[i].to_us;
    }
    return kept;
}

static bool ranges_touch(const struct identity *identity, const struct timefusion_file *file)
{
    bool is_within = identity->map == 0; /* they are not known */
    for (uint32_t r = 0; !is_within && r < identity->range_count; r++)
        is_within = identity->ranges[r].from_us <= file->timestamp_max_us &&
                    identity->ranges[r].to_us >= file->timestamp_min_us;
    return is_within;
}

static int text_order(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

uint32_t identity_traces_sort(struct bytes *traces, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 1) qsort(traces, count, sizeof *traces, text_order);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || !bytes_equal(traces[kept - 1], traces[i])) traces[kept++] = traces[i];
    return kept;
}

void identity_narrow(struct identity *identity, struct bytes *traces, uint32_t count,
                     const struct timefusion_snapshot *snapshot, struct arena *arena, struct prune_warning **warnings)
{
    identity->has_traces = true;
    identity->traces = traces;
    identity->trace_count = identity_traces_sort(traces, count);
    files_choose(identity, identity->present, NULL, snapshot, arena, warnings);
}

void identity_of_asked(struct identity *identity, const struct timefusion_snapshot *snapshot, struct arena *arena,
                       struct prune_warning **warnings)
{
    files_choose(identity, 1u << identity->asked, identity->asked_bound, snapshot, arena, warnings);
}

void identity_choose(struct identity *identity, const struct plan_table *table, const struct bound *bounds,
                     const struct timefusion_snapshot *snapshot, struct arena *arena, struct prune_warning **warnings)
{
    uint32_t wanted = fields_wanted(table);
    *identity = (struct identity){ .asked = -1 };
    if (wanted == 0) return;
    window_make(identity, table, bounds);
    for (uint32_t c = 0; bounds && c < table->condition_count; c++) {
        const struct bound *bound = &bounds[c];
        int field = identity_field(table->schema, bound->column);
        if (!is_equality(bound)) continue;
        if (bound->column == TRACE && !identity->has_traces) {
            identity->traces = arena_alloc(arena, (bound->text_count + 1) * sizeof *identity->traces);
            memcpy(identity->traces, bound->texts, bound->text_count * sizeof *identity->traces);
            identity->trace_count = identity_traces_sort(identity->traces, bound->text_count);
            identity->has_traces = true;
        } else if (field >= 0 && identity->asked < 0) {
            identity->asked = field;
            identity->asked_bound = bound;
        }
    }
    if (identity->has_traces) identity->asked = -1; /* known already which traces matter */
    files_choose(identity, wanted, NULL, snapshot, arena, warnings);
    if (identity->asked >= 0 && !(identity->present & 1u << identity->asked)) identity->present = 0; /* nobody has it */
}

/* Fields that the reference shows, by bit. */
static uint32_t fields_shown(const struct plan_table *table)
{
    uint32_t shown = 0;
    for (int field = 0; field < IDENTITY_FIELDS; field++)
        if (column_set_has(&table->seen, identity_columns[field])) shown |= 1u << field;
    return shown;
}

bool identity_missing_are_few(const struct identity *identity, const struct plan_table *table, struct pruned *files,
                              uint64_t *count)
{
    uint32_t shown = fields_shown(table) & identity->present, kept = 0; /* others nobody has */
    uint64_t rows = 0;
    *count = 0;
    for (uint32_t f = 0; f < files->count; f++) {
        const struct parquet_footer *footer;
        struct err err = { .code = ERR_OK };
        uint64_t most = 0;
        if (!timefusion_file_footer(files->files[f], &footer, &err)) return false; /* prune_files has told */
        for (int field = 0; field < IDENTITY_FIELDS; field++) {
            if (!(shown & 1u << field)) continue;
            const struct parquet_column_stats *stats = &footer->file_columns[identity_columns[field]];
            if (!stats->has_null_count) return false;
            most += stats->value_count < footer->row_count ? footer->row_count : stats->null_count;
        }
        rows += footer->row_count;
        *count += most;
        if (most == 0) continue;
        if (files->groups) files->groups[kept] = files->groups[f];
        files->files[kept++] = files->files[f];
    }
    files->count = kept;
    return *count <= IDENTITY_MISSING_MAX && *count <= rows / IDENTITY_MISSING_SHARE;
}

void identity_prune(const struct identity *identity, const struct plan_table *table, const struct bound *bounds,
                    const struct timefusion_snapshot *snapshot, struct arena *arena, struct pruned *pruned,
                    struct prune_warning **warnings)
{
    struct bound *others = arena_alloc(arena, (table->condition_count + 1) * sizeof *others);
    uint32_t count = 0;
    for (uint32_t c = 0; bounds && c < table->condition_count; c++)
        if (identity_field(table->schema, bounds[c].column) < 0 || bounds[c].kind == BOUND_NEVER)
            others[count++] = bounds[c];
    if (identity->asked < 0 || !identity->has_traces) {
        files_of(others, count, snapshot, arena, pruned, warnings);
        return;
    }
    /* Rows that have the value themselves, and rows of its traces. */
    struct pruned own, traced;
    others[count] = *identity->asked_bound;
    files_of(others, count + 1, snapshot, arena, &own, warnings);
    others[count] = trace_bound(identity);
    files_of(others, count + 1, snapshot, arena, &traced, warnings);
    pruned->files = arena_alloc(arena, (snapshot->file_count + 1) * sizeof(struct timefusion_file *));
    pruned->groups = arena_alloc(arena, (snapshot->file_count + 1) * sizeof *pruned->groups);
    pruned->count = 0;
    for (uint32_t f = 0, o = 0, t = 0; f < snapshot->file_count; f++) {
        bool is_own = o < own.count && own.files[o] == snapshot->files[f];
        bool is_traced = t < traced.count && traced.files[t] == snapshot->files[f];
        uint64_t groups = (is_own ? own.groups[o] : 0) | (is_traced ? traced.groups[t] : 0);
        o += is_own;
        t += is_traced;
        if (!is_own && !(is_traced && ranges_touch(identity, snapshot->files[f]))) continue;
        pruned->groups[pruned->count] = groups;
        pruned->files[pruned->count++] = snapshot->files[f];
    }
}

/* ---- SQL ---- */

static bool texts_put(struct buf *out, const struct bytes *texts, uint32_t count)
{
    bool ok = buf_add(out, "(", 1);
    for (uint32_t i = 0; ok && i < count; i++) ok = (i == 0 || buf_add(out, ", ", 2)) && literal_quote(out, texts[i]);
    return ok && buf_add(out, ")", 1);
}

static bool is_present(const struct identity *identity, int field)
{
    return (identity->present & 1u << field) != 0;
}

/* For each field: before, its column's number, and when there is a between, that and the number again; after. */
static bool each_put(struct buf *out, uint32_t fields, const char *separator, const char *before, const char *between,
                     const char *after)
{
    bool ok = true, any = false;
    for (int field = 0; ok && field < IDENTITY_FIELDS; field++) {
        if (!(fields & 1u << field)) continue;
        ok = buf_printf(out, "%s%s%u", any ? separator : "", before, identity_columns[field]);
        if (between) ok = ok && buf_printf(out, "%s%u", between, identity_columns[field]);
        ok = ok && buf_printf(out, "%s", after);
        any = true;
    }
    return ok;
}

static bool window_put(struct buf *out, const struct identity *identity)
{
    bool ok = true;
    if (identity->from_us > INT64_MIN) ok = buf_printf(out, " AND s%u >= " LITERAL_TIME, TIMESTAMP, identity->from_us);
    if (identity->to_us < INT64_MAX)
        ok = ok && buf_printf(out, " AND s%u <= " LITERAL_TIME, TIMESTAMP, identity->to_us);
    return ok;
}

/* FROM the files that give values, and the conditions on which their rows do. */
static bool givers_put(struct buf *out, const struct identity *identity, uint32_t fields)
{
    struct column_set needed = { 0 };
    column_set_add(&needed, TRACE);
    column_set_add(&needed, TIMESTAMP);
    for (int field = 0; field < IDENTITY_FIELDS; field++)
        if (fields & 1u << field) column_set_add(&needed, identity_columns[field]);
    bool ok = buf_printf(out, " FROM ") &&
              source_files_put(out, schema_table(SCHEMA_LOGS_AND_SPANS), &identity->named, &needed, NULL) &&
              buf_printf(out, " WHERE s%u IS NOT NULL AND (", TRACE) &&
              each_put(out, fields, " OR ", "s", NULL, " IS NOT NULL") && buf_add(out, ")", 1);
    return ok && window_put(out, identity);
}

bool identity_traces_put(struct buf *out, const struct identity *identity)
{
    assert(identity->asked >= 0);
    return buf_printf(out, "SELECT DISTINCT s%u", TRACE) && givers_put(out, identity, 1u << identity->asked) &&
           buf_printf(out, " AND s%u IN ", identity_columns[identity->asked]) &&
           texts_put(out, identity->asked_bound->texts, identity->asked_bound->text_count) &&
           buf_printf(out, " LIMIT %d", IDENTITY_TRACES_MAX + 1);
}

bool identity_missing_put(struct buf *out, const struct identity *identity, const struct plan_table *table,
                          const struct source_files *files)
{
    struct column_set needed = { 0 };
    uint32_t shown = fields_shown(table) & identity->present;
    column_set_add(&needed, TRACE);
    column_set_add(&needed, TIMESTAMP);
    for (int field = 0; field < IDENTITY_FIELDS; field++)
        if (shown & 1u << field) column_set_add(&needed, identity_columns[field]);
    return buf_printf(out, "SELECT DISTINCT s%u FROM ", TRACE) &&
           source_files_put(out, schema_table(SCHEMA_LOGS_AND_SPANS), files, &needed, NULL) &&
           buf_printf(out, " WHERE s%u IS NOT NULL AND (", TRACE) &&
           each_put(out, shown, " OR ", "s", NULL, " IS NULL") && buf_add(out, ")", 1) && window_put(out, identity) &&
           buf_printf(out, " LIMIT %d", IDENTITY_TRACES_MAX + 1);
}

/* {...}: the earliest row has the least of these; one with a user.id comes before those without. The values at the end decide
 * between rows of one microsecond, so that the answer is the same each time. */
static bool rank_put(struct buf *out, uint32_t fields)
{
    bool ok = buf_add(out, "{", 1);
    if (fields & 1u << USER_ID) ok = ok && buf_printf(out, "'a': s%u IS NULL, ", identity_columns[USER_ID]);
    return ok && buf_printf(out, "'b': s%u, ", TIMESTAMP) && each_put(out, fields, ", ", "'s", "': s", "") &&
           buf_add(out, "}", 1);
}

/* One field of a trace, alone: the earliest value. */
static bool alone_put(struct buf *out, int field)
{
    uint32_t column = identity_columns[field];
    return buf_printf(out, ", arg_min(s%u, ", column) && rank_put(out, 1u << field) &&
           buf_printf(out, ") AS i%u", column);
}

/* One field of a trace's user. Where no two rows disagree their fields complement each other; where two do, there are several
 * users, and the earliest row stands as it is, so that no name meets another's email. */
static bool user_put(struct buf *out, uint32_t user, int field)
{
    uint32_t column = identity_columns[field];
    return buf_printf(out, ", CASE WHEN ") &&
           each_put(out, user, " OR ", "coalesce(min(s", ") <> max(s", "), false)") &&
           buf_printf(out, " THEN struct_extract(arg_min({") && each_put(out, user, ", ", "'s", "': s", "") &&
           buf_printf(out, "}, ") && rank_put(out, user) && buf_printf(out, ") FILTER (WHERE ") &&
           each_put(out, user, " OR ", "s", NULL, " IS NOT NULL") &&
           buf_printf(out, "), 's%u') ELSE min(s%u) END AS i%u", column, column, column);
}

static uint32_t user_fields(const struct identity *identity)
{
    return identity->present & ~(1u << SESSION);
}

static bool is_alone(const struct identity *identity, int field)
{
    return field == SESSION || user_fields(identity) == 1u << field;
}

/* Times of rows that get a value of these fields, as lo<n> and hi<n>. */
static bool times_put(struct buf *out, uint32_t fields, int n)
{
    static const char *const ends[] = { "min", "max" }, *const names[] = { "lo", "hi" };
    bool ok = true;
    for (int end = 0; ok && end < 2; end++) {
        if (fields == 0) {
            ok = buf_printf(out, ", CAST(NULL AS TIMESTAMPTZ) AS %s%d", names[end], n);
            continue;
        }
        ok = buf_printf(out, ", make_timestamptz(epoch_us(%s(s%u) FILTER (WHERE ", ends[end], TIMESTAMP) &&
             each_put(out, fields, " OR ", "s", NULL, " IS NOT NULL") &&
             buf_printf(out, ")) + %" PRId64 ") AS %s%d", end == 0 ? -IDENTITY_MARGIN_US : IDENTITY_MARGIN_US,
                        names[end], n);
    }
    return ok;
}

bool identity_values_put(struct buf *out, const struct identity *identity)
{
    bool ok = buf_printf(out, "SELECT s%u AS t", TRACE) && times_put(out, identity->present & 1u << SESSION, 0) &&
              times_put(out, user_fields(identity), 1);
    for (int field = 0; ok && field < IDENTITY_FIELDS; field++) {
        if (!is_present(identity, field)) continue;
        ok = is_alone(identity, field) ? alone_put(out, field) : user_put(out, user_fields(identity), field);
    }
    ok = ok && givers_put(out, identity, identity->present);
    if (identity->has_traces)
        ok = ok && buf_printf(out, " AND s%u IN ", TRACE) && texts_put(out, identity->traces, identity->trace_count);
    return ok && buf_printf(out, " GROUP BY 1");
}

bool identity_from_put(struct buf *out, const struct identity *identity, const struct source_files *main,
                       const struct column_set *needed, const struct source_attributes *attributes)
{
    const struct schema_table *logs = schema_table(SCHEMA_LOGS_AND_SPANS);
    bool ok = true;
    if (identity->map == 0)
        return source_files_put(out, logs, main, needed, attributes) && buf_printf(out, " LEFT JOIN (") &&
               identity_values_put(out, identity) && buf_printf(out, ") AS i ON s%u = i.t", TRACE);
    ok = buf_printf(out, "(SELECT *, filename");
    for (int field = 0; ok && field < IDENTITY_FIELDS; field++)
        if (is_present(identity, field))
            ok = buf_printf(out, ", mono_trace_value(%" PRIu64 ", s%u, s%u, %d) AS i%u", identity->map, TRACE,
                            TIMESTAMP, field, identity_columns[field]);
    return ok && buf_printf(out, " FROM ") && source_files_put(out, logs, main, needed, attributes) &&
           buf_add(out, ")", 1);
}

/* Joined values come with their times; those of a map have been held against the row's. */
bool identity_value_put(struct buf *out, const struct identity *identity, int field)
{
    uint32_t column = identity_columns[field];
    bool is_joined = identity->map == 0, ok = buf_printf(out, "coalesce(s%u, ", column);
    int n = field == SESSION ? 0 : 1;
    assert(is_present(identity, field));
    if (is_alone(identity, field) && !is_joined) return ok && buf_printf(out, "i%u)", column);
    ok = ok && buf_printf(out, "CASE WHEN ");
    if (is_joined) ok = ok && buf_printf(out, "s%u BETWEEN lo%d AND hi%d", TIMESTAMP, n, n);
    if (!is_alone(identity, field)) {
        if (is_joined) ok = ok && buf_printf(out, " AND ");
        ok = ok && each_put(out, user_fields(identity), " AND ", "coalesce(s", " = i", ", true)");
    }
    return ok && buf_printf(out, " THEN i%u END)", column);
}

void identity_needed(const struct identity *identity, struct column_set *needed)
{
    column_set_add(needed, TRACE);
    column_set_add(needed, TIMESTAMP);
    for (int field = 0; field < IDENTITY_FIELDS; field++)
        if (is_present(identity, field)) column_set_add(needed, identity_columns[field]);
}
