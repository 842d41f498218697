/* Any bytes as an error and as a project's rules: within bounds, and the same again.
 * First byte: the sender's language; then type, message, stack and rules, apart by a NUL. */
#include <stdlib.h>

#include "errors/fingerprint.h"
#include "errors/known.h"
#include "errors/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes part_take(struct bytes *rest)
{
    const uint8_t *nul = rest->len == 0 ? NULL : memchr(rest->ptr, 0, rest->len);
    size_t len = nul == NULL ? rest->len : (size_t)(nul - rest->ptr);
    struct bytes part = bytes_from(rest->ptr, len);
    size_t used = nul == NULL ? len : len + 1;
    *rest = bytes_from(rest->ptr + used, rest->len - used);
    return part;
}

static void event_check(const struct error_event *event)
{
    uint32_t frame_count = 0;
    if (event->exception_count == 0 || event->exception_count > ERROR_EXCEPTIONS_MAX) abort();
    for (uint32_t i = 0; i < event->exception_count; i++) {
        const struct error_exception *exception = &event->exceptions[i];
        frame_count += exception->frame_count;
        if ((exception->link == ERROR_LINK_FIRST) != (i == 0)) abort();
        if (exception->template.len > ERROR_TEMPLATE_BYTES_MAX) abort();
        for (uint32_t k = 0; k < exception->frame_count; k++) {
            const struct error_frame *frame = &exception->frames[k];
            if (frame->text.len == 0 || frame->text.len > ERROR_TEXT_BYTES_MAX) abort();
        }
    }
    if (frame_count > ERROR_FRAMES_MAX) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    uint8_t *copy = malloc(size), *again = malloc(size); /* ends are guarded */
    if (copy == NULL || again == NULL) abort();
    memcpy(copy, data, size);
    memcpy(again, data, size);
    struct arena arena;
    arena_init(&arena, 0);
    struct fingerprint fingerprints[2];
    for (int turn = 0; turn < 2; turn++) {
        struct bytes rest = bytes_from((turn == 0 ? copy : again) + 1, size - 1);
        struct error_source source = { .service = BYTES("cart"),
                                       .language =
                                           bytes_of_text(error_language_names[copy[0] % ERROR_LANGUAGE_COUNT]) };
        source.type = part_take(&rest);
        source.message = part_take(&rest);
        source.stacktrace = part_take(&rest);
        if (source.type.len == 0 && source.message.len == 0) source.place = source.stacktrace;
        const struct error_event *event = error_event_read(&arena, &source);
        event_check(event);
        const struct fingerprint_rules *rules = NULL;
        struct err err = { .code = ERR_OK };
        if (!rules_parse(&arena, rest, &rules, &err) && err.code == ERR_OK) abort();
        fingerprints[turn] = fingerprint_of(&arena, event, rules);
        struct bytes why = fingerprint_why(&arena, event, &fingerprints[turn]);
        for (size_t i = 0; i < why.len; i++) {
            if (why.ptr[i] < ' ' && why.ptr[i] != '\n') abort();
        }
    }
    if (!hash128_equal(fingerprints[0].key, fingerprints[1].key) || fingerprints[0].by != fingerprints[1].by) abort();
    arena_deinit(&arena);
    free(copy);
    free(again);
    return 0;
}
