#include "timefusion/query/cursor.h"
#include "base/clock.h"
#include "timefusion/query/chunk.h"
#include "timefusion/query/literal.h"
#include <stdlib.h>

#define WALK_ROWS_MAX     10000
#define WALK_FILES_FIRST  4
#define WALK_FILES_FACTOR 4
#define DAMAGED_MAX       16

/* A table's snapshot as DuckDB sees it; let go when the last file handle is closed. */
struct held {
    struct timefusion_snapshot *snapshot;
    uint64_t id; /* in the file system; 0: none */
};

struct query_cursor {
    struct query_session *session;
    struct plan *plan;
    struct lane *lane;
    struct arena arena;
    struct held held[SCHEMA_TABLE_COUNT];
    struct bounds bounds;
    struct query_parameter *parameters;
    struct render render;
    duckdb_result result;
    bool has_result, is_done, is_walked;
    duckdb_data_chunk *walked; /* chunks of a walk, taken in order */
    uint32_t walked_count, walked_at;
    struct query_chunk chunk;
    duckdb_data_chunk
        first; /* fetched at the start, so that a damaged file shows while there is time to leave it out */
    const struct timefusion_file *damaged[DAMAGED_MAX];
    uint32_t damaged_count;
    struct prune_warning *damages;
    const char **warnings;
    uint32_t warning_count;
    uint32_t files_considered, files_opened;
};

static bool file_read(void *file, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    return timefusion_file_read(file, offset, ptr, len, err);
}

static void snapshot_release(void *ctx)
{
    timefusion_snapshot_release(ctx);
}

static bool snapshot_hold(struct query_cursor *cursor, enum schema_table_id table, struct err *err)
{
    struct held *held = &cursor->held[table];
    struct query_engine *engine = cursor->session->engine;
    if (held->snapshot) return true;
    if (!timefusion_snapshot_acquire(engine->options.timefusion, table, cursor->session->project_id, &held->snapshot,
                                     err))
        return false;
    held->id = atomic_fetch_add(&engine->next_snapshot_id, 1);
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
    return true;
}

/* What a table reference reads: files by stored table. */
struct choice {
    struct pruned files[SCHEMA_TABLE_COUNT];
    const char **ids;
    uint32_t id_count;
};

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

static void damaged_leave_out(const struct query_cursor *cursor, struct pruned *files)
{
    uint32_t kept = 0;
    for (uint32_t f = 0; f < files->count; f++) {
        bool is_damaged = false;
        for (uint32_t d = 0; d < cursor->damaged_count; d++)
            is_damaged = is_damaged || cursor->damaged[d] == files->files[f];
        if (!is_damaged) files->files[kept++] = files->files[f];
    }
    files->count = kept;
}

/* The file that DuckDB's words name, if it is one of ours: left out from now on, with a warning. */
static bool damaged_note(struct query_cursor *cursor, const struct err *err)
{
    if (err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT || err->code == ERR_MEMORY ||
        cursor->damaged_count == DAMAGED_MAX)
        return false;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        for (uint32_t f = 0; cursor->held[id].snapshot && f < cursor->held[id].snapshot->file_count; f++) {
            const struct timefusion_file *file = cursor->held[id].snapshot->files[f];
            const char *at = strstr(err->text, file->name);
            if (!at || (at > err->text && at[-1] >= '0' && at[-1] <= '9')) continue;
            struct prune_warning *warning = arena_alloc(&cursor->arena, sizeof *warning);
            *warning = (struct prune_warning){ .next = cursor->damages };
            warning->text = arena_printf(&cursor->arena, "file \"%s\" cannot be read, up to %llu rows are missing: %s",
                                         file->name, (unsigned long long)file->row_count, err->text);
            cursor->damages = warning;
            cursor->damaged[cursor->damaged_count++] = file;
            return true;
        }
    }
    return false;
}

