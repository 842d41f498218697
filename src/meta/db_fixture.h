/* db_fixture.h -- for tests: a fresh database of either kind, so that one test runs on both.
 *
 *   static int setup(void **state) { struct db_fixture *fixture = db_fixture_setup(state); ... }
 *   const struct CMUnitTest tests[] = { DB_BOTH(test_projects, setup, teardown), ... }
 *
 * PostgreSQL is started by the first test that needs one (tests/postgres.py) and ends with the program, whatever happens to
 * it: its stdin closes. Each test has a database of its own there; a file of its own with SQLite. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "meta/db.h"

static const struct log db_fixture_log = { .fd = -1, .level_min = LOG_ERROR };
static enum db_kind db_fixture_kinds[] = { DB_SQLITE, DB_POSTGRES };

struct db_fixture {
    enum db_kind kind;
    char dir[64];
    char url[256];
    struct db *db; /* NULL until db_fixture_open */
};

#define DB_BOTH(test, setup, teardown)                                      \
    { #test " on SQLite", test, setup, teardown, &db_fixture_kinds[0] },    \
    {                                                                       \
#test " on PostgreSQL", test, setup, teardown, &db_fixture_kinds[1] \
    }

/* Its URL, without the database's name. */
static inline const char *db_fixture_server(void)
{
    static char url[200];
    int in[2], out[2];
    size_t len = 0;
    if (url[0] != '\0') return url;
    if (pipe(in) != 0 || pipe(out) != 0) fail_msg("pipe");
    pid_t pid = fork();
    if (pid == -1) fail_msg("fork");
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        unsetenv("LD_PRELOAD");
        execlp("python3", "python3", MONO_SOURCE_DIR "/tests/postgres.py", (char *)NULL);
        _exit(127);
    }
    close(in[0]); /* in[1] stays open as long as we live */
    close(out[1]);
    ssize_t got;
    while (len < sizeof url - 1 && (got = read(out[0], url + len, sizeof url - 1 - len)) > 0 && !strchr(url, '\n'))
        len += (size_t)got;
    close(out[0]);
    char *slash = strrchr(url, '/');
    if (slash == NULL || strchr(url, '\n') == NULL)
        fail_msg("PostgreSQL 15 does not start (Debian's postgresql-15; see tests/postgres.py)");
    *slash = '\0';
    return url;
}

static inline void db_fixture_shell(const char *command)
{
    if (system(command) != 0) fail_msg("%s", command);
}

/* Another database of the fixture's kind. */
static inline void db_fixture_url(struct db_fixture *fixture, char *url, size_t url_bytes)
{
    static int made;
    char command[512];
    made++;
    if (fixture->kind == DB_SQLITE) {
        snprintf(url, url_bytes, "sqlite://%s/meta%d.sqlite", fixture->dir, made);
        return;
    }
    snprintf(url, url_bytes, "%s/test%d", db_fixture_server(), made);
    snprintf(command, sizeof command, "psql -X -q -c 'CREATE DATABASE test%d' %s/postgres", made, db_fixture_server());
    db_fixture_shell(command);
}

static inline struct db_fixture *db_fixture_setup(void **state)
{
    struct db_fixture *fixture = calloc(1, sizeof *fixture);
    fixture->kind = *(enum db_kind *)*state;
    strcpy(fixture->dir, "/tmp/mono_meta_XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    db_fixture_url(fixture, fixture->url, sizeof fixture->url);
    *state = fixture;
    return fixture;
}

static inline void db_fixture_open(struct db_fixture *fixture)
{
    struct err err = { 0 };
    if (!db_open(&fixture->db, &(struct db_options){ .url = fixture->url, .log = &db_fixture_log }, &err))
        fail_msg("%s", err.text);
}

static inline void db_fixture_teardown(struct db_fixture *fixture)
{
    char command[128];
    db_close(fixture->db);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    db_fixture_shell(command);
    free(fixture);
}

/* One statement in a transaction of its own. */
struct db_fixture_statement {
    const char *sql;
    int64_t changed;
};
static inline bool db_fixture_work(struct db_session *session, void *ctx, struct err *err)
{
    struct db_fixture_statement *statement = ctx;
    return db_run(session, statement->sql, DB_NO_VALUES, NULL, NULL, &statement->changed, err);
}
static inline bool db_fixture_try(struct db *db, const char *sql, struct err *err)
{
    return db_transaction(db, db_fixture_work, &(struct db_fixture_statement){ .sql = sql }, err);
}
/* A call in a transaction of its own, and its code. */
static inline enum err_code db_fixture_did(struct db *db, db_work_fn *work, void *ctx)
{
    struct err err = { 0 };
    bool ok = db_transaction(db, work, ctx, &err);
    assert_true(ok == (err.code == ERR_OK));
    return err.code;
}
static inline int64_t db_fixture_run(struct db *db, const char *sql)
{
    struct db_fixture_statement statement = { .sql = sql };
    struct err err = { 0 };
    if (!db_transaction(db, db_fixture_work, &statement, &err)) fail_msg("%s: %s", sql, err.text);
    return statement.changed;
}
static inline bool db_fixture_number_read(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = db_row_integer(row, 0);
    return true;
}
static inline int64_t db_fixture_number(struct db *db, const char *sql)
{
    int64_t number = -1;
    struct err err = { 0 };
    if (!db_read(db, sql, DB_NO_VALUES, db_fixture_number_read, &number, &err)) fail_msg("%s: %s", sql, err.text);
    return number;
}
