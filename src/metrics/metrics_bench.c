/* What a point costs from its row on: points of 100 series to p95 by minute, CPU. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "metrics/metrics.h"

enum { SERIES = 100, POINTS = 1000, BOUNDS = 15, BUCKETS = 160, ROUNDS = 5 };
static const int64_t SECOND = 1000000, FROM = 1700000000ll / 60 * 60 * 1000000ll;

static void bench_kind(const char *name, enum metrics_kind kind, enum metrics_aggregate aggregate)
{
    uint64_t best_ns = UINT64_MAX;
    double sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct metrics_range range = { .from_us = FROM,
                                       .step_us = 60 * SECOND,
                                       .steps = POINTS / 6,
                                       .kind = kind,
                                       .aggregate = aggregate,
                                       .quantile = 0.95,
                                       .gap_us = 300 * SECOND,
                                       .hold_us = 25 * SECOND,
                                       .bytes_max = 256 << 20 };
        double bounds[BOUNDS], counts[BUCKETS] = { 0 };
        for (int b = 0; b < BOUNDS; b++) bounds[b] = pow(2, b - 8);
        uint64_t begin_ns = clock_cpu_ns();
        struct metrics *metrics = metrics_create(&range);
        uint32_t group;
        if (!metrics_group(metrics, &group)) return;
        for (int series = 0; series < SERIES; series++) {
            metrics_series(metrics, group);
            for (int b = 0; b < BUCKETS; b++) counts[b] = 0;
            struct metrics_point point = { .start_us = FROM, .min = NAN, .max = NAN, .bounds = bounds, .scale = 3 };
            for (int p = 1; p <= POINTS; p++) {
                uint32_t buckets = kind == METRICS_HISTOGRAM ? BOUNDS + 1 : BUCKETS;
                counts[(p * 7 + series) % (int)buckets]++;
                point.at_us = FROM + p * 10 * SECOND;
                point.value = point.count = p;
                point.positive = (struct metrics_side){ -80, buckets, counts };
                point.bound_count = kind == METRICS_HISTOGRAM ? BOUNDS : 0;
                if (!metrics_point(metrics, &point)) return;
            }
        }
        metrics_end(metrics);
        for (uint32_t step = 0; step < range.steps; step++) sum += metrics_value(metrics, group, step);
        metrics_destroy(metrics);
        uint64_t took_ns = clock_cpu_ns() - begin_ns;
        if (took_ns < best_ns) best_ns = took_ns;
    }
    printf("metrics_%s_ns_per_point %.0f ns\n", name, (double)best_ns / SERIES / POINTS);
    if (isnan(sum)) printf("metrics_%s: no number\n", name);
}

int main(void)
{
    bench_kind("counter_rate", METRICS_COUNTER, METRICS_RATE);
    bench_kind("gauge_avg", METRICS_GAUGE, METRICS_AVG);
    bench_kind("histogram_quantile", METRICS_HISTOGRAM, METRICS_QUANTILE);
    bench_kind("exponential_quantile", METRICS_EXPONENTIAL, METRICS_QUANTILE);
    return 0;
}
