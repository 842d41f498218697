#include "meta/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "meta/transfer_inside.h"

enum { STATEMENT_MS_MAX = 24 * 3600 * 1000 };

bool transfer_schema_add(struct transfer_schema *schema, int64_t number, struct bytes checksum, enum db_kind kind,
                         struct err *err)
{
    static_assert(COUNT_OF(schema->has) >= 1000, "as many as db_migrate.c takes");
    for (size_t m = 0; m < db_migration_count; m++) {
        if (db_migrations[m].number != number) continue;
        schema->has[m] = true;
        return db_migration_fits(&db_migrations[m], kind, checksum) ||
               err_set(err, ERR_CORRUPT, "migration %" PRId64 " of the metadata is not the one of this program",
                       number);
    }
    return err_set(err, ERR_UNSUPPORTED,
                   "the metadata is of a newer version: it has migration %" PRId64 ", which this program does not know",
                   number);
}

static bool bare_open(struct db **db, const char *url, const struct log *log, struct err *err)
{
    return db_open(
        db, &(struct db_options){ .url = url, .statement_ms_max = STATEMENT_MS_MAX, .is_bare = true, .log = log }, err);
}

/* A file that is not there would be made by looking at it. */
static bool source_open(struct db **db, const char *url, const struct log *log, struct err *err)
{
    const char *path = strncmp(url, "sqlite://", 9) == 0 ? url + 9 : strstr(url, "://") ? NULL : url;
    *db = NULL;
    if (path && access(path, F_OK) != 0) return err_os(err, "could not open \"%s\"", path);
    return bare_open(db, url, log, err);
}

/* -- from a database -------------------------------------------------------------------------------------------- */

struct reading {
    enum db_kind kind;
    struct transfer_schema schema;
    bool (*schema_known)(struct reading *reading, struct err *err); /* what is to be done when it is */
    void *ctx;
    struct transfer_counts *counts;
    struct db_session *session;
};

static bool read_run(struct db_session *session, void *ctx, struct err *err)
{
    struct reading *reading = ctx;
    bool is_empty;
    reading->session = session;
    if (!transfer_db_schema(session, reading->kind, &reading->schema, &is_empty, err)) return false;
    if (is_empty) return err_set(err, ERR_NOT_FOUND, "the database has no metadata in it");
    return reading->schema_known(reading, err);
}

static bool session_feed(void *ctx, const struct transfer_sink *sink, struct transfer_counts *counts, struct err *err)
{
    struct reading *reading = ctx;
    return transfer_db_rows(reading->session, reading->kind, sink, counts, err);
}

static bool copy_into(struct reading *reading, struct err *err)
{
    return transfer_db_fill(reading->ctx, &reading->schema, &(struct transfer_feed){ session_feed, reading },
                            reading->counts, err);
}

bool transfer_copy(const char *from_url, const char *to_url, const struct log *log, struct transfer_counts *counts,
                   struct err *err)
{
    struct db *from = NULL, *to = NULL;
    bool ok = (source_open(&from, from_url, log, err) || err_within(err, "--from")) &&
              (bare_open(&to, to_url, log, err) || err_within(err, "--to"));
    if (ok) {
        struct reading reading = { .kind = db_kind(from), .schema_known = copy_into, .ctx = to, .counts = counts };
        ok = db_snapshot(from, read_run, &reading, err);
    }
    db_close(to);
    db_close(from);
    return ok;
}

static bool write_all(struct reading *reading, struct err *err)
{
    struct transfer_writer writer;
    FILE *file = reading->ctx;
    rewind(file); /* of a first try there may be something in it */
    bool ok = ftruncate(fileno(file), 0) == 0 || err_os(err, "could not write the backup");
    ok = ok && transfer_write_begin(&writer, file, &reading->schema, err);
    if (!ok) return false;
    struct transfer_sink sink = transfer_write_sink(&writer);
    ok = session_feed(reading, &sink, reading->counts, err) && transfer_write_end(&writer, reading->counts->rows, err);
    transfer_write_deinit(&writer);
    return ok;
}

static bool dir_sync(const char *path, struct err *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path), slash ? path : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = (fd != -1 && fsync(fd) == 0) || err_os(err, "could not sync folder \"%s\"", dir);
    if (fd != -1) close(fd);
    return ok;
}

