/* Tables: commits that happen once, races, other writers' logs, checkpoints, power cuts. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "timefusion/delta/delta_test_table.h"
#include "timefusion/object/object_ops.h"

static void assert_sorted(const struct delta_snapshot *snapshot)
{
    for (uint32_t i = 1; i < snapshot->file_count; i++) {
        const struct delta_file *a = delta_snapshot_file(snapshot, i - 1), *b = delta_snapshot_file(snapshot, i);
        int order = memcmp(&a->project_id, &b->project_id, sizeof a->project_id);
        assert_true(order < 0 || (order == 0 && a->timestamp_max_us >= b->timestamp_max_us));
        assert_string_not_equal(a->path, b->path);
    }
}

/* Goal: what was committed is in the snapshot, sorted, found by project; and the same after reopening from the log.
 * Method: files of three projects in mixed order, no checkpoint. */
static void test_commit_and_reopen(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.checkpoint_every = 0;
    struct delta_table *table = test_open(&fixture->options);
    static const uint8_t projects[] = { 2, 1, 3, 2, 2, 1 };
    for (uint8_t i = 0; i < COUNT_OF(projects); i++)
        must_commit(table, projects[i], i, "app/0", i == 0 ? -1 : i * 10, (i + 1) * 10u);
    for (int reopened = 0; reopened < 2; reopened++) {
        struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
        uint32_t first, count;
        assert_int_equal(snapshot->version, COUNT_OF(projects));
        assert_int_equal(snapshot->file_count, COUNT_OF(projects));
        assert_sorted(snapshot);
        assert_int_equal(delta_snapshot_txn(snapshot, "app/0"), 60);
        assert_int_equal(delta_snapshot_txn(snapshot, "app/1"), -1);
        delta_snapshot_project(snapshot, test_uuid(2), &first, &count);
        assert_int_equal(first, 2);
        assert_int_equal(count, 3);
        const struct delta_file *newest = delta_snapshot_file(snapshot, first);
        assert_int_equal(newest->row_count, 14);
        assert_int_equal(newest->bytes, 1004);
        assert_int_equal(newest->day, 20000);
        assert_true(newest->timestamp_min_us == 4000000);
        assert_int_equal(newest->timestamp_max_us, reopened ? 4001999 : 4000013); /* to the millisecond, never below */
        assert_true(newest->stats.len > 0);
        delta_snapshot_project(snapshot, test_uuid(4), &first, &count);
        assert_int_equal(count, 0);
        delta_snapshot_release(snapshot);
        delta_close(table);
        if (!reopened) table = test_open(&fixture->options);
    }
}

/* Goal: a snapshot stays as it is, and its files stay readable, whatever is committed or removed after it.
 * Method: hold one over a commit and over another writer's remove, then let go in the wrong order. */
static void test_snapshot_is_immutable(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    struct delta_snapshot *old = delta_snapshot_acquire(table);
    must_commit(table, 1, 2, "a", 1, 2);
    struct delta_snapshot *middle = delta_snapshot_acquire(table);
    char path[160], lines[300];
    delta_file_path(test_uuid(1), 20000, test_uuid(1), path);
    snprintf(lines, sizeof lines, "{\"remove\":{\"path\":\"%s\",\"deletionTimestamp\":5,\"dataChange\":true}}\n\n",
             path);
    test_put_commit(fixture->store, 3, lines);
    assert_true(delta_refresh(table, &err));
    struct delta_snapshot *now = delta_snapshot_acquire(table);
    assert_int_equal(now->file_count, 1);
    assert_int_equal(now->version, 3);
    delta_snapshot_release(now);
    delta_snapshot_release(middle);
    assert_int_equal(old->file_count, 1);
    assert_int_equal(old->version, 1);
    assert_string_equal(delta_snapshot_file(old, 0)->path, path);
    delta_snapshot_release(old);
    delta_close(table);
}

enum { RACERS = 4, RACE_COMMITS = 25 };
struct racer {
    struct delta_table *table;
    uint8_t number;
    atomic_int *failed;
};

