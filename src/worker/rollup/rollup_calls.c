/* Who calls whom: a client span and the server span below it make an edge; databases, queues and callers from outside do at
 * once. */
#include <stdlib.h>

#include "worker/rollup/rollup_inside.h"

/* The same traces everywhere: XXH3 of the id, never seeded. */
static uint64_t trace_hash(const uint8_t trace_id[16])
{
    return hash64_of(bytes_from(trace_id, 16));
}

static uint64_t half_hash(uint32_t project, uint64_t of_trace, const uint8_t span_id[8])
{
    uint64_t span;
    memcpy(&span, span_id, sizeof span);
    return hash64_mix(of_trace ^ project, span ^ 0x9E3779B97F4A7C15u);
}

/* As rollup_trace_is_sampled, of the hash. */
static bool is_sampled(uint64_t of_trace, uint32_t one_in)
{
    return ((of_trace >> 32) & (one_in - 1)) == 0;
}

static uint32_t text_get(struct rollup_delta *delta, struct bytes text)
{
    if (text.len > ROLLUP_TEXT_BYTES || (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL))
        text = delta_text(delta, text, ROLLUP_TEXT_BYTES);
    uint64_t hash = hash64_key(text, delta->seed);
    uint32_t step = 0, entry;
    while (index_next(&delta->texts_by, hash, &step, &entry)) {
        if (bytes_equal(delta->texts.at[entry], text)) return entry;
    }
    struct bytes kept = delta_text(delta, text, ROLLUP_TEXT_BYTES);
    *ARRAY_ADD(delta->texts) = kept;
    index_add(&delta->texts_by, hash, delta->texts.count - 1);
    return delta->texts.count - 1;
}

static bool is_matched(const struct half *half)
{
    return half->has_client && half->has_server;
}

/* Forgets those whose both sides came, and traces that are not sampled any more. */
static void halves_thin(struct rollup_delta *delta)
{
    uint32_t kept = 0;
    index_reset(&delta->halves_by);
    for (uint32_t h = 0; h < delta->halves.count; h++) {
        struct half half = delta->halves.at[h];
        uint64_t of_trace = trace_hash(half.trace_id);
        if (is_matched(&half) || !is_sampled(of_trace, delta->sampled_one_in)) continue;
        delta->halves.at[kept] = half;
        index_add(&delta->halves_by, half_hash(half.project, of_trace, half.span_id), kept++);
    }
    delta->halves.count = kept;
}

#define SAMPLED_ONE_IN_MAX (1u << 20)

static void halves_make_room(struct rollup_delta *delta, uint32_t count_max)
{
    halves_thin(delta);
    while (delta->halves.count > count_max && delta->sampled_one_in < SAMPLED_ONE_IN_MAX) {
        delta->sampled_one_in *= 2;
        halves_thin(delta);
    }
    if (delta->halves.count <= count_max) return;
    /* One trace of so many calls, or ids chosen to be sampled: nobody's map is better for them. */
    delta->halves.count = 0;
    index_reset(&delta->halves_by);
}

static void half_matched(struct rollup_delta *delta, const struct half *half)
{
    uint32_t edge = delta_edge(delta, half->project, delta->texts.at[half->client], "service",
                               delta->texts.at[half->server], "service");
    delta_call_add(delta, edge, half->at_us, half->duration_ns, half->is_error, delta->sampled_one_in);
}

/* side: one of the two. */
static void half_add(struct rollup_delta *delta, const struct half *side)
{
    uint64_t of_trace = trace_hash(side->trace_id);
    if (!is_sampled(of_trace, delta->sampled_one_in)) return;
    uint64_t hash = half_hash(side->project, of_trace, side->span_id);
    uint32_t step = 0, entry;
    while (index_next(&delta->halves_by, hash, &step, &entry)) {
        struct half *half = &delta->halves.at[entry];
        if (half->project != side->project || memcmp(half->trace_id, side->trace_id, 16) != 0 ||
            memcmp(half->span_id, side->span_id, 8) != 0)
            continue;
        if (is_matched(half) || half->has_client == side->has_client) return; /* the first of each side counts */
        if (side->has_client) {
            uint32_t server = half->server;
            *half = *side;
            half->has_server = true;
            half->server = server;
        } else {
            half->has_server = true;
            half->server = side->server;
        }
        struct half whole = *half;
        half_matched(delta, &whole);
        return;
    }
    if (delta->halves.count >= ROLLUP_HALVES_MAX) {
        halves_make_room(delta, ROLLUP_HALVES_MAX / 2);
        if (!is_sampled(of_trace, delta->sampled_one_in)) return;
    }
    *ARRAY_ADD(delta->halves) = *side;
    index_add(&delta->halves_by, hash, delta->halves.count - 1);
}

