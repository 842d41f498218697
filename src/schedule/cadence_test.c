/* threads: none */
#include "ask/zone.h"
#include "schedule/cadence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t utc(int month, int day, int hour, int minute)
{
    return zone_day_number(2026, month, day) * 86400 + hour * 3600 + minute * 60;
}

static struct cadence parsed(const char *text)
{
    struct cadence cadence;
    struct err err = { 0 };
    if (!cadence_parse(bytes_of_text(text), &cadence, &err)) fail_msg("%s: %s", text, err.text);
    return cadence;
}

static struct zone *zone_of(const char *name)
{
    struct zone *zone;
    struct err err = { 0 };
    if (!zone_open(&zone, bytes_of_text(name), &err)) fail_msg("%s: %s", name, err.text);
    return zone;
}

/* Goal: what people write is read as crontab(5) has it, and what is wrong is told. */
static void test_texts(void **state)
{
    static const struct {
        const char *text;
        int64_t next;
    } good[] = {
        { "0 * * * *", 0 },        { "hourly", 0 },        { "@hourly", 0 },
        { "*/15 * * * *", 0 },     { "5/20 10 * * *", 0 }, { "0 8 * * MON-fri", 0 },
        { "0 8 * jan,Dec *", 0 },  { "0 8 1 * 7", 0 },     { "daily", 0 },
        { "daily 23:59", 0 },      { "weekly", 0 },        { "weekly tue", 0 },
        { "weekly sun 00:00", 0 }, { "weekly 07:30", 0 },  { "0 0 29 2 *", 0 },
        { "  0  0 \t* * * ", 0 },
    };
    static const char *const bad[] = { "",
                                       "*",
                                       "60 * * * *",
                                       "* 24 * * *",
                                       "* * 0 * *",
                                       "* * * 13 *",
                                       "* * * * 8",
                                       "5-1 * * * *",
                                       "*/0 * * * *",
                                       "a * * * *",
                                       "* * * * * *",
                                       "1,,2 * * * *",
                                       "daily 24:00",
                                       "weekly foo",
                                       "daily 8",
                                       "0 0 30 2 *",
                                       "@reboot",
                                       "1- * * * *",
                                       "* * * * mond",
                                       "\n",
                                       "0 0 31 4,6 *" };
    (void)state;
    for (size_t g = 0; g < COUNT_OF(good); g++) {
        struct cadence cadence = parsed(good[g].text);
        assert_true(cadence_next(&cadence, NULL, utc(1, 1, 0, 0)) > utc(1, 1, 0, 0));
    }
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        struct cadence cadence;
        struct err err = { 0 };
        if (cadence_parse(bytes_of_text(bad[b]), &cadence, &err)) fail_msg("\"%s\" was taken", bad[b]);
        assert_int_equal(err.code, ERR_INPUT);
    }
}

static void test_next(void **state)
{
    static const struct {
        const char *text;
        int after[4], next[4];
    } cases[] = {
        { "0 * * * *", { 11, 28, 7, 0 }, { 11, 28, 8, 0 } },
        { "0 * * * *", { 11, 28, 7, 59 }, { 11, 28, 8, 0 } },
        { "*/15 9-10 * * *", { 11, 28, 10, 45 }, { 11, 29, 9, 0 } },
        { "30 8 * * mon", { 11, 28, 0, 0 }, { 11, 30, 8, 30 } }, /* the 28th is a Saturday */
        { "0 0 13 * fri", { 11, 1, 0, 0 }, { 11, 6, 0, 0 } },    /* either the 13th or a Friday */
        { "0 0 */10 * fri", { 11, 1, 0, 0 }, { 12, 11, 0, 0 } }, /* with a star both: crontab(5) */
        { "weekly sun 23:00", { 11, 28, 0, 0 }, { 11, 29, 23, 0 } },
        { "@monthly", { 11, 1, 0, 0 }, { 12, 1, 0, 0 } },
        { "0 12 31 * *", { 11, 1, 0, 0 }, { 12, 31, 12, 0 } },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct cadence cadence = parsed(cases[c].text);
        const int *a = cases[c].after, *n = cases[c].next;
        int64_t next = cadence_next(&cadence, NULL, utc(a[0], a[1], a[2], a[3]));
        if (next != utc(n[0], n[1], n[2], n[3])) {
            struct zone_time is = zone_local(NULL, next);
            fail_msg("%s: %d-%d %d:%d", cases[c].text, is.month, is.day, is.hour, is.minute);
        }
    }
}

/* Goal: all changes of clocks of 2026 on both halves of the earth: a time that is left out runs once, when the clock has jumped; one that
 * comes twice runs the first time; each day of the year has one run, whatever the clock does.
 * Method: instants in UTC, written by hand from the tz database. */