static void *racer_run(void *ctx)
{
    struct racer *racer = ctx;
    char app[16];
    snprintf(app, sizeof app, "app/%u", racer->number);
    for (uint8_t i = 0; i < RACE_COMMITS; i++) {
        struct err err = { 0 };
        uint8_t file = (uint8_t)(racer->number * RACE_COMMITS + i);
        if (!commit_file(racer->table, racer->number, file, app, i == 0 ? -1 : i, i + 1u, &err)) {
            fprintf(stderr, "%s\n", err.text);
            atomic_fetch_add(racer->failed, 1);
        }
        struct delta_snapshot *snapshot = delta_snapshot_acquire(racer->table);
        if (delta_snapshot_txn(snapshot, app) != i + 1) atomic_fetch_add(racer->failed, 1);
        delta_snapshot_release(snapshot);
    }
    return NULL;
}

/* Goal: writers of different partitions all get in, each file once. Method: four threads over two handles of one table. */
static void test_writers_race(void **state)
{
    struct fixture *fixture = *state;
    struct delta_table *tables[2] = { test_open(&fixture->options), test_open(&fixture->options) };
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    atomic_int failed = 0;
    for (uint8_t i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){ tables[i % 2], i, &failed };
        assert_int_equal(pthread_create(&threads[i], NULL, racer_run, &racers[i]), 0);
    }
    for (uint8_t i = 0; i < RACERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(failed, 0);
    struct err err = { 0 };
    for (int i = 0; i < 2; i++) {
        assert_true(delta_refresh(tables[i], &err));
        struct delta_snapshot *snapshot = delta_snapshot_acquire(tables[i]);
        assert_int_equal(snapshot->version, RACERS * RACE_COMMITS);
        assert_int_equal(snapshot->file_count, RACERS * RACE_COMMITS);
        assert_sorted(snapshot);
        delta_snapshot_release(snapshot);
        delta_close(tables[i]);
    }
}

/* Goal: of two owners of one partition the second is told ERR_CONFLICT, and its files do not get in; whoever starts from
 * the true position does. Method: two handles, the same step of the same application. */
static void test_fencing(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *a = test_open(&fixture->options), *b = test_open(&fixture->options);
    must_commit(a, 1, 1, "app", -1, 10);
    assert_false(commit_file(b, 1, 2, "app", -1, 12, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(b);
    assert_int_equal(delta_snapshot_txn(snapshot, "app"), 10); /* it has seen why */
    assert_int_equal(snapshot->file_count, 1);
    delta_snapshot_release(snapshot);
    must_commit(b, 1, 2, "app", 10, 12);
    must_commit(a, 1, 3, "app", 12, 13); /* a has not seen 12 yet: it looks before it says no */
    must_commit(b, 1, 4, "other", -1, 1);
    err = (struct err){ 0 };
    assert_false(commit_file(a, 1, 5, "app", 10, 14, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    delta_close(a);
    delta_close(b);
}

/* Goal: a put that failed after it had worked is not done twice, and is durable once answered.
 * Method: fail the folder's sync behind the link; try again; take the power away. */
static void test_uncertain_put(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "app", -1, 1);
    disk_sim_fail(fixture->sim, DISK_SIM_SYNC_DIR, 1, 1, EIO);
    assert_false(commit_file(table, 1, 2, "app", 1, 2, &err));
    assert_int_equal(err.code, ERR_IO);
    err = (struct err){ 0 };
    assert_true(delta_refresh(table, &err)); /* not shown while it may still be lost */
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->version, 1);
    delta_snapshot_release(snapshot);
    must_commit(table, 1, 2, "app", 1, 2);
    snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->version, 2);
    assert_int_equal(snapshot->file_count, 2);
    delta_snapshot_release(snapshot);
    delta_close(table);

    struct disk_sim *after = disk_sim_crash(fixture->sim, DISK_SIM_SEED_LOSE_ALL);
    struct object_store *store = test_store(disk_sim_disk(after));
    struct delta_options options = test_options(store);
    table = test_open(&options);
    snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->file_count, 2);
    delta_snapshot_release(snapshot);
    delta_close(table);
    object_store_close(store);
    disk_sim_destroy(after);
}

