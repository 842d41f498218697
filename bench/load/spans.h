/* spans.h -- OTLP trace requests like those of a busy shop: made once as templates, then patched for each send.
 *
 *   spans_create: T templates of N spans, ~0.9 KB and 20 attributes each; a list of places that must differ
 *   spans_next:   copies template k and writes new ids, times and high-cardinality values into those places
 *
 * New in every request: trace, span and parent ids, start and end time, and five attribute values: url.path's id,
 * client.address, user.id, session.id, cache.key or its like. With is_numbered each span also has load.sender and
 * load.seq, by which a checker finds what is lost or doubled.
 *
 * Thread: one owner. Memory: the templates, freed by spans_destroy. */
#pragma once
#include "base/bytes.h"

struct spans;
struct spans_options {
    uint32_t span_count; /* of a request */
    uint32_t template_count;
    uint64_t seed;
    bool is_numbered;
    const char *sender; /* when numbered; at most 16 characters */
};
struct spans *spans_create(const struct spans_options *options);
void spans_destroy(struct spans *spans);
/* Borrowed until the next call. Numbered spans are sequence .. sequence + span_count - 1. */
struct bytes spans_next(struct spans *spans, uint64_t sequence, uint64_t now_unix_ns);
uint32_t spans_attributes_mean(const struct spans *spans); /* of a span, rounded */
