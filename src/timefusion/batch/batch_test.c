#include "timefusion/batch/batch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY_US INT64_C(86400000000)

static void row_put(struct batch *batch, int64_t timestamp_us, const char *name, struct err *err)
{
    batch_row_begin(batch, SCHEMA_LOGS_AND_SPANS, timestamp_us);
    batch_put_text(batch, LOGS_AND_SPANS_name, bytes_of_text(name));
    batch_put_int(batch, LOGS_AND_SPANS_duration, -5);
    assert_true(batch_row_end(batch, err));
}

/* Goal: a value of every type comes back as it was put. Method: one row of each table, read again. */
static void test_every_type(void **state)
{
    (void)state;
    struct batch batch;
    struct err err = { 0 };
    struct batch_reader reader;
    struct batch_row row;
    struct bytes tags[] = { BYTES("a"), BYTES(""), BYTES("\xc3\xa4") };
    int64_t counts[] = { 1, -2, INT64_MAX };
    double bounds[] = { 0.5, -0.0 };
    batch_init(&batch, BATCH_BYTES_MAX);
    batch_row_begin(&batch, SCHEMA_LOGS_AND_SPANS, -1);
    batch_put_text(&batch, LOGS_AND_SPANS_id, BYTES("00000000-0000-4000-8000-000000000001"));
    batch_put_text_list(&batch, LOGS_AND_SPANS_hashes, tags, 3);
    batch_put_text(&batch, LOGS_AND_SPANS_body, BYTES("{\"a\":1}"));
    batch_put_int(&batch, LOGS_AND_SPANS_end_time, 77);
    batch_put_bool(&batch, LOGS_AND_SPANS_context___is_remote, true);
    batch_put_int(&batch, LOGS_AND_SPANS_attributes___client___port, INT32_MIN);
    assert_true(batch_row_end(&batch, &err));
    batch_row_begin(&batch, SCHEMA_METRICS, 9);
    batch_put_double(&batch, METRICS_value, 2.5);
    batch_put_int_list(&batch, METRICS_hist_bucket_counts, counts, 3);
    batch_put_double_list(&batch, METRICS_hist_explicit_bounds, bounds, 2);
    assert_true(batch_row_end(&batch, &err));
    assert_int_equal(batch_row_count(&batch), 2);

    assert_true(batch_reader_init(&reader, buf_bytes(&batch.bytes), &err));
    assert_true(batch_reader_next(&reader, &row, &err));
    assert_int_equal(row.table, SCHEMA_LOGS_AND_SPANS);
    assert_int_equal(row.timestamp_us, -1);
    assert_int_equal(row.value_count, 6);
    const uint8_t *at = batch_row_value(&row, LOGS_AND_SPANS_hashes)->list.at;
    for (size_t i = 0; i < 3; i++) assert_true(bytes_equal(batch_list_text(&at), tags[i]));
    assert_int_equal(batch_row_value(&row, LOGS_AND_SPANS_end_time)->integer, 77);
    assert_true(batch_row_value(&row, LOGS_AND_SPANS_context___is_remote)->boolean);
    assert_int_equal(batch_row_value(&row, LOGS_AND_SPANS_attributes___client___port)->integer, INT32_MIN);
    assert_null(batch_row_value(&row, LOGS_AND_SPANS_name));
    assert_true(batch_reader_next(&reader, &row, &err));
    assert_int_equal(row.table, SCHEMA_METRICS);
    assert_true(batch_row_value(&row, METRICS_value)->number == 2.5);
    const struct batch_value *list = batch_row_value(&row, METRICS_hist_bucket_counts);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(batch_list_int(list, i), counts[i]);
    list = batch_row_value(&row, METRICS_hist_explicit_bounds);
    assert_int_equal(list->list.count, 2);
    assert_true(batch_list_double(list, 0) == 0.5);
    assert_false(batch_reader_next(&reader, &row, &err));
    assert_int_equal(err.code, ERR_OK);
    batch_deinit(&batch);
}

/* Goal: a batch that is full or has too many days is as it was before the row, and goes back to a mark.
 * Method: rows until it refuses; then the row before is still read. */
static void test_bounds_and_marks(void **state)
{
    (void)state;
    struct batch batch;
    struct err err = { 0 };
    struct batch_reader reader;
    struct batch_row row;
    char large[300];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    batch_init(&batch, 256);
    row_put(&batch, 1, "first", &err);
    struct batch_mark mark = batch_mark(&batch);
    batch_row_begin(&batch, SCHEMA_LOGS_AND_SPANS, 2);
    batch_put_text(&batch, LOGS_AND_SPANS_name, bytes_of_text(large));
    assert_false(batch_row_end(&batch, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(batch.bytes.len, mark.len);
    err = (struct err){ 0 };
    row_put(&batch, 3, "second", &err);
    assert_int_equal(batch_row_count(&batch), 2);
    batch_cut(&batch, &mark);
    assert_int_equal(batch_row_count(&batch), 1);
    assert_true(batch_reader_init(&reader, buf_bytes(&batch.bytes), &err));
    assert_true(batch_reader_next(&reader, &row, &err));
    assert_true(bytes_equal(batch_row_value(&row, LOGS_AND_SPANS_name)->text, BYTES("first")));
    assert_false(batch_reader_next(&reader, &row, &err));
    batch_deinit(&batch);

    batch_init(&batch, BATCH_BYTES_MAX);
    for (int day = 0; day < BATCH_DAYS_MAX; day++) row_put(&batch, day * DAY_US, "a day", &err);
    row_put(&batch, 5 * DAY_US + 1, "one of them again", &err);
    batch_row_begin(&batch, SCHEMA_LOGS_AND_SPANS, -1);
    assert_false(batch_row_end(&batch, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(batch_row_count(&batch), BATCH_DAYS_MAX + 1);
    batch_deinit(&batch);
}

/* Goal: a batch cut anywhere but between rows, or with a byte of its frame changed, is refused or is other rows, never read
 * beyond its end. Method: every length, every byte; under the sanitizers. */
static void test_damaged(void **state)
{
    (void)state;
    struct batch batch;
    struct err err = { 0 };
    batch_init(&batch, BATCH_BYTES_MAX);
    row_put(&batch, 1, "first", &err);
    size_t first = batch.bytes.len;
    row_put(&batch, 2, "second", &err);
    for (size_t len = 0; len < batch.bytes.len; len++) {
        struct batch_reader reader;
        struct batch_row row;
        uint64_t rows = 0;
        uint8_t *copy = mem_alloc(len + 1);
        if (len > 0) memcpy(copy, batch.bytes.ptr, len);
        err = (struct err){ 0 };
        bool ok = batch_reader_init(&reader, bytes_from(copy, len), &err);
        while (ok && batch_reader_next(&reader, &row, &err)) rows++;
        assert_int_equal(rows, len >= first);
        assert_int_equal(err.code == ERR_OK, len == 4 || len == first);
        free(copy);
    }
    for (size_t at = 0; at < batch.bytes.len; at++) {
        struct batch_reader reader;
        struct batch_row row;
        batch.bytes.ptr[at] ^= 0xff;
        err = (struct err){ 0 };
        bool ok = batch_reader_init(&reader, buf_bytes(&batch.bytes), &err);
        while (ok && batch_reader_next(&reader, &row, &err)) continue;
        batch.bytes.ptr[at] ^= 0xff;
    }
    batch_deinit(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_type), cmocka_unit_test(test_bounds_and_marks),
                                        cmocka_unit_test(test_damaged) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