/* Under its name only when it is whole, and never over another. */
bool transfer_backup(const char *url, const char *path, const struct log *log, struct transfer_counts *counts,
                     struct err *err)
{
    char making[PATH_MAX];
    struct db *db;
    if ((size_t)snprintf(making, sizeof making, "%s.part", path) >= sizeof making)
        return err_set(err, ERR_INPUT, "the file's name is too long");
    if (access(path, F_OK) == 0) return err_set(err, ERR_EXISTS, "\"%s\" is there already: name another file", path);
    if (!source_open(&db, url, log, err)) return false;
    int fd = open(making, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd == -1 ? NULL : fdopen(fd, "w+");
    bool ok = file != NULL || err_os(err, "could not make \"%s\"", making);
    if (ok) {
        struct reading reading = { .kind = db_kind(db), .schema_known = write_all, .ctx = file, .counts = counts };
        ok = db_snapshot(db, read_run, &reading, err) &&
             (fsync(fd) == 0 || err_os(err, "could not sync \"%s\"", making));
        fclose(file);
        ok = ok && (link(making, path) == 0 || err_os(err, "could not name \"%s\"", path)) && dir_sync(path, err);
        unlink(making);
    }
    db_close(db);
    return ok;
}

/* -- from a file ------------------------------------------------------------------------------------------------ */

static bool file_feed(void *ctx, const struct transfer_sink *sink, struct transfer_counts *counts, struct err *err)
{
    struct transfer_reader reader;
    transfer_read_init(&reader, sink);
    if (!transfer_read_file(&reader, ctx, err)) return false;
    *counts = (struct transfer_counts){ reader.tables, reader.rows };
    return true;
}

bool transfer_restore(const char *path, const char *url, const struct log *log, struct transfer_counts *counts,
                      struct err *err)
{
    struct transfer_reader looked;
    struct db *db = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) return err_os(err, "could not open \"%s\"", path);
    transfer_read_init(&looked, NULL);
    bool ok = (transfer_read_file(&looked, file, err) || err_within(err, "\"%s\"", path)) &&
              bare_open(&db, url, log, err) &&
              transfer_db_fill(db, &looked.schema, &(struct transfer_feed){ file_feed, file }, counts, err);
    db_close(db);
    fclose(file);
    return ok;
}

/* -- looking ---------------------------------------------------------------------------------------------------- */

struct checking {
    struct db *db;
    void (*line)(void *ctx, const char *text);
    void *ctx;
    uint32_t wrong;
};

static bool text_read(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    db_row_text_copy(row, 0, ctx, 128);
    return true;
}

static bool problem_read(void *ctx, struct db_row *row, struct err *err)
{
    struct checking *checking = ctx;
    char text[256], words[128];
    (void)err;
    db_row_text_copy(row, 0, words, sizeof words);
    if (strcmp(words, "ok") == 0) return true;
    snprintf(text, sizeof text, "WRONG: %s", words);
    checking->wrong++;
    checking->line(checking->ctx, text);
    return true;
}

static bool check_run(struct db_session *session, void *ctx, struct err *err)
{
    struct checking *checking = ctx;
    enum db_kind kind = db_kind(checking->db);
    struct transfer_schema schema;
    struct transfer_table *tables;
    size_t count;
    bool is_empty;
    char version[128] = "", text[256];
    checking->wrong = 0;
    if (!db_run(session,
                kind == DB_SQLITE ? "SELECT 'SQLite ' || sqlite_version()"
                                  : "SELECT 'PostgreSQL ' || current_setting('server_version')",
                DB_NO_VALUES, text_read, version, NULL, err) ||
        !transfer_db_schema(session, kind, &schema, &is_empty, err))
        return false;
    size_t done = 0;
    for (size_t m = 0; m < db_migration_count; m++) done += schema.has[m];
    snprintf(text, sizeof text, "%s, %s: %zu of %zu migrations", db_name(checking->db), version, done,
             db_migration_count);
    checking->line(checking->ctx, text);
    if (is_empty || !transfer_db_tables(session, kind, &tables, &count, err)) return is_empty;
    bool ok = true;
    for (size_t t = 0; ok && t < count; t++) {
        uint64_t rows;
        ok = transfer_db_count(session, &tables[t], &rows, err);
        snprintf(text, sizeof text, "  %-32s %" PRIu64, tables[t].name, rows);
        if (ok) checking->line(checking->ctx, text);
    }
    free(tables);
    if (!ok || kind != DB_SQLITE) return ok;
    return db_run(session, "SELECT integrity_check FROM pragma_integrity_check", DB_NO_VALUES, problem_read, checking,
                  NULL, err) &&
           db_run(session,
                  "SELECT 'a row of ' || \"table\" || ' refers to one of ' || parent || ' that is not there'"
                  " FROM pragma_foreign_key_check",
                  DB_NO_VALUES, problem_read, checking, NULL, err);
}

bool transfer_check(const char *url, const struct log *log, void (*line)(void *ctx, const char *text), void *ctx,
                    struct err *err)
{
    struct checking checking = { .line = line, .ctx = ctx };
    if (!source_open(&checking.db, url, log, err)) return false;
    bool ok = db_snapshot(checking.db, check_run, &checking, err);
    db_close(checking.db);
    if (ok && checking.wrong > 0)
        return err_set(err, ERR_CORRUPT, "%u things are wrong: restore a backup", checking.wrong);
    return ok;
}
