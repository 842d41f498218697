/* The log as a folder of files: names, what may be cleaned away, checkpoints and who writes them, features in them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "timefusion/delta/delta_listing.h"
#include "timefusion/delta/delta_table.h"
#include "timefusion/delta/delta_test_table.h"

/* Goal: what lies in _delta_log is known by its name. Method: names of each kind, and near misses. */
static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum delta_log_kind kind;
        uint64_t version;
        uint32_t part, part_count;
    } cases[] = {
        { "00000000000000000007.json", DELTA_LOG_COMMIT, 7, 0, 0 },
        { "00000000000000000007.crc", DELTA_LOG_CHECKSUM, 7, 0, 0 },
        { "00000000000000000010.checkpoint.parquet", DELTA_LOG_CHECKPOINT, 10, 0, 0 },
        { "00000000000000000010.checkpoint.0000000002.0000000003.parquet", DELTA_LOG_CHECKPOINT, 10, 2, 3 },
        { "00000000000000000010.checkpoint.0000000004.0000000003.parquet", DELTA_LOG_OTHER, 10, 0, 0 },
        { "00000000000000000010.checkpoint.0000000000.0000000003.parquet", DELTA_LOG_OTHER, 10, 0, 0 },
        { "00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet", DELTA_LOG_CHECKPOINT_V2, 10,
          0, 0 },
        { "00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", DELTA_LOG_CHECKPOINT_V2, 10, 0,
          0 },
        { "00000000000000000004.00000000000000000006.compacted.json", DELTA_LOG_COMPACTED, 6, 0, 0 },
        { "00000000000000000006.00000000000000000004.compacted.json", DELTA_LOG_OTHER, 6, 0, 0 },
        { "_last_checkpoint", DELTA_LOG_OTHER, 0, 0, 0 },
        { "0000000000000000007.json", DELTA_LOG_OTHER, 0, 0, 0 },
        { "000000000000000000007.json", DELTA_LOG_OTHER, 0, 0, 0 },
        { "00000000000000000007.json.tmp", DELTA_LOG_OTHER, 7, 0, 0 },
        { "99999999999999999999.json", DELTA_LOG_OTHER, 0, 0, 0 },
        { "", DELTA_LOG_OTHER, 0, 0, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct delta_log_name name = delta_log_name_parse(cases[i].name);
        if (name.kind != cases[i].kind) fail_msg("\"%s\" is of kind %d", cases[i].name, name.kind);
        if (name.kind == DELTA_LOG_OTHER) continue;
        assert_int_equal(name.version, cases[i].version);
        assert_int_equal(name.part, cases[i].part);
        assert_int_equal(name.part_count, cases[i].part_count);
    }
}

/* Goal: durations are read as Spark writes them, and nothing else is. */
static void test_intervals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "interval 30 days", INT64_C(2592000000) },
        { "interval 1 week", 604800000 },
        { "INTERVAL 1 WEEK 12 HOURS", 604800000 + 43200000 },
        { "2 minutes 3 seconds 4 milliseconds", 123004 },
        { "interval 0 seconds", 0 },
        { "  interval   5   days  ", 432000000 },
        { "interval", -1 },
        { "", -1 },
        { "interval 1", -1 },
        { "interval 1 month", -1 },
        { "interval -1 day", -1 },
        { "interval 1 day ago", -1 },
        { "interval 99999999999 days", -1 },
        { "days 3", -1 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t ms = -1;
        bool ok = delta_interval_parse(cases[i].text, &ms);
        if (ok != (cases[i].ms >= 0) || (ok && ms != cases[i].ms))
            fail_msg("\"%s\" is %d, %" PRId64, cases[i].text, ok, ms);
    }
}

static void table_configure(struct delta_table *table, uint64_t version, const char *configuration)
{
    struct err err = { 0 };
    struct buf lines;
    buf_init(&lines, 1 << 20);
    assert_true(buf_printf(&lines, "{\"metaData\":{\"id\":\"x\",\"schemaString\":") &&
                delta_put_json_text(&lines, bytes_of_text(table->state.schema)) &&
                buf_printf(&lines, ",\"partitionColumns\":" DELTA_PARTITION_COLUMNS ",\"configuration\":%s}}\n",
                           configuration));
    char *text = bytes_to_text(buf_bytes(&lines));
    test_put_commit(table->options.store, version, text);
    free(text);
    buf_deinit(&lines);
    if (!delta_refresh(table, &err)) fail_msg("%s", err.text);
}

/* -- cleaning -------------------------------------------------------------------------------------------------------- */

