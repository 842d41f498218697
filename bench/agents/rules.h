/* rules.h -- what others do, on the same minutes: plain z-score, and the median and MAD of hourly counts.
 *
 *   RULE_ZSCORE  five minutes against mean and standard deviation of the 24 h before, |z| > 3: rows, share of errors, p95
 *   RULE_MAD     an hour against median and 1.4826 MAD of the 48 h before, |x - median| / max(MAD, 1) > 3 and |x - median| > 50:
 *                rows, errors, p95 in ms; looked at when the hour is over
 *
 * What goes on is told once, until it has been quiet for half an hour, or an hour (of hours).
 * Thread: one. Memory: 18 KB a series. */
#pragma once
#include "bench/agents/world.h"

enum rule { RULE_ZSCORE, RULE_MAD, RULES };
struct rule_alert {
    uint32_t series;
    enum family family;
    int is_up, minute; /* the first behind what was looked at */
};
struct rules;
struct rules *rules_create(uint32_t series_count);
void rules_destroy(struct rules *rules);
/* alerts: room for FAMILIES alerts of each series. */
size_t rules_minute(struct rules *rules, enum rule rule, int minute, const struct world_row *rows,
                    struct rule_alert *alerts);
/* Of the block of RULE_ZSCORE that ended with the last minute: rows a minute, share of errors, p95 in ms; NAN: none. */
const double *rules_block(const struct rules *rules, uint32_t series);
