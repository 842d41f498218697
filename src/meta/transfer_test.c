/* threads: none */
/* Copies, backups and restores: all rows of all tables, between both databases, whole or not at all. */
#include <sys/stat.h>

#include "meta/db_fixture.h"
#include "meta/meta.h"
#include "meta/transfer.h"

static int setup(void **state)
{
    db_fixture_open(db_fixture_setup(state));
    return 0;
}

static int teardown(void **state)
{
    db_fixture_teardown(*state);
    return 0;
}

/* One row with something of every type, in tables that refer to each other both ways of the alphabet. */
static const char *const rows_sql[] = {
    "INSERT INTO projects(id, name, created_unix_ms) VALUES('6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b', 'shop', -1)",
    "INSERT INTO retentions(project_id, table_name, days) VALUES('6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b', "
    "'a''\"\\\n\xc3\xa9', 0)",
    "INSERT INTO users(id, email, name, is_instance_admin, must_change_password, created_unix_us)"
    " VALUES('7f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b', 'a@b', '', 1, 0, 9223372036854775807)",
    "INSERT INTO audit(at_unix_us, actor_kind, actor_id, actor_name, address, action, object_kind, object, is_refused, "
    "details)"
    " VALUES(1, '', '', '', '', 'x', '', '', 0, '{}'), (2, '', '', '', '', 'y', '', '', 0, '{}')",
};

static void rows_make(struct db *db)
{
    for (size_t r = 0; r < COUNT_OF(rows_sql); r++) (void)db_fixture_run(db, rows_sql[r]);
    struct buf sql;
    buf_init(&sql, 1 << 20);
    assert_true(buf_printf(&sql, "INSERT INTO changes(topic, number) VALUES('first', 0)"));
    for (int i = 0; i < 700; i++) assert_true(buf_printf(&sql, ", ('topic %d', %d)", i, i)); /* several batches */
    assert_true(buf_add(&sql, "", 1));
    (void)db_fixture_run(db, (const char *)sql.ptr);
    buf_deinit(&sql);
}

static void path_of(struct db_fixture *fixture, const char *name, char *path, size_t path_bytes)
{
    snprintf(path, path_bytes, "%s/%s", fixture->dir, name);
}

static void backup(struct db_fixture *fixture, const char *url, const char *name)
{
    char path[128];
    struct transfer_counts counts;
    struct err err = { 0 };
    path_of(fixture, name, path, sizeof path);
    if (!transfer_backup(url, path, &db_fixture_log, &counts, &err)) fail_msg("%s", err.text);
    assert_true(counts.rows > 700 && counts.tables > 5);
}

/* Types have other names with another kind: only rows are compared. */
static void assert_same_rows(struct db_fixture *fixture, const char *a, const char *b)
{
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && for f in %s %s; do grep -v '^{' $f > $f.rows; done && cmp %s.rows %s.rows", fixture->dir, a, b,
             a, b);
    db_fixture_shell(command);
}

/* Goal: every row arrives, from either kind at either kind, by copy and by file; what is numbered goes on. Method: copy and
 * restore from each to each, compare backups; a row more in the audit log. */
static void test_there_and_back(void **state)
{
    struct db_fixture *fixture = *state;
    struct transfer_counts counts;
    struct err err = { 0 };
    char path[128];
    rows_make(fixture->db);
    backup(fixture, fixture->url, "first");
    path_of(fixture, "first", path, sizeof path);
    for (size_t k = 0; k < COUNT_OF(db_fixture_kinds); k++)
        for (int by_file = 0; by_file < 2; by_file++) {
            struct db_fixture target = { .kind = db_fixture_kinds[k] };
            char name[32];
            strcpy(target.dir, fixture->dir);
            db_fixture_url(&target, target.url, sizeof target.url);
            if (!(by_file ? transfer_restore(path, target.url, &db_fixture_log, &counts, &err)
                          : transfer_copy(fixture->url, target.url, &db_fixture_log, &counts, &err)))
                fail_msg("%s", err.text);
            snprintf(name, sizeof name, "again%zu%d", k, by_file);
            backup(fixture, target.url, name);
            assert_same_rows(fixture, "first", name);
            db_fixture_open(&target);
            (void)db_fixture_run(target.db, rows_sql[3]);
            assert_int_equal(db_fixture_number(target.db, "SELECT count(*) FROM audit"), 4);
            /* References are looked at as before. */
            assert_false(db_fixture_try(target.db, "DELETE FROM projects", &err));
            assert_int_equal(err.code, ERR_NOT_FOUND);
            db_close(target.db);
        }
}

/* Goal: a target with rows is left alone, a file is not written over. Method: each. */
static void test_not_empty(void **state)
{
    struct db_fixture *fixture = *state;
    struct transfer_counts counts;
    struct err err = { 0 };
    char url[256], path[128];
    rows_make(fixture->db);
    backup(fixture, fixture->url, "first");
    path_of(fixture, "first", path, sizeof path);
    db_fixture_url(fixture, url, sizeof url);
    assert_true(transfer_copy(fixture->url, url, &db_fixture_log, &counts, &err));
    assert_false(transfer_copy(fixture->url, url, &db_fixture_log, &counts, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_false(transfer_restore(path, url, &db_fixture_log, &counts, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_false(transfer_backup(url, path, &db_fixture_log, &counts, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_false(transfer_copy("/tmp/mono_there_is_none", url, &db_fixture_log, &counts, &err));
    assert_int_not_equal(access("/tmp/mono_there_is_none", F_OK), 0);
}

static void ignore_line(void *ctx, const char *text)
{
    ++*(int *)ctx;
    assert_true(text[0] != '\0');
}

/* Goal: a file that is cut or changed anywhere is refused and leaves the target as it was. Method: cut it at every line and
 * in some, change some bytes; the target then takes the good one. */
static void test_damaged_file(void **state)
{
    struct db_fixture *fixture = *state;
    struct transfer_counts counts;
    struct err err = { 0 };
    char path[128], damaged[128], url[256], command[1024];
    int lines = 0;
    (void)db_fixture_run(fixture->db, rows_sql[0]);
    path_of(fixture, "first", path, sizeof path);
    path_of(fixture, "damaged", damaged, sizeof damaged);
    db_fixture_url(fixture, url, sizeof url);
    assert_true(transfer_backup(fixture->url, path, &db_fixture_log, &counts, &err));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    for (long at = 0; at < status.st_size; at += at < 200 ? 17 : 97) {
        snprintf(command, sizeof command, "head -c %ld %s > %s", at, path, damaged);
        db_fixture_shell(command);
        assert_false(transfer_restore(damaged, url, &db_fixture_log, &counts, &err));
        assert_true(err.code == ERR_CORRUPT || err.code == ERR_INPUT);
    }
    snprintf(command, sizeof command, "sed 's/\"shop\"/\"shob\"/' %s > %s && ! cmp -s %s %s", path, damaged, path,
             damaged);
    db_fixture_shell(command);
    assert_false(transfer_restore(damaged, url, &db_fixture_log, &counts, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    snprintf(command, sizeof command, "sed '1s/\\[1,/[9999,/' %s > %s", path, damaged);
    db_fixture_shell(command);
    assert_false(transfer_restore(damaged, url, &db_fixture_log, &counts, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    if (!transfer_restore(path, url, &db_fixture_log, &counts, &err)) fail_msg("%s", err.text);
    if (!transfer_check(url, &db_fixture_log, ignore_line, &lines, &err)) fail_msg("%s", err.text);
    assert_true(lines > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_there_and_back, setup, teardown),
        DB_BOTH(test_not_empty, setup, teardown),
        DB_BOTH(test_damaged_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
