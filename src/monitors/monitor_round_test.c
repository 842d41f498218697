/* threads: none */
/* Each kind of condition over a made-up world, against a second computation; groups; windows when nobody is told. */
#include "monitors/monitors_fixture.h"

#include <stdio.h>
#include <time.h>

#include "monitors/monitor_text.h"

static const int64_t BEGIN = INT64_C(1790000000) / 3600 * 3600 * 1000000; /* a full hour */

struct run {
    struct world world;
    struct arena arena;
    struct monitor monitor;
    const struct monitor_table *last;
    char told[4000]; /* "cart w@3 " : minutes since BEGIN */
    uint32_t asked;
};
static bool event_note(void *ctx, const struct monitor_table *table, int64_t at_us)
{
    struct run *run = ctx;
    run->asked = table->asked;
    for (uint32_t e = 0; e < table->event_count; e++) {
        const struct monitor_event *event = &table->events[e];
        struct bytes group = table->groups[event->group].key;
        size_t len = strlen(run->told);
        snprintf(run->told + len, sizeof run->told - len, "%.*s%s%c@%lld%s ", (int)group.len, (const char *)group.ptr,
                 group.len > 0 ? ":" : "", "owan"[event->to], (long long)((at_us - BEGIN) / MINUTE),
                 event -> is_quiet ? "q" : "");
    }
    return true;
}
static void run_world(struct run *run, const char *json, int64_t from_minute, int64_t to_minute)
{
    struct err err = { 0 };
    struct monitors_source source = { world_ask, &run->world };
    struct monitors_dry dry = { .from_us = BEGIN + from_minute * MINUTE,
                                .to_us = BEGIN + to_minute * MINUTE,
                                .budget_us = INT64_C(60000000),
                                .each = event_note,
                                .ctx = run };
    arena_init(&run->arena, 0);
    monitor_of(&run->monitor, &run->arena, json);
    if (!monitors_dry_run(&run->monitor, &source, (struct uuid){ 0 }, "shop", &dry, &err)) fail_msg("%s", err.text);
    assert_false(dry.is_cut);
    monitor_close(&run->monitor);
    arena_deinit(&run->arena);
}
#define EXPECT(run, json, from, to, expected)      \
    do {                                           \
        (run).told[0] = '\0';                      \
        run_world(&(run), json, from, to);         \
        assert_string_equal((run).told, expected); \
    } while (0)

/* 10 a minute; from minute 30 to 40 it is 50. */
static bool burst(const struct world *world, uint32_t group, int64_t minute, double *value, double *total)
{
    int64_t at = minute - BEGIN / MINUTE;
    (void)world;
    *total = 1000;
    *value = group == 0 && at >= 30 && at < 40 ? 50 : 10;
    return true;
}

static void thresholds(void **state)
{
    struct run run = { .world = { .minute = burst } };
    (void)state;
    /* Sums of 5 minutes: 50, then 90 at 31, 130 at 32, 170, 210, 250 at 35; back to 210 at 41 ... 50 at 45. */
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":300,\"condition\":{\"kind\":\"threshold\","
           "\"alert\":200,\"warning\":100}}",
           20, 60, "w@32 a@34 w@42 o@44 ");
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":300,\"for_s\":180,\"condition\":{\"kind\":"
           "\"threshold\",\"alert\":200,\"warning\":100,\"alert_recovery\":150}}",
           20, 60, "w@35 a@37 w@43 o@44 ");
}

static void by_groups(void **state)
{
    static const char *const groups[] = { "cart", "web", NULL };
    struct run run = { .world = { .minute = burst, .groups = groups } };
    (void)state;
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":60,\"condition\":{\"kind\":\"threshold\","
           "\"alert\":20}}",
           20, 60, "cart:a@31 cart:o@41 ");
    assert_int_equal(run.asked, 41); /* one a moment, not one a group */
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":60,\"groups_max\":1,\"condition\":{\"kind\":"
           "\"threshold\",\"alert\":5}}",
           20, 21, "cart:a@20 ");
}

static void changes(void **state)
{
    struct run run = { .world = { .minute = burst } };
    (void)state;
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":60,\"condition\":{\"kind\":\"change\",\"side\":"
           "\"both\",\"as\":\"percent\",\"against\":\"before\",\"alert\":79}}",
           20, 60, "a@31 o@32 a@41 o@42 "); /* +400% and -80% */
    EXPECT(
        run,
        "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":60,\"condition\":{\"kind\":\"change\",\"against\":"
        "\"day\",\"alert\":30}}",
        20, 60, "a@31 o@41 ");
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":60,\"condition\":{\"kind\":\"change\",\"side\":"
           "\"below\",\"against\":\"day\",\"alert\":-30}}",
           1440 + 20, 1440 + 60, "a@1471 o@1481 ");
}