/* "postgresql/shop": the system, and which one. */
static struct bytes node_name(struct rollup_delta *delta, struct bytes system, struct bytes which)
{
    uint8_t *start = arena_alloc(&delta->request_arena, system.len + which.len + 1), *at = start;
    if (system.len > 0) memcpy(at, system.ptr, system.len);
    at += system.len;
    if (which.len > 0) {
        if (system.len > 0) *at++ = '/';
        memcpy(at, which.ptr, which.len);
        at += which.len;
    }
    return bytes_from(start, (size_t)(at - start));
}

static void edge_now(struct rollup_delta *delta, const struct rows_row *row, struct bytes source,
                     const char *source_kind, struct bytes target, const char *target_kind)
{
    uint32_t edge = delta_edge(delta, delta->project, source, source_kind, target, target_kind);
    delta_call_add(delta, edge, row->timestamp_us, row->has_duration ? (int64_t)row->duration_ns : -1, row->is_error,
                   1);
}

void calls_row(struct rollup_delta *delta, const struct rows_row *row)
{
    const struct otlp_span *span = row->span;
    struct half side = { .project = delta->project };
    if (row->kind == ROWS_INTERNAL) return;
    if (row->messaging_system.len > 0 || row->messaging_destination.len > 0) {
        struct bytes queue = node_name(delta, row->messaging_system, row->messaging_destination);
        if (row->kind == ROWS_CONSUMER) edge_now(delta, row, queue, "messaging", row->service, "service");
        if (row->kind == ROWS_PRODUCER || row->kind == ROWS_CLIENT)
            edge_now(delta, row, row->service, "service", queue, "messaging");
        if (row->kind != ROWS_SERVER) return;
    }
    if (row->kind == ROWS_CLIENT && row->db_system.len > 0) {
        struct bytes which = row->db_namespace.len > 0 ? row->db_namespace : row->server_address;
        edge_now(delta, row, row->service, "service", node_name(delta, row->db_system, which), "database");
        return;
    }
    if (row->kind == ROWS_SERVER && span->parent_span_id.len == 0) {
        edge_now(delta, row, (struct bytes){ 0 }, "caller", row->service, "service");
        return;
    }
    if (row->kind != ROWS_SERVER && row->kind != ROWS_CLIENT) return;
    struct bytes span_id = row->kind == ROWS_CLIENT ? span->span_id : span->parent_span_id;
    if (span->trace_id.len != 16 || span_id.len != 8) return;
    memcpy(side.trace_id, span->trace_id.ptr, 16);
    if (!is_sampled(trace_hash(side.trace_id), delta->sampled_one_in)) return;
    memcpy(side.span_id, span_id.ptr, 8);
    side.at_us = row->timestamp_us;
    side.duration_ns = row->has_duration ? (int64_t)row->duration_ns : -1;
    side.is_error = row->is_error;
    side.target_kind = "external";
    if (row->kind == ROWS_CLIENT) {
        side.has_client = true;
        side.client = text_get(delta, row->service);
        side.target = text_get(delta, row->peer_service.len > 0 ? row->peer_service : row->server_address);
    } else {
        side.has_server = true;
        side.server = text_get(delta, row->service);
    }
    half_add(delta, &side);
}

void calls_merge(struct rollup_delta *into, const struct rollup_delta *from, const uint32_t *projects)
{
    if (from->sampled_one_in > into->sampled_one_in) {
        into->sampled_one_in = from->sampled_one_in;
        halves_thin(into);
    }
    for (uint32_t h = 0; h < from->halves.count; h++) {
        struct half side = from->halves.at[h];
        if (is_matched(&side)) continue;
        side.project = projects[side.project];
        if (side.has_client) {
            side.client = text_get(into, from->texts.at[side.client]);
            side.target = text_get(into, from->texts.at[side.target]);
        } else {
            side.server = text_get(into, from->texts.at[side.server]);
        }
        half_add(into, &side);
    }
}

void calls_changes(struct rollup_delta *delta, struct rollup_changes *changes)
{
    halves_make_room(delta, ROLLUP_HALVES_KEPT);
    changes->halves = arena_alloc(&delta->changes_arena, delta->halves.count * sizeof *changes->halves);
    changes->half_count = delta->halves.count;
    for (uint32_t h = 0; h < delta->halves.count; h++) {
        const struct half *half = &delta->halves.at[h];
        struct bytes nothing = { (const uint8_t *)"", 0 };
        changes->halves[h] = (struct rollup_half){
            .project_id = delta->projects.at[half->project].id,
            .trace_id = bytes_from(half->trace_id, 16),
            .span_id = bytes_from(half->span_id, 8),
            .is_server = half->has_server,
            .service = delta->texts.at[half->has_server ? half->server : half->client],
            .target = half->has_client ? delta->texts.at[half->target] : nothing,
            .target_kind = half->target_kind,
            .at_unix_us = half->at_us,
            .duration_ns = half->duration_ns,
            .is_error = half->is_error,
            .sampled_one_in = delta->sampled_one_in,
        };
    }
}
