#include "sourcemaps/stack.h"

#include <stdio.h>

struct frame {
    struct bytes before;   /* indent, "at ", "async ", "new " */
    struct bytes function; /* as the engine has it */
    struct bytes file;
    uint32_t line, column; /* from 1 */
    uint8_t mark;          /* '(' "f (x)", '@' "f@x", 0 the place alone */
};
struct resolved {
    struct frame frame;
    struct map_place place;
    uint32_t line; /* of the text */
};

static struct bytes cut(struct bytes text, size_t from, size_t to)
{
    return bytes_from(text.ptr + from, to - from);
}
static bool begins(struct bytes text, const char *head)
{
    size_t len = strlen(head);
    return text.len >= len && memcmp(text.ptr, head, len) == 0;
}
static void take(struct bytes *text, size_t len)
{
    *text = cut(*text, len, text->len);
}
static size_t find(struct bytes text, const char *part) /* text.len: not there */
{
    const uint8_t *at = text.len == 0 ? NULL : memmem(text.ptr, text.len, part, strlen(part));
    return at == NULL ? text.len : (size_t)(at - text.ptr);
}

/* ":12" off the end. */
static bool number_take(struct bytes *text, uint32_t *number)
{
    enum { DIGITS_MAX = 9 };
    size_t at = text->len;
    while (at > 0 && text->ptr[at - 1] >= '0' && text->ptr[at - 1] <= '9') at--;
    if (at == 0 || at == text->len || text->len - at > DIGITS_MAX || text->ptr[at - 1] != ':') return false;
    *number = 0;
    for (size_t i = at; i < text->len; i++) *number = *number * 10 + (text->ptr[i] - (uint32_t)'0');
    text->len = at - 1;
    return *number > 0;
}

static bool frame_read(struct bytes line, struct frame *frame)
{
    *frame = (struct frame){ 0 };
    size_t indent = 0;
    while (indent < line.len && (line.ptr[indent] == ' ' || line.ptr[indent] == '\t')) indent++;
    struct bytes rest = cut(line, indent, line.len);
    while (rest.len > 0 && (rest.ptr[rest.len - 1] == ' ' || rest.ptr[rest.len - 1] == '\t')) rest.len--;
    bool is_v8 = begins(rest, "at ");
    bool is_closed = is_v8 && rest.len > 0 && rest.ptr[rest.len - 1] == ')';
    if (is_closed) rest.len--;
    if (rest.len == 0 || rest.ptr[rest.len - 1] < '0' || rest.ptr[rest.len - 1] > '9') return false;
    if (!number_take(&rest, &frame->column) || !number_take(&rest, &frame->line)) return false;
    if (is_v8) {
        take(&rest, 3);
        if (begins(rest, "async ")) take(&rest, 6);
        if (begins(rest, "new ")) take(&rest, 4);
        frame->before = bytes_from(line.ptr, (size_t)(rest.ptr - line.ptr));
        size_t paren = find(rest, " (");
        if (is_closed && paren == rest.len) return false;
        if (is_closed) {
            frame->mark = '(';
            frame->function = cut(rest, 0, paren);
            take(&rest, paren + 2);
        }
        if (begins(rest, "address at ")) take(&rest, 11); /* Hermes */
        if (begins(rest, "eval at ")) return false;       /* of code that was made of a text: it has no file */
    } else {
        const uint8_t *at = rest.len == 0 ? NULL : memchr(rest.ptr, '@', rest.len);
        frame->before = cut(line, 0, indent);
        if (at != NULL) {
            frame->mark = '@';
            frame->function = bytes_from(rest.ptr, (size_t)(at - rest.ptr));
            take(&rest, frame->function.len + 1);
        }
        if (find(rest, "/") == rest.len) return false;
    }
    frame->file = rest;
    return rest.len > 0 && rest.ptr[0] != '(';
}

/* ---- names ---- */

/* "async*t", "t/e/<", "t.total [as run]": what stands before the name stays out of it. */
static struct bytes engine_name(struct bytes function)
{
    enum { MINIFIED_NAME_MAX = 2 };
    function.len = find(function, " [as ");
    size_t begin = function.len;
    while (begin > 0 && function.ptr[begin - 1] != '.' && function.ptr[begin - 1] != '/' &&
           function.ptr[begin - 1] != '*')
        begin--;
    bool is_property = begin > 0 && function.ptr[begin - 1] == '.';
    take(&function, begin);
    if (function.len == 0 || function.ptr[0] == '<' || find(function, " code") < function.len)
        return (struct bytes){ 0 };
    return is_property || function.len > MINIFIED_NAME_MAX ? function : (struct bytes){ 0 };
}

