#include "base/clock.h"
#include "timefusion/query/command.h"
#include "timefusion/query/cube.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/kept.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

/* What DuckDB says of an interrupt, by who asked for it. */
bool cursor_failed(struct query_cursor *cursor, struct err *err)
{
    if (err->code == ERR_IO && cursor_bytes_are_over(cursor, err)) return false;
    if (err->code != ERR_CANCELLED) return false;
    struct err why = { .code = ERR_OK };
    if (session_is_stopped(cursor->session, &why)) *err = why;
    return false;
}

bool cursor_sql(struct query_cursor *cursor, const char *sql, struct err *err)
{
    if (!lane_begin(cursor->session, cursor->lane, err)) return false;
    cursor->has_result = engine_stream(cursor->lane->connection, sql, NULL, &cursor->planned, &cursor->result, err);
    lane_end(cursor->session);
    return cursor->has_result || cursor_failed(cursor, err);
}

bool cursor_run(struct query_cursor *cursor, const char *template, const char *prefix, struct err *err)
{
    struct buf sql;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    const struct plan *plan = cursor->plan;
    bool ok = buf_printf(&sql, "%s", prefix);
    if (plan->casts && prefix[0] == '\0' && (template == plan->sql || template == plan->returning)) {
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
    ok = ok && cursor_sql(cursor, (const char *)sql.ptr, err);
    buf_deinit(&sql);
    return ok;
}

bool cursor_chunk(struct query_cursor *cursor, duckdb_data_chunk *chunk, struct err *err)
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
                return cursor_failed(cursor, err);
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

/* They wait as those of a walk do: what is written later must not be held up by who reads them. */
bool cursor_returned_add(struct query_cursor *cursor, duckdb_data_chunk chunk, struct err *err)
{
    cursor->is_walked = true;
    cursor->walked = mem_realloc(cursor->walked, (cursor->walked_count + 1) * sizeof *cursor->walked);
    cursor->walked[cursor->walked_count++] = chunk;
    cursor->returned_rows += duckdb_data_chunk_get_size(chunk);
    uint64_t max = cursor->limits.rows_max;
    if (max == 0 || max > RETURNED_ROWS_MAX) max = RETURNED_ROWS_MAX;
    return cursor->returned_rows <= max ||
           err_set(err, ERR_TOO_LARGE, "nothing was changed: RETURNING gives at most %" PRIu64 " rows", max);
}

bool cursor_returned(struct query_cursor *cursor, struct err *err)
{
    duckdb_data_chunk chunk;
    walk_drop(cursor); /* of a try before this one */
    cursor->returned_rows = 0;
    bool ok = cursor_run(cursor, cursor->plan->returning, "", err);
    while (ok && (ok = cursor_chunk(cursor, &chunk, err)) && chunk) ok = cursor_returned_add(cursor, chunk, err);
    cursor_result_drop(cursor);
    return ok;
}

void cursor_result_drop(struct query_cursor *cursor)
{
    if (cursor->has_result) duckdb_destroy_result(&cursor->result);
    cursor->has_result = false;
}

/* The selects over the table that need not be asked as they were written. */
static bool groups_make(struct query_cursor *cursor, uint32_t t, const struct choice *choice, const char **folds,
                        const char **cubes, struct err *err)
{
    const struct plan *plan = cursor->plan;
    bool is_answered[PLAN_FOLDS_MAX] = { 0 };
    for (uint32_t n = 0; n < plan->cube_count; n++) {
        if (plan->cubes[n].table != t) continue;
        cubes[n] = cube_sql(cursor, n, choice, err);
        if (!cubes[n] && err->code != ERR_OK) return false;
        if (cubes[n] && plan->cubes[n].fold >= 0) is_answered[plan->cubes[n].fold] = true;
    }
    for (uint32_t f = 0; f < plan->fold_count; f++) {
        if (plan->folds[f].table != t || is_answered[f]) continue;
        folds[f] = kept_sql(cursor, f, choice, err);
        if (!folds[f] && err->code != ERR_OK) return false;
    }
    return true;
}

static bool tables_make(struct query_cursor *cursor, bool *is_walked, struct prune_warning **warnings, struct err *err)
{
    const struct plan *plan = cursor->plan;
    const char **tables = arena_alloc(&cursor->arena, (plan->table_count + 1) * sizeof *tables);
    const char **folds = arena_calloc(&cursor->arena, (plan->fold_count + 1) * sizeof *folds);
    const char **cubes = arena_calloc(&cursor->arena, (plan->cube_count + 1) * sizeof *cubes);
    cursor->render.folds = cursor->render.cubes = NULL;
    *is_walked = false;
    for (uint32_t t = 0; t < plan->table_count; t++) {
        struct choice choice;
        if (!choice_make(cursor, t, &choice, warnings, err)) return false;
        if (plan->is_walk && plan->kind == PLAN_SELECT && !plan->casts) {
            if (!walk_run(cursor, &choice, is_walked, warnings, err)) return false;
            if (*is_walked) return true;
        }
        tables[t] = choice_sql(cursor, t, &choice, err);
        if (!tables[t]) return false;
        if (!groups_make(cursor, t, &choice, folds, cubes, err)) return false;
    }
    cursor->render.folds = folds;
    cursor->render.cubes = cubes;
    cursor->render.tables = tables;
    return true;
}

bool cursor_tables(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err)
{
    bool is_walked;
    return tables_make(cursor, &is_walked, warnings, err);
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

/* Lines for the client, in chunks of their own. */
struct lines {
    struct query_cursor *cursor;
    duckdb_data_chunk chunk; /* NULL: none under way */
    idx_t rows;
};

static void lines_end(struct lines *lines)
{
    struct query_cursor *cursor = lines->cursor;
    if (!lines->chunk) return;
    duckdb_data_chunk_set_size(lines->chunk, lines->rows);
    cursor->walked = mem_realloc(cursor->walked, (cursor->walked_count + 1) * sizeof *cursor->walked);
    cursor->walked[cursor->walked_count++] = lines->chunk;
    lines->chunk = NULL;
    lines->rows = 0;
}

static void line_add(struct lines *lines, struct bytes line)
{
    if (!lines->chunk) {
        duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
        lines->chunk = duckdb_create_data_chunk(&type, 1);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_vector_assign_string_element_len(duckdb_data_chunk_get_vector(lines->chunk, 0), lines->rows++,
                                            (const char *)line.ptr, line.len);
    if (lines->rows == duckdb_vector_size()) lines_end(lines);
}

PRINTF_LIKE(2, 3) static void line_print(struct lines *lines, const char *fmt, ...)
{
    char line[200];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(line, sizeof line, fmt, arguments);
    va_end(arguments);
    line_add(lines, bytes_of_text(line));
}

/* A line of DuckDB's plan; what names files or repeats the SQL is ours. */
static void plan_line_add(struct lines *lines, struct bytes line)
{
    static const struct bytes hidden[] = { { (const uint8_t *)"mono://", 7 },
                                           { (const uint8_t *)".parquet", 8 },
                                           { (const uint8_t *)"EXPLAIN ANALYZE", 15 } };
    for (size_t i = 0; i < COUNT_OF(hidden); i++)
        if (line.len > 0 && memmem(line.ptr, line.len, hidden[i].ptr, hidden[i].len)) return;
    line_add(lines, line);
}

static void plan_add(struct lines *lines, duckdb_string_t *plan)
{
    struct bytes text = bytes_from(duckdb_string_t_data(plan), duckdb_string_t_length(*plan));
    while (text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        plan_line_add(lines, bytes_from(text.ptr, len));
        text = end ? bytes_from(end + 1, text.len - len - 1) : bytes_from(text.ptr, 0);
    }
}

/* DuckDB's plan as lines of text, ours first: rows that are there, as those of a walk. */
static bool explain_run(struct query_cursor *cursor, struct err *err)
{
    struct lines lines = { .cursor = cursor };
    if (!cursor_run(cursor, cursor->plan->sql, cursor->plan->is_analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ", err))
        return false;
    line_print(&lines, "Files: %u of %u", cursor->files_opened, cursor->files_considered);
    if (cursor->files_cubed > 0) line_print(&lines, "Files answered from roll-ups: %u", cursor->files_cubed);
    if (cursor->identity_files > 0)
        line_print(&lines, "Files that may say whose a trace is: %u", cursor->identity_files);
    bool ok;
    for (duckdb_data_chunk chunk;;) {
        ok = cursor_chunk(cursor, &chunk, err);
        if (!ok || !chunk) break;
        duckdb_string_t *plans =
            duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, duckdb_data_chunk_get_column_count(chunk) - 1));
        for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) plan_add(&lines, &plans[row]);
        duckdb_destroy_data_chunk(&chunk);
    }
    if (cursor->plan->is_analyze) { /* PostgreSQL's words; without the drawing of the plan */
        line_print(&lines, "Planning Time: %.3f ms",
                   (double)(cursor->planned.mono_ns - cursor->planning.mono_ns) / 1e6);
        line_print(&lines, "Planning CPU: %.3f ms",
                   (double)(cursor->planned.thread_ns - cursor->planning.thread_ns) / 1e6);
    }
    lines_end(&lines);
    cursor->is_walked = ok;
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
        if (plan->wire) temporaries_drop(session, &session->temporaries); /* DISCARD ALL */
        return true;
    default: break;
    }
    if (!cursor_limits_begin(cursor, err)) return false;
    if (plan->kind == PLAN_INSERT && !plan->returning && insert_is_direct(cursor)) {
        cursor->is_done = true;
        return insert_run(cursor, NULL, err);
    }
    if (!lane_acquire(session, &cursor->lane, err)) return false;
    if (!temporary_numbers(session, plan, &cursor->arena, &cursor->render.temporaries))
        return err_set(err, ERR_NO_TABLE, "a temporary table of the statement does not exist any more");
    if (plan->kind == PLAN_COMMAND) return command_run(cursor, err);
    if (plan->reads_stats && !stats_take(cursor, err)) return false;
    if (plan->reads_activity && !activity_take(cursor, err)) return false;
    if (!lane_read_late(cursor->lane, plan->table_count <= 1, err)) return false;
    bounds_make(session, cursor->lane, &cursor->render, &cursor->arena, &cursor->bounds);
    if (plan->kind == PLAN_DELETE || plan->kind == PLAN_UPDATE) {
        struct prune_warning *warnings = NULL;
        cursor->is_done = true;
        if (!change_run(cursor, &warnings, err)) return false;
        cursor->is_done = !cursor->is_walked;
        warnings_collect(cursor, warnings);
        return true;
    }
    if (plan->kind == PLAN_INSERT) {
        struct prune_warning *warnings = NULL;
        cursor->is_done = true;
        if (!insert_run(cursor, &warnings, err)) return false;
        cursor->is_done = !cursor->is_walked;
        warnings_collect(cursor, warnings);
        return true;
    }
    if (plan->kind == PLAN_TEMPORARY) {
        struct prune_warning *warnings = NULL;
        cursor->is_done = true;
        if (!temporary_run(cursor, &warnings, err)) return false;
        cursor->is_done = !cursor->is_walked;
        warnings_collect(cursor, warnings);
        return true;
    }
    for (;;) {
        bool is_walked = false;
        struct prune_warning *warnings = NULL;
        cursor->files_considered = cursor->files_opened = cursor->files_cubed = cursor->identity_files = 0;
        bool ok = tables_make(cursor, &is_walked, &warnings, err);
        if (ok && !is_walked)
            ok = plan->kind == PLAN_EXPLAIN ? explain_run(cursor, err) : cursor_run(cursor, plan->sql, "", err);
        is_walked = is_walked || plan->kind == PLAN_EXPLAIN;
        if (ok && !is_walked) ok = cursor_chunk(cursor, &cursor->first, err);
        if (ok) {
            warnings_collect(cursor, warnings);
            if (!is_walked && !cursor->first) cursor->is_done = true;
            return true;
        }
        cursor_result_drop(cursor);
        walk_drop(cursor);
        if (!cube_damaged(cursor, err) && !damaged_note(cursor, err)) return false;
        *err = (struct err){ .code = ERR_OK };
    }
}

bool cursor_open(struct query_session *session, struct plan *plan, struct planning before,
                 const struct query_parameter *parameters, uint32_t count, struct query_cursor **out, struct err *err)
{
    *out = NULL;
    if (count != plan->parameter_count)
        return err_set(err, ERR_INPUT, "%u parameters were given, %u are needed", count, plan->parameter_count);
    struct query_cursor *cursor = mem_calloc(1, sizeof *cursor);
    cursor->session = session;
    cursor->planning = (struct planning){ clock_mono_ns() - before.mono_ns, clock_thread_ns() - before.thread_ns };
    cursor->plan = plan_acquire(plan);
    arena_init(&cursor->arena, 16 * 1024);
    chunk_init(&cursor->chunk, &session->temporaries);
    session->open_cursors++;
    session_clock_begin(session);
    activity_begin(session, plan->text);
    cursor->is_of_transaction = session->in_transaction && plan->kind != PLAN_DELETE && plan->kind != PLAN_UPDATE;
    parameters_copy(cursor, parameters, count);
    cursor->render =
        (struct render){ .plan = plan,
                         .parameters = cursor->parameters,
                         .now_unix_us = session->in_transaction ? session->transaction_unix_us : clock_unix_us(),
                         .project_id = session->project_id,
                         .user = session->user,
                         .pid = session->pid,
                         .settings = session->settings,
                         .own = &session->temporaries };
    *err = (struct err){ .code = ERR_OK };
    cursor->begun_mono_ns = clock_mono_ns();
    cursor->begun_unix_us = clock_unix_us();
    bool ok = cursor_start(cursor, err);
    cursor_turn_give(cursor);
    cursor->failure = ok ? ERR_OK : err->code;
    if (!ok) {
        query_cursor_close(cursor);
        return false;
    }
    *out = cursor;
    return true;
}

/* What was not asked of DuckDB before must be as we said. */
static bool types_check(const struct query_cursor *cursor, duckdb_data_chunk chunk, struct err *err)
{
    const struct plan *plan = cursor->plan;
    for (uint32_t c = 0; plan->is_known && cursor->row_count == 0 && c < plan->column_count; c++) {
        duckdb_logical_type logical = duckdb_vector_get_column_type(duckdb_data_chunk_get_vector(chunk, c));
        enum query_type type = engine_type(logical), known = plan->columns[c].type;
        duckdb_destroy_logical_type(&logical);
        if (type_element(known) == QUERY_TYPE_JSONB)
            known = (enum query_type)(known - QUERY_TYPE_JSONB + QUERY_TYPE_TEXT);
        if (type != known)
            return err_set(err, ERR_INTERNAL, "column \"%s\" is %s and not %s", plan->columns[c].name, type_name(type),
                           type_name(known));
    }
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
    } else {
        bool ok = cursor_turn_take(cursor, err) && cursor_chunk(cursor, &chunk, err);
        cursor_turn_give(cursor);
        cursor->is_done = !ok;
        cursor->failure = ok ? ERR_OK : err->code;
        if (!ok) return false;
    }
    if (!chunk) {
        cursor->is_done = true;
        return true;
    }
    if (!types_check(cursor, chunk, err) || !cursor_rows_add(cursor, duckdb_data_chunk_get_size(chunk), err)) {
        duckdb_destroy_data_chunk(&chunk);
        cursor->is_done = true;
        cursor->failure = err->code;
        return false;
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

uint32_t query_cursor_notices(const struct query_cursor *cursor, const char *const **notices)
{
    *notices = cursor->notices;
    return cursor->notice_count;
}

uint64_t query_cursor_changed_rows(const struct query_cursor *cursor)
{
    return cursor->changed_rows;
}

void query_cursor_files(const struct query_cursor *cursor, uint32_t *considered, uint32_t *opened)
{
    *considered = cursor->files_considered;
    *opened = cursor->files_opened;
}

enum query_answered query_cursor_answered(const struct query_cursor *cursor)
{
    if (cursor->files_cubed == 0) return QUERY_ANSWERED_RAW;
    return cursor->files_opened == 0 ? QUERY_ANSWERED_ROLLUPS : QUERY_ANSWERED_BOTH;
}

void query_cursor_close(struct query_cursor *cursor)
{
    if (!cursor) return;
    struct query_session *session = cursor->session;
    uint64_t bytes = query_cursor_bytes(cursor);
    chunk_deinit(&cursor->chunk);
    if (cursor->first) duckdb_destroy_data_chunk(&cursor->first);
    walk_drop(cursor);
    free(cursor->walked);
    cursor_result_drop(cursor);
    if (cursor->lane) lane_release(session, cursor->lane);
    kept_release(cursor);
    cube_release(cursor);
    for (const struct held_narrowed *narrowed = cursor->narrowed; narrowed; narrowed = narrowed->next)
        duckdb_fs_drop(session->engine->fs, narrowed->id);
    for (const struct held_map *map = cursor->maps; map; map = map->next)
        identity_maps_drop(session->engine->identity_maps, map->number);
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        if (cursor->held[id].snapshot && !cursor->held[id].is_pinned)
            duckdb_fs_drop(session->engine->fs, cursor->held[id].id);
    const struct query_hooks *hooks = &session->engine->options.hooks;
    if (cursor->is_admitted) hooks->ended(hooks->ctx, session->project_id);
    activity_ran(cursor, bytes);
    plan_release(cursor->plan);
    arena_deinit(&cursor->arena);
    session->open_cursors--;
    if (session->open_cursors == 0) activity_end(session);
    free(cursor);
}
