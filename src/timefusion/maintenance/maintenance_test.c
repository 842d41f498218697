#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "timefusion/maintenance/maintenance_fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <utime.h>

#define DAY_SECONDS 86400
#define WAIT_MS     60000 /* for what happens soon; only a failure waits that long */

static int setup(void **state)
{
    struct maintenance_fixture *fixture = mem_calloc(1, sizeof *fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static int32_t today(void)
{
    return (int32_t)(time(NULL) / DAY_SECONDS);
}

/* What a test lets maintenance have; a day of rows of ours as the rewriter's answer. */
struct setting {
    struct maintenance_fixture *fixture;
    struct maintenance *maintenance;
    uint32_t days_kept;
    int32_t day;      /* of the rows the rewriter gives */
    int64_t row_bias; /* so many too many */
    bool removes_input, waits_for_cancel;
    atomic_uint runs;
    atomic_bool is_behind;
};

static uint32_t setting_days_kept(void *ctx, struct uuid project_id, enum schema_table_id table)
{
    struct setting *setting = ctx;
    bool is_it = uuid_equal(project_id, setting->fixture->project) && table == FIXTURE_TABLE;
    return is_it ? setting->days_kept : 0;
}

static bool setting_is_behind(void *ctx)
{
    return atomic_load(&((struct setting *)ctx)->is_behind);
}

static void maintenance_make(struct setting *setting, struct maintenance_fixture *fixture,
                             struct maintenance_options options)
{
    struct err err = { 0 };
    setting->fixture = fixture;
    options.timefusion = fixture->timefusion;
    options.days_kept = setting_days_kept;
    options.is_behind = setting_is_behind;
    options.ctx = setting;
    options.log = &fixture->log;
    options.memory_bytes_max = 64 << 20;
    if (options.interval_ms == 0) options.interval_ms = 20;
    if (options.vacuum_keep_ms == 0) options.vacuum_keep_ms = -1;
    fixture_must(maintenance_open(&setting->maintenance, &options, &err), &err, "maintenance");
}

static bool rewriter_run(void *ctx, const struct rewriter_work *work, struct err *err)
{
    struct setting *setting = ctx;
    uint64_t rows = 0;
    atomic_fetch_add(&setting->runs, 1);
    while (setting->waits_for_cancel && !atomic_load(work->cancel)) clock_sleep_ms(1);
    if (atomic_load(work->cancel)) return err_set(err, ERR_CANCELLED, "cancelled");
    for (uint32_t f = 0; f < work->file_count; f++) rows += work->files[f]->row_count;
    if (setting->removes_input) { /* another writer is faster */
        struct delta_snapshot *snapshot =
            delta_snapshot_acquire(timefusion_delta(setting->fixture->timefusion, FIXTURE_TABLE));
        const char *path = delta_snapshot_file(snapshot, 0)->path;
        struct delta_change change = {
            .removes = &path, .remove_count = 1, .operation = "DELETE", .data_change = true
        };
        uint64_t version;
        setting->removes_input = false;
        fixture_must(delta_commit(timefusion_delta(setting->fixture->timefusion, FIXTURE_TABLE), &change, &version,
                                  err),
                     err, "remove");
        delta_snapshot_release(snapshot);
    }
    rows = (uint64_t)((int64_t)rows + setting->row_bias);
    struct columns *columns = columns_create(work->snapshot->table);
    bool ok = true;
    for (uint64_t from = 0; ok && from < rows; from += 1000) {
        columns_reset(columns);
        for (uint64_t n = from; n < rows && n < from + 1000; n++) fixture_row(columns, setting->day, n);
        ok = work->sink(work->ctx, columns, err);
    }
    columns_destroy(columns);
    return ok;
}

static void maintenance_begin(struct setting *setting, bool has_rewriter)
{
    struct err err = { 0 };
    struct rewriter rewriter = { rewriter_run, setting };
    fixture_must(maintenance_start(setting->maintenance, has_rewriter ? &rewriter : NULL, &err), &err, "start");
}

static struct maintenance_result run_now(struct setting *setting, enum maintenance_kind kind)
{
    struct maintenance_request request = { .table = FIXTURE_TABLE, .keep_ms = -1 };
    struct maintenance_result result;
    struct err err = { 0 };
    fixture_must(maintenance_run_now(setting->maintenance, kind, &request, &result, &err), &err, "run now");
    return result;
}

struct live {
    uint32_t files, cold, small; /* small: fewer than 8 row groups */
    uint64_t rows, row_groups, version;
    uint64_t hash; /* over row groups: rows and range of ids, in any order */
};

static struct live live_read(struct maintenance_fixture *fixture)
{
    struct live live = { 0 };
    struct timefusion_snapshot *snapshot;
    struct err err = { 0 };
    fixture_must(timefusion_snapshot_acquire(fixture->timefusion, FIXTURE_TABLE, fixture->project, &snapshot, &err),
                 &err, "snapshot");
    const struct schema_table *table = snapshot->table;
    live.version = snapshot->delta_version;
    live.files = snapshot->file_count;
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        const struct parquet_footer *footer;
        fixture_must(timefusion_file_footer(snapshot->files[f], &footer, &err), &err, "footer");
        live.small += footer->row_group_count < 8;
        live.rows += footer->row_count;
        live.row_groups += footer->row_group_count;
        for (uint32_t g = 0; g < footer->row_group_count; g++) {
            const struct parquet_column_stats *id = &footer->row_groups[g].columns[table->row_id];
            char text[256];
            snprintf(text, sizeof text, "%.*s %.*s %llu", (int)id->min.text.len, (const char *)id->min.text.ptr,
                     (int)id->max.text.len, (const char *)id->max.text.ptr,
                     (unsigned long long)footer->row_groups[g].row_count);
            live.hash += hash64_of(bytes_of_text(text));
        }
    }
    timefusion_snapshot_release(snapshot);
    struct delta_snapshot *delta = delta_snapshot_acquire(timefusion_delta(fixture->timefusion, FIXTURE_TABLE));
    for (uint32_t f = 0; f < delta->file_count; f++)
        live.cold += file_builder_is_cold(delta_snapshot_file(delta, f)->path);
    delta_snapshot_release(delta);
    return live;
}

static bool key_count(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)bytes;
    (void)modified_unix_us;
    *(uint32_t *)ctx += strstr(key, ".parquet") != NULL && strstr(key, "_delta_log") == NULL;
    return true;
}

