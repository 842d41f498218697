/* threads: none */
#include "base/hash.h"
#include "base/hyperloglog.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static uint64_t hash_of(uint64_t number)
{
    char text[40];
    return hash64_of(bytes_from(text, (size_t)snprintf(text, sizeof text, "u_%06llu", (unsigned long long)number)));
}

/* Goal: few values are counted as they are, many within the error that is promised.
 * Method: numbered users, counted at many sizes in 20 sketches of other users each: few ones exactly but for two that share a place; of many the mean
 * error of the twenty is far below 0.81% (no bias), none is off by five times that, and the deviation is about that. */
static void test_error(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 0, 1, 2, 100, 3000, 3072, 3200, 5000, 20000, 40000, 60000, 200000 };
    enum { SKETCHES = 20 };
    double all_squares = 0;
    uint32_t all = 0;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        double sum = 0;
        for (uint64_t n = 0; n < SKETCHES; n++) {
            struct hyperloglog sketch = { 0 };
            for (uint64_t i = 0; i < sizes[s]; i++) {
                hyperloglog_add(&sketch, hash_of(n * 10000000 + i));
                if (i % 3 == 0) hyperloglog_add(&sketch, hash_of(n * 10000000 + i / 2)); /* again */
            }
            double off = (double)hyperloglog_count(&sketch) - sizes[s];
            assert_true(sketch.registers ? sizes[s] > HYPERLOGLOG_FEW_MAX : sizes[s] <= HYPERLOGLOG_FEW_MAX + 2);
            hyperloglog_deinit(&sketch);
            if (sizes[s] <= HYPERLOGLOG_FEW_MAX) {
                assert_true(off <= 0 && off >= -2);
                continue;
            }
            assert_true(fabs(off / sizes[s]) < 5 * 0.0081);
            sum += off / sizes[s];
            all_squares += off / sizes[s] * off / sizes[s];
            all++;
        }
        assert_true(fabs(sum / SKETCHES) < 4 * 0.0081 / sqrt(SKETCHES));
    }
    double deviation = sqrt(all_squares / all);
    assert_true(deviation < 0.0095);
    assert_true(deviation > 0.004); /* else this measures nothing */
}

/* Goal: the same values give the same bytes, in whatever order and by whatever joins.
 * Method: values cut into parts of random sizes, which are joined as sketches or as bytes, in any order; against one sketch of all. */
static void test_joined(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 1, 50, 3071, 3072, 3073, 4000, 50000 };
    static uint8_t one[HYPERLOGLOG_BYTES_MAX], other[HYPERLOGLOG_BYTES_MAX], part_bytes[HYPERLOGLOG_BYTES_MAX];
    uint64_t chance = 7;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        struct hyperloglog whole = { 0 }, joined = { 0 };
        for (uint64_t i = 0; i < sizes[s]; i++) hyperloglog_add(&whole, hash_of(i));
        for (uint64_t end = sizes[s], from; end > 0; end = from) {
            struct hyperloglog part = { 0 };
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            uint64_t take = 1 + (chance >> 33) % (end < 3 ? end : end / 2 + 1);
            from = end - take;
            for (uint64_t i = from > 10 ? from - 10 : from; i < end; i++) hyperloglog_add(&part, hash_of(i));
            if (chance >> 40 & 1)
                hyperloglog_merge(&joined, &part);
            else
                assert_true(hyperloglog_join(&joined, bytes_from(part_bytes, hyperloglog_put(&part, part_bytes))));
            hyperloglog_deinit(&part);
        }
        size_t len = hyperloglog_put(&whole, one);
        assert_int_equal(hyperloglog_put(&joined, other), len);
        assert_memory_equal(one, other, len);
        assert_int_equal(hyperloglog_count(&whole), hyperloglog_count(&joined));
        hyperloglog_deinit(&whole);
        hyperloglog_deinit(&joined);
    }
}

/* Goal: what is on disks stays readable. Method: bytes of sketches of one and of two values, and the place and the rank of hashes at the edges, by hand. */
static void test_bytes(void **state)
{
    (void)state;
    uint8_t one[HYPERLOGLOG_ONE_BYTES];
    static const struct {
        uint64_t hash;
        uint8_t bytes[HYPERLOGLOG_ONE_BYTES];
    } hashes[] = { { 0, { 1, 39, 0, 0, 0 } },
                   { UINT64_MAX, { 1, 0xc1, 0xff, 0xff, 0xff } },
                   { 1, { 1, 38, 0, 0, 0 } },
                   { 0x0000004000000000, { 1, 0x40 | 39, 0, 0, 0 } },
                   { 0x8000000000000001, { 1, 38, 0, 0, 0x80 } } };
    for (size_t i = 0; i < COUNT_OF(hashes); i++) {
        hyperloglog_one_put(hashes[i].hash, one);
        assert_memory_equal(one, hashes[i].bytes, sizeof one);
    }
    struct hyperloglog sketch = { 0 };
    uint8_t out[HYPERLOGLOG_BYTES_MAX];
    hyperloglog_add(&sketch, UINT64_MAX);
    hyperloglog_add(&sketch, 1);
    hyperloglog_add(&sketch, 0); /* the same place: the greater rank stays */
    static const uint8_t two[] = { 1, 39, 0, 0, 0, 0xc1, 0xff, 0xff, 0xff };
    assert_int_equal(hyperloglog_put(&sketch, out), sizeof two);
    assert_memory_equal(out, two, sizeof two);
    hyperloglog_deinit(&sketch);

    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = { { "", 0 },
                  { "\0\1\0\0\0", 5 },
                  { "\3\1\0\0\0", 5 },
                  { "\1\1\0\0", 4 },
                  { "\1\0\0\0\0", 5 },           /* no rank */
                  { "\1\50\0\0\0", 5 },          /* 40 */
                  { "\1\101\0\0\0\1\0\0\0", 9 }, /* not in order */
                  { "\1\1\0\0\0\2\0\0\0", 9 },   /* a place twice */
                  { "\2\1\0\0\0", 5 } };
    hyperloglog_add(&sketch, 5);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(hyperloglog_join(&sketch, bytes_from(wrong[i].bytes, wrong[i].len)));
    memset(out, 0, sizeof out);
    out[0] = 2;
    out[700] = 52; /* 51 is the greatest */
    assert_false(hyperloglog_join(&sketch, bytes_from(out, sizeof out)));
    assert_int_equal(hyperloglog_count(&sketch), 1);
    out[700] = 51;
    assert_true(hyperloglog_join(&sketch, bytes_from(out, sizeof out)));
    assert_non_null(sketch.registers);
    hyperloglog_deinit(&sketch);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_error), cmocka_unit_test(test_joined),
                                        cmocka_unit_test(test_bytes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
