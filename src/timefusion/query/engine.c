#include "timefusion/query/engine.h"
#include "base/clock.h"
#include "base/hash.h"
#include "timefusion/query/catalog.h"
#include "timefusion/query/cube.h"
#include "timefusion/query/duckdb_pending.h"
#include "timefusion/query/functions.h"
#include "timefusion/query/kept.h"
#include "timefusion/query/turn.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#define IDLE_ASKS 10     /* of other threads' tasks, before a pause */
#define LATE_ROWS "1000" /* a LIMIT of so many rows at most */

/* A word like "r12.k33" or "c2" is ours: say the column's name, or leave it out. */
static void words_clean(const char *message, char *out, size_t out_bytes)
{
    size_t used = 0;
    const char *at = message;
    const char *colon = strstr(at, " Error: ");
    if (colon && colon - at < 40) at = colon + strlen(" Error: ");
    while (*at && *at != '\n' && used + 1 < out_bytes) {
        bool is_start = at == message || !((at[-1] | 0x20) >= 'a' && (at[-1] | 0x20) <= 'z')
                            ? !(at > message && ((at[-1] >= '0' && at[-1] <= '9') || at[-1] == '_'))
                            : false;
        char *end;
        if (is_start && at[0] == 'r' && at[1] >= '0' && at[1] <= '9') {
            (void)strtoul(at + 1, &end, 10);
            if (*end == '.') {
                at = end + 1;
                continue;
            }
        }
        if (is_start && at[0] == 'k' && at[1] >= '0' && at[1] <= '9') {
            unsigned long column = strtoul(at + 1, &end, 10);
            const struct schema_table *logs = schema_table(SCHEMA_LOGS_AND_SPANS);
            if (!((*end | 0x20) >= 'a' && (*end | 0x20) <= 'z') && column < logs->column_count) {
                int len = snprintf(out + used, out_bytes - used, "%s", logs->columns[column].name);
                used += len > 0 && (size_t)len < out_bytes - used ? (size_t)len : out_bytes - used - 1;
                at = end;
                continue;
            }
        }
        if (strncmp(at, "mono://", 7) == 0) {
            const char *name = strchr(at + 7, '/');
            at = name ? name + 1 : at + 7;
            continue;
        }
        out[used++] = *at++;
    }
    out[used] = '\0';
    if (used > 0 && (out[0] >= 'A' && out[0] <= 'Z') && out[1] >= 'a') out[0] = (char)(out[0] | 0x20);
    while (used > 0 && (out[used - 1] == '.' || out[used - 1] == ' ')) out[--used] = '\0';
}

bool engine_err(struct err *err, duckdb_error_type type, const char *message)
{
    char words[200];
    if (!message) message = "the query failed";
    words_clean(message, words, sizeof words);
    switch (type) {
    case DUCKDB_ERROR_INTERRUPT: return err_set(err, ERR_CANCELLED, "canceling statement due to user request");
    case DUCKDB_ERROR_OUT_OF_MEMORY:
        return err_set(err, ERR_MEMORY,
                       "the query needs more memory than it may have; ask for a shorter time or fewer columns");
    case DUCKDB_ERROR_CONVERSION:
        return err_set(err, strstr(words, "out of range") ? ERR_RANGE : ERR_VALUE, "%s", words);
    case DUCKDB_ERROR_OUT_OF_RANGE: return err_set(err, ERR_RANGE, "%s", words);
    case DUCKDB_ERROR_INVALID_INPUT:
    case DUCKDB_ERROR_DIVIDE_BY_ZERO:
    case DUCKDB_ERROR_DECIMAL:
    case DUCKDB_ERROR_PARAMETER_NOT_RESOLVED: return err_set(err, ERR_INPUT, "%s", words);
    case DUCKDB_ERROR_BINDER:
    case DUCKDB_ERROR_EXPRESSION:
    case DUCKDB_ERROR_MISMATCH_TYPE:
    case DUCKDB_ERROR_INVALID_TYPE: return err_set(err, ERR_TYPE, "%s", words);
    case DUCKDB_ERROR_CATALOG: return err_set(err, ERR_NO_FUNCTION, "%s", words);
    case DUCKDB_ERROR_NOT_IMPLEMENTED: return err_set(err, ERR_UNSUPPORTED, "%s", words);
    case DUCKDB_ERROR_PERMISSION: return err_set(err, ERR_FORBIDDEN, "%s", words);
    case DUCKDB_ERROR_IO: return err_set(err, ERR_IO, "%s", words);
    default:
        if (strncmp(message, "Out of Memory", 13) == 0)
            return err_set(err, ERR_MEMORY,
                           "the query needs more memory than it may have; ask for a shorter time or fewer columns");
        if (strncmp(message, "Conversion Error", 16) == 0) return err_set(err, ERR_VALUE, "%s", words);
        if (strncmp(message, "Out of Range", 12) == 0 || strncmp(message, "Invalid Input", 13) == 0)
            return err_set(err, ERR_INPUT, "%s", words);
        if (strncmp(message, "Binder Error", 12) == 0) return err_set(err, ERR_TYPE, "%s", words);
        if (strncmp(message, "INTERRUPT", 9) == 0)
            return err_set(err, ERR_CANCELLED, "canceling statement due to user request");
        return err_set(err, ERR_INTERNAL, "%s", words);
    }
}

