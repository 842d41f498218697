#include "detect/detect_statistics.h"

#include <math.h>
#include <stdlib.h>

/* x ln(x / m), 0 for x = 0. */
static double term(double x, double m)
{
    return x > 0 ? x * log(x / m) : 0;
}

/* Half a count nearer to the mean, never past it. */
static double continued(double count, double mean)
{
    double difference = count - mean;
    if (fabs(difference) <= 0.5) return mean;
    return count - copysign(0.5, difference);
}

static double poisson_deviance(double count, double mean)
{
    return fmax(0, 2 * (term(count, mean) - (count - mean)));
}

static double binomial_deviance(double hits, double count, double probability)
{
    double mean = count * probability;
    return fmax(0, 2 * (term(hits, mean) + term(count - hits, count - mean)));
}

double detect_poisson_z(double count, double mean)
{
    if (!(count >= 0) || !(mean > 0) || !isfinite(count) || !isfinite(mean)) return 0;
    return copysign(sqrt(poisson_deviance(continued(count, mean), mean)), count - mean);
}

double detect_binomial_z(double hits, double count, double probability)
{
    if (!(hits >= 0) || !(count > 0) || !(hits <= count) || !(probability > 0) || !(probability < 1)) return 0;
    if (!isfinite(count)) return 0;
    double mean = count * probability;
    return copysign(sqrt(binomial_deviance(continued(hits, mean), count, probability)), hits - mean);
}

double detect_normal_tail(double z)
{
    return isnan(z) ? 1 : erfc(fabs(z) * M_SQRT1_2);
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double detect_false_discovery(double *p_values, size_t count, uint64_t tests, double rate)
{
    assert(count <= tests);
    if (count == 0) return 0;
    qsort(p_values, count, sizeof *p_values, double_compare);
    for (size_t k = count; k > 0; k--)
        if (p_values[k - 1] <= rate * (double)k / (double)tests) return p_values[k - 1];
    return 0;
}

size_t detect_change_point(const double *counts, const double *means, const double *sizes, size_t count, bool is_up)
{
    double hits = 0, mean = 0, size = 0, best = -1;
    size_t at = count > 0 ? count - 1 : 0;
    for (size_t i = count; i > 0; i--) {
        hits += counts[i - 1];
        mean += means[i - 1];
        if (sizes) size += sizes[i - 1];
        if (!(mean > 0) || (hits > mean) != is_up) continue;
        if (sizes && !(mean < size && hits <= size)) continue;
        double deviance = sizes ? binomial_deviance(hits, size, mean / size) : poisson_deviance(hits, mean);
        if (deviance > best) {
            best = deviance;
            at = i - 1;
        }
    }
    return at;
}
