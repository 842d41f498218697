#include "sourcemaps/map_json.h"

static void blanks_skip(struct map_json *json)
{
    while (json->at < json->end && (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
}

static bool fail(struct map_json *json, const char *wrong)
{
    if (json->wrong == NULL) json->wrong = wrong;
    return false;
}

static bool string_skip(struct map_json *json, struct bytes *text)
{
    const uint8_t *from = ++json->at;
    for (;;) {
        const uint8_t *quote = json->at < json->end ? memchr(json->at, '"', (size_t)(json->end - json->at)) : NULL;
        if (quote == NULL) return fail(json, "a string does not end");
        const uint8_t *slash = quote;
        while (slash > from && slash[-1] == '\\') slash--;
        json->at = quote + 1;
        if ((quote - slash) % 2 == 0) {
            *text = bytes_from(from, (size_t)(quote - from));
            return true;
        }
    }
}

/* To the bracket that closes this one; kinds of brackets are not told apart. */
static bool brackets_skip(struct map_json *json)
{
    uint32_t depth = 0;
    struct bytes ignored;
    while (json->at < json->end) {
        switch (*json->at) {
        case '"':
            if (!string_skip(json, &ignored)) return false;
            continue;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0) {
                json->at++;
                return true;
            }
            break;
        default: break;
        }
        json->at++;
    }
    return fail(json, "a bracket is not closed");
}

bool map_json_value(struct map_json *json, struct map_json_value *value)
{
    blanks_skip(json);
    if (json->at >= json->end) return fail(json, "a value is missing");
    const uint8_t *from = json->at;
    if (*from == '"') {
        value->kind = MAP_JSON_STRING;
        return string_skip(json, &value->text);
    }
    if (*from == '{' || *from == '[') {
        value->kind = *from == '{' ? MAP_JSON_OBJECT : MAP_JSON_LIST;
        if (!brackets_skip(json)) return false;
    } else {
        value->kind = MAP_JSON_OTHER;
        while (json->at<json->end && * json->at> ' ' && *json->at != ',' && *json->at != '}' && *json->at != ']')
            json->at++;
        if (json->at == from) return fail(json, "a value is missing");
        if (*from == 'n') value->kind = MAP_JSON_NONE;
    }
    value->text = bytes_from(from, (size_t)(json->at - from));
    return true;
}

void map_json_enter(struct map_json *walk, struct bytes text)
{
    assert(text.len >= 2);
    *walk = (struct map_json){ .at = text.ptr + 1, .end = text.ptr + text.len - 1, .is_first = true };
}

/* To the next one; false: there is none. */
static bool next(struct map_json *walk)
{
    if (walk->wrong != NULL || walk->is_done) return false;
    blanks_skip(walk);
    if (walk->at >= walk->end) {
        walk->is_done = true;
        return false;
    }
    if (!walk->is_first) {
        if (*walk->at != ',') return fail(walk, "a comma is missing");
        walk->at++;
        blanks_skip(walk);
    }
    walk->is_first = false;
    return true;
}

bool map_json_member(struct map_json *walk, struct bytes *key, struct map_json_value *value)
{
    struct map_json_value name;
    if (!next(walk) || !map_json_value(walk, &name)) return false;
    if (name.kind != MAP_JSON_STRING) return fail(walk, "a member has no name");
    *key = name.text;
    blanks_skip(walk);
    if (walk->at >= walk->end || *walk->at != ':') return fail(walk, "a colon is missing");
    walk->at++;
    return map_json_value(walk, value);
}

bool map_json_element(struct map_json *walk, struct map_json_value *value)
{
    return next(walk) && map_json_value(walk, value);
}

static bool hex4(const uint8_t *at, const uint8_t *end, uint32_t *code)
{
    *code = 0;
    if (end - at < 4) return false;
    for (int i = 0; i < 4; i++) {
        uint8_t byte = at[i];
        uint32_t digit = byte >= '0' && byte <= '9'   ? byte - (uint32_t)'0'
                         : byte >= 'a' && byte <= 'f' ? byte - (uint32_t)'a' + 10
                         : byte >= 'A' && byte <= 'F' ? byte - (uint32_t)'A' + 10
                                                      : 16;
        if (digit == 16) return false;
        *code = *code << 4 | digit;
    }
    return true;
}

static uint8_t *utf8_put(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (uint8_t)code;
    } else if (code < 0x800) {
        *out++ = (uint8_t)(0xC0 | code >> 6);
        *out++ = (uint8_t)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (uint8_t)(0xE0 | code >> 12);
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        *out++ = (uint8_t)(0x80 | (code & 0x3F));
    } else {
        *out++ = (uint8_t)(0xF0 | code >> 18);
        *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3F));
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        *out++ = (uint8_t)(0x80 | (code & 0x3F));
    }
    return out;
}

/* "\uXXXX", with the second half of a pair. Six bytes become three, twelve become four. */
static const uint8_t *unicode_take(const uint8_t *at, const uint8_t *end, uint8_t **out)
{
    uint32_t code, low;
    if (!hex4(at, end, &code)) return at; /* the "u" alone is gone */
    at += 4;
    if (code >= 0xD800 && code <= 0xDFFF) {
        bool is_pair = code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' && hex4(at + 2, end, &low) &&
                       low >= 0xDC00 && low <= 0xDFFF;
        if (is_pair) at += 6;
        code = is_pair ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
    }
    *out = utf8_put(*out, code);
    return at;
}

size_t map_json_text(struct bytes string, uint8_t *out)
{
    const uint8_t *at = string.ptr, *end = string.len == 0 ? at : at + string.len;
    uint8_t *from = out;
    while (at < end) {
        const uint8_t *slash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((slash == NULL ? end : slash) - at);
        memmove(out, at, plain);
        out += plain;
        at += plain;
        if (slash == NULL || end - at < 2) break;
        uint8_t byte = at[1];
        at += 2;
        switch (byte) {
        case 'n': *out++ = '\n'; break;
        case 't': *out++ = '\t'; break;
        case 'r': *out++ = '\r'; break;
        case 'b': *out++ = '\b'; break;
        case 'f': *out++ = '\f'; break;
        case 'u': at = unicode_take(at, end, &out); break;
        default: *out++ = byte; break;
        }
    }
    return (size_t)(out - from);
}

bool map_json_number(const struct map_json_value *value, uint32_t *number)
{
    enum { DIGITS_MAX = 9 };
    *number = 0;
    if (value->kind != MAP_JSON_OTHER || value->text.len > DIGITS_MAX) return false;
    for (size_t i = 0; i < value->text.len; i++) {
        if (value->text.ptr[i] < '0' || value->text.ptr[i] > '9') return false;
        *number = *number * 10 + (value->text.ptr[i] - (uint32_t)'0');
    }
    return true;
}
