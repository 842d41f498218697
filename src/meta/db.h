/* db.h -- a small SQL face over the database of the metadata, so that each noun's SQL is written once for both backends.
 *
 *   projects, keys, people, rollups --db_transaction, db_run--> struct db --+--> sqlite/    data/meta.sqlite (WAL)
 *                                                                           '--> postgres/  libpq, pooled
 *
 *   static bool rename_run(struct db_session *session, void *ctx, struct err *err)
 *   {
 *       const struct rename *rename = ctx;
 *       int64_t changed;
 *       return db_run(session, "UPDATE projects SET name = $2 WHERE id = $1",
 *                     DB_VALUES(db_uuid(rename->id), db_text(rename->name)), NULL, NULL, &changed, err) &&
 *              (changed == 1 || err_set(err, ERR_NOT_FOUND, "there is no such project"));
 *   }
 *   ... db_transaction(db, rename_run, &rename, err)
 *
 * SQL: what SQLite 3.40 and PostgreSQL 15 both take: $1 .. $n, RETURNING, ON CONFLICT, WITH, window functions. Types: the
 * tables are made by migrations (migrations/README.md), whose markers name one type for both. Times are unix
 * microseconds, truth values 0 and 1, in bigint columns. Where two texts are unavoidable ask db_kind.
 * Prepared statements are cached by their text, 256 a connection: build SQL at run time only of few shapes. No `$1::type`
 * (a name in SQLite): CAST($1 AS bigint). A statement that fails ends its transaction: ON CONFLICT DO NOTHING, not a try.
 *
 * Thread: struct db: any. A session: the thread that was called with it, until work returns.
 * Memory: rows come one by one and are borrowed for the call. A value's bytes are borrowed until the call returns.
 * Errors: ERR_EXISTS: unique. ERR_NOT_FOUND: a foreign key names nothing. ERR_INPUT: a check, a NULL, a text that is no
 * UTF-8 or has a NUL byte. ERR_FORBIDDEN: a trigger refused. ERR_CONFLICT: lost a race again and again. ERR_BUSY: the
 * database is away, or all connections are in use for too long. ERR_TIMEOUT: the statement ran too long. ERR_CORRUPT: a
 * row that cannot be. ERR_IO. ERR_BUSY, ERR_CONFLICT, ERR_TIMEOUT: nothing was changed. A commit whose answer was lost is
 * looked up on a new connection; only where that fails too the outcome is unknown: db_outcome_is_unknown(err). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"

struct db;
struct db_session;

enum db_kind { DB_SQLITE, DB_POSTGRES };
enum db_type { DB_INTEGER, DB_REAL, DB_TEXT, DB_BYTES, DB_UUID };

struct db_value {
    enum db_type type;
    bool is_null;
    union {
        int64_t integer;
        double real;
        struct bytes bytes; /* of DB_TEXT, DB_BYTES */
        struct uuid uuid;
    };
};
static inline struct db_value db_integer(int64_t integer)
{
    return (struct db_value){ .type = DB_INTEGER, .integer = integer };
}
static inline struct db_value db_boolean(bool boolean)
{
    return (struct db_value){ .type = DB_INTEGER, .integer = boolean };
}
static inline struct db_value db_real(double real)
{
    return (struct db_value){ .type = DB_REAL, .real = real };
}
static inline struct db_value db_text(const char *text)
{
    return (struct db_value){ .type = DB_TEXT, .bytes = bytes_of_text(text) };
}
static inline struct db_value db_text_bytes(struct bytes text)
{
    return (struct db_value){ .type = DB_TEXT, .bytes = text };
}
static inline struct db_value db_bytes(struct bytes bytes)
{
    return (struct db_value){ .type = DB_BYTES, .bytes = bytes };
}
static inline struct db_value db_uuid(struct uuid uuid)
{
    return (struct db_value){ .type = DB_UUID, .uuid = uuid };
}
static inline struct db_value db_null(enum db_type type)
{
    return (struct db_value){ .type = type, .is_null = true };
}
/* The two arguments `values, value_count` of the calls below. */
#define DB_VALUES(...)                          \
    ((const struct db_value[]){ __VA_ARGS__ }), \
        (sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value))
#define DB_NO_VALUES NULL, 0

/* A row of an answer. What is not of the type asked for is remembered, and the call ends with ERR_CORRUPT. */
struct db_row {
    const struct db_value *values;
    size_t value_count;
    bool is_bad;
};
bool db_row_is_null(const struct db_row *row, size_t at);
int64_t db_row_integer(struct db_row *row, size_t at); /* NULL: 0 */
bool db_row_boolean(struct db_row *row, size_t at);
double db_row_real(struct db_row *row, size_t at);       /* an integer will do */
struct bytes db_row_text(struct db_row *row, size_t at); /* NULL: empty; no NUL byte at its end */
struct bytes db_row_bytes(struct db_row *row, size_t at);
struct uuid db_row_uuid(struct db_row *row, size_t at); /* NULL: all zeros */
/* Copied with a NUL at its end; one that does not fit is a row that cannot be. */
void db_row_text_copy(struct db_row *row, size_t at, char *text, size_t text_bytes);

