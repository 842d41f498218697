/* Maps of a session's own tables, their versions, and statements that change them. */
#include "timefusion/query/temporary.h"
#include "timefusion/query/cursor_inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- maps --- */

static int entry_find(const struct temporaries *map, uint64_t id)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (map->entries[i].temporary->id == id) return (int)i;
    return -1;
}

const struct temporary *temporaries_find(const struct temporaries *map, const char *name)
{
    for (uint32_t i = 0; map && i < map->count; i++)
        if (strcmp(map->entries[i].temporary->table.name, name) == 0) return map->entries[i].temporary;
    return NULL;
}

static void temporary_release(struct temporary *temporary)
{
    if (--temporary->reference_count > 0) return;
    arena_deinit(&temporary->arena);
    free(temporary);
}

/* Who reads it at this moment goes on. A table that cannot be dropped now is in memory until the process ends. */
static void rows_release(struct query_session *session, struct temporary_rows *rows)
{
    struct lane *lane;
    struct err ignored = { 0 };
    char sql[64];
    if (--rows->reference_count > 0) return;
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS t%" PRIu64, rows->number);
    if (lane_acquire(session, &lane, &ignored)) {
        if (!engine_query(lane->connection, sql, NULL, &ignored))
            log_warn(session->engine->options.log, "query.temporary_table_left", log_text("err", ignored.text));
        lane_release(session, lane);
    }
    session->temporary_bytes -= rows->bytes;
    atomic_fetch_sub(&session->engine->temporary_bytes, rows->bytes);
    free(rows);
}

static void entry_release(struct query_session *session, struct temporary_entry entry)
{
    rows_release(session, entry.rows);
    temporary_release(entry.temporary);
}

struct temporaries temporaries_copy(const struct temporaries *map)
{
    struct temporaries copy = { .count = map->count };
    if (map->count == 0) return copy;
    copy.entries = mem_alloc(map->count * sizeof *copy.entries);
    for (uint32_t i = 0; i < map->count; i++) {
        copy.entries[i] = map->entries[i];
        copy.entries[i].temporary->reference_count++;
        copy.entries[i].rows->reference_count++;
    }
    return copy;
}

void temporaries_drop(struct query_session *session, struct temporaries *map)
{
    for (uint32_t i = 0; i < map->count; i++) entry_release(session, map->entries[i]);
    free(map->entries);
    *map = (struct temporaries){ 0 };
}

void temporaries_put(struct query_session *session, struct temporaries *map, const struct temporaries *copy)
{
    struct temporaries before = *map;
    *map = temporaries_copy(copy);
    temporaries_drop(session, &before);
}

static void entry_remove(struct query_session *session, uint32_t at)
{
    struct temporaries *map = &session->temporaries;
    struct temporary_entry entry = map->entries[at];
    memmove(&map->entries[at], &map->entries[at + 1], (--map->count - at) * sizeof entry);
    entry_release(session, entry);
}

void temporary_close(struct query_session *session)
{
    temporaries_drop(session, &session->temporaries);
    temporaries_drop(session, &session->temporaries_before);
}

bool temporary_numbers(const struct query_session *session, const struct plan *plan, struct arena *arena,
                       const uint64_t **numbers)
{
    uint64_t *found = arena_alloc(arena, (plan->temporary_count + 1) * sizeof *found);
    for (uint32_t i = 0; i < plan->temporary_count; i++) {
        int at = entry_find(&session->temporaries, plan->temporary_ids[i]);
        if (at < 0) return false;
        found[i] = session->temporaries.entries[at].rows->number;
    }
    *numbers = found;
    return true;
}

/* --- rows --- */

