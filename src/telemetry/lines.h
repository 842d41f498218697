/* lines.h -- a set of metrics as lines of text, component|key|value|unit|description, for SQL's timefusion_stats.
 *
 *   monoscope.memory.usage {part=wire} 4096 By   ->   memory|usage{part=wire}|4096|By|what is used of a part's share now
 *   monoscope.flush.duration, a histogram        ->   flush|duration.count|12|...   flush|duration.sum|3.5|s|...
 *
 * Bars and line ends in attributes become spaces.
 * Thread: a pure function. Memory: out's; false when the text passes out's greatest size. */
#pragma once
#include "telemetry/metric.h"

MUST_CHECK bool lines_write(const struct metric_set *set, struct buf *out);