static bool choice_make(struct query_cursor *cursor, uint32_t t, struct choice *choice, struct prune_warning **warnings,
                        struct err *err)
{
    const struct plan_table *table = &cursor->plan->tables[t];
    const struct bound *bounds = cursor->bounds.tables[t];
    bool wants[SCHEMA_TABLE_COUNT];
    *choice = (struct choice){ 0 };
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
        prune_files(table, bounds, cursor->held[id].snapshot, &cursor->arena, &choice->files[id], warnings);
        damaged_leave_out(cursor, &choice->files[id]);
        cursor->files_opened += choice->files[id].count;
    }
    choice_ids(cursor, table, bounds, choice);
    return true;
}

static const char *choice_sql(struct query_cursor *cursor, uint32_t t, const struct choice *choice, struct err *err)
{
    struct source_files files[SCHEMA_TABLE_COUNT];
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        uint32_t count = choice->files[id].count;
        const char **names = arena_alloc(&cursor->arena, (count + 1) * sizeof *names);
        for (uint32_t f = 0; f < count; f++) names[f] = choice->files[id].files[f]->name;
        files[id] = (struct source_files){ .snapshot_id = cursor->held[id].id, .names = names, .count = count };
    }
    struct buf buf;
    buf_init(&buf, RENDER_SQL_BYTES_MAX);
    bool ok = source_put(&buf, &cursor->plan->tables[t], cursor->session->project_id, &files[SCHEMA_LOGS_AND_SPANS],
                         &files[SCHEMA_METRICS], choice->ids, choice->id_count);
    const char *sql = ok ? arena_printf(&cursor->arena, "%.*s", (int)buf.len, (const char *)buf.ptr) : NULL;
    buf_deinit(&buf);
    if (!sql) err_set(err, ERR_TOO_LARGE, "the query reads too many files; ask for a shorter time");
    return sql;
}

/* What DuckDB says of an interrupt, by who asked for it. */
static bool failed_by(struct query_cursor *cursor, struct err *err)
{
    if (err->code != ERR_CANCELLED) return false;
    struct err why = { .code = ERR_OK };
    if (session_is_stopped(cursor->session, &why)) *err = why;
    return false;
}

static bool run_streaming(struct query_cursor *cursor, const char *sql, struct err *err)
{
    duckdb_prepared_statement prepared = NULL;
    duckdb_pending_result pending = NULL;
    bool ok = lane_begin(cursor->session, cursor->lane, err);
    if (!ok) return false;
    if (duckdb_prepare(cursor->lane->connection, sql, &prepared) != DuckDBSuccess) {
        ok = engine_err(err, DUCKDB_ERROR_INVALID, duckdb_prepare_error(prepared));
    } else if (duckdb_pending_prepared_streaming(prepared, &pending) != DuckDBSuccess) {
        ok = engine_err(err, DUCKDB_ERROR_INVALID, duckdb_pending_error(pending));
    } else if (duckdb_execute_pending(pending, &cursor->result) != DuckDBSuccess) {
        const char *message = duckdb_result_error(&cursor->result);
        ok = engine_err(err, duckdb_result_error_type(&cursor->result),
                        message ? message : duckdb_pending_error(pending));
        duckdb_destroy_result(&cursor->result);
    } else {
        cursor->has_result = true;
    }
    lane_end(cursor->session);
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&prepared);
    return ok || failed_by(cursor, err);
}

static bool sql_run(struct query_cursor *cursor, const char *template, const char *prefix, struct err *err)
{
    struct buf sql;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    const struct plan *plan = cursor->plan;
    bool ok = buf_printf(&sql, "%s", prefix);
    if (plan->casts && prefix[0] == '\0' && template == plan->sql) {
        ok = ok && buf_printf(&sql, "SELECT ");
        for (uint32_t i = 0; ok && i < plan->column_count; i++)
            ok = buf_printf(&sql, plan->casts[i] ? "%sCAST(c%u AS VARCHAR) AS c%u" : "%sc%u", i ? ", " : "", i + 1,
                            i + 1);
        ok = ok && buf_printf(&sql, " FROM (") && render_sql(&sql, template, &cursor->render, err) &&
             buf_printf(&sql, ") AS q");
    } else {
        ok = ok && render_sql(&sql, template, &cursor->render, err);
    }
    ok = ok && buf_add(&sql, "", 1);
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
    ok = ok && run_streaming(cursor, (const char *)sql.ptr, err);
    buf_deinit(&sql);
    return ok;
}

