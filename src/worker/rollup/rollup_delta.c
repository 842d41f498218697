#include "worker/rollup/rollup_delta.h"

#include <stdlib.h>

#include "base/ddsketch.h"
#include "base/utf8.h"
#include "worker/rollup/rollup_inside.h"
#include "worker/rows/rows_key.h"

#define BUCKETS_MIN      1024 /* a power of two */
#define FACET_ROWS       2000
#define FACET_ONE_IN     256u
#define DURATION_MAX_NS  INT64_C(315360000000000000) /* ten years; longer ones are not durations */
#define MINUTES_MAX      (1u << 24)                  /* of a delta; some GB */
#define TEXT_BLOCK_BYTES (64u << 10)

/* ---- tables ---- */

static void index_put(struct index *index, uint32_t hash, uint32_t entry)
{
    uint32_t at = hash & (index->cap - 1);
    while (index->slots[at].entry != 0) at = (at + 1) & (index->cap - 1);
    index->slots[at] = (struct index_slot){ hash, entry + 1 };
    index->used++;
}

void index_add(struct index *index, uint64_t hash, uint32_t entry)
{
    if ((index->used + 1) * 2 > index->cap) {
        struct index old = *index;
        *index = (struct index){ .cap = old.cap ? old.cap * 2 : 128 };
        index->slots = mem_calloc(index->cap, sizeof *index->slots);
        for (uint32_t i = 0; i < old.cap; i++) {
            if (old.slots[i].entry != 0) index_put(index, old.slots[i].hash, old.slots[i].entry - 1);
        }
        free(old.slots);
    }
    index_put(index, (uint32_t)hash, entry);
}

void index_reset(struct index *index)
{
    free(index->slots);
    *index = (struct index){ 0 };
}

struct rollup_delta *rollup_delta_create(void)
{
    struct rollup_delta *delta = mem_calloc(1, sizeof *delta);
    struct uuid seed = uuid_random();
    memcpy(&delta->seed, seed.bytes + 8, sizeof delta->seed);
    delta->random = delta->seed | 1;
    delta->sampled_one_in = 1;
    arena_init(&delta->arena, TEXT_BLOCK_BYTES);
    arena_init(&delta->request_arena, 4096);
    arena_init(&delta->changes_arena, TEXT_BLOCK_BYTES);
    return delta;
}

void rollup_delta_reset(struct rollup_delta *delta)
{
    struct index *indexes[] = { &delta->projects_by, &delta->series_by, &delta->minutes_by, &delta->metrics_by,
                                &delta->keys_by,     &delta->texts_by,  &delta->halves_by };
    for (size_t i = 0; i < COUNT_OF(indexes); i++) index_reset(indexes[i]);
#define ARRAY_RESET(array) (free((array).at), (array).at = NULL, (array).count = (array).cap = 0)
    ARRAY_RESET(delta->projects);
    ARRAY_RESET(delta->series);
    ARRAY_RESET(delta->minutes);
    ARRAY_RESET(delta->metrics);
    ARRAY_RESET(delta->keys);
    ARRAY_RESET(delta->values);
    ARRAY_RESET(delta->texts);
    ARRAY_RESET(delta->halves);
    free(delta->buckets);
    delta->buckets = NULL;
    delta->bucket_cap = delta->bucket_used = delta->attribute_weight = 0;
    memset(delta->pending, 0, sizeof delta->pending);
    delta->sampled_one_in = 1;
    arena_reset(&delta->arena);
    arena_reset(&delta->changes_arena);
}

void rollup_delta_destroy(struct rollup_delta *delta)
{
    if (!delta) return;
    rollup_delta_reset(delta);
    arena_deinit(&delta->arena);
    arena_deinit(&delta->request_arena);
    arena_deinit(&delta->changes_arena);
    free(delta);
}

bool rollup_delta_is_empty(const struct rollup_delta *delta)
{
    return delta->series.count == 0;
}

