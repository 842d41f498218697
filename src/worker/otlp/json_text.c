#include "worker/otlp/json_text.h"
#include "worker/otlp/otlp_json.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hex.h"

/* ---- errors ---- */

/* "resourceSpans[0].scopeSpans[1].name"; a place too deep to be told is cut. */
static void place_text(const struct json_place *place, char *text, size_t text_bytes)
{
    const struct json_place *way[32];
    uint32_t count = 0, deep = 0;
    for (const struct json_place *at = place; at != NULL; at = at->up) deep++;
    for (const struct json_place *at = place; at != NULL; at = at->up) {
        if (--deep < COUNT_OF(way)) way[count++] = at;
    }
    size_t len = 0;
    while (count-- > 0 && len + 40 < text_bytes) {
        const struct json_field *field = way[count]->field;
        int more = snprintf(text + len, text_bytes - len, "%s%.*s", len > 0 ? "." : "", (int)field->name.len,
                            (const char *)field->name.ptr);
        len += (size_t)more;
        if (field->is_repeated) len += (size_t)snprintf(text + len, text_bytes - len, "[%u]", way[count]->index);
    }
    if (len == 0) snprintf(text, text_bytes, "request");
}

bool json_fail(struct json *json, const char *fmt, ...)
{
    char place[150], what[120];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    place_text(json->place, place, sizeof place);
    return err_set(json->err, ERR_INPUT, "%s, byte %zu of the JSON: %s", place, (size_t)(json->at - json->begin), what);
}

bool json_fail_found(struct json *json, const char *expected)
{
    if (json->at == json->end) return json_fail(json, "the text ends where %s should be", expected);
    uint8_t byte = *json->at;
    if (byte > ' ' && byte < 0x7F) return json_fail(json, "%s should be here, not '%c'", expected, byte);
    return json_fail(json, "%s should be here, not byte 0x%02X", expected, byte);
}

bool json_room_make(struct json *json, size_t more)
{
    struct buf *buf = json->buf;
    buf->len = (size_t)(json->out - buf->ptr);
    if (!buf_reserve(buf, more + JSON_SPARE)) {
        return err_set(json->err, ERR_TOO_LARGE, "the request is larger than %zu MiB as protobuf; send smaller batches",
                       (buf->bytes_max - OTLP_JSON_SPARE_BYTES) >> 20);
    }
    json->out = buf->ptr + buf->len;
    json->out_end = buf->ptr + buf->cap - JSON_SPARE;
    return true;
}

/* ---- tokens ---- */

bool json_word(struct json *json, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0) {
        return json_fail_found(json, "a value (text in quotes, a number, true, false, null, a list or an object)");
    }
    json->at += len;
    return true;
}

/* The four digits of \uXXXX; at is behind the u. -1 when they are not there. */
static int32_t unit_read(const uint8_t *at, const uint8_t *end)
{
    int32_t unit = 0;
    if (end - at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static uint8_t *character_put(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (uint8_t)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (uint8_t)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (uint8_t)(0xE0 | code >> 12);
        } else {
            *out++ = (uint8_t)(0xF0 | code >> 18);
            *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3F));
        }
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    }
    *out++ = (uint8_t)(0x80 | (code & 0x3F));
    return out;
}

/* \uXXXX, two of them for a character beyond U+FFFF; at is on the backslash. */
static bool unicode_escape(struct json *json)
{
    enum { REPLACEMENT = 0xFFFD };
    int32_t unit = unit_read(json->at + 2, json->end);
    if (unit < 0) return json_fail(json, "\\u wants four hex digits");
    uint32_t code = (uint32_t)unit;
    json->at += 6;
    if (code >= 0xD800 && code <= 0xDFFF) {
        int32_t low = -1;
        if (code < 0xDC00 && json->end - json->at >= 6 && json->at[0] == '\\' && json->at[1] == 'u') {
            low = unit_read(json->at + 2, json->end);
        }
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            json->at += 6;
        } else {
            code = REPLACEMENT;
        }
    }
    json->out = character_put(json->out, code);
    return true;
}

/* at is on the backslash. */
static bool escape_read(struct json *json)
{
    static const uint8_t plain[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
    };
    if (json->end - json->at < 2) {
        json->at = json->end;
        return json_fail_found(json, "the rest of a text in quotes");
    }
    if (json->at[1] == 'u') return unicode_escape(json);
    uint8_t byte = plain[json->at[1]];
    if (byte == 0) return json_fail(json, "a backslash goes before one of \" \\ / b f n r t u");
    *json->out++ = byte;
    json->at += 2;
    return true;
}

