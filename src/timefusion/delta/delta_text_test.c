/* What a Delta log is written in: dates, times, paths, statistics, the schema. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <yyjson.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "timefusion/delta/delta_test_table.h"
#include "timefusion/delta/delta_text.h"

/* Goal: times are rounded outwards to milliseconds, on both sides of 1970. Method: known instants. */
static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *down, *up;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z" },
        { 1, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.001Z" },
        { -1, "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z" },
        { -1000, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z" },
        { 1795373886123456, "2026-11-22T18:58:06.123Z", "2026-11-22T18:58:06.124Z" },
        { 951868799999001, "2000-02-29T23:59:59.999Z", "2000-03-01T00:00:00.000Z" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[32];
        int64_t back;
        assert_true(delta_time_text(cases[i].us, false, text));
        assert_string_equal(text, cases[i].down);
        assert_true(delta_time_parse(text, false, &back) && back <= cases[i].us);
        assert_true(delta_time_text(cases[i].us, true, text));
        assert_string_equal(text, cases[i].up);
        assert_true(delta_time_parse(text, true, &back) && back >= cases[i].us);
    }
    char text[32];
    assert_false(delta_time_text(INT64_MAX, true, text));
    assert_false(delta_time_text(INT64_MIN, false, text));
}

/* Goal: what other writers put is understood, widened by what they cut; nonsense is refused. Method: forms seen. */
static void test_time_forms(void **state)
{
    (void)state;
    int64_t us;
    assert_true(delta_time_parse("1970-01-01T00:00:01Z", false, &us) && us == 1000000);
    assert_true(delta_time_parse("1970-01-01T00:00:01Z", true, &us) && us == 1999999);
    assert_true(delta_time_parse("1970-01-01 00:00:01.5", false, &us) && us == 1500000);
    assert_true(delta_time_parse("1970-01-01T00:00:00.000001+00:00", true, &us) && us == 1);
    assert_true(delta_time_parse("1970-01-01T01:00:00.000-0130", false, &us) && us == 9000000000);
    assert_true(delta_time_parse("1970-01-01T00:00:00.123456789Z", true, &us) && us == 123456);
    static const char *const bad[] = { "",
                                       "1970",
                                       "1970-13-01T00:00:00Z",
                                       "1970-02-30T00:00:00Z",
                                       "1970-01-01T24:00:00Z",
                                       "1970-01-01T00:00:00.Z",
                                       "1970-01-01T00:00:00.1234567890Z",
                                       "1970-01-01T00:00:00Zx",
                                       "1970-01-01",
                                       "x970-01-01T00:00:00Z",
                                       "1970-01-01T00:00" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(delta_time_parse(bad[i], false, &us));
}

/* Goal: every day has one text, and texts of days that do not exist are refused. Method: 60 years there and back. */
static void test_dates(void **state)
{
    (void)state;
    char text[16], last[16] = "";
    for (int32_t day = -3000; day < 20000; day++) {
        int32_t back;
        date_text(day, text);
        assert_true(strcmp(last, text) < 0);
        strcpy(last, text);
        assert_true(date_parse(text, &back));
        assert_int_equal(back, day);
    }
    int32_t day;
    date_text(20779, text);
    assert_string_equal(text, "2026-11-22");
    static const char *const bad[] = { "",         "2026-1-22", "2026-11-31", "2025-02-29", "2026-11-22 ",
                                       "20261122", "2026-00-01" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(date_parse(bad[i], &day));
}

/* Goal: any path comes back from its encoded form; a broken one is refused. Method: all bytes that a name may have. */
static void test_paths(void **state)
{
    (void)state;
    struct buf buf;
    char decoded[DELTA_PATH_BYTES_MAX + 1];
    buf_init(&buf, 10000);
    const char *path = "project_id=x/date=2026-11-22/a b%c:d?e#f\"g\\h+\xc3\xa9.parquet";
    assert_true(delta_put_path(&buf, path));
    char *encoded = bytes_to_text(bytes_from(buf.ptr + 1, buf.len - 2));
    assert_string_equal(encoded, "project_id=x/date=2026-11-22/a%20b%25c%3Ad%3Fe%23f%22g%5Ch%2B%C3%A9.parquet");
    assert_true(delta_path_decode(encoded, decoded));
    assert_string_equal(decoded, path);
    free(encoded);
    buf_deinit(&buf);
    assert_false(delta_path_decode("a%2", decoded));
    assert_false(delta_path_decode("a%", decoded));
    assert_false(delta_path_decode("a%zz", decoded));
    assert_false(delta_path_decode("a%00b", decoded));
    assert_false(delta_path_decode("a%ff", decoded));
    char *long_path = calloc(1, DELTA_PATH_BYTES_MAX + 2);
    memset(long_path, 'a', DELTA_PATH_BYTES_MAX + 1);
    assert_false(delta_path_decode(long_path, decoded));
    free(long_path);
}

static void assert_upper(const char *text, uint32_t max, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 1000);
    bool has = delta_text_upper(bytes_of_text(text), max, &buf);
    assert_int_equal(has, expected != NULL);
    if (expected) {
        assert_int_equal(buf.len, strlen(expected));
        assert_memory_equal(buf.ptr, expected, buf.len);
        assert_true(utf8_is_valid(buf_bytes(&buf)));
        assert_true(bytes_compare(buf_bytes(&buf), bytes_of_text(text)) >= 0);
    }
    buf_deinit(&buf);
}

/* Goal: a cut text's upper bound is valid UTF-8 and never below the text. Method: characters at the edges. */
static void test_text_upper(void **state)
{
    (void)state;
    assert_upper("", 3, "");
    assert_upper("abc", 3, "abc");
    assert_upper("abcd", 3, "abd");
    assert_upper("ab\x7f"
                 "d",
                 3, "ab\xc2\x80");
    assert_upper("ab\xdf\xbf"
                 "d",
                 3, "ab\xe0\xa0\x80");
    assert_upper("ab\xed\x9f\xbf"
                 "d",
                 3, "ab\xee\x80\x80"); /* no surrogates in between */
    assert_upper("ab\xef\xbf\xbf"
                 "d",
                 3, "ab\xf0\x90\x80\x80");
    assert_upper("ab\xf4\x8f\xbf\xbf"
                 "d",
                 3, "ac");
    assert_upper("\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf"
                 "d",
                 2, NULL);
}

static yyjson_val *member(yyjson_doc *doc, const char *group, const char *name)
{
    return yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(doc), group), name);
}

