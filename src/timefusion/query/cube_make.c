/* The maker of cubes: each stored file of a project, newest first, once, while nobody else asks for anything. */
#include "base/clock.h"
#include "timefusion/query/cube.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/kept.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { QUIET_LOOKS = 3, LOOKS_MAX = 50, LOOK_NS = 100000000, SKETCH_BYTES_A_ROW = 4, OPENED_OF_PROJECT_MAX = 64 };

struct making {
    struct query_engine *engine;
    struct uuid project_id;
    duckdb_connection connection;
    const struct held *held;
    atomic_bool *stop;
};

static bool is_stopped(const struct making *making)
{
    return making->stop && atomic_load(making->stop);
}

/* Until no statement ran for a moment; where there is always one, some seconds. */
static void quiet_wait(const struct making *making)
{
    uint32_t quiet = 0;
    for (uint32_t look = 0; making->stop && look < LOOKS_MAX && quiet < QUIET_LOOKS && !is_stopped(making); look++) {
        pthread_mutex_lock(&making->engine->lock);
        bool is_busy = making->engine->armed_count > 0;
        pthread_mutex_unlock(&making->engine->lock);
        quiet = is_busy ? 0 : quiet + 1;
        nanosleep(&(struct timespec){ 0, LOOK_NS }, NULL);
    }
}

/* GROUP BY the kind's keys, steps and times; a key's name is written by the format, which takes its column and its name. */
static bool groups_put(struct buf *sql, const struct cube_kind *kind, const char *step, const char *time, bool is_line)
{
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    const char *comma = "";
    bool ok = buf_printf(sql, " GROUP BY ");
    for (uint32_t i = 0; ok && i < CUBE_KEYS_MAX && kind->keys[i]; i++, comma = ", ")
        ok = is_line ? buf_printf(sql, "%sc.\"%s\"", comma, kind->keys[i])
                     : buf_printf(sql, "%ss%d", comma, schema_column_index(schema, bytes_of_text(kind->keys[i])));
    if (kind->has_steps) {
        ok = ok && buf_printf(sql, "%s%s", comma, step);
        comma = ", ";
    }
    if (kind->step_us > 0) {
        ok =
            ok && buf_printf(sql, "%sepoch_us(%s) // CAST(%" PRId64 " AS BIGINT)", comma, time, (int64_t)kind->step_us);
        comma = ", ";
    }
    return ok && (comma[0] || buf_printf(sql, "()"));
}

/* SELECT what is counted, keys FROM the file's rows. */
static bool rows_put(struct buf *sql, const struct making *making, struct timefusion_file *file,
                     const struct cube_kind *kind)
{
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    int duration = schema_column_index(schema, BYTES(CUBE_MEASURE));
    struct column_set needed = { 0 };
    struct err ignored = { 0 };
    const struct parquet_footer *footer = NULL;
    const char *name = file->name;
    char step[40], time[16];
    assert(duration >= 0);
    column_set_add(&needed, schema->timestamp);
    column_set_add(&needed, (uint32_t)duration);
    snprintf(step, sizeof step, "mono_step(s%d)", duration);
    snprintf(time, sizeof time, "s%u", schema->timestamp);
    bool ok =
        buf_printf(sql,
                   "SELECT min(%s) AS \"timestamp\", count(*) AS t_n, count(s%d) AS t_c, CAST(sum(s%d) AS BIGINT) "
                   "AS t_s, min(s%d) AS t_l, max(s%d) AS t_h",
                   time, duration, duration, duration, duration);
    if (kind->has_steps) ok = ok && buf_printf(sql, ", %s AS t_d", step);
    for (uint32_t i = 0; ok && i < CUBE_KEYS_MAX && kind->keys[i]; i++) {
        int column = schema_column_index(schema, bytes_of_text(kind->keys[i]));
        assert(column >= 0);
        column_set_add(&needed, (uint32_t)column);
        ok = buf_printf(sql, ", s%d AS \"%s\"", column, kind->keys[i]);
    }
    for (uint32_t i = 0; ok && i < CUBE_SKETCHES_MAX && kind->sketches[i]; i++) {
        int column = schema_column_index(schema, bytes_of_text(kind->sketches[i]));
        assert(column >= 0);
        column_set_add(&needed, (uint32_t)column);
        ok = buf_printf(sql, ", mono_sketches(mono_sketch(s%d)) AS \"u_%s\"", column, kind->sketches[i]);
    }
    (void)!timefusion_file_footer(file, &footer, &ignored); /* reading tells */
    struct source_files source = { .snapshot_id = making->held->id, .names = &name, .count = 1, .footers = &footer };
    return ok && buf_printf(sql, " FROM ") && source_files_put(sql, schema, &source, &needed, NULL) &&
           groups_put(sql, kind, step, time, false);
}