struct listed {
    char names[2000];
    uint32_t commits, checkpoints;
};
static bool name_take(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct listed *listed = ctx;
    (void)bytes, (void)modified_unix_us;
    size_t len = strlen(listed->names);
    struct delta_log_name name = delta_log_name_parse(key + strlen(LOG_FOLDER));
    listed->commits += name.kind == DELTA_LOG_COMMIT;
    listed->checkpoints += name.kind == DELTA_LOG_CHECKPOINT;
    snprintf(listed->names + len, sizeof listed->names - len, "%s ",
             name.kind == DELTA_LOG_OTHER ? "hint" : key + strlen(LOG_FOLDER) + 18);
    return true;
}

static struct listed list_log(struct object_store *store)
{
    struct listed listed = { .names = "" };
    struct err err = { 0 };
    assert_true(object_list(store, LOG_FOLDER, name_take, &listed, &err));
    return listed;
}

/* Versions 1 to 9 with a file each and fake checkpoints at 3 and 6; the configuration is version 10. */
static struct delta_table *log_make(struct delta_options *options, struct fake_reader *reader,
                                    const char *configuration)
{
    struct err err = { 0 };
    options->checkpoint_every = 0;
    options->checkpoint_reader = (struct delta_checkpoint_reader){ fake_read, reader };
    struct delta_table *table = test_open(options);
    for (uint8_t i = 1; i <= 9; i++) must_commit(table, 1, i, "a", i == 1 ? -1 : i - 1, i);
    fake_checkpoint(options->store, 0, 3, "00000000000000000003.checkpoint.parquet");
    fake_checkpoint(options->store, 0, 6, "00000000000000000006.checkpoint.parquet");
    assert_true(object_put(options->store, LOG_FOLDER "00000000000000000002.crc", BYTES("{}"), &err));
    assert_true(object_put(options->store, LOG_FOLDER "00000000000000000001.00000000000000000002.compacted.json",
                           BYTES("{}"), &err));
    assert_true(object_put(options->store, LOG_FOLDER "_last_checkpoint", BYTES("{\"version\":6}"), &err));
    table_configure(table, 10, configuration);
    return table;
}

#define NOW_EXPIRED "{\"delta.logRetentionDuration\":\"interval 0 seconds\"}"

static void assert_opens_whole(const struct delta_options *options)
{
    struct fake_reader *reader = options->checkpoint_reader.ctx;
    reader->asked[0] = 0;
    struct delta_table *table = test_open(options);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->file_count, 9);
    assert_int_equal(snapshot->version, 10);
    assert_int_equal(delta_snapshot_txn(snapshot, "a"), 9);
    delta_snapshot_release(snapshot);
    delta_close(table);
}

/* Goal: what the newest old checkpoint stands for goes, and nothing else; the table opens as before, also for who holds
 * it open. Method: a log with files of every kind; clean twice. */
static void test_clean(void **state)
{
    struct fixture *fixture = *state;
    struct fake_reader reader = { .asked = "" };
    struct err err = { 0 };
    uint32_t deleted;
    struct delta_table *table = log_make(&fixture->options, &reader, NOW_EXPIRED);
    struct delta_table *other = test_open(&fixture->options);
    if (!delta_clean_log(table, &deleted, &err)) fail_msg("%s", err.text);
    assert_int_equal(deleted, 6 + 1 + 1 + 1);
    assert_string_equal(list_log(fixture->store).names,
                        "06.checkpoint.parquet 06.json 07.json 08.json 09.json 10.json hint ");
    assert_non_null(strstr(reader.asked, "06.checkpoint.parquet")); /* read back first */
    assert_true(delta_clean_log(other, &deleted, &err));
    assert_int_equal(deleted, 0);
    assert_opens_whole(&fixture->options);
    must_commit(other, 1, 10, "a", 9, 10);
    must_commit(table, 1, 11, "a", 10, 11);
    delta_close(table);
    delta_close(other);
}

/* Goal: nothing goes that may be needed. Method: switched off; a long retention; a checkpoint that cannot be
 * read back; one of a version not read yet; none at all. */
