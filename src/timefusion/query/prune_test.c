#include "timefusion/flush.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FILES 12
#define ROWS  300

#ifdef __SANITIZE_ADDRESS__ /* many times as slow: the release build asks for all */
static int condition_rounds = 100, shape_rounds = 4;
#else
static int condition_rounds = 400, shape_rounds = 12;
#endif

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    fixture_open(fixture, FILES, ROWS);
    *state = fixture;
    return 0;
}

/* Segments of one day, up to three of them, as one file of the table: several row groups, and the index knows of it. */
static uint32_t stored_group(struct flush *flush, enum schema_table_id table, struct uuid project,
                             struct file *const *segments, uint32_t count)
{
    uint32_t taken = 1;
    while (taken < count && taken < 3 && segments[taken]->shown.day == segments[0]->shown.day) taken++;
    struct flush_group *group = &flush->groups[flush->group_count++];
    *group = (struct flush_group){
        .table = schema_table(table), .project_id = project, .day = segments[0]->shown.day, .sealed_count = taken
    };
    group->sealed = mem_calloc(taken, sizeof(struct file *));
    memcpy(group->sealed, segments, taken * sizeof(struct file *));
    return taken;
}

static int setup_stored(void **state)
{
    setup(state);
    condition_rounds /= 3; /* the conditions are the same, the files are what is new */
    shape_rounds /= 4;
    struct fixture *fixture = *state;
    const struct uuid projects[] = { fixture->project, fixture->other_project };
    const struct log log = { .fd = 2, .level_min = LOG_ERROR };
    struct flush_owner owner = { .app_id = "test/0", .txn = { -1, -1 } };
    struct flush flush = { .owner = &owner, .position = FILES + 1, .groups = mem_calloc(256, sizeof *flush.groups) };
    struct err err = { .code = ERR_OK };
    for (int p = 0; p < 2; p++) {
        for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
            struct file **segments;
            enum schema_table_id table = (enum schema_table_id)t;
            uint32_t count =
                segments_list(timefusion_segments(fixture->timefusion), table, projects[p], &segments, NULL);
            for (uint32_t s = 0; s < count;) s += stored_group(&flush, table, projects[p], &segments[s], count - s);
            free(segments);
        }
    }
    fixture_check(flush_run(&flush, fixture->timefusion, fixture->writer, &log, &err), &err, "flush");
    flush_deinit(&flush);
    return 0;
}

static void test_index_was_asked(void **state)
{
    struct fixture *fixture = *state;
    struct index_counts counts;
    index_counts(timefusion_index(fixture->timefusion), &counts);
    assert_true(counts.files_out > (uint64_t)condition_rounds / 2);
}

static int teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static uint64_t seed = 88172645463325252u;
static uint32_t random_below(uint32_t max)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % max;
}

#define PICK(list) (list)[random_below(COUNT_OF(list))]