/* What a row takes, more or less: fixed values, and what texts and lists have. */
static bool size_put(struct buf *sql, const struct temporary_table *table)
{
    bool ok = buf_printf(sql, "CAST(%u", 16 * table->column_count + 8);
    for (uint32_t c = 0; ok && c < table->column_count; c++) {
        enum query_type type = table->columns[c].type;
        bool is_fixed = type != QUERY_TYPE_TEXT && type != QUERY_TYPE_JSONB && type != QUERY_TYPE_BYTEA &&
                        type != QUERY_TYPE_UNKNOWN && !type_is_list(type);
        if (!is_fixed) ok = buf_printf(sql, "+coalesce(strlen(CAST(c%u AS VARCHAR)), 0)", c + 1);
    }
    return ok && buf_printf(sql, " AS BIGINT)");
}

static bool too_long(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
}

/* Runs SQL whose rows have a number each, behind the `first` columns that the client is given; their sum, and how many there are. */
static bool numbers_run(struct query_cursor *cursor, const char *sql, uint32_t first, uint64_t *sum, uint64_t *count,
                        struct err *err)
{
    *sum = *count = 0;
    if (!cursor_sql(cursor, sql, err)) return false;
    bool ok;
    for (duckdb_data_chunk chunk;;) {
        ok = cursor_chunk(cursor, &chunk, err);
        if (!ok || !chunk) break;
        const int64_t *sizes = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, first));
        idx_t rows = duckdb_data_chunk_get_size(chunk);
        for (idx_t row = 0; row < rows; row++) *sum += (uint64_t)sizes[row];
        *count += rows;
        if (first == 0)
            duckdb_destroy_data_chunk(&chunk);
        else if (!(ok = cursor_returned_add(cursor, chunk, err)))
            break;
    }
    cursor_result_drop(cursor);
    return ok;
}

static bool lane_say(struct query_cursor *cursor, const char *sql, struct err *err)
{
    return engine_query(cursor->lane->connection, sql, NULL, err);
}

/* DuckDB's transaction around what follows; on failure nothing of it is there. */
static bool transaction_end(struct query_cursor *cursor, bool ok, struct err *err)
{
    struct err ignored = { 0 };
    cursor_result_drop(cursor);
    if (ok && lane_say(cursor, "COMMIT", err)) return true;
    if (!lane_say(cursor, "ROLLBACK", &ignored)) ignored.code = ERR_OK; /* it has ended by itself */
    return false;
}

static bool within_limits(struct query_session *session, uint64_t more, uint64_t less, struct err *err)
{
    struct query_engine *engine = session->engine;
    uint64_t memory = engine->options.memory_bytes_max ? engine->options.memory_bytes_max / 2 : 128u << 20;
    if (session->temporary_bytes + more - less > TEMPORARY_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "temporary tables of a session hold at most %u MiB",
                       TEMPORARY_BYTES_MAX >> 20);
    if (more > less && atomic_load(&engine->temporary_bytes) + more - less > memory)
        return err_set(err, ERR_MEMORY, "all sessions together hold too much in temporary tables; try again later");
    return true;
}

static void bytes_set(struct query_session *session, struct temporary_rows *rows, uint64_t bytes)
{
    session->temporary_bytes += bytes - rows->bytes; /* wraps to less */
    atomic_fetch_add(&session->engine->temporary_bytes, bytes - rows->bytes);
    rows->bytes = bytes;
}

static struct temporary_rows *rows_create(struct query_session *session)
{
    struct temporary_rows *rows = mem_calloc(1, sizeof *rows);
    rows->reference_count = 1;
    rows->number = atomic_fetch_add(&session->engine->next_temporary, 1);
    return rows;
}