/* The same of the lines of a finer cube. */
static bool lines_put(struct buf *sql, const struct cube *from, const struct cube_kind *kind)
{
    bool ok =
        buf_printf(sql, "SELECT min(c.\"timestamp\") AS \"timestamp\", CAST(sum(c.t_n) AS BIGINT) AS t_n, "
                        "CAST(sum(c.t_c) AS BIGINT) AS t_c, CAST(sum(c.t_s) AS BIGINT) AS t_s, min(c.t_l) AS t_l, "
                        "max(c.t_h) AS t_h");
    if (kind->has_steps) ok = ok && buf_printf(sql, ", c.t_d");
    for (uint32_t i = 0; ok && i < CUBE_KEYS_MAX && kind->keys[i]; i++)
        ok = buf_printf(sql, ", c.\"%s\"", kind->keys[i]);
    for (uint32_t i = 0; ok && i < CUBE_SKETCHES_MAX && kind->sketches[i]; i++)
        ok = buf_printf(sql, ", mono_sketches(c.\"u_%s\") AS \"u_%s\"", kind->sketches[i], kind->sketches[i]);
    return ok && buf_printf(sql, " FROM read_parquet('mono://%" PRIu64 "/" CUBE_NAME "') AS c", from->id, from->id) &&
           groups_put(sql, kind, "c.t_d", "c.\"timestamp\"", true);
}

/* COPY gives how many rows it wrote. */
static bool copy(const struct making *making, const char *sql, uint64_t *rows, struct err *err)
{
    duckdb_result result;
    if (!engine_query(making->connection, sql, &result, err)) return false;
    *rows = duckdb_rows_changed(&result);
    duckdb_destroy_result(&result);
    return true;
}

static bool cube_of(const struct making *making, struct timefusion_file *file, const struct cube_kind *kind,
                    bool *is_made, struct err *err)
{
    struct query_engine *engine = making->engine;
    uint64_t least = engine->options.kept_file_rows_min ? file->row_count : file->row_count / kind->rows_a_group;
    uint64_t out = atomic_fetch_add(&engine->next_snapshot_id, 1), rows = 0;
    struct buf sql;
    struct bytes bytes = { 0 };
    struct cube_name name = { making->project_id, timefusion_file_hash(file), kind, 0 };
    if (kind->is_words) return cube_words_make(engine->cubes, &name, file, is_made, err);
    struct cube *from = cube_source(engine->cubes, name.file, kind);
    buf_init(&sql, 1u << 20);
    bool ok = buf_printf(&sql, "COPY (") && (from ? lines_put(&sql, from, kind) : rows_put(&sql, making, file, kind)) &&
              /* as long as the groups are not too many */
              buf_printf(&sql,
                         " LIMIT %" PRIu64 ") TO 'mono://out/%" PRIu64
                         "' (FORMAT parquet, USE_TMP_FILE false, COMPRESSION zstd)",
                         least + 1, out) &&
              buf_add(&sql, "", 1);
    if (!ok) err_set(err, ERR_TOO_LARGE, "the statement of a roll-up is too long");
    duckdb_fs_out_begin(engine->fs, out, CUBE_BYTES_MAX);
    ok = ok && copy(making, (const char *)sql.ptr, &rows, err);
    duckdb_fs_out_end(engine->fs, out, ok && rows <= least ? &bytes : NULL);
    if (from) cube_unhold(engine->cubes, from);
    /* Lines of few rows each: the values themselves, for their sketches are lists. */
    if (kind->sketches[0] && !engine->options.kept_file_rows_min && bytes.len > SKETCH_BYTES_A_ROW * file->row_count) {
        free((void *)(uintptr_t)bytes.ptr);
        bytes = (struct bytes){ 0 };
    }
    name.rows = rows;
    *is_made = bytes.ptr != NULL;
    /* Whatever is wrong with the file (damaged, a sum beyond 64 bits, memory): it is read as rows. */
    if (!ok && !is_stopped(making)) {
        log_warn(engine->options.log, "query.rollup_not_made", log_text("err", err->text));
        *err = (struct err){ .code = ERR_OK };
        ok = true;
    }
    ok = ok && cube_put(engine->cubes, &name, bytes, err);
    free((void *)(uintptr_t)bytes.ptr);
    buf_deinit(&sql);
    return ok;
}