static bool next_chunk(struct query_cursor *cursor, duckdb_data_chunk *chunk, struct err *err)
{
    *chunk = NULL;
    for (;;) {
        if (!lane_begin(cursor->session, cursor->lane, err)) return false;
        duckdb_data_chunk next = duckdb_fetch_chunk(cursor->result);
        lane_end(cursor->session);
        if (!next) {
            const char *message = duckdb_result_error(&cursor->result);
            if (message && message[0]) {
                engine_err(err, duckdb_result_error_type(&cursor->result), message);
                return failed_by(cursor, err);
            }
            return !session_is_stopped(cursor->session, err);
        }
        if (duckdb_data_chunk_get_size(next) > 0) {
            *chunk = next;
            return true;
        }
        duckdb_destroy_data_chunk(&next);
    }
}

static void result_drop(struct query_cursor *cursor)
{
    if (cursor->has_result) duckdb_destroy_result(&cursor->result);
    cursor->has_result = false;
}

static void walked_drop(struct query_cursor *cursor)
{
    for (uint32_t i = cursor->walked_at; i < cursor->walked_count; i++) duckdb_destroy_data_chunk(&cursor->walked[i]);
    cursor->walked_count = cursor->walked_at = 0;
}

/* Files of one reference by time, whatever table they are of. */
struct step {
    struct timefusion_file *file;
    enum schema_table_id table;
};

static int newest_first(const void *a, const void *b)
{
    const struct timefusion_file *left = ((const struct step *)a)->file, *right = ((const struct step *)b)->file;
    if (left->timestamp_max_us != right->timestamp_max_us)
        return left->timestamp_max_us > right->timestamp_max_us ? -1 : 1;
    return (left->id < right->id) - (left->id > right->id);
}

static int oldest_first(const void *a, const void *b)
{
    const struct timefusion_file *left = ((const struct step *)a)->file, *right = ((const struct step *)b)->file;
    if (left->timestamp_min_us != right->timestamp_min_us)
        return left->timestamp_min_us < right->timestamp_min_us ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

static struct step *steps_make(struct query_cursor *cursor, const struct choice *choice, uint32_t *count)
{
    uint32_t total = 0;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) total += choice->files[id].count;
    struct step *steps = arena_alloc(&cursor->arena, (total + 1) * sizeof *steps);
    *count = 0;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        for (uint32_t f = 0; f < choice->files[id].count; f++)
            steps[(*count)++] = (struct step){ choice->files[id].files[f], (enum schema_table_id)id };
    qsort(steps, total, sizeof *steps, cursor->plan->is_walk_descending ? newest_first : oldest_first);
    return steps;
}

/* Asks the first files as if they were all there are; the rows wait in cursor->walked. */
static bool walk_batch(struct query_cursor *cursor, const struct choice *choice, const struct step *steps,
                       uint32_t count, int64_t *rows, int64_t *last, struct err *err)
{
    struct choice batch = *choice;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        batch.files[id].files = arena_alloc(&cursor->arena, (count + 1) * sizeof(struct timefusion_file *));
        batch.files[id].count = 0;
    }
    for (uint32_t s = 0; s < count; s++) {
        struct pruned *files = &batch.files[steps[s].table];
        files->files[files->count++] = steps[s].file;
    }
    const char *tables[1] = { choice_sql(cursor, 0, &batch, err) };
    if (!tables[0]) return false;
    cursor->render.tables = tables;
    bool ok = sql_run(cursor, cursor->plan->walk_sql, "", err);
    cursor->render.tables = NULL;
    *rows = *last = 0;
    for (duckdb_data_chunk chunk; ok;) {
        ok = next_chunk(cursor, &chunk, err);
        if (!ok || !chunk) break;
        idx_t size = duckdb_data_chunk_get_size(chunk);
        duckdb_vector times = duckdb_data_chunk_get_vector(chunk, cursor->plan->column_count);
        *rows += (int64_t)size;
        *last = ((int64_t *)duckdb_vector_get_data(times))[size - 1];
        cursor->walked = mem_realloc(cursor->walked, (cursor->walked_count + 1) * sizeof *cursor->walked);
        cursor->walked[cursor->walked_count++] = chunk;
    }
    result_drop(cursor);
    return ok;
}