size_t rollup_delta_bytes(const struct rollup_delta *delta)
{
    const struct index *indexes[] = { &delta->projects_by, &delta->series_by, &delta->minutes_by, &delta->metrics_by,
                                      &delta->keys_by,     &delta->texts_by,  &delta->halves_by };
    size_t bytes = delta->arena.bytes + delta->request_arena.bytes + delta->changes_arena.bytes;
    for (size_t i = 0; i < COUNT_OF(indexes); i++) bytes += indexes[i]->cap * sizeof *indexes[i]->slots;
#define ARRAY_BYTES(array) ((array).cap * sizeof *(array).at)
    return bytes + ARRAY_BYTES(delta->projects) + ARRAY_BYTES(delta->series) + ARRAY_BYTES(delta->minutes) +
           ARRAY_BYTES(delta->metrics) + ARRAY_BYTES(delta->keys) + ARRAY_BYTES(delta->values) +
           ARRAY_BYTES(delta->texts) + ARRAY_BYTES(delta->halves) + delta->bucket_cap * sizeof *delta->buckets;
}

struct bytes delta_text(struct rollup_delta *delta, struct bytes text, size_t len_max)
{
    if (text.len == 0) return (struct bytes){ (const uint8_t *)"", 0 };
    if (unlikely(text.len > len_max)) text.len = utf8_cut(text, len_max);
    if (likely(memchr(text.ptr, 0, text.len) == NULL)) return arena_copy(&delta->arena, text);
    uint8_t *start = arena_alloc(&delta->arena, text.len * 3), *at = start;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != 0) {
            *at++ = text.ptr[i];
        } else {
            memcpy(at, "\xEF\xBF\xBD", 3);
            at += 3;
        }
    }
    return bytes_from(start, (size_t)(at - start));
}

/* As delta_text would make of a text: equal to what is kept? */
static bool text_is_kept_as(struct bytes kept, struct bytes text)
{
    if (likely(bytes_equal(kept, text))) return true;
    if (text.len > ROLLUP_TEXT_BYTES) text.len = utf8_cut(text, ROLLUP_TEXT_BYTES);
    if (text.len == 0 || memchr(text.ptr, 0, text.len) == NULL) return bytes_equal(kept, text);
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        size_t len = text.ptr[i] != 0 ? 1 : 3;
        if (at + len > kept.len ||
            memcmp(kept.ptr + at, len == 1 ? (const char *)&text.ptr[i] : "\xEF\xBF\xBD", len) != 0)
            return false;
        at += len;
    }
    return at == kept.len;
}

uint32_t delta_project(struct rollup_delta *delta, struct uuid id)
{
    uint64_t hash = hash64_key(bytes_from(id.bytes, sizeof id.bytes), delta->seed);
    uint32_t step = 0, entry;
    while (index_next(&delta->projects_by, hash, &step, &entry)) {
        if (uuid_equal(delta->projects.at[entry].id, id)) return entry;
    }
    *ARRAY_ADD(delta->projects) = (struct project){ .id = id };
    index_add(&delta->projects_by, hash, delta->projects.count - 1);
    return delta->projects.count - 1;
}

/* ---- names ---- */

struct rollup_names {
    int64_t day;
    struct key_sets endpoints, services;
    uint32_t endpoint_set, service_set; /* of the request's project */
};

static void names_begin(struct rollup_names *names, int64_t day)
{
    key_sets_init(&names->endpoints, ROLLUP_SERIES_MAX);
    key_sets_init(&names->services, ROLLUP_SERIES_MAX / 2);
    names->day = day;
}

struct rollup_names *rollup_names_create(void)
{
    struct rollup_names *names = mem_calloc(1, sizeof *names);
    names_begin(names, INT64_MIN);
    return names;
}

void rollup_names_destroy(struct rollup_names *names)
{
    if (!names) return;
    key_sets_deinit(&names->endpoints);
    key_sets_deinit(&names->services);
    free(names);
}

static void names_open(struct rollup_names *names, int64_t at_us, struct uuid project)
{
    int64_t day = floor_to(at_us, ROLLUP_DAY_US);
    if (unlikely(day != names->day)) {
        key_sets_deinit(&names->endpoints);
        key_sets_deinit(&names->services);
        names_begin(names, day);
    }
    names->endpoint_set = key_sets_open(&names->endpoints, project);
    names->service_set = key_sets_open(&names->services, project);
}

/* May a series of this name be made? */
static bool name_is_admitted(const struct rollup_delta *delta, const struct series *like)
{
    struct rollup_names *names = delta->names;
    if (names == NULL || bytes_equal(like->service, BYTES(ROLLUP_OTHER))) return true;
    if (like->endpoint.len >= UUID_TEXT_BYTES)
        return key_sets_admit(&names->endpoints, names->endpoint_set, hash64_of(like->endpoint) | 1);
    return key_sets_admit(&names->services, names->service_set, hash64_of(like->service) | 1);
}

