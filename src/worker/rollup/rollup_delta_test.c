/* threads: none */
/* What some rows add to the counts, without a database. */
#include "worker/rollup/rollup_delta.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T0_US INT64_C(1795744800000000)

struct world {
    struct rollup_delta *delta;
    struct otlp_request request;
    struct uuid project;
    uint64_t random;
};

static uint64_t next(struct world *world)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random;
}

static int setup(void **state)
{
    struct world *world = mem_calloc(1, sizeof *world);
    world->delta = rollup_delta_create();
    world->random = 88172645463325252u;
    world->project.bytes[0] = 7;
    world->request.resources.count = 64;
    world->request.metrics.count = 1;
    world->request.metrics.at = mem_calloc(1, sizeof *world->request.metrics.at);
    rollup_delta_request_begin(world->delta, NULL, T0_US, world->project, &world->request);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rollup_delta_destroy(world->delta);
    free(world->request.metrics.at);
    free(world);
    return 0;
}

/* A span's row; ids of 0 are none. One at a time: its parts are static. */
static struct rows_row span_row(enum rows_kind kind, const char *service, uint64_t trace, uint64_t span,
                                uint64_t parent)
{
    static struct otlp_span sent;
    static uint8_t trace_id[16], span_id[8], parent_id[8];
    memset(trace_id, 0, sizeof trace_id);
    memcpy(trace_id, &trace, 8);
    memcpy(span_id, &span, 8);
    memcpy(parent_id, &parent, 8);
    sent = (struct otlp_span){ .trace_id = bytes_from(trace_id, 16),
                               .span_id = bytes_from(span_id, 8),
                               .parent_span_id = bytes_from(parent_id, parent ? 8 : 0) };
    return (struct rows_row){ .kind = kind,
                              .service = bytes_of_text(service),
                              .timestamp_us = T0_US + 1,
                              .has_duration = true,
                              .duration_ns = 1000000,
                              .span = &sent };
}

static void add(struct world *world, const struct rows_row *row)
{
    rollup_delta_row(world->delta, row, INT64_MIN);
}

static const struct rollup_series *series_of(const struct rollup_changes *changes, int64_t id)
{
    for (size_t s = 0; s < changes->series_count; s++)
        if (changes->series[s].id == id) return &changes->series[s];
    fail_msg("there is no series %lld", (long long)id);
    return NULL;
}

static struct rollup_changes changes_of(struct rollup_delta *delta)
{
    struct rollup_changes changes = { .app_id = "a", .position = 1 };
    rollup_delta_changes(delta, &changes);
    return changes;
}

