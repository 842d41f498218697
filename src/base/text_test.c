/* threads: none */
/* UTF-8 and JSON writing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/utf8.h"

/* The definition, by the code point: what the fast one is compared with. */
static bool utf8_is_valid_slow(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t lead = at[i];
        size_t need = lead < 0x80             ? 1
                      : (lead & 0xE0) == 0xC0 ? 2
                      : (lead & 0xF0) == 0xE0 ? 3
                      : (lead & 0xF8) == 0xF0 ? 4
                                              : 0;
        if (need == 0 || i + need > len) return false;
        uint32_t point = need == 1 ? lead : lead & (0x7Fu >> need);
        for (size_t k = 1; k < need; k++) {
            if ((at[i + k] & 0xC0) != 0x80) return false;
            point = point << 6 | (at[i + k] & 0x3F);
        }
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        if (point < least[need] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
        i += need;
    }
    return true;
}

/* Goal: every sequence of up to three bytes, and every four-byte one from F0 on, is judged as the definition does.
 * Method: all of one to three bytes at the end of an ASCII run that the fast path eats; four-byte ones by steps. */
static void test_utf8_agrees_with_the_definition(void **state)
{
    (void)state;
    uint8_t text[64];
    memset(text, 'a', sizeof text);
    uint8_t *at = text + 37;
    size_t valid = 0;
    for (uint32_t bits = 0; bits < 1u << 24; bits++) {
        at[0] = (uint8_t)(bits >> 16), at[1] = (uint8_t)(bits >> 8), at[2] = (uint8_t)bits;
        if (at[0] < 0x80 && at[1] < 0x80) continue; /* little to learn, much time */
        bool expected = utf8_is_valid_slow(at, 3);
        valid += expected;
        if (utf8_is_valid(bytes_from(text, 40)) != expected) fail_msg("bytes %06x", bits);
    }
    assert_true(valid > 0x10000 - 0x800 - 0x800);
    for (uint32_t bits = 0; bits < 1u << 21; bits++) {
        at[0] = (uint8_t)(0xF0 + (bits >> 18)), at[1] = (uint8_t)(0x70 + (bits >> 10 & 0xFF));
        at[2] = (uint8_t)(0x7E + (bits >> 4 & 0x3F) + (bits & 1)), at[3] = (uint8_t)(0x7F + (bits & 0xF) * 5);
        if (utf8_is_valid(bytes_from(text, 41)) != utf8_is_valid_slow(at, 4)) fail_msg("bits %06x", bits);
    }
    assert_true(utf8_is_valid(BYTES("\xF4\x8F\xBF\xBF")));
    assert_false(utf8_is_valid(BYTES("\xF4\x90\x80\x80")));
    assert_false(utf8_is_valid(BYTES("\xF0\x8F\xBF\xBF")));
    assert_true(utf8_is_valid(BYTES("")));
}

/* Goal: a bad byte is found wherever it stands in the fast path's steps.
 * Method: one 0xFF at each place of texts of 1 to 100 bytes. */
static void test_utf8_bad_byte_at_every_place(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 100; len++) {
        uint8_t *text = malloc(len); /* exactly, so that ASan sees a read beyond */
        memset(text, 'x', len);
        assert_true(utf8_is_valid(bytes_from(text, len)));
        for (size_t at = 0; at < len; at++) {
            text[at] = 0xFF;
            assert_false(utf8_is_valid(bytes_from(text, len)));
            text[at] = 'x';
        }
        free(text);
    }
}

/* Goal: a cut text is still valid and as long as can be. Method: cut one of all widths at each length. */
static void test_utf8_cut_at_every_length(void **state)
{
    (void)state;
    struct bytes text = BYTES("a\xC3\xA9z\xE2\x82\xAC\xF0\x9F\x98\x80!");
    static const size_t expected[] = { 0, 1, 1, 3, 4, 4, 4, 7, 7, 7, 7, 11, 12, 12 };
    for (size_t max = 0; max < COUNT_OF(expected); max++) assert_int_equal(utf8_cut(text, max), expected[max]);
    assert_int_equal(utf8_cut(BYTES("\x80\x80\x80\x80\x80"), 4), 4); /* not UTF-8: any length will do, in bounds */
}

static void escape_slow(const uint8_t *text, size_t len, struct buf *out)
{
    assert_true(buf_printf(out, "\""));
    for (size_t i = 0; i < len; i++) {
        static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";
        const char *hit = text[i] == 0 ? NULL : strchr(shorts, text[i]);
        while (hit != NULL && (hit - shorts) % 2 != 0) hit = strchr(hit + 1, text[i]);
        bool ok = hit != NULL      ? buf_printf(out, "\\%c", hit[1])
                  : text[i] < 0x20 ? buf_printf(out, "\\u%04x", text[i])
                                   : buf_add(out, text + i, 1);
        assert_true(ok);
    }
    assert_true(buf_printf(out, "\""));
}