/* ORDER BY timestamp LIMIT n over one reference: the newest files first, in growing batches, until the last row that is
 * wanted is newer than whatever the other files hold. */
static bool walk_run(struct query_cursor *cursor, const struct choice *choice, bool *is_walked, struct err *err)
{
    int64_t limit = cursor->bounds.walk_limit, offset = cursor->bounds.walk_offset, rows, last;
    uint32_t total, count = 0;
    *is_walked = false;
    if (limit <= 0 || offset < 0 || limit > WALK_ROWS_MAX || offset > WALK_ROWS_MAX) return true;
    const struct step *steps = steps_make(cursor, choice, &total);
    for (uint64_t held = 0; count < total && (count < WALK_FILES_FIRST || held < (uint64_t)(limit + offset)); count++)
        held += steps[count].file->row_count;
    if (count == total) return true;
    for (;; count = count > total / WALK_FILES_FACTOR ? total : count * WALK_FILES_FACTOR) {
        if (!walk_batch(cursor, choice, steps, count, &rows, &last, err)) return false;
        bool is_enough = count == total;
        if (!is_enough && rows == limit) {
            const struct timefusion_file *next = steps[count].file;
            is_enough =
                cursor->plan->is_walk_descending ? last > next->timestamp_max_us : last < next->timestamp_min_us;
        }
        if (is_enough) {
            cursor->files_opened = count;
            *is_walked = cursor->is_walked = true;
            return true;
        }
        walked_drop(cursor);
    }
}

static bool tables_make(struct query_cursor *cursor, bool *is_walked, struct prune_warning **warnings, struct err *err)
{
    const struct plan *plan = cursor->plan;
    const char **tables = arena_alloc(&cursor->arena, (plan->table_count + 1) * sizeof *tables);
    *is_walked = false;
    for (uint32_t t = 0; t < plan->table_count; t++) {
        struct choice choice;
        if (!choice_make(cursor, t, &choice, warnings, err)) return false;
        if (plan->is_walk && plan->kind == PLAN_SELECT && !plan->casts) {
            if (!walk_run(cursor, &choice, is_walked, err)) return false;
            if (*is_walked) return true;
        }
        tables[t] = choice_sql(cursor, t, &choice, err);
        if (!tables[t]) return false;
    }
    cursor->render.tables = tables;
    return true;
}

static void warnings_collect(struct query_cursor *cursor, struct prune_warning *own)
{
    uint32_t count = 0;
    struct prune_warning **end = &own;
    while (*end) end = &(*end)->next;
    *end = cursor->damages;
    for (const struct prune_warning *warning = own; warning; warning = warning->next) count++;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        count += cursor->held[id].snapshot ? cursor->held[id].snapshot->warning_count : 0;
    cursor->warnings = arena_alloc(&cursor->arena, (count + 1) * sizeof *cursor->warnings);
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        for (uint32_t w = 0; cursor->held[id].snapshot && w < cursor->held[id].snapshot->warning_count; w++)
            cursor->warnings[cursor->warning_count++] =
                arena_printf(&cursor->arena, "%s", cursor->held[id].snapshot->warnings[w]);
    for (const struct prune_warning *warning = own; warning; warning = warning->next) {
        bool is_known = false; /* two references to one table */
        for (uint32_t w = 0; w < cursor->warning_count; w++)
            is_known = is_known || strcmp(cursor->warnings[w], warning->text) == 0;
        if (!is_known) cursor->warnings[cursor->warning_count++] = warning->text;
    }
}