/* Parquet files in the table's folder, live or not. */
static uint32_t stored_count(struct maintenance_fixture *fixture)
{
    struct err err = { 0 };
    uint32_t count = 0;
    fixture_must(object_list(fixture->store, schema_table(FIXTURE_TABLE)->name, key_count, &count, &err), &err, "list");
    return count;
}

static uint32_t tmp_count(struct maintenance_fixture *fixture)
{
    uint32_t count = 0;
    DIR *dir = opendir(timefusion_tmp_dir(fixture->timefusion));
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void check_same(const struct live *before, const struct live *after)
{
    assert_int_equal(before->rows, after->rows);
    assert_int_equal(before->row_groups, after->row_groups);
    assert_true(before->hash == after->hash);
}

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

/* ---- vacuum ---- */

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

static void file_counted(void *ctx, const char *path, uint64_t bytes)
{
    assert_true(strncmp(path, "project_id=", 11) == 0 && bytes > 0);
    ++*(uint32_t *)ctx;
}

static bool operation_take(void *ctx, const struct delta_history_entry *entry)
{
    strcat(ctx, entry->operation);
    strcat(ctx, ",");
    return true;
}

static struct maintenance_result vacuum(struct setting *setting, int64_t keep_ms, bool is_dry_run, uint32_t *told)
{
    struct maintenance_request request = { .table = FIXTURE_TABLE,
                                           .keep_ms = keep_ms,
                                           .is_dry_run = is_dry_run,
                                           .file = told ? file_counted : NULL,
                                           .ctx = told };
    struct maintenance_result result;
    struct err err = { 0 };
    fixture_must(maintenance_run_now(setting->maintenance, MAINTENANCE_VACUUM, &request, &result, &err), &err,
                 "vacuum");
    return result;
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
        cmocka_unit_test_setup_teardown(test_vacuum_deletes_what_it_may, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vacuum_in_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prepared_commits_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
