/* chance.h -- random numbers that are the same on every machine with the same libm: what made-up weeks are made of.
 * xoroshiro128+, D. Blackman and S. Vigna. Thread: one owner of a struct chance. Memory: 64 KB. */
#pragma once
#include <stdint.h>

struct chance {
    uint64_t random[2];
    float normals[1 << 14];
};
void chance_seed(struct chance *chance, uint64_t seed);
uint64_t chance_next(struct chance *chance);
double chance_uniform(struct chance *chance, double low, double high);
double chance_log_uniform(struct chance *chance, double low, double high);
double chance_normal(struct chance *chance);
double chance_poisson(struct chance *chance, double mean);
double chance_binomial(struct chance *chance, double n, double p);
double chance_quantile(double p); /* of the normal distribution */
