#include "timefusion/query/activity.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/utf8.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/vector.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define LINES_BYTES_MAX (16u << 20)
#define DAY_US          86400000000
#define FIELD_END       "\x1f"
#define ROW_END         "\x1e"

uint32_t activity_pid(struct query_engine *engine)
{
    for (;;) {
        uint32_t pid;
        bool is_taken = false;
        if (getrandom(&pid, sizeof pid, 0) != sizeof pid) abort();
        pid &= INT32_MAX; /* a number that is not counted up tells nothing of others' connections */
        pthread_mutex_lock(&engine->lock);
        for (const struct query_session *s = engine->sessions; s; s = s->older) is_taken = is_taken || s->pid == pid;
        pthread_mutex_unlock(&engine->lock);
        if (pid != 0 && !is_taken) return pid;
    }
}

uint32_t query_pid_new(struct query_engine *engine)
{
    return activity_pid(engine);
}

/* Cut at a character; the bytes that part fields and rows are blanks. */
static void text_copy(char *to, size_t size, struct bytes text)
{
    size_t len = text.len < size ? text.len : utf8_cut(text, size - 1);
    for (size_t i = 0; i < len; i++)
        to[i] = text.ptr[i] < ' ' && !memchr("\n\t\r", text.ptr[i], 3) ? ' ' : (char)text.ptr[i];
    to[len] = '\0';
}

void activity_begin(struct query_session *session, struct bytes sql)
{
    const char *application = query_session_setting(session, "application_name");
    pthread_mutex_lock(&session->lock);
    struct activity *activity = &session->activity;
    text_copy(activity->query, sizeof activity->query, sql);
    text_copy(activity->application, sizeof activity->application, bytes_of_text(application ? application : ""));
    activity->begun_unix_us = activity->changed_unix_us = clock_unix_us();
    activity->is_active = true;
    activity->in_transaction = session->in_transaction;
    activity->transaction_unix_us = session->in_transaction ? session->transaction_unix_us : activity->begun_unix_us;
    pthread_mutex_unlock(&session->lock);
}

void activity_wait(struct query_session *session, const char *wait)
{
    pthread_mutex_lock(&session->lock);
    session->activity.wait = wait;
    pthread_mutex_unlock(&session->lock);
}

void activity_end(struct query_session *session)
{
    const char *application = query_session_setting(session, "application_name"); /* SET may have changed it */
    pthread_mutex_lock(&session->lock);
    struct activity *activity = &session->activity;
    text_copy(activity->application, sizeof activity->application, bytes_of_text(application ? application : ""));
    activity->is_active = false;
    activity->in_transaction = session->in_transaction;
    activity->wait = NULL;
    activity->changed_unix_us = clock_unix_us();
    pthread_mutex_unlock(&session->lock);
}

void query_session_set_client(struct query_session *session, const struct query_client *client)
{
    struct query_engine *engine = session->engine;
    pthread_mutex_lock(&engine->lock);
    pthread_mutex_lock(&session->lock);
    if (client->pid != 0) session->pid = client->pid;
    session->terminate = client->terminate;
    session->terminate_ctx = client->ctx;
    session->told = client->told;
    session->told_ctx = client->told_ctx;
    session->actor_kind = client->actor_kind;
    session->actor_id = client->actor_id;
    session->via = client->via;
    free(session->actor_name);
    session->actor_name = mem_strdup(client->actor_name ? client->actor_name : "");
    snprintf(session->address, sizeof session->address, "%s", client->address ? client->address : "");
    pthread_mutex_unlock(&session->lock);
    pthread_mutex_unlock(&engine->lock);
}

/* --- the log of statements --- */

static void ran_tell(const struct query_session *session, struct query_ran *ran)
{
    const struct query_hooks *hooks = &session->engine->options.hooks;
    const struct query_client client = { .pid = session->pid,
                                         .address = session->address,
                                         .actor_kind = session->actor_kind,
                                         .actor_name = session->actor_name,
                                         .actor_id = session->actor_id,
                                         .via = session->via };
    ran->project_id = session->project_id;
    ran->client = &client;
    hooks->ran(hooks->ctx, ran);
}

/* What a session says of itself is not asked of anything. */
static bool is_told(const struct plan *plan)
{
    return plan->kind != PLAN_EMPTY && plan->kind != PLAN_SHOW && plan->kind != PLAN_SET && plan->kind != PLAN_RESET &&
           plan->kind != PLAN_NOTHING;
}

void activity_ran(const struct query_cursor *cursor, uint64_t bytes)
{
    const struct plan *plan = cursor->plan;
    if (!cursor->session->engine->options.hooks.ran || !cursor->session->via || !is_told(plan)) return;
    bool has_more = cursor->files_considered > cursor->files_opened;
    struct query_ran ran = { .operation = plan->tag,
                             .text = plan->text,
                             .shape = bytes_of_text(plan_shape_of(plan)),
                             .begun_unix_us = cursor->begun_unix_us,
                             .duration_ns = clock_mono_ns() - cursor->begun_mono_ns,
                             .waited_ns = cursor->waited_ns,
                             .rows = cursor->row_count + cursor->changed_rows,
                             .bytes = bytes,
                             .files_read = cursor->files_opened,
                             .files_pruned = has_more ? cursor->files_considered - cursor->files_opened : 0,
                             .failure = cursor->failure };
    ran_tell(cursor->session, &ran);
}

void activity_refused(const struct query_session *session, struct bytes sql, uint64_t begun_mono_ns,
                      const struct err *err)
{
    if (!session->engine->options.hooks.ran || !session->via) return;
    char *shape = plan_shape(sql);
    uint64_t duration_ns = clock_mono_ns() - begun_mono_ns;
    struct query_ran ran = { .operation = "",
                             .text = sql,
                             .shape = bytes_of_text(shape ? shape : ""),
                             .begun_unix_us = clock_unix_us() - (int64_t)(duration_ns / 1000),
                             .duration_ns = duration_ns,
                             .failure = err->code };
    ran_tell(session, &ran);
    free(shape);
}

