#include "meta/sqlite/db_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/hash.h"

enum { STATEMENTS_MAX = 256, COLUMNS_MAX = 64, LOOK_EVERY = 20000 /* instructions of SQLite's machine */ };

struct statement {
    uint64_t hash;
    char *sql;
    sqlite3_stmt *handle;
    int *places; /* of $1, $2 ...: SQLite numbers them as they appear */
    uint32_t place_count;
    uint64_t used; /* when, in calls: the oldest goes first */
};
struct connection {
    struct db_connection base;
    sqlite3 *db;
    struct statement statements[STATEMENTS_MAX];
    uint32_t statement_count;
    uint64_t calls;
    uint32_t statement_ms_max;
    uint64_t deadline_ns; /* of the statement that runs; 0: none */
    bool is_late;
};

static struct connection *of(struct db_connection *base)
{
    return (struct connection *)base;
}

static bool sqlite_err(struct connection *connection, struct err *err, const char *what)
{
    int code = sqlite3_extended_errcode(connection->db);
    enum err_code kind = ERR_IO;
    switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
        kind = code == SQLITE_CONSTRAINT_FOREIGNKEY ? ERR_NOT_FOUND
               : code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       code == SQLITE_CONSTRAINT_ROWID
                   ? ERR_EXISTS
               : code == SQLITE_CONSTRAINT_TRIGGER ? ERR_FORBIDDEN
                                                   : ERR_INPUT;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: kind = ERR_BUSY; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: kind = ERR_CORRUPT; break;
    case SQLITE_INTERRUPT: kind = ERR_TIMEOUT; break;
    case SQLITE_TOOBIG: kind = ERR_TOO_LARGE; break;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISUSE: kind = ERR_INTERNAL; break;
    default: break;
    }
    if (connection->is_late)
        return err_set(err, ERR_TIMEOUT, "could not %s the metadata: it took more than %u ms", what,
                       connection->statement_ms_max);
    return err_set(err, kind, "could not %s the metadata: %s", what, sqlite3_errmsg(connection->db));
}

static bool exec(struct connection *connection, const char *sql, const char *what, struct err *err)
{
    return sqlite3_exec(connection->db, sql, NULL, NULL, NULL) == SQLITE_OK || sqlite_err(connection, err, what);
}

/* Called every LOOK_EVERY instructions; not 0 stops the statement. */
static int is_over(void *ctx)
{
    struct connection *connection = ctx;
    if (connection->deadline_ns == 0 || clock_mono_ns() < connection->deadline_ns) return 0;
    connection->is_late = true;
    return 1;
}

/* -- statements ------------------------------------------------------------------------------------------------- */

static void statement_close(struct statement *statement)
{
    sqlite3_finalize(statement->handle);
    free(statement->sql);
    free(statement->places);
}

static bool places_find(struct statement *statement, struct err *err)
{
    int count = sqlite3_bind_parameter_count(statement->handle);
    statement->place_count = (uint32_t)count;
    statement->places = mem_calloc((size_t)count + 1, sizeof *statement->places);
    for (int place = 1; place <= count; place++) {
        const char *name = sqlite3_bind_parameter_name(statement->handle, place);
        int number = name && name[0] == '$' ? atoi(name + 1) : 0;
        if (number < 1 || number > count || statement->places[number - 1] != 0)
            return err_set(err, ERR_INTERNAL, "values are named $1 to $n, without a gap: %.160s", statement->sql);
        statement->places[number - 1] = place;
    }
    return true;
}

static bool statement_make(struct connection *connection, struct statement *statement, const char *sql, uint64_t hash,
                           struct err *err)
{
    *statement = (struct statement){ .hash = hash, .sql = mem_strdup(sql) };
    if (sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->handle, NULL) == SQLITE_OK) {
        if (places_find(statement, err)) return true;
    } else {
        sqlite_err(connection, err, "ask");
    }
    statement_close(statement);
    return false;
}