/* ---- series ---- */

static uint64_t service_hash(const struct rollup_delta *delta, struct bytes service)
{
    return hash64_key(service, delta->seed) | 1;
}

/* An endpoint's UUID as text is random enough where it is not the version. */
static uint64_t endpoint_hash(struct bytes endpoint)
{
    uint64_t head, tail;
    if (endpoint.len < 36) return endpoint.len; /* none, or all others */
    memcpy(&head, endpoint.ptr, 8);
    memcpy(&tail, endpoint.ptr + 28, 8);
    return hash64_mix(head ^ 0x9E3779B97F4A7C15u, tail ^ 0xE7037ED1A0B428DBu);
}

static uint64_t series_hash(uint32_t project, uint8_t kind, uint64_t of_service, uint64_t of_endpoint)
{
    return hash64_mix(of_service ^ ((uint64_t)project << 8 | kind) * 0xA0761D6478BD642Fu,
                      of_endpoint ^ 0x8EBC6AF09C88C6E3u);
}

static uint32_t series_make(struct rollup_delta *delta, uint64_t hash, const struct series *like)
{
    struct series *series = ARRAY_ADD(delta->series);
    *series = *like;
    series->service = delta_text(delta, like->service, ROLLUP_TEXT_BYTES);
    series->endpoint = delta_text(delta, like->endpoint, ROLLUP_TEXT_BYTES);
    series->method = delta_text(delta, like->method, ROLLUP_TEXT_BYTES);
    series->route = delta_text(delta, like->route, ROLLUP_TEXT_BYTES);
    series->target = delta_text(delta, like->target, ROLLUP_TEXT_BYTES);
    series->first_us = INT64_MAX;
    series->last_us = INT64_MIN;
    series->minute_us = INT64_MIN;
    delta->projects.at[like->project].series_count++;
    index_add(&delta->series_by, hash, delta->series.count - 1);
    return delta->series.count - 1;
}

/* Endpoints over the limit are one of their service; services over twice the limit are one. */
static uint32_t rows_series(struct rollup_delta *delta, const struct series *like, uint64_t of_service)
{
    uint64_t hash = series_hash(like->project, like->kind, of_service, endpoint_hash(like->endpoint));
    uint32_t step = 0, entry;
    while (index_next(&delta->series_by, hash, &step, &entry)) {
        const struct series *series = &delta->series.at[entry];
        if (likely(series->project == like->project && series->kind == like->kind &&
                   bytes_equal(series->endpoint, like->endpoint) && text_is_kept_as(series->service, like->service)))
            return entry;
    }
    struct series other = *like;
    uint32_t count = delta->projects.at[like->project].series_count;
    bool is_admitted = name_is_admitted(delta, like);
    if (likely(is_admitted && count < ROLLUP_SERIES_MAX)) return series_make(delta, hash, like);
    if (like->endpoint.len > 0 && !bytes_equal(like->endpoint, BYTES(ROLLUP_OTHER))) {
        other.endpoint = other.route = BYTES(ROLLUP_OTHER);
        other.method = (struct bytes){ 0 };
        return rows_series(delta, &other, of_service);
    }
    if ((is_admitted && count < 2 * ROLLUP_SERIES_MAX) || bytes_equal(like->service, BYTES(ROLLUP_OTHER)))
        return series_make(delta, hash, like);
    other.service = BYTES(ROLLUP_OTHER);
    return rows_series(delta, &other, service_hash(delta, other.service));
}

uint32_t delta_edge(struct rollup_delta *delta, uint32_t project, struct bytes source, const char *source_kind,
                    struct bytes target, const char *target_kind)
{
    uint64_t hash = hash64_mix(hash64_key(source, delta->seed) ^ (uint64_t)(uint8_t)source_kind[0] << 7 ^ project,
                               hash64_key(target, delta->seed) ^ (uint64_t)(uint8_t)target_kind[0] << 9 ^ 0xED6E);
    uint32_t step = 0, entry;
    while (index_next(&delta->series_by, hash, &step, &entry)) {
        const struct series *series = &delta->series.at[entry];
        if (series->kind == KIND_EDGE && series->project == project && text_is_kept_as(series->service, source) &&
            text_is_kept_as(series->target, target) && strcmp(series->source_kind, source_kind) == 0 &&
            strcmp(series->target_kind, target_kind) == 0)
            return entry;
    }
    struct series like = { .project = project,
                           .kind = KIND_EDGE,
                           .service = source,
                           .source_kind = source_kind,
                           .target = target,
                           .target_kind = target_kind };
    if (delta->projects.at[project].series_count < 2 * ROLLUP_SERIES_MAX || bytes_equal(target, BYTES(ROLLUP_OTHER)))
        return series_make(delta, hash, &like);
    return delta_edge(delta, project, BYTES(ROLLUP_OTHER), source_kind, BYTES(ROLLUP_OTHER), target_kind);
}