/* Goal: text is escaped rightly whatever the length and wherever the escape, inside the stated greatest size.
 * Method: each byte value at each place of texts of 0 to 70 bytes, against a plain loop; then all escapes. */
static void test_json_text_at_every_place(void **state)
{
    (void)state;
    struct buf expected;
    buf_init(&expected, 1000);
    uint8_t text[70];
    for (size_t len = 0; len <= sizeof text; len++) {
        uint8_t *out = malloc(json_text_bytes_max(len));
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 0x80; byte++) {
                memset(text, 'x', len);
                text[at] = (uint8_t)byte;
                expected.len = 0;
                escape_slow(text, len, &expected);
                size_t written = (size_t)(json_put_text(out, bytes_from(text, len)) - out);
                assert_int_equal(written, expected.len);
                assert_memory_equal(out, expected.ptr, written);
            }
        }
        memset(text, 1, len);
        size_t written = (size_t)(json_put_text(out, bytes_from(text, len)) - out);
        assert_int_equal(written, json_text_bytes_max(len));
        free(out);
    }
    buf_deinit(&expected);
}

static const char *double_text(double number)
{
    static char text[JSON_NUMBER_BYTES_MAX + 1];
    uint8_t *end = json_put_double((uint8_t *)text, number);
    assert_true(end - (uint8_t *)text <= JSON_NUMBER_BYTES_MAX);
    *end = '\0';
    return text;
}

/* Goal: numbers as people write them. Method: examples, the ends of the ranges among them. */
static void test_json_numbers(void **state)
{
    (void)state;
    assert_string_equal(double_text(0), "0");
    assert_string_equal(double_text(-0.0), "-0.0");
    assert_string_equal(double_text(0.1), "0.1");
    assert_string_equal(double_text(-12.05), "-12.05");
    assert_string_equal(double_text(100), "100");
    assert_string_equal(double_text(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(double_text(5e-324), "5e-324");
    assert_string_equal(double_text(1.7976931348623157e308), "1.7976931348623157e308");
    assert_string_equal(double_text((double)NAN), "\"NaN\"");
    assert_string_equal(double_text(-(double)INFINITY), "\"-Infinity\"");
    uint8_t text[JSON_NUMBER_BYTES_MAX];
    assert_memory_equal(text, "-9223372036854775808", (size_t)(json_put_int(text, INT64_MIN) - text));
    assert_int_equal(json_put_int(text, INT64_MIN) - text, 20);
    assert_memory_equal(text, "9223372036854775807", (size_t)(json_put_int(text, INT64_MAX) - text));
    for (int64_t power = 1; power < INT64_MAX / 10; power *= 10) {
        for (int64_t number = power - 1; number <= power + 1; number++) {
            char expected[24];
            snprintf(expected, sizeof expected, "%lld", (long long)number);
            *json_put_int(text, number) = '\0';
            assert_string_equal((char *)text, expected);
        }
    }
}

/* Without the zeros at both ends, which say only where the point is. */
static size_t digits_that_count(const char *text)
{
    size_t digits = 0, to_last = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (digits == 0 && *text == '0')) continue;
        digits++;
        if (*text != '0') to_last = digits;
    }
    return to_last;
}

/* Goal: what is written reads back as the same double, and no fewer digits would.
 * Method: 300,000 doubles: random bits, and random decimals of few digits, which take the fast path. */
static void test_json_doubles_read_back(void **state)
{
    (void)state;
    uint64_t seed = 0x2545F4914F6CDD1Du;
    for (int i = 0; i < 300000; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        double number;
        if (i % 2 == 0) {
            memcpy(&number, &seed, 8);
        } else {
            number = (double)(int64_t)(seed % 2000000000) / pow(10, (double)(seed >> 40 & 15));
        }
        if (!isfinite(number)) continue;
        const char *text = double_text(number);
        if (strtod(text, NULL) != number) fail_msg("%a became %s", number, text);
        char shortest[40];
        int precision = 1;
        for (;; precision++) {
            snprintf(shortest, sizeof shortest, "%.*g", precision, number);
            if (strtod(shortest, NULL) == number) break;
        }
        if (digits_that_count(text) != digits_that_count(shortest)) fail_msg("%s instead of %s", text, shortest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_agrees_with_the_definition),
        cmocka_unit_test(test_utf8_bad_byte_at_every_place),
        cmocka_unit_test(test_utf8_cut_at_every_length),
        cmocka_unit_test(test_json_text_at_every_place),
        cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_json_doubles_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
