/* DELETE and UPDATE: the files that hold such rows are made anew, and one commit a table puts the new in place of the old.
 *
 *   log begins a new file --> flush --> snapshot --> prune --> [which files have matches]
 *     --> each: rows that stay (or new values) --> file_builder --> commit: remove + add
 *                                                    '-- a file was taken by another writer: all of it on a new snapshot
 *
 * What arrives once the snapshot is taken is not touched. Until the commit nothing has changed, after it everything has. */
#include "base/clock.h"
#include "base/fail.h"
#include "timefusion/file.h"
#include "timefusion/maintenance/file_builder.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/query/cube.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/kept.h"
#include "timefusion/query/rows.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIES_MAX         8
#define PAUSE_SLICE_MS    200
#define FLUSH_MS_MAX      120000
#define ROW_GROUP_ROWS    30000
#define COLUMNS_BYTES_MAX (64u << 20)
#define STORED_S_MAX      2700 /* VACUUM takes files that the log does not name for litter after an hour */

struct target { /* a file of the table and how many of its rows match */
    struct timefusion_file *file;
    enum schema_table_id table;
    bool is_cold;
    uint64_t matched, kept, updated;
};
struct built { /* files made for one table and day */
    struct file_builder *builder;
    const struct delta_add *adds;
    uint32_t add_count;
    enum schema_table_id table;
};
struct change {
    struct query_cursor *cursor;
    struct choice choice; /* of what is changed */
    const char **tables;  /* SQL of the references in subqueries */
    struct target *targets;
    uint32_t target_count;
    struct built *built;
    uint32_t built_count;
    /* the file under way */
    struct target *target;
    struct rows rows;
    struct columns *columns;
    bool keeps_files; /* it is not known whether the table names them */
    uint64_t begin_mono_ns;
};

bool change_is_allowed(const struct query_session *session, struct err *err)
{
    /* Keys that only send, and those of browsers, open no session; every other key of a project may do all in it. */
    (void)session;
    (void)err;
    return true;
}

/* --- which files --- */

static int by_id(const void *a, const void *b)
{
    uint64_t left = ((const struct target *)a)->file->id, right = ((const struct target *)b)->file->id;
    return left < right ? -1 : left > right;
}

static const char *path_of(const struct target *target)
{
    const struct file *file = (const struct file *)target->file;
    return file->key + strlen(file->table->name) + 1;
}

/* Segments hold what came after the flush: they stay as they are. */
static void targets_make(struct change *change)
{
    struct query_cursor *cursor = change->cursor;
    uint32_t total = 0;
    change->target_count = 0;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) total += change->choice.files[id].count;
    change->targets = arena_calloc(&cursor->arena, (total + 1) * sizeof *change->targets);
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        struct pruned *files = &change->choice.files[id];
        uint32_t kept = 0;
        for (uint32_t f = 0; f < files->count; f++) {
            if (files->files[f]->origin != TIMEFUSION_DELTA) continue;
            struct target *target = &change->targets[change->target_count++];
            *target = (struct target){ .file = files->files[f], .table = (enum schema_table_id)id };
            target->is_cold = file_builder_is_cold(path_of(target));
            files->files[kept++] = files->files[f];
        }
        files->count = kept;
    }
    qsort(change->targets, change->target_count, sizeof *change->targets, by_id);
}

static bool stopped(void *ctx, struct err *err)
{
    const struct change *change = ctx;
    return session_is_stopped(change->cursor->session, err);
}

static bool statement_run(struct change *change, struct buf *sql,
                          bool (*take)(void *ctx, duckdb_data_chunk chunk, struct err *err), struct err *err)
{
    struct query_cursor *cursor = change->cursor;
    struct rows_stream stream = { .take = take, .is_stopped = stopped, .ctx = change };
    if (!buf_add(sql, "", 1)) return err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
    if (!lane_begin(cursor->session, cursor->lane, err)) return false;
    bool ok = rows_stream(cursor->lane->connection, (const char *)sql->ptr, &stream, err);
    lane_end(cursor->session);
    return ok || cursor_failed(cursor, err);
}

