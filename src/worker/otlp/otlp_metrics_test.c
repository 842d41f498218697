/* The rules of otlp.h for metrics; that every field is read right: otlp_corpus_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/otlp/otlp.h"
#include "worker/otlp/otlp_encode.h"

struct decoded {
    struct otlp_request request;
    struct buf body;
    struct err err;
    bool ok;
};

/* Takes metric: the only one of the request. */
static struct decoded decode_metric_of(struct buf metric)
{
    struct buf records = message();
    put_message(&records, 2, &metric);
    struct decoded decoded = { .body = request_around(&records) };
    otlp_request_init(&decoded.request);
    decoded.ok = otlp_decode(&decoded.request, OTLP_METRICS, buf_bytes(&decoded.body), ENCODE_NOW_US,
                             &otlp_limits_default, &decoded.err);
    return decoded;
}

static void done(struct decoded *decoded)
{
    otlp_request_deinit(&decoded->request);
    buf_deinit(&decoded->body);
}

static struct buf point_at(uint64_t time_unix_ns, double value)
{
    struct buf point = message();
    put_fixed64(&point, 3, time_unix_ns);
    put_double(&point, 4, value);
    return point;
}

static void expect_counts(const struct decoded *decoded, struct otlp_range range, const uint64_t *counts,
                          uint32_t count)
{
    assert_int_equal(range.count, count);
    for (uint32_t i = 0; i < count; i++) assert_int_equal(decoded->request.counts.at[range.first + i], counts[i]);
}

/* Goal: name, unit, temporality and monotonic are the metric's even when sent behind its points; a point without a time
 * has that of its arrival.
 * Method: a sum with all fields in reverse order. */
static void test_metric_fields_behind_points(void **state)
{
    (void)state;
    struct buf metric = message(), sum = message(), point = point_at(0, 1.5);
    put_message(&sum, 1, &point);
    put_varint(&sum, 3, 1);
    put_varint(&sum, 2, 2);
    put_message(&metric, 7, &sum);
    put_text(&metric, 3, "By");
    put_text(&metric, 1, "io");
    struct decoded decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.points.count, 1);
    const struct otlp_metric *seen = &decoded.request.metrics.at[0];
    assert_int_equal(seen->type, OTLP_SUM);
    assert_true(seen->is_monotonic);
    assert_int_equal(seen->aggregation_temporality, 2);
    assert_true(bytes_equal(seen->name, BYTES("io")) && bytes_equal(seen->unit, BYTES("By")));
    assert_int_equal(decoded.request.points.at[0].time_unix_ns, ENCODE_NOW_NS);
    assert_true(decoded.request.points.at[0].has_value && !decoded.request.points.at[0].is_integer);
    done(&decoded);
}

/* Goal: of the data members of a metric the last sent one stands; the same one sent in parts is merged.
 * Method: gauge, sum, then gauge in two parts with a name between. */
static void test_data_is_a_oneof(void **state)
{
    (void)state;
    struct buf metric = message(), data = message(), point = point_at(ENCODE_NOW_NS, 1);
    put_message(&data, 1, &point);
    put_message(&metric, 5, &data);
    data = message(), point = point_at(ENCODE_NOW_NS, 2);
    put_message(&data, 1, &point);
    put_message(&metric, 7, &data);
    for (int i = 3; i <= 4; i++) {
        data = message(), point = point_at(ENCODE_NOW_NS, i);
        put_message(&data, 1, &point);
        put_message(&metric, 5, &data);
        put_text(&metric, 1, "g");
    }
    struct decoded decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.metrics.at[0].type, OTLP_GAUGE);
    assert_int_equal(decoded.request.points.count, 2);
    assert_true(decoded.request.points.at[0].number > 2.9 && decoded.request.points.at[0].number < 3.1);
    assert_true(decoded.request.points.at[1].number > 3.9 && decoded.request.points.at[1].number < 4.1);
    done(&decoded);
}

/* Goal: repeated numbers are read packed, one by one, and mixed; lists of a point lie each in one piece.
 * Method: a histogram with counts as 2 packed + 1, bounds alike and between them; an exponential one whose positive
 * and negative buckets come in turn. */