static struct statement *statement_find(struct connection *connection, const char *sql, struct err *err)
{
    uint64_t hash = hash64_of(bytes_of_text(sql));
    struct statement *statement = NULL;
    for (uint32_t s = 0; s < connection->statement_count && !statement; s++)
        if (connection->statements[s].hash == hash && strcmp(connection->statements[s].sql, sql) == 0)
            statement = &connection->statements[s];
    if (!statement) {
        struct statement made;
        if (!statement_make(connection, &made, sql, hash, err)) return NULL;
        uint32_t at = connection->statement_count;
        if (at == STATEMENTS_MAX) {
            at = 0;
            for (uint32_t s = 1; s < STATEMENTS_MAX; s++)
                if (connection->statements[s].used < connection->statements[at].used) at = s;
            statement_close(&connection->statements[at]);
        } else {
            connection->statement_count++;
        }
        statement = &connection->statements[at];
        *statement = made;
    }
    statement->used = ++connection->calls;
    return statement;
}

static int value_bind(sqlite3_stmt *handle, int place, const struct db_value *value)
{
    static const uint8_t nothing[1];
    char text[UUID_TEXT_BYTES + 1];
    if (value->is_null) return sqlite3_bind_null(handle, place);
    switch (value->type) {
    case DB_INTEGER: return sqlite3_bind_int64(handle, place, value->integer);
    case DB_REAL: return sqlite3_bind_double(handle, place, value->real);
    case DB_TEXT:
        return sqlite3_bind_text64(handle, place, value->bytes.len ? (const char *)value->bytes.ptr : "",
                                   value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BYTES:
        return sqlite3_bind_blob64(handle, place, value->bytes.len ? value->bytes.ptr : nothing, value->bytes.len,
                                   SQLITE_STATIC);
    case DB_UUID:
        uuid_to_text(value->uuid, text);
        return sqlite3_bind_text(handle, place, text, UUID_TEXT_BYTES, SQLITE_TRANSIENT);
    }
    return SQLITE_MISUSE;
}

static bool values_bind(struct connection *connection, struct statement *statement, const struct db_value *values,
                        size_t value_count, struct err *err)
{
    if (value_count != statement->place_count)
        return err_set(err, ERR_INTERNAL, "%zu values for a statement of %u: %.120s", value_count,
                       statement->place_count, statement->sql);
    for (size_t v = 0; v < value_count; v++)
        if (value_bind(statement->handle, statement->places[v], &values[v]) != SQLITE_OK)
            return sqlite_err(connection, err, "ask");
    return true;
}

/* Bytes are borrowed from SQLite until the next step. */
static struct db_value column_read(sqlite3_stmt *handle, int at)
{
    switch (sqlite3_column_type(handle, at)) {
    case SQLITE_INTEGER: return db_integer(sqlite3_column_int64(handle, at));
    case SQLITE_FLOAT: return db_real(sqlite3_column_double(handle, at));
    case SQLITE_TEXT: {
        const unsigned char *text = sqlite3_column_text(handle, at);
        return db_text_bytes(bytes_from(text, (size_t)sqlite3_column_bytes(handle, at)));
    }
    case SQLITE_BLOB: {
        const void *blob = sqlite3_column_blob(handle, at);
        return db_bytes(bytes_from(blob, (size_t)sqlite3_column_bytes(handle, at)));
    }
    default: return db_null(DB_TEXT);
    }
}

static bool row_give(sqlite3_stmt *handle, db_row_fn *row, void *ctx, struct err *err)
{
    struct db_value columns[COLUMNS_MAX];
    int count = sqlite3_column_count(handle);
    if (count > COLUMNS_MAX) return err_set(err, ERR_INTERNAL, "an answer has more than %d columns", COLUMNS_MAX);
    for (int c = 0; c < count; c++) columns[c] = column_read(handle, c);
    return row(ctx, &(struct db_row){ .values = columns, .value_count = (size_t)count }, err);
}

static void deadline_set(struct connection *connection)
{
    connection->is_late = false;
    connection->deadline_ns = clock_mono_ns() + connection->statement_ms_max * 1000000ull;
}

static bool sqlite_run(struct db_connection *base, const char *sql, const struct db_value *values, size_t value_count,
                       db_row_fn *row, void *ctx, int64_t *changed, struct err *err)
{
    struct connection *connection = of(base);
    struct statement *statement = statement_find(connection, sql, err);
    if (!statement || !values_bind(connection, statement, values, value_count, err)) return false;
    int64_t rows = 0;
    int step;
    bool ok = true;
    deadline_set(connection);
    while (ok && (step = sqlite3_step(statement->handle)) == SQLITE_ROW) {
        rows++;
        ok = row == NULL || row_give(statement->handle, row, ctx, err);
    }
    if (ok && step != SQLITE_DONE) ok = sqlite_err(connection, err, "ask or change");
    if (ok && changed) *changed = sqlite3_stmt_readonly(statement->handle) ? rows : sqlite3_changes64(connection->db);
    connection->deadline_ns = 0;
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle);
    return ok;
}

