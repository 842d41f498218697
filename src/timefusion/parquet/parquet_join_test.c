#include "timefusion/parquet/model_fixture.h"

#include "base/disk_sim.h"

#include <unistd.h>

struct join_fixture {
    struct disk *disk;
    char dir[64];
    struct parquet_input inputs[8];
    uint32_t input_count;
    struct disk_file *out;
};

static struct disk_file *file_put(struct join_fixture *join, const char *name, struct bytes bytes)
{
    char path[128];
    struct disk_file *file;
    struct err err = { .code = ERR_OK };
    snprintf(path, sizeof path, "%s/%s", join->dir, name);
    if (!join->disk->ops->open(join->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, &err)) {
        fail_msg("%s", err.text);
    }
    if (bytes.len > 0) assert_true(join->disk->ops->pwrite(file, 0, &bytes, 1, &err));
    return file;
}

static void join_begin(struct join_fixture *join, struct disk *disk)
{
    struct err err = { .code = ERR_OK };
    *join = (struct join_fixture){ .disk = disk };
    snprintf(join->dir, sizeof join->dir, "/tmp/parquet_test.%d", (int)getpid());
    assert_true(disk->ops->mkdir(disk, join->dir, &err));
    join->out = file_put(join, "out", BYTES(""));
}

static void join_add(struct join_fixture *join, struct bytes bytes)
{
    char name[32];
    snprintf(name, sizeof name, "in%u", join->input_count);
    join->inputs[join->input_count++] = (struct parquet_input){ file_put(join, name, bytes), bytes.len };
}

static void join_end(struct join_fixture *join)
{
    struct err err = { .code = ERR_OK };
    char path[128];
    join->disk->ops->close(join->out);
    snprintf(path, sizeof path, "%s/out", join->dir);
    assert_true(join->disk->ops->unlink(join->disk, path, &err));
    for (uint32_t i = 0; i < join->input_count; i++) {
        join->disk->ops->close(join->inputs[i].file);
        snprintf(path, sizeof path, "%s/in%u", join->dir, i);
        assert_true(join->disk->ops->unlink(join->disk, path, &err));
    }
    if (join->disk == &disk_real) rmdir(join->dir);
}

/* Reads the joined file back and checks its row groups, which hold rows [0, ends[0]), [ends[0], ends[1]) ... */
static void check_joined(struct join_fixture *join, const struct schema_table *table, uint64_t bytes,
                         const uint32_t *ends, uint32_t group_count)
{
    struct err err = { .code = ERR_OK };
    uint8_t *copy = malloc(bytes + 1);
    size_t len;
    assert_true(join->disk->ops->pread(join->out, 0, copy, bytes + 1, &len, &err));
    assert_int_equal(len, bytes);
    struct bytes file = { copy, len };
    struct decoded_file decoded;
    decode_file(file, &decoded);
    assert_int_equal(decoded.group_count, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        model_check_group(file, table, &decoded.groups[i], i == 0 ? 0 : ends[i - 1], ends[i]);
    }
    struct parquet_footer *footer = model_footer(file, table);
    for (uint32_t i = 0; i < group_count; i++) { /* blooms stand where the footer says */
        const struct parquet_column_stats *stats = &footer->row_groups[i].columns[table->row_id];
        struct bytes bloom = { copy + stats->bloom_offset, stats->bloom_bytes };
        for (uint32_t row = i == 0 ? 0 : ends[i - 1]; row < ends[i]; row++) {
            char text[MODEL_TEXT_MAX];
            assert_true(parquet_bloom_may_hold(bloom, model_text(table->row_id, row, 0, text)));
        }
    }
    parquet_footer_destroy(footer);
    decode_free(&decoded);
    free(copy);
}