/* -- other writers' logs ------------------------------------------------------------------------------------------ */

static void assert_refused(struct delta_options *options, const char *lines, enum err_code code, const char *word)
{
    struct err err = { 0 };
    struct disk_sim *sim = disk_sim_create(512);
    struct object_store *store = test_store(disk_sim_disk(sim));
    struct delta_options here = *options;
    here.store = store;
    struct delta_table *table = test_open(&here), *late = NULL;
    test_put_commit(store, 1, lines);
    assert_false(delta_refresh(table, &err));
    if (err.code != code || strstr(err.text, word) == NULL) fail_msg("refresh: %s %s", err_name(err.code), err.text);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->version, 0); /* as it was */
    delta_snapshot_release(snapshot);
    err = (struct err){ 0 };
    assert_false(commit_file(table, 1, 1, "a", -1, 1, &err)); /* nor is anything written on top of it */
    assert_int_equal(err.code, code);
    delta_close(table);
    err = (struct err){ 0 };
    assert_false(delta_open(&late, &here, &err));
    assert_null(late);
    if (err.code != code || strstr(err.text, word) == NULL) fail_msg("open: %s %s", err_name(err.code), err.text);
    object_store_close(store);
    disk_sim_destroy(sim);
}

/* Goal: features that we do not have are refused by their names, damaged logs as such; nothing is applied in part.
 * Method: a second commit with each. */
static void test_refusals(void **state)
{
    struct fixture *fixture = *state;
    struct delta_options *options = &fixture->options;
#define ADD_HEAD                                                                                        \
    "{\"add\":{\"path\":\"project_id=00000000-0000-4000-8000-000000000000/date=2026-11-22/x.parquet\"," \
    "\"partitionValues\":{\"project_id\":\"00000000-0000-4000-8000-000000000000\",\"date\":\"2026-11-22\"}"
#define GOOD_ADD ADD_HEAD ",\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n"
    static const struct {
        const char *lines;
        enum err_code code;
        const char *word;
    } cases[] = {
        { "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"deletionVectors\"],"
          "\"writerFeatures\":[\"deletionVectors\"]}}",
          ERR_UNSUPPORTED, "deletionVectors" },
        { "{\"protocol\":{\"minReaderVersion\":2,\"minWriterVersion\":5}}", ERR_UNSUPPORTED, "columnMapping" },
        { "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"v2Checkpoint\"],"
          "\"writerFeatures\":[\"v2Checkpoint\"]}}",
          ERR_UNSUPPORTED, "v2Checkpoint" },
        { "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"appendOnly\","
          "\"rowTracking\"]}}",
          ERR_UNSUPPORTED, "rowTracking" },
        { "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":4}}", ERR_UNSUPPORTED, "changeDataFeed" },
        { "{\"protocol\":{\"minReaderVersion\":9,\"minWriterVersion\":9}}", ERR_UNSUPPORTED, "reader version 9" },
        { GOOD_ADD ADD_HEAD ",\"size\":1,\"deletionVector\":{\"storageType\":\"u\"}}}", ERR_UNSUPPORTED,
          "deletionVectors" },
        { GOOD_ADD "{\"add\":{\"path\":\"s3://bucket/x.parquet\"}}", ERR_UNSUPPORTED, "outside the table" },
        { GOOD_ADD "{\"add\":{\"path\":\"../x.parquet\"}}", ERR_CORRUPT, "path" },
        { GOOD_ADD "{\"add\":{\"path\":\"a%2F..%2F..%2Fx.parquet\"}}", ERR_CORRUPT, "path" },
        { GOOD_ADD "{\"add\":{\"size\":1}}", ERR_CORRUPT, "path" },
        { GOOD_ADD "{\"add\":{\"path\":\"x\",\"size\":1,\"partitionValues\":{\"project_id\":\"p\"}}}", ERR_CORRUPT,
          "project_id" },
        { GOOD_ADD ADD_HEAD ",\"size\":-1}}", ERR_CORRUPT, "size" },
        { GOOD_ADD ADD_HEAD ",\"size\":\"1\"}}", ERR_CORRUPT, "size" },
        { GOOD_ADD "{\"txn\":{\"appId\":\"a\"}}", ERR_CORRUPT, "txn" },
        { GOOD_ADD "{\"txn\":{\"appId\":\"a\",\"version\":9223372036854775808}}", ERR_CORRUPT, "version" },
        { GOOD_ADD "{\"add\":", ERR_CORRUPT, "not JSON" },
        { GOOD_ADD "[]", ERR_CORRUPT, "object" },
        { GOOD_ADD "{\"remove\":{\"path\":\"x\"},\"txn\":{\"appId\":\"a\",\"version\":1}}", ERR_CORRUPT,
          "two actions" },
        { "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{}\",\"partitionColumns\":[\"project_id\",\"date\"]}}",
          ERR_CORRUPT, "schema" },
        { "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{\\\"fields\\\":[]}\",\"partitionColumns\":[\"project_id\","
          "\"date\"]}}",
          ERR_UNSUPPORTED, "no column" },
        { "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{\\\"fields\\\":[]}\",\"partitionColumns\":[\"date\"]}}",
          ERR_UNSUPPORTED, "partitioned" },
        { "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{\\\"fields\\\":[{\\\"name\\\":\\\"timestamp\\\","
          "\\\"type\\\":\\\"long\\\"}]}\","
          "\"partitionColumns\":[\"project_id\",\"date\"]}}",
          ERR_UNSUPPORTED, "project_id" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) assert_refused(options, cases[i].lines, cases[i].code, cases[i].word);
}

