/* db_backend.h -- what a database must do for db.c. For meta/ and its folders.
 *
 *   db.c: pool, transactions done again, migrations --> struct db_backend --> sqlite/ | postgres/
 *
 * Thread: a connection is used by one thread at a time; connect by several at once.
 * Errors: as db.h says. A failure sets is_dead where the connection is of no more use, lost_race where the same
 * transaction may succeed when it is begun anew. */
#pragma once
#include "meta/db.h"

struct db_target {
    const char *location; /* a path, or a URL of libpq */
    uint32_t statement_ms_max, wait_ms_max;
};
#define DB_MARK_BYTES 160
struct db_connection {
    bool is_dead, lost_race;
    char mark[DB_MARK_BYTES]; /* set by begin: names the transaction to `outcome`; empty: cannot be asked for */
};
enum db_begin { DB_BEGIN_ALONE, DB_BEGIN_ADDING, DB_BEGIN_SNAPSHOT };
enum db_outcome { DB_COMMITTED, DB_ABORTED, DB_RUNNING, DB_UNKNOWN };
struct db_backend {
    enum db_kind kind;
    /* "database ..." for messages, without user and password. ERR_INPUT: no such location can be. */
    bool (*describe)(const char *location, char *name, size_t name_bytes, struct err *err);
    bool (*connect)(const struct db_target *target, struct db_connection **connection, struct err *err);
    void (*close)(struct db_connection *connection);
    bool (*begin)(struct db_connection *connection, enum db_begin how, struct err *err);
    bool (*commit)(struct db_connection *connection, struct err *err);
    void (*rollback)(struct db_connection *connection);
    bool (*run)(struct db_connection *connection, const char *sql, const struct db_value *values, size_t value_count,
                db_row_fn *row, void *ctx, int64_t *changed, struct err *err);
    bool (*run_many)(struct db_connection *connection, const char *sql, const struct db_value *values,
                     size_t value_count, size_t row_count, int64_t *changed, struct err *err);
    /* Several statements, without values and without a limit of time. */
    bool (*script)(struct db_connection *connection, const char *sql, struct err *err);
    bool (*lock)(struct db_connection *connection, const char *name, bool waits, bool *got, struct err *err);
    /* What became of the transaction with that mark, asked on another connection. */
    enum db_outcome (*outcome)(struct db_connection *connection, const char *mark);
};
