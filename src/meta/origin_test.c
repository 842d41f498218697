/* Origins of browser keys: what may be written, and which pages match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "meta/origin.h"

static void test_read(void **state)
{
    static const struct {
        const char *text, *list; /* list NULL: refused */
    } cases[] = {
        { "", "" },
        { " , ", "" },
        { "*", "*" },
        { "https://shop.example", "https://shop.example" },
        { "HTTPS://Shop.Example,http://a", "https://shop.example http://a" },
        { "https://a:443,http://a:80,http://a:443,https://a:80", "https://a http://a http://a:443 https://a:80" },
        { "https://a https://a", "https://a" },
        { "http://127.0.0.1:8080", "http://127.0.0.1:8080" },
        { "http://[::1]:8080 http://[::1]", "http://[::1]:8080 http://[::1]" },
        { "https://*.shop.example", "https://*.shop.example" },
        { "chrome-extension://abcdef", "chrome-extension://abcdef" },
        { "shop.example", NULL },
        { "https://", NULL },
        { "https://shop.example/", NULL },
        { "https://shop.example/path", NULL },
        { "https://shop.example:0", NULL },
        { "https://shop.example:65536", NULL },
        { "https://shop.example:123456", NULL },
        { "https://shop.example:", NULL },
        { "https://shop.example:8a", NULL },
        { "https://*", NULL },
        { "https://*.", NULL },
        { "https://a.*.example", NULL },
        { "https://.example", NULL },
        { "https://user@shop.example", NULL },
        { "https://[::1", NULL },
        { "null", NULL },
        { "://a", NULL },
        { "https://a?b", NULL },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char list[ORIGINS_BYTES];
        struct err err = { 0 };
        bool ok = origins_read(cases[i].text, list, &err);
        if (ok != (cases[i].list != NULL)) fail_msg("\"%s\": %s", cases[i].text, ok ? list : err.text);
        if (ok) assert_string_equal(list, cases[i].list);
        if (!ok) assert_int_equal(err.code, ERR_INPUT);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    char text[4096], list[ORIGINS_BYTES];
    int len = 0;
    struct err err = { 0 };
    for (int i = 0; i < 40; i++) len += snprintf(text + len, sizeof text - (size_t)len, "https://shop%d.example,", i);
    assert_false(origins_read(text, list, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(origins_read(text, list, &err));
}

static void test_hold(void **state)
{
    static const char list[] = "https://shop.example http://localhost:3000 https://*.eu.example";
    static const struct {
        const char *origin;
        bool is_in;
    } cases[] = {
        { "https://shop.example", true },
        { "https://SHOP.example", true },
        { "http://localhost:3000", true },
        { "https://a.eu.example", true },
        { "https://a.b.eu.example", true },
        { "https://eu.example", false },
        { "https://.eu.example", false },
        { "https://a.eu.example.evil", false },
        { "https://evil/.eu.example", false },
        { "https://evil?x.eu.example", false },
        { "https://evil#.eu.example", false },
        { "https://evil:1@x.eu.example", false },
        { "http://shop.example", false },
        { "https://shop.example:8443", false },
        { "https://shop.example.evil", false },
        { "https://shop.exampl", false },
        { "null", false },
        { "", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (origins_hold(list, bytes_of_text(cases[i].origin)) != cases[i].is_in) fail_msg("%s", cases[i].origin);
    }
    assert_true(origins_hold("*", BYTES("null")));
    assert_true(origins_hold("*", BYTES("https://anything.example")));
    assert_false(origins_hold("", BYTES("https://anything.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
