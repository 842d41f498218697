#include "meta/sqlite/meta_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/uuid.h"

/* Numbered from 1, only ever appended to: a store remembers the checksum of each one it has been through. */
static const struct migration {
    const char *name, *sql;
} migrations[] = {
    { "projects and keys", "CREATE TABLE projects("
                           "  id TEXT PRIMARY KEY,"
                           "  name TEXT NOT NULL UNIQUE,"
                           "  created_unix_ms INTEGER NOT NULL"
                           ") STRICT;"
                           "CREATE TABLE keys("
                           "  id TEXT PRIMARY KEY,"
                           "  project_id TEXT NOT NULL REFERENCES projects(id),"
                           "  name TEXT NOT NULL,"
                           "  secret_sha256 BLOB NOT NULL UNIQUE CHECK(length(secret_sha256) = 32),"
                           "  created_unix_ms INTEGER NOT NULL,"
                           "  revoked_unix_ms INTEGER"
                           ") STRICT;" },
    { "browser keys", "ALTER TABLE keys ADD COLUMN is_ingest_only INTEGER NOT NULL DEFAULT 0;"
                      "ALTER TABLE keys ADD COLUMN origins TEXT NOT NULL DEFAULT ''" },
    { "retention", "CREATE TABLE retentions("
                   "  project_id TEXT NOT NULL REFERENCES projects(id),"
                   "  table_name TEXT NOT NULL,"
                   "  days INTEGER NOT NULL CHECK(days >= 0),"
                   "  PRIMARY KEY(project_id, table_name)"
                   ") STRICT" },
};
enum { BUSY_MS = 5000 };

struct sqlite_store {
    struct meta_store store;
    sqlite3 *db;
    int64_t data_version; /* SQLite's count of other connections' commits */
};

static sqlite3 *db_of(struct meta_store *store)
{
    return ((struct sqlite_store *)store)->db;
}

static bool db_err(sqlite3 *db, struct err *err, const char *what)
{
    enum err_code code = ERR_IO;
    switch (sqlite3_errcode(db) & 0xFF) {
    case SQLITE_CONSTRAINT: code = ERR_EXISTS; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: code = ERR_BUSY; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: code = ERR_CORRUPT; break;
    default: break;
    }
    return err_set(err, code, "could not %s the metadata: %s", what, sqlite3_errmsg(db));
}

static bool db_run(sqlite3 *db, const char *sql, const char *what, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || db_err(db, err, what);
}

static void text_bind(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static void uuid_bind(sqlite3_stmt *statement, int at, struct uuid uuid)
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid, text);
    text_bind(statement, at, text);
}

/* Ends a statement that gives no rows. */
static bool statement_end(sqlite3 *db, sqlite3_stmt *statement, const char *what, struct err *err)
{
    bool ok = sqlite3_step(statement) == SQLITE_DONE || db_err(db, err, what);
    sqlite3_finalize(statement);
    return ok;
}

/* -- migrations ------------------------------------------------------------------------------------------------- */

static void checksum_of(const struct migration *migration, char hex[2 * SHA256_BYTES + 1])
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(bytes_of_text(migration->sql), digest);
    for (int i = 0; i < SHA256_BYTES; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* Those the store has been through are ours, in order; *count says how many. */
static bool migrations_check(sqlite3 *db, int *count, struct err *err)
{
    sqlite3_stmt *statement;
    *count = 0;
    if (sqlite3_prepare_v2(db, "SELECT number, checksum FROM migrations ORDER BY number", -1, &statement, NULL) !=
        SQLITE_OK)
        return db_err(db, err, "read");
    int step;
    bool ok = true;
    while (ok && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int number = sqlite3_column_int(statement, 0);
        const char *checksum = (const char *)sqlite3_column_text(statement, 1);
        char expected[2 * SHA256_BYTES + 1];
        if (*count == (int)COUNT_OF(migrations)) {
            ok = err_set(err, ERR_UNSUPPORTED, "the metadata is of a newer version: it has migration %d", number);
            break;
        }
        checksum_of(&migrations[*count], expected);
        ++*count;
        if (number != *count || checksum == NULL || strcmp(checksum, expected) != 0)
            ok = err_set(err, ERR_CORRUPT, "migration %d of the metadata is not the one of this program", number);
    }
    if (ok && step != SQLITE_DONE) ok = db_err(db, err, "read");
    sqlite3_finalize(statement);
    return ok;
}

static bool migration_run(sqlite3 *db, int number, struct err *err)
{
    const struct migration *migration = &migrations[number - 1];
    char checksum[2 * SHA256_BYTES + 1];
    sqlite3_stmt *statement;
    if (!db_run(db, migration->sql, "migrate", err)) return false;
    if (sqlite3_prepare_v2(db, "INSERT INTO migrations(number, name, checksum, applied_unix_ms) VALUES(?, ?, ?, ?)", -1,
                           &statement, NULL) != SQLITE_OK)
        return db_err(db, err, "migrate");
    checksum_of(migration, checksum);
    sqlite3_bind_int(statement, 1, number);
    text_bind(statement, 2, migration->name);
    text_bind(statement, 3, checksum);
    sqlite3_bind_int64(statement, 4, clock_unix_us() / 1000);
    return statement_end(db, statement, "migrate", err);
}

/* All missing ones in one transaction: a crash leaves the store as it was. */
static bool migrate(sqlite3 *db, struct err *err)
{
    int count;
    if (!db_run(db, "BEGIN IMMEDIATE", "lock", err)) return false;
    bool ok = db_run(db,
                     "CREATE TABLE IF NOT EXISTS migrations(number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
                     " checksum TEXT NOT NULL, applied_unix_ms INTEGER NOT NULL) STRICT",
                     "migrate", err) &&
              migrations_check(db, &count, err);
    for (int number = ok ? count + 1 : 0; ok && number <= (int)COUNT_OF(migrations); number++)
        ok = migration_run(db, number, err) || err_within(err, "migration %d", number);
    if (ok) ok = db_run(db, "COMMIT", "migrate", err);
    if (!ok) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

/* -- rows ------------------------------------------------------------------------------------------------------- */

static bool uuid_column(sqlite3_stmt *statement, int at, struct uuid *uuid)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text && uuid_from_text(bytes_of_text(text), uuid);
}

static bool name_column(sqlite3_stmt *statement, int at, char name[64])
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    if (text == NULL || strlen(text) >= 64) return false;
    strcpy(name, text);
    return true;
}

