/* errors_inside.h -- what the files of this folder share. Not for other folders: they include the headers named there.
 *
 *   event.c        a source to an event: the parts below put together
 *   stack.c        a stack trace's lines: which exception they belong to (stack_inside.h)
 *   frame.c        in app or not, and the text of a frame; frame_java.c, frame_javascript.c ... per language
 *   message.c      templates, and types that say nothing
 *   known.c        errors of frameworks and transports (known.tsv)
 *   rules.c        a project's own rules
 *   fingerprint.c  the key, and why */
#pragma once
#include "errors/error_event.h"

/* ---- texts ---- */
static inline struct bytes bytes_between(const uint8_t *from, const uint8_t *to)
{
    return bytes_from(from, (size_t)(to - from));
}
static inline const uint8_t *bytes_end(struct bytes text)
{
    return text.len == 0 ? text.ptr : text.ptr + text.len; /* nothing may stand at NULL, to which nothing is added */
}
static inline struct bytes bytes_skip(struct bytes text, size_t len)
{
    return len == 0 ? text : bytes_from(text.ptr + len, text.len - len);
}
static inline bool bytes_begin(struct bytes text, struct bytes head)
{
    return text.len >= head.len && memcmp(text.ptr, head.ptr, head.len) == 0;
}
static inline bool bytes_finish(struct bytes text, struct bytes tail)
{
    return text.len >= tail.len && memcmp(text.ptr + text.len - tail.len, tail.ptr, tail.len) == 0;
}
/* Takes head off when text begins with it. */
static inline bool bytes_take(struct bytes *text, struct bytes head)
{
    if (!bytes_begin(*text, head)) return false;
    *text = bytes_skip(*text, head.len);
    return true;
}
static inline const uint8_t *bytes_find(struct bytes text, struct bytes part) /* NULL: not there */
{
    return text.len < part.len ? NULL : memmem(text.ptr, text.len, part.ptr, part.len);
}
static inline const uint8_t *bytes_find_byte(struct bytes text, uint8_t byte)
{
    return text.len == 0 ? NULL : memchr(text.ptr, byte, text.len);
}
static inline const uint8_t *bytes_find_last(struct bytes text, uint8_t byte)
{
    return text.len == 0 ? NULL : memrchr(text.ptr, byte, text.len);
}
static inline bool bytes_hold(struct bytes text, struct bytes part)
{
    return bytes_find(text, part) != NULL;
}
static inline bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}
static inline bool is_lower(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}
static inline bool is_upper(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}
static inline bool is_alnum(uint8_t byte)
{
    return is_digit(byte) || is_lower(byte) || is_upper(byte) || byte >= 128;
}
static inline bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}
static inline struct bytes bytes_trim(struct bytes text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) text = bytes_skip(text, 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) text.len--;
    return text;
}
static inline bool bytes_all_digits(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i])) return false;
    }
    return text.len > 0;
}
/* What a table of texts that begin others has: sorted by bytes, none the head of another. */
bool prefix_is_of(const char *const *sorted, size_t count, struct bytes text);
/* Whether a sorted table holds the text. */
bool word_is_of(const char *const *sorted, size_t count, struct bytes text);

/* ---- stack.c ---- */
struct stack {
    enum error_language language;
    struct error_exception *exceptions; /* templates and texts of frames not yet made */
    uint32_t exception_count;
};
/* hint: what the sender's SDK says; decides where the text's shape does not. */
void stack_read(struct arena *arena, struct bytes text, enum error_language hint, struct stack *stack);
/* "Type: message" of a first line, without "Uncaught", "Exception in thread ..." and the like. */
struct header {
    struct bytes type, message;
};
struct header header_split(struct bytes line);

/* ---- stack_line.c ---- */
/* Whether the line is a frame of some language; fills all but in_app, is_weak and text. raw: with its indent;
 * before: the line above, where Go names the function. */
enum error_language stack_line_read(struct error_frame *frame, struct bytes raw, struct bytes line, struct bytes before,
                                    enum error_language hint);
/* Takes ":12:34" or ":12" off the end. */
void place_split(struct bytes *file, uint32_t *line, uint32_t *column);
uint32_t number_of(struct bytes digits); /* 0 when it is none; no more than UINT32_MAX */

/* ---- frame.c ---- */
/* in_app, is_weak and text, of a frame read. */
void frame_finish(struct arena *arena, struct error_frame *frame, enum error_language language);

/* A text being written, no longer than ERROR_TEXT_BYTES_MAX. */
struct text_out {
    uint8_t *at, *end;
};
static inline void text_put(struct text_out *out, struct bytes part)
{
    size_t room = (size_t)(out->end - out->at), len = part.len < room ? part.len : room;
    if (len > 0) memcpy(out->at, part.ptr, len);
    out->at += len;
}
static inline void text_put_byte(struct text_out *out, uint8_t byte)
{
    if (out->at < out->end) *out->at++ = byte;
}
/* frame_path.c: what stays of a file's path over builds and deployments: shop/cart.py; without extension if asked. */
void path_put(struct text_out *out, struct bytes path, bool has_extension);
/* Whether a piece of a name looks like a hash or an id of a build. */
bool piece_is_hash(struct bytes piece);
bool path_has_hash(struct bytes path); /* its last part does */

void frame_java(struct text_out *out, struct error_frame *frame);
void frame_python(struct text_out *out, struct error_frame *frame);
void frame_javascript(struct text_out *out, struct error_frame *frame);
void frame_go(struct text_out *out, struct error_frame *frame);
void frame_dotnet(struct text_out *out, struct error_frame *frame);
void frame_ruby(struct text_out *out, struct error_frame *frame);
void frame_php(struct text_out *out, struct error_frame *frame);
void frame_rust(struct text_out *out, struct error_frame *frame);

/* ---- message.c ---- */
struct bytes message_template(struct arena *arena, struct bytes message);
bool type_is_generic(struct bytes type);
