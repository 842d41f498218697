#include "worker/rows/rows_fingerprint.h"

#define STACK_BYTES_MAX 16384
#define LINE_BYTES_MAX  1024

static bool begins_with(struct bytes text, struct bytes with)
{
    return text.len >= with.len && memcmp(text.ptr, with.ptr, with.len) == 0;
}

static bool holds(struct bytes text, struct bytes part)
{
    return text.len > 0 && memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

/* Frames of languages' libraries and of frameworks: the program's own are what tells errors apart. */
static bool is_foreign(struct bytes frame)
{
    static const char *const starts[] = { "java.",
                                          "javax.",
                                          "jdk.",
                                          "java.base/",
                                          "sun.",
                                          "jakarta.",
                                          "kotlin.",
                                          "kotlinx.",
                                          "scala.",
                                          "org.springframework.",
                                          "org.apache.",
                                          "io.netty.",
                                          "reactor.",
                                          "System.",
                                          "Microsoft.",
                                          "runtime.",
                                          "runtime/",
                                          "panic(",
                                          "go.opentelemetry.io/",
                                          "net/http." };
    static const char *const parts[] = { "node_modules/",  "node:internal", "(internal/", "site-packages/",
                                         "dist-packages/", "/lib/python",   "<frozen ",   "/usr/local/go/src/",
                                         "/go/pkg/mod/",   "/gems/",        "/vendor/",   "/rustc/" };
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        if (begins_with(frame, bytes_of_text(starts[i]))) return true;
    }
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (holds(frame, bytes_of_text(parts[i]))) return true;
    }
    return false;
}

static struct bytes trimmed(struct bytes line)
{
    while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t')) line = bytes_from(line.ptr + 1, line.len - 1);
    while (line.len > 0 && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' ')) line.len--;
    return line;
}

static struct bytes without(struct bytes text, size_t head_len)
{
    return bytes_from(text.ptr + head_len, text.len - head_len);
}

/* What a line says of a frame, or nothing. before: the line above, where Go names the function. */
static struct bytes frame_of(struct bytes raw, struct bytes before)
{
    struct bytes line = trimmed(raw), none = { 0 };
    if (begins_with(line, BYTES("at "))) { /* JVM, .NET, V8 */
        line = without(line, 3);
        return begins_with(line, BYTES("async ")) ? without(line, 6) : line;
    }
    if (begins_with(line, BYTES("File \""))) return line;                                 /* Python */
    if (line.len > 2 && line.ptr[0] == '#' && line.ptr[1] >= '0' && line.ptr[1] <= '9') { /* PHP */
        const uint8_t *space = memchr(line.ptr, ' ', line.len);
        return space == NULL ? none : trimmed(without(line, (size_t)(space - line.ptr)));
    }
    if (raw.len > 0 && raw.ptr[0] == '\t' && holds(line, BYTES(".go:"))) { /* Go: arguments are addresses */
        struct bytes function = trimmed(before);
        if (function.len > 0 && function.ptr[function.len - 1] == ')') {
            const uint8_t *open = memrchr(function.ptr, '(', function.len);
            if (open != NULL) function.len = (size_t)(open - function.ptr);
        }
        return function;
    }
    if (holds(line, BYTES(":in `")) || holds(line, BYTES(":in '"))) return line; /* Ruby */
    if (holds(line, BYTES("@http")) || holds(line, BYTES("@file"))) return line; /* Gecko, WebKit */
    return none;
}

struct bytes fingerprint_frame(uint8_t room[MASK_ROOM_BYTES], struct bytes stacktrace)
{
    if (stacktrace.len == 0) return bytes_from(room, 0);
    struct bytes before = { 0 }, first = { 0 }, own = { 0 };
    const uint8_t *at = stacktrace.ptr,
                  *end = at + (stacktrace.len < STACK_BYTES_MAX ? stacktrace.len : STACK_BYTES_MAX);
    bool is_innermost_last = holds(bytes_from(at, (size_t)(end - at)), BYTES("Traceback (most recent call last)"));
    while (at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline == NULL ? end : newline;
        struct bytes line = bytes_from(at, (size_t)(stop - at));
        if (line.len > LINE_BYTES_MAX) line.len = LINE_BYTES_MAX;
        struct bytes frame = frame_of(line, before);
        before = line;
        at = newline == NULL ? end : newline + 1;
        if (frame.len == 0) continue;
        if (first.len == 0 || is_innermost_last) first = frame;
        if (is_foreign(frame) || (own.len > 0 && !is_innermost_last)) continue;
        own = frame;
        if (!is_innermost_last) break;
    }
    return mask_text(room, own.len > 0 ? own : first);
}
