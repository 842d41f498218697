/* Ids, SHA-1 and hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/uuid.h"

static void assert_digest(const uint8_t digest[20], const char *hex)
{
    char text[41];
    for (int i = 0; i < 20; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, hex);
}

/* Goal: SHA-1 is SHA-1. Method: the examples of FIPS 180 and RFC 3174. */
static void test_sha1_examples(void **state)
{
    (void)state;
    struct sha1 sha1;
    uint8_t digest[20];
    sha1_init(&sha1);
    sha1_end(&sha1, digest);
    assert_digest(digest, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    sha1_init(&sha1);
    sha1_add(&sha1, "abc", 3);
    sha1_end(&sha1, digest);
    assert_digest(digest, "a9993e364706816aba3e25717850c26c9cd0d89d");
    sha1_init(&sha1);
    sha1_add(&sha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
    sha1_end(&sha1, digest);
    assert_digest(digest, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    sha1_init(&sha1);
    for (int i = 0; i < 1000000 / 50; i++) sha1_add(&sha1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 50);
    sha1_end(&sha1, digest);
    assert_digest(digest, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* Goal: the parts a text comes in do not matter. Method: texts of 0 to 200 bytes in two parts, cut everywhere;
 * the digests of all of them, hashed again, against the value of another implementation (Python's hashlib). */
static void test_sha1_in_parts(void **state)
{
    (void)state;
    uint8_t text[200];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * 7);
    struct sha1 all;
    sha1_init(&all);
    for (size_t len = 0; len <= sizeof text; len++) {
        uint8_t whole[20], parts[20];
        struct sha1 sha1;
        sha1_init(&sha1);
        sha1_add(&sha1, text, len);
        sha1_end(&sha1, whole);
        sha1_add(&all, whole, sizeof whole);
        for (size_t cut = 0; cut <= len; cut++) {
            sha1_init(&sha1);
            sha1_add(&sha1, text, cut);
            sha1_add(&sha1, text + cut, len - cut);
            sha1_end(&sha1, parts);
            assert_memory_equal(parts, whole, 20);
        }
    }
    uint8_t digest[20];
    sha1_end(&all, digest);
    assert_digest(digest, "df60a30b3e6a69f55cf09284e4e125194738c0de");
}

/* Goal: version 5 ids are those of RFC 9562. Method: its example (A.4): "www.example.com" in the DNS namespace. */
static void test_uuid_of_name(void **state)
{
    (void)state;
    struct uuid dns;
    assert_true(uuid_from_text(BYTES("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), &dns));
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid_of_name(dns, BYTES("www.example.com")), text);
    assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");

    struct sha1 start;
    uint8_t digest[20];
    sha1_init(&start);
    sha1_add(&start, dns.bytes, sizeof dns.bytes);
    struct sha1 one = start;
    sha1_add(&one, "www.example", 11);
    sha1_add(&one, ".com", 4);
    sha1_end(&one, digest);
    assert_true(uuid_equal(uuid_from_sha1(digest), uuid_of_name(dns, BYTES("www.example.com"))));
}

/* Goal: only the one form of text is read. Method: a good one in both cases, then one spoilt at each character. */
static void test_uuid_text(void **state)
{
    (void)state;
    struct uuid uuid, upper;
    char text[UUID_TEXT_BYTES + 1] = "01234567-89ab-cdef-0123-456789abcdef", again[UUID_TEXT_BYTES + 1];
    assert_true(uuid_from_text(bytes_of_text(text), &uuid));
    assert_int_equal(uuid.bytes[0], 0x01);
    assert_int_equal(uuid.bytes[15], 0xEF);
    uuid_to_text(uuid, again);
    assert_string_equal(again, text);
    assert_true(uuid_from_text(BYTES("01234567-89AB-CDEF-0123-456789ABCDEF"), &upper));
    assert_true(uuid_equal(uuid, upper));
    for (size_t at = 0; at < UUID_TEXT_BYTES; at++) {
        char good = text[at];
        text[at] = good == '-' ? '0' : 'g';
        assert_false(uuid_from_text(bytes_from(text, UUID_TEXT_BYTES), &uuid));
        text[at] = good;
        assert_false(uuid_from_text(bytes_from(text, at), &uuid));
    }
    assert_true(uuid_equal(uuid, upper)); /* a refusal leaves it alone */
}

/* Goal: made ids carry their version and variant, differ, and those by time sort by it.
 * Method: 1,000 of each; two ids by time are ordered when more than a tick (244 ns) lies between. */
static void test_uuid_made(void **state)
{
    (void)state;
    struct uuid last = { { 0 } }, random_last = { { 0 } };
    for (int i = 0; i < 1000; i++) {
        struct uuid random = uuid_random(), by_time = uuid_by_time();
        assert_int_equal(random.bytes[6] >> 4, 4);
        assert_int_equal(by_time.bytes[6] >> 4, 7);
        assert_int_equal(random.bytes[8] >> 6, 2);
        assert_int_equal(by_time.bytes[8] >> 6, 2);
        assert_false(uuid_equal(random, random_last));
        assert_true(memcmp(last.bytes, by_time.bytes, 8) <= 0);
        last = by_time;
        random_last = random;
        for (uint64_t from = clock_mono_ns(); clock_mono_ns() - from < 1000;) {}
    }
}

/* Goal: hashes kept on disk stay what they are. Method: values of the reference xxHash (its python binding). */
static void test_hash_values(void **state)
{
    (void)state;
    assert_int_equal(hash64_xxh64(BYTES("")), 0xEF46DB3751D8E999u);
    assert_int_equal(hash64_xxh64(BYTES("abc")), 0x44BC2CF5AD770999u);
    assert_int_equal(hash64_of(BYTES("")), 0x2D06800538D394C2u);
    assert_int_equal(hash64_of(BYTES("abc")), 0x78AF5F94892F3950u);
    struct hash128 hash = hash128_of(BYTES("abc"));
    assert_int_equal(hash.hi, 0x06B05AB6733A6185u);
    assert_int_equal(hash.lo, 0x78AF5F94892F3950u);
}

/* Goal: short keys spread: no twins, and the low bits of a table's mask are used evenly.
 * Method: 65,536 numbered keys of 1 to 40 bytes into as many buckets; a random function fills about 63 %. */
static void test_hash64_key_spreads(void **state)
{
    (void)state;
    static uint8_t buckets[65536];
    for (size_t width = 3; width <= 40; width++) {
        memset(buckets, 0, sizeof buckets);
        size_t used = 0;
        for (int i = 0; i < 65536; i++) {
            char key[41];
            memset(key, '0', sizeof key);
            snprintf(key + (width > 5 ? width - 5 : 0), 6, "%05x", (unsigned)i);
            if (width <= 4) memcpy(key, &i, 3);
            uint8_t *bucket = &buckets[hash64_key(bytes_from(key, width), width) & 65535];
            used += *bucket == 0;
            *bucket = 1;
        }
        if (used < 40000 || used > 43000) fail_msg("%zu buckets used by keys of %zu bytes", used, width);
    }
    assert_int_not_equal(hash64_key(BYTES("service"), 1), hash64_key(BYTES("service"), 2));
    assert_int_not_equal(hash64_key(BYTES(""), 1), hash64_key(BYTES("\0"), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha1_examples),      cmocka_unit_test(test_sha1_in_parts),
        cmocka_unit_test(test_uuid_of_name),       cmocka_unit_test(test_uuid_text),
        cmocka_unit_test(test_uuid_made),          cmocka_unit_test(test_hash_values),
        cmocka_unit_test(test_hash64_key_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
