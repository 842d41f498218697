#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "difference/difference.h"

/* The same numbers each time. */
static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void put(struct difference *d, const char *name, const char *fmt, uint64_t number)
{
    char text[64];
    snprintf(text, sizeof text, fmt, (unsigned long long)number);
    difference_value(d, bytes_of_text(name), bytes_of_text(text), NULL);
}

static void put_number(struct difference *d, const char *name, double number)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", number);
    difference_value(d, bytes_of_text(name), bytes_of_text(text), &number);
}

/* A row of a shop without anything in it that would set a side apart. */
static void usual_row(struct difference *d, bool is_in, uint64_t *state)
{
    static const char *const services[] = { "web", "checkout", "stock", "payments" };
    assert_true(difference_row(d, is_in));
    put(d, "service.name", services[random_next(state) % 4], 0);
    put(d, "http.route", "/route/%llu", random_next(state) % 30);
    put(d, "user.id", "u%llu", random_next(state) % 5000);
    put(d, "request.id", "r%llu", random_next(state));
    put_number(d, "size", (double)(random_next(state) % 100000));
    if (random_next(state) % 3 == 0) put(d, "cache", "hit", 0);
}

static const struct difference_finding *found(const struct difference_answer *answer, const char *name)
{
    for (uint32_t f = 0; f < answer->finding_count; f++)
        if (bytes_equal(answer->findings[f].name, bytes_of_text(name))) return &answer->findings[f];
    return NULL;
}

static void is_named(struct bytes text, const char *wanted)
{
    if (!bytes_equal(text, bytes_of_text(wanted)))
        fail_msg("\"%.*s\", not \"%s\"", (int)text.len, (const char *)text.ptr, wanted);
}

/* Goal: nothing is told when the sides do not differ. Method: twenty worlds of chance alone, in several sizes. */
static void test_nothing_stands_out(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed * 977;
        struct difference_answer answer;
        struct difference *d = difference_create();
        uint64_t one_of[] = { 2, 50, 200 }; /* 20 rows: by chance three of them share a route */
        for (uint32_t row = 0; row < 4000; row++) usual_row(d, random_next(&random) % one_of[seed % 3] == 0, &random);
        difference_rank(d, &answer);
        if (answer.finding_count != 0)
            fail_msg("seed %llu: %.*s = %.*s, score %f, g %f", (unsigned long long)seed,
                     (int)answer.findings[0].name.len, (const char *)answer.findings[0].name.ptr,
                     (int)answer.findings[0].text.len, (const char *)answer.findings[0].text.ptr,
                     answer.findings[0].score, answer.findings[0].g);
        assert_int_equal(answer.attribute_count, 6);
        difference_destroy(d);
    }
}

/* Goal: what was planted comes first, with its counts, and what goes with it stands beside it. Method: 80 % of the selection
 * have a version that 2 % of the others have; the version brings a region of its own; a tenth of the selection has a plan. */
static void test_planted_value(void **state)
{
    (void)state;
    uint64_t random = 5;
    uint32_t in = 0, out = 0;
    struct difference_answer answer;
    struct difference *d = difference_create();
    for (uint32_t row = 0; row < 20000; row++) {
        bool is_in = row % 10 == 0, is_new = random_next(&random) % 100 < (is_in ? 80 : 2);
        usual_row(d, is_in, &random);
        put(d, "service.version", is_new ? "2.0" : "1.9", 0);
        put(d, "region", is_new ? "eu-%llu" : "us-%llu", 1);
        put(d, "plan", random_next(&random) % 100 < (is_in ? 15 : 5) ? "free" : "paid", 0);
        put(d, "common", random_next(&random) % 100 < (is_in ? 100 : 85) ? "yes" : "no",
            0); /* met everywhere: no news */
        in += is_in && is_new;
        out += !is_in && is_new;
    }
    difference_rank(d, &answer);
    assert_int_equal(answer.in_rows, 2000);
    assert_int_equal(answer.out_rows, 18000);
    assert_true(answer.finding_count >= 3);
    const struct difference_finding *first = answer.findings;
    is_named(first[0].name, "region");
    is_named(first[0].text, "eu-1");
    assert_int_equal(first[0].in_count, in);
    assert_int_equal(first[0].out_count, out);
    assert_true(first[0].score > 0.7 && first[0].score < 0.8);
    is_named(first[1].name, "service.version");
    is_named(first[1].text, "2.0");
    assert_int_equal(first[0].leader, 0);
    assert_int_equal(first[1].leader, 0);
    assert_int_equal(first[2].leader, 2);
    is_named(first[2].name, "plan");
    assert_int_equal(answer.finding_count, 3);
    difference_destroy(d);
}

