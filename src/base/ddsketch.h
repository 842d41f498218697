/* ddsketch.h -- quantiles of durations from counts by bucket: within 1% of the true value, and merged by adding counts.
 *
 *   ns --ddsketch_bucket--> bucket b: (g^(b-1), g^b], g = 1.01 / 0.99     (bucket, count) rows --ddsketch_quantile--> ns
 *     0 is bucket -1; 1 is bucket 0; an hour is bucket 1446; 2^63 ns bucket 2184
 *
 * What is kept is (bucket, count), so that SUM(count) GROUP BY bucket merges sketches in any database, over minutes, hours,
 * machines. The bounds are whole numbers made by integer comparison: the same on every machine.
 * Thread: any; the table of bounds is made once, by the first call. Memory: 26 KB, static.
 * Source: Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees" (2019);
 * the mapping is the logarithmic one, unbounded on both sides, so nothing is ever collapsed. */
#pragma once
#include "base/bytes.h"

#define DDSKETCH_BUCKET_MAX 2184
#define DDSKETCH_BUCKET_MIN (-1)

struct ddsketch_count {
    int32_t bucket;
    int64_t count;
};

int32_t ddsketch_bucket(uint64_t ns); /* above INT64_MAX: that of INT64_MAX */
/* What stands for all values of a bucket: at most 1% from each of them. */
double ddsketch_value(int32_t bucket);
/* The value below or at which the share q (0 to 1) of all counts lies: of rank q * (n - 1), as numpy's "lower". counts in
 * rising order of bucket; counts of 0 and below do not matter. NAN when there are none. */
double ddsketch_quantile(const struct ddsketch_count *counts, size_t count, double q);
