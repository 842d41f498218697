/* Seals: what comes back, and what does not. Addresses: which lead out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "net/address.h"
#include "net/seal.h"

/* Goal: a seal opens with its key and its place alone, and no changed byte goes unseen; two seals of one text differ.
 * Method: lengths from 0 up; then every byte of one changed in turn. */
static void test_seal(void **state)
{
    uint8_t key[SEAL_KEY_BYTES] = { 1, 2, 3 }, other[SEAL_KEY_BYTES] = { 1, 2, 4 }, text[100], sealed[129], back[129],
            second[129];
    size_t len;
    struct err err = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof text; n++) {
        seal_close(key, BYTES("project 1"), bytes_from(text, n), sealed);
        assert_true(seal_open(key, BYTES("project 1"), bytes_from(sealed, n + SEAL_MORE_BYTES), back, &len, &err));
        assert_true(bytes_equal(bytes_from(back, len), bytes_from(text, n)));
    }
    struct bytes whole = bytes_from(sealed, sizeof sealed);
    seal_close(key, BYTES("project 1"), bytes_from(text, sizeof text), second);
    assert_memory_not_equal(sealed, second, sizeof sealed);
    assert_false(seal_open(other, BYTES("project 1"), whole, back, &len, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_false(seal_open(key, BYTES("project 2"), whole, back, &len, &err));
    for (size_t at = 0; at < sizeof sealed; at++) {
        sealed[at] ^= 0x10;
        assert_false(seal_open(key, BYTES("project 1"), whole, back, &len, &err));
        sealed[at] ^= 0x10;
        assert_false(seal_open(key, BYTES("project 1"), bytes_from(sealed, at), back, &len, &err));
    }
    assert_true(seal_open(key, BYTES("project 1"), whole, back, &len, &err));
}

/* Goal: no way into our own network is called public. Method: a list by hand of the ends of ranges, in all forms. */
static void test_addresses(void **state)
{
    static const char *const kept_in[] = { "0.0.0.0",
                                           "10.0.0.1",
                                           "10.255.255.255",
                                           "100.64.0.1",
                                           "100.127.255.255",
                                           "127.0.0.1",
                                           "127.9.9.9",
                                           "169.254.169.254",
                                           "172.16.0.1",
                                           "172.31.255.255",
                                           "192.0.0.1",
                                           "192.0.2.1",
                                           "192.88.99.1",
                                           "192.168.0.1",
                                           "192.168.255.255",
                                           "198.18.0.1",
                                           "198.19.255.255",
                                           "198.51.100.1",
                                           "203.0.113.1",
                                           "224.0.0.1",
                                           "239.1.1.1",
                                           "240.0.0.1",
                                           "255.255.255.255",
                                           "::",
                                           "::1",
                                           "::ffff:127.0.0.1",
                                           "::ffff:10.1.1.1",
                                           "::127.0.0.1",
                                           "64:ff9b::10.0.0.1",
                                           "64:ff9b:1::1",
                                           "100::1",
                                           "2001::1",
                                           "2001:db8::1",
                                           "2002:7f00:1::1",
                                           "2002:c0a8:101::1",
                                           "3fff::1",
                                           "fc00::1",
                                           "fd12:3456::1",
                                           "fe80::1",
                                           "fec0::1",
                                           "ff02::1" };
    static const char *const out[] = { "1.1.1.1",
                                       "8.8.8.8",
                                       "9.255.255.255",
                                       "11.0.0.0",
                                       "100.63.255.255",
                                       "100.128.0.0",
                                       "126.0.0.1",
                                       "128.0.0.1",
                                       "169.253.0.1",
                                       "172.15.255.255",
                                       "172.32.0.0",
                                       "192.0.1.1",
                                       "192.167.1.1",
                                       "192.169.1.1",
                                       "198.17.1.1",
                                       "198.20.0.1",
                                       "223.255.255.255",
                                       "::ffff:8.8.8.8",
                                       "64:ff9b::8.8.8.8",
                                       "2001:4860:4860::8888",
                                       "2606:4700:4700::1111",
                                       "2a00:1450::1" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kept_in) + COUNT_OF(out); i++) {
        bool is_out = i >= COUNT_OF(kept_in);
        const char *text = is_out ? out[i - COUNT_OF(kept_in)] : kept_in[i];
        struct sockaddr_in ip4 = { .sin_family = AF_INET };
        struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6 };
        bool is_4 = inet_pton(AF_INET, text, &ip4.sin_addr) == 1;
        if (!is_4) assert_int_equal(inet_pton(AF_INET6, text, &ip6.sin6_addr), 1);
        bool found = address_is_public(is_4 ? (const struct sockaddr *)(const void *)&ip4
                                            : (const struct sockaddr *)(const void *)&ip6);
        if (found != is_out) fail_msg("%s", text);
    }
    struct sockaddr local = { .sa_family = AF_UNIX };
    assert_false(address_is_public(&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_seal), cmocka_unit_test(test_addresses) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
