/* What the questions of a dashboard cost: prepare and execute, best of several, over files as a flush leaves them.
 *
 *   query_bench FILE.slt ...    the gate and planning alone, of each statement in such files: p50 and p99 of all */
#define FIXTURE_STEP_US 100000 /* ten rows a second: 400,000 in 11 hours */
#include "timefusion/query/query_fixture.h"

static double best(struct fixture *fixture, const char *sql, int runs, bool prepare_only, uint32_t *files)
{
    double least = 1e9;
    struct buf out;
    struct err err;
    buf_init(&out, 256u << 20);
    for (int i = 0; i < runs; i++) {
        char text[2000];
        struct query_statement *statement;
        /* A comment makes it a text that is not cached. */
        snprintf(text, sizeof text, "%s /* %d */", sql, prepare_only ? i : 0);
        uint64_t start = clock_mono_ns();
        if (prepare_only) {
            err = (struct err){ .code = ERR_OK };
            fixture_check(query_prepare(fixture->session, bytes_of_text(text), NULL, 0, &statement, &err), &err, sql);
            query_statement_close(statement);
        } else {
            fixture_check(fixture_run(fixture->session, text, NULL, 0, &out, files, &err), &err, sql);
        }
        double ms = (double)(clock_mono_ns() - start) / 1e6;
        if (ms < least) least = ms;
    }
    buf_deinit(&out);
    return least;
}

static long anonymous_kb(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    long kb = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %ld", &kb) == 1) break;
    if (file) fclose(file);
    return kb;
}

static int double_order(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The gate and planning of each query of .slt files, whose text is a line: CPU, the least of five, each time as if never seen. */
static int statements(struct fixture *fixture, char **paths, int count)
{
    static double times[4096];
    static char line[65536];
    size_t used = 0;
    double most = 0;
    char slowest[100] = "";
    for (int i = 0; i < count; i++) {
        FILE *file = fopen(paths[i], "r");
        if (!file) return 1;
        while (fgets(line, sizeof line, file) && used < COUNT_OF(times)) {
            if (strncmp(line, "query", 5) != 0 || !fgets(line, sizeof line, file)) continue;
            line[strcspn(line, "\n")] = '\0';
            double least = 1e9;
            for (int run = 0; run < 5; run++) {
                struct query_statement *statement;
                struct err err = { .code = ERR_OK };
                size_t len = strlen(line);
                snprintf(line + len, sizeof line - len, " /* %d */", run); /* another text: nothing is kept of it */
                double start = cpu_ms();
                bool ok = query_prepare(fixture->session, bytes_of_text(line), NULL, 0, &statement, &err);
                double ms = cpu_ms() - start;
                line[len] = '\0';
                fixture_check(ok, &err, line);
                query_statement_close(statement);
                if (ms < least) least = ms;
            }
            if (least > most) snprintf(slowest, sizeof slowest, "%.90s", line);
            if (least > most) most = least;
            times[used++] = least;
        }
        fclose(file);
    }
    qsort(times, used, sizeof *times, double_order);
    if (used == 0) return 1;
    printf("prepare of %zu statements: CPU p50 %.2f ms, p99 %.2f ms, most %.2f ms (%s)\n", used, times[used / 2],
           times[used * 99 / 100], most, slowest);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *sql;
    } cases[] = {
        { "latest_100", "select timestamp, name, kind, level, duration, resource___service___name, context___trace_id, "
                        "summary from otel_logs_and_spans order by timestamp desc limit 100" },
        { "latest_100_all_columns", "select * from otel_logs_and_spans order by timestamp desc limit 100" },
        { "latest_100_errors_of_a_service",
          "select timestamp, name from otel_logs_and_spans where resource___service___name = 'cart' and status_code = "
          "'ERROR' order by timestamp desc limit 100" },
        { "count_by_hour",
          "select time_bucket('1 hour', timestamp) as t, count(*) from otel_logs_and_spans group by t order by t" },
        { "p95_by_name",
          "select name, approx_percentile(0.95, percentile_agg(duration)) from otel_logs_and_spans group by name" },
        { "one_trace",
          "select * from otel_logs_and_spans where context___trace_id = '00000000000000000000000000000777'" },
        { "attribute_rare", "select count(*) from otel_logs_and_spans where attributes->>'nothing.here' = 'x'" },
        { "attribute_common", "select count(*) from otel_logs_and_spans where attributes->>'http.route' = '/pay'" },
        { "search_text", "select count(*) from otel_logs_and_spans where body::text ilike '%message 7777%'" },
        { "select_1", "select 1" },
    };
    struct fixture fixture;
    if (argc > 1) {
        fixture_open(&fixture, 2, 50);
        int code = statements(&fixture, argv + 1, argc - 1);
        fixture_close(&fixture);
        return code;
    }
    long before = anonymous_kb();
    fixture_open(&fixture, 2, 10);
    struct query_options options = { .timefusion = fixture.timefusion, .memory_bytes_max = 512u << 20, .threads = 2 };
    struct query_engine *engine;
    struct err err = { .code = ERR_OK };
    uint64_t start = clock_mono_ns();
    long engine_before = anonymous_kb();
    fixture_check(query_engine_open(&engine, &options, &err), &err, "engine");
    printf("engine_open %.1f ms\n", (double)(clock_mono_ns() - start) / 1e6);
    printf("second_engine_rss_anon %.1f MB\n", (double)(anonymous_kb() - engine_before) / 1024);
    query_engine_close(engine);
    printf("idle_rss_anon_with_store %.1f MB\n", (double)(anonymous_kb() - before) / 1024);
    fixture_close(&fixture);

    fixture_open(&fixture, 20, 20000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t files = 0;
        double prepare = best(&fixture, cases[i].sql, 5, true, NULL),
               run = best(&fixture, cases[i].sql, 5, false, &files);
        printf("%s prepare %.2f ms execute %.2f ms files %u\n", cases[i].name, prepare, run, files);
    }
    printf("load_rss_anon %.1f MB\n", (double)anonymous_kb() / 1024);
    fixture_close(&fixture);
    return 0;
}