/* --- pg_stat_activity --- */

static bool time_put(struct buf *lines, int64_t unix_us)
{
    if (unix_us == 0) return buf_printf(lines, FIELD_END);
    char day[16];
    int64_t of_day = unix_us % DAY_US;
    date_text((int32_t)(unix_us / DAY_US), day);
    return buf_printf(lines, "%s %02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%06" PRId64 "+00" FIELD_END, day,
                      of_day / 3600000000, of_day / 60000000 % 60, of_day / 1000000 % 60, of_day % 1000000);
}

/* As catalog_rows.c names the columns. */
static bool session_put(struct buf *lines, const struct query_session *session)
{
    const struct activity *activity = &session->activity;
    bool is_open = activity->is_active || activity->in_transaction;
    return buf_printf(lines, "%" PRIu32 FIELD_END "%s" FIELD_END "%s" FIELD_END "%s" FIELD_END, session->pid,
                      session->user, activity->application, session->address) &&
           time_put(lines, activity->opened_unix_us) && time_put(lines, is_open ? activity->transaction_unix_us : 0) &&
           time_put(lines, activity->begun_unix_us) && time_put(lines, activity->changed_unix_us) &&
           buf_printf(lines, "%s" FIELD_END "%s" FIELD_END "%s" FIELD_END "%s" ROW_END,
                      activity->wait        ? "Extension"
                      : activity->is_active ? ""
                                            : "Client",
                      activity->wait        ? activity->wait
                      : activity->is_active ? ""
                                            : "ClientRead",
                      activity->is_active        ? "active"
                      : activity->in_transaction ? "idle in transaction"
                                                 : "idle",
                      activity->query);
}

bool activity_take(struct query_cursor *cursor, struct err *err)
{
    struct query_engine *engine = cursor->session->engine;
    struct buf lines;
    buf_init(&lines, LINES_BYTES_MAX);
    bool ok = true;
    pthread_mutex_lock(&engine->lock);
    for (struct query_session *session = engine->sessions; ok && session; session = session->older) {
        if (!uuid_equal(session->project_id, cursor->session->project_id)) continue;
        pthread_mutex_lock(&session->lock);
        ok = session_put(&lines, session);
        pthread_mutex_unlock(&session->lock);
    }
    pthread_mutex_unlock(&engine->lock);
    if (ok) cursor->render.activity = arena_copy(&cursor->arena, buf_bytes(&lines));
    buf_deinit(&lines);
    return ok || err_set(err, ERR_TOO_LARGE, "there are too many sessions to show");
}

/* --- pg_cancel_backend(), pg_terminate_backend() --- */

static struct query_session *session_find(struct query_engine *engine, int64_t pid)
{
    for (struct query_session *session = engine->sessions; session; session = session->older)
        if (session->pid == pid) return session;
    return NULL;
}

/* Whoever may only read may stop what is their own. */
static bool may_signal(const struct query_session *from, const struct query_session *to)
{
    return uuid_equal(from->project_id, to->project_id) && (!from->read_only_why || strcmp(from->user, to->user) == 0);
}

static bool session_signal(struct query_engine *engine, int64_t own_pid, int64_t pid, bool ends)
{
    void (*terminate)(void *ctx, uint32_t pid) = NULL;
    void *ctx = NULL;
    pthread_mutex_lock(&engine->lock);
    const struct query_session *from = session_find(engine, own_pid);
    struct query_session *to = session_find(engine, pid);
    bool may = from && to && may_signal(from, to);
    if (may) {
        terminate = ends ? to->terminate : NULL;
        ctx = to->terminate_ctx;
        if (!terminate) session_stop(to); /* else the connection does, once it knows why: 57P01 and not 57014 */
    }
    pthread_mutex_unlock(&engine->lock);
    if (terminate) terminate(ctx, (uint32_t)pid); /* takes locks of its own, under which ours are taken */
    return may;
}

static void signal_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct query_engine *engine = duckdb_scalar_function_get_extra_info(info);
    struct column own = column_of(input, 0), pid = column_of(input, 1), ends = column_of(input, 2);
    bool *results = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        if (!is_valid(&own, row) || !is_valid(&pid, row) || !is_valid(&ends, row))
            put_null(output, row);
        else
            results[row] = session_signal(engine, ((const int64_t *)own.data)[row], ((const int64_t *)pid.data)[row],
                                          ((const bool *)ends.data)[row]);
    }
}

static void nothing(void *extra)
{
    (void)extra;
}

bool activity_register(struct query_engine *engine, struct err *err)
{
    static const duckdb_type arguments[] = { DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BOOLEAN };
    duckdb_connection connection;
    if (duckdb_connect(engine->database, &connection) != DuckDBSuccess)
        return err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, "mono_backend_signal");
    for (size_t a = 0; a < COUNT_OF(arguments); a++) {
        duckdb_logical_type type = duckdb_create_logical_type(arguments[a]);
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_destroy_logical_type(&result);
    duckdb_scalar_function_set_special_handling(function);
    duckdb_scalar_function_set_volatile(function); /* done when it runs, not when it is planned */
    duckdb_scalar_function_set_extra_info(function, engine, nothing);
    duckdb_scalar_function_set_function(function, signal_run);
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_scalar_function(&function);
    duckdb_disconnect(&connection);
    return state == DuckDBSuccess || err_set(err, ERR_INTERNAL, "DuckDB does not take \"mono_backend_signal\"");
}