/* 100 at day, 10 at night, with some noise; one day too much. */
static bool seasonal(const struct world *world, uint32_t group, int64_t minute, double *value, double *total)
{
    int64_t at = minute - BEGIN / MINUTE;
    uint64_t noise = ((uint64_t)minute * 6364136223846793005u) >> 60;
    (void)world, (void)group, (void)total;
    *value = (minute / 60 % 24 < 12 ? 10 : 100) + (double)noise / 8;
    if (at >= 100 && at < 110) *value *= 2;
    return minute >= BEGIN / MINUTE - 5 * 7 * 1440;
}

static void anomalies(void **state)
{
    struct run run = { .world = { .minute = seasonal } };
    (void)state;
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":300,\"condition\":{\"kind\":\"anomaly\",\"side\":"
           "\"both\",\"alert\":10}}",
           0, 1440,
           "a@103 o@113 "); /* 5 minutes doubled by the third: +60% is 12 deviations of 5%; and no dusk or dawn */
    assert_true(run.asked <= 1441 + 25 * 12);
}

static bool gap(const struct world *world, uint32_t group, int64_t minute, double *value, double *total)
{
    int64_t at = minute - BEGIN / MINUTE;
    (void)world;
    *value = *total = 3;
    return !(group == 1 && at >= 30 && at < 50);
}

static void absences(void **state)
{
    static const char *const groups[] = { "cart", "web", NULL };
    struct run run = { .world = { .minute = gap, .groups = groups } };
    (void)state;
    EXPECT(run, "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":300,\"condition\":{\"kind\":\"absence\"}}",
           20, 60, "web:a@35 web:o@51 ");
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":300,\"no_data\":\"alert\",\"for_s\":120,"
           "\"condition\":{\"kind\":\"threshold\",\"alert\":100}}",
           20, 60, "web:n@37 web:o@51 ");
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":300,\"no_data\":\"keep\",\"condition\":{\"kind\":"
           "\"threshold\",\"alert\":14}}",
           20, 60, "cart:a@20 web:a@20 web:o@31 web:a@55 ");
}

/* 2% of 1000 a minute fail for an hour: burns 20 times of 99.9%. */
static bool failing(const struct world *world, uint32_t group, int64_t minute, double *value, double *total)
{
    int64_t at = minute - BEGIN / MINUTE;
    (void)world, (void)group;
    *total = 1000;
    *value = at >= 600 && at < 660 ? 20 : 0;
    return true;
}

/* The workbook's condition, told by sums. */
static bool burns(int64_t at, int64_t minutes, double factor)
{
    int64_t from = at - minutes > 600 ? at - minutes : 600, to = at < 660 ? at : 660;
    double bad = to > from ? 20.0 * (double)(to - from) : 0;
    return bad / (1000.0 * (double)minutes) > factor * 0.001;
}

static void burn_rates(void **state)
{
    struct run run = { .world = { .minute = failing } };
    char expected[200] = "";
    int was = 0;
    (void)state;
    for (int64_t at = 500; at <= 1200; at++) {
        int level = (burns(at, 60, 14.4) && burns(at, 5, 14.4)) || (burns(at, 360, 6) && burns(at, 30, 6)) ? 2
                    : burns(at, 4320, 1) && burns(at, 360, 1)                                              ? 1
                                                                                                           : 0;
        size_t len = strlen(expected);
        if (level != was) snprintf(expected + len, sizeof expected - len, "%c@%lld ", "owa"[level], (long long)at);
        was = level;
    }
    assert_true(strchr(expected, 'a') != NULL);
    EXPECT(run,
           "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"burn\",\"objective\":99.9,\"bad\":"
           "\"status:error\"}}",
           500, 1200, expected);
}

static bool is_quiet(const char *windows, int64_t unix_s)
{
    struct arena arena;
    struct monitor monitor;
    char json[600];
    snprintf(json, sizeof json,
             "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"absence\"},\"maintenance\":[%s]}",
             windows);
    arena_init(&arena, 0);
    monitor_of(&monitor, &arena, json);
    bool is = monitor_is_quiet(&monitor, unix_s * 1000000);
    monitor_close(&monitor);
    arena_deinit(&arena);
    return is;
}

static void windows_by_the_wall_clock(void **state)
{
    /* Sunday 2026-03-29: 02:00 becomes 03:00 in Berlin; the window of the night is an hour shorter. 2026-10-25: an hour longer. */
    const char *night = "{\"zone\":\"Europe/Berlin\",\"days\":[6],\"from\":\"23:00\",\"to\":\"05:00\"}";
    int64_t spring = INT64_C(1774735200); /* 2026-03-28 22:00 UTC: 23:00 in Berlin */
    int64_t autumn = INT64_C(1792875600); /* 2026-10-24 21:00 UTC: 23:00 in Berlin */
    (void)state;
    assert_false(is_quiet(night, spring - 1));
    assert_true(is_quiet(night, spring));
    assert_true(is_quiet(night, spring + 5 * 3600 - 1)); /* 04:59:59 is five hours later, not six */
    assert_false(is_quiet(night, spring + 5 * 3600));
    assert_false(is_quiet(night, autumn - 1));
    assert_true(is_quiet(night, autumn));
    assert_true(is_quiet(night, autumn + 7 * 3600 - 1));
    assert_false(is_quiet(night, autumn + 7 * 3600));
    assert_false(is_quiet(night, spring + 86400)); /* Sunday is no day of it */
    const char *once = "{\"from\":\"2026-11-28T06:00:00Z\",\"to\":\"2026-11-28T08:00:00Z\"}";
    assert_true(is_quiet(once, INT64_C(1795845600)));
    assert_false(is_quiet(once, INT64_C(1795845600) + 7200));
}