/* Of each family the first kind that pays. */
static bool file_make(const struct making *making, struct timefusion_file *file, struct err *err)
{
    for (uint32_t first = 0; first < cube_kind_count; first++) {
        bool is_there = first > 0 && cube_kinds[first].family == cube_kinds[first - 1].family;
        for (uint32_t k = first; k < cube_kind_count && !is_there; k++) {
            const struct cube_kind *kind = &cube_kinds[k];
            if (kind->family != cube_kinds[first].family) break;
            enum cube_state state = cube_state(making->engine->cubes, timefusion_file_hash(file), kind);
            is_there = state == CUBE_THERE;
            if (state != CUBE_MISSING) continue;
            quiet_wait(making);
            if (is_stopped(making)) return true;
            if (!cube_of(making, file, kind, &is_there, err)) return false;
        }
    }
    return true;
}

static bool files_make(const struct making *making, struct err *err)
{
    const struct timefusion_snapshot *snapshot = making->held->snapshot;
    uint32_t rows_min = making->engine->options.kept_file_rows_min;
    struct hash128 *files = mem_alloc((snapshot->file_count + 1) * sizeof *files);
    bool ok = true;
    for (uint32_t f = 0; f < snapshot->file_count; f++) files[f] = timefusion_file_hash(snapshot->files[f]);
    cube_retain(making->engine->cubes, making->project_id, files, snapshot->file_count);
    for (uint32_t f = 0; ok && f < snapshot->file_count && !is_stopped(making); f++) {
        struct timefusion_file *file = snapshot->files[f];
        if (file->origin == TIMEFUSION_DELTA && file->row_count >= (rows_min ? rows_min : KEPT_FILE_ROWS_MIN) &&
            file->timestamp_min_us >= CUBE_TIME_MIN_US)
            ok = file_make(making, file, err);
    }
    free(files);
    return ok;
}

static bool opening_run(const struct making *making, struct buf *sql, bool ok, struct err *err)
{
    duckdb_result result;
    if (!ok || !buf_add(sql, "", 1)) err_set(err, ERR_TOO_LARGE, "the statement that opens files is too long");
    ok = err->code == ERR_OK && engine_query(making->connection, (const char *)sql->ptr, &result, err);
    if (ok) duckdb_destroy_result(&result);
    buf_deinit(sql);
    return ok;
}

/* A statement of no rows that has DuckDB and us read the footers of these files, which both keep. */
static bool files_open(const struct making *making, struct timefusion_file **files, uint32_t count, struct err *err)
{
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    const char **names = mem_alloc((count + 1) * sizeof *names);
    const struct parquet_footer **footers = mem_calloc(count + 1, sizeof *footers);
    struct source_files source = {
        .snapshot_id = making->held->id, .names = names, .count = count, .footers = footers
    };
    struct column_set needed = { 0 };
    struct err ignored = { 0 };
    struct buf sql;
    column_set_add(&needed, schema->timestamp);
    timefusion_fetch_footers(files, count);
    for (uint32_t f = 0; f < count; f++) {
        names[f] = files[f]->name;
        (void)!timefusion_file_footer(files[f], &footers[f], &ignored); /* who asks for it is told */
    }
    buf_init(&sql, 1u << 20);
    bool ok = buf_printf(&sql, "SELECT count(*) FROM ") && source_files_put(&sql, schema, &source, &needed, NULL) &&
              buf_printf(&sql, " WHERE s%u < TIMESTAMPTZ '1970-01-01'", schema->timestamp);
    ok = opening_run(making, &sql, ok, err);
    free(names);
    free(footers);
    return ok;
}