static bool matches_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    struct change *change = ctx;
    duckdb_string_t *names = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    const int64_t *counts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
        char name[200];
        snprintf(name, sizeof name, "%.*s", (int)duckdb_string_t_length(names[row]), duckdb_string_t_data(&names[row]));
        const char *base = strrchr(name, '/');
        struct timefusion_file wanted = { .id = strtoull(base ? base + 1 : name, NULL, 10) };
        struct target key = { .file = &wanted };
        struct target *target = bsearch(&key, change->targets, change->target_count, sizeof key, by_id);
        if (!target) return err_set(err, ERR_INTERNAL, "a row came from a file that was not asked: \"%s\"", name);
        target->matched = (uint64_t)counts[row];
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct target *left = a, *right = b;
    if (left->table != right->table) return left->table < right->table ? -1 : 1;
    if (left->file->day != right->file->day) return left->file->day < right->file->day ? -1 : 1;
    if (left->is_cold != right->is_cold) return left->is_cold ? 1 : -1;
    return left->file->timestamp_min_us < right->file->timestamp_min_us
               ? -1
               : left->file->timestamp_min_us > right->file->timestamp_min_us;
}

/* Leaves the files that have rows to change, those of one table and day side by side. */
static bool matches_find(struct change *change, struct err *err)
{
    struct query_cursor *cursor = change->cursor;
    const struct plan *plan = cursor->plan;
    struct buf sql;
    if (change->target_count == 0) return true;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = buf_printf(&sql, "SELECT r%u.f, count(*) FROM ", plan->change_relation) &&
              choice_put(cursor, 0, &change->choice, SOURCE_ALSO_FILE, &sql, err) &&
              buf_printf(&sql, " AS r%u WHERE ", plan->change_relation) &&
              render_sql(&sql, plan->change_where, &cursor->render, err) && buf_printf(&sql, " GROUP BY 1");
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
    ok = ok && statement_run(change, &sql, matches_take, err);
    buf_deinit(&sql);
    uint32_t kept = 0;
    for (uint32_t t = 0; t < change->target_count; t++)
        if (change->targets[t].matched > 0) change->targets[kept++] = change->targets[t];
    change->target_count = kept;
    qsort(change->targets, kept, sizeof *change->targets, by_place);
    return ok;
}

/* --- files anew --- */

static bool columns_hand_over(struct change *change, struct err *err)
{
    if (!change->columns || columns_row_count(change->columns) == 0) return true;
    if (!file_builder_add(change->built[change->built_count - 1].builder, change->columns, err)) return false;
    columns_reset(change->columns);
    columns_trim(change->columns);
    return true;
}

/* UPDATE has whether the row matched in front. */
static bool rows_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    struct change *change = ctx;
    bool is_update = change->cursor->plan->kind == PLAN_UPDATE;
    const struct schema_table *table = columns_table(change->columns);
    if (!rows_set(&change->rows, table, chunk, is_update, err)) return false;
    const bool *matched = is_update ? duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)) : NULL;
    for (uint32_t row = 0; row < change->rows.row_count; row++) {
        if (!rows_put(&change->rows, row, change->columns, err)) return false;
        change->target->kept++;
        change->target->updated += is_update && matched[row];
        if (columns_row_count(change->columns) == ROW_GROUP_ROWS && !columns_hand_over(change, err)) return false;
    }
    return columns_bytes(change->columns) <= COLUMNS_BYTES_MAX || columns_hand_over(change, err);
}

/* The rows of one file that stay. The conditions that choose rows where they are read would lose them: left out. */
static bool source_of_file_put(struct change *change, struct buf *sql, struct err *err)
{
    struct choice choice = change->choice;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) choice.files[id].count = 0;
    choice.files[change->target->table] = (struct pruned){ .files = &change->target->file, .count = 1 };
    choice.id_count = 0;
    choice.from_us = choice.to_us = 0;
    return choice_put(change->cursor, 0, &choice, SOURCE_ALSO_STORED, sql, err);
}

static bool delete_sql(struct change *change, struct buf *sql, struct err *err)
{
    const struct plan *plan = change->cursor->plan;
    char prefix[24];
    snprintf(prefix, sizeof prefix, "r%u.y", plan->change_relation);
    return buf_printf(sql, "SELECT ") && rows_names_put(sql, schema_table(change->target->table), prefix) &&
           buf_printf(sql, " FROM ") && source_of_file_put(change, sql, err) &&
           buf_printf(sql, " AS r%u WHERE (", plan->change_relation) &&
           render_sql(sql, plan->change_where, &change->cursor->render, err) && buf_printf(sql, ") IS NOT TRUE");
}

