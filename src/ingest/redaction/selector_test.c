/* threads: none */
/* Simple selectors: what they find, what they do not, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <yyjson.h>
#include <cmocka.h>

#include "ingest/redaction/selector.h"

#define ELEMENT          \
    "{\"class\":\"row  " \
    "Secret\\tlarge\",\"id\":\"pay\",\"data-x\":\"a]b\",\"checked\":true,\"empty\":\"\",\"off\":false}"

/* 1: it matches the element, 2: it may match by its attributes alone. */
static int matches(const char *text, const char *attributes)
{
    struct selector selector;
    struct err err = { 0 };
    yyjson_doc *doc = yyjson_read(attributes, strlen(attributes), 0);
    if (!selector_read(text, &selector, &err)) fail_msg("%s", err.text);
    int found = selector_matches(&selector, BYTES("input"), yyjson_doc_get_root(doc)) ? 1 : 0;
    found += selector_may_match(&selector, yyjson_doc_get_root(doc)) ? 2 : 0;
    yyjson_doc_free(doc);
    return found;
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int found;
    } cases[] = {
        { "input", 1 },
        { "INPUT", 1 },
        { "*", 1 },
        { "div", 0 },
        { ".Secret", 3 },
        { ".secret", 0 },
        { ".Sec", 0 },
        { ".row.large", 3 },
        { "#pay", 3 },
        { "#pa", 0 },
        { "[checked]", 3 },
        { "[off]", 0 },
        { "[none]", 0 },
        { "[empty]", 3 },
        { "[empty='']", 3 },
        { "[data-x=\"a]b\"]", 3 },
        { "[DATA-X='a]b']", 3 },
        { "[data-x=a]", 0 },
        { "input.row#pay[checked]", 3 },
        { "div.row", 2 },
        { "*.row", 3 },
        { ".row.small", 2 },
    };
    for (size_t c = 0; c < COUNT_OF(cases); c++)
        if (matches(cases[c].text, ELEMENT) != cases[c].found)
            fail_msg("%s: %d", cases[c].text, matches(cases[c].text, ELEMENT));
    assert_int_equal(matches("input", "null"), 1);
    assert_int_equal(matches(".a", "{\"class\":null}"), 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "",        " ",       ".",    "#",  "a b",  "a>b",
                                         "a,b",     "a:hover", "[",    "[a", "[a=",  "[a=]",
                                         "[a=\"x]", "[=x]",    "a..b", "**", "[a]b", ".1.2.3.4.5.6.7.8.9",
                                         "[a='b'",  "[a='b'x]" };
    char text[400];
    struct selector selector;
    struct err err;
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        err = (struct err){ 0 };
        if (selector_read(texts[t], &selector, &err)) fail_msg("taken: \"%s\"", texts[t]);
        assert_int_equal(err.code, ERR_INPUT);
    }
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(selector_read(text, &selector, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_matches), cmocka_unit_test(test_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
