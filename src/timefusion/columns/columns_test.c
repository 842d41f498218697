#include "timefusion/columns/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct columns *spans_create(void)
{
    return columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
}

static void row_begin(struct columns *columns)
{
    columns_row_begin(columns, columns_row_count(columns));
    columns_put_text(columns, LOGS_AND_SPANS_id, BYTES("id"));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, NULL, 0);
}

static struct bytes numbered(char text[32], const char *prefix, uint32_t number)
{
    return bytes_from(text, (size_t)snprintf(text, 32, "%s%u", prefix, number));
}

static struct bytes text_at(const struct columns_view *view, uint32_t element)
{
    const uint8_t *record = view->records != NULL ? view->records[element] : view->dictionary[view->ids[element]];
    uint32_t len;
    memcpy(&len, record, sizeof len);
    return bytes_from(record + sizeof len, len);
}

static void assert_text(const struct columns_view *view, uint32_t element, struct bytes expected)
{
    struct bytes text = text_at(view, element);
    assert_int_equal(text.len, expected.len);
    assert_memory_equal(text.ptr, expected.ptr, expected.len);
}

/* Goal: columns keep only the rows that have a value; a second put in a row and puts to columns that are not stored
 * change nothing.
 * Method: a few rows with gaps, looked at through the view. */
static void test_values_and_gaps(void **state)
{
    (void)state;
    struct columns *columns = spans_create();
    struct columns_view view;
    for (uint32_t row = 0; row < 10; row++) {
        row_begin(columns);
        columns_put_text(columns, LOGS_AND_SPANS_project_id, BYTES("partition"));
        columns_put_int(columns, LOGS_AND_SPANS_date, 5);
        columns_put_text_handle(columns, LOGS_AND_SPANS_project_id,
                                columns_text_handle(columns, LOGS_AND_SPANS_project_id, BYTES("partition")));
        if (row % 3 == 1) {
            columns_put_int(columns, LOGS_AND_SPANS_duration, row * 100);
            columns_put_int(columns, LOGS_AND_SPANS_duration, -1);
            columns_put_text(columns, LOGS_AND_SPANS_name, BYTES("first"));
            columns_put_text(columns, LOGS_AND_SPANS_name, BYTES("second"));
        }
        columns_row_end(columns);
    }
    columns_view(columns, LOGS_AND_SPANS_duration, &view);
    assert_int_equal(view.value_count, 3);
    assert_int_equal(view.element_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(view.rows[i], 3 * i + 1);
        assert_int_equal(view.ints[i], (3 * i + 1) * 100);
    }
    columns_view(columns, LOGS_AND_SPANS_name, &view);
    assert_int_equal(view.value_count, 3);
    assert_text(&view, 2, BYTES("first"));
    assert_int_equal(view.dictionary_count, 1);
    columns_view(columns, LOGS_AND_SPANS_project_id, &view);
    assert_int_equal(view.value_count, 0);
    columns_view(columns, LOGS_AND_SPANS_timestamp, &view);
    assert_int_equal(view.value_count, 10);
    assert_int_equal(columns_timestamp_min_us(columns, 2, 9), 2);
    assert_int_equal(columns_timestamp_max_us(columns, 2, 9), 8);
    columns_destroy(columns);
}

/* Goal: lists keep their bounds, empty ones too.
 * Method: lists of 0 to 9 elements of each type. */