static bool update_sql(struct change *change, struct buf *sql, struct err *err)
{
    const struct plan *plan = change->cursor->plan;
    const struct schema_table *table = schema_table(change->target->table);
    bool ok = buf_printf(sql, "SELECT m");
    for (uint32_t c = 0; ok && c < table->column_count; c++) {
        uint32_t a = 0;
        if (!schema_column_is_stored(&table->columns[c])) continue;
        while (a < plan->assignment_count && plan->assignments[a].column != c) a++;
        ok = a < plan->assignment_count ? buf_printf(sql, ", CASE WHEN m THEN e%u ELSE y%u END", c, c)
                                        : buf_printf(sql, ", y%u", c);
    }
    ok = ok && buf_printf(sql, " FROM (SELECT *, CASE WHEN m THEN true END AS n");
    char relation[16];
    snprintf(relation, sizeof relation, "r%u", plan->change_relation);
    for (uint32_t a = 0; ok && a < plan->assignment_count; a++)
        ok = buf_printf(sql, ", CASE WHEN m THEN ") &&
             render_sql(sql, plan->assignments[a].value, &change->cursor->render, err) &&
             buf_printf(sql, " END AS e%u", plan->assignments[a].column);
    return ok && buf_printf(sql, " FROM (SELECT %s.*, (", relation) &&
           render_sql(sql, plan->change_where, &change->cursor->render, err) &&
           buf_printf(sql, ") IS TRUE AS m FROM ") && source_of_file_put(change, sql, err) &&
           buf_printf(sql, " AS %s) AS %s) AS q", relation, relation);
}

/* A file is replaced only when each of its rows is accounted for. */
static bool rows_check(const struct change *change, struct err *err)
{
    const struct target *target = change->target;
    bool is_update = change->cursor->plan->kind == PLAN_UPDATE;
    uint64_t rows;
    if (!timefusion_file_rows(target->file, &rows, err)) return false;
    uint64_t gone = is_update ? 0 : target->matched;
    if (gone <= rows && target->kept == rows - gone && (!is_update || target->updated == target->matched)) return true;
    return err_set(err, ERR_CORRUPT,
                   "nothing was changed: of %" PRIu64 " rows of file \"%s\" %" PRIu64 " match and %" PRIu64
                   " were read beside them",
                   rows, path_of(target), target->matched, target->kept);
}

static bool file_rewrite(struct change *change, struct target *target, struct err *err)
{
    struct buf sql;
    change->target = target;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = change->cursor->plan->kind == PLAN_UPDATE ? update_sql(change, &sql, err) : delete_sql(change, &sql, err);
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
    ok = ok && statement_run(change, &sql, rows_take, err) && rows_check(change, err);
    buf_deinit(&sql);
    return ok;
}

static void builder_begin(struct change *change, const struct target *target)
{
    struct file_builder_options options = { .timefusion = change->cursor->session->engine->options.timefusion,
                                            .table = schema_table(target->table),
                                            .project_id = change->cursor->session->project_id,
                                            .day = target->file->day,
                                            .is_cold = target->is_cold };
    change->built[change->built_count++] =
        (struct built){ .builder = file_builder_create(&options), .table = target->table };
    columns_destroy(change->columns);
    change->columns = columns_create(options.table);
}

static bool builder_end(struct change *change, struct err *err)
{
    struct built *built = &change->built[change->built_count - 1];
    return columns_hand_over(change, err) && file_builder_finish(built->builder, &built->adds, &built->add_count, err);
}

static bool files_rewrite(struct change *change, struct err *err)
{
    change->built = mem_calloc(change->target_count + 1, sizeof *change->built);
    change->begin_mono_ns = clock_mono_ns();
    for (uint32_t t = 0; t < change->target_count; t++) {
        struct target *target = &change->targets[t], *before = t > 0 ? target - 1 : NULL;
        bool is_next = !before || before->table != target->table || before->file->day != target->file->day ||
                       before->is_cold != target->is_cold;
        if (is_next && before && !builder_end(change, err)) return false;
        if (is_next) builder_begin(change, target);
        if (!file_rewrite(change, target, err)) return false;
    }
    if (change->target_count > 0 && !builder_end(change, err)) return false;
    fail_point("rewrite.after_store");
    return true;
}

/* --- the commit --- */

static void notice_add(struct query_cursor *cursor, const char *text)
{
    const char **notices = arena_alloc(&cursor->arena, (cursor->notice_count + 1) * sizeof *notices);
    if (cursor->notice_count > 0) memcpy(notices, cursor->notices, cursor->notice_count * sizeof *notices);
    notices[cursor->notice_count++] = text;
    cursor->notices = notices;
}

