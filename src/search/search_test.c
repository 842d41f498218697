#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "search/search.h"

/* Goal: over points of metrics a search means the same, or says that it cannot. Method: a table; problems have no condition. */
static void test_metrics(void **state)
{
    static const struct {
        const char *text, *sql;
    } cases[] = {
        { "", "" },
        { "service:cart", "resource___service___name = 'cart'" },
        { "status:500", "attributes___http___response___status_code::text = '500'" },
        { "code:>=500", "attributes___http___response___status_code >= 500" },
        { "code:5*", "attributes___http___response___status_code::text LIKE '5%'" },
        { "-cart.tier:gold", "(coalesce(attributes->>'cart.tier', resource->>'cart.tier') = 'gold') IS NOT TRUE" },
        { "server.port:8080", "coalesce(attributes->>'server.port', resource->>'server.port') = '8080'" },
        { "has:host.name", "resource___host___name IS NOT NULL" },
        { "it's", "(attributes::text ~* 'it''s' OR resource::text ~* 'it''s')" },
        { "duration:>1s", NULL },
        { "level:error", NULL },
        { "body:x", NULL },
        { "has:exception", NULL },
        { "value:7", NULL },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct arena arena = { 0 };
        struct search_node *root;
        struct search_problem problem;
        struct bytes sql;
        assert_true(search_parse(&arena, bytes_of_text(cases[c].text), &root, &problem));
        bool ok = search_metrics_sql(&arena, root, &sql, &problem);
        assert_int_equal(ok, cases[c].sql != NULL);
        if (ok && !bytes_equal(sql, bytes_of_text(cases[c].sql)))
            fail_msg("%s:\n   %.*s\n   %s", cases[c].text, (int)sql.len, (const char *)sql.ptr, cases[c].sql);
        if (!ok) assert_true(problem.to > problem.from && problem.text[0] != '\0');
        arena_deinit(&arena);
    }
}

/* Goal: what is typed means what docs/search.md says. Method: a table of texts and their conditions. */
static void test_conditions(void **state)
{
    static const struct {
        const char *text, *sql;
    } cases[] = {
        { "", "" },
        { "  \t ", "" },
        { "service:payments", "resource___service___name = 'payments'" },
        { "service.name:payments", "resource___service___name = 'payments'" },
        { "service:\"two words\"", "resource___service___name = 'two words'" },
        { "service:pay*", "resource___service___name LIKE 'pay%'" },
        { "service:100%_\\**", "resource___service___name LIKE '100\\%\\_*%'" },
        { "service:\"a*\"", "resource___service___name = 'a*'" },
        { "service:*", "resource___service___name IS NOT NULL" },
        { "-service:a", "(resource___service___name = 'a') IS NOT TRUE" },
        { "NOT service:a", "(resource___service___name = 'a') IS NOT TRUE" },
        { "NOT -service:a", "resource___service___name = 'a'" },
        { "service:!=a", "(resource___service___name = 'a') IS NOT TRUE" },
        { "service:(a b OR c)",
          "((resource___service___name = 'a' OR resource___service___name = 'b') OR resource___service___name = 'c')" },
        { "status:>=500", "attributes___http___response___status_code >= 500" },
        { "status:500", "attributes___http___response___status_code = '500'" },
        { "status:500..599",
          "(attributes___http___response___status_code >= 500 AND attributes___http___response___status_code <= 599)" },
        { "status:error", "status_code = 'ERROR'" },
        { "code:404", "attributes___http___response___status_code = '404'" },
        { "duration:>1.5s", "duration > 1500000000" },
        { "duration:<=250", "duration <= 250000000" },
        { "duration:1ms..2ms", "(duration >= 1000000 AND duration <= 2000000)" },
        { "level:error", "level IN ('ERROR')" },
        { "level:>=warn", "level IN ('WARN', 'ERROR', 'FATAL')" },
        { "level:<trace", "level IN ('')" },
        { "level:warning", "level IN ('WARN')" },
        { "kind:SERVER", "kind = 'server'" },
        { "kind:span", "kind <> 'log'" },
        { "trace:ABCDEF", "context___trace_id = 'abcdef'" },
        { "has:exception", "(errors IS NOT NULL OR attributes___exception___type IS NOT NULL)" },
        { "has:user", "attributes___user___id IS NOT NULL" },
        { "pattern:pat:12", "'pat:12' = ANY(hashes)" },
        { "issue:12", "'issue:12' = ANY(hashes)" }, /* no row has it: who knows issues sets values */
        { "issue:#7", "'issue:7' = ANY(hashes)" },
        { "pattern:01234567-89ab-5cde-8f01-23456789abcd", "'pat:01234567-89ab-5cde-8f01-23456789abcd' = ANY(hashes)" },
        { "route:/api/*", "attributes___http___route LIKE '/api/%'" },
        { "cart.tier:g*", "coalesce(attributes->>'cart.tier', resource->>'cart.tier') LIKE 'g%'" },
        { "order.total:>10",
          "(CASE WHEN coalesce(attributes->>'order.total', resource->>'order.total') ~ '^-?[0-9]+(\\.[0-9]+)?$' THEN "
          "coalesce(attributes->>'order.total', resource->>'order.total')::double precision END) > 10" },
        { "server.port:>80", "attributes___server___port > 80" },
        { "a OR b c",
          "((name ~* 'a' OR body::text ~* 'a' OR status_message ~* 'a' OR attributes___exception___message ~* 'a') OR "
          "((name ~* 'b' OR body::text ~* 'b' OR status_message ~* 'b' OR attributes___exception___message ~* 'b') AND "
          "(name ~* 'c' OR body::text ~* 'c' OR status_message ~* 'c' OR attributes___exception___message ~* 'c')))" },
        { "(level:warn)", "level IN ('WARN')" },
        { "body:\"it's (here)\"", "body::text ~* 'it''s \\(here\\)'" },
        { "user:\"'; DROP TABLE x --\"", "attributes___user___id = '''; DROP TABLE x --'" },
        { "http://x/y", "(name ~* 'http://x/y' OR body::text ~* 'http://x/y' OR status_message ~* 'http://x/y' OR "
                        "attributes___exception___message ~* 'http://x/y')" },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct arena arena = { 0 };
        struct search_node *root;
        struct search_problem problem;
        if (!search_parse(&arena, bytes_of_text(cases[c].text), &root, &problem))
            fail_msg("%s: %s", cases[c].text, problem.text);
        struct bytes sql = search_sql(&arena, root);
        if (!bytes_equal(sql, bytes_of_text(cases[c].sql)))
            fail_msg("%s:\n   %.*s\n   %s", cases[c].text, (int)sql.len, (const char *)sql.ptr, cases[c].sql);
        arena_deinit(&arena);
    }
}

