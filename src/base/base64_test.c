/* base64 there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"

static bool reads(const char *text, enum base64_kind kind, const char *expected, size_t expected_len)
{
    uint8_t bytes[64];
    size_t len;
    if (!base64_read(bytes_of_text(text), kind, bytes, &len)) return false;
    assert_int_equal(len, expected_len);
    assert_memory_equal(bytes, expected, len);
    return true;
}

/* Goal: the examples of RFC 4648, 10, and what is none of them. */
static void test_examples(void **state)
{
    (void)state;
    static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
    static const char *const padded[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
    static const char *const bare[] = { "", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy" };
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        assert_true(reads(padded[i], BASE64_PADDED, plain[i], strlen(plain[i])));
        assert_true(reads(bare[i], BASE64_URL, plain[i], strlen(plain[i])));
    }
    assert_true(reads("-_8", BASE64_URL, "\xFB\xFF", 2) && reads("+/8=", BASE64_PADDED, "\xFB\xFF", 2));
    static const char *const not_padded[] = { "Zg",       "Zg=",  "Z===", "=",      "====",
                                              "Zg==Zg==", "Zh==", "Z_8=", "Zm9v\n", " Zg=" };
    for (size_t i = 0; i < COUNT_OF(not_padded); i++) assert_false(reads(not_padded[i], BASE64_PADDED, "", 0));
    static const char *const not_url[] = { "Z", "Zg==", "Zh", "Z+8", "Zm9", "Zm9vY" };
    for (size_t i = 0; i < COUNT_OF(not_url); i++) assert_false(reads(not_url[i], BASE64_URL, "", 0));
}

/* Goal: whatever was put is read back. */
static void test_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[61], text[128], back[64];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(i * 151 + len * 17);
        size_t back_len, text_len = (size_t)(base64_put(text, bytes_from(bytes, len), true) - text);
        assert_true(base64_read(bytes_from(text, text_len), BASE64_PADDED, back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples), cmocka_unit_test(test_there_and_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
