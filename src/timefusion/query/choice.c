#include "timefusion/query/cube.h"
#include "timefusion/query/gate_defect.h"
#include <stdlib.h>

static bool file_read(void *file, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    return timefusion_file_read(file, offset, ptr, len, err);
}

static void snapshot_release(void *ctx)
{
    timefusion_snapshot_release(ctx);
}

bool snapshot_take(struct query_session *session, enum schema_table_id table, struct held *held, struct err *err)
{
    struct timefusion_snapshot *snapshot;
    if (!timefusion_snapshot_acquire(session->engine->options.timefusion, table, GATE_PROJECT(session->project_id),
                                     &snapshot, err))
        return false;
    snapshot_show(session, snapshot, held);
    return true;
}

void snapshot_show(struct query_session *session, struct timefusion_snapshot *snapshot, struct held *held)
{
    struct query_engine *engine = session->engine;
    *held = (struct held){ .snapshot = snapshot, .id = atomic_fetch_add(&engine->next_snapshot_id, 1) };
    struct duckdb_fs_file *files = mem_alloc((held->snapshot->file_count + 1) * sizeof *files);
    for (uint32_t f = 0; f < held->snapshot->file_count; f++)
        files[f] = (struct duckdb_fs_file){ held->snapshot->files[f]->name, held->snapshot->files[f]->bytes,
                                            held->snapshot->files[f] };
    struct duckdb_fs_snapshot shown = { .id = held->id,
                                        .files = files,
                                        .file_count = held->snapshot->file_count,
                                        .read = file_read,
                                        .release = snapshot_release,
                                        .ctx = held->snapshot };
    duckdb_fs_add(engine->fs, &shown);
    free(files);
}

static bool snapshot_hold(struct query_cursor *cursor, enum schema_table_id table, struct err *err)
{
    struct held *held = &cursor->held[table];
    if (held->snapshot) return true;
    if (!(cursor->is_of_transaction ? transaction_hold(cursor->session, table, held, err)
                                    : snapshot_take(cursor->session, table, held, err)))
        return false;
    cursor_limits_hold(cursor, table);
    return true;
}

static bool is_uuid_text(struct bytes text)
{
    struct uuid uuid;
    return uuid_from_text(text, &uuid);
}

/* id = ..., as text: a cast of every row would hide the statistics from DuckDB. */
static void choice_ids(struct query_cursor *cursor, const struct plan_table *table, const struct bound *bounds,
                       struct choice *choice)
{
    for (uint32_t c = 0; bounds && c < table->condition_count; c++) {
        const struct bound *bound = &bounds[c];
        if (bound->column != table->schema->row_id || bound->kind != BOUND_TEXTS ||
            (bound->op != CONDITION_EQ && bound->op != CONDITION_IN))
            continue;
        choice->ids = arena_alloc(&cursor->arena, (bound->text_count + 1) * sizeof *choice->ids);
        for (uint32_t i = 0; i < bound->text_count; i++) {
            if (!is_uuid_text(bound->texts[i])) {
                choice->id_count = 0;
                return;
            }
            choice->ids[choice->id_count++] =
                arena_printf(&cursor->arena, "%.*s", (int)bound->texts[i].len, (const char *)bound->texts[i].ptr);
        }
        return;
    }
}

/* May the session see a row of it? */
static bool is_in_times(const struct query_session *session, const struct timefusion_file *file)
{
    return session->last_us == 0 ||
           (file->timestamp_max_us >= session->from_us && file->timestamp_min_us <= session->last_us);
}

void choice_leave_out(const struct query_cursor *cursor, struct pruned *files)
{
    uint32_t kept = 0;
    for (uint32_t f = 0; f < files->count; f++) {
        bool is_out = !is_in_times(cursor->session, files->files[f]);
        for (uint32_t d = 0; d < cursor->damaged_count; d++) is_out = is_out || cursor->damaged[d] == files->files[f];
        if (is_out) continue;
        if (files->groups) files->groups[kept] = files->groups[f];
        files->files[kept++] = files->files[f];
    }
    files->count = kept;
}