/* A condition on table alias t (logs and spans); some have no rows, some all. */
static void condition_write(char *out, size_t out_bytes, const char *t, int depth)
{
    static const char *const comparisons[] = { "=", "<", "<=", ">", ">=", "<>" };
    uint32_t n = random_below(FILES * ROWS + 50), m = random_below(FILES * ROWS);
    const char *op = PICK(comparisons);
    int minute = (int)random_below(60), hour = (int)random_below(24), day = 21 + (int)random_below(5);
    char left[700], right[700];
    switch (random_below(depth > 2 ? 20 : 25)) {
    case 0:
        snprintf(out, out_bytes, "%s.timestamp %s '2025-11-%02d %02d:%02d:00+00'", t, op, day, hour, minute);
        return;
    case 1:
        snprintf(out, out_bytes, "'2025-11-%02d %02d:%02d:00+00'::timestamptz %s %s.timestamp", day, hour, minute, op,
                 t);
        return;
    case 2:
        snprintf(out, out_bytes, "%s.timestamp between '2025-11-%02d' and '2025-11-%02d %02d:00+00'", t, day, day + 1,
                 hour);
        return;
    case 3: snprintf(out, out_bytes, "%s.date %s '2025-11-%02d'", t, op, day); return;
    case 4: snprintf(out, out_bytes, "%s.date %s '2025-11-%02d %02d:00:00+00'::timestamptz", t, op, day, hour); return;
    case 5: snprintf(out, out_bytes, "%s.context___trace_id %s '%032x'", t, op, n / 5); return;
    case 6: snprintf(out, out_bytes, "%s.context___span_id = '%016x'", t, n); return;
    case 7: snprintf(out, out_bytes, "%s.id %s 'a0000000-0000-0000-0000-%012x'", t, op, n); return;
    case 8:
        snprintf(out, out_bytes, "%s.id in ('a0000000-0000-0000-0000-%012x', 'A0000000-0000-0000-0000-%012X')", t, n,
                 m);
        return;
    case 9: snprintf(out, out_bytes, "%s.context___trace_id in ('%032x', '%032x', null)", t, n / 5, m / 5); return;
    case 10: snprintf(out, out_bytes, "%s.context___trace_id = any(array['%032x', '%032x'])", t, n / 5, m / 5); return;
    case 11: snprintf(out, out_bytes, "'err:%u' = any(%s.hashes)", n % 60, t); return;
    case 12: snprintf(out, out_bytes, "%s.hashes @> array['err:%u', 'pat:all']", t, n % 60); return;
    case 13: snprintf(out, out_bytes, "%s.hashes && array['err:%u', 'nothing']", t, n % 60); return;
    case 14: snprintf(out, out_bytes, "%s.duration %s %u", t, op, n * 1000); return;
    case 15: snprintf(out, out_bytes, "%s.duration %s %u.5", t, op, n * 1000); return;
    case 16: snprintf(out, out_bytes, "%s.name %s 'operation %u'", t, op, n % 12); return;
    case 17: snprintf(out, out_bytes, "%s.kind in ('SERVER', '%s')", t, n % 2 ? "log" : "client"); return;
    case 18: snprintf(out, out_bytes, "%s.parent_id %s", t, n % 2 ? "= 'x'" : "is null"); return;
    case 19: snprintf(out, out_bytes, "%s.context->>'trace_id' = '%032x'", t, n / 5); return;
    default:
        condition_write(left, sizeof left, t, depth + 1);
        condition_write(right, sizeof right, t, depth + 1);
        if (n % 4 == 0)
            snprintf(out, out_bytes, "not (%s)", left);
        else
            snprintf(out, out_bytes, "(%s %s %s)", left, n % 4 == 1 ? "or" : "and", right);
    }
}

/* Both must give the same; how many files each opened is added up. */
static void compare(struct fixture *fixture, const char *pruned, const char *unpruned, uint64_t *pruned_files,
                    uint64_t *unpruned_files)
{
    struct buf a, b;
    struct err err;
    uint32_t a_files, b_files;
    buf_init(&a, 16u << 20);
    buf_init(&b, 16u << 20);
    if (!fixture_run(fixture->session, pruned, NULL, 0, &a, &a_files, &err)) fail_msg("%s\n%s", pruned, err.text);
    if (!fixture_run(fixture->session, unpruned, NULL, 0, &b, &b_files, &err)) fail_msg("%s\n%s", unpruned, err.text);
    if (strcmp((const char *)a.ptr, (const char *)b.ptr) != 0)
        fail_msg("%s\ngave %s\nwithout pruning %s", pruned, (const char *)a.ptr, (const char *)b.ptr);
    *pruned_files += a_files;
    *unpruned_files += b_files;
    buf_deinit(&a);
    buf_deinit(&b);
}

#define SUMS "count(*), sum(duration), min(timestamp), max(name)"

/* Goal: a pruned answer is the unpruned one, whatever the condition, and pruning does happen.
 * Method: random conditions; "(c) is true" passes the same rows and tells the pruner nothing. */
static void test_random_conditions(void **state)
{
    uint64_t pruned = 0, unpruned = 0;
    for (int i = 0; i < condition_rounds; i++) {
        char condition[2000], a[4500], b[4500];
        condition_write(condition, sizeof condition, "t", 0);
        snprintf(a, sizeof a, "select " SUMS " from otel_logs_and_spans t where %s", condition);
        snprintf(b, sizeof b, "select " SUMS " from otel_logs_and_spans t where (%s) is true", condition);
        compare(*state, a, b, &pruned, &unpruned);
    }
    assert_true(pruned * 4 < unpruned * 3);
    print_message("files opened: %" PRIu64 " of %" PRIu64 "\n", pruned, unpruned);
}

/* Goal: in joins, subqueries and views a condition prunes only what every row of that reference must pass.
 * Method: the same, over shapes of statements. */