static bool project_row(sqlite3_stmt *statement, const struct meta_loader *loader)
{
    struct meta_project project;
    if (!uuid_column(statement, 0, &project.id) || !name_column(statement, 1, project.name)) return false;
    loader->project(loader->ctx, &project);
    return true;
}

static bool key_row(sqlite3_stmt *statement, const struct meta_loader *loader)
{
    struct meta_key_row row = { 0 };
    if (!uuid_column(statement, 0, &row.key.id) || !uuid_column(statement, 1, &row.key.project_id) ||
        !name_column(statement, 2, row.key.name) || sqlite3_column_bytes(statement, 3) != SHA256_BYTES)
        return false;
    memcpy(row.secret_sha256, sqlite3_column_blob(statement, 3), SHA256_BYTES);
    row.created_unix_ms = sqlite3_column_int64(statement, 4);
    row.is_revoked = sqlite3_column_type(statement, 5) != SQLITE_NULL;
    row.key.is_ingest_only = sqlite3_column_int(statement, 6) != 0;
    const char *origins = (const char *)sqlite3_column_text(statement, 7);
    if (origins == NULL || strlen(origins) >= sizeof row.key.origins) return false;
    strcpy(row.key.origins, origins);
    loader->key(loader->ctx, &row);
    return true;
}

static bool retention_row(sqlite3_stmt *statement, const struct meta_loader *loader)
{
    struct meta_retention retention = { 0 };
    int64_t days = sqlite3_column_int64(statement, 2);
    if (!uuid_column(statement, 0, &retention.project_id) || !name_column(statement, 1, retention.table) || days < 0 ||
        days > META_DAYS_MAX)
        return false;
    retention.days = (uint32_t)days;
    loader->retention(loader->ctx, &retention);
    return true;
}

static bool rows_load(sqlite3 *db, const char *sql,
                      bool (*each)(sqlite3_stmt *statement, const struct meta_loader *loader),
                      const struct meta_loader *loader, struct err *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) return db_err(db, err, "read");
    int step;
    bool ok = true;
    while (ok && (step = sqlite3_step(statement)) == SQLITE_ROW)
        ok = each(statement, loader) || err_set(err, ERR_CORRUPT, "the metadata has a row that cannot be: %s", sql);
    if (ok && step != SQLITE_DONE) ok = db_err(db, err, "read");
    sqlite3_finalize(statement);
    return ok;
}

static bool sqlite_load(struct meta_store *store, const struct meta_loader *loader, struct err *err)
{
    return rows_load(db_of(store), "SELECT id, name FROM projects ORDER BY created_unix_ms, id", project_row, loader,
                     err) &&
           rows_load(db_of(store),
                     "SELECT id, project_id, name, secret_sha256, created_unix_ms, revoked_unix_ms, is_ingest_only,"
                     " origins FROM keys"
                     " ORDER BY created_unix_ms, id",
                     key_row, loader, err) &&
           rows_load(db_of(store),
                     "SELECT project_id, table_name, days FROM retentions ORDER BY project_id, table_name",
                     retention_row, loader, err);
}

static bool data_version_read(sqlite3 *db, int64_t *version, struct err *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, "PRAGMA data_version", -1, &statement, NULL) != SQLITE_OK)
        return db_err(db, err, "read");
    bool ok = sqlite3_step(statement) == SQLITE_ROW || db_err(db, err, "read");
    if (ok) *version = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return ok;
}

static bool sqlite_changed(struct meta_store *store, bool *changed, struct err *err)
{
    struct sqlite_store *sqlite = (struct sqlite_store *)store;
    int64_t version = 0;
    if (!data_version_read(sqlite->db, &version, err)) return false;
    *changed = version != sqlite->data_version;
    sqlite->data_version = version;
    return true;
}