/* Goal: statistics hold what can skip a file and nothing that could skip a wrong one.
 * Method: a footer with each kind of column, read back as JSON. */
static void test_stats(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_METRICS);
    struct test_footer it;
    test_footer_init(&it, table, 20, 1795373886123456);
    struct parquet_column_stats *columns = it.columns;
    columns[METRICS_value].has_min_max = true;
    columns[METRICS_value].null_count = 3;
    columns[METRICS_value].min.number = -0.5;
    columns[METRICS_value].max.number = 1e300;
    columns[METRICS_metric_unit].has_min_max = true;
    columns[METRICS_metric_unit].null_count = 0;
    columns[METRICS_metric_unit].min.text = BYTES("By");
    columns[METRICS_metric_unit].max.text = BYTES("a unit with a name of more than 32 characters");
    columns[METRICS_id].has_min_max = true; /* random: no bounds */
    columns[METRICS_id].null_count = 0;
    columns[METRICS_id].min.text = columns[METRICS_id].max.text = BYTES("6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b");
    columns[METRICS_metric_name] = (struct parquet_column_stats){ .has_min_max = true,
                                                                  .min_is_exact = true,
                                                                  .max_is_exact = true,
                                                                  .min.text = BYTES("up"),
                                                                  .max.text = BYTES("up") };
    columns[METRICS_flags].has_min_max = true;
    columns[METRICS_flags].null_count = 0;
    columns[METRICS_flags].min.integer = INT64_MIN;
    columns[METRICS_flags].max.integer = INT64_MAX;
    columns[METRICS_value_double].has_min_max = true;
    columns[METRICS_value_double].null_count = 0;
    columns[METRICS_value_double].max.number = (double)INFINITY;

    struct buf buf;
    buf_init(&buf, 100000);
    assert_true(delta_put_stats(&buf, &it.footer));
    assert_true(buf.len < DELTA_STATS_BYTES_MAX + 100);
    yyjson_doc *doc = yyjson_read((const char *)buf.ptr, buf.len, 0);
    assert_non_null(doc);
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(yyjson_doc_get_root(doc), "numRecords")), 20);
    assert_string_equal(yyjson_get_str(member(doc, "minValues", "timestamp")), "2026-11-22T18:58:06.123Z");
    assert_string_equal(yyjson_get_str(member(doc, "maxValues", "timestamp")), "2026-11-22T18:58:06.124Z");
    assert_int_equal(yyjson_get_uint(member(doc, "nullCount", "timestamp")), 0);
    assert_true(yyjson_get_num(member(doc, "minValues", "value")) == -0.5);
    assert_true(yyjson_get_num(member(doc, "maxValues", "value")) == 1e300);
    assert_int_equal(yyjson_get_uint(member(doc, "nullCount", "value")), 3);
    assert_string_equal(yyjson_get_str(member(doc, "minValues", "metric_unit")), "By");
    assert_string_equal(yyjson_get_str(member(doc, "maxValues", "metric_unit")), "a unit with a name of more than!");
    assert_null(member(doc, "minValues", "id"));
    assert_null(member(doc, "maxValues", "metric_name")); /* bloom: never, or it would have to be always */
    assert_null(member(doc, "nullCount", "id"));
    assert_true(yyjson_get_sint(member(doc, "minValues", "flags")) == INT64_MIN);
    assert_true(yyjson_get_sint(member(doc, "maxValues", "flags")) == INT64_MAX);
    assert_null(member(doc, "maxValues", "value_double"));
    assert_int_equal(yyjson_get_uint(member(doc, "nullCount", "scope_name")), 20); /* all null: skips equality */
    assert_null(member(doc, "minValues", "scope_name"));
    assert_null(member(doc, "nullCount", "hist_bucket_counts")); /* lists: none */
    assert_null(member(doc, "nullCount", "project_id"));         /* in the path */
    yyjson_doc_free(doc);
    buf_deinit(&buf);
}

