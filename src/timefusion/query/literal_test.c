/* Literals that the translator reads itself, and statements that differ in literals alone. */
#include "timefusion/query/engine.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char *ask(struct query_session *session, const char *sql)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    fixture_must(session, sql, &out, NULL);
    return (char *)out.ptr;
}

/* Goal: a time that is read here is the one that DuckDB reads, whatever the session's zone.
 * Method: texts at random, each asked as a constant and by a text that only DuckDB sees; those it takes and those it does not. */
static void test_times(void **state)
{
    struct fixture *fixture = *state;
    static const char *const zones[] = { "Z", "+00", "-07", "+05:30", "-00:00", "+13:45" };
    uint64_t random = 7;
    uint32_t read = 0;
    fixture_set(fixture->session, "set timezone = 'Asia/Kolkata'");
    for (int i = 0; i < 400; i++) {
        char text[64], fraction[16] = "", sql[300];
        int64_t unix_us;
        uint32_t numbers[8];
        for (int n = 0; n < 8; n++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            numbers[n] = (uint32_t)(random >> 33);
        }
        if (numbers[0] % 3) snprintf(fraction, sizeof fraction, ".%0*u", (int)(1 + numbers[0] % 6), numbers[1] % 10);
        snprintf(text, sizeof text, "%04u-%02u-%02u%c%02u:%02u:%02u%s%s", 1850 + numbers[1] % 400, 1 + numbers[2] % 12,
                 1 + numbers[3] % 28, numbers[4] % 2 ? ' ' : 'T', numbers[5] % 24, numbers[6] % 60, numbers[7] % 60,
                 fraction, zones[numbers[4] % COUNT_OF(zones)]);
        if (!literal_time(bytes_of_text(text), &unix_us)) continue;
        read++;
        snprintf(sql, sizeof sql, "select timestamptz '%s', concat('%s', '')::timestamptz", text, text);
        char *answer = ask(fixture->session, sql), expected[64];
        snprintf(expected, sizeof expected, "%" PRId64 "|%" PRId64 "\n", unix_us, unix_us);
        if (strcmp(answer, expected) != 0) fail_msg("%s: %s and not %s", text, answer, expected);
        free(answer);
        snprintf(sql, sizeof sql, "select to_timestamp(%" PRId64 ".%06" PRId64 ") = timestamptz '%s'",
                 unix_us / 1000000, unix_us % 1000000, text);
        answer = unix_us > 0 && unix_us < INT64_C(2147483648000000) ? ask(fixture->session, sql) : mem_strdup("t\n");
        if (strcmp(answer, "t\n") != 0) fail_msg("%s: %s", sql, answer);
        free(answer);
    }
    assert_true(read > 200);
    static const char *const others[] = { "2025-01-02 03:04:05",
                                          "2025-01-02 03:04:60Z",
                                          "2025-13-02 03:04:05Z",
                                          "2025-02-30 03:04:05Z",
                                          "2025-01-02",
                                          "2025-01-02 03:04:05.1234567Z",
                                          "2025-01-02 03:04:05 Europe/Paris",
                                          "1-01-01 00:00:00Z",
                                          "infinity",
                                          "" };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        int64_t unix_us;
        if (literal_time(bytes_of_text(others[i]), &unix_us)) fail_msg("%s is read", others[i]);
    }
    fixture_set(fixture->session, "reset timezone");
}

/* Goal: columns of a statement are of its own types, though one that differs in literals alone was described before.
 * Method: such statements by turns, with texts that could end a literal early. */
static void test_described(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *sql, *answer;
    } answers[] = {
        { "select metric_name = 'a', 1 from otel_metrics where false union all select 'x' = 'it''s', 2", "f|2\n" },
        { "select metric_name = 'b''c', 1 from otel_metrics where false union all select 'x' = 'x', 2", "t|2\n" },
        { "select 'x' = 'q', '5' || 'a'", "f|5a\n" },
        { "select 'x' = 'x', 'a', 5", "t|a|5\n" },
        { "select 'x' = 'x', 5, 'a'", "t|5|a\n" },
        { "select 'x' = ''' = ''', 5, 'a'", "f|5|a\n" },
        { "select 'make_timestamptz(1' as a, timestamptz '2025-01-01 00:00:00Z'",
          "make_timestamptz(1|1735689600000000\n" },
        { "select 'make_timestamptz(2' as a, timestamptz '2026-01-01 00:00:00Z'",
          "make_timestamptz(2|1767225600000000\n" },
        { "select coalesce(null, '1'), 1.5, 1.50", "1|1.5|1.50\n" },
        { "select coalesce(null, '1'), 1.50, 15", "1|1.50|15\n" },
        { "select case when 'a' = 'a' then 1 end, case when 'a' = 'b' then '1' end", "1|NULL\n" },
        { "select case when 'a' = 'b' then 1 end, case when 'a' = 'a' then '1' end", "NULL|1\n" },
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(answers); i++) {
            char sql[300];
            snprintf(sql, sizeof sql, "%s%s", answers[i].sql, round ? " " : ""); /* another text: not the plan kept */
            char *answer = ask(fixture->session, sql);
            if (strcmp(answer, answers[i].answer) != 0) fail_msg("%s: %s", sql, answer);
            free(answer);
        }
    }
}

/* Goal: values that are plain choose the files that DuckDB's would; others are asked of it. Method: files opened. */
static void test_bounds(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *where;
        uint32_t files;
    } asked[] = {
        { "timestamp < '2025-11-22 00:10:00Z'", 1 },
        { "timestamp < to_timestamp(1763769660)", 1 },
        { "timestamp < to_timestamp(1763769660.5) and name = 'operation 0'", 1 },
        { "timestamp < timestamptz '2025-11-22 00:10:00Z' + interval '0 hours'", 1 },
        { "id = 'a0000000-0000-0000-0000-000000000003'", 1 },
        { "id = 'A0000000-0000-0000-0000-000000000003'", 1 },
        { "context___trace_id = '00000000000000000000000000000001'", 1 },
        { "context___trace_id = concat('0000000000000000000000000000000', '1')", 1 },
        { "timestamp < '2025-11-23 00:10:00Z'", 2 },
    };
    struct buf out;
    buf_init(&out, 1u << 20);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        char sql[300];
        uint32_t files;
        snprintf(sql, sizeof sql, "select id from otel_logs_and_spans where kind <> 'metric' and %s", asked[i].where);
        fixture_must(fixture->session, sql, &out, &files);
        if (files != asked[i].files || out.len == 0) fail_msg("%s: %u files, %s", sql, files, (const char *)out.ptr);
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_times), cmocka_unit_test(test_described),
                                        cmocka_unit_test(test_bounds) };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