/* Goal: what other writers may do is read right. Method: a commit with unknown actions, a file without statistics, a
 * remove and add of one path in the wrong order, CRLF, an encoded path. */
static void test_other_writers(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options);
    test_put_commit(
        fixture->store, 1,
        "{\"commitInfo\":{\"engineInfo\":\"x\"}}\r\n{\"domainMetadata\":{\"domain\":\"d\"}}\n\n" GOOD_ADD
        "{\"remove\":{\"path\":\"project_id=00000000-0000-4000-8000-000000000000/date=2026-11-22/x.parquet\","
        "\"deletionTimestamp\":null}}\n"
        "{\"add\":{\"path\":\"a%20b.parquet\",\"partitionValues\":{\"project_id\":"
        "\"00000000-0000-4000-8000-000000000000\",\"date\":\"2026-11-22\"},\"size\":7,\"modificationTime\":1,"
        "\"stats\":\"{\\\"numRecords\\\":5,\\\"minValues\\\":{\\\"timestamp\\\":\\\"2026-11-22T00:00:00Z\\\"},"
        "\\\"maxValues\\\":{\\\"timestamp\\\":\\\"2026-11-22T00:00:01Z\\\"}}\"}}");
    if (!delta_refresh(table, &err)) fail_msg("%s", err.text);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->file_count, 2);
    assert_true(delta_snapshot_file(snapshot, 0)->row_count == DELTA_ROWS_UNKNOWN);
    assert_true(delta_snapshot_file(snapshot, 0)->timestamp_min_us == INT64_MIN &&
                delta_snapshot_file(snapshot, 0)->timestamp_max_us == INT64_MAX);
    assert_int_equal(delta_snapshot_file(snapshot, 0)->stats.len, 0);
    assert_string_equal(delta_snapshot_file(snapshot, 1)->path, "a b.parquet");
    assert_int_equal(delta_snapshot_file(snapshot, 1)->row_count, 5);
    assert_int_equal(delta_snapshot_file(snapshot, 1)->timestamp_max_us -
                         delta_snapshot_file(snapshot, 1)->timestamp_min_us,
                     1999999);
    delta_snapshot_release(snapshot);
    delta_close(table);
}

enum { MODEL_FILES = 600, MODEL_COMMITS = 40, MODEL_CHANGES = 120 };