static bool commit_put(struct change *change, enum schema_table_id id, const struct delta_change *commit,
                       uint64_t *version, struct err *err)
{
    struct query_engine *engine = change->cursor->session->engine;
    struct delta_table *delta = timefusion_delta(engine->options.timefusion, id);
    fail_point("rewrite.before_commit");
    bool ok = false;
    /* After ERR_IO it is not known whether it is in: the same call again finds out. */
    for (int attempt = 0; !ok && attempt < 3; attempt++) {
        *err = (struct err){ .code = ERR_OK };
        ok = delta_commit(delta, commit, version, err);
        if (!ok && err->code != ERR_IO) break;
    }
    fail_point("rewrite.after_commit");
    if (!ok && err->code != ERR_CONFLICT) change->keeps_files = true;
    return ok;
}

static bool table_commit(struct change *change, enum schema_table_id id, struct err *err)
{
    struct query_cursor *cursor = change->cursor;
    const struct schema_table *table = schema_table(id);
    uint32_t add_count = 0, remove_count = 0;
    uint64_t rows = 0, version = 0;
    for (uint32_t b = 0; b < change->built_count; b++)
        add_count += change->built[b].table == id ? change->built[b].add_count : 0;
    struct delta_add *adds = arena_alloc(&cursor->arena, (add_count + 1) * sizeof *adds);
    const char **removes = arena_alloc(&cursor->arena, (change->target_count + 1) * sizeof *removes);
    add_count = 0;
    for (uint32_t b = 0; b < change->built_count; b++)
        for (uint32_t a = 0; change->built[b].table == id && a < change->built[b].add_count; a++)
            adds[add_count++] = change->built[b].adds[a];
    for (uint32_t t = 0; t < change->target_count; t++) {
        if (change->targets[t].table != id) continue;
        removes[remove_count++] = path_of(&change->targets[t]);
        rows += change->targets[t].matched;
    }
    if (remove_count == 0) return true;
    bool is_update = cursor->plan->kind == PLAN_UPDATE;
    char metrics[80];
    snprintf(metrics, sizeof metrics, "{\"%s\":\"%" PRIu64 "\"}", is_update ? "numUpdatedRows" : "numDeletedRows",
             rows);
    /* The condition is not told: it may name the very person that is to be forgotten. */
    struct delta_change commit = { .adds = adds,
                                   .add_count = add_count,
                                   .removes = removes,
                                   .remove_count = remove_count,
                                   .operation = is_update ? "UPDATE" : "DELETE",
                                   .metrics_json = metrics,
                                   .data_change = true };
    if (!commit_put(change, id, &commit, &version, err)) return err_within(err, "table \"%s\"", table->name);
    cursor->changed_rows += rows;
    log_info(cursor->session->engine->options.log, "change.committed", log_text("table", table->name),
             log_text("operation", commit.operation), log_number("version", (int64_t)version),
             log_number("rows", (int64_t)rows), log_number("files_removed", remove_count),
             log_number("files_added", add_count));
    notice_add(cursor,
               arena_printf(&cursor->arena,
                            "version %" PRIu64 " of %s has %" PRIu64 " rows %s, %u of its files replaced by %u; "
                            "the old files stay in the store, for readers of older versions, until VACUUM",
                            version, table->name, rows, is_update ? "changed" : "deleted", remove_count, add_count));
    return true;
}

static void log_notice_add(struct query_cursor *cursor, bool is_rolled, const struct err *err)
{
    if (cursor->plan->kind != PLAN_DELETE || cursor->changed_rows == 0) return;
    notice_add(cursor, is_rolled ? "the log holds nothing of them any more"
                                 : arena_printf(&cursor->arena, "the log may hold them until its file is full (%s)",
                                                err->text));
}

static void texts_forget(struct query_cursor *cursor)
{
    const struct query_hooks *hooks = &cursor->session->engine->options.hooks;
    struct err err = { 0 };
    if (cursor->plan->kind != PLAN_DELETE || cursor->changed_rows == 0 || !hooks->forget) return;
    if (hooks->forget(hooks->ctx, cursor->session->project_id, &err)) return;
    notice_add(cursor,
               arena_printf(&cursor->arena,
                            "examples of attribute values may still show them (%s); the next DELETE tries again",
                            err.text));
}

/* --- all of it --- */

static void change_drop(struct change *change)
{
    for (uint32_t b = 0; b < change->built_count; b++)
        file_builder_close(change->built[b].builder, change->keeps_files);
    free(change->built);
    columns_destroy(change->columns);
    rows_deinit(&change->rows);
    change->built = NULL;
    change->built_count = 0;
    change->columns = NULL;
}

static void snapshots_drop(struct query_cursor *cursor)
{
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        if (cursor->held[id].snapshot) duckdb_fs_drop(cursor->session->engine->fs, cursor->held[id].id);
        cursor->held[id] = (struct held){ 0 };
    }
}