/* Goal: one user among 50,000 is found, although its first row comes when many others were seen. */
static void test_planted_among_many(void **state)
{
    (void)state;
    uint64_t random = 8;
    struct difference_answer answer;
    struct difference *d = difference_create();
    for (uint32_t row = 0; row < 60000; row++) {
        bool is_in = row >= 40000 && row % 4 == 0;
        assert_true(difference_row(d, is_in));
        if (is_in && random_next(&random) % 2 == 0) {
            put(d, "user.id", "the one", 0);
        } else {
            put(d, "user.id", "u%llu", random_next(&random) % 50000);
        }
    }
    difference_rank(d, &answer);
    assert_int_equal(answer.finding_count, 1);
    is_named(answer.findings[0].text, "the one");
    assert_false(answer.is_cut);
    difference_destroy(d);
}

/* Goal: a range of numbers is found, and what is missing. Method: the selection's sizes are a tenth of all; it has no cache. */
static void test_numbers_and_absence(void **state)
{
    (void)state;
    uint64_t random = 11;
    struct difference_answer answer;
    struct difference *d = difference_create();
    for (uint32_t row = 0; row < 10000; row++) {
        bool is_in = row % 5 == 0;
        assert_true(difference_row(d, is_in));
        double size = (double)(random_next(&random) % 1000000);
        put_number(d, "size", is_in ? 700000 + size / 10 : size);
        put_number(d, "shards", (double)(random_next(&random) % 8));
        if (!is_in || row % 100 == 0) put(d, "cache", "hit", 0);
    }
    difference_rank(d, &answer);
    const struct difference_finding *size = found(&answer, "size"), *cache = found(&answer, "cache");
    assert_non_null(size);
    assert_int_equal(size->kind, DIFFERENCE_BETWEEN);
    assert_true(size->low > 680000 && size->low < 720000 && size->high > 780000 && size->high < 860000);
    assert_true(size->in_share > 0.9);
    assert_non_null(cache);
    assert_int_equal(cache->kind, DIFFERENCE_ABSENT);
    assert_true(cache->out_share == 0 && cache->in_share > 0.9);
    assert_null(found(&answer, "shards"));
    difference_destroy(d);
}

/* Goal: bytes of strangers and too many of them break nothing; limits are told. */
static void test_limits(void **state)
{
    (void)state;
    uint8_t hostile[1000];
    char name[32];
    uint64_t random = 3;
    double odd[] = { (double)NAN, (double)INFINITY, -0.0 };
    struct difference_answer answer;
    struct difference *d = difference_create();
    for (size_t i = 0; i < sizeof hostile; i++) hostile[i] = (uint8_t)random_next(&random);
    for (uint32_t row = 0; row < 20; row++) {
        assert_true(difference_row(d, row % 2));
        difference_value(d, bytes_from(hostile, row), bytes_from(hostile, sizeof hostile), &odd[row % 3]);
        for (uint32_t a = 0; a < DIFFERENCE_ATTRIBUTES_MAX; a++) {
            snprintf(name, sizeof name, "a%u", a);
            put(d, name, "%llu", random_next(&random));
        }
    }
    difference_rank(d, &answer);
    assert_true(answer.is_cut);
    assert_int_equal(answer.attribute_count, DIFFERENCE_ATTRIBUTES_MAX);
    difference_destroy(d);

    d = difference_create();
    difference_rank(d, &answer); /* no row */
    assert_int_equal(answer.finding_count, 0);
    difference_destroy(d);
    difference_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_stands_out),
        cmocka_unit_test(test_planted_value),
        cmocka_unit_test(test_planted_among_many),
        cmocka_unit_test(test_numbers_and_absence),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