static bool sqlite_project_add(struct meta_store *store, const struct meta_project *project, int64_t now_unix_ms,
                               struct err *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db_of(store), "INSERT INTO projects(id, name, created_unix_ms) VALUES(?, ?, ?)", -1,
                           &statement, NULL) != SQLITE_OK)
        return db_err(db_of(store), err, "write");
    uuid_bind(statement, 1, project->id);
    text_bind(statement, 2, project->name);
    sqlite3_bind_int64(statement, 3, now_unix_ms);
    return statement_end(db_of(store), statement, "write", err);
}

static bool sqlite_key_add(struct meta_store *store, const struct meta_key_row *row, struct err *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(
            db_of(store),
            "INSERT INTO keys(id, project_id, name, secret_sha256, created_unix_ms, is_ingest_only, origins)"
            " VALUES(?, ?, ?, ?, ?, ?, ?)",
            -1, &statement, NULL) != SQLITE_OK)
        return db_err(db_of(store), err, "write");
    uuid_bind(statement, 1, row->key.id);
    uuid_bind(statement, 2, row->key.project_id);
    text_bind(statement, 3, row->key.name);
    sqlite3_bind_blob(statement, 4, row->secret_sha256, SHA256_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 5, row->created_unix_ms);
    sqlite3_bind_int(statement, 6, row->key.is_ingest_only);
    text_bind(statement, 7, row->key.origins);
    return statement_end(db_of(store), statement, "write", err);
}

static bool sqlite_key_revoke(struct meta_store *store, struct uuid key_id, int64_t now_unix_ms, struct err *err)
{
    sqlite3_stmt *statement;
    sqlite3 *db = db_of(store);
    if (sqlite3_prepare_v2(db, "UPDATE keys SET revoked_unix_ms = coalesce(revoked_unix_ms, ?) WHERE id = ?", -1,
                           &statement, NULL) != SQLITE_OK)
        return db_err(db, err, "write");
    sqlite3_bind_int64(statement, 1, now_unix_ms);
    uuid_bind(statement, 2, key_id);
    if (!statement_end(db, statement, "write", err)) return false;
    return sqlite3_changes(db) == 1 || err_set(err, ERR_NOT_FOUND, "there is no such key");
}

static bool sqlite_retention_set(struct meta_store *store, const struct meta_retention *retention, struct err *err)
{
    sqlite3_stmt *statement;
    sqlite3 *db = db_of(store);
    if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO retentions(project_id, table_name, days) VALUES(?, ?, ?)", -1,
                           &statement, NULL) != SQLITE_OK)
        return db_err(db, err, "write");
    uuid_bind(statement, 1, retention->project_id);
    text_bind(statement, 2, retention->table);
    sqlite3_bind_int64(statement, 3, retention->days);
    return statement_end(db, statement, "write", err);
}

static bool sqlite_retention_clear(struct meta_store *store, struct uuid project_id, const char *table, struct err *err)
{
    sqlite3_stmt *statement;
    sqlite3 *db = db_of(store);
    if (sqlite3_prepare_v2(db, "DELETE FROM retentions WHERE project_id = ? AND table_name = ?", -1, &statement,
                           NULL) != SQLITE_OK)
        return db_err(db, err, "write");
    uuid_bind(statement, 1, project_id);
    text_bind(statement, 2, table);
    return statement_end(db, statement, "write", err);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static void sqlite_close(struct meta_store *store)
{
    sqlite3_close(db_of(store));
    free(store);
}

static const struct meta_store_ops sqlite_ops = {
    .changed = sqlite_changed,
    .load = sqlite_load,
    .project_add = sqlite_project_add,
    .key_add = sqlite_key_add,
    .key_revoke = sqlite_key_revoke,
    .retention_set = sqlite_retention_set,
    .retention_clear = sqlite_retention_clear,
    .close = sqlite_close,
};

/* SQLite would make the file readable for all, and leaves its name to the kernel. */
static bool file_make(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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

bool meta_sqlite_open(struct meta_store **out, const char *path, struct err *err)
{
    *out = NULL;
    if (!file_make(path, err)) return false;
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    bool ok = sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK || db_err(db, err, "open");
    if (ok) {
        sqlite3_extended_result_codes(db, 1);
        sqlite3_busy_timeout(db, BUSY_MS);
    }
    ok = ok &&
         db_run(db,
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF",
                "set up", err) &&
         migrate(db, err);
    int64_t data_version = 0; /* before the first load: a change in between is seen twice, not missed */
    ok = ok && data_version_read(db, &data_version, err);
    if (!ok) {
        err_within(err, "\"%s\"", path);
        sqlite3_close(db);
        return false;
    }
    struct sqlite_store *store = mem_alloc(sizeof *store);
    *store = (struct sqlite_store){ .store.ops = &sqlite_ops, .db = db, .data_version = data_version };
    *out = &store->store;
    return true;
}
