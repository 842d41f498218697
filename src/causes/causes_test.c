/* Hand-made service maps whose cause is known. Figures: 100 requests a minute of 10 ms, one in a thousand fails, unless said. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "causes/causes.h"

#define MINUTE_US INT64_C(60000000)
#define BEGAN_US  (INT64_C(1790000000) * 1000000)

struct shop {
    struct arena arena;
    struct cause_service services[20];
    struct cause_call calls[40];
    struct cause_symptom symptoms[20];
    struct cause_deploy deploys[4];
    struct cause_issue issues[4];
    struct cause_attribute attributes[4];
    struct cause_input input;
    const struct cause *causes;
    uint32_t count;
};

static int setup(void **state)
{
    struct shop *shop = calloc(1, sizeof *shop);
    arena_init(&shop->arena, 0);
    shop->input = (struct cause_input){ .before_minutes = 30,
                                        .since_minutes = 8,
                                        .onset_unix_us = BEGAN_US,
                                        .services = shop->services,
                                        .calls = shop->calls,
                                        .symptoms = shop->symptoms,
                                        .deploys = shop->deploys,
                                        .issues = shop->issues,
                                        .attributes = shop->attributes };
    *state = shop;
    return 0;
}

static int teardown(void **state)
{
    struct shop *shop = *state;
    arena_deinit(&shop->arena);
    free(shop);
    return 0;
}

/* A hundred calls a minute. */
static struct cause_figures usual(double ms)
{
    return (struct cause_figures){ 100, 0.1, ms * 1e6 };
}
static struct cause_figures failing(double percent, double ms)
{
    return (struct cause_figures){ 100, percent, ms * 1e6 };
}
static struct cause_figures times(struct cause_figures figures, double factor)
{
    return (struct cause_figures){ figures.rows * factor, figures.errors * factor, figures.mean_ns };
}

static void service(struct shop *shop, const char *name, struct cause_figures before, struct cause_figures since)
{
    shop->services[shop->input.service_count++] = (struct cause_service){ bytes_of_text(name), before, since };
}
static void call_of(struct shop *shop, const char *source, const char *target, enum cause_place kind,
                    struct cause_figures before, struct cause_figures since)
{
    shop->calls[shop->input.call_count++] = (struct cause_call){ .source = bytes_of_text(source),
                                                                 .target = bytes_of_text(target),
                                                                 .source_kind = *source ? CAUSE_SERVICE : CAUSE_OUTSIDE,
                                                                 .target_kind = kind,
                                                                 .before = before,
                                                                 .since = since };
}
static void symptom(struct shop *shop, const char *name, enum cause_trouble trouble, bool is_up, int minutes)
{
    uint32_t at = shop->input.symptom_count++;
    shop->symptoms[at] =
        (struct cause_symptom){ bytes_of_text(name), trouble, is_up, at == 0, 10, BEGAN_US + minutes * MINUTE_US };
}

static void rank(struct shop *shop)
{
    double sum = 0;
    causes_rank(&shop->input, &shop->arena, &shop->causes, &shop->count);
    for (uint32_t c = 0; c < shop->count; c++) {
        assert_true(shop->causes[c].score > 0 && (c == 0 || shop->causes[c].score <= shop->causes[c - 1].score));
        sum += shop->causes[c].score;
    }
    assert_true(sum <= 1 + 1e-9);
}

static void first_is(struct shop *shop, const char *name, double score_min)
{
    rank(shop);
    assert_true(shop->count > 0);
    if (!bytes_equal(shop->causes[0].place, bytes_of_text(name)) || shop->causes[0].score < score_min)
        fail_msg("first is %.*s with %.2f: %s", (int)shop->causes[0].place.len, (const char *)shop->causes[0].place.ptr,
                 shop->causes[0].score, cause_line(&shop->arena, &shop->causes[0]));
}

static bool says(const struct cause *cause, const char *words)
{
    for (uint32_t e = 0; e < cause->evidence_count; e++)
        if (strstr(cause->evidence[e].text, words)) return true;
    return false;
}

/* web --> checkout --> payments, all of which fail because payments does. */
static void failing_chain(struct shop *shop)
{
    service(shop, "web", usual(40), failing(9, 40));
    service(shop, "checkout", usual(30), failing(9, 30));
    service(shop, "payments", usual(10), failing(10, 10));
    call_of(shop, "", "web", CAUSE_SERVICE, usual(40), failing(9, 40));
    call_of(shop, "web", "checkout", CAUSE_SERVICE, usual(30), failing(9, 30));
    call_of(shop, "checkout", "payments", CAUSE_SERVICE, usual(10), failing(10, 10));
    symptom(shop, "web", CAUSE_ERRORS, true, 1);
    symptom(shop, "checkout", CAUSE_ERRORS, true, 0);
    symptom(shop, "payments", CAUSE_ERRORS, true, 0);
}