/* The same of their cubes of a kind: how many lines there are is in the footers. */
static bool cubes_open_of(const struct making *making, struct timefusion_file **files, uint32_t count,
                          const struct cube_kind *kind, struct err *err)
{
    struct cubes *cubes = making->engine->cubes;
    struct cube *held[OPENED_OF_PROJECT_MAX];
    struct buf sql;
    uint32_t held_count = 0;
    buf_init(&sql, 1u << 20);
    bool ok = buf_printf(&sql, "SELECT count(*) FROM read_parquet([");
    for (uint32_t f = 0; f < count; f++) {
        struct cube *cube = cube_hold(cubes, timefusion_file_hash(files[f]), kind);
        if (!cube) continue;
        ok = ok && (kind->is_words || buf_printf(&sql, "%s'mono://%" PRIu64 "/" CUBE_NAME "'",
                                                 held_count > 0 ? "," : "", cube->id, cube->id));
        held[held_count++] = cube;
    }
    if (held_count > 0 && !kind->is_words)
        ok = opening_run(making, &sql, ok && buf_printf(&sql, "])"), err);
    else
        buf_deinit(&sql);
    for (uint32_t h = 0; h < held_count; h++) cube_unhold(cubes, held[h]);
    return ok;
}

static bool newest_open(const struct making *making, uint32_t *left, struct err *err)
{
    const struct timefusion_snapshot *snapshot = making->held->snapshot;
    struct timefusion_file *files[OPENED_OF_PROJECT_MAX];
    uint32_t count = 0, most = *left < OPENED_OF_PROJECT_MAX ? *left : OPENED_OF_PROJECT_MAX;
    for (uint32_t f = 0; f < snapshot->file_count && count < most; f++)
        if (snapshot->files[f]->origin == TIMEFUSION_DELTA) files[count++] = snapshot->files[f];
    *left -= count;
    bool ok = count == 0 || files_open(making, files, count, err);
    for (uint32_t k = 0; ok && count > 0 && k < cube_kind_count; k++)
        ok = cubes_open_of(making, files, count, &cube_kinds[k], err);
    return ok;
}

/* What is done for a project, with its files held. left: of newest_open; NULL: its cubes are made. */
static bool making_do(struct query_engine *engine, struct uuid project_id, atomic_bool *stop, uint32_t *left,
                      struct err *err)
{
    struct query_session *session;
    struct held held = { 0 };
    struct making making = { .engine = engine, .project_id = project_id, .held = &held, .stop = stop };
    if (!query_session_open(&session, engine, project_id, "roll-ups", err)) return false;
    bool ok = duckdb_connect(engine->database, &making.connection) == DuckDBSuccess ||
              err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
    if (ok && snapshot_take(session, SCHEMA_LOGS_AND_SPANS, &held, err)) {
        ok = left ? newest_open(&making, left, err) : files_make(&making, err);
        duckdb_fs_drop(engine->fs, held.id);
    } else {
        ok = false;
    }
    duckdb_disconnect(&making.connection);
    query_session_close(session);
    return ok;
}

bool cube_make(struct query_engine *engine, struct uuid project_id, atomic_bool *stop, struct err *err)
{
    return making_do(engine, project_id, stop, NULL, err);
}

bool cube_files_open(struct query_engine *engine, struct uuid project_id, uint32_t *left, struct err *err)
{
    return making_do(engine, project_id, NULL, left, err);
}