/* The files as they are read: of large ones few row groups, when can_narrow and the index has left few. */
static struct source_files files_name(struct query_cursor *cursor, enum schema_table_id table,
                                      const struct pruned *files, bool can_narrow)
{
    struct query_engine *engine = cursor->session->engine;
    const char **names = arena_alloc(&cursor->arena, (files->count + 1) * sizeof *names);
    const struct parquet_footer **footers = arena_calloc(&cursor->arena, (files->count + 1) * sizeof *footers);
    struct err ignored = { 0 }; /* choosing has told of it, or reading will */
    for (uint32_t f = 0; f < files->count; f++) (void)!timefusion_file_footer(files->files[f], &footers[f], &ignored);
    struct source_files named = {
        .snapshot_id = cursor->held[table].id, .names = names, .count = files->count, .footers = footers
    };
    if (can_narrow && narrowed_is_worth(files)) {
        struct held_narrowed *held = arena_alloc(&cursor->arena, sizeof *held);
        *held = (struct held_narrowed){ cursor->narrowed, atomic_fetch_add(&engine->next_snapshot_id, 1) };
        cursor->narrowed = held;
        named.snapshot_id = held->id;
        narrowed_add(engine->fs, held->id, files, &cursor->arena, names);
        if (cursor->limits.bytes_max > 0) duckdb_fs_limit(engine->fs, held->id, cursor->limits.bytes_max);
        return named;
    }
    for (uint32_t f = 0; f < files->count; f++) names[f] = files->files[f]->name;
    return named;
}

/* Before any SQL of it is made: whose a row is, rows of other times than the session's do not tell. */
static void identity_name(struct query_cursor *cursor, struct identity *identity)
{
    const struct query_session *session = cursor->session;
    if (session->last_us != 0 && identity->from_us < session->from_us) identity->from_us = session->from_us;
    if (session->last_us != 0 && identity->to_us > session->last_us) identity->to_us = session->last_us;
    identity->named = files_name(cursor, SCHEMA_LOGS_AND_SPANS, &identity->files, true);
}

static bool too_many_files(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the query reads too many files; ask for a shorter time");
}

/* Runs a question of our own; take says false when it has enough. */
static bool answer_take(struct query_cursor *cursor, const char *sql, bool (*take)(void *ctx, duckdb_data_chunk chunk),
                        void *ctx, struct err *err)
{
    duckdb_result result;
    if (!lane_begin(cursor->session, cursor->lane, err)) return false;
    bool ok = engine_query(cursor->lane->connection, sql, &result, err);
    lane_end(cursor->session);
    if (!ok) return cursor_failed(cursor, err);
    for (bool more = true; more;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (!chunk) break;
        more = take(ctx, chunk);
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return true;
}

static struct bytes chunk_text(duckdb_data_chunk chunk, idx_t column, idx_t row) /* ptr NULL: a NULL */
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    duckdb_string_t *text = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;
    if (validity && !(validity[row / 64] >> (row % 64) & 1)) return (struct bytes){ 0 };
    return bytes_from(duckdb_string_t_data(text), duckdb_string_t_length(*text));
}

/* From and to, in two columns side by side; false: NULL. */
static bool chunk_range(duckdb_data_chunk chunk, idx_t column, idx_t row, struct identity_range *range)
{
    duckdb_vector from = duckdb_data_chunk_get_vector(chunk, column),
                  to = duckdb_data_chunk_get_vector(chunk, column + 1);
    uint64_t *validity = duckdb_vector_get_validity(from);
    *range = (struct identity_range){ INT64_MAX, INT64_MIN };
    if (validity && !(validity[row / 64] >> (row % 64) & 1)) return false;
    *range = (struct identity_range){ ((int64_t *)duckdb_vector_get_data(from))[row],
                                      ((int64_t *)duckdb_vector_get_data(to))[row] };
    return true;
}