static void test_errors_are_of_the_deepest_that_fails(void **state)
{
    struct shop *shop = *state;
    failing_chain(shop);
    first_is(shop, "payments", 0.7);
    assert_int_equal(shop->causes[0].trouble, CAUSE_ERRORS);
    assert_true(says(&shop->causes[0], "10% of its requests fail, 0.1% before"));
    assert_true(says(&shop->causes[0], "checkout sees it in its calls"));
    assert_null(shop->causes[0].deploy);
}

/* The same without payments' own finding: it is on the map. And without its own figures: it is only called. */
static void test_a_cause_needs_no_finding_of_its_own(void **state)
{
    struct shop *shop = *state;
    failing_chain(shop);
    shop->input.symptom_count = 1;
    first_is(shop, "payments", 0.6);
    shop->input.service_count = 2;
    first_is(shop, "payments", 0.5);
}

/* The calls fail, and who is called has no errors and serves others well: the caller asks for what is wrong. */
static void test_a_call_that_fails_where_the_called_is_well(void **state)
{
    struct shop *shop = *state;
    service(shop, "checkout", usual(30), failing(20, 30));
    service(shop, "stock", times(usual(5), 3), times(usual(5), 3));
    call_of(shop, "checkout", "stock", CAUSE_SERVICE, usual(5), failing(20, 5));
    call_of(shop, "search", "stock", CAUSE_SERVICE, times(usual(5), 2), times(usual(5), 2));
    symptom(shop, "checkout", CAUSE_ERRORS, true, 0);
    first_is(shop, "checkout", 0.8);
}

/* Slow: half of the caller's further time is its own, and two calls a request count twice. */
static void test_time_goes_to_whose_it_is(void **state)
{
    struct shop *shop = *state;
    service(shop, "web", usual(100), failing(0.1, 500));
    call_of(shop, "web", "postgresql/shop", CAUSE_DATABASE, times(usual(10), 2), times(usual(190), 2));
    call_of(shop, "web", "redis/0", CAUSE_DATABASE, usual(1), usual(1.02));
    symptom(shop, "web", CAUSE_LATENCY, true, 0);
    first_is(shop, "postgresql/shop", 0.7);
    assert_int_equal(shop->causes[0].kind, CAUSE_DATABASE);
    assert_int_equal(shop->causes[0].trouble, CAUSE_LATENCY);
    assert_true(says(&shop->causes[0], "the calls to it take 190 ms, 10 ms before"));
}

/* Two use the database and only one has slow calls: it is that one's queries. */
static void test_what_others_find_well_is_not_the_cause(void **state)
{
    struct shop *shop = *state;
    service(shop, "web", usual(50), failing(0.1, 300));
    service(shop, "stock", usual(20), usual(20));
    service(shop, "search", usual(20), usual(20));
    call_of(shop, "web", "postgresql/shop", CAUSE_DATABASE, usual(10), failing(0.1, 260));
    call_of(shop, "stock", "postgresql/shop", CAUSE_DATABASE, usual(10), usual(10));
    call_of(shop, "search", "postgresql/shop", CAUSE_DATABASE, usual(10), usual(10));
    symptom(shop, "web", CAUSE_LATENCY, true, 0);
    first_is(shop, "web", 0.7);
}

/* It sends nothing any more, and its callers' calls go to its host, which no span answers for. */
static void test_silence_behind_the_name_of_a_host(void **state)
{
    struct shop *shop = *state;
    service(shop, "checkout", usual(30), failing(90, 5));
    service(shop, "payments", usual(10), (struct cause_figures){ 0 });
    call_of(shop, "checkout", "payments", CAUSE_SERVICE, usual(10), (struct cause_figures){ 0 });
    call_of(shop, "checkout", "payments.shop.svc:8080", CAUSE_EXTERNAL, (struct cause_figures){ 0 }, failing(90, 1));
    symptom(shop, "checkout", CAUSE_ERRORS, true, 0);
    symptom(shop, "payments", CAUSE_VOLUME, false, 1);
    first_is(shop, "payments", 0.7);
    assert_int_equal(shop->causes[0].trouble, CAUSE_VOLUME);
}