static void test_shapes(void **state)
{
    static const char *const shapes[] = {
        "select count(*), count(m.value), sum(t.duration) from otel_logs_and_spans t left join otel_metrics m on "
        "m.timestamp = t.timestamp and %s where t.timestamp < '2025-11-23'",
        "select count(*), count(m.value), sum(t.duration) from otel_logs_and_spans t left join otel_metrics m on "
        "m.timestamp = t.timestamp where %s",
        "select count(*), count(m.value), sum(t.duration) from otel_metrics m left join otel_logs_and_spans t on "
        "m.timestamp = t.timestamp and %s",
        "select count(*), count(m.value), sum(t.duration) from otel_metrics m left join otel_logs_and_spans t on "
        "m.timestamp = t.timestamp where %s",
        "select count(*), count(m.value), sum(t.duration) from otel_metrics m right join otel_logs_and_spans t on "
        "m.timestamp = t.timestamp and %s",
        "select count(*), count(m.value), sum(t.duration) from otel_metrics m full join otel_logs_and_spans t on "
        "m.timestamp = t.timestamp and %s",
        "select count(*), count(m.value), sum(t.duration) from otel_metrics m full join otel_logs_and_spans t on "
        "m.timestamp = t.timestamp where %s",
        "select count(*), sum(t.duration) from otel_metrics m join otel_logs_and_spans t on m.timestamp = t.timestamp "
        "and %s",
        "select count(*), sum(t.duration) from otel_metrics m, otel_logs_and_spans t where m.timestamp = t.timestamp "
        "and %s",
        "select count(*), sum(duration) from otel_logs_and_spans o where exists (select 1 from otel_logs_and_spans t "
        "where t.timestamp = o.timestamp and %s)",
        "select count(*), sum(duration) from otel_logs_and_spans o where not exists (select 1 from otel_logs_and_spans "
        "t where t.timestamp = o.timestamp and %s)",
        "select count(*), sum(duration) from otel_logs_and_spans o where id not in (select id from otel_logs_and_spans "
        "t where %s)",
        "select count(*) from (select * from otel_logs_and_spans t where %s union all select * from "
        "otel_logs_and_spans) u",
        "select count(*) from otel_logs_and_spans t group by kind having count(*) > 5 and bool_or(%s) order by 1",
        "select count(*) from telemetry t where %s",
        "select count(*) from telemetry t where t.kind <> 'log' and %s",
        "with t as (select * from otel_logs_and_spans t where %s) select count(*), (select max(name) from t) from t",
        "select timestamp, id from otel_logs_and_spans t where %s order by timestamp desc limit 7",
        "select timestamp, id from otel_logs_and_spans t where %s order by timestamp limit 7 offset 3",
        "select id from otel_logs_and_spans t where %s order by t.timestamp desc, id limit 700",
        "select name, t.timestamp as at from telemetry t where %s order by at desc, id limit 9",
    };
    uint64_t pruned = 0, unpruned = 0;
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        for (int i = 0; i < shape_rounds; i++) {
            char condition[2000], neutral[2100], a[4500], b[4500];
            condition_write(condition, sizeof condition, "t", 1);
            snprintf(neutral, sizeof neutral, "((%s) is true)", condition);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(a, sizeof a, shapes[s], condition);
            snprintf(b, sizeof b, shapes[s], neutral);
#pragma GCC diagnostic pop
            /* ORDER BY timestamp LIMIT: without the walk too. */
            static const char *const orders[] = { "order by timestamp", "order by t.timestamp", "order by at" };
            for (size_t o = 0; o < COUNT_OF(orders); o++) {
                char *order = strstr(b, orders[o]), rest[200];
                if (!order) continue;
                snprintf(rest, sizeof rest, "%s", order + strlen(orders[o]));
                snprintf(order, sizeof b - (size_t)(order - b), "order by coalesce(t.timestamp)%s", rest);
                break;
            }
            compare(*state, a, b, &pruned, &unpruned);
        }
    }
    assert_true(pruned < unpruned);
}

struct expected {
    const char *sql;
    uint32_t files_max;
};

/* Goal: the questions that dashboards ask open few files.
 * Method: count the files opened. */
