/* chart.h -- lines or bars over time as a PNG: light theme, axes with units, a legend; what reports and alerts show by mail.
 *
 *   |  title                 unit
 *   |  |         __    ##  <- mark
 *   |  |__/\____/  \__ ##
 *   |  +--12:00--13:00--14:00--
 *
 * Thread: any. Memory: the PNG is the arena's, some 10 to 60 KB. Errors: ERR_INPUT for a chart over a limit or without steps;
 * ERR_MEMORY, ERR_INTERNAL what cairo says. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
struct zone;

#define CHART_SERIES_MAX 8
#define CHART_STEPS_MAX  4096
#define CHART_MARKS_MAX  32
#define CHART_SIDE_MAX   2000 /* points */

enum chart_kind { CHART_LINES, CHART_BARS }; /* bars of several series are stacked */
struct chart_series {
    struct bytes name;
    const double *values; /* step_count of them; NAN: none */
};
struct chart_mark {
    int64_t from_unix_us, to_unix_us; /* to 0: to the end */
};
struct chart {
    enum chart_kind kind;
    struct bytes title, unit; /* unit: "ms", "%", "B", "/min"; empty: a number */
    int64_t from_unix_us, step_us;
    uint32_t step_count;
    const struct chart_series *series; /* the second and later ones get a legend, and the first too then */
    uint32_t series_count;
    const struct chart_mark *marks;
    uint32_t mark_count;
    const struct zone *zone;        /* of the time axis; NULL: UTC */
    uint32_t width, height, pixels; /* points, and pixels of one: 0: 640, 220, 2 */
};
MUST_CHECK bool chart_png(const struct chart *chart, struct arena *arena, struct bytes *png, struct err *err);