/* A line of DuckDB's plan for the client; what names files or repeats the SQL is ours. */
static bool explain_line(struct buf *sql, struct bytes line)
{
    static const struct bytes hidden[] = { { (const uint8_t *)"mono://", 7 },
                                           { (const uint8_t *)".parquet", 8 },
                                           { (const uint8_t *)"EXPLAIN ANALYZE", 15 } };
    for (size_t i = 0; i < COUNT_OF(hidden); i++)
        if (line.len > 0 && memmem(line.ptr, line.len, hidden[i].ptr, hidden[i].len)) return true;
    return buf_add(sql, ", ", 2) && literal_quote(sql, line);
}

static bool explain_put(struct buf *sql, duckdb_string_t *plan)
{
    struct bytes text = bytes_from(duckdb_string_t_data(plan), duckdb_string_t_length(*plan));
    bool ok = true;
    while (ok && text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        ok = explain_line(sql, bytes_from(text.ptr, len));
        text = end ? bytes_from(end + 1, text.len - len - 1) : bytes_from(text.ptr, 0);
    }
    return ok;
}

/* DuckDB's plan as lines of text, ours first. */
static bool explain_run(struct query_cursor *cursor, struct err *err)
{
    if (!sql_run(cursor, cursor->plan->sql, cursor->plan->is_analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ", err))
        return false;
    struct buf sql;
    buf_init(&sql, 16u << 20);
    bool ok = buf_printf(&sql, "SELECT unnest(['Files: %u of %u'", cursor->files_opened, cursor->files_considered);
    for (duckdb_data_chunk chunk; ok;) {
        ok = next_chunk(cursor, &chunk, err);
        if (!ok || !chunk) break;
        duckdb_string_t *plans =
            duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, duckdb_data_chunk_get_column_count(chunk) - 1));
        for (idx_t row = 0; ok && row < duckdb_data_chunk_get_size(chunk); row++) ok = explain_put(&sql, &plans[row]);
        duckdb_destroy_data_chunk(&chunk);
    }
    result_drop(cursor);
    ok = ok && buf_printf(&sql, "]) AS c1") && buf_add(&sql, "", 1);
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the plan is too long to show");
    ok = ok && run_streaming(cursor, (const char *)sql.ptr, err);
    buf_deinit(&sql);
    return ok;
}

static void parameters_copy(struct query_cursor *cursor, const struct query_parameter *parameters, uint32_t count)
{
    cursor->parameters = arena_alloc(&cursor->arena, (count + 1) * sizeof *cursor->parameters);
    for (uint32_t i = 0; i < count; i++) cursor->parameters[i] = parameters[i];
}

static bool cursor_start(struct query_cursor *cursor, struct err *err)
{
    struct query_session *session = cursor->session;
    const struct plan *plan = cursor->plan;
    switch (plan->kind) {
    case PLAN_EMPTY:
    case PLAN_NOTHING: cursor->is_done = true; return true;
    case PLAN_SET: cursor->is_done = true; return session_set(session, plan->setting, plan->value, err);
    case PLAN_RESET:
        cursor->is_done = true;
        session_reset(session, plan->setting);
        return true;
    default: break;
    }
    if (!lane_acquire(session, &cursor->lane, err)) return false;
    bounds_make(session, cursor->lane, &cursor->render, &cursor->arena, &cursor->bounds);
    for (;;) {
        bool is_walked = false;
        struct prune_warning *warnings = NULL;
        cursor->files_considered = cursor->files_opened = 0;
        bool ok = tables_make(cursor, &is_walked, &warnings, err);
        if (ok && !is_walked)
            ok = plan->kind == PLAN_EXPLAIN ? explain_run(cursor, err) : sql_run(cursor, plan->sql, "", err);
        if (ok && !is_walked) ok = next_chunk(cursor, &cursor->first, err);
        if (ok) {
            warnings_collect(cursor, warnings);
            if (!is_walked && !cursor->first) cursor->is_done = true;
            return true;
        }
        result_drop(cursor);
        walked_drop(cursor);
        if (!damaged_note(cursor, err)) return false;
        *err = (struct err){ .code = ERR_OK };
    }
}