static void assert_packs(const char *text, size_t packed_len)
{
    const struct schema_table *table = schema_table(SCHEMA_METRICS);
    struct buf packed, back;
    buf_init(&packed, 10000);
    buf_init(&back, 10000);
    assert_true(delta_stats_pack(&packed, table, bytes_of_text(text)));
    assert_int_equal(packed.len, packed_len);
    assert_true(delta_stats_unpack(&back, table, buf_bytes(&packed)));
    assert_int_equal(back.len, strlen(text));
    assert_memory_equal(back.ptr, text, back.len);
    buf_deinit(&packed);
    buf_deinit(&back);
}

/* Goal: packed statistics come back byte by byte, whatever looks like a column's name. Method: names as keys and values,
 * escapes, text that ends too soon. */
static void test_stats_pack(void **state)
{
    (void)state;
    assert_packs("", 0);
    assert_packs("{\"timestamp\":1,\"value\":2}", 9);
    assert_packs("{\"x\":\"timestamp\"}", 17);
    assert_packs("{\"x\":\"\\\"timestamp\\\":\"}", 22);
    assert_packs("{\"timestamp\": 1, \"timestamp\" :2}", 22);
    assert_packs("\"timestamp\":\"valu", 7);
    assert_packs("\"timestamp\":\"\\", 4);
    struct buf packed;
    buf_init(&packed, 100);
    assert_false(delta_stats_pack(&packed, schema_table(SCHEMA_METRICS), BYTES("{\"a\":\"\xff\"}")));
    buf_deinit(&packed);
}

/* Goal: the statistics of one file stay small whatever is in it. Method: all texts as long as they may be. */
static void test_stats_bounded(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct test_footer it;
    test_footer_init(&it, table, 20, 0);
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].type != SCHEMA_TYPE_TEXT) continue;
        it.columns[i].has_min_max = true;
        it.columns[i].min.text = it.columns[i].max.text =
            BYTES("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01");
    }
    struct buf buf;
    buf_init(&buf, 100000);
    assert_true(delta_put_stats(&buf, &it.footer));
    assert_in_range(buf.len, 2000, DELTA_STATS_BYTES_MAX + 100);
    yyjson_doc *doc = yyjson_read((const char *)buf.ptr, buf.len, 0);
    assert_non_null(doc);
    assert_non_null(member(doc, "maxValues", "timestamp"));
    yyjson_doc_free(doc);
    buf_deinit(&buf);
}

/* Goal: the Delta schema is ours, one field a column, derived ones left out. Method: read it back; check it against itself. */
static void test_schema(void **state)
{
    (void)state;
    for (int id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        const struct schema_table *table = schema_table((enum schema_table_id)id);
        struct buf buf, merged;
        struct err err = { 0 };
        bool is_older = true;
        buf_init(&buf, 1 << 20);
        buf_init(&merged, 1 << 20);
        assert_true(delta_put_schema(&buf, table));
        char *text = bytes_to_text(buf_bytes(&buf));
        yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
        yyjson_val *fields = yyjson_obj_get(yyjson_doc_get_root(doc), "fields");
        size_t at = 0;
        for (uint32_t i = 0; i < table->column_count; i++) {
            if (table->columns[i].flags & SCHEMA_DERIVED) continue;
            yyjson_val *field = yyjson_arr_get(fields, at++);
            assert_string_equal(yyjson_get_str(yyjson_obj_get(field, "name")), table->columns[i].name);
            assert_int_equal(yyjson_get_bool(yyjson_obj_get(field, "nullable")),
                             !(table->columns[i].flags & SCHEMA_NOT_NULL));
        }
        assert_int_equal(yyjson_arr_size(fields), at);
        if (!delta_schema_check(text, table, &is_older, &merged, &err)) fail_msg("%s", err.text);
        assert_false(is_older);
        yyjson_doc_free(doc);
        free(text);
        buf_deinit(&buf);
        buf_deinit(&merged);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),         cmocka_unit_test(test_time_forms), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_paths),         cmocka_unit_test(test_text_upper), cmocka_unit_test(test_stats),
        cmocka_unit_test(test_stats_bounded), cmocka_unit_test(test_stats_pack), cmocka_unit_test(test_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