static void test_packed_and_unpacked_numbers(void **state)
{
    (void)state;
    static const uint64_t two[] = { 10, 20 }, three[] = { 10, 20, 30 };
    struct buf metric = message(), data = message(), point = message();
    double bound = 1;
    put_bytes(&point, 6, two, sizeof two);
    put_bytes(&point, 7, &bound, 8);
    put_fixed64(&point, 6, 30);
    put_double(&point, 7, 2);
    put_message(&data, 1, &point);
    put_message(&metric, 9, &data);
    struct decoded decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.rejected_count, 0);
    expect_counts(&decoded, decoded.request.points.at[0].bucket_counts, three, 3);
    assert_int_equal(decoded.request.points.at[0].bounds.count, 2);
    assert_true(decoded.request.numbers.at[decoded.request.points.at[0].bounds.first + 1] > 1.9);
    done(&decoded);

    static const uint64_t positive[] = { 1, 300, 2 }, negative[] = { 7, 8 };
    struct buf buckets = message();
    metric = message(), data = message(), point = message();
    put_bytes(&buckets, 2, "\x01\xAC\x02", 3); /* packed 1, 300 */
    put_sint32(&buckets, 1, -5);
    put_message(&point, 8, &buckets);
    buckets = message();
    put_varint(&buckets, 2, 7);
    put_sint32(&buckets, 1, 4);
    put_message(&point, 9, &buckets);
    buckets = message();
    put_varint(&buckets, 2, 2);
    put_message(&point, 8, &buckets);
    buckets = message();
    put_varint(&buckets, 2, 8);
    put_message(&point, 9, &buckets);
    put_sint32(&point, 6, -3);
    put_message(&data, 1, &point);
    put_message(&metric, 10, &data);
    decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    const struct otlp_point *seen = &decoded.request.points.at[0];
    expect_counts(&decoded, seen->bucket_counts, positive, 3);
    expect_counts(&decoded, seen->negative_counts, negative, 2);
    assert_int_equal(seen->scale, -3);
    assert_int_equal(seen->positive_offset, -5);
    assert_int_equal(seen->negative_offset, 4);
    done(&decoded);
}

/* Goal: a histogram's counts are one more than its bounds or none at all; else the point alone is left out.
 * Method: points of (counts, bounds): (0,0) (1,0) (3,2) fine, (2,2) and (4,2) not. */
static void test_histogram_counts_and_bounds(void **state)
{
    (void)state;
    static const int counts[] = { 0, 1, 3, 2, 4 }, bounds[] = { 0, 0, 2, 2, 2 };
    struct buf metric = message(), data = message();
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct buf point = message(), exemplar = message();
        put_fixed64(&point, 3, ENCODE_NOW_NS);
        for (int j = 0; j < counts[i]; j++) put_fixed64(&point, 6, 1);
        for (int j = 0; j < bounds[i]; j++) put_double(&point, 7, j);
        put_attribute_int(&exemplar, 7, "e", 1);
        put_message(&point, 8, &exemplar);
        put_message(&data, 1, &point);
    }
    put_message(&metric, 9, &data);
    struct decoded decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.points.count, 3);
    assert_int_equal(decoded.request.exemplars.count, 3);
    assert_int_equal(decoded.request.counts.count, 4);
    assert_int_equal(decoded.request.numbers.count, 2);
    assert_int_equal(decoded.request.rejected_count, 2);
    assert_string_equal(
        decoded.request.rejected_reason,
        "resource_metrics[0].scope_metrics[0].metrics[0].data_points[3]: 2 bucket_counts do not go with 2 "
        "explicit_bounds (one more is right)");
    done(&decoded);
}

/* Goal: a metric without data has no points and is no error; a bad name takes all points of its metric along; points out
 * of time are left out alone.
 * Method: one of each. */