static void quiet_events(void **state)
{
    struct run run = { .world = { .minute = burst } };
    char json[500];
    time_t at = (time_t)((BEGIN + 25 * MINUTE) / 1000000), to = at + 10 * 60;
    struct tm a, b;
    (void)state;
    gmtime_r(&at, &a);
    gmtime_r(&to, &b);
    char from_text[40], to_text[40];
    strftime(from_text, sizeof from_text, "%Y-%m-%dT%H:%M:%SZ", &a);
    strftime(to_text, sizeof to_text, "%Y-%m-%dT%H:%M:%SZ", &b);
    snprintf(
        json, sizeof json,
        "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":60,\"condition\":{\"kind\":\"threshold\",\"alert\":"
        "20},\"maintenance\":[{\"from\":\"%s\",\"to\":\"%s\"}]}",
        from_text, to_text);
    EXPECT(run, json, 20, 60, "a@31q o@41 ");
}

static void texts(void **state)
{
    struct arena arena;
    struct monitor monitor;
    struct monitor_event event = { .to = MONITOR_ALERT, .value = 12.5, .has_value = true };
    (void)state;
    arena_init(&arena, 0);
    monitor_of(
        &monitor, &arena,
        "{\"title\":\"Errors\",\"query\":{\"search\":\"\"},\"window_s\":300,\"condition\":{\"kind\":\"threshold\","
        "\"alert\":5},\"message\":\"{{value}} > {{alert}} of {{group}} in {{window}}: {{what}} {{title}} {{\"}");
    struct bytes text = monitor_text_fill(&arena, monitor.message, &monitor, BYTES("cart"), &event);
    assert_true(bytes_equal(text, BYTES("12.5 > 5 of cart in 5 min: {{what}} Errors {{")));
    text = monitor_text_usual(&arena, &monitor, BYTES("cart"), &event);
    assert_true(bytes_equal(text, BYTES("cart: 12.5 in 5 min: above 5")));
    monitor_close(&monitor);
    arena_deinit(&arena);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *json, *pointer;
    } wrong[] = {
        { "[]", "" },
        { "{\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"absence\"}}", "/title" },
        { "{\"title\":\"t\",\"query\":{},\"condition\":{\"kind\":\"absence\"}}", "/query" },
        { "{\"title\":\"t\",\"query\":{\"search\":\"\",\"sql\":\"\"},\"condition\":{\"kind\":\"absence\"}}", "/query" },
        { "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"threshold\"}}", "/condition/alert" },
        { "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"threshold\",\"alert\":1,\"warning\":"
          "2}}",
          "/condition/warning" },
        { "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"threshold\",\"alert\":1,"
          "\"alert_recovery\":2}}",
          "/condition/alert_recovery" },
        { "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"burn\",\"objective\":99.9}}",
          "/condition/bad" },
        { "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"absence\"},\"window_s\":5}",
          "/window_s" },
        { "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"condition\":{\"kind\":\"absence\"},\"maintenance\":[{"
          "\"days\":[1],"
          "\"from\":\"02:00\",\"to\":\"03:00\",\"zone\":\"Moon/Base\"}]}",
          "/maintenance/0" },
    };
    (void)state;
    for (size_t w = 0; w < COUNT_OF(wrong); w++) {
        struct arena arena;
        struct monitor monitor;
        struct err err = { 0 };
        char pointer[MONITOR_POINTER_BYTES];
        yyjson_doc *doc = yyjson_read(wrong[w].json, strlen(wrong[w].json), 0);
        arena_init(&arena, 0);
        assert_non_null(doc);
        assert_false(monitor_read(&monitor, yyjson_doc_get_root(doc), &arena, pointer, &err));
        assert_string_equal(pointer, wrong[w].pointer);
        assert_int_equal(err.code, ERR_INPUT);
        arena_deinit(&arena);
        yyjson_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds),
        cmocka_unit_test(by_groups),
        cmocka_unit_test(changes),
        cmocka_unit_test(anomalies),
        cmocka_unit_test(absences),
        cmocka_unit_test(burn_rates),
        cmocka_unit_test(windows_by_the_wall_clock),
        cmocka_unit_test(quiet_events),
        cmocka_unit_test(texts),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
