/* maintenance_setting.h -- for tests: what a test lets the maintenance of a fixture have, and what it made of the files. */
#pragma once
#include <dirent.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "timefusion/maintenance/maintenance_fixture.h"

#define DAY_SECONDS 86400
#define WAIT_MS     60000 /* for what happens soon; only a failure waits that long */

static inline int setup(void **state)
{
    struct maintenance_fixture *fixture = mem_calloc(1, sizeof *fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static inline int32_t today(void)
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

static inline uint32_t setting_days_kept(void *ctx, struct uuid project_id, enum schema_table_id table)
{
    struct setting *setting = ctx;
    bool is_it = uuid_equal(project_id, setting->fixture->project) && table == FIXTURE_TABLE;
    return is_it ? setting->days_kept : 0;
}

static inline bool setting_is_behind(void *ctx)
{
    return atomic_load(&((struct setting *)ctx)->is_behind);
}

static inline void maintenance_make(struct setting *setting, struct maintenance_fixture *fixture,
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

static inline bool rewriter_run(void *ctx, const struct rewriter_work *work, struct err *err)
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

static inline void maintenance_begin(struct setting *setting, bool has_rewriter)
{
    struct err err = { 0 };
    struct rewriter rewriter = { rewriter_run, setting };
    fixture_must(maintenance_start(setting->maintenance, has_rewriter ? &rewriter : NULL, &err), &err, "start");
}

static inline struct maintenance_result run_now(struct setting *setting, enum maintenance_kind kind)
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

static inline struct live live_read(struct maintenance_fixture *fixture)
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

static inline bool key_count(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)bytes;
    (void)modified_unix_us;
    *(uint32_t *)ctx += strstr(key, ".parquet") != NULL && strstr(key, "_delta_log") == NULL;
    return true;
}

/* Parquet files in the table's folder, live or not. */
static inline uint32_t stored_count(struct maintenance_fixture *fixture)
{
    struct err err = { 0 };
    uint32_t count = 0;
    fixture_must(object_list(fixture->store, schema_table(FIXTURE_TABLE)->name, key_count, &count, &err), &err, "list");
    return count;
}

static inline uint32_t tmp_count(struct maintenance_fixture *fixture)
{
    uint32_t count = 0;
    DIR *dir = opendir(timefusion_tmp_dir(fixture->timefusion));
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static inline void check_same(const struct live *before, const struct live *after)
{
    assert_int_equal(before->rows, after->rows);
    assert_int_equal(before->row_groups, after->row_groups);
    assert_true(before->hash == after->hash);
}

static inline void file_counted(void *ctx, const char *path, uint64_t bytes)
{
    assert_true(strncmp(path, "project_id=", 11) == 0 && bytes > 0);
    ++*(uint32_t *)ctx;
}

static inline struct maintenance_result vacuum(struct setting *setting, int64_t keep_ms, bool is_dry_run,
                                               uint32_t *told)
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