/* ---- minutes and buckets ---- */

static uint32_t series_minute(struct rollup_delta *delta, uint32_t at, int64_t minute_us)
{
    struct series *series = &delta->series.at[at];
    if (likely(series->minute_us == minute_us)) return series->minute;
    uint64_t hash = hash64_mix((uint64_t)minute_us ^ delta->seed, at ^ 0xA0761D6478BD642Fu);
    uint32_t step = 0, entry;
    series->minute_us = minute_us;
    while (index_next(&delta->minutes_by, hash, &step, &entry)) {
        if (delta->minutes.at[entry].series == at && delta->minutes.at[entry].at_us == minute_us)
            return series->minute = entry;
    }
    *ARRAY_ADD(delta->minutes) = (struct minute){ .series = at, .at_us = minute_us };
    index_add(&delta->minutes_by, hash, delta->minutes.count - 1);
    return series->minute = delta->minutes.count - 1;
}

static inline uint32_t bucket_place(const struct rollup_delta *delta, uint64_t key)
{
    return (uint32_t)hash64_mix(key, 0x9E3779B97F4A7C15u) & (delta->bucket_cap - 1);
}

static void bucket_put(struct rollup_delta *delta, uint64_t key, uint64_t count)
{
    uint32_t at = bucket_place(delta, key);
    while (delta->buckets[at] != 0 && delta->buckets[at] >> BUCKET_COUNT_BITS != key)
        at = (at + 1) & (delta->bucket_cap - 1);
    delta->bucket_used += delta->buckets[at] == 0;
    uint64_t sum = (delta->buckets[at] & BUCKET_COUNT_MAX) + count;
    delta->buckets[at] = key << BUCKET_COUNT_BITS | (sum < BUCKET_COUNT_MAX ? sum : BUCKET_COUNT_MAX);
}

static void buckets_grow(struct rollup_delta *delta)
{
    uint64_t *old = delta->buckets;
    uint32_t cap_old = delta->bucket_cap;
    delta->bucket_cap = cap_old ? cap_old * 2 : BUCKETS_MIN;
    delta->buckets = mem_calloc(delta->bucket_cap, sizeof *delta->buckets);
    delta->bucket_used = 0;
    for (uint32_t b = 0; b < cap_old; b++) {
        if (old[b] != 0) bucket_put(delta, old[b] >> BUCKET_COUNT_BITS, old[b] & BUCKET_COUNT_MAX);
    }
    free(old);
}

static void pending_put(struct rollup_delta *delta, struct bucket_add *add)
{
    if (add->count > 0) bucket_put(delta, add->key, add->count);
    add->count = 0;
}

static void pending_put_all(struct rollup_delta *delta)
{
    for (uint32_t p = 0; p < BUCKETS_PENDING; p++) pending_put(delta, &delta->pending[p]);
}

static void bucket_add(struct rollup_delta *delta, uint32_t minute, int32_t bucket, int64_t count)
{
    assert(minute < MINUTES_MAX);
    if (unlikely((delta->bucket_used + 1 + BUCKETS_PENDING) * 3 > delta->bucket_cap * 2)) buckets_grow(delta);
    struct bucket_add *add = &delta->pending[delta->pending_next++ % BUCKETS_PENDING];
    pending_put(delta, add);
    *add = (struct bucket_add){ BUCKET_KEY(minute, bucket),
                                (uint64_t)count < BUCKET_COUNT_MAX ? (uint64_t)count : BUCKET_COUNT_MAX };
    __builtin_prefetch(&delta->buckets[bucket_place(delta, add->key)], 1);
}

static inline void series_seen(struct series *series, int64_t at_us)
{
    if (at_us < series->first_us) series->first_us = at_us;
    if (at_us > series->last_us) series->last_us = at_us;
}