/* Twice the visitors: what is below is slow because of it. */
static void test_more_calls_come_from_where_they_come_in(void **state)
{
    struct shop *shop = *state;
    service(shop, "web", usual(40), times(usual(80), 2.5));
    service(shop, "stock", usual(10), times(usual(50), 2.5));
    call_of(shop, "", "web", CAUSE_SERVICE, usual(40), times(usual(80), 2.5));
    call_of(shop, "web", "stock", CAUSE_SERVICE, usual(10), times(usual(50), 2.5));
    symptom(shop, "stock", CAUSE_LATENCY, true, 0);
    symptom(shop, "web", CAUSE_VOLUME, true, 0);
    first_is(shop, "web", 0.7);
    assert_true(says(&shop->causes[0], "by callers from outside"));
}

/* Fewer calls because the caller fails before it calls, and it fails because of another. */
static void test_fewer_calls_lead_to_the_errors_of_the_caller(void **state)
{
    struct shop *shop = *state;
    service(shop, "checkout", usual(30), failing(60, 30));
    service(shop, "auth", usual(5), failing(60, 5));
    service(shop, "mail", usual(5), times(usual(5), 0.4));
    call_of(shop, "checkout", "auth", CAUSE_SERVICE, usual(5), failing(60, 5));
    call_of(shop, "checkout", "mail", CAUSE_SERVICE, usual(5), times(usual(5), 0.4));
    symptom(shop, "mail", CAUSE_VOLUME, false, 0);
    first_is(shop, "auth", 0.6);
}

static void test_what_began_later_is_no_cause(void **state)
{
    struct shop *shop = *state;
    service(shop, "web", usual(40), failing(20, 40));
    service(shop, "a", usual(10), failing(10, 10));
    service(shop, "b", usual(10), failing(10, 10));
    call_of(shop, "web", "a", CAUSE_SERVICE, usual(10), failing(10, 10));
    call_of(shop, "web", "b", CAUSE_SERVICE, usual(10), failing(10, 10));
    symptom(shop, "web", CAUSE_ERRORS, true, 0);
    symptom(shop, "a", CAUSE_ERRORS, true, 9);
    symptom(shop, "b", CAUSE_ERRORS, true, 0);
    first_is(shop, "b", 0.45);
}

static void test_a_release_an_issue_and_an_attribute_raise_and_are_told(void **state)
{
    struct shop *shop = *state;
    failing_chain(shop);
    shop->deploys[0] = (struct cause_deploy){ BYTES("payments"), BYTES("2.1"), BEGAN_US - 2 * MINUTE_US };
    shop->deploys[1] = (struct cause_deploy){ BYTES("payments"), BYTES("2.0"), BEGAN_US - 20 * MINUTE_US };
    shop->deploys[2] = (struct cause_deploy){ BYTES("web"), BYTES("7"), BEGAN_US - 90 * MINUTE_US };
    shop->issues[0] = (struct cause_issue){ BYTES("payments"), BYTES("NullPointerException"), 12, 0, 9 };
    shop->issues[1] = (struct cause_issue){ BYTES("payments"), BYTES("Timeout"), 3, 2, 2 };
    shop->attributes[0] =
        (struct cause_attribute){ BYTES("payments"), BYTES("host.name"), BYTES("p-3"), 0.9, 0.3, 0.4 };
    shop->attributes[1] =
        (struct cause_attribute){ BYTES("payments"), BYTES("service.version"), BYTES("2.1"), 0.8, 0.3, 0.35 };
    shop->input.deploy_count = 3;
    shop->input.issue_count = shop->input.attribute_count = 2;
    first_is(shop, "payments", 0.9);
    const struct cause *cause = &shop->causes[0];
    assert_true(cause->deploy == &shop->deploys[0] && cause->issue == &shop->issues[0]);
    assert_true(cause->attribute == &shop->attributes[1]); /* it is the release's */
    assert_true(says(cause, "release 2.1 was first seen 2 minutes before it began"));
    assert_true(says(cause, "issue #12 (NullPointerException)"));
    assert_string_equal(cause_line(&shop->arena, cause),
                        "release 2.1 of payments: 10% of its requests fail, 0.1% before");
    shop->input.deploy_count = 0;
    first_is(shop, "payments", 0.8);
    assert_true(shop->causes[0].attribute == &shop->attributes[0]);
    for (uint32_t c = 1; c < shop->count; c++) assert_null(shop->causes[c].deploy);
}