static void test_lists(void **state)
{
    (void)state;
    struct columns *columns = columns_create(schema_table(SCHEMA_METRICS));
    for (uint32_t row = 0; row < 40; row++) {
        uint64_t numbers[9];
        double doubles[9];
        columns_row_begin(columns, row);
        for (uint32_t i = 0; i < row % 10; i++) {
            numbers[i] = row * 10 + i;
            doubles[i] = row + i / 10.0;
        }
        columns_put_int_list(columns, METRICS_hist_bucket_counts, numbers, row % 10);
        if (row % 2 == 0) columns_put_double_list(columns, METRICS_hist_explicit_bounds, doubles, row % 10);
        for (uint32_t i = 0; i < columns_table(columns)->column_count; i++) {
            const struct schema_column *column = &columns_table(columns)->columns[i];
            if ((column->flags & SCHEMA_NOT_NULL) == 0 || i == METRICS_timestamp) continue;
            if (column->type == SCHEMA_TYPE_BIGINT || column->type == SCHEMA_TYPE_TIMESTAMPTZ ||
                column->type == SCHEMA_TYPE_DATE) {
                columns_put_int(columns, i, row);
            } else {
                columns_put_text(columns, i, BYTES("x"));
            }
        }
        columns_row_end(columns);
    }
    struct columns_view ints, doubles;
    columns_view(columns, METRICS_hist_bucket_counts, &ints);
    columns_view(columns, METRICS_hist_explicit_bounds, &doubles);
    assert_int_equal(ints.value_count, 40);
    assert_int_equal(doubles.value_count, 20);
    for (uint32_t row = 0; row < 40; row++) {
        uint32_t end = row < 39 ? ints.starts[row + 1] : ints.element_count;
        assert_int_equal(end - ints.starts[row], row % 10);
        for (uint32_t i = 0; i < row % 10; i++) assert_int_equal(ints.ints[ints.starts[row] + i], row * 10 + i);
        if (row % 2 == 1) continue;
        assert_int_equal(doubles.rows[row / 2], row);
        for (uint32_t i = 0; i < row % 10; i++) {
            assert_true(doubles.doubles[doubles.starts[row / 2] + i] == row + i / 10.0);
        }
    }
    columns_destroy(columns);
}

/* Fills rows whose name is new in each, and whose kind is one of three. */
static void fill_unlike(struct columns *columns, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        char text[32];
        row_begin(columns);
        columns_put_text(columns, LOGS_AND_SPANS_name, numbered(text, "unlike-", row));
        columns_put_text(columns, LOGS_AND_SPANS_kind, numbered(text, "kind-", row % 3));
        columns_row_end(columns);
    }
}

static void check_unlike(const struct columns *columns, uint32_t rows, bool by_dictionary)
{
    struct columns_view names, kinds;
    char text[32];
    columns_view(columns, LOGS_AND_SPANS_name, &names);
    columns_view(columns, LOGS_AND_SPANS_kind, &kinds);
    assert_int_equal(names.records == NULL, by_dictionary);
    assert_null(kinds.records);
    assert_int_equal(kinds.dictionary_count, 3);
    for (uint32_t row = 0; row < rows; row++) {
        assert_text(&names, row, numbered(text, "unlike-", row));
        assert_text(&kinds, row, numbered(text, "kind-", row % 3));
    }
}

/* Goal: a column whose texts hardly repeat gives its dictionary up, keeps every value, remembers over resets, and tries
 * again later.
 * Method: unlike names beside kinds that repeat, over 20 resets. */
static void test_dictionary_is_given_up(void **state)
{
    (void)state;
    struct columns *columns = spans_create();
    fill_unlike(columns, 100);
    check_unlike(columns, 100, true); /* too few to tell */
    columns_reset(columns);
    fill_unlike(columns, 5000);
    check_unlike(columns, 5000, false);
    for (uint32_t round = 1; round <= 20; round++) {
        columns_reset(columns);
        fill_unlike(columns, 50);
        check_unlike(columns, 50, round >= 16);
    }
    columns_destroy(columns);
}

/* Goal: handles stay good when the dictionary is given up after they were made, and whichever way texts came.
 * Method: one handle from before, many unlike texts, the handle again, another made after. */
