#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "timefusion/maintenance/maintenance_setting.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <utime.h>

/* Goal: small files of a day become few, by themselves, while more come; every row group is there, once.
 * Method: the thread runs while 60 files of three days are committed; then until nothing small is left over. */
static void test_joins_in_the_background(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    maintenance_make(&setting, fixture, (struct maintenance_options){ .is_on = true });
    maintenance_begin(&setting, false);
    for (uint32_t f = 0; f < 60; f++) fixture_add(fixture, today() + (int32_t)(f % 3), f * 100, f * 100 + 100);
    struct live live = live_read(fixture);
    assert_int_equal(live.rows, 6000);
    for (uint32_t ms = 0; ms < WAIT_MS; ms += 10) {
        live = live_read(fixture);
        assert_int_equal(live.rows, 6000); /* at any moment */
        if (live.small < 3 * 8) break;
        clock_sleep_ms(10);
    }
    assert_true(live.small < 3 * 8);
    assert_int_equal(live.row_groups, 60);
    maintenance_stop(setting.maintenance);
    struct maintenance_stats stats;
    maintenance_stats(setting.maintenance, &stats);
    const struct maintenance_counts *join = &stats.kinds[MAINTENANCE_JOIN];
    assert_true(join->units >= 2); /* with two days joined the third one alone is few enough */
    assert_int_equal(join->failed, 0);
    assert_int_equal(live_read(fixture).files, 60 - join->files_in + join->files_out);
    assert_int_equal(tmp_count(fixture), 0);
    maintenance_close(setting.maintenance);
}

/* Goal: who asks gets all that fits together, once; the table says so to others.
 * Method: 70 files of one row group: two files after; asked again: nothing. */
static bool history_take(void *ctx, const struct delta_history_entry *entry)
{
    char *operation = ctx;
    snprintf(operation, 64, "%s", entry->operation ? entry->operation : "");
    assert_false(entry->is_blind_append);
    return false;
}

