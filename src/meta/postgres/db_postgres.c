#include "meta/postgres/db_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "meta/postgres/postgres_inside.h"

enum {
    VERSION_MIN = 150000,
    ROW_BYTES_MAX = 256 << 20,
    IDLE_IN_TRANSACTION_MS = 20000, /* a process that was stopped in the middle must not keep its locks */
};

/* -- connecting ------------------------------------------------------------------------------------------------- */

static void notice_ignore(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

/* Which server, and which life of it (its timeline): another one's transaction numbers mean something else. A server that
 * does not say (not quite PostgreSQL) leaves it empty. */
static bool server_read(struct connection *connection, struct err *err)
{
    struct err ignored = { 0 };
    if (!postgres_exec(connection,
                       "SELECT s.system_identifier || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
                       " FROM pg_control_system() AS s",
                       connection->statement_ms_max, connection->server, sizeof connection->server, &ignored)) {
        connection->server[0] = '\0';
        if (connection->base.is_dead) *err = ignored;
    }
    return !connection->base.is_dead;
}

static bool set_up(struct connection *connection, struct err *err)
{
    char sql[256];
    int version = PQserverVersion(connection->pg);
    if (version < VERSION_MIN)
        return err_set(err, ERR_UNSUPPORTED, "the database is PostgreSQL %d; 15 or newer is needed", version / 10000);
    snprintf(sql, sizeof sql,
             "SET statement_timeout = %u; SET idle_in_transaction_session_timeout = %d; SET bytea_output = 'hex';"
             " SET standard_conforming_strings = on; SET extra_float_digits = 1; SET timezone = 'UTC'",
             connection->statement_ms_max, IDLE_IN_TRANSACTION_MS);
    return postgres_exec(connection, sql, connection->statement_ms_max, NULL, 0, err) && server_read(connection, err);
}

static void postgres_close(struct db_connection *base)
{
    struct connection *connection = of(base);
    PQfinish(connection->pg);
    postgres_statements_close(connection);
    buf_deinit(&connection->scratch);
    free(connection);
}

/* In libpq's words, which name host and port, of the last host tried. */
static bool connect_err(const struct connection *connection, struct err *err)
{
    const char *words = PQerrorMessage(connection->pg);
    return err_set(err, ERR_BUSY, "could not reach the database of the metadata: %.*s", (int)strcspn(words, "\n"),
                   words);
}

static bool postgres_connect(const struct db_target *target, struct db_connection **out, struct err *err)
{
    char seconds[16], unacked_ms[16];
    uint32_t wait_s = target->wait_ms_max / 1000;
    snprintf(seconds, sizeof seconds, "%u", wait_s < 2 ? 2 : wait_s); /* libpq's least */
    snprintf(unacked_ms, sizeof unacked_ms, "%u", target->wait_ms_max < 2000 ? 2000 : target->wait_ms_max);
    /* What stands in the URL counts over what comes before it. */
    const char *const names[] = { "connect_timeout",     "tcp_user_timeout",          "keepalives_idle",
                                  "keepalives_interval", "target_session_attrs",      "dbname",
                                  "client_encoding",     "fallback_application_name", NULL };
    const char *const settings[] = { seconds,          unacked_ms, "15",        "5", "read-write",
                                     target->location, "UTF8",     "monoscope", NULL };
    *out = NULL;
    struct connection *connection = mem_calloc(1, sizeof *connection);
    connection->statement_ms_max = target->statement_ms_max;
    buf_init(&connection->scratch, ROW_BYTES_MAX);
    connection->pg = PQconnectdbParams(names, settings, 1);
    if (connection->pg == NULL) abort(); /* out of memory */
    PQsetNoticeReceiver(connection->pg, notice_ignore, NULL);
    bool ok = PQstatus(connection->pg) == CONNECTION_OK || connect_err(connection, err);
    ok = ok && set_up(connection, err);
    if (!ok) {
        postgres_close(&connection->base);
        return false;
    }
    *out = &connection->base;
    return true;
}

static bool postgres_describe(const char *location, char *name, size_t name_bytes, struct err *err)
{
    char *ignored = NULL;
    PQconninfoOption *options = PQconninfoParse(location, &ignored);
    PQfreemem(ignored); /* it may quote a password */
    if (options == NULL)
        return err_set(err, ERR_INPUT, "the database's URL is not well formed: postgres://user@host:port/database");
    const char *host = "", *port = "", *database = "";
    for (const PQconninfoOption *option = options; option->keyword; option++) {
        if (option->val == NULL) continue;
        if (strcmp(option->keyword, "host") == 0) host = option->val;
        if (strcmp(option->keyword, "port") == 0) port = option->val;
        if (strcmp(option->keyword, "dbname") == 0) database = option->val;
    }
    snprintf(name, name_bytes, "database \"%.80s\"%s%.100s%s%.20s", database, host[0] ? " at " : "", host,
             port[0] ? ":" : "", port);
    PQconninfoFree(options);
    return true;
}

/* -- transactions ----------------------------------------------------------------------------------------------- */

/* The mark: server, timeline, transaction number and process, separated by blanks. */
static bool postgres_begin(struct db_connection *base, enum db_begin how, struct err *err)
{
    static const char *const begins[] = {
        [DB_BEGIN_ALONE] = "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT pg_current_xact_id()",
        [DB_BEGIN_ADDING] = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_current_xact_id()",
        [DB_BEGIN_SNAPSHOT] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    };
    struct connection *connection = of(base);
    char number[32] = "";
    base->mark[0] = '\0';
    if (!postgres_exec(connection, begins[how], connection->statement_ms_max, number, sizeof number, err)) return false;
    if (connection->server[0] && number[0])
        snprintf(base->mark, sizeof base->mark, "%s %s %d", connection->server, number, PQbackendPID(connection->pg));
    return true;
}

static bool postgres_commit(struct db_connection *base, struct err *err)
{
    struct connection *connection = of(base);
    return postgres_exec(connection, "COMMIT", connection->statement_ms_max, NULL, 0, err);
}

static void postgres_rollback(struct db_connection *base)
{
    struct connection *connection = of(base);
    struct err ignored = { 0 };
    if (!postgres_exec(connection, "ROLLBACK", connection->statement_ms_max, NULL, 0, &ignored)) base->is_dead = true;
}

/* One that still runs has lost its client: it is ended, so that it holds nothing up and an answer comes. */
static enum db_outcome postgres_outcome(struct db_connection *base, const char *mark)
{
    struct connection *connection = of(base);
    char server[DB_MARK_BYTES], number[32], sql[256], status[32] = "";
    int process;
    struct err ignored = { 0 };
    if (sscanf(mark, "%159s %31[0-9] %d", server, number, &process) != 3 || strcmp(server, connection->server) != 0)
        return DB_UNKNOWN;
    snprintf(sql, sizeof sql, "SELECT pg_xact_status('%s'::xid8)", number);
    if (!postgres_exec(connection, sql, connection->statement_ms_max, status, sizeof status, &ignored))
        return DB_UNKNOWN;
    if (strcmp(status, "committed") == 0) return DB_COMMITTED;
    if (strcmp(status, "aborted") == 0) return DB_ABORTED;
    if (strcmp(status, "in progress") != 0) return DB_UNKNOWN;
    snprintf(sql, sizeof sql,
             "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %d AND backend_xid::text ="
             " (%s::numeric %% 4294967296)::text",
             process, number);
    (void)!postgres_exec(connection, sql, connection->statement_ms_max, NULL, 0, &ignored);
    return DB_RUNNING;
}

static bool postgres_script(struct db_connection *base, const char *sql, struct err *err)
{
    struct connection *connection = of(base);
    char restore[64];
    snprintf(restore, sizeof restore, "SET statement_timeout = %u", connection->statement_ms_max);
    if (!postgres_exec(connection, "SET statement_timeout = 0", connection->statement_ms_max, NULL, 0, err) ||
        !postgres_exec(connection, sql, 0, NULL, 0, err)) {
        if (PQtransactionStatus(connection->pg) == PQTRANS_IDLE) base->is_dead = true; /* its limit is off */
        return false;
    }
    return postgres_exec(connection, restore, connection->statement_ms_max, NULL, 0, err);
}

static bool got_read(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(bool *)ctx = db_row_is_null(row, 0) || row->values[0].type != DB_INTEGER || row->values[0].integer != 0;
    return true;
}

static bool postgres_lock(struct db_connection *base, const char *name, bool waits, bool *got, struct err *err)
{
    int64_t number = (int64_t)hash64_of(bytes_of_text(name));
    *got = false;
    return postgres_run(base, waits ? "SELECT pg_advisory_xact_lock($1)" : "SELECT pg_try_advisory_xact_lock($1)",
                        DB_VALUES(db_integer(number)), got_read, got, NULL, err);
}

const struct db_backend db_postgres = {
    .kind = DB_POSTGRES,
    .describe = postgres_describe,
    .connect = postgres_connect,
    .close = postgres_close,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .run = postgres_run,
    .run_many = postgres_run_many,
    .script = postgres_script,
    .lock = postgres_lock,
    .outcome = postgres_outcome,
};