/* A version of its own for who is about to write: another map still names this one. */
static bool rows_own(struct query_cursor *cursor, struct temporary_entry *entry, bool is_empty, struct err *err)
{
    struct query_session *session = cursor->session;
    const char *body = entry->temporary->table.body;
    if (entry->rows->reference_count == 1) return true;
    uint64_t bytes = is_empty ? 0 : entry->rows->bytes, from = entry->rows->number;
    if (!within_limits(session, bytes, 0, err)) return false;
    struct temporary_rows *rows = rows_create(session);
    struct buf sql;
    buf_init(&sql, 1u << 20);
    bool ok = body ? buf_printf(&sql, "CREATE TABLE t%" PRIu64 " %s", rows->number, body)
                   : buf_printf(&sql, "CREATE TABLE t%" PRIu64 " AS SELECT * FROM t%" PRIu64 " WITH NO DATA",
                                rows->number, from);
    if (!is_empty)
        ok = ok && buf_printf(&sql, "; INSERT INTO t%" PRIu64 " SELECT * FROM t%" PRIu64, rows->number, from);
    ok = (ok && buf_add(&sql, "", 1)) || too_long(err);
    ok = ok && lane_say(cursor, "BEGIN TRANSACTION", err) &&
         transaction_end(cursor, lane_say(cursor, (const char *)sql.ptr, err), err);
    buf_deinit(&sql);
    if (!ok) {
        free(rows);
        return false;
    }
    bytes_set(session, rows, bytes);
    rows_release(session, entry->rows);
    entry->rows = rows;
    return true;
}

/* What it has become too large by may have been there before: rows that an UPDATE wrote anew. */
static bool rows_weigh(struct query_cursor *cursor, const struct temporary_entry *entry, uint64_t added,
                       uint64_t *bytes, struct err *err)
{
    uint64_t rows;
    struct err ignored = { 0 };
    struct buf sql;
    *bytes = entry->rows->bytes + added;
    if (within_limits(cursor->session, added, 0, &ignored)) return true;
    buf_init(&sql, 1u << 20);
    bool ok = (buf_printf(&sql, "SELECT ") && size_put(&sql, &entry->temporary->table) &&
               buf_printf(&sql, " FROM t%" PRIu64, entry->rows->number) && buf_add(&sql, "", 1)) ||
              too_long(err);
    ok = ok && numbers_run(cursor, (const char *)sql.ptr, 0, bytes, &rows, err) &&
         within_limits(cursor->session, *bytes, entry->rows->bytes, err);
    buf_deinit(&sql);
    return ok;
}

/* DuckDB's words for a rule of the table, with the client's names. */
static bool rule_failed(const struct temporary_table *table, struct err *err)
{
    const char *name = "";
    if (!strstr(err->text, "onstraint")) return false;
    for (const char *column = strchr(err->text, 'c'); column; column = strchr(column + 1, 'c')) {
        unsigned long number = strtoul(column + 1, NULL, 10);
        if (number >= 1 && number <= table->column_count) name = table->columns[number - 1].name;
    }
    if (strstr(err->text, "NOT NULL"))
        return err_set(err, ERR_NULL,
                       "null value in column \"%.60s\" of relation \"%.60s\" violates not-null constraint", name,
                       table->name);
    if (strstr(err->text, "CHECK"))
        return err_set(err, ERR_RANGE, "a value is too long for its column of relation \"%.60s\"", table->name);
    return err_set(err, ERR_UNIQUE,
                   "duplicate key value violates a unique constraint of relation \"%.60s\" (column \"%.60s\")",
                   table->name, name);
}

/* Runs the plan's INSERT, UPDATE or DELETE within DuckDB's transaction. */
static bool write_rows(struct query_cursor *cursor, struct temporary_entry *entry, const char *sql, uint64_t *bytes,
                       struct err *err)
{
    uint64_t sum;
    if (!numbers_run(cursor, sql, cursor->plan->column_count, &sum, &cursor->changed_rows, err)) {
        rule_failed(&entry->temporary->table, err);
        return false;
    }
    if (cursor->plan->temporary->act != TEMPORARY_CREATE && strcmp(cursor->plan->tag, "DELETE") == 0) {
        *bytes = sum < entry->rows->bytes ? entry->rows->bytes - sum : 0;
        return true;
    }
    return rows_weigh(cursor, entry, sum, bytes, err);
}