static void test_clean_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *configuration, *damaged;
        bool with_checkpoints, is_error;
    } cases[] = {
        { "{\"delta.logRetentionDuration\":\"interval 0 seconds\",\"delta.enableExpiredLogCleanup\":\"False\"}", NULL,
          true, false },
        { "{\"delta.logRetentionDuration\":\"interval 5000 weeks\"}", NULL, true, false },
        { NOW_EXPIRED, "06.checkpoint", true, true },
        { NOW_EXPIRED, NULL, false, false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        uint32_t deleted;
        struct disk_sim *sim = disk_sim_create(512);
        struct object_store *store = test_store(disk_sim_disk(sim));
        struct delta_options options = test_options(store);
        struct fake_reader reader = { .asked = "" };
        struct delta_table *table = log_make(&options, &reader, cases[i].configuration);
        if (!cases[i].with_checkpoints) {
            assert_true(object_delete(store, LOG_FOLDER "00000000000000000003.checkpoint.parquet", &err) &&
                        object_delete(store, LOG_FOLDER "00000000000000000006.checkpoint.parquet", &err));
        }
        struct listed before = list_log(store);
        reader.damaged = cases[i].damaged;
        assert_int_equal(delta_clean_log(table, &deleted, &err), !cases[i].is_error);
        assert_int_equal(deleted, 0);
        assert_string_equal(list_log(store).names, before.names);
        reader.damaged = NULL;
        assert_opens_whole(&options);
        delta_close(table);
        object_store_close(store);
        disk_sim_destroy(sim);
    }
}

/* Goal: what is younger than the retention stays, to the file. Method: a real folder, times set; 30 days, the default. */
static void test_clean_by_age(void **state)
{
    (void)state;
    struct err err = { 0 };
    char dir[] = "/tmp/mono_delta_log_XXXXXX", command[64];
    struct object_store *store;
    assert_non_null(mkdtemp(dir));
    assert_true(object_store_open_folder(&store, dir, &disk_real, &err));
    struct delta_options options = test_options(store);
    struct fake_reader reader = { .asked = "" };
    struct delta_table *table = log_make(&options, &reader, "{}");
    uint32_t deleted;
    assert_true(delta_clean_log(table, &deleted, &err));
    assert_int_equal(deleted, 0);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    static const struct {
        const char *name;
        int days;
    } ages[] = { { "00000000000000000000.json", 50 },
                 { "00000000000000000001.json", 49 },
                 { "00000000000000000002.json", 29 },
                 { "00000000000000000003.checkpoint.parquet", 31 },
                 { "00000000000000000006.checkpoint.parquet", 29 } };
    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/" LOG_FOLDER "%s", dir, ages[i].name);
        struct timespec old = { now.tv_sec - ages[i].days * 86400, 0 };
        assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){ old, old }, 0), 0);
    }
    if (!delta_clean_log(table, &deleted, &err)) fail_msg("%s", err.text);
    assert_int_equal(deleted, 2); /* below checkpoint 3: versions 0 and 1; 2 is young, so are its helpers */
    struct listed listed = list_log(store);
    assert_int_equal(listed.commits, 9);
    assert_int_equal(listed.checkpoints, 2);
    assert_opens_whole(&options);
    delta_close(table);
    object_store_close(store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* Goal: cleaning that breaks off anywhere leaves a table that opens whole, and can be cleaned on. Method: stop the disk
 * after each number of operations; several states each. */
static void test_clean_cut_anywhere(void **state)
{
    (void)state;
    for (uint64_t stop = 0;; stop++) {
        struct err err = { 0 };
        uint32_t deleted;
        struct disk_sim *sim = disk_sim_create(512);
        struct object_store *store = test_store(disk_sim_disk(sim));
        struct delta_options options = test_options(store);
        struct fake_reader reader = { .asked = "" };
        struct delta_table *table = log_make(&options, &reader, NOW_EXPIRED);
        uint64_t before = disk_sim_operations(sim);
        disk_sim_stop_after(sim, stop);
        bool ok = delta_clean_log(table, &deleted, &err);
        delta_close(table);
        object_store_close(store);
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct disk_sim *after = disk_sim_crash(sim, seed);
            store = test_store(disk_sim_disk(after));
            options.store = store;
            assert_opens_whole(&options);
            table = test_open(&options);
            assert_true(delta_clean_log(table, &deleted, &err));
            assert_int_equal(list_log(store).commits, 5);
            delta_close(table);
            object_store_close(store);
            disk_sim_destroy(after);
        }
        bool was_whole = ok && disk_sim_operations(sim) - before <= stop;
        disk_sim_destroy(sim);
        if (was_whole && stop > 5) break;
        assert_true(stop < 100);
    }
}

/* -- checkpoints ------------------------------------------------------------------------------------------------------ */