static void test_bad_metrics_and_points(void **state)
{
    (void)state;
    struct buf metric = message();
    put_text(&metric, 1, "none");
    put_attribute_int(&metric, 12, "m", 1);
    struct decoded decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    assert_int_equal(otlp_record_count(&decoded.request) + decoded.request.rejected_count, 0);
    done(&decoded);

    metric = message();
    struct buf data = message(), point;
    for (int i = 0; i < 3; i++) {
        point = point_at(ENCODE_NOW_NS, i);
        put_message(&data, 1, &point);
    }
    put_message(&metric, 5, &data);
    put_text(&metric, 1, "\xFF");
    decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    assert_int_equal(otlp_record_count(&decoded.request), 0);
    assert_int_equal(decoded.request.rejected_count, 3);
    assert_string_equal(decoded.request.rejected_reason,
                        "resource_metrics[0].scope_metrics[0].metrics[0]: name is not valid UTF-8");
    done(&decoded);

    static const uint64_t times[] = { ENCODE_NOW_NS, 5, ENCODE_NOW_NS * 2 };
    metric = message(), data = message();
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        point = point_at(times[i], 1);
        put_message(&data, 1, &point);
    }
    put_message(&metric, 5, &data);
    decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.points.count, 1);
    assert_int_equal(decoded.request.rejected_count, 2);
    done(&decoded);
}

/* Goal: a summary's quantiles and values stand side by side; a cut number refuses the request.
 * Method: 3 quantiles; packed counts of 7 bytes. */
static void test_summary_and_cut_numbers(void **state)
{
    (void)state;
    struct buf metric = message(), data = message(), point = message();
    for (int i = 1; i <= 3; i++) {
        struct buf quantile = message();
        put_double(&quantile, 2, i * 100);
        put_double(&quantile, 1, i / 10.0);
        put_message(&point, 6, &quantile);
    }
    put_message(&data, 1, &point);
    put_message(&metric, 11, &data);
    struct decoded decoded = decode_metric_of(metric);
    assert_true(decoded.ok);
    const struct otlp_point *seen = &decoded.request.points.at[0];
    assert_int_equal(seen->quantiles.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        double quantile = decoded.request.numbers.at[seen->quantiles.first + i];
        double value = decoded.request.numbers.at[seen->quantile_values.first + i];
        assert_true(quantile * 1000 > value - 1 && quantile * 1000 < value + 1);
    }
    done(&decoded);

    metric = message(), data = message(), point = message();
    put_bytes(&point, 6, "1234567", 7);
    put_message(&data, 1, &point);
    put_message(&metric, 9, &data);
    decoded = decode_metric_of(metric);
    assert_false(decoded.ok);
    assert_string_equal(decoded.err.text,
                        "resource_metrics[0].scope_metrics[0].metrics[0].data_points[0]: not well-formed "
                        "protobuf (cut short, or a length past its end)");
    done(&decoded);
}

/* Goal: metadata that cannot be taken rejects the metric's points, wherever it stands, and nothing else.
 * Method: a metadata key that is not UTF-8, before and behind two points, with a name behind it. */
static void test_bad_metadata(void **state)
{
    (void)state;
    for (int is_behind = 0; is_behind <= 1; is_behind++) {
        struct buf metric = message(), gauge = message();
        for (int i = 0; i < 2; i++) {
            struct buf point = point_at(ENCODE_NOW_NS, i);
            put_message(&gauge, 1, &point);
        }
        if (is_behind) put_message(&metric, 5, &gauge);
        put_attribute_text(&metric, 12, "good", "a value of some length");
        put_attribute_text(&metric, 12, "bad \xFF", "a value of some length");
        put_attribute_text(&metric, 12, "good too", "a value of some length");
        put_text(&metric, 1, "name");
        if (!is_behind) put_message(&metric, 5, &gauge);
        struct decoded decoded = decode_metric_of(metric);
        if (!decoded.ok) fail_msg("%s", decoded.err.text);
        assert_int_equal(decoded.request.points.count, 0);
        assert_int_equal(decoded.request.rejected_count, 2);
        assert_non_null(strstr(decoded.request.rejected_reason, "metrics[0]: an attribute key is not valid UTF-8"));
        done(&decoded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric_fields_behind_points),
        cmocka_unit_test(test_data_is_a_oneof),
        cmocka_unit_test(test_packed_and_unpacked_numbers),
        cmocka_unit_test(test_histogram_counts_and_bounds),
        cmocka_unit_test(test_bad_metrics_and_points),
        cmocka_unit_test(test_summary_and_cut_numbers),
        cmocka_unit_test(test_bad_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