/* before: what makes the table, or "". */
static bool write_run(struct query_cursor *cursor, struct temporary_entry *entry, const char *before,
                      const char *template, struct err *err)
{
    struct buf sql;
    uint64_t bytes = 0;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = render_sql(&sql, template, &cursor->render, err) &&
              ((buf_printf(&sql, cursor->plan->column_count > 0 ? ", " : " RETURNING ") &&
                size_put(&sql, &entry->temporary->table) && buf_add(&sql, "", 1)) ||
               too_long(err));
    ok = ok && lane_say(cursor, "BEGIN TRANSACTION", err);
    if (ok) {
        ok = (!before[0] || lane_say(cursor, before, err)) &&
             write_rows(cursor, entry, (const char *)sql.ptr, &bytes, err);
        ok = transaction_end(cursor, ok, err);
    }
    if (ok) bytes_set(cursor->session, entry->rows, bytes);
    buf_deinit(&sql);
    return ok;
}

/* --- statements --- */

static struct temporary *temporary_create(struct query_session *session, const struct temporary_table *table)
{
    struct temporary *temporary = mem_calloc(1, sizeof *temporary);
    struct arena *arena = &temporary->arena;
    arena_init(arena, 1024);
    temporary->reference_count = 1;
    temporary->id = atomic_fetch_add(&session->engine->next_temporary, 1);
    struct temporary_column *columns = arena_calloc(arena, (table->column_count + 1) * sizeof *columns);
    for (uint32_t c = 0; c < table->column_count; c++) {
        columns[c] = table->columns[c];
        columns[c].name = arena_printf(arena, "%s", table->columns[c].name);
        if (columns[c].otherwise) columns[c].otherwise = arena_printf(arena, "%s", columns[c].otherwise);
    }
    temporary->table = *table;
    temporary->table.name = arena_printf(arena, "%s", table->name);
    temporary->table.columns = columns;
    if (table->body) temporary->table.body = arena_printf(arena, "%s", table->body);
    return temporary;
}

/* For the client. */
static void notice_put(struct query_cursor *cursor, const char *fmt, const char *name)
{
    const char **notices = arena_alloc(&cursor->arena, (cursor->notice_count + 1) * sizeof *notices);
    for (uint32_t i = 0; i < cursor->notice_count; i++) notices[i] = cursor->notices[i];
    notices[cursor->notice_count++] = arena_printf(&cursor->arena, fmt, name);
    cursor->notices = notices;
}