void delta_call_add(struct rollup_delta *delta, uint32_t series, int64_t at_us, int64_t duration_ns, bool is_error,
                    int64_t weight)
{
    uint32_t entry = series_minute(delta, series, floor_to(at_us, ROLLUP_MINUTE_US));
    struct minute *minute = &delta->minutes.at[entry];
    series_seen(&delta->series.at[series], at_us);
    minute->rows += weight;
    minute->errors += is_error ? weight : 0;
    if (duration_ns < 0 || duration_ns > DURATION_MAX_NS) return;
    minute->durations += weight;
    minute->duration_sum_ns += (double)duration_ns * (double)weight;
    if (duration_ns > minute->duration_max_ns) minute->duration_max_ns = duration_ns;
    bucket_add(delta, entry, ddsketch_bucket((uint64_t)duration_ns), weight);
}

/* ---- metric names ---- */

static const char *metric_type(enum otlp_metric_type type)
{
    switch (type) {
    case OTLP_GAUGE: return "gauge";
    case OTLP_SUM: return "sum";
    case OTLP_HISTOGRAM: return "histogram";
    case OTLP_EXPONENTIAL_HISTOGRAM: return "exponential_histogram";
    case OTLP_SUMMARY: return "summary";
    }
    return "gauge";
}

static uint32_t metric_get(struct rollup_delta *delta, const struct metric *like)
{
    uint64_t hash = hash64_mix(hash64_key(like->name, delta->seed) ^ like->project, service_hash(delta, like->service));
    uint32_t step = 0, entry;
    while (index_next(&delta->metrics_by, hash, &step, &entry)) {
        const struct metric *metric = &delta->metrics.at[entry];
        if (metric->project == like->project && text_is_kept_as(metric->name, like->name) &&
            text_is_kept_as(metric->service, like->service))
            return entry;
    }
    struct project *project = &delta->projects.at[like->project];
    if (project->metric_count >= ROLLUP_METRICS_MAX && !bytes_equal(like->name, BYTES(ROLLUP_OTHER))) {
        struct metric other = { .project = like->project, .name = BYTES(ROLLUP_OTHER), .type = "", .temporality = "" };
        return metric_get(delta, &other);
    }
    project->metric_count++;
    struct metric *metric = ARRAY_ADD(delta->metrics);
    *metric = *like;
    metric->name = delta_text(delta, like->name, ROLLUP_TEXT_BYTES);
    metric->service = delta_text(delta, like->service, ROLLUP_TEXT_BYTES);
    metric->unit = delta_text(delta, like->unit, ROLLUP_TEXT_BYTES);
    metric->description = delta_text(delta, like->description, 2 * ROLLUP_TEXT_BYTES);
    metric->rows = 0;
    metric->first_us = INT64_MAX;
    metric->last_us = INT64_MIN;
    index_add(&delta->metrics_by, hash, delta->metrics.count - 1);
    return delta->metrics.count - 1;
}

static void metric_row(struct rollup_delta *delta, const struct rows_row *row)
{
    uint32_t *kept = &delta->request_metrics[row->point->metric];
    if (unlikely(*kept == 0)) {
        const struct otlp_metric *sent = &delta->request->metrics.at[row->point->metric];
        struct metric like = { .project = delta->project,
                               .name = sent->name,
                               .service = row->service,
                               .unit = sent->unit,
                               .description = sent->description,
                               .type = metric_type(sent->type),
                               .temporality = sent->aggregation_temporality == 1   ? "delta"
                                              : sent->aggregation_temporality == 2 ? "cumulative"
                                                                                   : "",
                               .is_monotonic = sent->is_monotonic };
        *kept = metric_get(delta, &like) + 1;
    }
    struct metric *metric = &delta->metrics.at[*kept - 1];
    metric->rows++;
    if (row->timestamp_us < metric->first_us) metric->first_us = row->timestamp_us;
    if (row->timestamp_us > metric->last_us) metric->last_us = row->timestamp_us;
}

/* ---- rows ---- */

static inline uint64_t random_next(struct rollup_delta *delta)
{
    delta->random ^= delta->random << 13;
    delta->random ^= delta->random >> 7;
    delta->random ^= delta->random << 17;
    return delta->random;
}

