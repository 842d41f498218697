#include "meta/db.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/utf8.h"
#include "meta/db_backend.h"
#include "meta/db_migrate.h"
#include "meta/db_pool.h"
#include "meta/db_rows.h"
#include "meta/postgres/db_postgres.h"
#include "meta/sqlite/db_sqlite.h"

enum {
    CONNECTIONS_MAX = 8,
    STATEMENT_MS_MAX = 30000,
    WAIT_MS_MAX = 5000,
    AGAIN_MAX = 50, /* of one transaction; with pauses that grow to 100 ms */
    OUTCOME_UNKNOWN = ENOTRECOVERABLE,
};

struct db {
    struct db_pool pool;
    char name[256];
    char *location;
    const struct log *log;
    bool has_timescaledb;
    pthread_mutex_t write_lock; /* SQLite has one writer: ours queue here, not in its polling. Held for a transaction */
    atomic_uint_fast64_t transactions, reads, again, failures;
};
/* One transaction. A statement that failed has ended it in PostgreSQL, so it does in both. */
struct db_session {
    struct db *db;
    struct db_connection *connection;
    bool has_failed;
    struct err err;
};

/* -- rows ------------------------------------------------------------------------------------------------------- */

static const struct db_value *value_at(struct db_row *row, size_t at)
{
    assert(at < row->value_count);
    return &row->values[at];
}

bool db_row_is_null(const struct db_row *row, size_t at)
{
    assert(at < row->value_count);
    return row->values[at].is_null;
}

int64_t db_row_integer(struct db_row *row, size_t at)
{
    const struct db_value *value = value_at(row, at);
    if (value->is_null) return 0;
    if (value->type == DB_INTEGER) return value->integer;
    row->is_bad = true;
    return 0;
}

bool db_row_boolean(struct db_row *row, size_t at)
{
    return db_row_integer(row, at) != 0;
}

double db_row_real(struct db_row *row, size_t at)
{
    const struct db_value *value = value_at(row, at);
    if (value->is_null) return 0;
    if (value->type == DB_REAL) return value->real;
    if (value->type == DB_INTEGER) return (double)value->integer;
    row->is_bad = true;
    return 0;
}

static struct bytes row_bytes(struct db_row *row, size_t at, enum db_type type)
{
    const struct db_value *value = value_at(row, at);
    if (value->is_null) return (struct bytes){ 0 };
    if (value->type == type) return value->bytes;
    row->is_bad = true;
    return (struct bytes){ 0 };
}

struct bytes db_row_text(struct db_row *row, size_t at)
{
    return row_bytes(row, at, DB_TEXT);
}

struct bytes db_row_bytes(struct db_row *row, size_t at)
{
    return row_bytes(row, at, DB_BYTES);
}

struct uuid db_row_uuid(struct db_row *row, size_t at)
{
    const struct db_value *value = value_at(row, at);
    struct uuid uuid = { 0 };
    if (value->is_null) return uuid;
    if (value->type == DB_UUID) return value->uuid;
    if (value->type != DB_TEXT || !uuid_from_text(value->bytes, &uuid)) row->is_bad = true;
    return uuid;
}

void db_row_text_copy(struct db_row *row, size_t at, char *text, size_t text_bytes)
{
    struct bytes bytes = db_row_text(row, at);
    text[0] = '\0';
    if (bytes.len >= text_bytes) {
        row->is_bad = true;
        return;
    }
    if (bytes.len > 0) memcpy(text, bytes.ptr, bytes.len);
    text[bytes.len] = '\0';
}

/* -- statements ------------------------------------------------------------------------------------------------- */

/* What one database takes and the other refuses is refused by both. */
static bool values_check(const struct db_value *values, size_t count, struct err *err)
{
    for (size_t v = 0; v < count; v++) {
        if (values[v].is_null || values[v].type != DB_TEXT || values[v].bytes.len == 0) continue;
        if (!utf8_is_valid(values[v].bytes) || memchr(values[v].bytes.ptr, 0, values[v].bytes.len))
            return err_set(err, ERR_INPUT, "a text is not UTF-8, or has a NUL byte in it");
    }
    return true;
}

/* Sees to it that a row that cannot be ends the call. */
struct row_check {
    db_row_fn *row;
    void *ctx;
    const char *sql;
    uint64_t rows;
};

