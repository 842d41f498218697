/* Waiting after wrong passwords, by a clock of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meta/throttle.h"

#define SECOND 1000000000ull

/* Goal: five wrong tries are free, then each doubles the wait up to 5 minutes; others and other addresses do not wait. */
static void test_pair(void **state)
{
    (void)state;
    struct throttle *throttle = throttle_create();
    struct err err = { 0 };
    struct bytes who = BYTES("a@example.com"), address = BYTES("192.0.2.1");
    uint64_t now = 1000 * SECOND;
    for (int t = 0; t < 5; t++) {
        assert_true(throttle_check(throttle, who, address, now, &err));
        throttle_note(throttle, who, address, false, now);
    }
    static const uint64_t waits_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };
    for (size_t w = 0; w < COUNT_OF(waits_s); w++) {
        assert_false(throttle_check(throttle, who, address, now + waits_s[w] * SECOND - 1, &err));
        assert_int_equal(err.code, ERR_QUOTA);
        assert_true(throttle_check(throttle, BYTES("b@example.com"), address, now, &err));
        assert_true(throttle_check(throttle, who, BYTES("192.0.2.2"), now, &err));
        now += waits_s[w] * SECOND;
        assert_true(throttle_check(throttle, who, address, now, &err));
        throttle_note(throttle, who, address, false, now);
    }
    now += 300 * SECOND;
    throttle_note(throttle, who, address, true, now); /* right: forgotten */
    for (int t = 0; t < 5; t++) {
        assert_true(throttle_check(throttle, who, address, now, &err));
        throttle_note(throttle, who, address, false, now);
    }
    assert_false(throttle_check(throttle, who, address, now, &err));
    assert_true(throttle_check(throttle, who, address, now + 900 * SECOND, &err));
    throttle_note(throttle, who, address, false, now + 900 * SECOND); /* the first again */
    assert_true(throttle_check(throttle, who, address, now + 900 * SECOND, &err));
    throttle_destroy(throttle);
}

/* Goal: one address that tries many e-mails waits too, and a flood of addresses fits in the table. */
static void test_address(void **state)
{
    (void)state;
    struct throttle *throttle = throttle_create();
    struct err err = { 0 };
    char text[32];
    for (int t = 0; t < 50; t++) {
        snprintf(text, sizeof text, "u%d@example.com", t);
        assert_true(throttle_check(throttle, bytes_of_text(text), BYTES("192.0.2.1"), SECOND, &err));
        throttle_note(throttle, bytes_of_text(text), BYTES("192.0.2.1"), false, SECOND);
    }
    assert_false(throttle_check(throttle, BYTES("new@example.com"), BYTES("192.0.2.1"), SECOND, &err));
    for (int t = 0; t < 20000; t++) {
        snprintf(text, sizeof text, "10.0.%d.%d", t / 256, t % 256);
        throttle_note(throttle, BYTES("x@example.com"), bytes_of_text(text), false, SECOND * 2);
    }
    assert_true(throttle_check(throttle, BYTES("x@example.com"), BYTES("192.0.2.9"), SECOND * 2, &err));
    throttle_destroy(throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pair), cmocka_unit_test(test_address) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