static bool pending_err(duckdb_pending_result pending, struct err *err)
{
    return engine_err(err, duckdb_pending_error_type(pending), duckdb_pending_error(pending));
}

/* DuckDB's own loop asks without a pause while other threads have the last tasks: a core that does nothing but ask. */
static bool pending_run(duckdb_pending_result pending, const struct engine_stop *stop, struct err *err)
{
    static const struct timespec pause = { .tv_nsec = 20000 };
    for (uint32_t idle = 0;;) {
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR) return pending_err(pending, err);
        if (duckdb_pending_execution_is_finished(state)) return true;
        if (stop && stop->is_stopped && stop->is_stopped(stop->ctx, err)) return false;
        idle = state == DUCKDB_PENDING_NO_TASKS_AVAILABLE ? idle + 1 : 0;
        if (idle > IDLE_ASKS) (void)nanosleep(&pause, NULL);
    }
}

bool engine_stream(duckdb_connection connection, const char *sql, const struct engine_stop *stop,
                   struct planning *planned, duckdb_result *result, struct err *err)
{
    duckdb_pending_result pending = NULL;
    bool ok = false, is_pending = duckdb_pending_sql(connection, sql, &pending) == DuckDBSuccess;
    if (planned) *planned = (struct planning){ clock_mono_ns(), clock_thread_ns() };
    if (!is_pending) {
        pending_err(pending, err);
    } else if (!pending_run(pending, stop, err)) {
        /* err says why */
    } else if (duckdb_execute_pending(pending, result) != DuckDBSuccess) {
        const char *message = duckdb_result_error(result);
        engine_err(err, duckdb_result_error_type(result), message ? message : duckdb_pending_error(pending));
        duckdb_destroy_result(result);
    } else {
        ok = true;
    }
    duckdb_destroy_pending(&pending);
    return ok;
}

bool engine_query(duckdb_connection connection, const char *sql, duckdb_result *result, struct err *err)
{
    duckdb_result own;
    if (duckdb_query(connection, sql, result ? result : &own) == DuckDBSuccess) {
        if (!result) duckdb_destroy_result(&own);
        return true;
    }
    duckdb_result *failed = result ? result : &own;
    engine_err(err, duckdb_result_error_type(failed), duckdb_result_error(failed));
    duckdb_destroy_result(failed);
    return false;
}

static bool statements_run(duckdb_connection connection, const char *const *statements, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!engine_query(connection, statements[i], NULL, err)) return err_within(err, "set up DuckDB");
    return true;
}

/* The order matters: the file system is there before allowed_directories names it (else "mono://" would mean a local folder
 * and COPY could write there), external access goes off after that, and the lock comes last. */