static bool row_checked(void *ctx, struct db_row *row, struct err *err)
{
    struct row_check *check = ctx;
    check->rows++;
    bool ok = check->row(check->ctx, row, err);
    if (row->is_bad) return err_set(err, ERR_CORRUPT, "the metadata has a row that cannot be: %.160s", check->sql);
    return ok;
}

static bool session_failed(struct db_session *session, bool ok, struct err *err)
{
    if (!ok && !session->has_failed) {
        session->has_failed = true;
        session->err = *err;
    }
    return ok;
}

static bool session_check(struct db_session *session, struct err *err)
{
    if (session->has_failed) *err = session->err;
    return !session->has_failed;
}

bool db_run(struct db_session *session, const char *sql, const struct db_value *values, size_t value_count,
            db_row_fn *row, void *ctx, int64_t *changed, struct err *err)
{
    struct row_check check = { row, ctx, sql, 0 };
    if (!session_check(session, err)) return false;
    fail_point("meta.statement");
    bool ok = values_check(values, value_count, err) &&
              session->db->pool.backend->run(session->connection, sql, values, value_count, row ? row_checked : NULL,
                                             &check, changed, err);
    return session_failed(session, ok, err);
}

bool db_run_many(struct db_session *session, const char *sql, const struct db_value *values, size_t value_count,
                 size_t row_count, int64_t *changed, struct err *err)
{
    if (!session_check(session, err)) return false;
    if (changed) *changed = 0;
    if (row_count == 0) return true;
    bool ok =
        values_check(values, value_count * row_count, err) &&
        session->db->pool.backend->run_many(session->connection, sql, values, value_count, row_count, changed, err);
    return session_failed(session, ok, err);
}

static bool session_lock(struct db_session *session, const char *name, bool waits, bool *got, struct err *err)
{
    if (!session_check(session, err)) return false;
    return session_failed(session, session->db->pool.backend->lock(session->connection, name, waits, got, err), err);
}

bool db_lock_try(struct db_session *session, const char *name, bool *got, struct err *err)
{
    return session_lock(session, name, false, got, err);
}

bool db_lock(struct db_session *session, const char *name, struct err *err)
{
    bool got;
    return session_lock(session, name, true, &got, err);
}

bool db_script(struct db_session *session, const char *sql, struct err *err)
{
    if (!session_check(session, err)) return false;
    fail_point("meta.statement");
    return session_failed(session, session->db->pool.backend->script(session->connection, sql, err), err);
}

bool db_note_change(struct db_session *session, const char *topic, struct err *err)
{
    return db_run(session,
                  "INSERT INTO changes(topic, number) VALUES($1, 1)"
                  " ON CONFLICT(topic) DO UPDATE SET number = changes.number + 1",
                  DB_VALUES(db_text(topic)), NULL, NULL, NULL, err);
}

bool db_change_number(struct db *db, const char *topic, int64_t *number, struct err *err)
{
    *number = 0;
    return db_read(db, "SELECT number FROM changes WHERE topic = $1", DB_VALUES(db_text(topic)), db_take_integer,
                   number, err);
}

/* -- transactions ----------------------------------------------------------------------------------------------- */

/* Nobody starts anew at the same moment as the one it lost to. */
static void pause_before(uint32_t again)
{
    uint32_t ms_max = again < 7 ? 1u << again : 100;
    clock_sleep_ms((uint32_t)(clock_mono_ns() / 1000 % ms_max) + 1);
}

/* The connection is gone, and what became of the transaction is asked on another. Where no commit was sent (!waits) this is
 * for the server, which may not have noticed and holds its locks: one look, which ends it. */
static enum db_outcome outcome_find(struct db *db, const char *mark, bool waits)
{
    const uint64_t deadline_ns = clock_mono_ns() + db->pool.target.wait_ms_max * 1000000ull;
    if (mark[0] == '\0') return DB_UNKNOWN;
    do {
        struct db_connection *connection;
        struct err ignored = { 0 };
        if (pool_take(&db->pool, &connection, &ignored)) {
            enum db_outcome outcome = db->pool.backend->outcome(connection, mark);
            bool is_dead = connection->is_dead;
            pool_give(&db->pool, connection);
            if (outcome == DB_COMMITTED || outcome == DB_ABORTED || (outcome == DB_UNKNOWN && !is_dead)) return outcome;
        }
        if (waits) clock_sleep_ms(20);
    } while (waits && clock_mono_ns() < deadline_ns);
    return DB_UNKNOWN;
}

