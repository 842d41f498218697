/* tail_bench -- what those who watch cost a span on its way: CPU of the worker's thread, rows of 20 attributes, 500 a record.
 * Without anybody: one look at a number for each record. */
#include "base/clock.h"
#include "tail/tail.h"
#include "timefusion/columns/columns.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 500, RECORDS = 200 };

static void row_add(struct columns *columns, uint32_t n)
{
    char text[200];
    columns_row_begin(columns, 1767225600000000 + n);
    snprintf(text, sizeof text, "00000000-0000-0000-0000-%012u", n);
    columns_put_text(columns, LOGS_AND_SPANS_id, bytes_of_text(text));
    columns_put_text(columns, LOGS_AND_SPANS_kind, BYTES("server"));
    columns_put_text(columns, LOGS_AND_SPANS_name, BYTES("GET /api/v1/list/{id}/detail"));
    columns_put_text(columns, LOGS_AND_SPANS_status_code, BYTES("UNSET"));
    columns_put_text(columns, LOGS_AND_SPANS_resource___service___name, BYTES("checkout"));
    columns_put_text(columns, LOGS_AND_SPANS_attributes___http___request___method, BYTES("GET"));
    columns_put_text(columns, LOGS_AND_SPANS_attributes___http___response___status_code, BYTES("200"));
    snprintf(text, sizeof text, "%032u", n);
    columns_put_text(columns, LOGS_AND_SPANS_context___trace_id, bytes_of_text(text));
    columns_put_text(columns, LOGS_AND_SPANS_context___span_id, BYTES("0000000000000001"));
    columns_put_int(columns, LOGS_AND_SPANS_duration, n * 1000);
    columns_put_text(columns, LOGS_AND_SPANS_attributes,
                     BYTES("{\"http.route\":\"/api/v1/list/{id}/detail\",\"order.id\":17,\"cart.items\":3,\"region\":"
                           "\"eu-west\",\"k1\":\"some value\",\"k2\":\"another value\",\"k3\":1.5,\"k4\":true,\"k5\":"
                           "\"a longer value of an attribute, as they are\",\"k6\":\"x\",\"k7\":\"y\",\"k8\":\"z\"}"));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, NULL, 0);
    columns_row_end(columns);
}

static uint64_t rows_ns(struct tails *tails, struct columns *columns)
{
    static const struct uuid project = { { 1 } };
    uint64_t begin_ns = clock_thread_ns();
    for (uint32_t r = 0; r < RECORDS; r++) {
        void *record = tails_begin(tails, project);
        for (uint32_t n = 0; record && n < ROWS; n++) tails_row(record, columns);
        if (record) tails_end(record);
    }
    return clock_thread_ns() - begin_ns;
}

static void measure(const char *name, const char *search, uint32_t count, struct columns *columns)
{
    struct tails *tails = tails_create(&(struct tails_options){ .bytes_max = 64 << 20, .matching_percent = 1000000 });
    struct tail_ask ask = { .project_id = { { 1 } }, .search = bytes_of_text(search) };
    struct tail_reader readers[16];
    struct tail_problem problem;
    struct tails_stats stats;
    struct err err = { 0 };
    for (uint32_t t = 0; t < count; t++)
        if (!tails_open(tails, &ask, &readers[t], &problem, &err)) abort();
    uint64_t ns = rows_ns(tails, columns);
    tails_stats(tails, &stats);
    printf("tail_%s_%u_ns_per_span %.1f ns   (%.0f%% fit)\n", name, count, (double)ns / ROWS / RECORDS,
           count ? 100.0 * (double)stats.matched / count / ROWS / RECORDS : 0);
    for (uint32_t t = 0; t < count; t++) tail_leave(&readers[t]);
    tails_destroy(tails);
}

int main(void)
{
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    for (uint32_t n = 0; n < ROWS; n++) row_add(columns, n);
    measure("nobody", "", 0, columns);
    static const uint32_t counts[] = { 1, 10 };
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        measure("term", "service:payments level:error", counts[c], columns);
        measure("attribute", "order.id:>100", counts[c], columns);
        measure("words", "\"timed out\"", counts[c], columns);
        measure("all", "", counts[c], columns);
    }
    columns_destroy(columns);
    return 0;
}
