#include "meta/postgres/postgres_inside.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"

enum { TOGETHER_MAX = 256, GRACE_MS = 5000 /* beyond what the server itself allows a statement */ };

/* -- errors ----------------------------------------------------------------------------------------------------- */

static bool is_class(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

static enum err_code code_of(struct connection *connection, const char *state, const char *text)
{
    if (strcmp(state, "23505") == 0) return ERR_EXISTS;
    if (strcmp(state, "23503") == 0) return ERR_NOT_FOUND;
    if (is_class(state, "23") || is_class(state, "22")) return ERR_INPUT;
    if (strcmp(state, "P0001") == 0 || strcmp(state, "42501") == 0) return ERR_FORBIDDEN;
    if (strcmp(state, "57014") == 0) return ERR_TIMEOUT;
    if (strcmp(state, "55P03") == 0) return ERR_BUSY;
    if (is_class(state, "40")) { /* serialization failure, deadlock */
        connection->base.lost_race = true;
        return ERR_CONFLICT;
    }
    /* Shut down, no room for us, became a standby; statements that a pooler or a migration took away: connect anew. */
    if (is_class(state, "08") || is_class(state, "57P") || strcmp(state, "53300") == 0 || strcmp(state, "25006") == 0 ||
        strcmp(state, "25P03") == 0 || strcmp(state, "26000") == 0 ||
        (strcmp(state, "0A000") == 0 && strstr(text, "cached plan") != NULL)) {
        connection->base.is_dead = true;
        return ERR_BUSY;
    }
    if (is_class(state, "53") || is_class(state, "58")) return ERR_IO;
    if (is_class(state, "XX")) return ERR_CORRUPT;
    return ERR_INTERNAL;
}

bool postgres_err(struct connection *connection, const PGresult *result, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (state && PQstatus(connection->pg) != CONNECTION_BAD) {
        const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        enum err_code code = code_of(connection, state, text ? text : "");
        return err_set(err, code, "the database of the metadata says: %.160s (%s)", text ? text : "no reason", state);
    }
    /* Gone, or so confused that it had better be. Of its last words the first line. */
    char words[160];
    snprintf(words, sizeof words, "%s", PQerrorMessage(connection->pg));
    words[strcspn(words, "\n")] = '\0';
    connection->base.is_dead = true;
    return err_set(err, ERR_BUSY, "the connection to the database of the metadata broke: %s",
                   words[0] ? words : "no answer");
}

/* -- answers ---------------------------------------------------------------------------------------------------- */

/* Waits for the socket; false: nothing until the deadline (0: none). */
static bool wait_readable(struct connection *connection, uint64_t deadline_ns)
{
    struct pollfd wanted = { .fd = PQsocket(connection->pg), .events = POLLIN };
    for (;;) {
        int ms = -1;
        if (deadline_ns != 0) {
            uint64_t now_ns = clock_mono_ns();
            if (now_ns >= deadline_ns) return false;
            ms = (int)((deadline_ns - now_ns) / 1000000) + 1;
        }
        if (poll(&wanted, 1, ms) > 0) return true;
    }
}

PGresult *postgres_next(struct connection *connection, uint64_t deadline_ns, bool *ok, struct err *err)
{
    *ok = true;
    while (PQisBusy(connection->pg)) {
        if (!wait_readable(connection, deadline_ns)) {
            connection->base.is_dead = true;
            *ok = err_set(err, ERR_BUSY, "the database of the metadata did not answer in time");
            return NULL;
        }
        if (!PQconsumeInput(connection->pg)) {
            *ok = postgres_err(connection, NULL, err);
            return NULL;
        }
    }
    return PQgetResult(connection->pg);
}

static uint64_t deadline_of(uint32_t ms_max)
{
    return ms_max == 0 ? 0 : clock_mono_ns() + (ms_max + GRACE_MS) * 1000000ull;
}

bool postgres_exec(struct connection *connection, const char *sql, uint32_t ms_max, char *text, size_t text_bytes,
                   struct err *err)
{
    const uint64_t deadline_ns = deadline_of(ms_max);
    bool ok = PQsendQuery(connection->pg, sql) || postgres_err(connection, NULL, err), got;
    PGresult *result;
    if (!ok) return false;
    while ((result = postgres_next(connection, deadline_ns, &got, ok ? err : &(struct err){ 0 })) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        if (ok && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
            ok = postgres_err(connection, result, err);
        if (ok && text && status == PGRES_TUPLES_OK && PQntuples(result) > 0 && PQnfields(result) > 0)
            snprintf(text, text_bytes, "%s", PQgetvalue(result, 0, 0));
        PQclear(result);
        if (connection->base.is_dead) break;
    }
    return ok && got;
}

/* -- statements ------------------------------------------------------------------------------------------------- */

void postgres_statements_close(struct connection *connection)
{
    for (uint32_t s = 0; s < connection->statement_count; s++) free(connection->statements[s].sql);
    connection->statement_count = 0;
}

static bool statement_prepare(struct connection *connection, struct statement *statement,
                              const struct postgres_value *values, size_t value_count, struct err *err)
{
    Oid *types = mem_alloc((value_count + 1) * sizeof *types);
    for (size_t v = 0; v < value_count; v++) types[v] = values[v].type;
    bool ok = PQsendPrepare(connection->pg, statement->name, statement->sql, (int)value_count, types) ||
              postgres_err(connection, NULL, err);
    free(types);
    PGresult *result;
    bool got = ok;
    while (ok && (result = postgres_next(connection, deadline_of(connection->statement_ms_max), &got, err)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            ok = postgres_err(connection, result, err);
            PQclear(result);
            while (!connection->base.is_dead &&
                   (result = postgres_next(connection, 0, &got, &(struct err){ 0 })) != NULL)
                PQclear(result);
            return false;
        }
        PQclear(result);
    }
    return ok && got;
}

static bool statement_forget(struct connection *connection, struct statement *statement, struct err *err)
{
    char sql[64];
    snprintf(sql, sizeof sql, "DEALLOCATE \"%s\"", statement->name);
    free(statement->sql);
    statement->sql = NULL;
    return postgres_exec(connection, sql, connection->statement_ms_max, NULL, 0, err);
}

/* The same text with values of other types is another statement. */
static uint64_t statement_hash(const char *sql, const struct postgres_value *values, size_t value_count)
{
    uint64_t hash = hash64_of(bytes_of_text(sql));
    for (size_t v = 0; v < value_count; v++) hash = hash64_mix(hash ^ values[v].type, 0x9e3779b97f4a7c15ull + v);
    return hash;
}

static struct statement *statement_find(struct connection *connection, const char *sql,
                                        const struct postgres_value *values, size_t value_count, struct err *err)
{
    uint64_t hash = statement_hash(sql, values, value_count);
    struct statement *statement = NULL;
    for (uint32_t s = 0; s < connection->statement_count && !statement; s++)
        if (connection->statements[s].hash == hash && strcmp(connection->statements[s].sql, sql) == 0)
            statement = &connection->statements[s];
    if (!statement) {
        struct statement made = { .hash = hash, .sql = mem_strdup(sql) };
        snprintf(made.name, sizeof made.name, "m%u", ++connection->names);
        uint32_t at = connection->statement_count;
        bool ok = statement_prepare(connection, &made, values, value_count, err);
        if (ok && at == STATEMENTS_MAX) {
            at = 0;
            for (uint32_t s = 1; s < STATEMENTS_MAX; s++)
                if (connection->statements[s].used < connection->statements[at].used) at = s;
            ok = statement_forget(connection, &connection->statements[at], err);
            if (!ok) connection->base.is_dead = true; /* its list has a hole */
            if (!ok) connection->statements[at] = connection->statements[--connection->statement_count];
        } else if (ok) {
            connection->statement_count++;
        }
        if (!ok) {
            free(made.sql);
            return NULL;
        }
        statement = &connection->statements[at];
        *statement = made;
    }
    statement->used = ++connection->calls;
    return statement;
}

/* -- one statement ---------------------------------------------------------------------------------------------- */

/* Values as libpq takes them, in one piece of memory. */
struct packed {
    struct postgres_value *values;
    const char **ptrs;
    int *lens, *formats;
};

static bool packed_make(struct packed *packed, const struct db_value *values, size_t count, struct err *err)
{
    packed->values = mem_alloc((count + 1) * (sizeof *packed->values + sizeof *packed->ptrs + 2 * sizeof(int)));
    packed->ptrs = (const char **)(packed->values + count + 1);
    packed->lens = (int *)(packed->ptrs + count + 1);
    packed->formats = packed->lens + count;
    for (size_t v = 0; v < count; v++) {
        if (!postgres_value_write(&values[v], &packed->values[v], err)) {
            free(packed->values);
            return false;
        }
        packed->ptrs[v] = packed->values[v].ptr;
        packed->lens[v] = packed->values[v].len;
        packed->formats[v] = 1;
    }
    return true;
}

static bool row_give(struct connection *connection, const PGresult *result, db_row_fn *row, void *ctx, struct err *err)
{
    struct db_value columns[COLUMNS_MAX];
    int count = PQnfields(result);
    if (count > COLUMNS_MAX) return err_set(err, ERR_INTERNAL, "an answer has more than %d columns", COLUMNS_MAX);
    size_t bytes = 0;
    for (int c = 0; c < count; c++) bytes += (size_t)PQgetlength(result, 0, c);
    connection->scratch.len = 0;
    if (!buf_reserve(&connection->scratch, bytes)) return err_set(err, ERR_TOO_LARGE, "a row is too large");
    for (int c = 0; c < count; c++) columns[c] = postgres_value_read(result, c, &connection->scratch);
    return row(ctx, &(struct db_row){ .values = columns, .value_count = (size_t)count }, err);
}

static int64_t changed_of(PGresult *result)
{
    const char *text = PQcmdTuples(result);
    return text[0] ? strtoll(text, NULL, 10) : 0;
}

/* All results of one statement; the first failure counts, the rest is read away. */
static bool results_read(struct connection *connection, db_row_fn *row, void *ctx, int64_t *changed, struct err *err)
{
    const uint64_t deadline_ns = deadline_of(connection->statement_ms_max);
    bool ok = true, got = true;
    PGresult *result;
    while ((result = postgres_next(connection, deadline_ns, &got, ok ? err : &(struct err){ 0 })) != NULL) {
        switch (PQresultStatus(result)) {
        case PGRES_SINGLE_TUPLE:
            if (ok && row) ok = row_give(connection, result, row, ctx, err);
            break;
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
            if (changed) *changed = changed_of(result);
            break;
        default:
            if (ok) ok = postgres_err(connection, result, err);
            break;
        }
        PQclear(result);
        if (connection->base.is_dead) break;
    }
    return ok && got;
}

bool postgres_run(struct db_connection *base, const char *sql, const struct db_value *values, size_t value_count,
                  db_row_fn *row, void *ctx, int64_t *changed, struct err *err)
{
    struct connection *connection = of(base);
    struct packed packed;
    if (!packed_make(&packed, values, value_count, err)) return false;
    struct statement *statement = statement_find(connection, sql, packed.values, value_count, err);
    bool ok = statement != NULL;
    if (ok && !PQsendQueryPrepared(connection->pg, statement->name, (int)value_count, packed.ptrs, packed.lens,
                                   packed.formats, 0))
        ok = postgres_err(connection, NULL, err);
    free(packed.values);
    if (!ok) return false;
    if (row) PQsetSingleRowMode(connection->pg);
    return results_read(connection, row, ctx, changed, err);
}

/* -- many ------------------------------------------------------------------------------------------------------- */

static bool together_send(struct connection *connection, const struct statement *statement, const struct packed *packed,
                          size_t value_count, size_t row_count, struct err *err)
{
    for (size_t r = 0; r < row_count; r++)
        if (!PQsendQueryPrepared(connection->pg, statement->name, (int)value_count, packed->ptrs + r * value_count,
                                 packed->lens + r * value_count, packed->formats + r * value_count, 0))
            return postgres_err(connection, NULL, err);
    return PQpipelineSync(connection->pg) || postgres_err(connection, NULL, err);
}

/* Until the synchronisation point; after a failure the server skips to it. */
static bool together_read(struct connection *connection, int64_t *changed, struct err *err)
{
    const uint64_t deadline_ns = deadline_of(connection->statement_ms_max);
    bool ok = true, got = true, is_synced = false;
    while (!is_synced) {
        PGresult *result = postgres_next(connection, deadline_ns, &got, ok ? err : &(struct err){ 0 });
        if (!got) return false;
        if (result == NULL) continue; /* between two statements */
        ExecStatusType status = PQresultStatus(result);
        is_synced = status == PGRES_PIPELINE_SYNC;
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            if (changed) *changed += changed_of(result);
        } else if (!is_synced && status != PGRES_PIPELINE_ABORTED && ok) {
            ok = postgres_err(connection, result, err);
        }
        PQclear(result);
        if (connection->base.is_dead) return false;
    }
    return ok;
}

bool postgres_run_many(struct db_connection *base, const char *sql, const struct db_value *values, size_t value_count,
                       size_t row_count, int64_t *changed, struct err *err)
{
    struct connection *connection = of(base);
    bool ok = true;
    for (size_t at = 0; ok && at < row_count; at += TOGETHER_MAX) {
        size_t count = row_count - at < TOGETHER_MAX ? row_count - at : TOGETHER_MAX;
        struct packed packed;
        if (!packed_make(&packed, values + at * value_count, count * value_count, err)) return false;
        struct statement *statement = statement_find(connection, sql, packed.values, value_count, err);
        ok = statement != NULL && (PQenterPipelineMode(connection->pg) || postgres_err(connection, NULL, err));
        ok = ok && together_send(connection, statement, &packed, value_count, count, err) &&
             together_read(connection, changed, err);
        if (statement && !connection->base.is_dead && !PQexitPipelineMode(connection->pg)) {
            connection->base.is_dead = true;
            if (ok) ok = postgres_err(connection, NULL, err);
        }
        free(packed.values);
    }
    return ok;
}
