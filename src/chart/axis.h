/* axis.h -- where the ticks of an axis are, and what they are called. Thread: pure functions. Errors: none. */
#pragma once
#include "base/bytes.h"
struct zone;

#define AXIS_TICKS_MAX  16
#define AXIS_TEXT_BYTES 32

struct axis {
    double low, high;
    uint32_t count;
    double at[AXIS_TICKS_MAX];
    char text[AXIS_TICKS_MAX][AXIS_TEXT_BYTES];
};
/* From 0 (or below, where values are) to a round number at or above high; 1, 2 or 5 times a power of ten apart. */
void axis_of_values(struct axis *axis, double low, double high, uint32_t ticks_wanted);
/* 1234567 of "" is "1.2M", of "ms" "20.6 min", of "B" "1.2 MiB". */
void axis_value_text(double value, struct bytes unit, char text[AXIS_TEXT_BYTES]);
/* Whole minutes, hours, days by the zone's wall clock, no more than ticks_max; at in unix microseconds. */
void axis_of_time(struct axis *axis, int64_t from_unix_us, int64_t to_unix_us, const struct zone *zone,
                  uint32_t ticks_max);