/* "kind service route source>target" of each minute with its counts, sorted. */
struct lines {
    char at[64][200];
    size_t count;
};
static int line_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}
static struct lines lines_of(const struct rollup_changes *changes)
{
    struct lines lines = { .count = 0 };
    for (size_t m = 0; m < changes->minute_count; m++) {
        const struct rollup_sums *minute = &changes->minutes[m];
        const struct rollup_series *series = series_of(changes, minute->series_id);
        assert_true(lines.count < COUNT_OF(lines.at));
        snprintf(lines.at[lines.count++], sizeof lines.at[0], "+%lld %s %.*s %.*s %s>%.*s(%s): %lld/%lld",
                 (long long)(minute->at_unix_us - T0_US) / 60000000, series->kind, (int)series->service.len,
                 (const char *)series->service.ptr, (int)series->route.len, (const char *)series->route.ptr,
                 series->source_kind, (int)series->target.len, (const char *)series->target.ptr, series->target_kind,
                 (long long)minute->row_count, (long long)minute->error_count);
    }
    qsort(lines.at, lines.count, sizeof lines.at[0], line_compare);
    return lines;
}
static void lines_check(const struct rollup_changes *changes, const char *const *expected, size_t count)
{
    struct lines lines = lines_of(changes);
    for (size_t i = 0; i < lines.count && i < count; i++) assert_string_equal(lines.at[i], expected[i]);
    assert_int_equal(lines.count, count);
}
#define LINES(changes, ...)                                    \
    lines_check(changes, (const char *const[]){ __VA_ARGS__ }, \
                sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* Goal: every row counts once, by minute, service, endpoint and kind; durations are in their buckets. */
static void test_counts(void **state)
{
    struct world *world = *state;
    struct rows_row row = span_row(ROWS_SERVER, "cart", 1, 2, 9);
    row.endpoint = BYTES("1ee15ccb-7104-538a-8d29-26b9860a827e");
    row.method = BYTES("GET");
    row.route = BYTES("/cart");
    for (int i = 0; i < 10; i++) add(world, &row);
    row.is_error = true;
    row.timestamp_us += ROLLUP_MINUTE_US;
    add(world, &row);
    row.endpoint = row.method = row.route = (struct bytes){ 0 };
    row.has_duration = false;
    add(world, &row);
    struct rows_row log = { .kind = ROWS_LOG, .service = BYTES("cart"), .timestamp_us = T0_US, .is_error = true };
    add(world, &log);
    rollup_delta_row(world->delta, &log, T0_US + 1); /* too old */
    assert_int_equal(rollup_delta_skipped(world->delta), 1);
    struct rollup_changes changes = changes_of(world->delta);
    LINES(&changes, "+0 log cart  >(): 1/1", "+0 server cart /cart >(): 10/0", "+1 server cart  >(): 1/1",
          "+1 server cart /cart >(): 1/1");
    int64_t in_buckets = 0;
    for (size_t b = 0; b < changes.bucket_count; b++) in_buckets += changes.buckets[b].row_count;
    assert_int_equal(in_buckets, 11);
    assert_int_equal(changes.half_count, 1); /* the same call again and again */
}

/* Goal: the two sides of a call make an edge, in either order, once; databases, queues and callers from outside at once. */
static void test_edges(void **state)
{
    struct world *world = *state;
    struct rows_row row = span_row(ROWS_CLIENT, "web", 1, 11, 10);
    add(world, &row);
    row = span_row(ROWS_SERVER, "cart", 1, 12, 11);
    add(world, &row);
    row = span_row(ROWS_SERVER, "cart", 1, 13, 11); /* a second child of the same call */
    add(world, &row);
    row = span_row(ROWS_SERVER, "cart", 2, 22, 21); /* the server's side first */
    add(world, &row);
    row = span_row(ROWS_CLIENT, "web", 2, 21, 20);
    row.is_error = true;
    add(world, &row);
    row = span_row(ROWS_SERVER, "web", 3, 31, 0);
    add(world, &row);
    row = span_row(ROWS_CLIENT, "cart", 3, 32, 31);
    row.db_system = BYTES("postgresql");
    row.db_namespace = BYTES("shop");
    add(world, &row);
    row = span_row(ROWS_PRODUCER, "cart", 3, 33, 31);
    row.messaging_system = BYTES("kafka");
    row.messaging_destination = BYTES("orders");
    add(world, &row);
    row = span_row(ROWS_CONSUMER, "mail", 3, 34, 33);
    row.messaging_system = BYTES("kafka");
    row.messaging_destination = BYTES("orders");
    add(world, &row);
    row = span_row(ROWS_CLIENT, "cart", 4, 42, 41); /* nobody answers */
    row.server_address = BYTES("api.bank.example");
    add(world, &row);
    struct rollup_changes changes = changes_of(world->delta);
    LINES(&changes, "+0 client cart  >(): 2/0", "+0 client web  >(): 2/1", "+0 consumer mail  >(): 1/0",
          "+0 edge   caller>web(service): 1/0", "+0 edge cart  service>kafka/orders(messaging): 1/0",
          "+0 edge cart  service>postgresql/shop(database): 1/0", "+0 edge kafka/orders  messaging>mail(service): 1/0",
          "+0 edge web  service>cart(service): 2/1", "+0 producer cart  >(): 1/0", "+0 server cart  >(): 3/0",
          "+0 server web  >(): 1/0");
    assert_int_equal(changes.half_count, 1);
    assert_true(!changes.halves[0].is_server && bytes_equal(changes.halves[0].target, BYTES("api.bank.example")));
}

/* Goal: with more calls than are remembered the edges' counts stay right on the whole, and the rows' counts exact.
 * Method: 300,000 calls whose sides come 40,000 apart; three services in known shares. */
static void test_many_calls_are_sampled(void **state)
{
    enum { CALLS = 300000, APART = 20000 };
    struct world *world = *state;
    static const char *const callers[] = { "a", "b", "b", "c", "c", "c", "c", "c" };
    for (uint64_t c = 0; c < CALLS + APART; c++) {
        if (c < CALLS) {
            struct rows_row row = span_row(ROWS_CLIENT, callers[c % 8], c * 2654435761u + 1, c + 1, 5);
            add(world, &row);
        }
        if (c >= APART) {
            uint64_t of = c - APART;
            struct rows_row row = span_row(ROWS_SERVER, "d", of * 2654435761u + 1, of + 7, of + 1);
            add(world, &row);
        }
    }
    struct rollup_changes changes = changes_of(world->delta);
    assert_true(changes.half_count <= ROLLUP_HALVES_KEPT);
    double rows = 0, edges = 0, of_a = 0;
    for (size_t m = 0; m < changes.minute_count; m++) {
        const struct rollup_series *series = series_of(&changes, changes.minutes[m].series_id);
        bool is_edge = strcmp(series->kind, "edge") == 0;
        *(is_edge ? &edges : &rows) += (double)changes.minutes[m].row_count;
        if (is_edge && bytes_equal(series->service, BYTES("a"))) of_a += (double)changes.minutes[m].row_count;
    }
    assert_true(rows == 2.0 * CALLS);
    if (fabs(edges / CALLS - 1) > 0.05) fail_msg("%f calls of %d have an edge", edges, CALLS);
    if (fabs(of_a / (CALLS / 8.0) - 1) > 0.1) fail_msg("%f calls of %d are a's", of_a, CALLS / 8);
    printf("%d calls, edges say %.0f, memory %zu KiB\n", CALLS, edges, rollup_delta_bytes(world->delta) / 1024);
    assert_true(rollup_delta_bytes(world->delta) < 16u << 20);
}

static struct rows_attribute attribute_of(const char *key, const struct otlp_value *value)
{
    return (struct rows_attribute){ bytes_of_text(key), value };
}

/* Goal: keys are counted, values that come often are listed with their counts, ids are not. */
static void test_facets(void **state)
{
    struct world *world = *state;
    char id[32];
    for (int i = 0; i < 1000; i++) {
        struct otlp_value plan = { .type = OTLP_TEXT, .bytes = i % 4 == 0 ? BYTES("team") : BYTES("free") };
        struct otlp_value status = { .type = OTLP_INT, .integer = 200 + i % 3 };
        snprintf(id, sizeof id, "id-%d", i);
        struct otlp_value request_id = { .type = OTLP_TEXT, .bytes = bytes_of_text(id) };
        struct rows_attribute attributes[] = { attribute_of("tenant.plan", &plan), attribute_of("status", &status),
                                               attribute_of("request.id", &request_id) };
        struct rows_row row = span_row(ROWS_INTERNAL, "cart", 1, 2, 3);
        assert_true(rollup_delta_wants_attributes(world->delta));
        row.attributes = attributes;
        row.attribute_count = COUNT_OF(attributes);
        row.resource_attributes = attributes;
        row.resource_attribute_count = 1;
        add(world, &row);
    }
    struct rollup_changes changes = changes_of(world->delta);
    uint32_t keys = 0, ids = 0, found = 0;
    for (size_t a = 0; a < changes.attribute_count; a++) {
        const struct rollup_attribute *attribute = &changes.attributes[a];
        keys += !attribute->is_value;
        if (!attribute->is_value) assert_int_equal(attribute->row_count, 1000);
        ids += attribute->is_value && bytes_equal(attribute->key, BYTES("request.id"));
        if (!attribute->is_value) continue;
        if (bytes_equal(attribute->value, BYTES("team"))) {
            assert_int_equal(attribute->row_count, 250);
            found++;
        }
        if (bytes_equal(attribute->value, BYTES("202"))) {
            assert_int_equal(attribute->row_count, 333);
            found++;
        }
    }
    assert_int_equal(keys, 4);
    assert_int_equal(ids, 0);
    assert_int_equal(found, 3); /* team: of spans and of the resource */
}

/* Goal: names without end are counted under "(other)", no row is lost, memory stays small; texts that a database cannot
 * hold are mended. */
static void test_limits(void **state)
{
    enum { ROWS = 20000 };
    struct world *world = *state;
    for (int i = 0; i < ROWS; i++) {
        char service[300], endpoint[40];
        snprintf(service, sizeof service, "service-%d", i);
        snprintf(endpoint, sizeof endpoint, "%08x-7104-538a-8d29-26b9860a827e", (unsigned)i);
        struct rows_row row = span_row(ROWS_INTERNAL, service, 1, 2, 3);
        row.resource = (uint32_t)i % 64;
        row.endpoint = bytes_of_text(endpoint);
        row.route = BYTES("/x");
        if (i % 64 == 0) rollup_delta_request_begin(world->delta, NULL, T0_US, world->project, &world->request);
        add(world, &row);
    }
    struct rollup_changes changes = changes_of(world->delta);
    int64_t rows = 0, other = 0;
    for (size_t m = 0; m < changes.minute_count; m++) {
        rows += changes.minutes[m].row_count;
        if (bytes_equal(series_of(&changes, changes.minutes[m].series_id)->service, BYTES(ROLLUP_OTHER)))
            other += changes.minutes[m].row_count;
    }
    assert_int_equal(rows, ROWS);
    assert_true(other > ROWS / 2);
    assert_true(changes.series_count <= 2 * ROLLUP_SERIES_MAX + 2);
    assert_true(rollup_delta_bytes(world->delta) < 4u << 20);

    rollup_delta_reset(world->delta);
    rollup_delta_request_begin(world->delta, NULL, T0_US, world->project, &world->request);
    struct rows_row row = span_row(ROWS_INTERNAL, "", 1, 2, 3);
    char longest[1000];
    memset(longest, 'x', sizeof longest);
    row.service = bytes_from("a\0b", 3);
    add(world, &row);
    add(world, &row);
    row.service = bytes_from(longest, sizeof longest);
    row.resource = 1;
    add(world, &row);
    add(world, &row);
    changes = changes_of(world->delta);
    assert_int_equal(changes.series_count, 2);
    assert_true(bytes_equal(changes.series[0].service, BYTES("a\xEF\xBF\xBD"
                                                             "b")));
    assert_int_equal(changes.series[1].service.len, ROLLUP_TEXT_BYTES);
}

/* Goal: names without end over many deltas of a day are as few as in one of them; the next day others may come. */
static void test_limits_of_a_day(void **state)
{
    struct world *world = *state;
    struct rollup_names *names = rollup_names_create();
    uint32_t made[2] = { 0, 0 };
    for (int part = 0; part < 40; part++) {
        int day = part / 20;
        for (int i = 0; i < 500; i++) {
            char endpoint[40];
            snprintf(endpoint, sizeof endpoint, "%08x-7104-538a-8d29-26b9860a827e", (unsigned)(part * 500 + i));
            struct rows_row row = span_row(ROWS_SERVER, "cart", 1, 2, 3);
            row.endpoint = bytes_of_text(endpoint);
            row.route = BYTES("/x");
            rollup_delta_request_begin(world->delta, names, T0_US + day * ROLLUP_DAY_US, world->project,
                                       &world->request);
            add(world, &row);
        }
        struct rollup_changes changes = changes_of(world->delta);
        int64_t rows = 0;
        for (size_t m = 0; m < changes.minute_count; m++) rows += changes.minutes[m].row_count;
        assert_int_equal(rows, 500);
        for (size_t s = 0; s < changes.series_count; s++) made[day] += changes.series[s].endpoint.len == 36;
        rollup_delta_reset(world->delta);
    }
    assert_int_equal(made[0], ROLLUP_SERIES_MAX);
    assert_int_equal(made[1], ROLLUP_SERIES_MAX);
    rollup_names_destroy(names);
}

static void random_rows(struct world *world, struct rollup_delta *one, struct rollup_delta *other, int count)
{
    static const char *const services[] = { "a", "b", "c" };
    for (int i = 0; i < count; i++) {
        struct rows_row row = span_row((enum rows_kind)(next(world) % 3), services[next(world) % 3], next(world) % 400,
                                       next(world) % 4 + 1, next(world) % 3 + 1);
        row.resource = (uint32_t)(row.service.ptr[0] - 'a');
        row.timestamp_us = T0_US + (int64_t)(next(world) % 5) * ROLLUP_MINUTE_US;
        row.duration_ns = next(world) % 1000000000;
        row.is_error = next(world) % 10 == 0;
        rollup_delta_row(one, &row, INT64_MIN);
        rollup_delta_row(other, &row, INT64_MIN);
    }
}

/* Goal: deltas merged are the delta of all their rows. Method: random rows into one, and into four that are merged. */
static void test_merge(void **state)
{
    struct world *world = *state;
    struct rollup_delta *merged = rollup_delta_create();
    for (int part = 0; part < 4; part++) {
        struct rollup_delta *delta = rollup_delta_create();
        rollup_delta_request_begin(world->delta, NULL, T0_US, world->project, &world->request);
        rollup_delta_request_begin(delta, NULL, T0_US, world->project, &world->request);
        random_rows(world, world->delta, delta, 5000);
        rollup_delta_merge(merged, delta);
        assert_true(rollup_delta_is_empty(delta));
        rollup_delta_destroy(delta);
    }
    struct rollup_changes whole = changes_of(world->delta), parts = changes_of(merged);
    for (size_t m = 0; m < whole.minute_count; m++) {
        if (strcmp(series_of(&whole, whole.minutes[m].series_id)->kind, "edge") == 0)
            continue; /* which child was first */
        bool found = false;
        for (size_t p = 0; p < parts.minute_count && !found; p++) {
            struct rollup_sums *a = &whole.minutes[m], *b = &parts.minutes[p];
            if (a->series_id != b->series_id || a->at_unix_us != b->at_unix_us) continue;
            found = a->row_count == b->row_count && a->error_count == b->error_count &&
                    a->duration_count == b->duration_count && a->duration_max_ns == b->duration_max_ns &&
                    fabs(a->duration_sum_ns - b->duration_sum_ns) < 1;
        }
        if (!found) fail_msg("minute %zu is not among the parts", m);
    }
    rollup_delta_destroy(merged);
}

/* Goal: a metric's name is listed with its services and how many points came. */
static void test_metrics(void **state)
{
    struct world *world = *state;
    struct otlp_point point = { .metric = 0 };
    world->request.metrics.at[0] = (struct otlp_metric){ .type = OTLP_SUM,
                                                         .name = BYTES("http.requests"),
                                                         .unit = BYTES("{request}"),
                                                         .description = BYTES("that came"),
                                                         .aggregation_temporality = 2,
                                                         .is_monotonic = true };
    struct rows_row row = { .kind = ROWS_METRIC, .service = BYTES("cart"), .timestamp_us = T0_US, .point = &point };
    for (int i = 0; i < 5; i++) add(world, &row);
    struct rollup_changes changes = changes_of(world->delta);
    assert_int_equal(changes.metric_count, 1);
    const struct rollup_metric *metric = &changes.metrics[0];
    assert_int_equal(metric->row_count, 5);
    assert_string_equal(metric->type, "sum");
    assert_string_equal(metric->temporality, "cumulative");
    assert_true(metric->is_monotonic && bytes_equal(metric->unit, BYTES("{request}")));
    LINES(&changes, "+0 metric cart  >(): 5/0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = { TEST(test_counts), TEST(test_edges),  TEST(test_many_calls_are_sampled),
                                        TEST(test_facets), TEST(test_limits), TEST(test_limits_of_a_day),
                                        TEST(test_merge),  TEST(test_metrics) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
