/* rollup_flows.h -- what each service serves and each call of the service map carries, in two times one after the other: for what
 * asks where trouble began.
 *
 *   [from ............ since ...... to)      rollup_minutes --one statement--> minutes of each flow
 *       times[0]            times[1]         rollup_minute_buckets --one statement--> durations of both times
 *
 * A flow is a service's requests (server and consumer spans, all endpoints together) or the calls of one edge. Calls that nobody has answered
 * ROLLUP_UNANSWERED_US after they were stored count as calls of what they named, though they become edges later (rollup_job): a host that
 * sends nothing would be seen five minutes late. Where traces are sampled they do not, for then the answer may have been left out.
 * Thread: any. Memory: answers live in the caller's arena. Errors: as db_snapshot; ERR_TOO_LARGE: more than ROLLUP_FLOWS_MAX flows,
 * ROLLUP_FLOW_MINUTES_MAX minutes or ROLLUP_FLOW_BUCKETS_MAX buckets. */
#pragma once
#include "base/arena.h"
#include "base/ddsketch.h"
#include "meta/rollup.h"

#define ROLLUP_FLOWS_MAX        25000
#define ROLLUP_FLOW_MINUTES_MAX 1000000
#define ROLLUP_FLOW_BUCKETS_MAX 2000000
#define ROLLUP_UNANSWERED_MAX   200000 /* more are left out */
#define ROLLUP_UNANSWERED_US    INT64_C(90000000)

struct rollup_flow_minute {
    int64_t at_unix_us, row_count, error_count, duration_count;
    double duration_sum_ns;
};
struct rollup_flow {
    bool is_edge;
    struct bytes service, source_kind, target, target_kind; /* service: of an edge its source; the rest: of edges */
    struct rollup_flow_minute *minutes;                     /* by time; those without rows are left out */
    uint32_t minute_count;
    struct {
        int64_t row_count, error_count;
        struct ddsketch_count *durations; /* in rising order of bucket */
        uint32_t duration_bucket_count;
    } times[2];
};
/* Edges behind all services. */
MUST_CHECK bool rollup_flows_read(struct db *db, struct uuid project_id, int64_t from_unix_us, int64_t since_unix_us,
                                  int64_t to_unix_us, int64_t now_unix_us, struct arena *arena,
                                  struct rollup_flow **flows, uint32_t *count, struct err *err);
