/* threads: none */
/* What stands in a row group is always found there, in whatever case it is sought; what does not mostly is not. */
#include "timefusion/query/any_case.h"
#include "timefusion/query/words.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool bytes_give(void *ctx, uint64_t offset, void *ptr, size_t len)
{
    const struct bytes *bytes = ctx;
    if (offset > bytes->len || len > bytes->len - offset) return false;
    memcpy(ptr, bytes->ptr + offset, len);
    return true;
}

static uint64_t groups_of(const struct words *words, struct bytes text)
{
    struct bytes bytes = words_bytes(words);
    uint32_t places[WORDS_RUNS_MAX], count = words_runs(text, places);
    return words_groups(bytes_give, &bytes, bytes.len, places, count);
}

static uint64_t random_state = 11;
static uint32_t below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

/* Letters of three forms, of other scripts, and plain ones, few of them: so that words meet by chance. */
static size_t text_make(char *text, size_t pieces)
{
    static const char *const of[] = { "a",        "k",        "s",        "i",        "A",
                                      "K",        "S",        "I",        "t",        "T",
                                      "e",        "r",        "o",        "\xC5\xBF", "\xE2\x84\xAA",
                                      "\xC4\xB0", "\xC4\xB1", "\xC3\xA9", " ",        "-",
                                      "7",        "0" };
    text[0] = '\0';
    for (size_t p = 0; p < pieces; p++) strcat(text, of[below(COUNT_OF(of))]);
    return strlen(text);
}

static void what_is_there_is_found(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 1, 3, 8, 9, 33, 64, 70 };
    uint32_t found = 0, left_out = 0;
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        struct words words;
        char texts[70][400];
        words_init(&words, counts[c]);
        for (uint32_t g = 0; g < counts[c]; g++) {
            text_make(texts[g], 60);
            words_add(&words, g, bytes_of_text(texts[g]));
        }
        for (int n = 0; n < 2000; n++) {
            char word[200];
            struct any_case sought;
            size_t len = text_make(word, 1 + below(7));
            if (!any_case_init(&sought, bytes_from(word, len))) continue; /* not of ASCII */
            uint64_t groups = groups_of(&words, bytes_from(word, len));
            for (uint32_t g = 0; g < counts[c]; g++) {
                bool is_in = groups >> (g < 63 ? g : 63) & 1;
                bool is_there = any_case_holds(&sought, bytes_of_text(texts[g]));
                assert_true(is_in || !is_there);
                found += is_there;
                left_out += !is_in;
            }
        }
        words_deinit(&words);
    }
    assert_true(found > 1000 && left_out > 1000);
    printf("%u row groups held a word and were found, %u were left out\n", found, left_out);
}

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *like, *text;
    } cases[] = {
        { "%timeout%", "timeout" },
        { "connect%refused by peer", "refused by peer" },
        { "a_bcd%", "bcd" },
        { "100\\%\\_done%x", "100%_done" },
        { "%%", "" },
        { "plain", "plain" },
        { "ends\\", "" },
    };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        char storage[64];
        struct bytes text = words_of_like(bytes_of_text(cases[c].like), storage);
        assert_int_equal(text.len, strlen(cases[c].text));
        assert_memory_equal(text.ptr ? text.ptr : (const uint8_t *)"", cases[c].text, text.len);
    }
    uint32_t places[WORDS_RUNS_MAX];
    assert_int_equal(words_runs(BYTES("abc"), places), 0);
    assert_int_equal(words_runs(BYTES("abcd"), places), 1);
    assert_int_equal(words_runs(BYTES("abc\xC3\xA9"
                                      "defg"),
                                places),
                     1);
    assert_int_equal(words_runs(BYTES("a long text of many words"), places), WORDS_RUNS_MAX);
}

/* Bytes that are no such file rule nothing out. */
static void damaged_bytes_hold_all(void **state)
{
    (void)state;
    struct words words;
    words_init(&words, 5);
    uint32_t places[] = { 1, 2 };
    struct bytes whole = words_bytes(&words), none = { 0 }, cut = bytes_from(whole.ptr, whole.len - 1);
    assert_int_equal(words_groups(bytes_give, &whole, whole.len, places, 2), 0);
    assert_int_equal(words_groups(bytes_give, &none, 0, places, 2), UINT64_MAX);
    assert_int_equal(words_groups(bytes_give, &cut, cut.len, places, 2), UINT64_MAX);
    words.bytes[12] = 2; /* another width */
    assert_int_equal(words_groups(bytes_give, &whole, whole.len, places, 2), UINT64_MAX);
    words.bytes[0] = 'X';
    assert_int_equal(words_groups(bytes_give, &whole, whole.len, places, 2), UINT64_MAX);
    words_deinit(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_found),
        cmocka_unit_test(patterns),
        cmocka_unit_test(damaged_bytes_hold_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
