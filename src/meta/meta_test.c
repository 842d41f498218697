/* Projects and keys: names, secrets, what survives a reopen, a store that is not ours. On SQLite and on PostgreSQL. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "meta/db_fixture.h"
#include "meta/meta.h"

#define test_log db_fixture_log

struct fixture {
    struct db_fixture *base;
    char path[96]; /* of SQLite's file */
    struct meta *meta;
};

static void reopen(struct fixture *fixture)
{
    struct err err = { 0 };
    meta_close(fixture->meta);
    if (!meta_open(&fixture->meta, fixture->base->url, &test_log, &err)) fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = db_fixture_setup(state);
    if (fixture->base->kind == DB_SQLITE)
        snprintf(fixture->path, sizeof fixture->path, "%s", fixture->base->url + strlen("sqlite://"));
    reopen(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static struct meta_project project_make(struct meta *meta, const char *name)
{
    struct meta_project project;
    struct err err = { 0 };
    if (!meta_project_create(meta, name, &project, &err)) fail_msg("%s", err.text);
    return project;
}

static bool count_project(void *ctx, const struct meta_project *project)
{
    uint32_t *count = ctx;
    assert_true(project->name[0] != 0);
    return ++*count != 3;
}

/* Goal: a project is found by name and by id, before and after a reopen; names are checked and unique.
 * Method: a few hundred projects, bad names, a name twice. */
static void test_projects(void **state)
{
    struct fixture *fixture = *state;
    struct meta_project shop = project_make(fixture->meta, "shop"), found;
    struct err err = { 0 };
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "p-%d_x", i);
        (void)project_make(fixture->meta, name);
    }
    for (int reopened = 0; reopened < 2; reopened++) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(shop.id, id);
        assert_true(meta_project_find(fixture->meta, BYTES("shop"), &found, &err));
        assert_true(uuid_equal(found.id, shop.id));
        assert_true(meta_project_find(fixture->meta, bytes_of_text(id), &found, &err));
        assert_string_equal(found.name, "shop");
        assert_true(meta_project_find(fixture->meta, BYTES("p-299_x"), &found, &err));
        assert_false(meta_project_find(fixture->meta, BYTES("sho"), &found, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
        assert_false(meta_project_find(fixture->meta, BYTES("\xff\x00"), &found, &err));
        assert_false(meta_project_create(fixture->meta, "shop", &found, &err));
        assert_int_equal(err.code, ERR_EXISTS);
        uint32_t count = 0;
        assert_true(meta_project_list(fixture->meta, count_project, &count, &err));
        assert_int_equal(count, 3);
        reopen(fixture);
    }
    static const char *const bad[] = { "",
                                       "-a",
                                       "_a",
                                       "Shop",
                                       "a b",
                                       "a'b",
                                       "6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b",
                                       "a23456789a123456789a123456789a123456789a123456789a123456789a1234" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        err = (struct err){ 0 };
        assert_false(meta_project_create(fixture->meta, bad[i], &found, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
}

/* Goal: a key opens its own project and nothing near it does; a revoked one opens nothing; both also after a reopen.
 * Method: keys of two projects, secrets with one character changed. */
static void test_keys(void **state)
{
    struct fixture *fixture = *state;
    struct meta_project a = project_make(fixture->meta, "a"), b = project_make(fixture->meta, "b");
    struct meta_key key_a, key_b, found;
    char secret_a[META_SECRET_BYTES], secret_b[META_SECRET_BYTES], near[META_SECRET_BYTES];
    struct err err = { 0 };
    assert_true(meta_key_create(fixture->meta, a.id, "first \xc3\xa9", &key_a, secret_a, &err));
    assert_true(meta_key_create(fixture->meta, b.id, "second", &key_b, secret_b, &err));
    assert_int_equal(strlen(secret_a), 58);
    assert_memory_equal(secret_a, "mono_", 5);
    assert_int_equal(strspn(secret_a + 5, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"), 8);
    assert_int_equal(strspn(secret_a + 14, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"), 44);
    assert_memory_equal(secret_a, key_a.prefix, 13);
    assert_string_not_equal(secret_a, secret_b);
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_true(meta_key_find(fixture->meta, bytes_of_text(secret_a), &found));
        assert_true(uuid_equal(found.id, key_a.id) && uuid_equal(found.project_id, a.id));
        assert_string_equal(found.name, "first \xc3\xa9");
        assert_true(meta_key_find(fixture->meta, bytes_of_text(secret_b), &found));
        assert_true(uuid_equal(found.project_id, b.id));
        for (size_t i = 0; i < strlen(secret_a); i++) {
            strcpy(near, secret_a);
            near[i] = near[i] == '2' ? '3' : '2';
            assert_false(meta_key_find(fixture->meta, bytes_of_text(near), &found));
        }
        assert_false(meta_key_find(fixture->meta, bytes_from(secret_a, 57), &found));
        assert_false(meta_key_find(fixture->meta, bytes_of_text(key_a.prefix), &found));
        assert_false(meta_key_find(fixture->meta, BYTES(""), &found));
        reopen(fixture);
    }
    assert_true(meta_key_revoke(fixture->meta, key_a.id, &err));
    assert_true(meta_key_revoke(fixture->meta, key_a.id, &err)); /* again is fine */
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_false(meta_key_find(fixture->meta, bytes_of_text(secret_a), &found));
        assert_true(meta_key_find(fixture->meta, bytes_of_text(secret_b), &found));
        reopen(fixture);
    }
    assert_false(meta_key_revoke(fixture->meta, a.id, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(meta_key_create(fixture->meta, key_a.id, "x", &found, near, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(meta_key_create(fixture->meta, a.id, "a\nb", &found, near, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(near[0], 0);
}

/* Goal: the database does not hold the secret, and a file is its owner's alone. Method: look for the bytes in all of it;
 * look at the mode. */
static void test_secret_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct meta_project project = project_make(fixture->meta, "a");
    struct meta_key key;
    char secret[META_SECRET_BYTES], command[512];
    struct err err = { 0 };
    assert_true(meta_key_create(fixture->meta, project.id, "visible-name", &key, secret, &err));
    if (fixture->base->kind == DB_POSTGRES) {
        snprintf(command, sizeof command, "pg_dump %s > %s/dump", fixture->base->url, fixture->base->dir);
        db_fixture_shell(command);
    }
    snprintf(command, sizeof command, "grep -qa visible-name %s/*", fixture->base->dir);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "grep -qa -e %s -e %.12s %s/*", secret + 14, secret + 14, fixture->base->dir);
    assert_int_not_equal(system(command), 0);
    if (fixture->base->kind == DB_POSTGRES) return;
    struct stat status;
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

/* Goal: what was answered is on disk at once, for a process that dies without closing. Method: open a copy of the files
 * as they are. */
static void test_answered_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct meta *copy;
    struct meta_project found;
    char command[512], path[160];
    (void)project_make(fixture->meta, "kept");
    snprintf(command, sizeof command,
             "mkdir %s/copy && for part in '' -wal; do cp %s$part %s/copy/meta.sqlite$part; done", fixture->base->dir,
             fixture->path, fixture->base->dir);
    db_fixture_shell(command);
    snprintf(path, sizeof path, "%s/copy/meta.sqlite", fixture->base->dir);
    if (!meta_open(&copy, path, &test_log, &err)) fail_msg("%s", err.text);
    assert_true(meta_project_find(copy, BYTES("kept"), &found, &err));
    meta_close(copy);
}

static void assert_refused(struct fixture *fixture, enum err_code code)
{
    struct err err = { 0 };
    fixture->meta = NULL;
    assert_false(meta_open(&fixture->meta, fixture->base->url, &test_log, &err));
    assert_null(fixture->meta);
    if (err.code != code) fail_msg("%s: %s", err_name(err.code), err.text);
}

static void file_change(struct fixture *fixture, const char *shell)
{
    char command[1024];
    meta_close(fixture->meta);
    fixture->meta = NULL;
    snprintf(command, sizeof command, "cd %s && F=%s && %s", fixture->base->dir, fixture->path, shell);
    db_fixture_shell(command);
}

/* Goal: a file that is no database is refused and left alone. Method: overwrite it. */
static void test_foreign_file(void **state)
{
    struct fixture *fixture = *state;
    (void)project_make(fixture->meta, "a");
    file_change(fixture, "cp $F good");
    file_change(fixture, "rm -f $F* && printf 'not a database, not at all: %01000d' 0 > $F");
    assert_refused(fixture, ERR_CORRUPT);
    file_change(fixture, "rm -f $F* && mkdir $F");
    assert_refused(fixture, ERR_IO);
    file_change(fixture, "rmdir $F && cp good $F");
    reopen(fixture);
}

/* Goal: a database whose migrations are not ours is refused. Method: add a number; change a checksum. */
static void test_foreign_migrations(void **state)
{
    struct fixture *fixture = *state;
    struct db *by_hand;
    struct err err = { 0 };
    struct db_options options = { .url = fixture->base->url, .log = &test_log };
    if (!db_open(&by_hand, &options, &err)) fail_msg("%s", err.text);
    (void)project_make(fixture->meta, "a");
    meta_close(fixture->meta);
    assert_int_equal(db_fixture_run(by_hand, "INSERT INTO migrations(number, name, checksum, applied_unix_ms)"
                                             " VALUES(9999, 'later', 'x', 1)"),
                     1);
    assert_refused(fixture, ERR_UNSUPPORTED);
    assert_int_equal(db_fixture_run(by_hand, "DELETE FROM migrations WHERE number = 9999"), 1);
    reopen(fixture);
    meta_close(fixture->meta);
    assert_int_equal(db_fixture_run(by_hand, "UPDATE migrations SET checksum = 'x' WHERE number = 1"), 1);
    assert_refused(fixture, ERR_CORRUPT);
    db_close(by_hand);
}

/* The tables and the migrations of the program before there was a second database, with a project and a key in them. */
static const char old_sql[] =
    "CREATE TABLE migrations(number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,"
    " applied_unix_ms INTEGER NOT NULL) STRICT;\n"
    "CREATE TABLE projects(  id TEXT PRIMARY KEY,  name TEXT NOT NULL UNIQUE,  created_unix_ms INTEGER NOT NULL)"
    " STRICT;\n"
    "CREATE TABLE keys(  id TEXT PRIMARY KEY,  project_id TEXT NOT NULL REFERENCES projects(id),  name TEXT NOT NULL,"
    "  secret_sha256 BLOB NOT NULL UNIQUE CHECK(length(secret_sha256) = 32),  created_unix_ms INTEGER NOT NULL,"
    "  revoked_unix_ms INTEGER) STRICT;\n"
    "INSERT INTO migrations VALUES(1, 'projects and keys',"
    " '0e1bc76cfd9fffdecf27df934b82238d303fee69437655fc448555c8c11d99d6', 1);\n"
    "INSERT INTO projects VALUES('6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b', 'old', 1);\n"
    "INSERT INTO keys VALUES('7f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b', '6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b', 'k',"
    " X'2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae', 1, NULL);\n"; /* of "foo" */

/* Goal: a file of before goes on working, with its projects and keys. Method: one as the first program left it. */
static void test_old_file(void **state)
{
    struct fixture *fixture = *state;
    struct meta_project project;
    struct meta_key key;
    struct err err = { 0 };
    char path[128];
    snprintf(path, sizeof path, "%s/old.sql", fixture->base->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(old_sql, 1, sizeof old_sql - 1, file), sizeof old_sql - 1);
    fclose(file);
    file_change(fixture, "rm -f $F* && python3 -c 'import sqlite3, sys;"
                         " sqlite3.connect(sys.argv[1]).executescript(open(\"old.sql\").read())' $F");
    for (int i = 0; i < 2; i++) {
        reopen(fixture);
        assert_true(meta_project_find(fixture->meta, BYTES("old"), &project, &err));
        assert_true(meta_key_find(fixture->meta, BYTES("foo"), &key));
        assert_true(uuid_equal(key.project_id, project.id));
    }
}

static bool key_keep_text(void *ctx, const char *secret, struct err *err)
{
    char *kept = ctx;
    if (kept == NULL) return err_set(err, ERR_IO, "no room");
    strcpy(kept, secret);
    return true;
}

static bool rename_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct meta_project *project = ctx;
    return meta_project_rename(session, project->id, project->name, err);
}

static bool archive_run(struct db_session *session, void *ctx, struct err *err)
{
    return meta_project_archive(session, *(struct uuid *)ctx, err);
}

/* Goal: a project and its first key are made together, and not at all when the key cannot be kept; renamed it has another
 * name, archived it is gone with its keys. Method: each. */
static void test_project_life(void **state)
{
    struct fixture *fixture = *state;
    struct meta_project project, found, other = project_make(fixture->meta, "other");
    struct meta_key key;
    char secret[META_SECRET_BYTES] = "";
    struct err err = { 0 };
    struct db *db = meta_db(fixture->meta);
    struct meta_first_key first = { "first", key_keep_text, NULL };
    assert_false(meta_project_create_keyed(fixture->meta, "a", &first, &project, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_false(meta_project_find(fixture->meta, BYTES("a"), &found, &err));
    first.ctx = secret;
    if (!meta_project_create_keyed(fixture->meta, "a", &first, &project, &err)) fail_msg("%s", err.text);
    assert_true(meta_key_find(fixture->meta, bytes_of_text(secret), &key));
    assert_true(uuid_equal(key.project_id, project.id));

    strcpy(project.name, "other");
    assert_false(db_transaction(db, rename_run, &project, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    strcpy(project.name, "b");
    assert_true(db_transaction(db, rename_run, &project, &err));
    assert_true(meta_refresh(fixture->meta, &err));
    assert_false(meta_project_find(fixture->meta, BYTES("a"), &found, &err));
    assert_true(meta_project_find(fixture->meta, BYTES("b"), &found, &err));
    assert_true(db_transaction(db, archive_run, &project.id, &err));
    assert_true(meta_refresh(fixture->meta, &err));
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_false(meta_project_find(fixture->meta, BYTES("b"), &found, &err));
        assert_false(meta_key_find(fixture->meta, bytes_of_text(secret), &key));
        assert_true(meta_project_find(fixture->meta, BYTES("other"), &found, &err));
        assert_true(uuid_equal(found.id, other.id));
        reopen(fixture);
    }
    err = (struct err){ 0 };
    assert_false(db_transaction(meta_db(fixture->meta), archive_run, &project.id, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(meta_is_current(fixture->meta));
}

/* Goal: what another process changes is taken in, and lookups see it. Method: a second handle on the file makes a project
 * and a key, and revokes one. */
static void test_refresh(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct meta *other;
    struct meta_project project = project_make(fixture->meta, "a"), found;
    struct meta_key key, new_key, found_key;
    char secret[META_SECRET_BYTES], new_secret[META_SECRET_BYTES];
    assert_true(meta_key_create(fixture->meta, project.id, "old", &key, secret, &err));
    assert_true(meta_open(&other, fixture->base->url, &test_log, &err));
    (void)project_make(other, "b");
    if (!meta_key_create(other, project.id, "new", &new_key, new_secret, &err)) fail_msg("%s", err.text);
    assert_true(meta_key_revoke(other, key.id, &err));
    assert_true(meta_key_find(fixture->meta, bytes_of_text(secret), &found_key)); /* not yet */
    for (int i = 0; i < 2; i++) {
        if (!meta_refresh(fixture->meta, &err)) fail_msg("%s", err.text);
        assert_false(meta_key_find(fixture->meta, bytes_of_text(secret), &found_key));
        assert_true(meta_key_find(fixture->meta, bytes_of_text(new_secret), &found_key));
        assert_true(uuid_equal(found_key.id, new_key.id));
        assert_true(meta_project_find(fixture->meta, BYTES("b"), &found, &err));
    }
    (void)project_make(fixture->meta, "c"); /* both may write */
    assert_true(meta_refresh(other, &err));
    assert_true(meta_project_find(other, BYTES("c"), &found, &err));
    meta_close(other);
}

static bool retention_count(void *ctx, const struct meta_retention *retention)
{
    assert_string_equal(retention->table, "otel_metrics");
    assert_int_equal(retention->days, 30);
    ++*(uint32_t *)ctx;
    return true;
}

/* Goal: a retention is found where it was set, over restarts and from beside a running process; cleared, it is gone.
 * Method: two projects, set, set anew, set by a second handle, for ever, cleared. */
static void test_retention(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct meta *other;
    struct meta_project a = project_make(fixture->meta, "a"), b = project_make(fixture->meta, "b");
    uint32_t days = 7, count = 0;
    assert_false(meta_retention_find(fixture->meta, a.id, "otel_metrics", &days));
    assert_int_equal(days, 7);
    assert_true(meta_retention_set(fixture->meta, a.id, "otel_metrics", 14, &err));
    assert_true(meta_retention_set(fixture->meta, a.id, "otel_metrics", 30, &err));
    assert_false(meta_retention_set(fixture->meta, a.id, "otel_metrics", META_DAYS_MAX + 1, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_false(meta_retention_set(fixture->meta, uuid_random(), "otel_metrics", 1, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_true(meta_retention_find(fixture->meta, a.id, "otel_metrics", &days));
        assert_int_equal(days, 30);
        assert_false(meta_retention_find(fixture->meta, b.id, "otel_metrics", &days));
        assert_false(meta_retention_find(fixture->meta, a.id, "otel_logs_and_spans", &days));
        reopen(fixture);
    }
    meta_retention_list(fixture->meta, retention_count, &count);
    assert_int_equal(count, 1);
    assert_true(meta_open(&other, fixture->base->url, &test_log, &err));
    assert_true(meta_retention_set(other, b.id, "otel_metrics", 0, &err));
    assert_true(meta_retention_clear(other, a.id, "otel_metrics", &err));
    assert_true(meta_retention_clear(other, a.id, "otel_metrics", &err)); /* it is not there: fine */
    assert_true(meta_refresh(fixture->meta, &err));
    assert_false(meta_retention_find(fixture->meta, a.id, "otel_metrics", &days));
    assert_true(meta_retention_find(fixture->meta, b.id, "otel_metrics", &days));
    assert_int_equal(days, 0);
    meta_close(other);
}

struct reader {
    struct meta *meta;
    char secret[META_SECRET_BYTES];
    atomic_bool *stop;
    uint64_t misses;
};

static void *reader_run(void *ctx)
{
    struct reader *reader = ctx;
    struct meta_key key;
    while (!atomic_load(reader->stop)) {
        if (!meta_key_find(reader->meta, bytes_of_text(reader->secret), &key)) reader->misses++;
    }
    return NULL;
}

/* Goal: lookups are right while keys are made. Method: two readers of one key beside a hundred new ones. */
static void test_lookups_beside_changes(void **state)
{
    struct fixture *fixture = *state;
    struct meta_project project = project_make(fixture->meta, "a");
    struct meta_key key;
    struct err err = { 0 };
    atomic_bool stop = false;
    struct reader readers[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        readers[i] = (struct reader){ .meta = fixture->meta, .stop = &stop };
        assert_true(meta_key_create(fixture->meta, project.id, "r", &key, readers[i].secret, &err));
        assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &readers[i]), 0);
    }
    for (int i = 0; i < 100; i++) {
        char secret[META_SECRET_BYTES];
        assert_true(meta_key_create(fixture->meta, project.id, "k", &key, secret, &err));
        assert_true(meta_key_find(fixture->meta, bytes_of_text(secret), &key));
        assert_true(meta_refresh(fixture->meta, &err));
        if (i % 3 == 0) assert_true(meta_key_revoke(fixture->meta, key.id, &err));
        assert_int_equal(meta_key_find(fixture->meta, bytes_of_text(secret), &key), i % 3 != 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readers[i].misses, 0);
    }
}

/* Goal: a key's limits survive a reopen, browser keys are for ingest only, and origins are those a browser sends.
 * Method: keys of each kind, listed, found and revoked; origins in and out of their lists. */
static bool key_keep_last(void *ctx, const struct meta_key *key)
{
    struct {
        uint32_t count;
        struct meta_key last;
    } *seen = ctx;
    seen->count++;
    seen->last = *key;
    return true;
}

static void test_limited_keys(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct meta_project project = project_make(fixture->meta, "shop");
    struct meta_key full, ingest, browser, found;
    char secret[META_SECRET_BYTES], ingest_secret[META_SECRET_BYTES], browser_secret[META_SECRET_BYTES];
    assert_true(meta_key_create(fixture->meta, project.id, "full", &full, secret, &err));
    assert_int_equal(full.scopes, META_SCOPE_INGEST | META_SCOPE_QUERY);
    assert_true(meta_key_create_limited(fixture->meta, project.id, "agent",
                                        &(struct meta_key_limits){ .scopes = META_SCOPE_INGEST }, &ingest,
                                        ingest_secret, &err));
    assert_true(meta_key_create_limited(
        fixture->meta, project.id, "page",
        &(struct meta_key_limits){ .origins =
                                       "https://Shop.example:443, http://localhost:3000 https://*.shop.example" },
        &browser, browser_secret, &err));
    assert_false(meta_key_create_limited(fixture->meta, project.id, "bad",
                                         &(struct meta_key_limits){ .origins = "shop.example" }, &found, secret, &err));
    assert_int_equal(err.code, ERR_INPUT);

    reopen(fixture);
    assert_true(meta_key_find(fixture->meta, bytes_of_text(ingest_secret), &found));
    assert_int_equal(found.scopes, META_SCOPE_INGEST);
    assert_string_equal(found.origins, "");
    assert_true(meta_key_find(fixture->meta, bytes_of_text(browser_secret), &found));
    assert_int_equal(found.scopes, META_SCOPE_INGEST);
    assert_string_equal(found.origins, "https://shop.example http://localhost:3000 https://*.shop.example");
    assert_true(meta_origin_is_known(fixture->meta, BYTES("http://localhost:3000")));
    assert_false(meta_origin_is_known(fixture->meta, BYTES("http://localhost:3001")));

    struct {
        uint32_t count;
        struct meta_key last;
    } seen = { 0 };
    meta_key_list(fixture->meta, project.id, key_keep_last, &seen);
    assert_int_equal(seen.count, 3);
    assert_true(meta_key_revoke(fixture->meta, browser.id, &err));
    assert_false(meta_origin_is_known(fixture->meta, BYTES("http://localhost:3000")));
    seen.count = 0;
    meta_key_list(fixture->meta, project.id, key_keep_last, &seen);
    assert_int_equal(seen.count, 2);
}

int main(void)
{
#define WITH_META(test) DB_BOTH(test, setup, teardown)
#define WITH_FILE(test)                                    \
    {                                                      \
#test, test, setup, teardown, &db_fixture_kinds[0] \
    }
    const struct CMUnitTest tests[] = {
        WITH_META(test_limited_keys),       WITH_META(test_retention),    WITH_META(test_projects),
        WITH_META(test_project_life),       WITH_META(test_keys),         WITH_META(test_secret_is_not_kept),
        WITH_META(test_foreign_migrations), WITH_META(test_refresh),      WITH_META(test_lookups_beside_changes),
        WITH_FILE(test_answered_is_kept),   WITH_FILE(test_foreign_file), WITH_FILE(test_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
