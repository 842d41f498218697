/* Checkpoints read by columns: our own give back what went in, other writers' mean what their rows say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "timefusion/delta/delta_table.h"
#include "timefusion/delta/delta_test_table.h"
#include "timefusion/query/query.h"

enum { FILES = 3000, PER_COMMIT = 250 };

/* Files of twenty projects; every third is replaced. Statistics of other writers too: none, odd ones. */
static void table_fill(struct delta_table *table)
{
    struct err err = { 0 };
    struct test_footer *footers = mem_alloc(PER_COMMIT * sizeof *footers);
    char(*paths)[160] = mem_alloc(PER_COMMIT * sizeof *paths);
    struct delta_add *adds = mem_alloc(PER_COMMIT * sizeof *adds);
    uint64_t version;
    for (uint32_t from = 0; from < FILES; from += PER_COMMIT) {
        for (uint32_t i = 0; i < PER_COMMIT; i++) {
            uint32_t number = from + i;
            test_footer_init(&footers[i], table->options.table, 1 + number, number * INT64_C(7777777));
            delta_file_path(test_uuid((uint8_t)(number % 20)), 20000 + (int32_t)(number / 100), uuid_random(),
                            paths[i]);
            adds[i] = (struct delta_add){ paths[i], test_uuid((uint8_t)(number % 20)), 20000 + (int32_t)(number / 100),
                                          1000 + number, &footers[i].footer };
        }
        struct delta_change change = { .adds = adds, .add_count = PER_COMMIT, .data_change = true };
        if (!delta_commit(table, &change, &version, &err)) fail_msg("%s", err.text);
        const char *removes[PER_COMMIT / 3];
        for (uint32_t i = 0; i < PER_COMMIT / 3; i++) removes[i] = paths[3 * i];
        change = (struct delta_change){ .removes = removes, .remove_count = PER_COMMIT / 3, .operation = "DELETE" };
        if (!delta_commit(table, &change, &version, &err)) fail_msg("%s", err.text);
    }
    free(footers);
    free(paths);
    free(adds);
    must_commit(table, 3, 200, "app \"ä\"", -1, 12345678901);
    test_put_commit(
        table->options.store, table->version + 1,
        "{\"remove\":{\"path\":\"never%20known.parquet\",\"deletionTimestamp\":9999999999999}}\n"
        "{\"add\":{\"path\":\"a%20%C3%A4%2Cb.parquet\",\"partitionValues\":{\"project_id\":"
        "\"03010203-0405-4607-8809-0a0b0c0d0e03\",\"date\":\"2026-11-22\"},\"size\":0,\"modificationTime\":1,"
        "\"stats\":\"{\\\"minValues\\\":{\\\"x\\\\\\\"\\\":\\\"y\\\"}}\"}}\n"
        "{\"add\":{\"path\":\"b.parquet\",\"partitionValues\":{\"project_id\":"
        "\"03010203-0405-4607-8809-0a0b0c0d0e03\",\"date\":\"2026-11-22\"},\"size\":1}}\n");
    if (!delta_refresh(table, &err)) fail_msg("%s", err.text);
}

static void assert_same_files(const struct delta_snapshot *a, const struct delta_snapshot *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->file_count, b->file_count);
    for (uint32_t i = 0; i < a->file_count; i++) {
        const struct delta_file *x = delta_snapshot_file(a, i), *y = delta_snapshot_file(b, i);
        assert_string_equal(x->path, y->path);
        assert_memory_equal(&x->project_id, &y->project_id, sizeof x->project_id);
        assert_int_equal(x->day, y->day);
        assert_int_equal(x->bytes, y->bytes);
        assert_true(x->row_count == y->row_count);
        assert_true(x->timestamp_min_us / 1000 == y->timestamp_min_us / 1000);
        assert_true(y->timestamp_max_us - x->timestamp_max_us < 2000); /* statistics have milliseconds */
        assert_true(y->timestamp_max_us >= x->timestamp_max_us);
        assert_int_equal(x->modified_unix_ms, y->modified_unix_ms);
        assert_true(bytes_equal(x->stats, y->stats));
    }
    assert_int_equal(a->txn_count, b->txn_count);
    for (uint32_t i = 0; i < a->txn_count; i++) {
        assert_string_equal(a->txns[i].app_id, b->txns[i].app_id);
        assert_true(a->txns[i].version == b->txns[i].version &&
                    a->txns[i].updated_unix_ms == b->txns[i].updated_unix_ms);
    }
}

