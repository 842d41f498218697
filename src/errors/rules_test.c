/* A project's own rules: read, refused with their line, and what they make of an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "errors/rules.h"

static const char stack[] = "com.acme.PaymentDeclined: card 4711 declined\n"
                            "\tat com.acme.pay.Gateway.charge(Gateway.java:17)\n"
                            "\tat org.springframework.web.X.y(X.java:1)\n";
static const struct error_source source = { .service = { (const uint8_t *)"shop", 4 },
                                            .stacktrace = { (const uint8_t *)stack, sizeof stack - 1 } };

static struct fingerprint by_rules(struct arena *arena, const char *text, const struct error_source *of)
{
    const struct fingerprint_rules *rules;
    struct err err = { .code = ERR_OK };
    if (!rules_parse(arena, bytes_of_text(text), &rules, &err)) fail_msg("%s: %s", text, err.text);
    return fingerprint_of(arena, error_event_read(arena, of), rules);
}

/* Goal: matchers hold for what they name, "!" turns them, and all of a line must hold. */
static void test_matchers(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        bool holds;
    } cases[] = {
        { "type:com.acme.PaymentDeclined -> x", true },
        { "type:com.acme.PAYMENT* -> x", true },
        { "error.type:*Declined -> x", true },
        { "type:PaymentDeclined -> x", false },
        { "message:\"card * declined\" -> x", true },
        { "error.value:\"CARD * declined\" -> x", true },
        { "message:card -> x", false },
        { "function:charge -> x", true },
        { "stack.function:com.acme.pay.* -> x", true },
        { "function:CHARGE -> x", false },
        { "module:com.acme.pay.Gateway -> x", true },
        { "path:Gateway.???? -> x", true },
        { "path:*.kt -> x", false },
        { "app:yes -> x", true },
        { "app:no -> x", false },
        { "service:SHOP -> x", true },
        { "language:java -> x", true },
        { "!service:shop -> x", false },
        { "!service:cart -> x", true },
        { "service:shop type:*Declined -> x", true },
        { "service:shop type:*Refused -> x", false },
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fingerprint got = by_rules(&arena, cases[i].rule, &source);
        if ((got.by == FINGERPRINT_BY_RULE) != cases[i].holds) fail_msg("%s", cases[i].rule);
    }
    arena_deinit(&arena);
}

/* Goal: the parts make the fingerprint: what they name keeps errors apart, what they do not name does not; the first
 * rule that fits wins, and its line is told. */
static void test_parts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct error_source other = source;
    other.service = BYTES("cart");
    static const struct {
        const char *rule;
        bool is_of_all_services;
    } cases[] = {
        { "type:* -> payments", true },
        { "type:* -> payments, {{ message }} {{ type }},{{function}} {{ module }} {{ path }}", true },
        { "type:* -> payments, {{ service }}", false },
        { "type:* -> {{ default }}", false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fingerprint a = by_rules(&arena, cases[i].rule, &source), b = by_rules(&arena, cases[i].rule, &other);
        assert_int_equal(hash128_equal(a.key, b.key), cases[i].is_of_all_services);
    }
    struct fingerprint default_key = fingerprint_of(&arena, error_event_read(&arena, &source), NULL);
    assert_false(
        hash128_equal(by_rules(&arena, "type:* -> a", &source).key, by_rules(&arena, "type:* -> b", &source).key));
    assert_false(
        hash128_equal(by_rules(&arena, "type:* -> a, b", &source).key, by_rules(&arena, "type:* -> ab", &source).key));
    assert_false(hash128_equal(by_rules(&arena, "type:* -> {{ default }}", &source).key, default_key.key));
    assert_true(hash128_equal(by_rules(&arena, "type:nothing -> a", &source).key, default_key.key));
    struct fingerprint first =
        by_rules(&arena, "# of payments\n\ntype:*Refused -> a\ntype:* -> b\ntype:* -> c\n", &source);
    assert_int_equal(first.rule_line, 4);
    arena_deinit(&arena);
}

/* Goal: what cannot be read is refused with its line and what is wrong. */
static void test_refusals(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "type:x",
        "-> x",
        "type:x ->",
        "typ:x -> y",
        "x -> y",
        "type: -> y",
        "type:\"x -> y",
        "type:x -> {{ y }}",
        "type:x -> {{ default",
        "default:x -> y",
        "type:x -> \"\"",
        "type:a type:b type:c type:d type:e type:f type:g type:h type:i -> y",
        "type:x -> 1 2 3 4 5 6 7 8 9",
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char text[256];
        const struct fingerprint_rules *rules;
        struct err err = { .code = ERR_OK };
        snprintf(text, sizeof text, "# first\n%s\n", wrong[i]);
        if (rules_parse(&arena, bytes_of_text(text), &rules, &err)) fail_msg("%s is taken", wrong[i]);
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, "line 2: "));
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matchers),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
