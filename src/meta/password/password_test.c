/* Passwords: what may be one, hashing, and that no more hash at once than is said. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meta/password/password.h"

/* Goal: a hash is right for its password alone, another each time, and nobody's password is never right. */
static void test_hash(void **state)
{
    (void)state;
    struct password_gate *gate = password_gate_create();
    struct err err = { 0 };
    char hash[PASSWORD_HASH_BYTES], again[PASSWORD_HASH_BYTES];
    bool is_right;
    assert_true(password_hash(gate, BYTES("correct horse battery"), hash, &err));
    assert_true(password_hash(gate, BYTES("correct horse battery"), again, &err));
    assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_string_not_equal(hash, again);
    assert_true(password_verify(gate, hash, BYTES("correct horse battery"), &is_right, &err) && is_right);
    assert_true(password_verify(gate, hash, BYTES("correct horse batterz"), &is_right, &err) && !is_right);
    assert_true(password_verify(gate, hash, BYTES(""), &is_right, &err) && !is_right);
    assert_true(password_verify(gate, NULL, BYTES("correct horse battery"), &is_right, &err) && !is_right);
    assert_false(password_verify(gate, "$argon2id$none", BYTES("x"), &is_right, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    password_gate_destroy(gate);
}

/* Goal: each rule refuses with ERR_INPUT; one-time passwords pass them, and differ. */
static void test_rules(void **state)
{
    (void)state;
    struct err err = { 0 };
    char once[PASSWORD_ONCE_BYTES], other[PASSWORD_ONCE_BYTES], long_one[PASSWORD_BYTES_MAX + 2];
    snprintf(long_one, sizeof long_one, "%0*d", PASSWORD_BYTES_MAX + 1, 12345);
    const char *const refused[] = { "",
                                    "short",
                                    "eleven1char",
                                    "aaaaaaaaaaaa",
                                    "abababababababab",
                                    "line\nbreak abc",
                                    "not \xFF utf-8 at all",
                                    "someone@example.com",
                                    long_one };
    for (size_t r = 0; r < COUNT_OF(refused); r++) {
        assert_false(password_check(bytes_of_text(refused[r]), "someone@example.com", &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    assert_true(password_check(BYTES("gr\xC3\xBC\xC3\x9F"
                                     "e vom Berg"),
                               "someone@example.com", &err));
    password_once(once);
    password_once(other);
    assert_int_equal(strlen(once), PASSWORD_ONCE_BYTES - 1);
    assert_string_not_equal(once, other);
    assert_true(password_check(bytes_of_text(once), "x@y", &err));
}

static atomic_uint refused_count, right_count;
static void *hash_once(void *gate)
{
    struct err err = { 0 };
    char hash[PASSWORD_HASH_BYTES];
    if (password_hash(gate, BYTES("correct horse battery"), hash, &err)) {
        atomic_fetch_add(&right_count, 1);
    } else if (err.code == ERR_BUSY) {
        atomic_fetch_add(&refused_count, 1);
    }
    return NULL;
}

/* Goal: of 40 at once each is hashed or told ERR_BUSY, and those that may wait are not refused. */
static void test_gate(void **state)
{
    (void)state;
    struct password_gate *gate = password_gate_create();
    pthread_t threads[40];
    for (size_t t = 0; t < COUNT_OF(threads); t++)
        assert_int_equal(pthread_create(&threads[t], NULL, hash_once, gate), 0);
    for (size_t t = 0; t < COUNT_OF(threads); t++) pthread_join(threads[t], NULL);
    assert_int_equal(refused_count + right_count, COUNT_OF(threads));
    assert_true(right_count >= PASSWORDS_AT_ONCE + PASSWORDS_WAITING);
    password_gate_destroy(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