static void join_and_check(struct disk *disk)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    static const uint32_t ends[] = { 300, 301, 700, 2000 };
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = model_columns(SCHEMA_LOGS_AND_SPANS, ends[3]);
    struct join_fixture join;
    struct err err = { .code = ERR_OK };
    join_begin(&join, disk);
    for (uint32_t i = 0; i < COUNT_OF(ends); i++) {
        join_add(&join, write_range(writer, columns, i == 0 ? 0 : ends[i - 1], ends[i],
                                    i % 2 == 0 ? PARQUET_CODEC_NONE : PARQUET_CODEC_ZSTD));
    }
    uint64_t bytes;
    struct parquet_footer *footer;
    if (!parquet_join(disk, join.inputs, 4, table, join.out, true, &bytes, &footer, &err)) fail_msg("%s", err.text);
    assert_int_equal(footer->row_count, ends[3]);
    assert_int_equal(footer->row_group_count, 4);
    assert_int_equal(footer->file_bytes, bytes);
    uint64_t nulls = 0;
    for (uint32_t i = 0; i < 4; i++) nulls += footer->row_groups[i].columns[LOGS_AND_SPANS_parent_id].null_count;
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_parent_id].null_count, nulls);
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_timestamp].min.integer,
                     columns_timestamp_min_us(columns, 0, ends[3]));
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_timestamp].max.integer,
                     columns_timestamp_max_us(columns, 0, ends[3]));
    parquet_footer_destroy(footer);
    check_joined(&join, table, bytes, ends, 4);

    /* A joined file can be joined again. */
    struct parquet_input twice[2] = { { join.out, bytes }, join.inputs[0] };
    struct disk_file *out = file_put(&join, "out2", BYTES(""));
    if (!parquet_join(disk, twice, 2, table, out, false, &bytes, &footer, &err)) fail_msg("%s", err.text);
    assert_int_equal(footer->row_count, ends[3] + ends[0]);
    assert_int_equal(footer->row_group_count, 5);
    parquet_footer_destroy(footer);
    disk->ops->close(out);
    char path[128];
    snprintf(path, sizeof path, "%s/out2", join.dir);
    assert_true(disk->ops->unlink(disk, path, &err));

    join_end(&join);
    columns_destroy(columns);
    parquet_writer_destroy(writer);
}

/* Goal: joined files hold all row groups unchanged, with offsets, ordinals and blooms of their new places.
 * Method: four files of both codecs through the kernel's copying; every value is read back. */
static void test_join_in_kernel(void **state)
{
    (void)state;
    join_and_check(&disk_real);
}

/* Goal: the same where files have no descriptors.
 * Method: the disk that lives in memory. */
static void test_join_by_hand(void **state)
{
    (void)state;
    struct disk_sim *sim = disk_sim_create(512);
    join_and_check(disk_sim_disk(sim));
    disk_sim_destroy(sim);
}

/* Goal: what cannot be joined is refused before anything is written.
 * Method: another table's file, one row group too many, a damaged input. */
static void test_join_refuses(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *spans = model_columns(SCHEMA_LOGS_AND_SPANS, 2), *points = model_columns(SCHEMA_METRICS, 2);
    struct join_fixture join;
    struct err err = { .code = ERR_OK };
    uint64_t bytes;
    struct parquet_footer *footer;
    struct disk_stat stat;
    join_begin(&join, &disk_real);
    join_add(&join, write_range(writer, spans, 0, 2, PARQUET_CODEC_NONE));
    join_add(&join, write_range(writer, points, 0, 2, PARQUET_CODEC_NONE));
    assert_false(parquet_join(&disk_real, join.inputs, 2, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_null(footer);

    join.inputs[1].bytes -= 1; /* its end is cut */
    assert_false(parquet_join(&disk_real, join.inputs, 2, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(err.code, ERR_CORRUPT);

    struct parquet_input many[PARQUET_ROW_GROUPS_MAX + 1];
    for (uint32_t i = 0; i <= PARQUET_ROW_GROUPS_MAX; i++) many[i] = join.inputs[0];
    assert_true(parquet_join(&disk_real, many, PARQUET_ROW_GROUPS_MAX, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(footer->row_group_count, PARQUET_ROW_GROUPS_MAX);
    parquet_footer_destroy(footer);
    assert_true(disk_real.ops->truncate(join.out, 0, &err));
    assert_false(
        parquet_join(&disk_real, many, PARQUET_ROW_GROUPS_MAX + 1, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_true(disk_real.ops->stat(join.out, &stat, &err));
    assert_int_equal(stat.bytes, 0);
    join_end(&join);
    columns_destroy(spans);
    columns_destroy(points);
    parquet_writer_destroy(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_in_kernel),
        cmocka_unit_test(test_join_by_hand),
        cmocka_unit_test(test_join_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