/* Goal: what is wrong is told with its place. */
static void test_problems(void **state)
{
    static const struct {
        const char *text;
        uint32_t from, to;
        const char *words;
    } cases[] = {
        { "service:", 0, 8, "value is missing" },
        { "a service: b", 2, 10, "value is missing" },
        { "\"open", 0, 5, "quote" },
        { "(a OR b", 0, 7, "bracket" },
        { "a)", 1, 2, "closes none" },
        { "a OR", 4, 4, "term is missing" },
        { "OR a", 0, 1, "term is missing" },
        { "a AND", 4, 5, "behind AND" },
        { "AND a", 0, 3, "before AND" },
        { "()", 1, 2, "term is missing" },
        { "-", 0, 1, "not wanted" },
        { "level:loud", 6, 10, "level belongs" },
        { "duration:soon", 9, 13, "length of time" },
        { "server.port:x", 12, 13, "number" },
        { "kind:>server", 5, 12, "no order" },
        { "issue:one", 6, 9, "issue's number" },
        { "issue:>3", 6, 8, "issue's number" },
        { "timestamp:2026", 10, 14, "range" },
        { "x:>y", 2, 4, "needs a number" },
        { "service:()", 8, 10, "no value" },
        { "service:>=*", 8, 11, "order needs a value" },
        { "status:500..", 12, 13, "value is missing" },
        { "\"\"", 0, 2, "nothing between" },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct arena arena = { 0 };
        struct search_node *root;
        struct search_problem problem;
        if (search_parse(&arena, bytes_of_text(cases[c].text), &root, &problem))
            fail_msg("%s: it is read", cases[c].text);
        if (!strstr(problem.text, cases[c].words) || problem.from != cases[c].from || problem.to != cases[c].to)
            fail_msg("%s: %u..%u %s", cases[c].text, problem.from, problem.to, problem.text);
        arena_deinit(&arena);
    }
}

/* Goal: the bounds hold, and nothing is too deep for the stack. */
static void test_bounds(void **state)
{
    static char text[SEARCH_BYTES_MAX + 2];
    struct arena arena = { 0 };
    struct search_node *root;
    struct search_problem problem;
    (void)state;
    memset(text, '(', sizeof text - 1);
    assert_false(search_parse(&arena, bytes_from(text, SEARCH_BYTES_MAX), &root, &problem));
    assert_non_null(strstr(problem.text, "too deep"));
    for (size_t i = 0; i < SEARCH_BYTES_MAX; i++) text[i] = i % 2 ? ' ' : 'a';
    assert_false(search_parse(&arena, bytes_from(text, SEARCH_BYTES_MAX), &root, &problem));
    assert_non_null(strstr(problem.text, "too many terms"));
    assert_false(search_parse(&arena, bytes_from(text, SEARCH_BYTES_MAX + 1), &root, &problem));
    assert_non_null(strstr(problem.text, "too long"));
    memset(text, '-', sizeof text - 1);
    text[SEARCH_BYTES_MAX - 1] = 'a';
    assert_true(search_parse(&arena, bytes_from(text, SEARCH_BYTES_MAX), &root, &problem));
    memset(text, '.', sizeof text - 1);
    assert_true(search_parse(&arena, bytes_from(text, SEARCH_BYTES_MAX), &root, &problem));
    assert_true(search_sql(&arena, root).len > 4 * SEARCH_BYTES_MAX);
    arena_deinit(&arena);
}

static void fields_by_name(void **state)
{
    static const struct {
        const char *name, *sql;
        bool is_number;
    } fields[] = { { "service", "resource___service___name", false },
                   { "duration", "duration", true },
                   { "o'clock", "coalesce(attributes->>'o''clock', resource->>'o''clock')", false } };
    struct arena arena = { 0 };
    (void)state;
    for (size_t f = 0; f < COUNT_OF(fields); f++) {
        bool is_number;
        struct bytes sql = search_field(&arena, bytes_of_text(fields[f].name), &is_number);
        assert_true(bytes_equal(sql, bytes_of_text(fields[f].sql)));
        assert_int_equal(is_number, fields[f].is_number);
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_by_name), cmocka_unit_test(test_conditions), cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_problems),  cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