static void test_few_files(void **state)
{
    struct fixture *fixture = *state;
    static const struct expected cases[] = {
        { "select * from otel_logs_and_spans where context___trace_id = '00000000000000000000000000000007'", 1 },
        { "select * from otel_logs_and_spans where context___span_id = '0000000000000007'", 1 },
        { "select * from otel_logs_and_spans where id = 'a0000000-0000-0000-0000-000000000007'", 1 },
        { "select * from otel_logs_and_spans where context___trace_id = 'none'", 0 },
        { "select * from otel_logs_and_spans where timestamp >= '2025-11-22 01:00+00' and timestamp < '2025-11-22 "
          "02:00+00'",
          1 },
        { "select * from otel_logs_and_spans where timestamp > now() - interval '1 hour'", 0 },
        { "select * from otel_logs_and_spans where 'none' = any(hashes)", 0 },
        { "select * from otel_logs_and_spans where name = 'none'", 0 },
        { "select * from otel_logs_and_spans where duration > 1000000000000", 0 },
        { "select * from otel_logs_and_spans where timestamp = null", 0 },
        { "select * from otel_logs_and_spans order by timestamp desc limit 100", 4 },
        { "select * from otel_logs_and_spans order by timestamp limit 100", 4 },
        { "select name from otel_logs_and_spans where kind = 'server' order by timestamp desc limit 10", 4 },
        { "select name from otel_logs_and_spans where status_message = 'x' order by timestamp desc limit 10", 0 },
        { "select name, kind from telemetry order by timestamp desc limit 100", 4 },
        { "select * from telemetry where context___trace_id = '00000000000000000000000000000007'", 1 },
        { "select * from otel_metrics where metric_name = 'none'", 0 },
        { "select * from telemetry where name = 'metric.none'", 0 },
        { "select * from otel_metrics where series_id = 'a0000000-0000-0000-0000-00000000ffff'", 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        struct err err;
        uint32_t files = UINT32_MAX;
        buf_init(&out, 16u << 20);
        if (!fixture_run(fixture->session, cases[i].sql, NULL, 0, &out, &files, &err))
            fail_msg("%s\n%s", cases[i].sql, err.text);
        if (files > cases[i].files_max) fail_msg("%s\nopened %u files", cases[i].sql, files);
        buf_deinit(&out);
    }
}

/* Goal: columns that no row of the files has a value of are NULL, and not read; a list of no elements is none of them.
 * Method: each column counted, with values and without. */
static void test_nulls(void **state)
{
    struct fixture *fixture = *state;
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    uint32_t without = 0;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        char sql[400];
        struct buf out;
        struct err err;
        unsigned long long values, nulls, texts, rows;
        const char *name = schema->columns[c].name;
        snprintf(sql, sizeof sql,
                 "select count(%s), count(*) filter (where %s is null), count(coalesce(%s::text, '')), count(*) from "
                 "otel_logs_and_spans where duration is distinct from -7",
                 name, name, name);
        buf_init(&out, 1u << 20);
        if (!fixture_run(fixture->session, sql, NULL, 0, &out, NULL, &err)) fail_msg("%s\n%s", sql, err.text);
        assert_true(buf_add(&out, "", 1));
        if (sscanf((const char *)out.ptr, "%llu|%llu|%llu|%llu", &values, &nulls, &texts, &rows) != 4)
            fail_msg("%s\n%s", sql, (const char *)out.ptr);
        assert_true(rows > 0);
        if (values + nulls != rows || texts != rows)
            fail_msg("%s: %llu values, %llu NULLs, %llu texts of %llu", name, values, nulls, texts, rows);
        if (strcmp(name, "hashes") == 0) assert_true(values > 0);
        if (strcmp(name, "status_message") == 0) assert_int_equal(values, 0);
        without += values == 0;
        buf_deinit(&out);
    }
    assert_true(without > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_conditions), cmocka_unit_test(test_shapes),
                                        cmocka_unit_test(test_few_files), cmocka_unit_test(test_nulls) };
    const struct CMUnitTest stored[] = { cmocka_unit_test(test_random_conditions), cmocka_unit_test(test_shapes),
                                         cmocka_unit_test(test_few_files), cmocka_unit_test(test_nulls),
                                         cmocka_unit_test(test_index_was_asked) };
    int failed = cmocka_run_group_tests_name("segments", tests, setup, teardown);
    return failed + cmocka_run_group_tests_name("files of the table", stored, setup_stored, teardown);
}