/* Goal: what is odd ends, and adds up to no more than one. Method: a ring, calls to itself, nothing at all, names that are not there. */
static void test_odd_maps(void **state)
{
    struct shop *shop = *state;
    rank(shop);
    assert_int_equal(shop->count, 0);
    symptom(shop, "", CAUSE_VOLUME, false, 0);
    rank(shop);
    assert_int_equal(shop->count, 0);
    symptom(shop, "nobody", CAUSE_LATENCY, true, 0);
    first_is(shop, "nobody", 0.9);
    service(shop, "a", usual(30), failing(30, 60));
    service(shop, "b", usual(30), failing(30, 60));
    service(shop, "c", usual(30), failing(31, 60));
    call_of(shop, "a", "b", CAUSE_SERVICE, usual(20), failing(30, 50));
    call_of(shop, "b", "c", CAUSE_SERVICE, usual(20), failing(30, 50));
    call_of(shop, "c", "a", CAUSE_SERVICE, usual(20), failing(30, 50));
    call_of(shop, "c", "c", CAUSE_SERVICE, usual(20), failing(30, 50));
    symptom(shop, "a", CAUSE_ERRORS, true, 0);
    symptom(shop, "c", CAUSE_VOLUME, true, 0);
    rank(shop);
    assert_true(shop->count >= 3);
    shop->services[1].since = (struct cause_figures){ 0, 0, 0 };
    shop->calls[0].before = (struct cause_figures){ 0, 0, 0 };
    rank(shop);
    assert_true(shop->count >= 3);
}

/* Goal: a map past its limits is ranked, in no time. Method: 4,000 services in rings of ten, with twice as many calls as are looked at, all
 * of them to one database that is slow. */
static void test_large_map(void **state)
{
    enum { SERVICES = 4000, CALLS = 2 * CAUSES_CALLS_MAX };
    struct shop *shop = *state;
    struct cause_service *services = arena_calloc(&shop->arena, SERVICES * sizeof *services);
    struct cause_call *calls = arena_calloc(&shop->arena, CALLS * sizeof *calls);
    struct cause_symptom *symptoms = arena_calloc(&shop->arena, 500 * sizeof *symptoms);
    for (int s = 0; s < SERVICES; s++)
        services[s] = (struct cause_service){ bytes_of_text(arena_printf(&shop->arena, "s%04d", s)), usual(30),
                                              failing(0.1, 300) };
    for (int c = 0; c < CALLS; c++) {
        int source = c % SERVICES, ring = source / 10 * 10 + (source + 1 + c / SERVICES) % 10;
        bool is_database = c < SERVICES;
        calls[c] = (struct cause_call){ .source = services[source].name,
                                        .target = is_database ? BYTES("aaa/db") : services[ring].name,
                                        .source_kind = CAUSE_SERVICE,
                                        .target_kind = is_database ? CAUSE_DATABASE : CAUSE_SERVICE,
                                        .before = usual(10),
                                        .since = is_database ? failing(0.1, 280) : usual(10) };
    }
    for (int s = 0; s < 500; s++)
        symptoms[s] = (struct cause_symptom){ services[s].name, CAUSE_LATENCY, true, s == 0, 10, BEGAN_US };
    shop->input.services = services;
    shop->input.calls = calls;
    shop->input.symptoms = symptoms;
    shop->input.service_count = SERVICES;
    shop->input.call_count = CALLS;
    shop->input.symptom_count = 500;
    first_is(shop, "aaa/db", 0.8);
}

static void test_onset(void **state)
{
    (void)state;
    double values[30], weights[30];
    for (int i = 0; i < 30; i++) {
        values[i] = (i * 7 % 5) * 0.01 + (i >= 21 ? 0.2 : 0);
        weights[i] = 100;
    }
    assert_int_equal(causes_onset(values, weights, 30), 21);
    values[5] = 9; /* of one request */
    weights[5] = 0.1;
    assert_int_equal(causes_onset(values, weights, 30), 21);
    for (int i = 0; i < 30; i++) values[i] = 1;
    assert_int_equal(causes_onset(values, weights, 30), 0);
    assert_int_equal(causes_onset(values, weights, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_errors_are_of_the_deepest_that_fails),
        TEST(test_a_cause_needs_no_finding_of_its_own),
        TEST(test_a_call_that_fails_where_the_called_is_well),
        TEST(test_time_goes_to_whose_it_is),
        TEST(test_what_others_find_well_is_not_the_cause),
        TEST(test_silence_behind_the_name_of_a_host),
        TEST(test_more_calls_come_from_where_they_come_in),
        TEST(test_fewer_calls_lead_to_the_errors_of_the_caller),
        TEST(test_what_began_later_is_no_cause),
        TEST(test_a_release_an_issue_and_an_attribute_raise_and_are_told),
        TEST(test_odd_maps),
        TEST(test_large_map),
        cmocka_unit_test(test_onset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
