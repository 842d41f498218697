/* What tests/story_tail.py shows of random rows against SQL, here by hand: each class, each test, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "search/match.h"

struct fixture {
    struct columns *columns;
    struct search_row row;
    struct uuid project;
};

static void put(struct columns *columns, uint32_t column, const char *text)
{
    columns_put_text(columns, column, bytes_of_text(text));
}

/* A span with much to it, then a log with little: the last row counts. */
static void rows_add(struct fixture *f, bool is_log)
{
    struct columns *columns = f->columns;
    struct bytes hashes[2] = { BYTES("pat:7"), BYTES("abc") };
    columns_row_begin(columns, 1767225600000000);
    put(columns, LOGS_AND_SPANS_id, "00000000-0000-0000-0000-000000000001");
    put(columns, LOGS_AND_SPANS_kind, is_log ? "log" : "server");
    if (is_log) {
        put(columns, LOGS_AND_SPANS_level, "WARN");
        put(columns, LOGS_AND_SPANS_body,
            "\"it's (here) Stra\xC3\x9F"
            "e\"");
    } else {
        put(columns, LOGS_AND_SPANS_name, "GET /cart");
        put(columns, LOGS_AND_SPANS_status_code, "ERROR");
        put(columns, LOGS_AND_SPANS_resource___service___name, "pay_ments");
        put(columns, LOGS_AND_SPANS_attributes___http___response___status_code, "404");
        put(columns, LOGS_AND_SPANS_attributes,
            "{\"order.id\":17,\"a\":{\"b\":\"deep\"},\"free\":\"x*y\",\"nothing\":null,\"odd\":\"08\"}");
        put(columns, LOGS_AND_SPANS_resource___host___name, "box-1");
        put(columns, LOGS_AND_SPANS_resource, "{\"free\":\"of the resource\"}");
        put(columns, LOGS_AND_SPANS_context___trace_id, "abcdef");
        columns_put_int(columns, LOGS_AND_SPANS_duration, 1500000000);
        columns_put_int(columns, LOGS_AND_SPANS_attributes___server___port, 8080);
        columns_put_bool(columns, LOGS_AND_SPANS_context___is_remote, true);
        columns_put_text_list(columns, LOGS_AND_SPANS_hashes, hashes, 2);
    }
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, hashes, 1);
    columns_row_end(columns);
}

static int setup(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    memset(f->project.bytes, 7, 16);
    search_row_init(&f->row, f->columns, f->project);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    search_row_deinit(&f->row);
    columns_destroy(f->columns);
    free(f);
    return 0;
}

static bool fits(struct fixture *f, const char *text)
{
    struct search_match *match;
    struct search_problem problem;
    if (!search_match_create(&match, bytes_of_text(text), &problem)) fail_msg("%s: %s", text, problem.text);
    bool found = search_match_row(match, &f->row);
    search_match_destroy(match);
    return found;
}

static void check(struct fixture *f, const char *const *texts, bool wanted)
{
    for (; *texts; texts++)
        if (fits(f, *texts) != wanted) fail_msg("%s %s", *texts, wanted ? "does not fit" : "fits");
}

/* Goal: a row fits what is true of it and nothing else, also where it has no value. */
static void test_rows(void **state)
{
    struct fixture *f = *state;
    static const char *const of_span[] = { "",
                                           "service:pay_ments",
                                           "service:pay*",
                                           "service:*_*s",
                                           "-service:pay%",
                                           "status:error",
                                           "status:404",
                                           "status:400..499",
                                           "status:>403.5",
                                           "code:!=500",
                                           "order.id:17",
                                           "order.id:>=17",
                                           "-odd:>9",
                                           "odd:08",
                                           "a.b:deep",
                                           "a:*",
                                           "free:x\\*y",
                                           "free:\"x*y\"",
                                           "-free:resource",
                                           "host.name:box-1",
                                           "-nothing:*",
                                           "duration:1.5s",
                                           "duration:<2s",
                                           "server.port:>80",
                                           "context.is_remote:* OR kind:span",
                                           "kind:span",
                                           "trace:ABCDEF",
                                           "pattern:pat:7",
                                           "pattern:*t:7?ab* OR pattern:pat*abc",
                                           "\"get /CART\"",
                                           "cart",
                                           "G*cart",
                                           "-level:error",
                                           "-level:*",
                                           "context:abcdef",
                                           "has:order.id -has:exception",
                                           "project_id:07070707*",
                                           "(service:a OR cart) NOT nope",
                                           NULL };
    static const char *const not_of_span[] = { "service:pay",
                                               "service:*x*",
                                               "-service:pay*",
                                               "status:>404",
                                               "order.id:>17",
                                               "free:resource",
                                               "level:*",
                                               "duration:>1.5s",
                                               "kind:log",
                                               "cart nope",
                                               "G.T",
                                               "pattern:pat",
                                               "nothing:*",
                                               "user:*",
                                               "has:exception",
                                               "server.port:<8080",
                                               NULL };
    rows_add(f, true);
    rows_add(f, false);
    check(f, of_span, true);
    check(f, not_of_span, false);
    static const char *const of_log[] = { "level:>=info",
                                          "level:(warn error)",
                                          "kind:log",
                                          "it's",
                                          "\"(HERE)\"",
                                          "STRA\xC3\x9F"
                                          "e",
                                          "body:here",
                                          "-service:*",
                                          "-cart",
                                          "-order.id:*",
                                          NULL };
    static const char *const not_of_log[] = { "level:>warn", "kind:span",      "cart", "service:*",
                                              "order.id:*",  "duration:>=0ms", NULL };
    rows_add(f, true);
    check(f, of_log, true);
    check(f, not_of_log, false);
}

/* Goal: what cannot be matched row by row is refused with its place. */
static void test_refusals(void **state)
{
    static const struct {
        const char *text;
        uint32_t from, to;
        const char *words;
    } cases[] = {
        { "a attributes:x", 2, 14, "name one of them" },
        { "http:*", 0, 6, "group" },
        { "-resource:*", 1, 11, "name one" },
        { "level:loud", 6, 10, "level belongs" },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct search_match *match;
        struct search_problem problem;
        assert_false(search_match_create(&match, bytes_of_text(cases[c].text), &problem));
        assert_null(match);
        if (!strstr(problem.text, cases[c].words) || problem.from != cases[c].from || problem.to != cases[c].to)
            fail_msg("%s: %u..%u %s", cases[c].text, problem.from, problem.to, problem.text);
    }
}

/* Goal: a hostile pattern costs no more than its text is long. Method: what would take a backtracking matcher for ever. */
static void test_linear(void **state)
{
    struct fixture *f = *state;
    static char text[1 << 20], pattern[4000];
    memset(text, 'a', sizeof text - 1);
    strcpy(pattern, "name:");
    for (size_t i = 5; i + 3 < sizeof pattern; i += 2) memcpy(pattern + i, "a*", 3);
    strcat(pattern, "b");
    columns_row_begin(f->columns, 1);
    put(f->columns, LOGS_AND_SPANS_id, "00000000-0000-0000-0000-000000000001");
    put(f->columns, LOGS_AND_SPANS_name, text);
    columns_put_text_list(f->columns, LOGS_AND_SPANS_summary, NULL, 0);
    columns_row_end(f->columns);
    assert_false(fits(f, pattern));
    pattern[strlen(pattern) - 1] = '\0';
    assert_true(fits(f, pattern));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test_setup_teardown(test_linear, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
