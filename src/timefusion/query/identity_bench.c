/* What resolving a trace's user costs: 3 million rows in 60 files, 1,000 a second for 50 minutes, in traces of ten rows.
 * One trace in five comes from a browser, whose root span has user.id and session.id; no other row has any. Then the worst
 * case: one row of every trace has them; and none. */
#define FIXTURE_STEP_US 1000
#include "timefusion/query/query_fixture.h"

#define FILES     60
#define FILE_ROWS 50000
#define USERS     5000

static uint32_t browser_one_in; /* traces; 0: none */

/* Row n is row n / 1000 % 10 of its trace: the rows of one are a second apart, the root comes last. */
static void shop_row(struct columns *columns, uint64_t n)
{
    static const char *const services[] = { "web", "gateway", "cart", "checkout", "payment" };
    uint64_t trace = n / 10000 * 1000 + n % 1000, place = n / 1000 % 10, user = trace * 2654435761u % USERS;
    bool is_root = place == 9, is_log = place == 4, is_browser = browser_one_in > 0 && trace % browser_one_in == 0;
    char text[256], id[UUID_TEXT_BYTES + 1];
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US);
    uuid_to_text(fixture_id(n * 0x9E3779B97F4A7C15u), id);
    fixture_put(columns, "id", bytes_of_text(id));
    fixture_put(columns, "name", fixture_text(text, sizeof text, "operation %" PRIu64, n % 37));
    fixture_put(columns, "kind", bytes_of_text(is_log ? "log" : is_root ? "client" : "server"));
    fixture_put(columns, "resource___service___name", bytes_of_text(services[(place + 1) % 5]));
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, trace * 0xD6E8FEB86659FD93u, trace * 0xA3EC647659359ACDu);
    fixture_put(columns, "context___trace_id", bytes_of_text(text));
    fixture_put(columns, "context___span_id", fixture_text(text, sizeof text, "%016" PRIx64, n * 0x9E3779B97F4A7C15u));
    if (is_log) {
        fixture_put(columns, "level", bytes_of_text(n % 8 == 7 ? "ERROR" : "INFO"));
        fixture_put(columns, "body", fixture_text(text, sizeof text, "\"order %" PRIu64 " was looked at\"", n));
    } else {
        fixture_int(columns, "duration", (int64_t)(n % 1000 * 100000));
        fixture_put(columns, "status_code", bytes_of_text(n % 97 == 0 ? "ERROR" : "OK"));
        fixture_put(columns, "attributes___http___request___method", bytes_of_text(n % 2 ? "POST" : "GET"));
        fixture_put(columns, "attributes___url___path", fixture_text(text, sizeof text, "/orders/%" PRIu64, n));
        fixture_put(columns, "attributes___http___response___status_code", bytes_of_text(n % 97 == 0 ? "500" : "200"));
    }
    if (is_root && is_browser) {
        fixture_put(columns, "attributes___user___id", fixture_text(text, sizeof text, "u%" PRIu64, user));
        fixture_put(columns, "attributes___session___id", fixture_text(text, sizeof text, "session-%08" PRIu64, user));
    }
    fixture_put(columns, "attributes",
                fixture_text(text, sizeof text, "{\"http.route\":\"/orders/{id}\",\"n\":%" PRIu64 "}", n));
    fixture_put(columns, "resource", bytes_of_text("{\"host.name\":\"box-1\"}"));
    struct bytes summary[1] = { BYTES("kind;neutral=>row") };
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("summary")), summary, 1);
    columns_row_end(columns);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void measure(struct query_session *session, const char *data, const char *name, const char *sql)
{
    double wall_ms = 1e9, cpu_ms = 1e9;
    uint32_t files = 0, rows = 0;
    struct buf out;
    struct err err;
    buf_init(&out, 1u << 30);
    for (int i = 0; i < 5; i++) {
        uint64_t start = clock_mono_ns(), cpu_start = cpu_ns();
        fixture_check(fixture_run(session, sql, NULL, 0, &out, &files, &err), &err, sql);
        double ms = (double)(clock_mono_ns() - start) / 1e6, used_ms = (double)(cpu_ns() - cpu_start) / 1e6;
        if (ms < wall_ms) wall_ms = ms;
        if (used_ms < cpu_ms) cpu_ms = used_ms;
    }
    for (size_t i = 0; i < out.len; i++) rows += out.ptr[i] == '\n';
    printf("%s %s %.1f ms, CPU %.1f ms, files %u, rows %u\n", data, name, wall_ms, cpu_ms, files, rows);
    buf_deinit(&out);
}

#define LIST                                                                                                    \
    "select timestamp, name, kind, resource___service___name, context___trace_id, attributes___user___id from " \
    "otel_logs_and_spans "

int main(void)
{
    static const struct {
        const char *name, *sql;
    } cases[] = {
        { "count_of_user", "select count(*) from otel_logs_and_spans where attributes___user___id = 'u40'" },
        { "rows_of_user", "select * from otel_logs_and_spans where attributes___user___id = 'u40'" },
        { "latest_100_of_user", LIST "where attributes___user___id = 'u40' order by timestamp desc limit 100" },
        { "latest_100_all_columns_of_user",
          "select * from otel_logs_and_spans where attributes___user___id = 'u40' order by timestamp desc limit 100" },
        { "errors_of_user_in_10_minutes",
          LIST "where attributes___user___id = 'u40' and status_code = 'ERROR' and timestamp >= '2025-11-22 "
               "00:20:00+00' and timestamp < '2025-11-22 00:30:00+00'" },
        { "rows_of_session", LIST "where attributes___session___id = 'session-00000040'" },
        { "latest_100", LIST "order by timestamp desc limit 100" },
        { "latest_100_all_columns", "select * from otel_logs_and_spans order by timestamp desc limit 100" },
        { "latest_100_without_identity", "select timestamp, name, kind, resource___service___name, context___trace_id "
                                         "from otel_logs_and_spans order by timestamp desc limit 100" },
        { "one_trace",
          "select * from otel_logs_and_spans where context___trace_id = '00000000000000000000000000000000'" },
        { "users_by_errors", "select attributes___user___id, count(*) from otel_logs_and_spans where status_code = "
                             "'ERROR' group by 1 order by 2 desc limit 10" },
        { "distinct_users", "select count(distinct attributes___user___id) from otel_logs_and_spans" },
        { "count_all", "select count(*) from otel_logs_and_spans" },
    };
    static const struct {
        const char *name;
        uint32_t one_in;
    } data[] = { { "some", 5 }, { "every", 1 }, { "none", 0 } };
    for (size_t d = 0; d < COUNT_OF(data); d++) {
        struct fixture fixture;
        browser_one_in = data[d].one_in;
        fixture_open(&fixture, 0, 0);
        for (uint32_t f = 0; f < FILES; f++)
            fixture_publish_rows(&fixture, fixture.project, SCHEMA_LOGS_AND_SPANS, (uint64_t)f * FILE_ROWS, FILE_ROWS,
                                 f, shop_row);
        for (size_t i = 0; i < COUNT_OF(cases); i++)
            measure(fixture.session, data[d].name, cases[i].name, cases[i].sql);
        fixture_close(&fixture);
    }
    return 0;
}
