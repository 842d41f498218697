/* delta_test_table.h -- tables in a simulated disk, and adds with made-up footers, for the tests of this folder. */
#pragma once
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/disk_sim.h"
#include "timefusion/delta/delta.h"

#define LOG_FOLDER "otel_metrics/_delta_log/"

static const struct log test_log = { .fd = -1, .level_min = LOG_ERROR };

struct test_footer {
    struct parquet_footer footer;
    struct parquet_column_stats columns[SCHEMA_COLUMNS_MAX];
};
/* rows, and times from timestamp_us on; every other column has no value. */
static inline void test_footer_init(struct test_footer *it, const struct schema_table *table, uint64_t row_count,
                                    int64_t timestamp_us)
{
    memset(it, 0, sizeof *it);
    it->footer = (struct parquet_footer){ .table = table, .row_count = row_count, .file_columns = it->columns };
    for (uint32_t i = 0; i < table->column_count; i++)
        it->columns[i].null_count = it->columns[i].value_count = row_count;
    it->columns[table->timestamp].has_min_max = true;
    it->columns[table->timestamp].min_is_exact = it->columns[table->timestamp].max_is_exact = true;
    it->columns[table->timestamp].null_count = 0;
    it->columns[table->timestamp].min.integer = timestamp_us;
    it->columns[table->timestamp].max.integer = timestamp_us + (int64_t)row_count - 1;
}

static inline struct uuid test_uuid(uint8_t number)
{
    return (struct uuid){ { number, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, number } };
}

struct test_add {
    struct test_footer footer;
    char path[160];
    struct delta_add add;
};
/* The file with this number; the same number gives the same path. */
static inline void test_add_init(struct test_add *it, const struct schema_table *table, uint8_t project, uint8_t file,
                                 int64_t timestamp_us)
{
    test_footer_init(&it->footer, table, 10u + file, timestamp_us);
    delta_file_path(test_uuid(project), 20000, test_uuid(file), it->path);
    it->add = (struct delta_add){ it->path, test_uuid(project), 20000, 1000u + file, &it->footer.footer };
}

static inline struct object_store *test_store(struct disk *disk)
{
    struct object_store *store;
    struct err err = { 0 };
    if (!object_store_open_folder(&store, "/store", disk, &err)) fail_msg("%s", err.text);
    return store;
}

static inline struct delta_options test_options(struct object_store *store)
{
    return (struct delta_options){ .store = store,
                                   .prefix = "otel_metrics",
                                   .table = schema_table(SCHEMA_METRICS),
                                   .checkpoint_every = 3,
                                   .log = &test_log };
}

static inline struct delta_table *test_open(const struct delta_options *options)
{
    struct delta_table *table;
    struct err err = { 0 };
    if (!delta_open(&table, options, &err)) fail_msg("%s", err.text);
    return table;
}

static inline void test_put_commit(struct object_store *store, uint64_t version, const char *lines)
{
    char key[128];
    struct err err = { 0 };
    snprintf(key, sizeof key, "otel_metrics/_delta_log/%020llu.json", (unsigned long long)version);
    if (!object_put_if_absent(store, key, bytes_of_text(lines), &err)) fail_msg("%s", err.text);
}

struct fixture {
    struct disk_sim *sim;
    struct object_store *store;
    struct delta_options options;
};

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->sim = disk_sim_create(512);
    fixture->store = test_store(disk_sim_disk(fixture->sim));
    fixture->options = test_options(fixture->store);
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    object_store_close(fixture->store);
    disk_sim_destroy(fixture->sim);
    free(fixture);
    return 0;
}

/* One file and one step of "app" from before to after. */
static inline bool commit_file(struct delta_table *table, uint8_t project, uint8_t file, const char *app,
                               int64_t before, uint64_t after, struct err *err)
{
    struct test_add it;
    uint64_t version;
    test_add_init(&it, schema_table(SCHEMA_METRICS), project, file, file * INT64_C(1000000));
    return delta_commit(table,
                        &(struct delta_change){ .adds = &it.add,
                                                .add_count = 1,
                                                .txns = &(struct delta_txn_change){ app, before, after },
                                                .txn_count = 1,
                                                .data_change = true },
                        &version, err);
}

static inline void must_commit(struct delta_table *table, uint8_t project, uint8_t file, const char *app,
                               int64_t before, uint64_t after)
{
    struct err err = { 0 };
    if (!commit_file(table, project, file, app, before, after, &err)) fail_msg("%s", err.text);
}

/* A reader of checkpoints that are really lines of JSON, and what it was asked for. */
struct fake_reader {
    char asked[256];
    const char *damaged; /* part of a key */
};

static inline bool fake_read(void *ctx, struct object_store *store, const char *key,
                             const struct delta_checkpoint_sink *sink, struct err *err)
{
    struct fake_reader *reader = ctx;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    strcat(strcat(reader->asked, key + strlen(LOG_FOLDER) + 18), " ");
    bool ok = !(reader->damaged && strstr(key, reader->damaged)) || err_set(err, ERR_CORRUPT, "damaged");
    ok = ok && object_get(store, key, 1 << 20, &buf, err);
    for (size_t at = 0; ok && at < buf.len;) {
        const uint8_t *end = memchr(buf.ptr + at, '\n', buf.len - at);
        size_t len = (size_t)(end - buf.ptr) - at;
        ok = sink->action(sink->ctx, bytes_from(buf.ptr + at, len), err);
        at += len + 1;
    }
    buf_deinit(&buf);
    return ok;
}

/* Puts the lines of commits [first, last] as one fake checkpoint. */
static inline void fake_checkpoint(struct object_store *store, uint64_t first, uint64_t last, const char *name)
{
    struct err err = { 0 };
    struct buf buf;
    char key[200];
    buf_init(&buf, 1 << 20);
    for (uint64_t version = first; version <= last; version++) {
        snprintf(key, sizeof key, LOG_FOLDER "%020" PRIu64 ".json", version);
        if (!object_get(store, key, 1 << 20, &buf, &err)) fail_msg("%s", err.text);
    }
    snprintf(key, sizeof key, LOG_FOLDER "%s", name);
    assert_true(object_put(store, key, buf_bytes(&buf), &err));
    buf_deinit(&buf);
}

static inline void delete_commits(struct object_store *store, uint64_t first, uint64_t last)
{
    struct err err = { 0 };
    for (uint64_t version = first; version <= last; version++) {
        char key[200];
        snprintf(key, sizeof key, LOG_FOLDER "%020" PRIu64 ".json", version);
        assert_true(object_delete(store, key, &err));
    }
}
