#include "base/ddsketch.h"

#include <math.h>
#include <pthread.h>

#define STEPS 64 /* an octave is cut in so many, each narrower than a bucket */

static struct {
    uint64_t upper[DDSKETCH_BUCKET_MAX + 1]; /* the largest whole number of each bucket */
    int16_t start[64][STEPS];                /* bucket of the first number of each step */
} table;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_make(void)
{
    const long double step = logl(1.01L / 0.99L);
    for (int32_t bucket = 0; bucket < DDSKETCH_BUCKET_MAX; bucket++)
        table.upper[bucket] = (uint64_t)expl(step * (long double)bucket);
    table.upper[DDSKETCH_BUCKET_MAX] = UINT64_MAX;
    assert(table.upper[DDSKETCH_BUCKET_MAX - 1] < INT64_MAX);
    int32_t bucket = 0;
    for (unsigned octave = 0; octave < 64; octave++) {
        for (uint64_t part = 0; part < STEPS; part++) {
            uint64_t first = octave >= 6 ? (STEPS + part) << (octave - 6) : (STEPS + part) >> (6 - octave);
            while (table.upper[bucket] < first) bucket++;
            table.start[octave][part] = (int16_t)bucket;
        }
        /* Below 64 several steps begin with the same number; above, they only rise. */
    }
}

int32_t ddsketch_bucket(uint64_t ns)
{
    pthread_once(&table_once, table_make);
    if (unlikely(ns == 0)) return DDSKETCH_BUCKET_MIN;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ns);
    uint64_t part = octave >= 6 ? (ns >> (octave - 6)) - STEPS : (ns << (6 - octave)) - STEPS;
    int32_t bucket = table.start[octave][part];
    while (table.upper[bucket] < ns) bucket++;
    return bucket;
}

double ddsketch_value(int32_t bucket)
{
    const double gamma = 1.01 / 0.99;
    if (bucket < 0) return 0;
    if (bucket == 0) return 1;
    return 2 * pow(gamma, bucket) / (gamma + 1);
}

double ddsketch_quantile(const struct ddsketch_count *counts, size_t count, double q)
{
    int64_t all = 0, passed = 0;
    for (size_t i = 0; i < count; i++) all += counts[i].count > 0 ? counts[i].count : 0;
    if (all == 0) return NAN;
    int64_t rank = (int64_t)(q * (double)(all - 1));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (counts[i].count <= 0) continue;
        at = i;
        passed += counts[i].count;
        if (passed > rank) break;
    }
    return ddsketch_value(counts[at].bucket);
}