/* A project's first rows in a delta are all looked at, of later ones each 256th, by chance. */
static inline void attributes_decide(struct rollup_delta *delta)
{
    delta->attribute_weight = delta->projects.at[delta->project].rows_seen < FACET_ROWS ? 1
                              : (random_next(delta) >> 20) % FACET_ONE_IN == 0          ? FACET_ONE_IN
                                                                                        : 0;
}

void rollup_delta_request_begin(struct rollup_delta *delta, struct rollup_names *names, int64_t at_us,
                                struct uuid project_id, const struct otlp_request *request)
{
    arena_reset(&delta->request_arena);
    delta->names = names;
    if (names != NULL) names_open(names, at_us, project_id);
    delta->project = delta_project(delta, project_id);
    delta->request = request;
    delta->service_hashes =
        arena_calloc(&delta->request_arena, request->resources.count * sizeof *delta->service_hashes);
    delta->request_metrics =
        arena_calloc(&delta->request_arena, request->metrics.count * sizeof *delta->request_metrics);
    attributes_decide(delta);
}

bool rollup_delta_wants_attributes(const struct rollup_delta *delta)
{
    return delta->attribute_weight > 0;
}

uint64_t rollup_delta_skipped(const struct rollup_delta *delta)
{
    return delta->skipped;
}

void rollup_delta_row(struct rollup_delta *delta, const struct rows_row *row, int64_t not_before_us)
{
    if (unlikely(row->timestamp_us < not_before_us)) {
        delta->skipped++;
        return;
    }
    uint64_t *of_service = &delta->service_hashes[row->resource];
    if (unlikely(*of_service == 0)) *of_service = service_hash(delta, row->service);
    struct series like = { .project = delta->project,
                           .kind = (uint8_t)row->kind,
                           .service = row->service,
                           .endpoint = row->endpoint,
                           .method = row->method,
                           .route = row->route,
                           .source_kind = "",
                           .target_kind = "" };
    uint32_t series = rows_series(delta, &like, *of_service);
    int64_t duration_ns = row->has_duration ? (int64_t)row->duration_ns : -1; /* rows keep it below INT64_MAX */
    delta_call_add(delta, series, row->timestamp_us, duration_ns, row->is_error, 1);
    if (row->span != NULL) calls_row(delta, row);
    if (row->point != NULL) metric_row(delta, row);
    if (delta->attribute_weight > 0) facets_row(delta, row, delta->attribute_weight);
    delta->projects.at[delta->project].rows_seen++;
    attributes_decide(delta);
}

/* ---- merging, arrays ---- */

void rollup_delta_merge(struct rollup_delta *into, struct rollup_delta *from)
{
    uint32_t *projects = mem_alloc((from->projects.count + 1) * sizeof *projects);
    uint32_t *series = mem_alloc((from->series.count + 1) * sizeof *series);
    uint32_t *minutes = mem_alloc((from->minutes.count + 1) * sizeof *minutes);
    into->names = NULL; /* they were admitted when they came */
    for (uint32_t p = 0; p < from->projects.count; p++) {
        projects[p] = delta_project(into, from->projects.at[p].id);
        into->projects.at[projects[p]].rows_seen += from->projects.at[p].rows_seen;
    }
    for (uint32_t s = 0; s < from->series.count; s++) {
        struct series like = from->series.at[s];
        like.project = projects[like.project];
        series[s] = like.kind == KIND_EDGE
                        ? delta_edge(into, like.project, like.service, like.source_kind, like.target, like.target_kind)
                        : rows_series(into, &like, service_hash(into, like.service));
        series_seen(&into->series.at[series[s]], like.first_us);
        series_seen(&into->series.at[series[s]], like.last_us);
    }
    for (uint32_t m = 0; m < from->minutes.count; m++) {
        const struct minute *minute = &from->minutes.at[m];
        minutes[m] = series_minute(into, series[minute->series], minute->at_us);
        struct minute *sum = &into->minutes.at[minutes[m]];
        sum->rows += minute->rows;
        sum->errors += minute->errors;
        sum->durations += minute->durations;
        sum->duration_sum_ns += minute->duration_sum_ns;
        if (minute->duration_max_ns > sum->duration_max_ns) sum->duration_max_ns = minute->duration_max_ns;
    }
    pending_put_all(from);
    for (uint32_t b = 0; b < from->bucket_cap; b++) {
        uint64_t slot = from->buckets[b];
        if (slot != 0) bucket_add(into, minutes[bucket_minute(slot)], bucket_number(slot), bucket_count(slot));
    }
    for (uint32_t m = 0; m < from->metrics.count; m++) {
        struct metric like = from->metrics.at[m];
        like.project = projects[like.project];
        uint32_t entry = metric_get(into, &like); /* may move the array */
        struct metric *metric = &into->metrics.at[entry];
        metric->rows += like.rows;
        if (like.first_us < metric->first_us) metric->first_us = like.first_us;
        if (like.last_us > metric->last_us) metric->last_us = like.last_us;
    }
    facets_merge(into, from, projects);
    calls_merge(into, from, projects);
    into->skipped += from->skipped;
    from->skipped = 0;
    free(projects);
    free(series);
    free(minutes);
    rollup_delta_reset(from);
}