struct traces {
    struct arena *arena;
    struct bytes *texts; /* IDENTITY_TRACES_MAX + 1 */
    uint32_t count;
};

static bool traces_take(void *ctx, duckdb_data_chunk chunk)
{
    struct traces *traces = ctx;
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk) && traces->count <= IDENTITY_TRACES_MAX; row++) {
        struct bytes text = chunk_text(chunk, 0, row);
        if (identity_can_name(text)) traces->texts[traces->count++] = arena_copy(traces->arena, text);
    }
    return traces->count <= IDENTITY_TRACES_MAX;
}

struct values {
    struct identity *identity;
    struct identity_map *map;
    bool is_too_large;
};

static bool values_take(void *ctx, duckdb_data_chunk chunk)
{
    struct values *values = ctx;
    struct identity *identity = values->identity;
    bool ok = true;
    for (idx_t row = 0; ok && row < duckdb_data_chunk_get_size(chunk); row++) {
        struct bytes trace = chunk_text(chunk, 0, row);
        struct identity_range ranges[2]; /* of the session, of the user; when there is one */
        idx_t column = 4;
        for (idx_t n = 0; n < 2; n++)
            if (chunk_range(chunk, 1 + 2 * n, row, &ranges[n])) identity->ranges[identity->range_count++] = ranges[n];
        for (uint32_t field = 0; ok && field < IDENTITY_FIELDS; field++) {
            if (!(identity->present & 1u << field)) continue;
            struct bytes value = chunk_text(chunk, ++column, row);
            const struct identity_range *range = &ranges[field == 0 ? 0 : 1];
            ok = !value.ptr || identity_map_put(values->map, trace, field, value, range->from_us, range->to_us);
        }
    }
    values->is_too_large = !ok;
    return ok;
}

/* The values of the traces, into a map; very long ones are left to a join. */
static bool values_ask(struct query_cursor *cursor, struct identity *identity, struct err *err)
{
    struct identity_maps *maps = cursor->session->engine->identity_maps;
    struct values values = { .identity = identity, .map = identity_map_create(identity->trace_count, IDENTITY_FIELDS) };
    struct buf sql;
    identity->ranges = arena_alloc(&cursor->arena, (2 * identity->trace_count + 1) * sizeof *identity->ranges);
    identity->range_count = 0;
    identity_name(cursor, identity);
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = (identity_values_put(&sql, identity) && buf_add(&sql, "", 1)) || too_many_files(err);
    ok = ok && answer_take(cursor, (const char *)sql.ptr, values_take, &values, err);
    buf_deinit(&sql);
    if (!ok || values.is_too_large || identity_map_count(values.map) == 0) {
        if (ok && !values.is_too_large) identity->present = 0;
        identity_map_destroy(values.map);
        return ok;
    }
    identity->range_count = identity_ranges_merge(identity->ranges, identity->range_count);
    struct held_map *held = arena_alloc(&cursor->arena, sizeof *held);
    *held = (struct held_map){ .next = cursor->maps, .number = identity_maps_add(maps, values.map) };
    cursor->maps = held;
    identity->map = held->number;
    return true;
}

bool choice_identify(struct query_cursor *cursor, struct identity *identity, struct bytes *traces, uint32_t count,
                     struct prune_warning **warnings, struct err *err)
{
    identity_narrow(identity, traces, count, cursor->held[SCHEMA_LOGS_AND_SPANS].snapshot, &cursor->arena, warnings);
    choice_leave_out(cursor, &identity->files);
    if (identity->files.count == 0) identity->present = 0;
    return identity->present == 0 || values_ask(cursor, identity, err);
}

