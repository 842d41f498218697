/* Projects and keys: names, secrets, what survives a reopen, a store that is not ours. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "meta/meta.h"

static const struct log test_log = { .fd = -1, .level_min = LOG_ERROR };

struct fixture {
    char dir[64], path[96];
    struct meta *meta;
};

static void reopen(struct fixture *fixture)
{
    struct err err = { 0 };
    meta_close(fixture->meta);
    if (!meta_open(&fixture->meta, fixture->path, &test_log, &err)) fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->dir, "/tmp/mono_meta_XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->path, sizeof fixture->path, "%s/meta.sqlite", fixture->dir);
    reopen(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[96];
    meta_close(fixture->meta);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    assert_int_equal(system(command), 0);
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
    assert_int_equal(strlen(secret_a), 45);
    assert_memory_equal(secret_a, "mono_", 5);
    assert_int_equal(strspn(secret_a + 5, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"), 40);
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
        assert_false(meta_key_find(fixture->meta, bytes_from(secret_a, 44), &found));
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

/* Goal: the file does not hold the secret, and is its owner's alone. Method: look for the bytes; look at the mode. */
static void test_secret_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct meta_project project = project_make(fixture->meta, "a");
    struct meta_key key;
    char secret[META_SECRET_BYTES], command[256];
    struct err err = { 0 };
    assert_true(meta_key_create(fixture->meta, project.id, "visible-name", &key, secret, &err));
    snprintf(command, sizeof command, "grep -qa visible-name %s/*", fixture->dir);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "grep -qa -e %s -e %.12s %s/*", secret + 5, secret + 5, fixture->dir);
    assert_int_not_equal(system(command), 0);
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
    char command[256], path[160];
    (void)project_make(fixture->meta, "kept");
    snprintf(command, sizeof command, "mkdir %s/copy && cp %s/meta.sqlite* %s/copy/", fixture->dir, fixture->dir,
             fixture->dir);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/copy/meta.sqlite", fixture->dir);
    if (!meta_open(&copy, path, &test_log, &err)) fail_msg("%s", err.text);
    assert_true(meta_project_find(copy, BYTES("kept"), &found, &err));
    meta_close(copy);
}

static void assert_refused(struct fixture *fixture, enum err_code code)
{
    struct err err = { 0 };
    fixture->meta = NULL;
    assert_false(meta_open(&fixture->meta, fixture->path, &test_log, &err));
    assert_null(fixture->meta);
    if (err.code != code) fail_msg("%s: %s", err_name(err.code), err.text);
}

static void file_change(struct fixture *fixture, const char *shell)
{
    char command[512];
    meta_close(fixture->meta);
    fixture->meta = NULL;
    snprintf(command, sizeof command, "cd %s && %s", fixture->dir, shell);
    assert_int_equal(system(command), 0);
}

/* Goal: a file that is no store, or whose migrations are not ours, is refused and left alone. Method: overwrite parts. */
static void test_foreign_store(void **state)
{
    struct fixture *fixture = *state;
    (void)project_make(fixture->meta, "a");
    file_change(fixture, "cp meta.sqlite good");
    /* The checksum is text in the file: change its first digits. */
    file_change(fixture, "python3 -c \"import re; b=open('good','rb').read(); c=re.sub(rb'(projects_and_"
                         "keys)[0-9a-f]{4}', rb'\\g<1>zzzz', b);"
                         " assert b!=c; open('meta.sqlite','wb').write(c)\"");
    assert_refused(fixture, ERR_CORRUPT);
    file_change(fixture, "rm -f meta.sqlite* && printf 'not a database, not at all: %01000d' 0 > meta.sqlite");
    assert_refused(fixture, ERR_CORRUPT);
    file_change(fixture, "rm -f meta.sqlite* && mkdir meta.sqlite");
    assert_refused(fixture, ERR_IO);
    file_change(fixture, "rmdir meta.sqlite && cp good meta.sqlite");
    reopen(fixture);
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
    assert_true(meta_open(&other, fixture->path, &test_log, &err));
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
    assert_true(meta_open(&other, fixture->path, &test_log, &err));
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
    assert_false(full.is_ingest_only);
    assert_true(meta_key_create_limited(fixture->meta, project.id, "agent",
                                        &(struct meta_key_limits){ .is_ingest_only = true }, &ingest, ingest_secret,
                                        &err));
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
    assert_true(found.is_ingest_only);
    assert_string_equal(found.origins, "");
    assert_true(meta_key_find(fixture->meta, bytes_of_text(browser_secret), &found));
    assert_true(found.is_ingest_only);
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
#define WITH_META(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limited_keys, setup, teardown),
        WITH_META(test_retention),
        WITH_META(test_projects),
        WITH_META(test_keys),
        WITH_META(test_secret_is_not_kept),
        WITH_META(test_answered_is_kept),
        WITH_META(test_foreign_store),
        WITH_META(test_refresh),
        WITH_META(test_lookups_beside_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