static void assert_same_removed(struct delta_table *a, struct delta_table *b)
{
    uint32_t slot = 0, count = 0;
    for (const struct delta_tombstone *x; (x = delta_catalog_removed_next(&a->catalog, &slot)) != NULL; count++) {
        const struct delta_tombstone *y = NULL;
        uint32_t other = 0;
        while ((y = delta_catalog_removed_next(&b->catalog, &other)) != NULL &&
               strcmp(x->removed.path, y->removed.path) != 0)
            continue;
        assert_non_null(y);
        assert_true(x->removed.deletion_unix_ms == y->removed.deletion_unix_ms && x->removed.bytes == y->removed.bytes);
        assert_true(x->data_change == y->data_change && x->is_extended == y->is_extended && x->day == y->day);
    }
    assert_int_equal(count, FILES / PER_COMMIT * (PER_COMMIT / 3) + 1);
    assert_int_equal(count, b->catalog.removed.used);
}

/* PROTOCOL.md, "Last Checkpoint File": counts of actions, bytes and live files. */
static void assert_hint(struct object_store *store, const struct delta_snapshot *snapshot, uint32_t removed_count)
{
    struct err err = { 0 };
    struct buf hint;
    uint64_t bytes;
    char key[200], wanted[200];
    buf_init(&hint, 1000);
    snprintf(key, sizeof key, LOG_FOLDER "%020" PRIu64 ".checkpoint.parquet", snapshot->version);
    assert_true(object_size(store, key, &bytes, &err));
    assert_true(object_get(store, LOG_FOLDER "_last_checkpoint", 1000, &hint, &err) && buf_add(&hint, "", 1));
    snprintf(wanted, sizeof wanted,
             "{\"version\":%" PRIu64 ",\"size\":%u,\"sizeInBytes\":%" PRIu64 ",\"numOfAddFiles\":%u}",
             snapshot->version, 2 + snapshot->txn_count + snapshot->file_count + removed_count, bytes,
             snapshot->file_count);
    assert_string_equal(hint.ptr, wanted);
    buf_deinit(&hint);
}

/* Goal: a table opened from its checkpoint alone is the table. Method: many files and removed ones, texts that need care;
 * write the checkpoint, delete the commits, open beside. */
static void test_own_checkpoint(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    fixture->options.checkpoint_every = 0;
    fixture->options.checkpoint_reader = query_checkpoint_reader();
    struct delta_table *table = test_open(&fixture->options);
    table_fill(table);
    if (!delta_checkpoint_write(table, &err)) fail_msg("%s", err.text);
    delete_commits(fixture->store, 0, table->version);
    struct delta_table *opened = test_open(&fixture->options);
    struct delta_snapshot *before = delta_snapshot_acquire(table), *after = delta_snapshot_acquire(opened);
    assert_same_files(before, after);
    assert_same_removed(table, opened);
    assert_hint(fixture->store, before, table->catalog.removed.used);
    assert_string_equal(table->state.schema, opened->state.schema);
    assert_string_equal(table->state.configuration, opened->state.configuration);
    must_commit(opened, 3, 201, "app \"ä\"", 12345678901, 12345678902);
    delta_snapshot_release(before);
    delta_snapshot_release(after);
    delta_close(table);
    delta_close(opened);
}