static void test_handles(void **state)
{
    (void)state;
    struct columns *columns = spans_create();
    struct columns_view view;
    uint32_t before = columns_text_handle(columns, LOGS_AND_SPANS_resource, BYTES("before"));
    assert_int_equal(columns_text_handle(columns, LOGS_AND_SPANS_resource, BYTES("before")), before);
    enum { ROWS = 3000 };
    uint32_t after = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        char text[32];
        row_begin(columns);
        if (row % 100 == 0) {
            columns_put_text_handle(columns, LOGS_AND_SPANS_resource, before);
        } else if (row % 100 == 1 && row > 2000) {
            after = columns_text_handle(columns, LOGS_AND_SPANS_resource, BYTES("after"));
            columns_put_text_handle(columns, LOGS_AND_SPANS_resource, after);
        } else {
            columns_put_text(columns, LOGS_AND_SPANS_resource, numbered(text, "r", row));
        }
        columns_row_end(columns);
    }
    columns_view(columns, LOGS_AND_SPANS_resource, &view);
    assert_non_null(view.records);
    assert_int_equal(view.value_count, ROWS);
    for (uint32_t row = 0; row < ROWS; row++) {
        char text[32];
        bool is_before = row % 100 == 0, is_after = row % 100 == 1 && row > 2000;
        assert_text(&view, row, is_before ? BYTES("before") : is_after ? BYTES("after") : numbered(text, "r", row));
    }
    columns_destroy(columns);
}

/* Goal: a reserved text is kept whatever is put between, small or large, new or seen; a dropped one leaves nothing.
 * Method: reservations of changing size with other puts between, some never put. */
static void test_reserved_texts(void **state)
{
    (void)state;
    enum { ROWS = 600 };
    struct columns *columns = spans_create();
    struct columns_view view;
    char expected[64];
    for (uint32_t row = 0; row < ROWS; row++) {
        size_t max = row % 7 == 0 ? 100000 : 500;
        row_begin(columns);
        uint8_t *text = columns_text_reserve(columns, max);
        int len = snprintf((char *)text, max, "{\"n\":%u}", row % 90);
        columns_put_text(columns, LOGS_AND_SPANS_name, BYTES("between"));
        columns_put_text(columns, LOGS_AND_SPANS_status_message,
                         bytes_from(expected, (size_t)snprintf(expected, 64, "m%u", row)));
        if (row % 5 != 0) columns_put_text_reserved(columns, LOGS_AND_SPANS_body, (size_t)len);
        columns_row_end(columns);
    }
    columns_view(columns, LOGS_AND_SPANS_body, &view);
    assert_int_equal(view.value_count, ROWS - ROWS / 5);
    assert_true(view.dictionary_count <= 90);
    for (uint32_t i = 0; i < view.value_count; i++) {
        int len = snprintf(expected, sizeof expected, "{\"n\":%u}", view.rows[i] % 90);
        assert_text(&view, i, bytes_from(expected, (size_t)len));
    }
    columns_destroy(columns);
}

/* Goal: memory follows what is held: little when untouched, counted when filled, given back by trim.
 * Method: columns_bytes at each step. */
static void test_memory(void **state)
{
    (void)state;
    struct columns *columns = spans_create();
    size_t empty = columns_bytes(columns);
    assert_true(empty < 64 * 1024);
    fill_unlike(columns, 10);
    assert_true(columns_bytes(columns) < empty + 16 * 1024);
    columns_reset(columns);
    fill_unlike(columns, COLUMNS_ROWS_MAX);
    check_unlike(columns, COLUMNS_ROWS_MAX, false);
    size_t full = columns_bytes(columns);
    assert_true(full > empty + COLUMNS_ROWS_MAX * 20);
    columns_reset(columns);
    assert_true(columns_bytes(columns) <= full);
    columns_reset(columns); /* nothing was used meanwhile */
    assert_true(columns_bytes(columns) < full / 8);
    columns_trim(columns);
    assert_int_equal(columns_bytes(columns), empty);
    fill_unlike(columns, 10);
    check_unlike(columns, 10, false); /* what was learned is kept */
    columns_destroy(columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_gaps),        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_dictionary_is_given_up), cmocka_unit_test(test_handles),
        cmocka_unit_test(test_reserved_texts),         cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