static void test_changes_of_clocks(void **state)
{
    static const struct {
        const char *zone, *text;
        int at[4];      /* the run of that day, in UTC */
        int low[4];     /* from here ... */
        uint32_t count; /* ... this many within 24 hours */
    } cases[] = {
        { "Europe/Berlin", "30 2 * * *", { 3, 29, 1, 0 }, { 3, 28, 12, 0 }, 1 },
        { "Europe/Berlin", "*/10 2 * * *", { 3, 29, 1, 0 }, { 3, 28, 12, 0 }, 1 }, /* six times left out: one run */
        { "Europe/Berlin", "30 2 * * *", { 10, 25, 0, 30 }, { 10, 24, 12, 0 }, 1 },
        { "Europe/Berlin", "*/10 2 * * *", { 10, 25, 0, 0 }, { 10, 24, 12, 0 }, 6 },
        { "Europe/Berlin", "0 * * * *", { 3, 29, 1, 0 }, { 3, 29, 0, 30 }, 24 }, /* hours that pass */
        { "Europe/Berlin", "15 * * * *", { 10, 25, 0, 15 }, { 10, 24, 23, 30 }, 24 },
        { "America/New_York", "30 2 * * *", { 3, 8, 7, 0 }, { 3, 7, 12, 0 }, 1 },
        { "America/New_York", "30 1 * * *", { 11, 1, 5, 30 }, { 10, 31, 12, 0 }, 1 },
        { "America/Santiago", "30 0 * * *", { 9, 6, 4, 0 }, { 9, 5, 12, 0 }, 1 }, /* midnight is left out */
        { "America/Santiago", "30 23 * * *", { 4, 5, 2, 30 }, { 4, 4, 12, 0 }, 1 },
        { "Australia/Sydney", "30 2 * * *", { 10, 3, 16, 0 }, { 10, 3, 6, 0 }, 1 },
        { "Australia/Sydney", "30 2 * * *", { 4, 4, 15, 30 }, { 4, 4, 6, 0 }, 1 },
        { "Pacific/Auckland", "59 2 * * *", { 9, 26, 14, 0 }, { 9, 26, 6, 0 }, 1 },
        { "Pacific/Auckland", "0 2 * * *", { 4, 4, 13, 0 }, { 4, 4, 6, 0 }, 1 },
        { "Australia/Lord_Howe", "15 2 * * *", { 10, 3, 15, 30 }, { 10, 3, 6, 0 }, 1 }, /* half an hour */
        { "Australia/Lord_Howe", "30 2 * * *", { 10, 3, 15, 30 }, { 10, 3, 6, 0 }, 1 },
        { "Australia/Lord_Howe", "45 1 * * *", { 4, 4, 14, 45 }, { 4, 4, 6, 0 }, 1 },
        { "Australia/Lord_Howe", "45 * * * *", { 4, 4, 14, 45 }, { 4, 4, 14, 30 }, 25 },
        { "Asia/Kathmandu", "0 8 * * *", { 6, 1, 2, 15 }, { 5, 31, 12, 0 }, 1 },
        { "+05:30", "0 8 * * *", { 6, 1, 2, 30 }, { 5, 31, 12, 0 }, 1 },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct cadence cadence = parsed(cases[c].text);
        struct zone *zone = zone_of(cases[c].zone);
        const int *a = cases[c].at, *l = cases[c].low;
        int64_t low = utc(l[0], l[1], l[2], l[3]);
        uint32_t count;
        int64_t next = cadence_next(&cadence, zone, low);
        if (next != utc(a[0], a[1], a[2], a[3])) {
            struct zone_time is = zone_local(NULL, next);
            fail_msg("%s %s: %d-%d %d:%d", cases[c].zone, cases[c].text, is.month, is.day, is.hour, is.minute);
        }
        cadence_last(&cadence, zone, low, low + 86400, &count);
        if (count != cases[c].count) fail_msg("%s %s: %u runs", cases[c].zone, cases[c].text, count);
        if (count == 1 && strchr(cases[c].text, '/') == NULL) {
            cadence_last(&cadence, zone, utc(1, 1, 0, 0), utc(1, 1, 0, 0) + 365 * 86400, &count);
            assert_int_equal(count, 365);
        }
        zone_close(zone);
    }
}

/* Goal: what was missed is one run, the newest, whoever long it was. */
static void test_last(void **state)
{
    struct cadence hourly = parsed("hourly"), minutes = parsed("* * * * *");
    uint32_t count;
    (void)state;
    assert_int_equal(cadence_last(&hourly, NULL, utc(1, 1, 0, 0), utc(1, 1, 5, 30), &count), utc(1, 1, 5, 0));
    assert_int_equal(count, 5);
    cadence_last(&hourly, NULL, utc(1, 1, 0, 0), utc(1, 1, 0, 59), &count);
    assert_int_equal(count, 0);
    assert_int_equal(cadence_last(&minutes, NULL, 0, utc(1, 1, 0, 0) + 30, &count), utc(1, 1, 0, 0)); /* 56 years */
    assert_true(count >= CADENCE_COUNT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_texts), cmocka_unit_test(test_next),
                                        cmocka_unit_test(test_changes_of_clocks), cmocka_unit_test(test_last) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
