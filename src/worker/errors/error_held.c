#include "worker/errors/error_held.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"

static struct bytes cut(struct bytes text, size_t len_max)
{
    if (text.len > len_max) text.len = utf8_cut(text, len_max);
    return text;
}

/* Its first and its last half, up to the end and from the start of a line where there is one near. */
static void stack_cut(struct error_seen *seen, struct bytes stack)
{
    enum { HALF = ERROR_EVENT_STACK_BYTES / 2, NEAR = 2000 };
    if (stack.len <= ERROR_EVENT_STACK_BYTES) {
        seen->texts[ERROR_TEXT_STACK] = stack;
        return;
    }
    struct bytes head = cut(stack, HALF), tail = bytes_from(stack.ptr + stack.len - HALF, HALF);
    for (size_t back = 0; back < NEAR; back++) {
        if (head.ptr[head.len - back - 1] != '\n') continue;
        head.len -= back;
        break;
    }
    while (tail.len > 0 && (tail.ptr[0] & 0xC0) == 0x80) tail = bytes_from(tail.ptr + 1, tail.len - 1);
    const uint8_t *line = tail.len > NEAR ? memchr(tail.ptr, '\n', NEAR) : NULL;
    if (line != NULL) tail = bytes_from(line + 1, (size_t)(tail.ptr + tail.len - line - 1));
    seen->texts[ERROR_TEXT_STACK] = head;
    seen->texts[ERROR_TEXT_STACK_END] = tail;
    seen->left_out = stack.len - head.len - tail.len;
}

struct error_seen error_seen_of(const struct rows_row *row, const struct rows_error *error, struct bytes family)
{
    const struct error_source *source = &error->source;
    struct error_seen seen = { .at_us = row->timestamp_us,
                               .by = error->by,
                               .rule_line = error->rule_line,
                               .rules_version = error->rules_version };
    seen.texts[ERROR_TEXT_TYPE] = source->type;
    seen.texts[ERROR_TEXT_PLACE] = source->place;
    seen.texts[ERROR_TEXT_SERVICE] = source->service;
    seen.texts[ERROR_TEXT_FAMILY] = family;
    seen.texts[ERROR_TEXT_LANGUAGE] = source->language;
    seen.texts[ERROR_TEXT_RELEASE] = row->release;
    seen.texts[ERROR_TEXT_ENVIRONMENT] = row->environment;
    seen.texts[ERROR_TEXT_TRACE_ID] = row->trace_id;
    seen.texts[ERROR_TEXT_SESSION_ID] = row->session_id;
    seen.texts[ERROR_TEXT_USER_ID] = row->user_id;
    for (uint32_t t = 0; t < ERROR_TEXT_COUNT; t++) seen.texts[t] = cut(seen.texts[t], ERROR_EVENT_NAME_BYTES);
    seen.texts[ERROR_TEXT_MESSAGE] = cut(source->message, ERROR_EVENT_MESSAGE_BYTES);
    stack_cut(&seen, source->stacktrace);
    return seen;
}

void error_held_set(struct error_held *held, const struct error_seen *seen)
{
    size_t len = 0;
    for (uint32_t t = 0; t < ERROR_TEXT_COUNT; t++) len += seen->texts[t].len;
    assert(len <= ERROR_EVENT_BYTES_MAX);
    if (len > held->cap) {
        held->cap = (uint32_t)(len + len / 4);
        held->ptr = mem_realloc(held->ptr, held->cap);
    }
    uint8_t *at = held->ptr;
    for (uint32_t t = 0; t < ERROR_TEXT_COUNT; t++) {
        held->lens[t] = (uint32_t)seen->texts[t].len;
        if (seen->texts[t].len > 0) at = json_put_raw(at, seen->texts[t]);
    }
    held->at_us = seen->at_us;
    held->left_out = seen->left_out;
    held->by = seen->by;
    held->rule_line = seen->rule_line;
    held->rules_version = seen->rules_version;
}

struct error_seen error_held_seen(const struct error_held *held)
{
    struct error_seen seen = { .at_us = held->at_us,
                               .left_out = held->left_out,
                               .by = held->by,
                               .rule_line = held->rule_line,
                               .rules_version = held->rules_version };
    const uint8_t *at = held->ptr;
    for (uint32_t t = 0; t < ERROR_TEXT_COUNT; t++) {
        seen.texts[t] = held->lens[t] > 0 ? bytes_from(at, held->lens[t]) : (struct bytes){ (const uint8_t *)"", 0 };
        at = held->lens[t] > 0 ? at + held->lens[t] : at;
    }
    return seen;
}

