#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "ask/ask.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US 1793111820000000 /* 2026-10-27 14:37 UTC, a Tuesday */

static const struct bytes services[] = { BYTES("payments"), BYTES("stock"), BYTES("web") };
static const struct ask_field attributes[] = { { ASK_FIELD_ATTRIBUTE, BYTES("cloud.region") },
                                               { ASK_FIELD_ATTRIBUTE, BYTES("order.items") },
                                               { ASK_FIELD_ATTRIBUTE, BYTES("order.coupon") },
                                               { ASK_FIELD_ATTRIBUTE, BYTES("card.brand") },
                                               { ASK_FIELD_ATTRIBUTE, BYTES("shoe.brand") } };
static const struct ask_value values[] = {
    { { .id = ASK_FIELD_ENVIRONMENT }, BYTES("production") },
    { { .id = ASK_FIELD_ENVIRONMENT }, BYTES("staging") },
    { { .id = ASK_FIELD_VERSION }, BYTES("1.5.0") },
    { { .id = ASK_FIELD_ROUTE }, BYTES("/orders") },
    { { .id = ASK_FIELD_ROUTE }, BYTES("/search") },
    { { .id = ASK_FIELD_METHOD }, BYTES("GET") },
    { { .id = ASK_FIELD_HOST }, BYTES("web-1") },
    { { .id = ASK_FIELD_EXCEPTION }, BYTES("TypeError") },
    { { .id = ASK_FIELD_TABLE }, BYTES("charges") },
    { { ASK_FIELD_ATTRIBUTE, BYTES("cloud.region") }, BYTES("ap-south") },
    { { ASK_FIELD_ATTRIBUTE, BYTES("card.brand") }, BYTES("acme") },
    { { ASK_FIELD_ATTRIBUTE, BYTES("shoe.brand") }, BYTES("acme") },
};
static const struct ask_catalog catalog = { services, COUNT_OF(services), attributes, COUNT_OF(attributes),
                                            values,   COUNT_OF(values) };

/* What is answered: "display: reading", or "? " and what the first trouble says. The arena's. */
static const char *answer(struct arena *arena, const char *text, const char *zone_name, const struct ask_plan *context,
                          struct ask_plan *plan)
{
    struct zone *zone;
    struct err err = { 0 };
    struct ask_sql sql;
    if (!zone_open(&zone, bytes_of_text(zone_name), &err)) fail_msg("%s", err.text);
    struct ask_understood *understood = arena_calloc(arena, sizeof *understood);
    struct ask_question question = { bytes_of_text(text), zone, NOW_US, &catalog, context };
    ask_understand(arena, &question, understood);
    const char *told;
    if (understood->is_understood) {
        struct bytes reading = ask_reading(arena, &understood->plan, zone);
        told = arena_printf(arena, "%s: %.*s", ask_display_names[understood->plan.display], (int)reading.len,
                            (const char *)reading.ptr);
        if (!ask_sql(arena, &understood->plan, zone, &sql, &err)) fail_msg("%s: %s", text, err.text);
        *plan = understood->plan;
    } else {
        const struct ask_trouble *trouble = &understood->troubles[0];
        told =
            arena_printf(arena, "? %.*s|%s", (int)(trouble->to - trouble->from), text + trouble->from, trouble->text);
        if (trouble->suggestion_count > 0)
            told = arena_printf(arena, "%s|%.*s", told, (int)trouble->suggestions[0].len,
                                (const char *)trouble->suggestions[0].ptr);
    }
    zone_close(zone);
    return told;
}