static void test_joins_when_asked(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    char operation[64] = "";
    struct err err = { 0 };
    maintenance_make(&setting, fixture, (struct maintenance_options){ 0 });
    for (uint32_t f = 0; f < 70; f++) fixture_add(fixture, today(), f * 10, f * 10 + 10);
    struct live before = live_read(fixture);
    struct maintenance_result result = run_now(&setting, MAINTENANCE_JOIN);
    struct live after = live_read(fixture);
    check_same(&before, &after);
    assert_int_equal(after.files, 2);
    assert_int_equal(result.files_removed - result.files_added, 68);
    assert_int_equal(result.version, after.version);
    assert_true(delta_history(timefusion_delta(fixture->timefusion, FIXTURE_TABLE), 1, history_take, operation, &err));
    assert_string_equal(operation, "OPTIMIZE");
    result = run_now(&setting, MAINTENANCE_JOIN);
    assert_int_equal(result.units, 0);
    assert_int_equal(live_read(fixture).version, after.version);

    /* Days that were not asked for stay. */
    for (uint32_t f = 0; f < 4; f++) fixture_add(fixture, today() + (int32_t)(f % 2), 1000 + f, 1001 + f);
    struct maintenance_request request = {
        .table = FIXTURE_TABLE, .has_days = true, .day_first = today() + 1, .day_last = today() + 1, .keep_ms = -1
    };
    assert_true(maintenance_run_now(setting.maintenance, MAINTENANCE_JOIN, &request, &result, &err));
    assert_int_equal(result.files_removed, 2);
    /* Nor do other projects. */
    struct uuid other = uuid_random();
    request = (struct maintenance_request){ .table = FIXTURE_TABLE, .project_id = &other, .keep_ms = -1 };
    assert_true(maintenance_run_now(setting.maintenance, MAINTENANCE_JOIN, &request, &result, &err));
    assert_int_equal(result.units, 0);
    assert_false(maintenance_run_now(setting.maintenance, MAINTENANCE_RECODE, &request, &result, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    maintenance_close(setting.maintenance);
}

/* Goal: a file that cannot be joined by copying stays out of it, and goes through the rewriter.
 * Method: one column has another name in the footers of nine files of twelve. */
static void test_foreign_files(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { .day = today() };
    maintenance_make(&setting, fixture, (struct maintenance_options){ .is_on = true });
    for (uint32_t f = 0; f < 12; f++) {
        struct bytes bytes = fixture_bytes(fixture, today(), f * 10, f * 10 + 10);
        uint8_t *copy = mem_alloc(bytes.len);
        memcpy(copy, bytes.ptr, bytes.len);
        uint8_t *name = memmem(copy, bytes.len, "parent_id", 9);
        assert_non_null(name);
        if (f < 9) name[0] = 'P'; /* found by its field id all the same */
        fixture_commit(fixture, fixture->project, today(), bytes_from(copy, bytes.len));
        free(copy);
    }
    struct maintenance_result result = run_now(&setting, MAINTENANCE_JOIN);
    assert_int_equal(result.files_removed, 3);
    assert_int_equal(live_read(fixture).files, 10);
    maintenance_begin(&setting, true);
    for (uint32_t ms = 0; ms < WAIT_MS && live_read(fixture).files > 2; ms += 10) clock_sleep_ms(10);
    struct live live = live_read(fixture);
    assert_int_equal(live.files, 2);
    assert_int_equal(live.rows, 120);
    assert_int_equal(live.cold, 0);
    maintenance_close(setting.maintenance);
}

/* Goal: a file that is damaged, and one that is gone, keep the others from nothing, and are left as they are.
 * Method: two of ten files, one overwritten, one deleted. */
static void test_damaged_files(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    struct err err = { 0 };
    char keys[2][256];
    fixture->log.level_min = LOG_ERROR + 1; /* it warns of them */
    for (uint32_t f = 0; f < 10; f++) fixture_add(fixture, today(), f * 10, f * 10 + 10);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(fixture->timefusion, FIXTURE_TABLE));
    for (uint32_t f = 0; f < 2; f++)
        snprintf(keys[f], sizeof keys[f], "%s/%s", schema_table(FIXTURE_TABLE)->name,
                 delta_snapshot_file(snapshot, 2 + f)->path);
    delta_snapshot_release(snapshot);
    uint8_t garbage[4096];
    memset(garbage, 0xA5, sizeof garbage);
    assert_true(object_put(fixture->store, keys[0], bytes_from(garbage, sizeof garbage), &err));
    assert_true(object_delete(fixture->store, keys[1], &err));
    maintenance_make(&setting, fixture, (struct maintenance_options){ 0 });
    struct maintenance_result result = run_now(&setting, MAINTENANCE_JOIN);
    assert_int_equal(result.files_removed, 8);
    snapshot = delta_snapshot_acquire(timefusion_delta(fixture->timefusion, FIXTURE_TABLE));
    assert_int_equal(snapshot->file_count, 3);
    delta_snapshot_release(snapshot);
    assert_int_equal(run_now(&setting, MAINTENANCE_JOIN).units, 0);
    maintenance_close(setting.maintenance);
}

/* Goal: a day that is over is recoded once, also over restarts; a day under way is not.
 * Method: five files of the day before yesterday, three of today; started, waited for, opened anew, looked again. */
static void test_recodes_once(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { .day = today() - 2 };
    struct maintenance_options options = { .is_on = true, .recode_after_ms = 1 };
    for (uint32_t f = 0; f < 8; f++) {
        bool is_old = f < 5;
        fixture_add(fixture, is_old ? today() - 2 : today(), f * 1000, f * 1000 + 1000);
    }
    maintenance_make(&setting, fixture, options);
    maintenance_begin(&setting, true);
    for (uint32_t ms = 0; ms < WAIT_MS && live_read(fixture).files > 4; ms += 10) clock_sleep_ms(10);
    struct live live = live_read(fixture);
    assert_int_equal(live.files, 4);
    assert_int_equal(live.cold, 1);
    assert_int_equal(live.rows, 8000);
    maintenance_close(setting.maintenance);
    assert_int_equal(atomic_load(&setting.runs), 1);

    timefusion_close(fixture->timefusion);
    fixture_timefusion_open(fixture);
    maintenance_make(&setting, fixture, options);
    maintenance_begin(&setting, true);
    struct maintenance_result result = run_now(&setting, MAINTENANCE_RECODE); /* a whole look, at least */
    assert_int_equal(result.units, 0);
    maintenance_close(setting.maintenance);
    assert_int_equal(atomic_load(&setting.runs), 1);
    assert_int_equal(live_read(fixture).version, live.version);
    assert_int_equal(tmp_count(fixture), 0);
}

/* Goal: rows that are lost or invented on the way stop the unit; nothing changes, nothing is left behind.
 * Method: a rewriter that gives one row too many. */
static void test_recode_counts_rows(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { .day = today() - 2, .row_bias = 1 };
    struct maintenance_request request = { .table = FIXTURE_TABLE, .keep_ms = -1 };
    struct maintenance_result result;
    struct err err = { 0 };
    for (uint32_t f = 0; f < 3; f++) fixture_add(fixture, today() - 2, f * 1500, f * 1500 + 1500);
    struct live before = live_read(fixture);
    maintenance_make(&setting, fixture, (struct maintenance_options){ .recode_after_ms = 1 });
    maintenance_begin(&setting, true);
    assert_false(maintenance_run_now(setting.maintenance, MAINTENANCE_RECODE, &request, &result, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_int_equal(live_read(fixture).version, before.version);
    assert_int_equal(stored_count(fixture), 3);
    assert_int_equal(tmp_count(fixture), 0);
    struct maintenance_stats stats;
    maintenance_stats(setting.maintenance, &stats);
    assert_int_equal(stats.kinds[MAINTENANCE_RECODE].failed, 1);
    assert_non_null(strstr(stats.kinds[MAINTENANCE_RECODE].last_error, "4501"));
    maintenance_close(setting.maintenance);
}

/* Goal: a unit whose files another writer has replaced meanwhile is dropped without a trace, and counted; what it left is
 * done by the next.
 * Method: while the rewriter runs, one of the inputs is removed. */
static void test_conflict_drops_the_unit(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { .day = today() - 2, .removes_input = true };
    for (uint32_t f = 0; f < 3; f++) fixture_add(fixture, today() - 2, f * 1000, f * 1000 + 1000);
    maintenance_make(&setting, fixture, (struct maintenance_options){ .recode_after_ms = 1 });
    maintenance_begin(&setting, true);
    struct maintenance_result result = run_now(&setting, MAINTENANCE_RECODE);
    assert_int_equal(result.conflicts, 1);
    assert_int_equal(result.files_removed, 2);
    struct live live = live_read(fixture);
    assert_int_equal(live.rows, 2000);
    assert_int_equal(live.files, 1);
    assert_int_equal(stored_count(fixture), 4); /* three old, one new: the dropped unit's file is gone */
    maintenance_close(setting.maintenance);
}

/* Goal: a stop ends the unit under way, on the thread as on a session's.
 * Method: a rewriter that waits until it is cancelled. */
static void test_stop_ends_the_unit(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { .day = today() - 2, .waits_for_cancel = true };
    for (uint32_t f = 0; f < 3; f++) fixture_add(fixture, today() - 2, f * 1000, f * 1000 + 1000);
    struct live before = live_read(fixture);
    maintenance_make(&setting, fixture, (struct maintenance_options){ .is_on = true, .recode_after_ms = 1 });
    maintenance_begin(&setting, true);
    while (atomic_load(&setting.runs) == 0) clock_sleep_ms(1);
    maintenance_stop(setting.maintenance);
    struct live after = live_read(fixture);
    check_same(&before, &after);
    assert_int_equal(stored_count(fixture), 3);
    struct maintenance_stats stats;
    maintenance_stats(setting.maintenance, &stats);
    assert_int_equal(stats.kinds[MAINTENANCE_RECODE].failed, 0);
    struct maintenance_request request = { .table = FIXTURE_TABLE, .keep_ms = -1 };
    struct maintenance_result result;
    struct err err = { 0 };
    assert_false(maintenance_run_now(setting.maintenance, MAINTENANCE_JOIN, &request, &result, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    maintenance_close(setting.maintenance);
}

/* Goal: what comes in goes first.
 * Method: the intake is behind: nothing happens; it has caught up: it does. */
static void test_waits_for_the_intake(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    struct maintenance_stats stats = { 0 };
    atomic_store(&setting.is_behind, true);
    for (uint32_t f = 0; f < 10; f++) fixture_add(fixture, today(), f * 10, f * 10 + 10);
    maintenance_make(&setting, fixture, (struct maintenance_options){ .is_on = true });
    maintenance_begin(&setting, false);
    while (!stats.is_waiting) {
        clock_sleep_ms(1);
        maintenance_stats(setting.maintenance, &stats);
    }
    assert_int_equal(stats.kinds[MAINTENANCE_JOIN].pending, 1);
    assert_int_equal(live_read(fixture).files, 10);
    atomic_store(&setting.is_behind, false);
    for (uint32_t ms = 0; ms < WAIT_MS && live_read(fixture).files > 1; ms += 10) clock_sleep_ms(10);
    assert_int_equal(live_read(fixture).files, 1);
    maintenance_close(setting.maintenance);
}

/* Goal: days past the retention leave the table, with all their rows, and only those.
 * Method: five days of two projects, of which one keeps three days. */
static void test_drops_days(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { .days_kept = 3 };
    struct uuid other = uuid_random();
    for (int32_t d = 0; d < 6; d++) {
        fixture_add(fixture, today() - d, 0, 100);
        fixture_commit(fixture, other, today() - d, fixture_bytes(fixture, today() - d, 0, 10));
    }
    maintenance_make(&setting, fixture, (struct maintenance_options){ 0 });
    struct maintenance_result result = run_now(&setting, MAINTENANCE_DROP);
    assert_int_equal(result.files_removed, 2); /* today - 4, today - 5: every row of them is older than three days */
    assert_int_equal(result.rows, 200);
    assert_int_equal(live_read(fixture).files, 4);
    assert_int_equal(stored_count(fixture), 12); /* vacuum's */
    struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(fixture->timefusion, FIXTURE_TABLE));
    assert_int_equal(snapshot->file_count, 10);
    delta_snapshot_release(snapshot);
    assert_int_equal(run_now(&setting, MAINTENANCE_DROP).units, 0);
    maintenance_close(setting.maintenance);
}

/* Goal: files of a store elsewhere are fetched, joined and put back; nothing stays in tmp.
 * Method: a folder that says it is not local. */
static void test_joins_from_elsewhere(void **state)
{
    (void)state;
    struct disk elsewhere = disk_real;
    struct maintenance_fixture fixture;
    struct setting setting = { 0 };
    fixture_init_on(&fixture, &elsewhere);
    maintenance_make(&setting, &fixture, (struct maintenance_options){ 0 });
    for (uint32_t f = 0; f < 10; f++) fixture_add(&fixture, today(), f * 1000, f * 1000 + 1000);
    struct live before = live_read(&fixture);
    struct maintenance_result result = run_now(&setting, MAINTENANCE_JOIN);
    struct live after = live_read(&fixture);
    assert_int_equal(result.files_removed, 10);
    assert_int_equal(after.files, 1);
    check_same(&before, &after);
    assert_int_equal(tmp_count(&fixture), 0);
    maintenance_close(setting.maintenance);
    fixture_deinit(&fixture);
}

/* Goal: two processes at one table neither lose nor double a row, and both come to rest.
 * Method: two stores on one folder, the maintenance of both at work while files come through one. */
static void test_two_at_one_table(void **state)
{
    struct maintenance_fixture *fixture = *state, other = { .log = fixture->log, .project = fixture->project };
    struct setting setting = { 0 }, setting_other = { 0 };
    struct err err = { 0 };
    char path[96];
    strcpy(other.dir, fixture->dir);
    strcat(other.dir, "/other");
    snprintf(path, sizeof path, "%s/tables", fixture->dir);
    fixture_must(object_store_open_folder(&other.store, path, &disk_real, &err), &err, "store");
    fixture_timefusion_open(&other);
    struct maintenance_options options = { .is_on = true, .interval_ms = 2 };
    maintenance_make(&setting, fixture, options);
    maintenance_make(&setting_other, &other, options);
    maintenance_begin(&setting, false);
    maintenance_begin(&setting_other, false);
    for (uint32_t f = 0; f < 90; f++) fixture_add(fixture, today() - (int32_t)(f % 3), f * 10, f * 10 + 10);
    struct live live = { .small = UINT32_MAX };
    for (uint32_t ms = 0; ms < WAIT_MS && live.small >= 3 * 8; ms += 10) {
        clock_sleep_ms(10);
        fixture_must(delta_refresh(timefusion_delta(fixture->timefusion, FIXTURE_TABLE), &err), &err, "refresh");
        live = live_read(fixture);
        assert_int_equal(live.rows, 900);
        assert_int_equal(live.row_groups, 90);
    }
    assert_true(live.small < 3 * 8);
    maintenance_stop(setting.maintenance);
    maintenance_stop(setting_other.maintenance);
    struct maintenance_stats stats, stats_other;
    maintenance_stats(setting.maintenance, &stats);
    maintenance_stats(setting_other.maintenance, &stats_other);
    assert_int_equal(stats.kinds[MAINTENANCE_JOIN].failed + stats_other.kinds[MAINTENANCE_JOIN].failed, 0);
    fixture_must(delta_refresh(timefusion_delta(other.timefusion, FIXTURE_TABLE), &err), &err, "refresh");
    assert_int_equal(live_read(&other).rows, 900);
    maintenance_close(setting.maintenance);
    maintenance_close(setting_other.maintenance);
    timefusion_close(other.timefusion);
    object_store_close(other.store);
}

/* Goal: joining, asking, flushing and reading at once neither lose a row nor meet each other.
 * Method: three threads at one table for a while (for ThreadSanitizer above all). */
struct beside {
    struct setting *setting;
    atomic_bool ends;
    atomic_uint_fast64_t rows;
};

static void *read_beside(void *ctx)
{
    struct beside *beside = ctx;
    while (!atomic_load(&beside->ends)) {
        uint64_t at_least = atomic_load(&beside->rows);
        assert_true(live_read(beside->setting->fixture).rows >= at_least);
    }
    return NULL;
}

static void *ask_beside(void *ctx)
{
    struct beside *beside = ctx;
    while (!atomic_load(&beside->ends)) {
        run_now(beside->setting, MAINTENANCE_JOIN);
        vacuum(beside->setting, 0, false, NULL);
        struct maintenance_stats stats;
        maintenance_stats(beside->setting->maintenance, &stats);
    }
    return NULL;
}

static void test_all_at_once(void **state)
{
    struct maintenance_fixture *fixture = *state;
    struct setting setting = { 0 };
    struct beside beside = { .setting = &setting };
    pthread_t reader, asker;
    maintenance_make(&setting, fixture, (struct maintenance_options){ .is_on = true, .interval_ms = 2 });
    maintenance_begin(&setting, false);
    assert_int_equal(pthread_create(&reader, NULL, read_beside, &beside), 0);
    assert_int_equal(pthread_create(&asker, NULL, ask_beside, &beside), 0);
    for (uint32_t f = 0; f < 90; f++) {
        fixture_add(fixture, today() - (int32_t)(f % 2), f * 10, f * 10 + 10);
        atomic_store(&beside.rows, (f + 1) * 10);
    }
    atomic_store(&beside.ends, true);
    pthread_join(reader, NULL);
    pthread_join(asker, NULL);
    maintenance_stop(setting.maintenance);
    assert_int_equal(live_read(fixture).rows, 900);
    assert_int_equal(live_read(fixture).row_groups, 90);
    maintenance_close(setting.maintenance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_joins_in_the_background, setup, teardown),
        cmocka_unit_test_setup_teardown(test_joins_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recodes_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recode_counts_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conflict_drops_the_unit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_ends_the_unit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_for_the_intake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drops_days, setup, teardown),
        cmocka_unit_test(test_joins_from_elsewhere),
        cmocka_unit_test_setup_teardown(test_two_at_one_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
