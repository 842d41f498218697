/* steps.h -- whole numbers by steps, each at most 1/64 of its number wide: what percentiles are counted by.
 *
 *   0, 1 ... 127    themselves
 *   128 ...         64 steps between a power of two and the next: by the seven highest bits (HdrHistogram's buckets)
 *
 * step_value is the middle of a step, so what is made of it is off by 1/128 of the number at most, 0.8%; and it lies in the step, so
 * that counting middles again counts the same. Below zero counts as zero. Pure. */
#pragma once
#include <stdint.h>

#define STEPS_MAX (64 + 58 * 64)

static inline uint32_t step_of(int64_t value)
{
    if (value < 64) return value < 0 ? 0 : (uint32_t)value;
    uint32_t up = 63u - (uint32_t)__builtin_clzll((unsigned long long)value) - 6;
    return 64 + up * 64 + (uint32_t)((uint64_t)value >> up & 63);
}

/* The least of the numbers with the same four highest bits: 8 steps to a doubling, each of whole ones of the above. */
static inline int64_t step_coarse(int64_t value)
{
    if (value < 16) return value < 0 ? 0 : value;
    uint32_t up = 63u - (uint32_t)__builtin_clzll((unsigned long long)value) - 3;
    return (int64_t)((uint64_t)value >> up << up);
}

static inline int64_t step_value(uint32_t step)
{
    if (step < 64) return step;
    uint32_t up = (step - 64) / 64;
    return (int64_t)((uint64_t)(64 + (step - 64) % 64) << up) + (((int64_t)1 << up) - 1) / 2;
}