bool json_string_rest(struct json *json)
{
    for (;;) {
        const uint8_t *from = json->at, *to = json_plain_end(from, json->end);
        size_t len = (size_t)(to - from);
        if (!json_room(json, len + 4)) return false;
        json->out = json_copy(json, json->out, from, len);
        json->at = to;
        if (to == json->end) return json_fail_found(json, "the closing quote of a text");
        if (*to == '"') {
            json->at++;
            return true;
        }
        if (*to != '\\') return json_fail(json, "byte 0x%02X in a text must be written as an escape", *to);
        if (!escape_read(json)) return false;
    }
}

bool json_string(struct json *json, struct bytes *string, const char *expected)
{
    if (json_peek(json) != '"') return json_fail_found(json, expected);
    const uint8_t *from = json->at + 1, *to = json_plain_end(from, json->end);
    if (likely(to < json->end && *to == '"')) {
        *string = bytes_from(from, (size_t)(to - from));
        json->at = to + 1;
        return true;
    }
    json->at++;
    size_t out = (size_t)(json->out - json->buf->ptr);
    if (!json_room(json, JSON_SCRATCH)) return false;
    json->out += JSON_SCRATCH;
    if (!json_string_rest(json)) return false;
    const uint8_t *scratch = json->buf->ptr + out + JSON_SCRATCH;
    *string = bytes_from(scratch, (size_t)(json->out - scratch));
    json->out = json->buf->ptr + out;
    return true;
}

/* ---- what no field wants ---- */

static bool string_skip(struct json *json)
{
    json->at++;
    for (;;) {
        json->at = json_plain_end(json->at, json->end);
        if (json->at == json->end) return json_fail_found(json, "the closing quote of a text");
        if (*json->at == '"') break;
        if (*json->at != '\\') return json_fail(json, "byte 0x%02X in a text must be written as an escape", *json->at);
        json->at += json->end - json->at < 2 ? 1 : 2;
    }
    json->at++;
    return true;
}

static bool key_skip(struct json *json)
{
    json_blanks(json);
    if (json_peek(json) != '"') return json_fail_found(json, "a field's name in quotes");
    if (!string_skip(json)) return false;
    json_blanks(json);
    if (json_peek(json) != ':') return json_fail_found(json, "':'");
    json->at++;
    return true;
}

static bool scalar_skip(struct json *json)
{
    switch (json_peek(json)) {
    case '"': return string_skip(json);
    case 't': return json_word(json, "true");
    case 'f': return json_word(json, "false");
    case 'n': return json_word(json, "null");
    default: {
        struct json_number number;
        const uint8_t *to = json_number_read(json->at, json->end, &number);
        if (to == NULL) return json_fail_found(json, "a value");
        json->at = to;
        return true;
    }
    }
}

/* Any value, without recursion: a bit a level tells objects from lists. */
bool json_skip_value(struct json *json)
{
    enum { DEEP_MAX = 1024 };
    uint64_t is_object[DEEP_MAX / 64] = { 0 };
    uint32_t deep = 0;
    for (;;) {
        json_blanks(json);
        uint8_t first = json_peek(json);
        bool is_open = first == '{' || first == '[';
        if (is_open) {
            if (deep == DEEP_MAX) return json_fail(json, "more than %d levels are nested", (int)DEEP_MAX);
            uint64_t bit = UINT64_C(1) << (deep % 64);
            is_object[deep / 64] = first == '{' ? is_object[deep / 64] | bit : is_object[deep / 64] & ~bit;
            deep++;
            json->at++;
            json_blanks(json);
            bool is_empty = json_peek(json) == (first == '{' ? '}' : ']');
            if (!is_empty && first == '{' && !key_skip(json)) return false;
            if (!is_empty) continue;
        } else if (!scalar_skip(json)) {
            return false;
        }
        while (deep > 0) { /* behind a value, or before the end of an empty list */
            bool in_object = (is_object[(deep - 1) / 64] >> ((deep - 1) % 64) & 1) != 0;
            json_blanks(json);
            uint8_t next = json_peek(json);
            if (next == ',' && !is_open) {
                json->at++;
                if (in_object && !key_skip(json)) return false;
                break;
            }
            if (next != (in_object ? '}' : ']')) return json_fail_found(json, in_object ? "',' or '}'" : "',' or ']'");
            json->at++;
            deep--;
            is_open = false;
        }
        if (deep == 0) return true;
    }
}