bool cursor_open(struct query_session *session, struct plan *plan, const struct query_parameter *parameters,
                 uint32_t count, struct query_cursor **out, struct err *err)
{
    *out = NULL;
    if (count != plan->parameter_count)
        return err_set(err, ERR_INPUT, "%u parameters were given, %u are needed", count, plan->parameter_count);
    struct query_cursor *cursor = mem_calloc(1, sizeof *cursor);
    cursor->session = session;
    cursor->plan = plan_acquire(plan);
    arena_init(&cursor->arena, 16 * 1024);
    chunk_init(&cursor->chunk);
    session->open_cursors++;
    pthread_mutex_lock(&session->lock);
    session->is_cancelled = session->is_over_time = false;
    int64_t timeout_ms = session_timeout_ms(session);
    session->deadline_mono_ns = timeout_ms > 0 ? clock_mono_ns() + (uint64_t)timeout_ms * 1000000u : 0;
    pthread_mutex_unlock(&session->lock);
    parameters_copy(cursor, parameters, count);
    cursor->render = (struct render){ .plan = plan,
                                      .parameters = cursor->parameters,
                                      .now_unix_us = clock_unix_us(),
                                      .project_id = session->project_id,
                                      .user = session->user,
                                      .settings = session->settings };
    *err = (struct err){ .code = ERR_OK };
    if (!cursor_start(cursor, err)) {
        query_cursor_close(cursor);
        return false;
    }
    *out = cursor;
    return true;
}

bool query_fetch(struct query_cursor *cursor, const struct query_chunk **shown, struct err *err)
{
    *shown = NULL;
    if (cursor->is_done) return true;
    duckdb_data_chunk chunk = NULL;
    if (cursor->is_walked) {
        if (session_is_stopped(cursor->session, err)) return false;
        if (cursor->walked_at < cursor->walked_count) chunk = cursor->walked[cursor->walked_at++];
    } else if (cursor->first) {
        chunk = cursor->first;
        cursor->first = NULL;
    } else if (!next_chunk(cursor, &chunk, err)) {
        cursor->is_done = true;
        return false;
    }
    if (!chunk) {
        cursor->is_done = true;
        return true;
    }
    chunk_set(&cursor->chunk, chunk, cursor->plan->columns, cursor->plan->column_count);
    *shown = &cursor->chunk;
    return true;
}

uint32_t query_cursor_warnings(const struct query_cursor *cursor, const char *const **warnings)
{
    *warnings = cursor->warnings;
    return cursor->warning_count;
}

void query_cursor_files(const struct query_cursor *cursor, uint32_t *considered, uint32_t *opened)
{
    *considered = cursor->files_considered;
    *opened = cursor->files_opened;
}

void query_cursor_close(struct query_cursor *cursor)
{
    if (!cursor) return;
    struct query_session *session = cursor->session;
    chunk_deinit(&cursor->chunk);
    if (cursor->first) duckdb_destroy_data_chunk(&cursor->first);
    walked_drop(cursor);
    free(cursor->walked);
    result_drop(cursor);
    if (cursor->lane) lane_release(session, cursor->lane);
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        if (cursor->held[id].snapshot) duckdb_fs_drop(session->engine->fs, cursor->held[id].id);
    plan_release(cursor->plan);
    arena_deinit(&cursor->arena);
    session->open_cursors--;
    free(cursor);
}