/* Goal: the table's owner says how often checkpoints are written. */
static void test_checkpoint_interval(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.checkpoint_every = 2;
    struct delta_table *table = test_open(&fixture->options);
    table_configure(table, 1, "{\"delta.checkpointInterval\":\"5\"}");
    for (uint8_t i = 0; i < 9; i++) must_commit(table, 1, i, "a", i == 0 ? -1 : i, i + 1u);
    struct listed listed = list_log(fixture->store);
    assert_int_equal(listed.checkpoints, 2);
    assert_non_null(strstr(listed.names, "05.checkpoint.parquet"));
    assert_non_null(strstr(listed.names, "10.checkpoint.parquet"));
    delta_close(table);
}

/* Goal: several writers write one checkpoint an interval between them, and someone does when the one whose turn it is does
 * not. Method: commits by turns over three handles; then a handle that never writes any has all the round numbers. */
static void test_checkpoint_shared(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.checkpoint_every = 10;
    struct delta_table *tables[3];
    for (int i = 0; i < 3; i++) tables[i] = test_open(&fixture->options);
    for (uint8_t i = 0; i < 60; i++) must_commit(tables[i % 3], 1, i, "a", i == 0 ? -1 : i, i + 1u);
    assert_int_equal(list_log(fixture->store).checkpoints, 6);
    for (int i = 0; i < 3; i++) delta_close(tables[i]);
    struct delta_options lazy = fixture->options;
    lazy.checkpoint_every = 0;
    tables[0] = test_open(&fixture->options), tables[1] = test_open(&lazy);
    for (uint8_t i = 60; i < 100; i++) must_commit(tables[(i + 1) % 10 == 0], 1, i, "a", i, i + 1u);
    assert_in_range(list_log(fixture->store).checkpoints, 7, 8);
    delta_close(tables[0]);
    delta_close(tables[1]);
}

static uint32_t removed_count(struct delta_table *table)
{
    return table->catalog.removed.used;
}

/* Goal: removed files are kept in checkpoints for as long as the table's owner says, with what is known of them. */
static void test_tombstones(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    fixture->options.checkpoint_every = 0;
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    must_commit(table, 1, 2, "a", 1, 2);
    char path[160], lines[400];
    uint64_t version;
    delta_file_path(test_uuid(1), 20000, test_uuid(1), path);
    const char *removes[] = { path };
    struct delta_change change = { .removes = removes, .remove_count = 1, .operation = "DELETE", .data_change = true };
    assert_true(delta_commit(table, &change, &version, &err));
    snprintf(lines, sizeof lines, "{\"remove\":{\"path\":\"gone.parquet\",\"deletionTimestamp\":1000,\"size\":5}}\n");
    test_put_commit(fixture->store, 4, lines);
    assert_true(delta_refresh(table, &err));
    assert_int_equal(removed_count(table), 2);
    assert_true(delta_checkpoint_write(table, &err));
    assert_int_equal(removed_count(table), 1); /* 1970 is more than a week ago */
    table_configure(table, 5, "{\"delta.deletedFileRetentionDuration\":\"interval 5000 weeks\"}");
    test_put_commit(fixture->store, 6, lines);
    assert_true(delta_refresh(table, &err) && delta_checkpoint_write(table, &err));
    assert_int_equal(removed_count(table), 2);
    table_configure(table, 7, "{\"delta.deletedFileRetentionDuration\":\"interval 0 seconds\"}");
    usleep(2000);
    assert_true(delta_checkpoint_write(table, &err));
    assert_int_equal(removed_count(table), 0);
    delta_close(table);
}

/* Goal: a feature we do not have is refused by name also when only a checkpoint tells of it. Method: a log that begins
 * with a checkpoint of each kind. */
