/* Values on the wire, against what PostgreSQL 15 sends for the same ones. */
#include "timefusion/pgwire/pgtype.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_text(enum query_type type, struct query_value value, const char *wanted)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_true(pgtype_put_text(&out, NULL, 0, &(struct query_column){ .type = type }, value));
    if (out.len != strlen(wanted) || memcmp(out.ptr, wanted, out.len) != 0)
        fail_msg("wanted \"%s\", got \"%.*s\"", wanted, (int)out.len, (const char *)out.ptr);
    buf_deinit(&out);
}

static void expect_binary(enum query_type type, struct query_value value, const char *wanted_hex)
{
    struct buf out;
    char hex[512] = "";
    buf_init(&out, 4096);
    assert_true(pgtype_put_binary(&out, NULL, 0, &(struct query_column){ .type = type }, value));
    for (size_t i = 0; i < out.len; i++) snprintf(hex + 2 * i, 3, "%02x", out.ptr[i]);
    assert_string_equal(hex, wanted_hex);
    buf_deinit(&out);
}

static struct query_value integer(int64_t number)
{
    return (struct query_value){ .integer = number };
}
static struct query_value number(double value)
{
    return (struct query_value){ .number = value };
}
static struct query_value text(const char *value)
{
    return (struct query_value){ .bytes = bytes_of_text(value) };
}
static struct query_value interval(int32_t months, int32_t days, int64_t micros)
{
    return (struct query_value){ .interval = { .months = months, .days = days, .micros = micros } };
}

/* Goal: dates and times read as psql shows them, before 1970 and with any fraction. Method: known pairs. */
static void test_times_as_text(void **state)
{
    (void)state;
    expect_text(QUERY_TYPE_DATE, integer(0), "1970-01-01");
    expect_text(QUERY_TYPE_DATE, integer(-1), "1969-12-31");
    expect_text(QUERY_TYPE_DATE, integer(11016), "2000-02-29");
    expect_text(QUERY_TYPE_DATE, integer(20779), "2026-11-22");
    expect_text(QUERY_TYPE_TIMESTAMPTZ, integer(0), "1970-01-01 00:00:00+00");
    expect_text(QUERY_TYPE_TIMESTAMPTZ, integer(-1), "1969-12-31 23:59:59.999999+00");
    expect_text(QUERY_TYPE_TIMESTAMPTZ, integer(1700000000120000), "2023-11-14 22:13:20.12+00");
    expect_text(QUERY_TYPE_TIMESTAMP, integer(1700000000000001), "2023-11-14 22:13:20.000001");
    expect_text(QUERY_TYPE_TIMESTAMP, integer(INT64_MAX), "infinity");
    expect_text(QUERY_TYPE_TIMESTAMP, integer(-62135596800000000 - 86400000000), "0001-12-31 00:00:00 BC");
    expect_text(QUERY_TYPE_TIME, integer(3661000001), "01:01:01.000001");
    expect_text(QUERY_TYPE_INTERVAL, interval(14, -3, 4000000), "1 year 2 mons -3 days +00:00:04");
    expect_text(QUERY_TYPE_INTERVAL, interval(0, 0, -5500000), "-00:00:05.5");
    expect_text(QUERY_TYPE_INTERVAL, interval(0, 0, 0), "00:00:00");
    expect_text(QUERY_TYPE_INTERVAL, interval(0, 1, 0), "1 day");
}