static const char *kind_word(uint8_t kind)
{
    return kind == KIND_EDGE ? ROLLUP_KIND_EDGE : rows_kind_words[kind];
}

void rollup_delta_changes(struct rollup_delta *delta, struct rollup_changes *changes)
{
    struct arena *arena = &delta->changes_arena;
    arena_reset(arena);
    calls_changes(delta, changes); /* may find edges */
    pending_put_all(delta);
    facets_changes(delta, changes);
    changes->series = arena_alloc(arena, delta->series.count * sizeof *changes->series);
    changes->minutes = arena_alloc(arena, delta->minutes.count * sizeof *changes->minutes);
    changes->buckets = arena_alloc(arena, delta->bucket_used * sizeof *changes->buckets);
    changes->metrics = arena_alloc(arena, delta->metrics.count * sizeof *changes->metrics);
    changes->series_count = delta->series.count;
    changes->minute_count = delta->minutes.count;
    changes->metric_count = delta->metrics.count;
    changes->bucket_count = 0;
    int64_t *ids = arena_alloc(arena, delta->series.count * sizeof *ids);
    for (uint32_t s = 0; s < delta->series.count; s++) {
        const struct series *series = &delta->series.at[s];
        struct rollup_series *to = &changes->series[s];
        *to = (struct rollup_series){ .project_id = delta->projects.at[series->project].id,
                                      .kind = kind_word(series->kind),
                                      .service = series->service,
                                      .endpoint = series->endpoint,
                                      .method = series->method,
                                      .route = series->route,
                                      .source_kind = series->source_kind,
                                      .target = series->target,
                                      .target_kind = series->target_kind,
                                      .first_unix_us = series->first_us,
                                      .last_unix_us = series->last_us };
        ids[s] = to->id = rollup_series_id(to);
    }
    for (uint32_t m = 0; m < delta->minutes.count; m++) {
        const struct minute *minute = &delta->minutes.at[m];
        changes->minutes[m] = (struct rollup_sums){ .project_id = changes->series[minute->series].project_id,
                                                    .at_unix_us = minute->at_us,
                                                    .series_id = ids[minute->series],
                                                    .row_count = minute->rows,
                                                    .error_count = minute->errors,
                                                    .duration_count = minute->durations,
                                                    .duration_sum_ns = minute->duration_sum_ns,
                                                    .duration_max_ns = minute->duration_max_ns };
    }
    for (uint32_t b = 0; b < delta->bucket_cap; b++) {
        uint64_t slot = delta->buckets[b];
        if (slot == 0) continue;
        const struct rollup_sums *minute = &changes->minutes[bucket_minute(slot)];
        changes->buckets[changes->bucket_count++] = (struct rollup_bucket){ .project_id = minute->project_id,
                                                                            .at_unix_us = minute->at_unix_us,
                                                                            .series_id = minute->series_id,
                                                                            .bucket = bucket_number(slot),
                                                                            .row_count = bucket_count(slot) };
    }
    for (uint32_t m = 0; m < delta->metrics.count; m++) {
        const struct metric *metric = &delta->metrics.at[m];
        changes->metrics[m] = (struct rollup_metric){ .project_id = delta->projects.at[metric->project].id,
                                                      .name = metric->name,
                                                      .service = metric->service,
                                                      .unit = metric->unit,
                                                      .description = metric->description,
                                                      .type = metric->type,
                                                      .temporality = metric->temporality,
                                                      .is_monotonic = metric->is_monotonic,
                                                      .row_count = metric->rows,
                                                      .first_unix_us = metric->first_us,
                                                      .last_unix_us = metric->last_us };
    }
}
