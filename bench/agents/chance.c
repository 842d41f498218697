#include "bench/agents/chance.h"
#include "base/bytes.h"
#include <math.h>

static uint64_t turn(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}
uint64_t chance_next(struct chance *chance)
{
    uint64_t a = chance->random[0], b = chance->random[1], sum = a + b;
    b ^= a;
    chance->random[0] = turn(a, 24) ^ b ^ (b << 16);
    chance->random[1] = turn(b, 37);
    return sum;
}
double chance_uniform(struct chance *chance, double low, double high)
{
    return low + (high - low) * ((double)(chance_next(chance) >> 11) + 0.5) / 9007199254740992.0;
}
double chance_log_uniform(struct chance *chance, double low, double high)
{
    return exp(chance_uniform(chance, log(low), log(high)));
}
double chance_normal(struct chance *chance)
{
    return (double)chance->normals[chance_next(chance) >> 50];
}
double chance_poisson(struct chance *chance, double mean)
{
    if (mean > 50) return fmax(0, floor(mean + sqrt(mean) * chance_normal(chance) + 0.5));
    double product = chance_uniform(chance, 0, 1), limit = exp(-mean), count = 0;
    while (product > limit) {
        product *= chance_uniform(chance, 0, 1);
        count++;
    }
    return count;
}
double chance_binomial(struct chance *chance, double n, double p)
{
    if (p <= 0 || n <= 0) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - chance_binomial(chance, n, 1 - p);
    if (n * p < 20) return fmin(n, chance_poisson(chance, n * p));
    return fmin(n, fmax(0, floor(n * p + sqrt(n * p * (1 - p)) * chance_normal(chance) + 0.5)));
}

double chance_quantile(double p)
{
    double low = -9, high = 9;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (erfc(-middle / sqrt(2)) / 2 < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void chance_seed(struct chance *chance, uint64_t seed)
{
    chance->random[0] = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    chance->random[1] = seed ^ UINT64_C(0xd1b54a32d192ed03);
    for (uint32_t i = 0; i < COUNT_OF(chance->normals); i++)
        chance->normals[i] = (float)chance_quantile((i + 0.5) / COUNT_OF(chance->normals));
    for (int i = 0; i < 20; i++) chance_next(chance);
}