static bool sources_choose(struct change *change, struct prune_warning **warnings, struct err *err)
{
    struct query_cursor *cursor = change->cursor;
    const struct plan *plan = cursor->plan;
    change->tables = arena_calloc(&cursor->arena, (plan->table_count + 1) * sizeof *change->tables);
    cursor->files_considered = cursor->files_opened = cursor->identity_files = 0;
    if (!choice_make(cursor, 0, &change->choice, warnings, err)) return false;
    for (uint32_t t = 1; t < plan->table_count; t++) {
        struct choice choice;
        if (!choice_make(cursor, t, &choice, warnings, err)) return false;
        change->tables[t] = choice_sql(cursor, t, &choice, err);
        if (!change->tables[t]) return false;
    }
    cursor->render.tables = change->tables;
    targets_make(change);
    return true;
}

static bool may_commit(const struct change *change, struct err *err)
{
    if (session_is_stopped(change->cursor->session, err)) return false;
    return clock_mono_ns() - change->begin_mono_ns < STORED_S_MAX * UINT64_C(1000000000) || change->target_count == 0 ||
           err_set(
               err, ERR_TOO_LARGE,
               "nothing was changed: the files could not be made anew within %d minutes; change fewer days at once, "
               "by a condition on timestamp",
               STORED_S_MAX / 60);
}

/* RETURNING: of the rows that were found, before they go. */
static bool rows_return(struct change *change, struct err *err)
{
    struct query_cursor *cursor = change->cursor;
    if (!cursor->plan->returning) return true;
    change->tables[0] = choice_sql(cursor, 0, &change->choice, err);
    return change->tables[0] && cursor_returned(cursor, err);
}

static bool change_try(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err)
{
    struct change change = { .cursor = cursor };
    bool ok = sources_choose(&change, warnings, err) && matches_find(&change, err) && rows_return(&change, err) &&
              files_rewrite(&change, err) && may_commit(&change, err);
    for (uint32_t id = 0; ok && id < SCHEMA_TABLE_COUNT; id++) {
        ok = table_commit(&change, (enum schema_table_id)id, err);
        /* Files of a table that is committed are its own from here on. */
        for (uint32_t b = 0; ok && b < change.built_count; b++) {
            if (change.built[b].table != id || !change.built[b].builder) continue;
            file_builder_close(change.built[b].builder, true);
            change.built[b] = (struct built){ .table = change.built[b].table };
        }
    }
    cursor->render.tables = NULL;
    change_drop(&change);
    return ok;
}

/* A unit of maintenance has taken a file away: the next tries wait for units to end, and have none beside them. */
static bool units_pause(struct query_session *session, bool *is_paused, struct err *err)
{
    struct maintenance *maintenance = session->engine->options.hooks.maintenance;
    while (maintenance && !*is_paused) {
        if (session_is_stopped(session, err)) return false;
        *is_paused = maintenance_pause(maintenance, PAUSE_SLICE_MS);
    }
    return true;
}

static bool change_tries(struct query_cursor *cursor, struct prune_warning **warnings, bool *is_paused, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        *err = (struct err){ .code = ERR_OK };
        *warnings = NULL;
        if (change_try(cursor, warnings, err)) return true;
        if (err->code != ERR_CONFLICT) return false;
        if (attempt == TRIES_MAX)
            return err_within(err, "other writers took files of it away %d times; try again", TRIES_MAX);
        snapshots_drop(cursor);
        if (!units_pause(cursor->session, is_paused, err)) return false;
    }
}

bool change_run(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err)
{
    struct query_session *session = cursor->session;
    const struct query_hooks *hooks = &session->engine->options.hooks;
    struct err roll_err = { .code = ERR_OK };
    if (!change_is_allowed(session, err)) return false;
    bool is_rolled = cursor->plan->kind != PLAN_DELETE || !hooks->log_roll || hooks->log_roll(hooks->ctx, &roll_err);
    if (!session_flush(session, FLUSH_MS_MAX, err))
        return !session_is_stopped(session, err) && err_within(err, "nothing was changed");
    bool is_paused = false;
    bool ok = change_tries(cursor, warnings, &is_paused, err);
    if (is_paused) maintenance_resume(hooks->maintenance);
    if (!ok) return false;
    log_notice_add(cursor, is_rolled, &roll_err);
    if (cursor->changed_rows > 0) {
        kept_forget(cursor);
        cube_forget(cursor);
    }
    texts_forget(cursor);
    return true;
}
