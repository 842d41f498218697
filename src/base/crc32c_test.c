/* CRC-32C against the RFC's vectors, and piece by piece against the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crc32c.h"

/* Goal: the sums are CRC-32C's. Method: the vectors of RFC 3720, B.4, and the usual check value. */
static void test_vectors(void **state)
{
    (void)state;
    uint8_t zeros[32] = { 0 }, ones[32], up[32];
    char text[CRC32C_TEXT_BYTES];
    memset(ones, 0xFF, sizeof ones);
    for (size_t i = 0; i < 32; i++) up[i] = (uint8_t)i;
    assert_int_equal(crc32c_add(0, BYTES("")), 0);
    assert_int_equal(crc32c_add(0, bytes_from(zeros, 32)), 0x8A9136AA);
    assert_int_equal(crc32c_add(0, bytes_from(ones, 32)), 0x62A8AB43);
    assert_int_equal(crc32c_add(0, bytes_from(up, 32)), 0x46DD794E);
    assert_int_equal(crc32c_add(0, BYTES("123456789")), 0xE3069283);
    crc32c_text(0xE3069283, text);
    assert_string_equal(text, "4waSgw==");
    crc32c_text(0, text);
    assert_string_equal(text, "AAAAAA==");
}

/* Bit by bit, as the definition says. */
static uint32_t by_definition(struct bytes bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.ptr[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

/* Goal: pieces of any length give the sum of the whole. Method: every cut of 100 bytes, beside the definition. */
static void test_pieces(void **state)
{
    (void)state;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + 11);
    uint32_t whole = by_definition(bytes_from(bytes, sizeof bytes));
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint32_t crc = crc32c_add(0, bytes_from(bytes, cut));
        assert_int_equal(crc, by_definition(bytes_from(bytes, cut)));
        assert_int_equal(crc32c_add(crc, bytes_from(bytes + cut, sizeof bytes - cut)), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors), cmocka_unit_test(test_pieces) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