static bool create_run(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err)
{
    struct query_session *session = cursor->session;
    struct temporaries *map = &session->temporaries;
    const struct plan *plan = cursor->plan;
    const struct temporary_table *table = &plan->temporary->table;
    if (temporaries_find(map, table->name)) {
        if (!plan->temporary->is_there_fine)
            return err_set(err, ERR_TABLE_EXISTS, "relation \"%.60s\" already exists", table->name);
        notice_put(cursor, "relation \"%.60s\" already exists, skipping", table->name);
        return true;
    }
    if (map->count == TEMPORARY_TABLES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a session has at most %d temporary tables", TEMPORARY_TABLES_MAX);
    if (plan->sql && !cursor_tables(cursor, warnings, err)) return false;
    struct temporary_entry entry = { temporary_create(session, table), rows_create(session) };
    struct buf sql;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = (buf_printf(&sql, "CREATE TABLE t%" PRIu64 " ", entry.rows->number) || too_long(err));
    if (table->body)
        ok = ok && (buf_printf(&sql, "%s", table->body) || too_long(err));
    else
        ok = ok && (buf_printf(&sql, "AS ") || too_long(err)) && render_sql(&sql, plan->sql, &cursor->render, err) &&
             (buf_printf(&sql, " WITH NO DATA") || too_long(err));
    ok = ok && (buf_add(&sql, "", 1) || too_long(err));
    if (ok && plan->temporary->has_rows)
        ok = write_run(cursor, &entry, (const char *)sql.ptr,
                       arena_printf(&cursor->arena, "INSERT INTO t%" PRIu64 " %s", entry.rows->number, plan->sql), err);
    else
        ok = ok && lane_say(cursor, (const char *)sql.ptr, err);
    buf_deinit(&sql);
    if (!ok) {
        free(entry.rows); /* DuckDB has no such table */
        temporary_release(entry.temporary);
        return false;
    }
    map->entries = mem_realloc(map->entries, (map->count + 1) * sizeof *map->entries);
    map->entries[map->count++] = entry;
    return true;
}

static bool empty_run(struct query_cursor *cursor, struct temporary_entry *entry, struct err *err)
{
    char sql[64];
    if (!rows_own(cursor, entry, true, err)) return false;
    snprintf(sql, sizeof sql, "TRUNCATE t%" PRIu64, entry->rows->number);
    if (!lane_say(cursor, sql, err)) return false;
    bytes_set(cursor->session, entry->rows, 0);
    return true;
}

static bool change_rows(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err)
{
    struct temporaries *map = &cursor->session->temporaries;
    int at = entry_find(map, cursor->plan->temporary_ids[0]); /* cursor_open has looked: it is there */
    return cursor_tables(cursor, warnings, err) && rows_own(cursor, &map->entries[at], false, err) &&
           temporary_numbers(cursor->session, cursor->plan, &cursor->arena, &cursor->render.temporaries) &&
           write_run(cursor, &map->entries[at], "", cursor->plan->sql, err);
}

/* TRUNCATE, DROP: all that are named, or none. */
static bool named_run(struct query_cursor *cursor, struct err *err)
{
    const struct plan_temporary *temporary = cursor->plan->temporary;
    struct query_session *session = cursor->session;
    for (uint32_t i = 0; i < temporary->name_count; i++)
        if (!temporary->is_missing_fine && !temporaries_find(&session->temporaries, temporary->names[i]))
            return err_set(err, ERR_NO_TABLE, "table \"%.60s\" does not exist", temporary->names[i]);
    for (uint32_t i = 0; i < temporary->name_count; i++) {
        const struct temporary *found = temporaries_find(&session->temporaries, temporary->names[i]);
        int at = found ? entry_find(&session->temporaries, found->id) : -1;
        if (at < 0)
            notice_put(cursor, "table \"%.60s\" does not exist, skipping", temporary->names[i]);
        else if (temporary->act == TEMPORARY_DROP)
            entry_remove(session, (uint32_t)at);
        else if (!empty_run(cursor, &session->temporaries.entries[at], err))
            return false;
    }
    return true;
}

bool temporary_run(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err)
{
    struct query_session *session = cursor->session;
    bool ok = true;
    switch (cursor->plan->temporary->act) {
    case TEMPORARY_CREATE: ok = create_run(cursor, warnings, err); break;
    case TEMPORARY_COPY: ok = err_set(err, ERR_INTERNAL, "COPY FROM has no cursor"); break;
    case TEMPORARY_WRITE: ok = change_rows(cursor, warnings, err); break;
    case TEMPORARY_EMPTY:
    case TEMPORARY_DROP: ok = named_run(cursor, err); break;
    case TEMPORARY_DROP_ALL: temporaries_drop(session, &session->temporaries); break;
    }
    if (ok && !session->in_transaction) temporary_commit(session);
    return ok;
}

void temporary_commit(struct query_session *session)
{
    struct temporaries *map = &session->temporaries;
    for (uint32_t i = map->count; i-- > 0;) {
        struct temporary_entry *entry = &map->entries[i];
        enum temporary_commit on_commit = entry->temporary->table.on_commit;
        struct lane *lane;
        struct err ignored = { 0 };
        char sql[64];
        if (on_commit == TEMPORARY_GOES) entry_remove(session, i);
        if (on_commit != TEMPORARY_IS_EMPTIED || entry->rows->bytes == 0) continue;
        snprintf(sql, sizeof sql, "TRUNCATE t%" PRIu64, entry->rows->number);
        if (!lane_acquire(session, &lane, &ignored)) continue;
        if (engine_query(lane->connection, sql, NULL, &ignored)) bytes_set(session, entry->rows, 0);
        lane_release(session, lane);
    }
}