/* One try. *again: it may be begun anew. */
static bool transaction_try(struct db *db, enum db_begin how, db_work_fn *work, void *ctx, bool *again, struct err *err)
{
    const struct db_backend *backend = db->pool.backend;
    struct db_session session = { .db = db };
    char mark[DB_MARK_BYTES] = "";
    bool commits = false, ok = false;
    *again = false;
    if (!pool_take(&db->pool, &session.connection, err)) return false;
    struct db_connection *connection = session.connection;
    connection->lost_race = false;
    if (backend->begin(connection, how, err)) {
        ok = work(&session, ctx, err) && session_check(&session, err);
        commits = ok;
        memcpy(mark, connection->mark, sizeof mark);
        if (ok) {
            fail_point("meta.before_commit");
            ok = backend->commit(connection, err);
            fail_point("meta.after_commit");
        } else if (!connection->is_dead) {
            backend->rollback(connection);
        }
    }
    bool is_dead = connection->is_dead;
    *again = !ok && (is_dead || connection->lost_race);
    pool_give(&db->pool, connection);
    if (ok || !is_dead) return ok;
    enum db_outcome outcome = outcome_find(db, mark, commits);
    if (!commits) return false;
    if (outcome == DB_COMMITTED) return true;
    if (outcome == DB_ABORTED) return false;
    *again = false;
    err_set(err, ERR_IO,
            "%s broke off while a change was committed, and whether it was is not known: look before you do it again",
            db->name);
    err->os_errno = OUTCOME_UNKNOWN;
    return false;
}

static bool transaction(struct db *db, enum db_begin how, db_work_fn *work, void *ctx, struct err *err)
{
    const bool is_alone = db->pool.backend->kind == DB_SQLITE && how != DB_BEGIN_SNAPSHOT;
    const uint64_t begin_ns = clock_mono_ns(), wait_ns = db->pool.target.wait_ms_max * 1000000ull;
    bool ok = false, again = true;
    if (is_alone) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += db->pool.target.wait_ms_max / 1000 + 1;
        if (pthread_mutex_timedlock(&db->write_lock, &until) != 0)
            return err_set(err, ERR_BUSY, "could not change %s: other changes take too long", db->name);
    }
    atomic_fetch_add_explicit(&db->transactions, 1, memory_order_relaxed);
    for (uint32_t tried = 0; !ok && again && tried <= AGAIN_MAX; tried++) {
        if (tried > 0) {
            atomic_fetch_add_explicit(&db->again, 1, memory_order_relaxed);
            pause_before(tried);
            *err = (struct err){ 0 };
        }
        ok = transaction_try(db, how, work, ctx, &again, err);
        if (again && clock_mono_ns() - begin_ns > 2 * wait_ns) break;
    }
    if (is_alone) pthread_mutex_unlock(&db->write_lock);
    if (!ok) atomic_fetch_add_explicit(&db->failures, 1, memory_order_relaxed);
    return ok;
}

bool db_transaction(struct db *db, db_work_fn *work, void *ctx, struct err *err)
{
    return transaction(db, DB_BEGIN_ALONE, work, ctx, err);
}

bool db_transaction_adding(struct db *db, db_work_fn *work, void *ctx, struct err *err)
{
    return transaction(db, DB_BEGIN_ADDING, work, ctx, err);
}

bool db_snapshot(struct db *db, db_work_fn *work, void *ctx, struct err *err)
{
    return transaction(db, DB_BEGIN_SNAPSHOT, work, ctx, err);
}

bool db_read(struct db *db, const char *sql, const struct db_value *values, size_t value_count, db_row_fn *row,
             void *ctx, struct err *err)
{
    atomic_fetch_add_explicit(&db->reads, 1, memory_order_relaxed);
    if (!values_check(values, value_count, err)) return false;
    for (uint32_t tried = 0;; tried++) {
        struct row_check check = { row, ctx, sql, 0 };
        struct db_connection *connection;
        if (!pool_take(&db->pool, &connection, err)) break;
        bool ok =
            db->pool.backend->run(connection, sql, values, value_count, row ? row_checked : NULL, &check, NULL, err);
        bool is_dead = connection->is_dead;
        pool_give(&db->pool, connection);
        if (ok) return true;
        if (!is_dead || check.rows > 0 || tried == AGAIN_MAX) break; /* rows that were seen cannot be unseen */
        atomic_fetch_add_explicit(&db->again, 1, memory_order_relaxed);
        *err = (struct err){ 0 };
    }
    atomic_fetch_add_explicit(&db->failures, 1, memory_order_relaxed);
    return false;
}