#define DAY   "the last 24 hours, from Mon 2026-10-26 14:37+00:00 to Tue 2026-10-27 14:37+00:00 (UTC)"
#define TODAY "from Tue 2026-10-27 00:00+00:00 to Tue 2026-10-27 14:37+00:00 (UTC)"
static const struct {
    const char *question, *told;
} cases[] = {
    { "requests", "rows: requests, " DAY "; the newest 100" },
    { "GET requests of web today", "rows: requests whose method is GET and service is web, " TODAY "; the newest 100" },
    { "get requests of web today", "rows: requests whose service is web, " TODAY "; the newest 100" },
    { "the slowest request today", "rows: requests, " TODAY "; the slowest 1" },
    { "requests with the highest duration today", "rows: requests, " TODAY "; the slowest 10" },
    { "longest response time today", "number: maximum duration of requests, " TODAY },
    { "requests today not from staging", "rows: requests whose environment is not staging, " TODAY "; the newest 100" },
    { "requests with order.items over 3 today",
      "rows: requests whose order.items is over 3, " TODAY "; the newest 100" },
    { "requests with more than 3 order items today",
      "rows: requests whose order.items is over 3, " TODAY "; the newest 100" },
    { "requests slower than 1.5 seconds today",
      "rows: requests whose duration is over 1.5 s, " TODAY "; the newest 100" },
    { "requests to /orders or /search today",
      "rows: requests whose route is /orders or /search, " TODAY "; the newest 100" },
    { "warn and error logs today", "rows: logs whose level is WARN or ERROR or FATAL, " TODAY "; the newest 100" },
    { "logs with level warn or worse today",
      "rows: logs whose level is WARN or ERROR or FATAL, " TODAY "; the newest 100" },
    { "logs saying \"card declined\" today",
      "rows: logs whose message contains \"card declined\", " TODAY "; the newest 100" },
    { "how many TypeErrors today", "number: number of logs and spans whose exception is TypeError, " TODAY },
    { "how many traces with errors today", "number: number of distinct traces of errors, " TODAY },
    { "how many users used web today", "number: number of distinct users of requests whose service is web, " TODAY },
    { "top 3 services by errors today", "table: number of errors by service, " TODAY "; the largest 3" },
    { "lowest p99.9 by region today", "table: p99.9 duration of requests by cloud.region, " TODAY "; the smallest 10" },
    { "traces through stock and web today",
      "waterfall: traces with spans whose service is stock and with spans whose service is web, " TODAY
      "; the newest 20" },
    { "error rate of web per hour today",
      "chart: error rate of requests whose service is web, a point each 1h, " TODAY },
    { "p95 of web today vs yesterday",
      "number: p95 duration of requests whose service is web, " TODAY
      ", compared with from Mon 2026-10-26 00:00+00:00 to Mon 2026-10-26 14:37+00:00" },
    /* what is not understood */
    { "", "? |there is no question" },
    { "errors of the billing service", "? billing|is no service that this project has" },
    { "errors of paymnts", "? paymnts|means nothing here that I know|payments" },
    { "requests of acme today", "? acme|is a value of more than one field: say of which" },
    { "requests of web or status 500", "? or|is no status that this project has" },
    { "share of requests slower than 1s", "? |of shares I know that of requests that failed" },
    { "top 5 services by errors over time", "? |a chart shows all groups: ask for a top without a time axis" },
    { "requests yesterday and last week", "? yesterday|means nothing here that I know" },
    { "requests on 30 February", "? 30|means nothing here that I know" },
    { "requests between 25:00 and 26:00", "? between|means nothing here that I know" },
    { "requests tomorrow", "? tomorrow|means nothing here that I know" },
    { "failed charges today", "? charges|means nothing here that I know" },
    { "payments", "? |say what of: requests, errors, logs, traces, queries, users ..." },
    { "requests without", "? |what is not to be there is not clear" },
    { "compare requests of web today", "? |say what to compare it with: the day before, last week, the period before" },
};

/* Goal: what a question is read as, word by word; what is not clear is told and not guessed. Method: readings checked by a person. */
static void test_readings(void **state)
{
    struct arena arena = { 0 };
    struct ask_plan plan;
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        const char *told = answer(&arena, cases[c].question, "UTC", NULL, &plan);
        if (strcmp(told, cases[c].told) != 0)
            fail_msg("%s\n is    %s\n wants %s", cases[c].question, told, cases[c].told);
    }
    arena_deinit(&arena);
}