bool engine_open_database(duckdb_database *database, struct duckdb_fs **fs, struct identity_maps *maps,
                          const struct query_options *options, struct err *err)
{
    char threads[80], memory[80], temp[1200];
    snprintf(threads, sizeof threads, "SET GLOBAL threads=%u", options->threads ? options->threads : 2);
    snprintf(memory, sizeof memory, "SET GLOBAL memory_limit='%" PRIu64 "KiB'",
             (options->memory_bytes_max ? options->memory_bytes_max : 256u << 20) / 1024);
    if (options->temp_dir && strchr(options->temp_dir, '\''))
        return err_set(err, ERR_INPUT, "the folder for temporary files cannot have a quote in its name");
    snprintf(temp, sizeof temp, "SET GLOBAL temp_directory='%s'", options->temp_dir ? options->temp_dir : "");
    char *words = NULL;
    *fs = NULL;
    if (duckdb_open_ext(":memory:", database, NULL, &words) != DuckDBSuccess) {
        err_set(err, ERR_INTERNAL, "DuckDB does not start: %s", words ? words : "");
        duckdb_free(words);
        return false;
    }
    duckdb_connection connection;
    if (duckdb_connect(*database, &connection) != DuckDBSuccess) {
        duckdb_close(database);
        return err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
    }
    const char *const settings[] = {
        threads,
        memory,
        temp,
        "SET GLOBAL max_temp_directory_size='2GiB'", /* else most of the disk: the log lives there too */
        "SET GLOBAL autoinstall_known_extensions=false",
        "SET GLOBAL autoload_known_extensions=false",
        "SET GLOBAL allow_community_extensions=false",
        "SET GLOBAL allow_persistent_secrets=false",
        "SET GLOBAL enable_external_file_cache=false", /* the kernel's page cache and our own are behind our file system */
        "SET GLOBAL parquet_metadata_cache=true",      /* least recently used ones go when memory_limit is reached */
        "SET GLOBAL late_materialization_max_rows=" LATE_ROWS, /* lane_read_late */
        "SET GLOBAL integer_division=true",
        "SET GLOBAL ieee_floating_point_ops=false", /* x / 0 is NULL, not infinity */
        "SET GLOBAL default_null_order='postgres'",
        "SET GLOBAL preserve_insertion_order=false",
        "SET GLOBAL TimeZone='UTC'",
        "SET GLOBAL Calendar='gregorian'",
    };
    const char *const walls[] = {
        "SET GLOBAL allowed_directories=['mono://']",
        "SET GLOBAL allowed_configs=['TimeZone','late_materialization_max_rows']",
        "SET GLOBAL enable_external_access=false",
        "SET GLOBAL lock_configuration=true",
    };
    bool ok = statements_run(connection, settings, COUNT_OF(settings), err);
    ok = ok && functions_register(connection, err) && (!maps || identity_maps_register(maps, connection, err)) &&
         duckdb_fs_register(*database, fs, err) && statements_run(connection, walls, COUNT_OF(walls), err);
    duckdb_disconnect(&connection);
    if (!ok) {
        duckdb_close(database);
        if (*fs) duckdb_fs_close(*fs);
        *fs = NULL;
    }
    return ok;
}