static void assert_is_model(struct delta_table *table, const bool *live)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    bool seen[MODEL_FILES] = { 0 };
    uint32_t live_count = 0;
    for (uint32_t i = 0; i < MODEL_FILES; i++) live_count += live[i];
    assert_int_equal(snapshot->file_count, live_count);
    for (uint32_t i = 0; i < snapshot->file_count; i++) {
        int number = atoi(delta_snapshot_file(snapshot, i)->path);
        assert_true(live[number] && !seen[number]);
        seen[number] = true;
    }
    assert_sorted(snapshot);
    delta_snapshot_release(snapshot);
}

/* Goal: any mix of adds, removes and adds again leaves exactly the live files. Method: random commits of another writer
 * against an array of flags, with a table that follows and one that opens late. */
static void test_many_files(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    bool live[MODEL_FILES] = { 0 };
    uint32_t random = 1;
    struct delta_table *table = test_open(&fixture->options);
    for (uint64_t version = 1; version <= MODEL_COMMITS; version++) {
        bool changed[MODEL_FILES] = { 0 };
        struct buf lines;
        buf_init(&lines, 1 << 20);
        for (int i = 0; i < MODEL_CHANGES; i++) {
            random = random * 1664525 + 1013904223;
            uint32_t number = (random >> 8) % MODEL_FILES;
            if (changed[number]) continue;
            changed[number] = true;
            bool ok =
                live[number] && (random & 0x80)
                    ? buf_printf(&lines, "{\"remove\":{\"path\":\"%u.parquet\",\"deletionTimestamp\":%u}}\n", number,
                                 random)
                    : buf_printf(
                          &lines,
                          "{\"add\":{\"path\":\"%u.parquet\",\"size\":1,\"modificationTime\":1,\"partitionValues\":"
                          "{\"project_id\":\"0000000%u-0000-4000-8000-000000000000\",\"date\":\"2026-11-22\"},"
                          "\"stats\":\"{\\\"minValues\\\":{\\\"timestamp\\\":\\\"2026-11-22T00:00:00Z\\\"},"
                          "\\\"maxValues\\\":{\\\"timestamp\\\":\\\"2026-11-22T00:%02u:00Z\\\"}}\"}}\n",
                          number, random % 5, (random >> 4) % 60);
            assert_true(ok);
            live[number] = !(live[number] && (random & 0x80));
        }
        char *text = bytes_to_text(buf_bytes(&lines));
        test_put_commit(fixture->store, version, text);
        free(text);
        buf_deinit(&lines);
        struct delta_snapshot *before = version % 3 == 0 ? delta_snapshot_acquire(table) : NULL;
        if (version % 2 == 0 && !delta_refresh(table, &err)) fail_msg("%s", err.text);
        if (version % 2 == 0) assert_is_model(table, live);
        delta_snapshot_release(before);
    }
    delta_close(table);
    table = test_open(&fixture->options);
    assert_is_model(table, live);
    delta_close(table);
}

/* Goal: a hole in the versions is found, wherever the log is opened from. Method: leave one out. */
static void test_hole(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    delta_close(table);
    test_put_commit(fixture->store, 3, "{\"commitInfo\":{}}");
    assert_false(delta_open(&table, &fixture->options, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "version 2 is missing"));
    assert_true(object_delete(fixture->store, LOG_FOLDER "00000000000000000000.json", &err));
    assert_false(delta_open(&table, &fixture->options, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
}

static struct half_listing {
    const struct object_ops *whole;
    bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us);
    void *ctx;
} half_listing;

static bool list_half_entry(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct half_listing *half = ctx;
    if (strstr(key, "00000000000000000001.json")) return true;
    return half->entry(half->ctx, key, bytes, modified_unix_us);
}

static bool list_half(struct object_store *store, const char *prefix, const char *start_after,
                      bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                      struct err *err)
{
    half_listing.entry = entry;
    half_listing.ctx = ctx;
    return half_listing.whole->list(store, prefix, start_after, list_half_entry, &half_listing, err);
}

/* Goal: a commit that a listing has left out, as that of a folder may while others commit, is no hole. Method: a store that
 * does not list one of three. */
static void test_listing_misses_one(void **state)
{
    struct fixture *fixture = *state;
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    must_commit(table, 1, 2, "a", 1, 2);
    delta_close(table);
    half_listing.whole = fixture->store->ops;
    struct object_ops half = *half_listing.whole;
    half.list = list_half;
    fixture->store->ops = &half;
    table = test_open(&fixture->options);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->version, 2);
    assert_int_equal(snapshot->file_count, 2);
    delta_snapshot_release(snapshot);
    delta_close(table);
    fixture->store->ops = half_listing.whole;
}