static const struct {
    const char *when, *zone, *range; /* between "from" and the zone in brackets */
} times[] = {
    { "today", "Europe/Berlin", "Tue 2026-10-27 00:00+01:00 to Tue 2026-10-27 15:37+01:00" },
    { "on Sunday", "Europe/Berlin", "Sun 2026-10-25 00:00+02:00 to Mon 2026-10-26 00:00+01:00" }, /* 25 hours */
    { "on Sunday between 2am and 3am", "Europe/Berlin", "Sun 2026-10-25 02:00+02:00 to Sun 2026-10-25 03:00+01:00" },
    { "on 29 March", "Europe/Berlin", "Sun 2026-03-29 00:00+01:00 to Mon 2026-03-30 00:00+02:00" }, /* 23 */
    { "yesterday", "Australia/Sydney", "Tue 2026-10-27 00:00+11:00 to Wed 2026-10-28 00:00+11:00" },
    { "yesterday", "America/New_York", "Mon 2026-10-26 00:00-04:00 to Tue 2026-10-27 00:00-04:00" },
    { "in the last 90 minutes", "UTC", "Tue 2026-10-27 13:07+00:00 to Tue 2026-10-27 14:37+00:00" },
    { "over the past week", "UTC", "Tue 2026-10-20 14:37+00:00 to Tue 2026-10-27 14:37+00:00" },
    { "last week", "UTC", "Mon 2026-10-19 00:00+00:00 to Mon 2026-10-26 00:00+00:00" },
    { "this week", "Asia/Kolkata", "Mon 2026-10-26 00:00+05:30 to Tue 2026-10-27 20:07+05:30" },
    { "last month", "UTC", "Tue 2026-09-01 00:00+00:00 to Thu 2026-10-01 00:00+00:00" },
    { "in September", "UTC", "Tue 2026-09-01 00:00+00:00 to Thu 2026-10-01 00:00+00:00" },
    { "in December", "UTC", "Mon 2025-12-01 00:00+00:00 to Thu 2026-01-01 00:00+00:00" },
    { "on 12 Nov", "UTC",
      "Wed 2025-11-12 00:00+00:00 to Thu 2025-11-13 00:00+00:00" }, /* the last one that there was */
    { "between 2 and 4 pm on 12 Nov 2025", "UTC", "Wed 2025-11-12 14:00+00:00 to Wed 2025-11-12 16:00+00:00" },
    { "from 11 to 1 pm yesterday", "UTC", "Mon 2026-10-26 11:00+00:00 to Mon 2026-10-26 13:00+00:00" },
    { "since Monday 9am", "UTC", "Mon 2026-10-26 09:00+00:00 to Tue 2026-10-27 14:37+00:00" },
    { "since 16:00", "UTC", "Mon 2026-10-26 16:00+00:00 to Tue 2026-10-27 14:37+00:00" }, /* today's is still to come */
    { "since noon", "UTC", "Tue 2026-10-27 12:00+00:00 to Tue 2026-10-27 14:37+00:00" },
    { "this morning", "UTC", "Tue 2026-10-27 06:00+00:00 to Tue 2026-10-27 12:00+00:00" },
    { "in the evening of yesterday", "UTC", "Mon 2026-10-26 18:00+00:00 to Tue 2026-10-27 00:00+00:00" },
    { "last night", "UTC", "Mon 2026-10-26 22:00+00:00 to Tue 2026-10-27 06:00+00:00" },
    { "last weekend", "Europe/Berlin", "Sat 2026-10-24 00:00+02:00 to Mon 2026-10-26 00:00+01:00" },
    { "two days ago", "UTC", "Sun 2026-10-25 00:00+00:00 to Mon 2026-10-26 00:00+00:00" },
    { "the day before yesterday", "UTC", "Sun 2026-10-25 00:00+00:00 to Mon 2026-10-26 00:00+00:00" },
    { "from 2026-10-20 to 2026-10-22", "UTC", "Tue 2026-10-20 00:00+00:00 to Fri 2026-10-23 00:00+00:00" },
    { "since 2026-10-26T09:00:00Z", "Europe/Berlin", "Mon 2026-10-26 10:00+01:00 to Tue 2026-10-27 15:37+01:00" },
    { "on 25.10.2026 before 6am", "UTC", "Sun 2026-10-25 00:00+00:00 to Sun 2026-10-25 06:00+00:00" },
    { "24h", "UTC", "Mon 2026-10-26 14:37+00:00 to Tue 2026-10-27 14:37+00:00" },
};

/* Goal: expressions of time mean the instants that a person would say, days of a clock change too. */
static void test_times(void **state)
{
    struct arena arena = { 0 };
    struct ask_plan plan;
    (void)state;
    for (size_t t = 0; t < COUNT_OF(times); t++) {
        const char *question = arena_printf(&arena, "requests %s", times[t].when);
        const char *told = answer(&arena, question, times[t].zone, NULL, &plan);
        const char *wanted =
            arena_printf(&arena, "rows: requests, from %s (%s); the newest 100", times[t].range, times[t].zone);
        if (strcmp(told, wanted) != 0) fail_msg("%s\n is    %s\n wants %s", question, told, wanted);
    }
    arena_deinit(&arena);
}

static const struct {
    const char *question, *told; /* each changes the plan of the one before */
} talk[] = {
    { "error rate of web today", "number: error rate of requests whose service is web, " TODAY },
    { "and payments?", "number: error rate of requests whose service is payments, " TODAY },
    { "compared with yesterday", "number: error rate of requests whose service is payments, " TODAY
                                 ", compared with from Mon 2026-10-26 00:00+00:00 to Mon 2026-10-26 14:37+00:00" },
    { "per hour", "chart: error rate of requests whose service is payments, a point each 1h, " TODAY },
    { "only staging",
      "chart: error rate of requests whose service is payments and environment is staging, a point each 1h, " TODAY },
    { "what about production", "chart: error rate of requests whose service is payments and environment is production, "
                               "a point each 1h, " TODAY },
    { "slowest traces of stock today",
      "waterfall: traces with spans whose service is stock, " TODAY "; the slowest 10" }, /* of its own */
    { "only staging",
      "waterfall: traces with spans whose service is stock and environment is staging, " TODAY "; the slowest 10" },
    { "by route", "? |of a list of traces that is a question of its own: say it whole" },
};
static void test_follow_ups(void **state)
{
    struct arena arena = { 0 };
    struct ask_plan plan, before;
    (void)state;
    for (size_t t = 0; t < COUNT_OF(talk); t++) {
        const char *told = answer(&arena, talk[t].question, "UTC", t == 0 ? NULL : &before, &plan);
        if (strcmp(told, talk[t].told) != 0) fail_msg("%s\n is    %s\n wants %s", talk[t].question, told, talk[t].told);
        before = plan;
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_readings), cmocka_unit_test(test_times),
                                        cmocka_unit_test(test_follow_ups) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