/* Called for each row, with no further call of the same session inside. False ends the call with err. */
typedef bool db_row_fn(void *ctx, struct db_row *row, struct err *err);
/* What happens in one transaction. May be called again from the start, when the transaction lost a race or the connection
 * broke before the commit: no effects but by the session and into ctx, and those in ctx are set, not added to. False
 * rolls back. */
typedef bool db_work_fn(struct db_session *session, void *ctx, struct err *err);

struct db_options {
    const char *url;           /* sqlite:///path, a path, or postgres://... as libpq takes it */
    uint32_t connections_max;  /* 0: 8 */
    uint32_t statement_ms_max; /* 0: 30 s; longer statements are cancelled (PostgreSQL) */
    uint32_t wait_ms_max;      /* 0: 5 s; for a free connection, for the writer's lock, for a server to be reached */
    bool is_bare;              /* the schema stays as it is: for copies and checks */
    const struct log *log;
};
/* Connects and brings the schema up to date (migrations.h). ERR_UNSUPPORTED for a schema of a newer program; ERR_CORRUPT for
 * one whose migrations are not ours. */
MUST_CHECK bool db_open(struct db **db, const struct db_options *options, struct err *err);
void db_close(struct db *db); /* NULL is fine; no call may be running */
enum db_kind db_kind(const struct db *db);
/* Is this extension of PostgreSQL there (`timescaledb`)? Asked once, at open. */
bool db_has_extension(const struct db *db, const char *name);
/* For messages: without user and password. */
const char *db_name(const struct db *db);

/* One transaction, durable when true is answered. As if alone (SERIALIZABLE; one writer at a time in SQLite). */
MUST_CHECK bool db_transaction(struct db *db, db_work_fn *work, void *ctx, struct err *err);
/* The same by READ COMMITTED: for work that only adds (ON CONFLICT DO UPDATE SET n = t.n + excluded.n), which then waits
 * for others on the same rows instead of starting anew. */
MUST_CHECK bool db_transaction_adding(struct db *db, db_work_fn *work, void *ctx, struct err *err);
/* Several statements that only read, and all see the same moment. Holds nobody up. */
MUST_CHECK bool db_snapshot(struct db *db, db_work_fn *work, void *ctx, struct err *err);
/* One statement that only reads, on its own; asked again by itself when the connection turns out to be dead. */
MUST_CHECK bool db_read(struct db *db, const char *sql, const struct db_value *values, size_t value_count,
                        db_row_fn *row, void *ctx, struct err *err);
/* A statement that cannot be inside a transaction (TimescaleDB's continuous aggregates). Never repeated. */
MUST_CHECK bool db_run_alone(struct db *db, const char *sql, struct err *err);
bool db_outcome_is_unknown(const struct err *err);

/* One statement of a session. row: NULL when there is none to look at. changed: rows that were, or NULL. */
MUST_CHECK bool db_run(struct db_session *session, const char *sql, const struct db_value *values, size_t value_count,
                       db_row_fn *row, void *ctx, int64_t *changed, struct err *err);
/* The same statement row_count times, without an answer to look at; values: row_count times value_count. With PostgreSQL
 * they travel together (pipelined): for many small upserts. */
MUST_CHECK bool db_run_many(struct db_session *session, const char *sql, const struct db_value *values,
                            size_t value_count, size_t row_count, int64_t *changed, struct err *err);
/* Several processes, one doer: held until the transaction ends, which is to be a db_transaction_adding (the other kind would
 * not see what was done while it waited). *got false: another has it (try) ... */
MUST_CHECK bool db_lock_try(struct db_session *session, const char *name, bool *got, struct err *err);
MUST_CHECK bool db_lock(struct db_session *session, const char *name, struct err *err); /* ... or waits for it */

/* What others keep in memory has changed: to be the last statement of the transaction. Topics: "projects" (projects, keys,
 * retentions: meta.c), and those that other nouns choose. */
MUST_CHECK bool db_note_change(struct db_session *session, const char *topic, struct err *err);
/* *number differs from before when anyone has noted a change of the topic since; 0: never. To be asked every second or so. */
MUST_CHECK bool db_change_number(struct db *db, const char *topic, int64_t *number, struct err *err);

struct db_stats {
    uint32_t connections, connections_busy;
    uint64_t transactions, reads, again, failures, reconnects;
    bool is_away; /* the last try to reach it failed */
};
void db_stats(struct db *db, struct db_stats *stats);