static bool sqlite_run_many(struct db_connection *base, const char *sql, const struct db_value *values,
                            size_t value_count, size_t row_count, int64_t *changed, struct err *err)
{
    for (size_t r = 0; r < row_count; r++) {
        int64_t one = 0;
        if (!sqlite_run(base, sql, values + r * value_count, value_count, NULL, NULL, &one, err)) return false;
        if (changed) *changed += one;
    }
    return true;
}

static bool sqlite_script(struct db_connection *base, const char *sql, struct err *err)
{
    return exec(of(base), sql, "change", err);
}

/* -- transactions ----------------------------------------------------------------------------------------------- */

static bool sqlite_begin(struct db_connection *base, enum db_begin how, struct err *err)
{
    return exec(of(base), how == DB_BEGIN_SNAPSHOT ? "BEGIN" : "BEGIN IMMEDIATE", "lock",
                err); /* one writer at a time */
}

static bool sqlite_commit(struct db_connection *base, struct err *err)
{
    struct connection *connection = of(base);
    if (exec(connection, "COMMIT", "change", err)) return true;
    if (!sqlite3_get_autocommit(connection->db)) sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

static void sqlite_rollback(struct db_connection *base)
{
    struct connection *connection = of(base);
    if (!sqlite3_get_autocommit(connection->db)) sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
}

/* A transaction has the whole file already. */
static bool sqlite_lock(struct db_connection *base, const char *name, bool waits, bool *got, struct err *err)
{
    (void)base;
    (void)name;
    (void)waits;
    (void)err;
    *got = true;
    return true;
}

static enum db_outcome sqlite_outcome(struct db_connection *base, const char *mark)
{
    (void)base;
    (void)mark;
    return DB_UNKNOWN;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

/* SQLite would make the file readable for all, and leaves its name to the kernel. */
static bool file_make(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1 && errno == EEXIST) return true;
    if (fd == -1) return err_os(err, "could not open \"%s\"", path);
    close(fd);
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        strcpy(dir, ".");
    } else if ((size_t)snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path) >= sizeof dir) {
        return err_set(err, ERR_INPUT, "the name of the metadata's file is too long");
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = (fd != -1 && fsync(fd) == 0) || err_os(err, "could not sync folder \"%s\"", dir);
    if (fd != -1) close(fd);
    return ok;
}

static bool sqlite_describe(const char *location, char *name, size_t name_bytes, struct err *err)
{
    (void)err;
    snprintf(name, name_bytes, "database \"%s\"", location);
    return true;
}

static void sqlite_close(struct db_connection *base)
{
    struct connection *connection = of(base);
    for (uint32_t s = 0; s < connection->statement_count; s++) statement_close(&connection->statements[s]);
    sqlite3_close(connection->db);
    free(connection);
}

static bool sqlite_connect(const struct db_target *target, struct db_connection **out, struct err *err)
{
    *out = NULL;
    if (!file_make(target->location, err)) return false;
    struct connection *connection = mem_calloc(1, sizeof *connection);
    connection->statement_ms_max = target->statement_ms_max;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    bool ok = sqlite3_open_v2(target->location, &connection->db, flags, NULL) == SQLITE_OK ||
              sqlite_err(connection, err, "open");
    if (ok) {
        sqlite3_extended_result_codes(connection->db, 1);
        sqlite3_busy_timeout(connection->db, (int)target->wait_ms_max);
        sqlite3_progress_handler(connection->db, LOOK_EVERY, is_over, connection);
    }
    ok = ok && exec(connection,
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                    " PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON",
                    "set up", err);
    if (!ok) {
        err_within(err, "\"%s\"", target->location);
        sqlite_close(&connection->base);
        return false;
    }
    *out = &connection->base;
    return true;
}

const struct db_backend db_sqlite = {
    .kind = DB_SQLITE,
    .describe = sqlite_describe,
    .connect = sqlite_connect,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .run = sqlite_run,
    .run_many = sqlite_run_many,
    .script = sqlite_script,
    .lock = sqlite_lock,
    .outcome = sqlite_outcome,
};