/* The traces that have the user or session which the statement asks for. More than can be named: left to a join. */
static bool traces_ask(struct query_cursor *cursor, struct identity *identity, struct prune_warning **warnings,
                       struct err *err)
{
    struct identity of_value = *identity;
    struct traces traces = { .arena = &cursor->arena };
    identity_of_asked(&of_value, cursor->held[SCHEMA_LOGS_AND_SPANS].snapshot, &cursor->arena, warnings);
    choice_leave_out(cursor, &of_value.files);
    traces.texts = arena_alloc(&cursor->arena, (IDENTITY_TRACES_MAX + 1) * sizeof *traces.texts);
    if (of_value.files.count > 0) {
        struct buf sql;
        identity_name(cursor, &of_value);
        buf_init(&sql, RENDER_SQL_BYTES_MAX);
        bool ok = (identity_traces_put(&sql, &of_value) && buf_add(&sql, "", 1)) || too_many_files(err);
        ok = ok && answer_take(cursor, (const char *)sql.ptr, traces_take, &traces, err);
        buf_deinit(&sql);
        if (!ok) return false;
    }
    return traces.count > IDENTITY_TRACES_MAX ||
           choice_identify(cursor, identity, traces.texts, traces.count, warnings, err);
}

/* Do all rows that are asked for have values of their own, by the footers? Then nothing is to be resolved. files: which they are in;
 * *missing: how many rows have none; false: they are not few. */
static bool missing_count(struct query_cursor *cursor, uint32_t t, struct identity *identity, struct pruned *files,
                          uint64_t *missing, struct prune_warning **warnings)
{
    const struct plan_table *table = &cursor->plan->tables[t];
    identity_prune(identity, table, cursor->bounds.tables[t], cursor->held[SCHEMA_LOGS_AND_SPANS].snapshot,
                   &cursor->arena, files, warnings);
    choice_leave_out(cursor, files);
    bool are_few = identity_missing_are_few(identity, table, files, missing);
    if (are_few && *missing == 0) identity->present = 0;
    return are_few;
}

/* Where nearly all rows have the values of their own that the reference shows, the others' traces alone matter. */
static bool missing_ask(struct query_cursor *cursor, uint32_t t, struct identity *identity,
                        struct prune_warning **warnings, struct err *err)
{
    const struct plan_table *table = &cursor->plan->tables[t];
    struct pruned files;
    struct traces traces = { .arena = &cursor->arena };
    uint64_t missing;
    if (!missing_count(cursor, t, identity, &files, &missing, warnings) || missing == 0) return true;
    struct source_files named = files_name(cursor, SCHEMA_LOGS_AND_SPANS, &files, false);
    struct buf sql;
    traces.texts = arena_alloc(&cursor->arena, (IDENTITY_TRACES_MAX + 1) * sizeof *traces.texts);
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = (identity_missing_put(&sql, identity, table, &named) && buf_add(&sql, "", 1)) || too_many_files(err);
    ok = ok && answer_take(cursor, (const char *)sql.ptr, traces_take, &traces, err);
    buf_deinit(&sql);
    if (!ok || traces.count > IDENTITY_TRACES_MAX) return ok;
    return choice_identify(cursor, identity, traces.texts, traces.count, warnings, err);
}