/* Goal: numbers read back as the same number. Method: known pairs, infinities and NaN among them. */
static void test_numbers_as_text(void **state)
{
    (void)state;
    expect_text(QUERY_TYPE_FLOAT8, number(0.1), "0.1");
    expect_text(QUERY_TYPE_FLOAT8, number(1.0 / 3.0), "0.3333333333333333");
    expect_text(QUERY_TYPE_FLOAT8, number(NAN), "NaN");
    expect_text(QUERY_TYPE_FLOAT8, number(-INFINITY), "-Infinity");
    expect_text(QUERY_TYPE_FLOAT8, number(0), "0");
    expect_text(QUERY_TYPE_FLOAT8, number(-0.0), "-0");
    expect_text(QUERY_TYPE_FLOAT8, number(120), "120");
    expect_text(QUERY_TYPE_FLOAT8, number(-1234.5), "-1234.5");
    expect_text(QUERY_TYPE_FLOAT8, number(1e14), "100000000000000");
    expect_text(QUERY_TYPE_FLOAT8, number(1e15), "1e+15");
    expect_text(QUERY_TYPE_FLOAT8, number(0.0001), "0.0001");
    expect_text(QUERY_TYPE_FLOAT8, number(0.000012), "1.2e-05");
    expect_text(QUERY_TYPE_FLOAT8, number(5e-324), "5e-324");
    expect_text(QUERY_TYPE_FLOAT4, number(123456), "123456");
    expect_text(QUERY_TYPE_FLOAT4, number(1234567), "1.234567e+06");
    expect_text(QUERY_TYPE_FLOAT4, number((double)0.1f), "0.1");
    expect_text(QUERY_TYPE_INT8, integer(INT64_MIN), "-9223372036854775808");
    expect_text(QUERY_TYPE_BOOL, (struct query_value){ .boolean = true }, "t");
    expect_text(QUERY_TYPE_BYTEA, text("a\x01"), "\\x6101");
}

/* Goal: binary forms are PostgreSQL's. Method: the bytes that `SELECT ...` with binary results gives there. */
static void test_binary(void **state)
{
    (void)state;
    expect_binary(QUERY_TYPE_DATE, integer(20779), "0000265e");
    expect_binary(QUERY_TYPE_TIMESTAMPTZ, integer(946684800000000), "0000000000000000");
    expect_binary(QUERY_TYPE_TIMESTAMPTZ, integer(946684799999999), "ffffffffffffffff");
    expect_binary(QUERY_TYPE_TIMESTAMPTZ, integer(INT64_MAX), "7fffffffffffffff");
    expect_binary(QUERY_TYPE_INT2, integer(-2), "fffe");
    expect_binary(QUERY_TYPE_INT4, integer(258), "00000102");
    expect_binary(QUERY_TYPE_FLOAT8, number(1.5), "3ff8000000000000");
    expect_binary(QUERY_TYPE_FLOAT4, number(1.5), "3fc00000");
    expect_binary(QUERY_TYPE_JSONB, text("{}"), "017b7d");
    expect_binary(QUERY_TYPE_INTERVAL, interval(14, 3, 1), "0000000000000001000000030000000e");
    expect_binary(QUERY_TYPE_NUMERIC, text("0"), "0000000000000000");
    expect_binary(QUERY_TYPE_NUMERIC, text("12345.678"),
                  "00030001000000030001"
                  "0929"
                  "1a7c");
    expect_binary(QUERY_TYPE_NUMERIC, text("-0.00012"),
                  "0002ffff400000050001"
                  "07d0");
    expect_binary(QUERY_TYPE_NUMERIC, text("100000000"), "00010002000000000001");
    expect_binary(QUERY_TYPE_NUMERIC, text("NaN"), "00000000c0000000");
}

/* Goal: types and OIDs go both ways. Method: every type, its list, and names clients use. */
static void test_oids(void **state)
{
    (void)state;
    for (int type = QUERY_TYPE_BOOL; type <= QUERY_TYPE_INTERVAL; type++) {
        assert_int_equal(pgtype_of_oid(pgtype_oid((enum query_type)type)), type);
        assert_int_equal(pgtype_of_oid(pgtype_oid((enum query_type)(type | QUERY_TYPE_LIST))), type | QUERY_TYPE_LIST);
    }
    assert_int_equal(pgtype_of_oid(1043), QUERY_TYPE_TEXT);
    assert_int_equal(pgtype_of_oid(705), QUERY_TYPE_UNKNOWN);
    assert_int_equal(pgtype_of_oid(0), QUERY_TYPE_UNKNOWN);
    assert_int_equal(pgtype_len(QUERY_TYPE_UUID), 16);
    assert_int_equal(pgtype_len((enum query_type)(QUERY_TYPE_UUID | QUERY_TYPE_LIST)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_as_text),
        cmocka_unit_test(test_numbers_as_text),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_oids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
