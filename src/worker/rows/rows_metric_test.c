/* Data points as rows. */
#include "worker/rows/rows_fixture.h"

static void test_number_points(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0] = (struct otlp_resource){
        .attributes = ATTRIBUTES(f, text_of("service.name", "cart"), text_of("host.name", "h"), text_of("os", "x")),
        .schema_url = BYTES("res-url"),
    };
    f->request.scopes.at[0] =
        (struct otlp_scope){ .name = BYTES("lib"), .version = BYTES("1"), .schema_url = BYTES("u") };
    struct otlp_point *point = sent_point(f, OTLP_SUM,
                                          ATTRIBUTES(f, int_of("http.response.status_code", 200),
                                                     text_of("messaging.operation", "receive"), text_of("k", "v")));
    point->has_value = point->is_integer = true;
    point->integer = 7;
    f->request.metrics.at[0].is_monotonic = true;
    f->request.metrics.at[0].aggregation_temporality = 2;
    f->request.metrics.at[0].description = BYTES("how many");
    point = sent_point(f, OTLP_GAUGE, (struct otlp_range){ 0 });
    point->has_value = true;
    point->number = 0.5;
    f->request.metrics.at[1].unit.len = 0;
    point = sent_point(f, OTLP_GAUGE, (struct otlp_range){ 0 });
    point->has_value = true;
    point->flags = 1;
    build(f);
    const char *expected[][2] = { { "metric_name", "http.duration" },
                                  { "metric_type", "sum" },
                                  { "metric_unit", "ms" },
                                  { "metric_description", "how many" },
                                  { "aggregation_temporality", "cumulative" },
                                  { "is_monotonic", "true" },
                                  { "flags", "0" },
                                  { "value", "7" },
                                  { "value_int", "7" },
                                  { "ingested_at", "1767225600000000" },
                                  { "start_timestamp", "1767225440000000" },
                                  { "dropped_attributes_count", "0" },
                                  { "message_size_bytes", "99" },
                                  { "resource___service___name", "cart" },
                                  { "resource___host___name", "h" },
                                  { "resource", "{\"os\":\"x\"}" },
                                  { "resource_schema_url", "res-url" },
                                  { "scope_name", "lib" },
                                  { "scope_version", "1" },
                                  { "scope_schema_url", "u" },
                                  { "attributes___http___response___status_code", "200" },
                                  { "attributes___messaging___operation", "receive" },
                                  { "attributes", "{\"k\":\"v\"}" } };
    for (size_t i = 0; i < COUNT_OF(expected); i++) assert_cell(f, 0, expected[i][0], expected[i][1]);
    assert_cell_null(f, 0, "value_double");
    assert_cell(f, 1, "metric_type", "gauge");
    assert_cell(f, 1, "metric_unit", "");
    assert_cell(f, 1, "value_double", "0.5");
    assert_cell(f, 1, "value", "0.5");
    assert_cell_null(f, 1, "value_int");
    assert_cell_null(f, 1, "is_monotonic");
    assert_cell_null(f, 2, "value"); /* no recorded value */
    assert_cell(f, 2, "flags", "1");
}

static void test_distribution_points(void **state)
{
    struct fixture *f = *state;
    uint64_t counts[] = { 1, UINT64_MAX, 2 };
    double numbers[] = { 0.5, 10 };
    memcpy(f->request.counts.at, counts, sizeof counts);
    memcpy(f->request.numbers.at, numbers, sizeof numbers);
    f->request.counts.count = 3;
    f->request.numbers.count = 2;
    struct otlp_point *point = sent_point(f, OTLP_HISTOGRAM, (struct otlp_range){ 0 });
    point->count = 4;
    point->has_sum = point->has_min = point->has_max = true;
    point->sum = 10;
    point->min = 1;
    point->max = 6;
    point->bucket_counts = (struct otlp_range){ 0, 3 };
    point->bounds = (struct otlp_range){ 0, 2 };
    f->request.exemplars.at[0] =
        (struct otlp_exemplar){ .time_unix_ns = T0_NS,
                                .has_value = true,
                                .number = 2,
                                .trace_id = BYTES("\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"),
                                .attributes = ATTRIBUTES(f, text_of("k", "v")) };
    point->exemplars = (struct otlp_range){ 0, 1 };
    point = sent_point(f, OTLP_EXPONENTIAL_HISTOGRAM, (struct otlp_range){ 0 });
    point->count = 0;
    point->has_sum = true;
    point->scale = -2;
    point->zero_count = 3;
    point->zero_threshold = 0.25;
    point->positive_offset = 4;
    point->negative_offset = -5;
    point->bucket_counts = (struct otlp_range){ 0, 1 };
    point->negative_counts = (struct otlp_range){ 2, 1 };
    point = sent_point(f, OTLP_SUMMARY, (struct otlp_range){ 0 });
    point->count = UINT64_MAX;
    point->quantiles = (struct otlp_range){ 0, 1 };
    point->quantile_values = (struct otlp_range){ 1, 1 };
    build(f);
    const char *expected[][3] = { { "0", "value", "2.5" },
                                  { "0", "distribution_count", "4" },
                                  { "0", "distribution_sum", "10" },
                                  { "0", "distribution_min", "1" },
                                  { "0", "distribution_max", "6" },
                                  { "0", "hist_bucket_counts", "1|9223372036854775807|2" },
                                  { "0", "hist_explicit_bounds", "0.5|10" },
                                  { "0", "exemplars",
                                    "[{\"time\":\"2025-12-31T23:58:20.000000123Z\",\"value\":2.0,\"trace_id\":"
                                    "\"11111111111111111111111111111111\",\"attributes\":{\"k\":\"v\"}}]" },
                                  { "1", "metric_type", "exponential_histogram" },
                                  { "1", "exp_hist_scale", "-2" },
                                  { "1", "exp_hist_zero_count", "3" },
                                  { "1", "exp_hist_zero_threshold", "0.25" },
                                  { "1", "exp_hist_pos_offset", "4" },
                                  { "1", "exp_hist_neg_offset", "-5" },
                                  { "1", "exp_hist_pos_buckets", "1" },
                                  { "1", "exp_hist_neg_buckets", "2" },
                                  { "2", "metric_type", "summary" },
                                  { "2", "distribution_count", "9223372036854775807" },
                                  { "2", "summary_quantiles", "0.5" },
                                  { "2", "summary_values", "10" } };
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_cell(f, (uint32_t)(expected[i][0][0] - '0'), expected[i][1], expected[i][2]);
    }
    assert_cell_null(f, 1, "value"); /* a mean of nothing */
    assert_cell_null(f, 1, "hist_bucket_counts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_number_points),
        TEST(test_distribution_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