/* Interrupts until the running call has ended: an interrupt that comes just before DuckDB starts is forgotten by it. */
static void *watchdog_run(void *arg)
{
    struct query_engine *engine = arg;
    pthread_mutex_lock(&engine->lock);
    while (!engine->is_closing) {
        if (engine->armed_count == 0) {
            pthread_cond_wait(&engine->wake, &engine->lock);
            continue;
        }
        uint64_t now = clock_mono_ns(), next = now + 50 * 1000000ull;
        for (struct query_session *session = engine->sessions; session; session = session->older) {
            pthread_mutex_lock(&session->lock);
            if (session->is_armed) {
                if (session->deadline_mono_ns != 0 && now >= session->deadline_mono_ns && !session->is_cancelled)
                    session->is_over_time = true;
                if (session->is_over_time) atomic_store(&session->stops, true);
                if (session->running && (session->is_cancelled || session->is_over_time))
                    duckdb_interrupt(session->running->connection);
                if (session->deadline_mono_ns > now && session->deadline_mono_ns < next)
                    next = session->deadline_mono_ns;
            }
            pthread_mutex_unlock(&session->lock);
        }
        struct timespec until = { (time_t)(next / 1000000000u), (long)(next % 1000000000u) };
        pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

/* What an engine has before its lock and its thread. */
static void engine_free(struct query_engine *engine)
{
    cubes_close(engine->cubes);
    duckdb_close(&engine->database);
    duckdb_fs_close(engine->fs);
    identity_maps_destroy(engine->identity_maps);
    kepts_destroy(engine->kepts);
    turns_destroy(engine->turns);
    free(engine);
}

bool query_engine_open(struct query_engine **out, const struct query_options *options, struct err *err)
{
    struct query_engine *engine = mem_calloc(1, sizeof *engine);
    *out = NULL;
    engine->options = *options;
    if (options->temp_dir && mkdir(options->temp_dir, 0700) == -1 && errno != EEXIST) {
        free(engine);
        return err_os(err, "could not make folder \"%s\"", options->temp_dir);
    }
    engine->identity_maps = identity_maps_create();
    engine->kepts = kepts_create();
    atomic_init(&engine->next_snapshot_id, 1);
    atomic_init(&engine->next_temporary, 1);
    engine->turns = turns_create(options->slots ? options->slots : options->threads ? 2 * options->threads : 2);
    if (!engine_open_database(&engine->database, &engine->fs, engine->identity_maps, options, err)) {
        identity_maps_destroy(engine->identity_maps);
        kepts_destroy(engine->kepts);
        turns_destroy(engine->turns);
        free(engine);
        return false;
    }
    if (!activity_register(engine, err) || !cubes_open(&engine->cubes, engine, options->rollup_dir, err)) {
        engine_free(engine);
        return false;
    }
    pthread_mutex_init(&engine->lock, NULL);
    described_init(&engine->described);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int code = pthread_create(&engine->watchdog, NULL, watchdog_run, engine);
    if (code != 0) {
        engine_free(engine);
        return err_set(err, ERR_BUSY, "could not start the query watchdog");
    }
    cubes_start(engine->cubes);
    *out = engine;
    return true;
}

static void plan_entry_remove(struct query_engine *engine, struct plan_entry *entry)
{
    struct plan_entry **at = &engine->buckets[entry->hash % PLANS_MAX];
    while (*at != entry) at = &(*at)->next;
    *at = entry->next;
    if (entry->newer)
        entry->newer->older = entry->older;
    else
        engine->newest = entry->older;
    if (entry->older)
        entry->older->newer = entry->newer;
    else
        engine->oldest = entry->newer;
    engine->plan_count--;
    engine->plan_bytes -= entry->bytes;
    plan_release(entry->plan);
    free((void *)(uintptr_t)entry->text.ptr);
    free(entry);
}

void query_engine_close(struct query_engine *engine)
{
    if (!engine) return;
    cubes_stop(engine->cubes);
    pthread_mutex_lock(&engine->lock);
    assert(!engine->sessions); /* the caller closes them first */
    engine->is_closing = true;
    pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
    pthread_join(engine->watchdog, NULL);
    while (engine->oldest) plan_entry_remove(engine, engine->oldest);
    described_deinit(&engine->described);
    pthread_cond_destroy(&engine->wake);
    pthread_mutex_destroy(&engine->lock);
    engine_free(engine);
}

bool query_session_open(struct query_session **out, struct query_engine *engine, struct uuid project_id,
                        const char *user, struct err *err)
{
    (void)err; /* connections to DuckDB are made when first needed */
    struct query_session *session = mem_calloc(1, sizeof *session);
    session->engine = engine;
    session->project_id = project_id;
    session->user = mem_strdup(user ? user : "");
    session->pid = activity_pid(engine);
    session->activity.opened_unix_us = session->activity.changed_unix_us = clock_unix_us();
    pthread_mutex_init(&session->lock, NULL);
    pthread_mutex_lock(&engine->lock);
    session->older = engine->sessions;
    if (engine->sessions) engine->sessions->newer = session;
    engine->sessions = session;
    pthread_mutex_unlock(&engine->lock);
    *out = session;
    return true;
}

static void lane_destroy(struct lane *lane)
{
    duckdb_disconnect(&lane->connection);
    free(lane->timezone);
    free(lane);
}

void query_session_close(struct query_session *session)
{
    if (!session) return;
    assert(session->open_cursors == 0); /* the caller closes them first */
    struct query_engine *engine = session->engine;
    session_rows_drop(session);
    temporary_close(session);
    query_session_savepoints_keep(session, 0);
    pthread_mutex_lock(&engine->lock);
    if (session->newer)
        session->newer->older = session->older;
    else
        engine->sessions = session->older;
    if (session->older) session->older->newer = session->newer;
    if (session->is_armed) engine->armed_count--;
    pthread_mutex_unlock(&engine->lock);
    while (session->idle) {
        struct lane *lane = session->idle;
        session->idle = lane->next;
        lane_destroy(lane);
    }
    for (uint32_t i = 0; i < SETTINGS_MAX; i++) free(session->settings[i]);
    pthread_mutex_destroy(&session->lock);
    free(session->user);
    free(session->actor_name);
    free(session->read_only_why);
    free(session->savepoints);
    free(session);
}

bool lane_read_late(struct lane *lane, bool is_late, struct err *err)
{
    if (lane->is_early != is_late) return true;
    if (!engine_query(lane->connection,
                      is_late ? "SET SESSION late_materialization_max_rows=" LATE_ROWS
                              : "SET SESSION late_materialization_max_rows=0",
                      NULL, err))
        return false;
    lane->is_early = !is_late;
    return true;
}

bool lane_acquire(struct query_session *session, struct lane **out, struct err *err)
{
    struct lane *lane = session->idle;
    if (lane) {
        session->idle = lane->next;
        session->idle_count--;
    } else {
        lane = mem_calloc(1, sizeof *lane);
        if (duckdb_connect(session->engine->database, &lane->connection) != DuckDBSuccess) {
            free(lane);
            return err_set(err, ERR_BUSY, "DuckDB gives no connection");
        }
        lane->timezone = mem_strdup("UTC");
    }
    const char *want = session->settings[SETTING_TIMEZONE] ? session->settings[SETTING_TIMEZONE] : "UTC";
    if (strcmp(lane->timezone, want) != 0) {
        struct buf sql;
        buf_init(&sql, 1024);
        bool ok =
            buf_printf(&sql, "SET SESSION TimeZone='%s'", want) && buf_add(&sql, "", 1); /* checked when it was set */
        ok = ok ? engine_query(lane->connection, (const char *)sql.ptr, NULL, err)
                : err_set(err, ERR_INPUT, "the name of the time zone is too long");
        buf_deinit(&sql);
        if (!ok) {
            lane_destroy(lane);
            return false;
        }
        free(lane->timezone);
        lane->timezone = mem_strdup(want);
    }
    *out = lane;
    return true;
}

void lane_release(struct query_session *session, struct lane *lane)
{
    if (session->idle_count >= LANES_IDLE_MAX) {
        lane_destroy(lane);
        return;
    }
    lane->next = session->idle;
    session->idle = lane;
    session->idle_count++;
}

bool session_is_stopped(struct query_session *session, struct err *err)
{
    pthread_mutex_lock(&session->lock);
    bool is_cancelled = session->is_cancelled;
    bool is_over =
        session->is_over_time || (session->deadline_mono_ns != 0 && clock_mono_ns() >= session->deadline_mono_ns);
    uint64_t limit_seconds = session->limit_seconds;
    pthread_mutex_unlock(&session->lock);
    if (is_cancelled) {
        err_set(err, ERR_CANCELLED, "canceling statement due to user request");
        return true;
    }
    if (is_over && limit_seconds > 0) {
        err_set(err, ERR_TIMEOUT,
                "canceling statement: it was at work for %llu s, the limit of this project (query_seconds)",
                (unsigned long long)limit_seconds);
        err_hint(err, "ask for a shorter time or fewer columns; an instance admin sets the limit");
    } else if (is_over) {
        err_set(err, ERR_TIMEOUT, "canceling statement due to statement timeout");
    }
    return is_over;
}

static void session_arm(struct query_session *session, bool arm)
{
    struct query_engine *engine = session->engine;
    pthread_mutex_lock(&engine->lock);
    pthread_mutex_lock(&session->lock);
    if (arm != session->is_armed) {
        session->is_armed = arm;
        engine->armed_count += arm ? 1 : -1u;
        if (arm) pthread_cond_signal(&engine->wake);
    }
    pthread_mutex_unlock(&session->lock);
    pthread_mutex_unlock(&engine->lock);
}

bool lane_begin(struct query_session *session, struct lane *lane, struct err *err)
{
    if (session_is_stopped(session, err)) return false;
    pthread_mutex_lock(&session->lock);
    session->running = lane;
    bool needs_watch = session->deadline_mono_ns != 0;
    pthread_mutex_unlock(&session->lock);
    if (needs_watch) session_arm(session, true);
    return true;
}

void lane_end(struct query_session *session)
{
    pthread_mutex_lock(&session->lock);
    session->running = NULL;
    bool was_armed = session->is_armed;
    pthread_mutex_unlock(&session->lock);
    if (was_armed) session_arm(session, false);
}

void session_stop(struct query_session *session)
{
    struct query_engine *engine = session->engine;
    pthread_mutex_lock(&session->lock);
    session->is_cancelled = true; /* the next statement clears it */
    atomic_store(&session->stops, true);
    if (session->running) {
        duckdb_interrupt(session->running->connection);
        if (!session->is_armed) {
            session->is_armed = true;
            engine->armed_count++;
            pthread_cond_signal(&engine->wake);
        }
    }
    pthread_mutex_unlock(&session->lock);
}

void query_cancel(struct query_session *session)
{
    struct query_engine *engine = session->engine;
    pthread_mutex_lock(&engine->lock);
    session_stop(session);
    pthread_mutex_unlock(&engine->lock);
}

/* Plans */

enum query_type engine_type(duckdb_logical_type type)
{
    switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN: return QUERY_TYPE_BOOL;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_SMALLINT: return QUERY_TYPE_INT2;
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_INTEGER: return QUERY_TYPE_INT4;
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_BIGINT: return QUERY_TYPE_INT8;
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_DECIMAL: return QUERY_TYPE_NUMERIC;
    case DUCKDB_TYPE_FLOAT: return QUERY_TYPE_FLOAT4;
    case DUCKDB_TYPE_DOUBLE: return QUERY_TYPE_FLOAT8;
    case DUCKDB_TYPE_SQLNULL:
    case DUCKDB_TYPE_VARCHAR: return QUERY_TYPE_TEXT;
    case DUCKDB_TYPE_BLOB: return QUERY_TYPE_BYTEA;
    case DUCKDB_TYPE_UUID: return QUERY_TYPE_UUID;
    case DUCKDB_TYPE_DATE: return QUERY_TYPE_DATE;
    case DUCKDB_TYPE_TIME: return QUERY_TYPE_TIME;
    case DUCKDB_TYPE_TIMESTAMP: return QUERY_TYPE_TIMESTAMP;
    case DUCKDB_TYPE_TIMESTAMP_TZ: return QUERY_TYPE_TIMESTAMPTZ;
    case DUCKDB_TYPE_INTERVAL: return QUERY_TYPE_INTERVAL;
    case DUCKDB_TYPE_LIST: {
        duckdb_logical_type child = duckdb_list_type_child_type(type);
        enum query_type element = engine_type(child);
        duckdb_destroy_logical_type(&child);
        return element == QUERY_TYPE_UNKNOWN || type_is_list(element) ? QUERY_TYPE_UNKNOWN : type_list_of(element);
    }
    default: return QUERY_TYPE_UNKNOWN;
    }
}

/* type: of DuckDB's. */
static void column_describe(struct plan *plan, uint32_t column, enum query_type type)
{
    enum query_type known = plan->columns[column].type;
    if (type == QUERY_TYPE_UNKNOWN) {
        if (!plan->casts) plan->casts = arena_calloc(&plan->arena, plan->column_count * sizeof *plan->casts);
        plan->casts[column] = true;
        type = QUERY_TYPE_TEXT;
    }
    /* DuckDB has the last word, but for JSON, which is text to it, oids, which are numbers, and what it folded to a NULL without a type. */
    bool is_json = (type == QUERY_TYPE_TEXT && known == QUERY_TYPE_JSONB) ||
                   (type == type_list_of(QUERY_TYPE_TEXT) && known == type_list_of(QUERY_TYPE_JSONB));
    bool is_folded = type == QUERY_TYPE_INT4 && known != QUERY_TYPE_UNKNOWN && !type_is_number(known);
    bool is_oid = type_element(type) == QUERY_TYPE_INT8 && type_is_oid(type_element(known));
    plan->columns[column].type = is_json || is_folded || is_oid ? known : type;
    if (plan->columns[column].type != known) plan->columns[column].form = (struct query_form){ 0 };
}

/* Prepared as DuckDB has it; types: of count columns. */
static bool sql_describe(struct lane *lane, const char *sql, uint32_t count, enum query_type *types, struct err *err)
{
    duckdb_prepared_statement prepared = NULL;
    bool ok = duckdb_prepare(lane->connection, sql, &prepared) == DuckDBSuccess ||
              engine_err(err, DUCKDB_ERROR_INVALID, duckdb_prepare_error(prepared));
    for (uint32_t i = 0; ok && i < count; i++) {
        duckdb_logical_type logical = duckdb_prepared_statement_column_logical_type(prepared, i);
        types[i] = engine_type(logical);
        duckdb_destroy_logical_type(&logical);
    }
    duckdb_destroy_prepare(&prepared);
    return ok;
}

static bool describe_try(struct query_session *session, struct lane *lane, struct plan *plan, const char *template,
                         bool with_nulls, struct err *err)
{
    struct render render = { .plan = plan,
                             .with_nulls = with_nulls,
                             .now_unix_us = clock_unix_us(),
                             .project_id = session->project_id,
                             .user = session->user,
                             .settings = session->settings,
                             .own = &session->temporaries };
    struct buf sql;
    struct arena arena;
    arena_init(&arena, 1024);
    if (!temporary_numbers(session, plan, &arena, &render.temporaries)) assert(false); /* it was planned by them */
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = render_sql(&sql, template, &render, err) &&
              (buf_add(&sql, "", 1) || err_set(err, ERR_TOO_LARGE, "the statement is too long"));
    bool is_of_columns = plan->kind == PLAN_SELECT || plan->temporary || template == plan->returning;
    uint32_t count = is_of_columns ? plan->column_count : 0;
    /* Of a session's own tables another may have the same number later. */
    bool may_be_kept = ok && plan->temporary_count == 0 && !plan->temporary && sql.len <= DESCRIBED_KEY_BYTES_MAX;
    struct buf key;
    buf_init(&key, DESCRIBED_KEY_BYTES_MAX + 1);
    if (may_be_kept) described_key(buf_bytes(&sql), &key);
    enum query_type *types = arena_alloc(&arena, (count + 1) * sizeof *types);
    if (ok && !(may_be_kept && described_find(&session->engine->described, buf_bytes(&key), count, types))) {
        ok = sql_describe(lane, (const char *)sql.ptr, count, types, err);
        if (ok && may_be_kept) described_keep(&session->engine->described, buf_bytes(&key), count, types);
    }
    for (uint32_t i = 0; ok && i < count; i++) column_describe(plan, i, types[i]);
    buf_deinit(&key);
    buf_deinit(&sql);
    arena_deinit(&arena);
    return ok;
}

static bool template_describe(struct query_session *session, struct lane *lane, struct plan *plan, const char *template,
                              struct err *err)
{
    bool ok = describe_try(session, lane, plan, template, false, err);
    if (!ok && plan->parameter_count >
                   0) { /* a value of ours may be none of those it takes: the unit of date_trunc($1, ...) */
        struct err first = *err;
        ok = describe_try(session, lane, plan, template, true, err);
        if (!ok) *err = first;
    }
    if (ok) *err = (struct err){ .code = ERR_OK };
    return ok;
}

/* Asks DuckDB, over empty tables of the same types, what will come. What it cannot say on the wire goes as text. */
static bool plan_describe(struct query_session *session, struct plan *plan, struct err *err)
{
    struct lane *lane;
    bool is_told = !plan->sql || plan->kind == PLAN_SHOW || plan->is_known || (plan->insert && plan->insert->cells);
    if (is_told && !plan->returning) return true;
    if (!lane_acquire(session, &lane, err)) return false;
    bool ok = (is_told || template_describe(session, lane, plan, plan->sql, err)) &&
              (!plan->returning || template_describe(session, lane, plan, plan->returning, err));
    if (ok && plan->temporary) temporary_described(plan);
    lane_release(session, lane);
    return ok;
}

static struct bytes plan_key(struct bytes sql, const enum query_type *declared, uint32_t declared_count)
{
    uint8_t *key = mem_alloc(sql.len + declared_count + 1);
    if (sql.len > 0) memcpy(key, sql.ptr, sql.len);
    key[sql.len] = 0; /* a byte that no SQL text has */
    for (uint32_t i = 0; i < declared_count; i++) key[sql.len + 1 + i] = (uint8_t)declared[i];
    return bytes_from(key, sql.len + declared_count + 1);
}

bool engine_plan(struct query_session *session, struct bytes sql, const enum query_type *declared,
                 uint32_t declared_count, struct plan **out, struct err *err)
{
    struct query_engine *engine = session->engine;
    struct bytes key = plan_key(sql, declared, declared_count);
    uint64_t hash = hash64_of(key);
    *out = NULL;
    bool is_own = session->temporaries.count > 0; /* names may mean tables of the session's own */
    pthread_mutex_lock(&engine->lock);
    for (struct plan_entry *entry = is_own ? NULL : engine->buckets[hash % PLANS_MAX]; entry; entry = entry->next) {
        if (entry->hash != hash || !bytes_equal(entry->text, key)) continue;
        *out = plan_acquire(entry->plan);
        if (entry->newer) { /* to the front */
            entry->newer->older = entry->older;
            if (entry->older)
                entry->older->newer = entry->newer;
            else
                engine->oldest = entry->newer;
            entry->newer = NULL;
            entry->older = engine->newest;
            engine->newest->newer = entry;
            engine->newest = entry;
        }
        break;
    }
    pthread_mutex_unlock(&engine->lock);
    if (*out) {
        free((void *)(uintptr_t)key.ptr);
        return true;
    }
    struct plan *plan;
    if (!plan_make(&plan, sql, declared, declared_count, &session->temporaries, err) ||
        !plan_describe(session, plan, err)) {
        if (err->code != ERR_OK && plan) plan_release(plan);
        free((void *)(uintptr_t)key.ptr);
        return false;
    }
    *out = plan;
    if (is_own) {
        free((void *)(uintptr_t)key.ptr);
        return true;
    }
    struct plan_entry *entry = mem_calloc(1, sizeof *entry);
    *entry = (struct plan_entry){
        .hash = hash, .text = key, .plan = plan_acquire(plan), .bytes = plan->arena.bytes + key.len + sizeof *plan
    };
    pthread_mutex_lock(&engine->lock);
    entry->next = engine->buckets[hash % PLANS_MAX];
    engine->buckets[hash % PLANS_MAX] = entry;
    entry->older = engine->newest;
    if (engine->newest)
        engine->newest->newer = entry;
    else
        engine->oldest = entry;
    engine->newest = entry;
    engine->plan_count++;
    engine->plan_bytes += entry->bytes;
    while (engine->plan_count > PLANS_MAX || (engine->plan_bytes > PLAN_BYTES_MAX && engine->plan_count > 1))
        plan_entry_remove(engine, engine->oldest);
    pthread_mutex_unlock(&engine->lock);
    return true;
}
