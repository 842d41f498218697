#include "base/repeats.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the three above */
#include <cmocka.h>

static struct hash128 hash_of(uint32_t number)
{
    return hash128_of(bytes_from(&number, sizeof number));
}

/* Goal: what came within the window is known, nothing else; memory follows the need.
 * Method: compare with the plain rule over 200,000 requests, 100 a second, window 60 s. */
static void test_window(void **state)
{
    (void)state;
    struct repeats repeats;
    repeats_init(&repeats, 1u << 20, 60);
    size_t bytes_idle = repeats_bytes(&repeats);
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t now = 1000 + i / 100;
        assert_false(repeats_has(&repeats, hash_of(i), now));
        repeats_add(&repeats, hash_of(i), now);
        uint32_t back = i % 9000;
        if (back > i) continue;
        bool known = repeats_has(&repeats, hash_of(i - back), now);
        assert_int_equal(known, now - (1000 + (i - back) / 100) <= 60);
    }
    assert_in_range(repeats.count, 6000, 6200);
    assert_true(repeats_bytes(&repeats) < bytes_idle + 3 * sizeof(struct { char block[4096 * 24]; }) + 65536);
    repeats_add(&repeats, hash_of(1), 100000); /* all else is too old */
    assert_int_equal(repeats.count, 1);
    repeats_deinit(&repeats);
}

/* Goal: never more than count_max; the oldest go first; the newest count_max are all known. */
static void test_bound(void **state)
{
    (void)state;
    struct repeats repeats;
    repeats_init(&repeats, 10000, 600);
    for (uint32_t i = 0; i < 50000; i++) {
        repeats_add(&repeats, hash_of(i), 1000);
        assert_true(repeats.count <= 10000);
    }
    for (uint32_t i = 0; i < 40000; i++) assert_false(repeats_has(&repeats, hash_of(i), 1000));
    for (uint32_t i = 40000; i < 50000; i++) assert_true(repeats_has(&repeats, hash_of(i), 1000));
    repeats_deinit(&repeats);
}

/* Goal: entry numbers wrap after 2^32 requests (five days at 10,000 a second) without a lost or an invented repeat.
 * Method: begin just before the wrap. */
static void test_numbers_wrap(void **state)
{
    (void)state;
    struct repeats repeats;
    repeats_init(&repeats, 20000, 60);
    repeats.oldest = UINT32_MAX - 30000;
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t now = 1000 + i / 100;
        repeats_add(&repeats, hash_of(i), now);
        if (i >= 5000) assert_true(repeats_has(&repeats, hash_of(i - 5000), now));
        if (i >= 7000) assert_false(repeats_has(&repeats, hash_of(i - 7000), now));
    }
    repeats_deinit(&repeats);
}

/* Goal: the newest can be taken back, as if they had never come. */
static void test_drop_newest(void **state)
{
    (void)state;
    struct repeats repeats;
    repeats_init(&repeats, 1u << 20, 600);
    for (uint32_t round = 0; round < 10; round++) {
        uint32_t kept = round * 3000;
        for (uint32_t i = kept; i < kept + 8000; i++) repeats_add(&repeats, hash_of(i), 1000);
        repeats_drop_newest(&repeats, 5000);
        assert_int_equal(repeats.count, kept + 3000);
        for (uint32_t i = 0; i < kept + 8000; i += 7)
            assert_int_equal(repeats_has(&repeats, hash_of(i), 1000), i < kept + 3000);
        struct hash128 hash;
        uint32_t second;
        assert_true(repeats_at(&repeats, 0, &hash, &second));
        assert_true(hash128_equal(hash, hash_of(kept + 2999)));
        assert_true(repeats_at(&repeats, kept + 2999, &hash, &second));
        assert_true(hash128_equal(hash, hash_of(0)));
        assert_false(repeats_at(&repeats, kept + 3000, &hash, &second));
    }
    repeats_drop_newest(&repeats, UINT64_MAX);
    assert_int_equal(repeats.count, 0);
    repeats_add(&repeats, hash_of(1), 1000);
    assert_true(repeats_has(&repeats, hash_of(1), 1000));
    repeats_deinit(&repeats);
}

/* Goal: hashes that all fall into one bucket are still told apart. */
static void test_one_bucket(void **state)
{
    (void)state;
    struct repeats repeats;
    repeats_init(&repeats, 3000, 600);
    for (uint64_t i = 0; i < 3000; i++) repeats_add(&repeats, (struct hash128){ 42, i }, 1000);
    for (uint64_t i = 0; i < 3000; i++) assert_true(repeats_has(&repeats, (struct hash128){ 42, i }, 1000));
    assert_false(repeats_has(&repeats, (struct hash128){ 42, 3000 }, 1000));
    assert_false(repeats_has(&repeats, (struct hash128){ 43, 1 }, 1000));
    repeats_deinit(&repeats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),     cmocka_unit_test(test_bound),       cmocka_unit_test(test_numbers_wrap),
        cmocka_unit_test(test_one_bucket), cmocka_unit_test(test_drop_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