static void test_refusals_in_checkpoints(void **state)
{
    (void)state;
#define PROTOCOL(reader, writer, more) \
    "{\"protocol\":{\"minReaderVersion\":" #reader ",\"minWriterVersion\":" #writer more "}}\n"
#define FEATURE(name) \
    PROTOCOL(3, 7, ",\"readerFeatures\":[\"" name "\"],\"writerFeatures\":[\"" name "\",\"appendOnly\"]")
#define WRITER_FEATURE(name) PROTOCOL(1, 7, ",\"writerFeatures\":[\"" name "\",\"invariants\"]")
    static const struct {
        const char *line, *word;
    } cases[] = {
        { FEATURE("deletionVectors"), "deletionVectors" },
        { FEATURE("columnMapping"), "columnMapping" },
        { FEATURE("v2Checkpoint"), "v2Checkpoint" },
        { FEATURE("timestampNtz"), "timestampNtz" },
        { FEATURE("typeWidening"), "typeWidening" },
        { FEATURE("variantType"), "variantType" },
        { FEATURE("vacuumProtocolCheck"), "vacuumProtocolCheck" },
        { WRITER_FEATURE("rowTracking"), "rowTracking" },
        { WRITER_FEATURE("inCommitTimestamp"), "inCommitTimestamp" },
        { WRITER_FEATURE("clustering"), "clustering" },
        { WRITER_FEATURE("domainMetadata"), "domainMetadata" },
        { WRITER_FEATURE("identityColumns"), "identityColumns" },
        { WRITER_FEATURE("generatedColumns"), "generatedColumns" },
        { WRITER_FEATURE("checkConstraints"), "checkConstraints" },
        { WRITER_FEATURE("changeDataFeed"), "changeDataFeed" },
        { WRITER_FEATURE("icebergCompatV1"), "icebergCompatV1" },
        { PROTOCOL(2, 5, ""), "columnMapping" },
        { PROTOCOL(1, 3, ""), "checkConstraints" },
        { PROTOCOL(1, 6, ""), "identityColumns" },
        { "{\"sidecar\":{\"path\":\"x\",\"sizeInBytes\":1}}\n" PROTOCOL(1, 2, ""), "v2Checkpoint" },
        { "{\"checkpointMetadata\":{\"version\":1}}\n" FEATURE("v2Checkpoint"), "v2Checkpoint" },
        { PROTOCOL(1, 2, "") "{\"add\":{\"path\":\"x.parquet\",\"size\":1,\"partitionValues\":{},\"deletionVector\":{"
                             "\"storageType\":\"u\"}}}"
                             "\n",
          "deletionVectors" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        struct disk_sim *sim = disk_sim_create(512);
        struct object_store *store = test_store(disk_sim_disk(sim));
        struct delta_options options = test_options(store);
        struct fake_reader reader = { .asked = "" };
        options.checkpoint_reader = (struct delta_checkpoint_reader){ fake_read, &reader };
        delta_close(test_open(&options));
        struct buf lines;
        buf_init(&lines, 1 << 20);
        assert_true(object_get(store, LOG_FOLDER "00000000000000000000.json", 1 << 20, &lines, &err));
        const uint8_t *metadata = memmem(lines.ptr, lines.len, "{\"metaData\"", 11);
        struct buf checkpoint;
        buf_init(&checkpoint, 1 << 20);
        assert_true(buf_add(&checkpoint, metadata, lines.len - (size_t)(metadata - lines.ptr)) &&
                    buf_add(&checkpoint, cases[i].line, strlen(cases[i].line)));
        assert_true(
            object_put(store, LOG_FOLDER "00000000000000000005.checkpoint.parquet", buf_bytes(&checkpoint), &err));
        delete_commits(store, 0, 0);
        struct delta_table *table;
        assert_false(delta_open(&table, &options, &err));
        if (err.code != ERR_UNSUPPORTED || !strstr(err.text, cases[i].word))
            fail_msg("%s: %s %s", cases[i].word, err_name(err.code), err.text);
        buf_deinit(&lines);
        buf_deinit(&checkpoint);
        object_store_close(store);
        disk_sim_destroy(sim);
    }
}

/* Goal: a log that begins with a V2 checkpoint, whose name alone says so, is refused by that name. */
static void test_v2_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct fake_reader reader = { .asked = "" };
    struct err err = { 0 };
    struct delta_table *table;
    fixture->options.checkpoint_reader = (struct delta_checkpoint_reader){ fake_read, &reader };
    assert_true(object_put(fixture->store,
                           LOG_FOLDER "00000000000000000005.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet",
                           BYTES("x"), &err));
    for (int i = 0; i < 2; i++) {
        err = (struct err){ 0 };
        assert_false(delta_open(&table, &fixture->options, &err));
        assert_int_equal(err.code, ERR_UNSUPPORTED);
        assert_non_null(strstr(err.text, "v2Checkpoint"));
        test_put_commit(fixture->store, 6u + (unsigned)i, "{\"commitInfo\":{}}");
    }
}

int main(void)
{
#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_intervals),
        WITH_TABLE(test_clean),
        cmocka_unit_test(test_clean_nothing),
        cmocka_unit_test(test_clean_by_age),
        cmocka_unit_test(test_clean_cut_anywhere),
        WITH_TABLE(test_checkpoint_interval),
        WITH_TABLE(test_checkpoint_shared),
        WITH_TABLE(test_tombstones),
        cmocka_unit_test(test_refusals_in_checkpoints),
        WITH_TABLE(test_v2_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
