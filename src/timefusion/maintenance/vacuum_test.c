#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "timefusion/maintenance/maintenance_setting.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>
#include <utime.h>

/* Not through the store, whose syncs would cost a test of thousands a minute. */
static void put_at_age(struct maintenance_fixture *fixture, const char *name, uint32_t age_s)
{
    struct err err = { 0 };
    char key[256], path[512];
    snprintf(key, sizeof key, "%s/%s", schema_table(FIXTURE_TABLE)->name, name);
    assert_true(object_local_path(fixture->store, key, path, sizeof path));
    FILE *file = fopen(path, "w");
    if (!file) {
        char *slash = strrchr(path, '/');
        *slash = 0;
        fixture_must(disk_real.ops->mkdir(&disk_real, path, &err), &err, "folder");
        *slash = '/';
        file = fopen(path, "w");
    }
    assert_non_null(file);
    assert_true(fputs("PAR1 or not", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct utimbuf times = { time(NULL) - age_s, time(NULL) - age_s };
    assert_int_equal(utime(path, &times), 0);
}

static bool is_stored(struct maintenance_fixture *fixture, const char *name)
{
    struct err err = { 0 };
    char key[256];
    uint64_t bytes;
    snprintf(key, sizeof key, "%s/%s", schema_table(FIXTURE_TABLE)->name, name);
    return object_size(fixture->store, key, &bytes, &err);
}

static bool operation_take(void *ctx, const struct delta_history_entry *entry)
{
    strcat(ctx, entry->operation);
    strcat(ctx, ",");
    return true;
}

/* Goal: files that a version still needs, or a query holds, or somebody may be about to commit, stay; the others go.
 * Method: ten files joined into one; a query holds a snapshot of before; strangers of several names and ages beside. */
static void test_vacuum_deletes_what_it_may(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    struct timefusion_snapshot *held;
    struct err err = { 0 };
    char operations[512] = "";
    maintenance_make(&setting, fixture, (struct maintenance_options){ 0 });
    for (uint32_t f = 0; f < 10; f++) fixture_add(fixture, today(), f * 10, f * 10 + 10);
    fixture_must(timefusion_snapshot_acquire(fixture->timefusion, FIXTURE_TABLE, fixture->project, &held, &err), &err,
                 "snapshot");
    run_now(&setting, MAINTENANCE_JOIN);
    assert_int_equal(stored_count(fixture), 11);
    put_at_age(fixture, "project_id=00000000-0000-4000-8000-000000000001/date=2026-01-01/part-orphan.parquet",
               8 * 86400);
    put_at_age(fixture, "project_id=00000000-0000-4000-8000-000000000001/date=2026-01-01/part-young.parquet", 1800);
    put_at_age(fixture, "project_id=00000000-0000-4000-8000-000000000001/date=2026-01-01/notes.txt", 8 * 86400);
    put_at_age(fixture, "project_id=00000000-0000-4000-8000-000000000001/_temporary/a.parquet", 8 * 86400);
    put_at_age(fixture, "_monoscope/index/run.parquet", 8 * 86400);
    put_at_age(fixture, "elsewhere/a.parquet", 8 * 86400);

    /* By the usual retention only what has been a stranger for a week. */
    uint32_t told = 0;
    assert_int_equal(vacuum(&setting, -1, true, &told).files_removed, 1);
    assert_int_equal(told, 1);
    assert_true(
        is_stored(fixture, "project_id=00000000-0000-4000-8000-000000000001/date=2026-01-01/part-orphan.parquet"));
    uint64_t version = live_read(fixture).version;
    assert_int_equal(vacuum(&setting, -1, false, NULL).files_removed, 1);
    assert_int_equal(live_read(fixture).version, version + 2);
    assert_false(
        is_stored(fixture, "project_id=00000000-0000-4000-8000-000000000001/date=2026-01-01/part-orphan.parquet"));
    assert_int_equal(vacuum(&setting, -1, false, NULL).files_removed, 0);
    assert_int_equal(live_read(fixture).version, version + 2); /* nothing to do, nothing to say */

    /* Without retention: not while the query holds them. */
    assert_int_equal(vacuum(&setting, 0, false, NULL).files_removed, 0);
    for (uint32_t f = 0; f < held->file_count; f++) {
        char byte;
        assert_true(timefusion_file_read(held->files[f], 0, &byte, 1, &err));
    }
    timefusion_snapshot_release(held);
    told = 0;
    assert_int_equal(vacuum(&setting, 0, false, &told).files_removed, 10);
    assert_int_equal(told, 10);
    assert_int_equal(live_read(fixture).rows, 100);
    assert_true(
        is_stored(fixture, "project_id=00000000-0000-4000-8000-000000000001/date=2026-01-01/part-young.parquet"));
    assert_true(is_stored(fixture, "project_id=00000000-0000-4000-8000-000000000001/date=2026-01-01/notes.txt"));
    assert_true(is_stored(fixture, "project_id=00000000-0000-4000-8000-000000000001/_temporary/a.parquet"));
    assert_true(is_stored(fixture, "_monoscope/index/run.parquet"));
    assert_true(is_stored(fixture, "elsewhere/a.parquet"));
    assert_true(
        delta_history(timefusion_delta(fixture->timefusion, FIXTURE_TABLE), 4, operation_take, operations, &err));
    assert_string_equal(operations, "VACUUM END,VACUUM START,VACUUM END,VACUUM START,");

    /* A longer time than the table remembers cannot be kept. */
    struct maintenance_request request = { .table = FIXTURE_TABLE, .keep_ms = 30 * INT64_C(86400000) };
    struct maintenance_result result;
    assert_false(maintenance_run_now(setting.maintenance, MAINTENANCE_VACUUM, &request, &result, &err));
    assert_int_equal(err.code, ERR_INPUT);
    maintenance_close(setting.maintenance);
}

/* Goal: more files than a batch has are all deleted, of one project alone when one is asked for.
 * Method: 2,300 strangers of two projects. */
static void test_vacuum_in_batches(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    struct uuid project;
    maintenance_make(&setting, fixture, (struct maintenance_options){ 0 });
    for (uint32_t f = 0; f < 2300; f++) {
        char name[160];
        snprintf(name, sizeof name,
                 "project_id=00000000-0000-4000-8000-00000000000%u/date=2026-01-01/part-%04u.parquet", 1 + f % 2, f);
        put_at_age(fixture, name, 8 * 86400);
    }
    assert_true(uuid_from_text(BYTES("00000000-0000-4000-8000-000000000002"), &project));
    struct maintenance_request request = { .table = FIXTURE_TABLE, .project_id = &project, .keep_ms = -1 };
    struct maintenance_result result;
    struct err err = { 0 };
    assert_true(maintenance_run_now(setting.maintenance, MAINTENANCE_VACUUM, &request, &result, &err));
    assert_int_equal(result.files_removed, 1150);
    assert_int_equal(vacuum(&setting, -1, false, NULL).files_removed, 1150);
    assert_int_equal(stored_count(fixture), 0);
    char path[512];
    assert_true(object_local_path(fixture->store, "otel_logs_and_spans/project_id=x", path, sizeof path));
    strcpy(strrchr(path, '/') + 1, "project_id=00000000-0000-4000-8000-000000000001");
    assert_int_equal(access(path, F_OK), -1); /* the empty folders went with them */
    maintenance_close(setting.maintenance);
}

/* Goal: commits that others prepared under a lock go once the log has them for a day, and no others.
 * Method: of versions that are there and are not, old and young. */
static void test_prepared_commits_go(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    maintenance_make(&setting, fixture, (struct maintenance_options){ 0 });
    fixture_add(fixture, today(), 0, 10);
    put_at_age(fixture, "_delta_log/.tmp/00000000000000000001.json.a1", 2 * 86400);
    put_at_age(fixture, "_delta_log/.tmp/00000000000000000001.json.a2", 3600);
    put_at_age(fixture, "_delta_log/.tmp/00000000000000000002.json.a3", 2 * 86400);
    put_at_age(fixture, "_delta_log/.tmp/1.json.a4", 2 * 86400);
    assert_int_equal(run_now(&setting, MAINTENANCE_LOG).files_removed, 1);
    assert_false(is_stored(fixture, "_delta_log/.tmp/00000000000000000001.json.a1"));
    assert_true(is_stored(fixture, "_delta_log/.tmp/00000000000000000001.json.a2"));
    assert_true(is_stored(fixture, "_delta_log/.tmp/00000000000000000002.json.a3"));
    assert_true(is_stored(fixture, "_delta_log/.tmp/1.json.a4"));
    maintenance_close(setting.maintenance);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vacuum_deletes_what_it_may, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vacuum_in_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prepared_commits_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
