#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "ask/zone.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct zone *opened(const char *name)
{
    struct zone *zone;
    struct err err = { 0 };
    if (!zone_open(&zone, bytes_of_text(name), &err)) fail_msg("%s: %s", name, err.text);
    return zone;
}

/* Goal: an instant is what the C library says a wall clock shows then, in the past and far ahead, and comes back from it.
 * Method: random instants of 1971 to 2400 in zones of all kinds, against localtime_r. */
static void test_as_the_c_library(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin",    "America/New_York", "Australia/Sydney",  "Asia/Kolkata", "Asia/Kathmandu",
        "America/St_Johns", "Pacific/Apia",     "Africa/Casablanca", "Etc/GMT-14",   "UTC"
    };
    (void)state;
    srand(1);
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        struct zone *zone = opened(names[n]);
        setenv("TZ", names[n], 1);
        tzset();
        for (int i = 0; i < 3000; i++) {
            int64_t years = i % 3 == 0 ? 430 : 60;
            time_t at = (time_t)(31536000 + ((int64_t)rand() << 16 ^ rand()) % (years * 31556952));
            if (at < 31536000) at = -at;
            struct tm tm;
            localtime_r(&at, &tm);
            struct zone_time local = zone_local(zone, at);
            if (local.year != tm.tm_year + 1900 || local.month != tm.tm_mon + 1 || local.day != tm.tm_mday ||
                local.hour != tm.tm_hour || local.minute != tm.tm_min || local.second != tm.tm_sec)
                fail_msg("%s at %lld: %d-%d-%d %d:%d:%d", names[n], (long long)at, local.year, local.month, local.day,
                         local.hour, local.minute, local.second);
            int64_t back = zone_instant(zone, local);
            assert_true(back == at || zone_offset_s(zone, back) !=
                                          zone_offset_s(zone, at)); /* of an hour that comes twice the first */
        }
        zone_close(zone);
    }
    unsetenv("TZ");
}

/* Goal: days with 23 and 25 hours; an hour that comes twice, one that is left out. */
static void test_changes_of_the_clock(void **state)
{
    (void)state;
    struct zone *zone = opened("Europe/Berlin");
    assert_int_equal(zone_instant(zone, (struct zone_time){ 2026, 10, 25, 0, 0, 0 }), 1792879200);
    assert_int_equal(zone_instant(zone, (struct zone_time){ 2026, 10, 26, 0, 0, 0 }) - 1792879200, 25 * 3600);
    assert_int_equal(zone_instant(zone, (struct zone_time){ 2026, 10, 25, 2, 30, 0 }),
                     1792888200); /* 00:30 UTC, the first */
    int64_t spring = zone_instant(zone, (struct zone_time){ 2026, 3, 29, 2, 30, 0 });
    assert_int_equal(zone_local(zone, spring).hour, 3);
    assert_int_equal(zone_local(zone, spring).minute, 30);
    assert_int_equal(zone_instant(zone, (struct zone_time){ 2026, 3, 30, 0, 0, 0 }) -
                         zone_instant(zone, (struct zone_time){ 2026, 3, 29, 0, 0, 0 }),
                     23 * 3600);
    assert_int_equal(zone_instant(zone, (struct zone_time){ 2026, 11, 0, 0, 0, 0 }),
                     zone_instant(zone, (struct zone_time){ 2026, 10, 31, 0, 0, 0 }));
    zone_close(zone);
}

/* Goal: names that are none, or lead elsewhere, open nothing; offsets need no file. */
static void test_names(void **state)
{
    static const char *const bad[] = { "",
                                       "../etc/passwd",
                                       "Europe/../../etc/passwd",
                                       "/etc/passwd",
                                       "Europe//Berlin",
                                       "Europe/",
                                       "Europe",
                                       "Nowhere/Town",
                                       "+25:00",
                                       "+1",
                                       "zone.tab",
                                       "Europe/Berlin\n",
                                       "tzdata.zi",
                                       "+05-30" };
    (void)state;
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        struct zone *zone;
        struct err err = { 0 };
        if (zone_open(&zone, bytes_of_text(bad[b]), &err)) fail_msg("\"%s\" opens", bad[b]);
        assert_null(zone);
        assert_int_not_equal(err.code, ERR_OK);
    }
    struct zone *zone = opened("+05:30");
    assert_int_equal(zone_offset_s(zone, 0), 19800);
    assert_true(zone_is_fixed(zone));
    zone_close(zone);
    zone = opened("-0330");
    assert_int_equal(zone_offset_s(zone, 1800000000), -12600);
    zone_close(zone);
}

/* Goal: a file that is cut or changed anywhere is refused or read, never read beyond. Method: each length, each byte flipped. */
static void test_broken_files(void **state)
{
    uint8_t file[4096];
    (void)state;
    FILE *from = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    assert_non_null(from);
    size_t len = fread(file, 1, sizeof file, from);
    fclose(from);
    for (size_t i = 0; i < 2 * len; i++) {
        struct zone *zone;
        struct err err = { 0 };
        uint8_t *copy = malloc(len);
        size_t size = i < len ? i : len;
        memcpy(copy, file, len);
        if (i >= len) copy[i - len] ^= (uint8_t)(1 + i % 255);
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, copy, size);
        if (zone_read(&zone, BYTES("X"), bytes_from(exact, size), &err))
            (void)zone_local(zone, 1792888200), zone_close(zone);
        free(exact);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_the_c_library),
                                        cmocka_unit_test(test_changes_of_the_clock), cmocka_unit_test(test_names),
                                        cmocka_unit_test(test_broken_files) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
