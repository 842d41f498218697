/* rollup_inside.h -- what the files of a delta share. Not for other folders.
 *
 *   rollup_delta.c   series, minutes, buckets, metric names; merging; arrays
 *   rollup_calls.c   halves of calls and edges
 *   rollup_facets.c  attribute keys and values
 *   rollup_tap.c     the tap, and the job */
#pragma once
#include "base/hash.h"
#include "worker/rollup/rollup_delta.h"

/* Entries of an array by hash; entries are only added. */
struct index {
    struct index_slot {
        uint32_t hash;  /* its lower half: small slots, for they are seldom in the cache */
        uint32_t entry; /* + 1; 0: free */
    } * slots;
    uint32_t cap, used;
};
void index_add(struct index *index, uint64_t hash, uint32_t entry);
/* The next entry of this hash; *step starts at 0. False at the end. */
static inline bool index_next(const struct index *index, uint64_t hash, uint32_t *step, uint32_t *entry)
{
    while (*step < index->cap) {
        const struct index_slot *slot = &index->slots[((uint32_t)hash + *step) & (index->cap - 1)];
        if (slot->entry == 0) return false;
        ++*step;
        if (slot->hash != (uint32_t)hash) continue;
        *entry = slot->entry - 1;
        return true;
    }
    return false;
}
void index_reset(struct index *index);

struct project {
    struct uuid id;
    uint32_t series_count, key_count, metric_count;
    uint64_t rows_seen;
};
/* Kinds of series: enum rows_kind, then edges. */
#define KIND_EDGE ((uint8_t)ROWS_KIND_COUNT)
struct series { /* what every row looks at stands first */
    uint32_t project;
    uint32_t minute;   /* the latest one used ... */
    int64_t minute_us; /* ... which is of this time */
    struct bytes service, endpoint;
    uint8_t kind;
    int64_t first_us, last_us;
    struct bytes method, route, target;
    const char *source_kind, *target_kind;
};
struct minute {
    uint32_t series;
    int64_t at_us, rows, errors, durations, duration_max_ns;
    double duration_sum_ns;
};
/* A bucket's count in one word, for there are very many: minute's index << 12 | bucket + 2, then 28 bits of count; 0: free.
 * A count that is full stays so: 268 million rows of one minute, series and bucket. */
#define BUCKET_COUNT_BITS          28
#define BUCKET_COUNT_MAX           ((UINT64_C(1) << BUCKET_COUNT_BITS) - 1)
#define BUCKET_KEY(minute, bucket) ((uint64_t)(minute) << 12 | (uint64_t)((bucket) + 2))
static inline uint32_t bucket_minute(uint64_t slot)
{
    return (uint32_t)(slot >> (BUCKET_COUNT_BITS + 12));
}
static inline int32_t bucket_number(uint64_t slot)
{
    return (int32_t)(slot >> BUCKET_COUNT_BITS & 0xFFF) - 2;
}
static inline int64_t bucket_count(uint64_t slot)
{
    return (int64_t)(slot & BUCKET_COUNT_MAX);
}
/* Adds that wait for their slot to come from memory: a row takes longer. */
#define BUCKETS_PENDING 4
struct bucket_add {
    uint64_t key, count;
};
struct metric {
    uint32_t project;
    struct bytes name, service, unit, description;
    const char *type, *temporality;
    bool is_monotonic;
    int64_t rows, first_us, last_us;
};
struct value {
    uint64_t hash;
    struct bytes text;
    int64_t rows, last_us;
    uint32_t seen, next; /* of the key, + 1 */
};
struct facet {
    uint32_t project;
    const char *place, *type;
    struct bytes text;
    int64_t day_us, rows, last_us;
    uint32_t value_count, first_value; /* + 1 */
    bool is_many;                      /* more values than are looked at */
};
struct half {
    uint32_t project;
    uint8_t trace_id[16], span_id[8];
    bool has_client, has_server, is_error;
    uint32_t client, server; /* texts: services */
    uint32_t target;         /* a text */
    const char *target_kind;
    int64_t at_us, duration_ns;
};

#define ARRAY_OF(type)       \
    struct {                 \
        type *at;            \
        uint32_t count, cap; \
    }
#define ARRAY_ADD(array)                                                                                            \
    (((array).count == (array).cap ? (void)((array).cap = (array).cap ? (array).cap * 2 : 64,                       \
                                            (array).at = mem_realloc((array).at, (array).cap * sizeof *(array).at)) \
                                   : (void)0),                                                                      \
     &(array).at[(array).count++])

struct rollup_delta {
    struct arena arena; /* texts */
    ARRAY_OF(struct project) projects;
    ARRAY_OF(struct series) series;
    ARRAY_OF(struct minute) minutes;
    ARRAY_OF(struct metric) metrics;
    ARRAY_OF(struct facet) keys;
    ARRAY_OF(struct value) values;
    ARRAY_OF(struct bytes) texts;
    ARRAY_OF(struct half) halves;
    struct index projects_by, series_by, minutes_by, metrics_by, keys_by, texts_by, halves_by;
    uint64_t *buckets;
    uint32_t bucket_cap, bucket_used;
    struct bucket_add pending[BUCKETS_PENDING];
    uint32_t pending_next;
    uint64_t seed; /* strangers cannot choose what falls together */
    uint64_t random;
    uint32_t sampled_one_in;   /* of traces, for halves: a power of two */
    uint32_t attribute_weight; /* of the next row's; 0: they are not looked at */
    uint64_t skipped;

    /* of the request at hand */
    struct rollup_names *names; /* NULL: none are refused */
    uint32_t project;
    const struct otlp_request *request;
    struct arena request_arena;
    uint64_t *service_hashes;  /* by resource; 0: not made */
    uint32_t *request_metrics; /* by metric: entry + 1 */

    struct arena changes_arena;
};

/* rollup_delta.c */
struct bytes delta_text(struct rollup_delta *delta, struct bytes text, size_t len_max); /* kept, cut, without NULs */
uint32_t delta_project(struct rollup_delta *delta, struct uuid id);
uint32_t delta_edge(struct rollup_delta *delta, uint32_t project, struct bytes source, const char *source_kind,
                    struct bytes target, const char *target_kind);
/* duration_ns -1, or longer than durations are: not told. */
void delta_call_add(struct rollup_delta *delta, uint32_t series, int64_t at_us, int64_t duration_ns, bool is_error,
                    int64_t weight);
/* rollup_calls.c */
void calls_row(struct rollup_delta *delta, const struct rows_row *row);
void calls_merge(struct rollup_delta *into, const struct rollup_delta *from, const uint32_t *projects);
void calls_changes(struct rollup_delta *delta, struct rollup_changes *changes);
/* rollup_facets.c */
void facets_row(struct rollup_delta *delta, const struct rows_row *row, uint32_t weight);
void facets_merge(struct rollup_delta *into, const struct rollup_delta *from, const uint32_t *projects);
void facets_changes(struct rollup_delta *delta, struct rollup_changes *changes);

static inline int64_t floor_to(int64_t at_us, int64_t step_us)
{
    int64_t rest = at_us % step_us;
    return at_us - (rest < 0 ? rest + step_us : rest);
}
