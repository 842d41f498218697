/* Any stacks of up to four errors: an index that answers the same when asked again, and the same from its rows. */
#include "errors/group.h"
#include <stdlib.h>

#define ERRORS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool embed(void *context, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err)
{
    (void)context, (void)err;
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++) vector[i] = 0;
    for (size_t i = 0; i < text.len; i++) vector[text.ptr[i]] += 1;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct group_options options = { .fingerprints_max = ERRORS, .embedder = { .embed = embed } };
    struct group_index *index = group_index_create(&options), *copy = group_index_create(&options);
    struct arena arena = { 0 };
    struct group_question questions[ERRORS];
    struct fingerprint fingerprints[ERRORS];
    uint64_t groups[ERRORS];
    if (size > 16384) size = 16384;
    for (size_t i = 0; i < ERRORS; i++) {
        size_t from = size * i / ERRORS, len = size * (i + 1) / ERRORS - from;
        struct bytes part = bytes_from(data + from, len);
        struct error_source source = {
            .service = i % 2 == 0 ? BYTES("a-b") : BYTES("a-c"), .type = BYTES("T"), .message = part, .stacktrace = part
        };
        const struct error_event *event = error_event_read(&arena, &source);
        fingerprints[i] = fingerprint_of(&arena, event, NULL);
        questions[i] = (struct group_question){ event, &fingerprints[i], group_family(event->service) };
        struct group_decision decision = group_find(index, &questions[i]);
        struct group_row row;
        groups[i] = group_add(index, &questions[i], &decision, i + 1, &row);
        if (!group_load(copy, &row) || group_why(&arena, &decision).len == 0) abort();
    }
    for (size_t i = 0; i < ERRORS; i++) {
        struct group_decision again = group_find(index, &questions[i]), from_rows = group_find(copy, &questions[i]);
        if (again.by != GROUP_BY_FINGERPRINT || again.group != groups[i] || from_rows.group != groups[i]) abort();
    }
    group_index_destroy(index);
    group_index_destroy(copy);
    arena_deinit(&arena);
    return 0;
}
