#include "timefusion/query/any_case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the three above */
#include <cmocka.h>

static bool holds(const char *text, const char *wanted)
{
    struct any_case word;
    assert_true(any_case_init(&word, bytes_of_text(wanted)));
    return any_case_holds(&word, bytes_of_text(text));
}

/* Goal: letters count in any case, all else as it is, and the letters of three forms in all three.
 * Method: by hand; then words at every place of texts of every length up to three vectors of the processor. */
static void test_words(void **state)
{
    (void)state;
    struct any_case word;
    assert_true(holds("Checkout of a CART", "cart"));
    assert_true(holds("x", "X"));
    assert_false(holds("", "x"));
    assert_false(holds("car", "cart"));
    assert_false(holds("a`b", "a@b")); /* one bit apart, as letters are */
    assert_false(holds("a[b", "a{b"));
    assert_true(holds("a{B", "A{b"));
    assert_true(holds("mi\305\277t", "MIST"));
    assert_true(holds("20 \342\204\252elvin", "kelvin"));
    assert_true(holds("20 \342\204\252", "20 K"));
    assert_false(holds("20 \342\204\253", "20 k"));
    assert_true(holds("gr\303\274\303\237e an alle", "AN ALLE"));
    assert_false(any_case_init(&word, BYTES("")));
    assert_false(any_case_init(&word, BYTES("gr\303\274n")));
    assert_false(any_case_init(&word, BYTES("a\nb")));
    char text[64];
    static const char *const words[] = { "Q", "qZ", "qxZ", "QSk", "sQk", "Q2345678901234567Z" };
    for (size_t w = 0; w < COUNT_OF(words); w++) {
        size_t len = strlen(words[w]);
        for (size_t bytes = 0; bytes < sizeof text; bytes++) {
            for (int umlaut = 0; umlaut < 2; umlaut++) {
                memset(text, 'q', sizeof text);
                if (w == 0) memset(text, 'z', sizeof text);
                if (umlaut && bytes > 2) memcpy(text, "\303\274", 2);
                assert_true(any_case_init(&word, bytes_of_text(words[w])));
                assert_false(any_case_holds(&word, bytes_from(text, bytes)));
                for (size_t at = umlaut ? 2 : 0; at + len <= bytes; at++) {
                    char with[64];
                    memcpy(with, text, sizeof with);
                    memcpy(with + at, words[w], len);
                    assert_true(any_case_holds(&word, bytes_from(with, bytes)));
                    assert_false(any_case_holds(&word, bytes_from(with, at + len - 1)));
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_words) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
