/* histogram.h -- how long things take: counts by bucket, added to from any thread without a lock.
 *
 *   histogram_add_ns(&ack, ns);      0.5 ms | 1 | 2.5 | 5 ... 30 s | 60 s | longer      the same bounds for all
 *
 * Thread: add and read from any; a read beside adds may miss the newest. Memory: 144 bytes; all zeros is an empty one.
 * Units: nanoseconds in, seconds out. Source of the bounds: OpenTelemetry's advice for http.server.request.duration, with
 * finer ones below (an answer takes about 1 ms) and longer ones above (a flush may take a minute). */
#pragma once
#include "base/bytes.h"
#include <stdatomic.h>

#define HISTOGRAM_BOUNDS 16
extern const double histogram_bounds_s[HISTOGRAM_BOUNDS]; /* inclusive upper ones */

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BOUNDS + 1];
    _Atomic uint64_t sum_ns;
};
struct histogram_counts {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* of each bucket alone */
    uint64_t count;                        /* of all */
    double sum_s;
};
void histogram_add_ns(struct histogram *histogram, uint64_t ns);
void histogram_read(const struct histogram *histogram, struct histogram_counts *counts);
