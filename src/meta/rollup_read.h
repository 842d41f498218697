/* rollup_read.h -- what roll-ups answer: services, endpoints, edges of the service map, attributes and metric names of a
 * project and a range of time, a page at a time; and counts over time.
 *
 *   range --rollup_range_fit--> minutes | hours | days, its ends on whole ones
 *   minutes, and hours and days that are not closed, are read as minutes; so an answer is as new as the last flush
 *
 * Thread: any. Memory: answers live in the caller's arena. Errors: as db_read. */
#pragma once
#include "base/arena.h"
#include "meta/rollup.h"

enum rollup_grain { ROLLUP_MINUTES, ROLLUP_HOURS, ROLLUP_DAYS };
struct rollup_range {
    struct uuid project_id;
    int64_t from_unix_us, to_unix_us; /* to is not in it */
    enum rollup_grain grain;
};
/* Chooses the grain and widens the ends: up to 6 h by the minute, up to 14 days by the hour; what is older than 3 days never by
 * the minute, than 40 never by the hour. */
void rollup_range_fit(struct rollup_range *range, int64_t now_unix_us);
/* The same, and the range before it: as long, of the same grain, which is the coarser one where that time needs it. */
void rollup_range_pair(struct rollup_range *range, struct rollup_range *before, int64_t now_unix_us);
int64_t rollup_grain_us(enum rollup_grain grain);

struct rollup_figures {
    int64_t row_count, error_count, duration_count;
    double duration_sum_ns;
    int64_t duration_max_ns;
    double p50_ns, p95_ns, p99_ns; /* NAN: no durations */
};

#define ROLLUP_KEYS 3
struct rollup_page {
    bool is_first;
    struct bytes after[ROLLUP_KEYS]; /* keys of the last one before */
    uint32_t limit;
    struct bytes service; /* only this one's; empty: all */
};

enum rollup_list { ROLLUP_SERVICES, ROLLUP_ENDPOINTS, ROLLUP_EDGES };
/* A service, an endpoint or an edge that was seen in the range. */
struct rollup_item {
    struct bytes keys[ROLLUP_KEYS]; /* service | service, route, endpoint | source, target, kinds of both */
    struct bytes kind, method, source_kind, target_kind;
    int64_t first_unix_us, last_unix_us; /* ever */
    /* Of an endpoint's spans, an edge's calls; of a service its requests: server and consumer spans. */
    struct rollup_figures figures;
    int64_t span_count, span_error_count, log_count, log_error_count, point_count; /* of a service */
};
/* At most page->limit, in the order of their keys. */
MUST_CHECK bool rollup_list_read(struct db *db, enum rollup_list list, const struct rollup_range *range,
                                 const struct rollup_page *page, struct arena *arena, struct rollup_item **items,
                                 uint32_t *count, struct err *err);

/* What of a project is counted over time; empty: all. kind: of rows; "span": any but logs and metrics; "request": server and
 * consumer. */
struct rollup_filter {
    struct bytes service, kind, endpoint;
};
struct rollup_point {
    int64_t at_unix_us;
    struct rollup_figures figures;
};
/* In steps of step_us, a multiple of the grain; steps without rows are left out. At most limit. */
MUST_CHECK bool rollup_series_read(struct db *db, const struct rollup_range *range, const struct rollup_filter *filter,
                                   int64_t step_us, uint32_t limit, struct arena *arena, struct rollup_point **points,
                                   uint32_t *count, struct err *err);

/* A service that was seen in the range: its totals as rollup_list_read has them, and its requests in each step. */
struct rollup_service {
    struct rollup_item item;
    struct rollup_figures *steps; /* the first begins at the whole step that the range's from is in */
};
/* Number of steps of a range: rollup_services_read makes as many. */
uint32_t rollup_steps(const struct rollup_range *range, int64_t step_us);
/* All of them by name, or one; step_us: as above, or 0 for totals alone. One pass over what is counted, whose memory grows with
 * services, steps and how much durations differ. */
MUST_CHECK bool rollup_services_read(struct db *db, const struct rollup_range *range, struct bytes service,
                                     int64_t step_us, struct arena *arena, struct rollup_service **services,
                                     uint32_t *count, struct err *err);

struct rollup_value {
    struct bytes value;
    int64_t row_count;
};
struct rollup_attribute_item {
    struct bytes place, key, type;
    int64_t row_count, last_unix_us;
    struct rollup_value *values; /* the most frequent first */
    uint32_t value_count;
};
/* Attributes by (place, key), with up to value_limit values each. Whole days of the range count. place, prefix of the key:
 * empty for all. */
MUST_CHECK bool rollup_attributes_read(struct db *db, const struct rollup_range *range, struct bytes place,
                                       const struct rollup_page *page, uint32_t value_limit, struct arena *arena,
                                       struct rollup_attribute_item **items, uint32_t *count, struct err *err);

struct rollup_metric_item {
    struct bytes name, type, unit, description, temporality;
    bool is_monotonic;
    int64_t row_count, first_unix_us, last_unix_us;
    struct bytes *services;
    uint32_t service_count;
};
/* Metric names by name, with the services that send them. */
MUST_CHECK bool rollup_metrics_read(struct db *db, const struct rollup_range *range, const struct rollup_page *page,
                                    struct arena *arena, struct rollup_metric_item **items, uint32_t *count,
                                    struct err *err);

/* Names of services (is_route: of routes) whose rows came since a time, each once, in order; no figures, so it costs little. */
MUST_CHECK bool rollup_names_read(struct db *db, struct uuid project_id, int64_t since_unix_us, bool is_route,
                                  uint32_t limit, struct arena *arena, struct bytes **names, uint32_t *count,
                                  struct err *err);
