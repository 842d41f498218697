#include "base/histogram.h"

const double histogram_bounds_s[HISTOGRAM_BOUNDS] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                      0.25,   0.5,   1,      2.5,   5,    10,    30,   60 };
static const uint64_t bounds_ns[HISTOGRAM_BOUNDS] = { 500000,     1000000,     2500000,     5000000,
                                                      10000000,   25000000,    50000000,    100000000,
                                                      250000000,  500000000,   1000000000,  2500000000,
                                                      5000000000, 10000000000, 30000000000, 60000000000 };

void histogram_add_ns(struct histogram *histogram, uint64_t ns)
{
    uint32_t bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && ns > bounds_ns[bucket]) bucket++;
    atomic_fetch_add_explicit(&histogram->counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
}

void histogram_read(const struct histogram *histogram, struct histogram_counts *counts)
{
    counts->count = 0;
    for (uint32_t b = 0; b <= HISTOGRAM_BOUNDS; b++) {
        counts->counts[b] = atomic_load_explicit(&histogram->counts[b], memory_order_relaxed);
        counts->count += counts->counts[b];
    }
    counts->sum_s = (double)atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed) / 1e9;
}