/* Goal: new nullable columns of ours are added to an older table, once, behind its own. Method: make it with fewer
 * columns, open it with all by two handles, and with the fewer again. */
static void test_new_columns(void **state)
{
    struct fixture *fixture = *state;
    struct schema_table fewer = *schema_table(SCHEMA_METRICS);
    fewer.column_count -= 1; /* message_size_bytes is not null: it cannot be added later */
    struct err err = { 0 };
    struct delta_table *table;
    struct delta_options old = fixture->options;
    old.table = &fewer;
    delta_close(test_open(&old));
    assert_false(delta_open(&table, &fixture->options, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "message_size_bytes"));

    struct schema_column columns[SCHEMA_COLUMNS_MAX];
    struct schema_table more = fewer;
    memcpy(columns, fewer.columns, fewer.column_count * sizeof *columns);
    columns[more.column_count++] =
        (struct schema_column){ .name = "new_one", .type = SCHEMA_TYPE_TEXT, .attribute = "" };
    more.columns = columns;
    struct delta_options new = fixture->options;
    new.table = &more;
    for (int i = 0; i < 2; i++) {
        table = test_open(&new);
        struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
        assert_int_equal(snapshot->version, 1);
        delta_snapshot_release(snapshot);
        delta_close(table);
    }
    delta_close(test_open(&old)); /* an older program beside it */
    struct buf buf;
    buf_init(&buf, 1 << 20);
    assert_true(object_get(fixture->store, LOG_FOLDER "00000000000000000001.json", 1 << 20, &buf, &err));
    assert_non_null(memmem(buf.ptr, buf.len, "new_one", 7));
    assert_null(memmem(buf.ptr, buf.len, "\"protocol\"", 10));
    buf_deinit(&buf);
}

/* -- checkpoints -------------------------------------------------------------------------------------------------- */

static void assert_opens(struct delta_options *options, uint32_t files, int64_t txn, const char *asked)
{
    struct fake_reader *reader = options->checkpoint_reader.ctx;
    reader->asked[0] = 0;
    struct delta_table *table = test_open(options);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    assert_int_equal(snapshot->file_count, files);
    assert_int_equal(delta_snapshot_txn(snapshot, "a"), txn);
    assert_string_equal(reader->asked, asked);
    delta_snapshot_release(snapshot);
    delta_close(table);
}

/* Goal: the newest whole checkpoint that can be read is used, older ways when it cannot, and _last_checkpoint is only a
 * hint. Method: fake checkpoints of each kind; then damage, missing parts, a wrong hint. */