static void corpus_put(struct object_store *store, const char *name)
{
    char path[500];
    uint8_t bytes[65536];
    struct err err = { 0 };
    snprintf(path, sizeof path, MONO_SOURCE_DIR "/src/timefusion/query/corpus/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(object_put(store, name, bytes_from(bytes, len), &err));
}

struct seen {
    uint32_t adds, actions, vectors;
    char text[2000];
};
static bool see_action(void *ctx, struct bytes json, struct err *err)
{
    struct seen *seen = ctx;
    (void)err;
    seen->actions++;
    assert_null(memmem(json.ptr, json.len, "\"add\"", 5));
    return true;
}
static bool see_add(void *ctx, const struct delta_checkpoint_add *add, struct err *err)
{
    struct seen *seen = ctx;
    (void)err;
    seen->adds++;
    seen->vectors += add->has_deletion_vector;
    size_t len = strlen(seen->text);
#define SHOWN(text) (int)(text).len, (text).ptr ? (const char *)(text).ptr : ""
    snprintf(seen->text + len, sizeof seen->text - len, "%.*s|%.*s|%.*s|%" PRId64 "|%" PRId64 "|%s%.*s\n",
             SHOWN(add->path), SHOWN(add->project_id), SHOWN(add->date), add->bytes, add->modified_unix_ms,
             add->stats.ptr ? "" : "null", SHOWN(add->stats));
    return true;
}

/* Goal: rows of another writer's checkpoint come with their values, nulls as such. Method: files that pyarrow wrote, with
 * columns in another order, deletion vectors (all null; one set), statistics as structs beside. */
static void test_their_checkpoints(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct seen seen = { .text = "" };
    struct delta_checkpoint_reader reader = query_checkpoint_reader();
    struct delta_checkpoint_sink sink = { see_action, see_add, &seen };
    corpus_put(fixture->store, "checkpoint_theirs.parquet");
    corpus_put(fixture->store, "checkpoint_vector.parquet");
    if (!reader.read(reader.ctx, fixture->store, "checkpoint_theirs.parquet", &sink, &err)) fail_msg("%s", err.text);
    assert_int_equal(seen.actions, 2);
#define PROJECT "11111111-2222-4333-8444-555555555555"
    assert_string_equal(seen.text, "project_id=" PROJECT "/date=2026-11-22/a%20b.parquet|" PROJECT
                                   "|2026-11-22|10|7|{\"numRecords\":5}\n"
                                   "c.parquet|" PROJECT "|2026-11-22|10|7|null\n"
                                   "d.parquet|" PROJECT "||-1|7|null\n");
    assert_int_equal(seen.vectors, 0);
    assert_true(reader.read(reader.ctx, fixture->store, "checkpoint_vector.parquet", &sink, &err));
    assert_int_equal(seen.vectors, 1);
}

/* Goal: a damaged checkpoint is an error, wherever the damage is. Method: cut it at many lengths. */
static void test_damaged_checkpoint(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct seen seen = { .text = "" };
    struct buf whole;
    struct delta_checkpoint_reader reader = query_checkpoint_reader();
    struct delta_checkpoint_sink sink = { see_action, see_add, &seen };
    corpus_put(fixture->store, "checkpoint_theirs.parquet");
    buf_init(&whole, 1 << 20);
    assert_true(object_get(fixture->store, "checkpoint_theirs.parquet", 1 << 20, &whole, &err));
    for (uint32_t i = 0; i < 12; i++) {
        err = (struct err){ 0 };
        assert_true(object_put(fixture->store, "cut.parquet", bytes_from(whole.ptr, whole.len * i / 12), &err));
        assert_false(reader.read(reader.ctx, fixture->store, "cut.parquet", &sink, &err));
        assert_true(err.code != ERR_OK && err.text[0]);
    }
    buf_deinit(&whole);
}

int main(void)
{
#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_TABLE(test_own_checkpoint),
        WITH_TABLE(test_their_checkpoints),
        WITH_TABLE(test_damaged_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