static struct bytes name_of(const struct resolved *frames, uint32_t count, uint32_t at)
{
    const struct resolved *frame = &frames[at], *caller = at + 1 < count ? &frames[at + 1] : NULL;
    if (frame->place.has_function) return frame->place.function_text;
    if (frame->frame.function.len == 0) return (struct bytes){ 0 }; /* a file's own code */
    bool is_called = caller != NULL && caller->line == frame->line + 1 && caller->place.name_text.len > 0;
    return is_called ? caller->place.name_text : engine_name(frame->frame.function);
}

/* ---- ---- */

static uint8_t *put(uint8_t *at, struct bytes text)
{
    if (text.len > 0) memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static uint8_t *frame_put(uint8_t *at, const struct resolved *frame, struct bytes name)
{
    char place[32];
    int len = snprintf(place, sizeof place, ":%u:%u", frame->place.line + 1, frame->place.column + 1);
    bool is_at = frame->frame.mark == '@',
         is_v8 = !is_at && frame->frame.before.len > 0 && frame->frame.before.ptr[frame->frame.before.len - 1] == ' ';
    at = put(at, frame->frame.before);
    if (is_at || (is_v8 && name.len > 0)) {
        at = put(at, name);
        at = put(at, is_at ? BYTES("@") : BYTES(" ("));
    }
    at = put(put(at, frame->place.source_text), bytes_from(place, (size_t)len));
    return is_v8 && name.len > 0 ? put(at, BYTES(")")) : at;
}

static size_t frame_bytes_max(const struct resolved *frame, struct bytes name)
{
    return frame->frame.before.len + name.len + frame->place.source_text.len + 40;
}

bool stack_resolve(struct arena *arena, struct bytes text, const struct stack_maps *maps, struct bytes *resolved,
                   struct stack_counts *counts)
{
    struct resolved *frames = NULL;
    uint32_t line_number = 0, count = 0;
    size_t bytes = text.len + 1;
    *counts = (struct stack_counts){ 0 };
    for (size_t at = 0; at < text.len && count < STACK_FRAMES_MAX; line_number++) {
        struct bytes rest = cut(text, at, text.len);
        size_t len = find(rest, "\n");
        struct bytes line = cut(rest, 0, len > 0 && rest.ptr[len - 1] == '\r' ? len - 1 : len);
        struct frame frame;
        struct map_place place;
        at += len + 1;
        const struct map *map = frame_read(line, &frame) ? maps->of_file(maps->ctx, frame.file) : NULL;
        if (map == NULL) continue;
        if (!map_find(map, frame.line - 1, frame.column - 1, &place)) {
            counts->unmapped++;
            continue;
        }
        if (frames == NULL) frames = arena_alloc(arena, STACK_FRAMES_MAX * sizeof *frames);
        frames[count++] = (struct resolved){ frame, place, line_number };
    }
    counts->frames = count;
    if (count == 0) return false;
    for (uint32_t f = 0; f < count; f++) bytes += frame_bytes_max(&frames[f], name_of(frames, count, f));
    uint8_t *out = arena_alloc(arena, bytes), *end = out;
    uint32_t next = 0;
    line_number = 0;
    for (size_t at = 0; at < text.len; line_number++) {
        struct bytes rest = cut(text, at, text.len);
        size_t len = find(rest, "\n");
        size_t whole = len < rest.len ? len + 1 : len;
        at += whole;
        if (next < count && frames[next].line == line_number) {
            end = frame_put(end, &frames[next], name_of(frames, count, next));
            size_t kept = len > 0 && rest.ptr[len - 1] == '\r' ? len - 1 : len;
            end = put(end, cut(rest, kept, whole));
            next++;
        } else {
            end = put(end, cut(rest, 0, whole));
        }
    }
    assert((size_t)(end - out) <= bytes);
    *resolved = bytes_from(out, (size_t)(end - out));
    return true;
}