/* Spans and logs of a reference, and whose they are. */
static bool logs_choose(struct query_cursor *cursor, uint32_t t, struct choice *choice, struct prune_warning **warnings,
                        struct err *err)
{
    const struct plan_table *table = &cursor->plan->tables[t];
    const struct bound *bounds = cursor->bounds.tables[t];
    const struct timefusion_snapshot *snapshot = cursor->held[SCHEMA_LOGS_AND_SPANS].snapshot;
    struct identity *identity = &choice->identity;
    struct pruned *files = &choice->files[SCHEMA_LOGS_AND_SPANS];
    identity_choose(identity, table, bounds, snapshot, &cursor->arena, warnings);
    choice_leave_out(cursor, &identity->files);
    if (identity->files.count == 0) identity->present = 0;
    struct pruned files_of_traces;
    uint64_t missing;
    if (identity->present && identity->has_traces) {
        (void)missing_count(cursor, t, identity, &files_of_traces, &missing, warnings);
        if (identity->present &&
            !choice_identify(cursor, identity, identity->traces, identity->trace_count, warnings, err))
            return false;
    } else if (identity->present && identity->asked >= 0) {
        if (!traces_ask(cursor, identity, warnings, err)) return false;
    } else if (identity->present && !cursor->plan->is_walk) {
        if (!missing_ask(cursor, t, identity, warnings, err)) return false;
    }
    if (identity->present)
        identity_prune(identity, table, bounds, snapshot, &cursor->arena, files, warnings);
    else
        prune_files(table, bounds, snapshot, &cursor->arena, files, warnings);
    cube_words_narrow(cursor, table, files);
    cursor->identity_files += identity->present ? identity->files.count : 0;
    return true;
}

bool choice_make(struct query_cursor *cursor, uint32_t t, struct choice *choice, struct prune_warning **warnings,
                 struct err *err)
{
    const struct plan_table *table = &cursor->plan->tables[t];
    const struct bound *bounds = cursor->bounds.tables[t];
    bool wants[SCHEMA_TABLE_COUNT];
    *choice = (struct choice){ .from_us = cursor->session->from_us, .to_us = cursor->session->last_us };
    if (table->source == PLAN_METRICS) {
        wants[SCHEMA_LOGS_AND_SPANS] = false;
        wants[SCHEMA_METRICS] = true;
    } else {
        bounds_kinds(table, bounds, &wants[SCHEMA_LOGS_AND_SPANS], &wants[SCHEMA_METRICS]);
    }
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        if (!wants[id]) continue;
        if (!snapshot_hold(cursor, (enum schema_table_id)id, err)) return false;
        cursor->files_considered += cursor->held[id].snapshot->file_count;
        if (id == SCHEMA_LOGS_AND_SPANS) {
            if (!logs_choose(cursor, t, choice, warnings, err)) return false;
        } else {
            prune_files(table, bounds, cursor->held[id].snapshot, &cursor->arena, &choice->files[id], warnings);
        }
        choice_leave_out(cursor, &choice->files[id]);
        cursor->files_opened += choice->files[id].count;
    }
    choice_ids(cursor, table, bounds, choice);
    return true;
}

bool choice_put(struct query_cursor *cursor, uint32_t t, const struct choice *choice, enum source_also also,
                struct buf *out, struct err *err)
{
    struct source_files files[SCHEMA_TABLE_COUNT];
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        files[id] = files_name(cursor, (enum schema_table_id)id, &choice->files[id], also == SOURCE_ALSO_NOTHING);
    struct identity identity = choice->identity;
    if (identity.present) identity_name(cursor, &identity);
    struct source_rows rows = { .also = also,
                                .ids = choice->ids,
                                .id_count = choice->id_count,
                                .from_us = choice->from_us,
                                .to_us = choice->to_us,
                                .identity = identity.present ? &identity : NULL };
    return source_put(out, &cursor->plan->tables[t], cursor->session->project_id, &files[SCHEMA_LOGS_AND_SPANS],
                      &files[SCHEMA_METRICS], &rows) ||
           too_many_files(err);
}

const char *choice_sql(struct query_cursor *cursor, uint32_t t, const struct choice *choice, struct err *err)
{
    struct buf buf;
    buf_init(&buf, RENDER_SQL_BYTES_MAX);
    bool ok = choice_put(cursor, t, choice, SOURCE_ALSO_NOTHING, &buf, err);
    const char *sql = ok ? arena_printf(&cursor->arena, "%.*s", (int)buf.len, (const char *)buf.ptr) : NULL;
    buf_deinit(&buf);
    return sql;
}