static void test_checkpoint_choice(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct fake_reader reader = { .asked = "" };
    struct delta_options *options = &fixture->options;
    struct object_store *store = fixture->store;
    options->checkpoint_every = 0;
    struct delta_table *table = test_open(options);
    for (uint8_t i = 0; i < 8; i++) must_commit(table, 1, i, "a", i == 0 ? -1 : i, i + 1u);
    delta_close(table);
    options->checkpoint_reader = (struct delta_checkpoint_reader){ fake_read, &reader };
    assert_opens(options, 8, 8, "");
    fake_checkpoint(store, 0, 3, "00000000000000000003.checkpoint.parquet");
    assert_opens(options, 8, 8, "03.checkpoint.parquet ");
    fake_checkpoint(store, 0, 2, "00000000000000000006.checkpoint.0000000001.0000000002.parquet");
    assert_opens(options, 8, 8, "03.checkpoint.parquet "); /* half of one */
    fake_checkpoint(store, 3, 6, "00000000000000000006.checkpoint.0000000002.0000000002.parquet");
    assert_opens(options, 8, 8,
                 "06.checkpoint.0000000001.0000000002.parquet 06.checkpoint.0000000002.0000000002.parquet ");
    assert_true(object_put(store, LOG_FOLDER "_last_checkpoint", BYTES("{\"version\":3,\"size\":1}"), &err));
    assert_opens(options, 8, 8,
                 "06.checkpoint.0000000001.0000000002.parquet 06.checkpoint.0000000002.0000000002.parquet ");
    static const char *const hints[] = { "{\"version\":5}", "{\"version\":99999}", "{\"version\":-1}", "rubbish", "" };
    for (size_t i = 0; i < COUNT_OF(hints); i++) {
        assert_true(object_put(store, LOG_FOLDER "_last_checkpoint", bytes_of_text(hints[i]), &err));
        assert_opens(options, 8, 8,
                     "06.checkpoint.0000000001.0000000002.parquet 06.checkpoint.0000000002.0000000002.parquet ");
    }
    assert_true(object_delete(store, LOG_FOLDER "_last_checkpoint", &err));
    reader.damaged = "06.checkpoint";
    assert_opens(options, 8, 8, "06.checkpoint.0000000001.0000000002.parquet 03.checkpoint.parquet ");
    reader.damaged = "checkpoint";
    assert_opens(options, 8, 8, "06.checkpoint.0000000001.0000000002.parquet 03.checkpoint.parquet ");
    reader.damaged = NULL;
    delete_commits(store, 0, 6);
    assert_opens(options, 8, 8,
                 "06.checkpoint.0000000001.0000000002.parquet 06.checkpoint.0000000002.0000000002.parquet ");
    delete_commits(store, 7, 8);
    assert_opens(options, 6, 6,
                 "06.checkpoint.0000000001.0000000002.parquet 06.checkpoint.0000000002.0000000002.parquet ");

    options->checkpoint_reader.read = NULL;
    assert_false(delta_open(&table, options, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    options->checkpoint_reader.read = fake_read;
    reader.damaged = "checkpoint";
    assert_false(delta_open(&table, options, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
}

/* -- power cuts --------------------------------------------------------------------------------------------------- */

enum { CUT_COMMITS = 7 };

/* Commits until the power goes; returns how many were answered. */
static uint32_t cut_run(struct disk_sim *sim)
{
    struct object_store *store;
    struct delta_table *table;
    struct err err = { 0 };
    uint32_t answered = 0;
    if (!object_store_open_folder(&store, "/store", disk_sim_disk(sim), &err)) return 0;
    struct delta_options options = test_options(store);
    if (delta_open(&table, &options, &err)) {
        while (answered < CUT_COMMITS && commit_file(table, 1, (uint8_t)answered, "a",
                                                     answered == 0 ? -1 : (int64_t)answered, answered + 1u, &err))
            answered++;
        delta_close(table);
    }
    object_store_close(store);
    return answered;
}

struct hint_check {
    struct object_store *store;
    uint32_t checkpoints;
};

static bool checkpoint_check(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct hint_check *check = ctx;
    char tail[4];
    struct err err = { 0 };
    (void)modified_unix_us;
    if (!strstr(key, ".checkpoint.parquet")) return true;
    if (!object_get_range(check->store, key, bytes - 4, tail, 4, &err)) fail_msg("%s", err.text);
    assert_memory_equal(tail, "PAR1", 4);
    check->checkpoints++;
    return true;
}

/* The table opens, holds every answered commit and at most the one under way, each once, and takes more. */
static void assert_cut(struct disk_sim *after, uint32_t answered)
{
    struct object_store *store = test_store(disk_sim_disk(after));
    struct delta_options options = test_options(store);
    struct delta_table *table = test_open(&options);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    int64_t txn = delta_snapshot_txn(snapshot, "a");
    uint32_t files = snapshot->file_count;
    assert_in_range(files, answered, answered + 1);
    assert_int_equal(txn, files == 0 ? -1 : (int64_t)files);
    assert_int_equal(snapshot->version, files);
    assert_sorted(snapshot);
    delta_snapshot_release(snapshot);
    struct hint_check check = { store, 0 };
    struct err err = { 0 };
    assert_true(object_list(store, LOG_FOLDER, checkpoint_check, &check, &err));
    uint64_t bytes;
    if (object_size(store, LOG_FOLDER "_last_checkpoint", &bytes, &err))
        assert_true(bytes > 0 && check.checkpoints > 0);
    must_commit(table, 1, 100, "a", txn, 100);
    delta_close(table);
    object_store_close(store);
}

/* Goal: whenever the power goes, the table opens with all answered commits, exactly once. Method: stop the disk after
 * each number of operations of seven commits with two checkpoints; several states each. */
static void test_power_cut_anywhere(void **state)
{
    (void)state;
    struct disk_sim *sim = disk_sim_create(4096);
    assert_int_equal(cut_run(sim), CUT_COMMITS);
    uint64_t operations = disk_sim_operations(sim);
    disk_sim_destroy(sim);
    assert_true(operations > 60);
    for (uint64_t stop = 0; stop <= operations; stop++) {
        sim = disk_sim_create(4096);
        disk_sim_stop_after(sim, stop);
        uint32_t answered = cut_run(sim);
        for (uint64_t seed = 0; seed < 7; seed++) {
            struct disk_sim *after = disk_sim_crash(sim, seed);
            assert_cut(after, answered);
            disk_sim_destroy(after);
        }
        disk_sim_destroy(sim);
    }
}

/* Goal: a disk that fails once never makes a commit appear twice or an answered one go. Method: fail each kind of call at
 * each place under a commit with a checkpoint, retry as a flush does, count the files. */
static void test_disk_failures(void **state)
{
    (void)state;
    for (int kind = 0; kind < DISK_SIM_OPERATION_COUNT; kind++) {
        for (uint32_t nth = 1; nth < 12; nth++) {
            struct disk_sim *sim = disk_sim_create(512);
            struct object_store *store = test_store(disk_sim_disk(sim));
            struct delta_options options = test_options(store);
            struct delta_table *table = test_open(&options);
            must_commit(table, 1, 1, "a", -1, 1);
            must_commit(table, 1, 2, "a", 1, 2);
            disk_sim_fail(sim, (enum disk_sim_operation)kind, nth, 1, EIO);
            struct err err = { 0 };
            for (int tries = 0; !commit_file(table, 1, 3, "a", 2, 3, &err); tries++) {
                assert_int_equal(err.code, ERR_IO);
                assert_true(tries < 2);
                err = (struct err){ 0 };
            }
            disk_sim_fail(sim, (enum disk_sim_operation)kind, 1, 0, 0);
            must_commit(table, 1, 4, "a", 3, 4);
            delta_close(table);
            table = test_open(&options);
            struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
            assert_int_equal(snapshot->file_count, 4);
            assert_int_equal(snapshot->version, 4);
            delta_snapshot_release(snapshot);
            delta_close(table);
            object_store_close(store);
            disk_sim_destroy(sim);
        }
    }
}

int main(void)
{
#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_TABLE(test_commit_and_reopen),
        WITH_TABLE(test_snapshot_is_immutable),
        WITH_TABLE(test_writers_race),
        WITH_TABLE(test_fencing),
        WITH_TABLE(test_uncertain_put),
        WITH_TABLE(test_refusals),
        WITH_TABLE(test_other_writers),
        WITH_TABLE(test_many_files),
        WITH_TABLE(test_hole),
        WITH_TABLE(test_listing_misses_one),
        WITH_TABLE(test_new_columns),
        WITH_TABLE(test_checkpoint_choice),
        cmocka_unit_test(test_power_cut_anywhere),
        cmocka_unit_test(test_disk_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