bool db_run_alone(struct db *db, const char *sql, struct err *err)
{
    struct db_connection *connection;
    if (!pool_take(&db->pool, &connection, err)) return false;
    bool ok = db->pool.backend->script(connection, sql, err);
    pool_give(&db->pool, connection);
    return ok;
}

bool db_outcome_is_unknown(const struct err *err)
{
    return err->code == ERR_IO && err->os_errno == OUTCOME_UNKNOWN;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Which database, and where. */
static bool url_read(const char *url, const struct db_backend **backend, const char **location, struct err *err)
{
    *location = url;
    if (starts_with(url, "sqlite://")) {
        *backend = &db_sqlite;
        *location = url + strlen("sqlite://");
        if ((*location)[0] == '\0')
            return err_set(err, ERR_INPUT, "\"%s\" names no file: sqlite:///folder/meta.sqlite", url);
        return true;
    }
    if (starts_with(url, "postgres://") || starts_with(url, "postgresql://")) {
        *backend = &db_postgres;
        return true;
    }
    if (strstr(url, "://") == NULL && url[0] != '\0') {
        *backend = &db_sqlite;
        return true;
    }
    return err_set(err, ERR_INPUT, "the database must be sqlite:///folder/file or postgres://user@host/database");
}

static bool found_read(void *ctx, struct db_row *row, struct err *err)
{
    (void)row;
    (void)err;
    *(bool *)ctx = true;
    return true;
}

static bool extensions_read(struct db *db, struct err *err)
{
    if (db_kind(db) != DB_POSTGRES) return true;
    return db_read(db, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'", DB_NO_VALUES, found_read,
                   &db->has_timescaledb, err);
}

bool db_open(struct db **out, const struct db_options *options, struct err *err)
{
    const struct db_backend *backend;
    const char *location;
    *out = NULL;
    if (!url_read(options->url, &backend, &location, err)) return false;
    char name[sizeof((struct db *)0)->name];
    if (!backend->describe(location, name, sizeof name, err)) return false;
    struct db *db = mem_calloc(1, sizeof *db);
    strcpy(db->name, name);
    db->log = options->log;
    db->location = mem_strdup(location);
    struct db_target target = {
        .location = db->location,
        .statement_ms_max = options->statement_ms_max ? options->statement_ms_max : STATEMENT_MS_MAX,
        .wait_ms_max = options->wait_ms_max ? options->wait_ms_max : WAIT_MS_MAX,
    };
    pthread_mutex_init(&db->write_lock, NULL);
    pool_init(&db->pool, backend, &target, db->name,
              options->connections_max ? options->connections_max : CONNECTIONS_MAX, db->log);
    if ((!options->is_bare && !db_migrate(db, err)) || !extensions_read(db, err)) {
        db_close(db);
        return false;
    }
    *out = db;
    return true;
}

void db_close(struct db *db)
{
    if (db == NULL) return;
    pool_deinit(&db->pool);
    pthread_mutex_destroy(&db->write_lock);
    free(db->location);
    free(db);
}

enum db_kind db_kind(const struct db *db)
{
    return db->pool.backend->kind;
}

bool db_has_extension(const struct db *db, const char *name)
{
    return strcmp(name, "timescaledb") == 0 && db->has_timescaledb;
}

const char *db_name(const struct db *db)
{
    return db->name;
}

void db_stats(struct db *db, struct db_stats *stats)
{
    *stats = (struct db_stats){ .transactions = atomic_load_explicit(&db->transactions, memory_order_relaxed),
                                .reads = atomic_load_explicit(&db->reads, memory_order_relaxed),
                                .again = atomic_load_explicit(&db->again, memory_order_relaxed),
                                .failures = atomic_load_explicit(&db->failures, memory_order_relaxed) };
    pthread_mutex_lock(&db->pool.lock);
    stats->connections = db->pool.count;
    stats->connections_busy = db->pool.count - db->pool.free_count;
    stats->reconnects = db->pool.reconnects;
    stats->is_away = db->pool.is_away;
    pthread_mutex_unlock(&db->pool.lock);
}
