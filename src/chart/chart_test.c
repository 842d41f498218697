#include "ask/zone.h"
#include "chart/axis.h"
#include "chart/chart.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_value(double value, const char *unit, const char *expected)
{
    char text[AXIS_TEXT_BYTES];
    axis_value_text(value, bytes_of_text(unit), text);
    assert_string_equal(text, expected);
}

/* Goal: people read round numbers, in the unit that fits. */
static void test_values(void **state)
{
    struct axis axis;
    (void)state;
    axis_of_values(&axis, 0, 87, 4);
    assert_true(axis.low == 0 && axis.high == 100);
    assert_int_equal(axis.count, 3);
    axis_of_values(&axis, -3, 3, 3);
    assert_true(axis.low <= -3 && axis.high >= 3);
    axis_of_values(&axis, NAN, NAN, 4); /* a chart without values has an axis all the same */
    assert_true(axis.high > axis.low);
    assert_value(0, "ms", "0");
    assert_value(250, "ms", "250 ms");
    assert_value(0.25, "ms", "250 us");
    assert_value(1500, "ms", "1.5 s");
    assert_value(1234567, "", "1.23M");
    assert_value(0.25, "", "0.25");
    assert_value(50, "%", "50 %");
    assert_value(1572864, "B", "1.5 MiB");
}

/* Goal: ticks are whole hours of the wall clock, before and behind a change of it.
 * Method: Berlin's autumn night of 2026, by the zone and in UTC. */
static void test_time(void **state)
{
    struct axis axis;
    struct err err = { 0 };
    struct zone *zone;
    int64_t from_us = (zone_day_number(2026, 10, 24) * 86400 + 20 * 3600) * 1000000; /* 22:00 there */
    (void)state;
    assert_true(zone_open(&zone, BYTES("Europe/Berlin"), &err));
    axis_of_time(&axis, from_us, from_us + INT64_C(12) * 3600000000, zone, 8);
    assert_true(axis.count >= 4 && axis.count <= 8);
    for (uint32_t t = 0; t < axis.count; t++) {
        struct zone_time local = zone_local(zone, (int64_t)(axis.at[t] / 1e6));
        assert_int_equal(local.minute, 0);
        assert_int_equal(local.hour % 2, 0);
    }
    zone_close(zone);
    axis_of_time(&axis, from_us, from_us + INT64_C(7) * 86400000000, NULL, 8);
    assert_string_equal(axis.text[0], "25 Oct");
    axis_of_time(&axis, from_us + 1, from_us + 2, NULL, 8); /* shorter than any step: none, and it ends */
    assert_int_equal(axis.count, 0);
}

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Goal: a PNG of the size that was asked for comes out, the same one each time, whatever texts say.
 * Method: MONO_CHART_OUT=FILE writes it, to be looked at. */
static void test_png(void **state)
{
    double values[2][48];
    struct arena arena;
    struct bytes png, again;
    struct err err = { 0 };
    (void)state;
    arena_init(&arena, 0);
    for (uint32_t s = 0; s < 48; s++) {
        values[0][s] = s == 20 ? NAN : 120 + 40 * sin(s / 5.0) + (s > 36 ? 150 : 0);
        values[1][s] = 110 + 40 * sin(s / 5.0);
    }
    const struct chart_series series[] = { { BYTES("this week"), values[0] }, { BYTES("the week before"), values[1] } };
    const struct chart_mark mark = { 1795867200000000 + INT64_C(36) * 1800000000, 0 };
    struct chart chart = { .title = BYTES("p95 of checkout"),
                           .unit = BYTES("ms"),
                           .from_unix_us = 1795867200000000,
                           .step_us = 1800000000,
                           .step_count = 48,
                           .series = series,
                           .series_count = 2,
                           .marks = &mark,
                           .mark_count = 1 };
    assert_true(chart_png(&chart, &arena, &png, &err));
    assert_true(png.len > 4000 && memcmp(png.ptr, "\x89PNG\r\n\x1a\n", 8) == 0);
    assert_int_equal(be32(png.ptr + 16), 1280);
    assert_int_equal(be32(png.ptr + 20), 440);
    assert_true(chart_png(&chart, &arena, &again, &err));
    assert_true(bytes_equal(png, again));
    const char *path = getenv("MONO_CHART_OUT");
    chart.kind = path != NULL && strstr(path, "bars") != NULL ? CHART_BARS : CHART_LINES;
    assert_true(chart_png(&chart, &arena, &again, &err));
    if (path != NULL) {
        FILE *file = fopen(path, "w");
        assert_true(file != NULL && fwrite(again.ptr, 1, again.len, file) == again.len && fclose(file) == 0);
    }
    chart.title = BYTES("\xff\xfe");
    chart.kind = CHART_BARS;
    assert_true(chart_png(&chart, &arena, &again, &err));
    assert_false(bytes_equal(png, again));
    chart.step_count = 0;
    assert_false(chart_png(&chart, &arena, &again, &err));
    assert_int_equal(err.code, ERR_INPUT);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_values), cmocka_unit_test(test_time),
                                        cmocka_unit_test(test_png) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