/* Of all that the event is told by. */
static uint64_t id_of(const struct error_seen *seen)
{
    uint64_t told[5 + ERROR_TEXT_COUNT] = { (uint64_t)seen->at_us, seen->left_out, seen->by, seen->rule_line,
                                            (uint64_t)seen->rules_version };
    for (uint32_t t = 0; t < ERROR_TEXT_COUNT; t++)
        told[5 + t] = seen->texts[t].len > 0 ? hash64_of(seen->texts[t]) ^ seen->texts[t].len : 0;
    return hash64_of(bytes_from(told, sizeof told));
}

int error_seen_compare(const struct error_seen *a, const struct error_seen *b)
{
    if (likely(a->at_us != b->at_us)) return a->at_us < b->at_us ? -1 : 1;
    uint64_t id_a = id_of(a), id_b = id_of(b);
    return (id_a > id_b) - (id_a < id_b);
}

/* Every byte that is of no character becomes a question mark, which nothing that was cut right has. */
static struct bytes valid(struct bytes text, struct arena *arena)
{
    if (likely(utf8_is_valid(text))) return text;
    uint8_t *to = arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++) to[i] = text.ptr[i] < 127 ? text.ptr[i] : '?';
    return bytes_from(to, text.len);
}

static const char *const member_names[ERROR_TEXT_COUNT] = {
    [ERROR_TEXT_TYPE] = "type",         [ERROR_TEXT_MESSAGE] = "message",
    [ERROR_TEXT_PLACE] = "place",       [ERROR_TEXT_SERVICE] = "service",
    [ERROR_TEXT_FAMILY] = "family",     [ERROR_TEXT_LANGUAGE] = "language",
    [ERROR_TEXT_RELEASE] = "release",   [ERROR_TEXT_ENVIRONMENT] = "environment",
    [ERROR_TEXT_TRACE_ID] = "trace_id", [ERROR_TEXT_SESSION_ID] = "session_id",
    [ERROR_TEXT_USER_ID] = "user_id",
};

static uint8_t *member_put(uint8_t *at, const char *name, struct bytes text)
{
    at = json_put_raw(at, BYTES(",\""));
    at = json_put_raw(at, bytes_of_text(name));
    at = json_put_raw(at, BYTES("\":"));
    return json_put_text(at, text);
}

struct bytes error_seen_json(const struct error_seen *seen, struct buf *scratch, struct arena *arena)
{
    const struct bytes *texts = seen->texts;
    uint8_t joined[ERROR_EVENT_STACK_BYTES];
    struct bytes stack = texts[ERROR_TEXT_STACK];
    if (texts[ERROR_TEXT_STACK_END].len > 0) {
        uint8_t *end = json_put_raw(json_put_raw(joined, stack), texts[ERROR_TEXT_STACK_END]);
        stack = bytes_from(joined, (size_t)(end - joined));
    }
    size_t room = 128 + json_text_bytes_max(stack.len);
    for (uint32_t t = 0; t < ERROR_TEXT_COUNT; t++) room += 32 + json_text_bytes_max(texts[t].len);
    scratch->len = 0;
    bool has_room = buf_reserve(scratch, room);
    assert(has_room);
    uint8_t *at = scratch->ptr;
    at += snprintf((char *)at, 100, "{\"id\":\"%016" PRIx64 "\",\"timestamp\":%" PRId64, id_of(seen), seen->at_us);
    for (uint32_t t = 0; t < ERROR_TEXT_COUNT; t++) {
        if (member_names[t] != NULL && texts[t].len > 0) at = member_put(at, member_names[t], valid(texts[t], arena));
        if (t != ERROR_TEXT_STACK_END) continue;
        if (stack.len > 0) at = member_put(at, "stacktrace", valid(stack, arena));
        if (seen->left_out > 0) at += snprintf((char *)at, 60, ",\"stacktrace_left_out\":%" PRIu64, seen->left_out);
    }
    at = json_put_raw(at, BYTES("}"));
    return arena_copy(arena, bytes_from(scratch->ptr, (size_t)(at - scratch->ptr)));
}
