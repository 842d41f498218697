#include "worker/otlp/json_put.h"

bool length_move(struct json *json, struct length *length, size_t len)
{
    uint32_t right = varint_bytes(len);
    if (right < length->bytes && has_moved_enough(json)) return true;
    if (!json_room(json, LENGTH_BYTES_MAX)) return false;
    uint8_t *at = json->buf->ptr + length->at;
    memmove(at + right, at + length->bytes, len);
    json->moved_bytes += len;
    json->out = at + right + len;
    length->bytes = right;
    return true;
}

/* ---- text, ids, base64 ---- */

bool json_field_text(struct json *json, const struct json_field *field, bool is_kept)
{
    if (json_peek(json) != '"') return json_fail_found(json, "text in quotes");
    const uint8_t *from = json->at + 1, *to = json_plain_end(from, json->end);
    if (likely(to < json->end && *to == '"')) {
        size_t len = (size_t)(to - from);
        json->at = to + 1;
        if (len == 0 && !is_kept) return true;
        if (!json_room(json, len + TAG_BYTES_MAX + LENGTH_BYTES_MAX)) return false;
        json->out = varint_put(tag_put(json->out, field, WIRE_LEN_TYPE), len);
        json->out = json_copy(json, json->out, from, len);
        return true;
    }
    if (!json_room(json, NUMBER_ROOM)) return false;
    json->out = tag_put(json->out, field, WIRE_LEN_TYPE);
    struct length length = length_open(json, 1);
    json->at++;
    return json_string_rest(json) && length_close(json, &length);
}

static const uint8_t hex_values[256] = {
    /* and 1; 0: no hex digit */
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* What is no id is written as the text it is, with a blank behind it should that have an id's length: otlp_decode leaves out
 * its record and shows it. */
bool json_field_id(struct json *json, const struct json_field *field, size_t id_bytes, bool is_kept)
{
    enum { SHOWN_BYTES = 64 };
    struct bytes text;
    if (!json_room(json, JSON_SCRATCH + SHOWN_BYTES) || !json_string(json, &text, "an id as hex digits in quotes"))
        return false;
    if (text.len == 0 && !is_kept) return true;
    uint8_t *out = tag_put(json->out, field, WIRE_LEN_TYPE), *content = out + 1, id[16];
    int any = text.len == 2 * id_bytes ? 0 : -1;
    for (size_t i = 0; i < id_bytes && any >= 0; i++) {
        int byte = (hex_values[text.ptr[2 * i]] - 1) * 16 | (hex_values[text.ptr[2 * i + 1]] - 1);
        any |= byte;
        id[i] = (uint8_t)byte;
    }
    if (likely(any >= 0)) {
        *out = (uint8_t)id_bytes;
        memcpy(content, id, sizeof id); /* room for the longer one is there */
        json->out = content + id_bytes;
        return true;
    }
    size_t len = text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES;
    memmove(content, text.ptr, len);
    if (len == id_bytes) content[len++] = ' ';
    *out = (uint8_t)len;
    json->out = content + len;
    return true;
}

static int base64_value(uint8_t byte)
{
    if ((uint8_t)(byte - 'A') <= 25) return byte - 'A';
    if ((uint8_t)(byte - 'a') <= 25) return byte - 'a' + 26;
    if ((uint8_t)(byte - '0') <= 9) return byte - '0' + 52;
    if (byte == '+' || byte == '-') return 62; /* base64 and base64url */
    if (byte == '/' || byte == '_') return 63;
    return -1;
}

bool json_field_base64(struct json *json, const struct json_field *field)
{
    struct bytes text;
    if (!json_string(json, &text, "base64 in quotes")) return false;
    bool is_scratch = text.ptr == json->out + JSON_SCRATCH;
    size_t given = text.len;
    if (given % 4 == 0 && given > 0 && text.ptr[given - 1] == '=') given -= text.ptr[given - 2] == '=' ? 2 : 1;
    size_t len = given / 4 * 3 + (given % 4 == 0 ? 0 : given % 4 - 1);
    if (given % 4 == 1) return json_fail(json, "not valid base64: one character is missing, or one too many");
    if (!is_scratch && !json_room(json, len + NUMBER_ROOM)) return false; /* else it is there: text is longer */
    uint8_t *out = varint_put(tag_put(json->out, field, WIRE_LEN_TYPE), len);
    uint32_t bits = 0;
    for (size_t i = 0; i < given; i++) {
        int value = base64_value(text.ptr[i]);
        if (value < 0) return json_fail(json, "not valid base64");
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 == 0) continue; /* 6 bits so far, no whole byte more */
        *out++ = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    json->out = out;
    return true;
}

/* ---- numbers ---- */

/* A number, in quotes or not: its text. */
static bool number_text(struct json *json, struct bytes *text, struct json_number *number, const char *expected)
{
    if (json_peek(json) != '"') {
        const uint8_t *to = json_number_read(json->at, json->end, number);
        if (to == NULL) return json_fail_found(json, expected);
        *text = bytes_from(json->at, (size_t)(to - json->at));
        json->at = to;
        return true;
    }
    if (!json_string(json, text, expected)) return false;
    if (json_number_read(text->ptr, text->ptr + text->len, number) == text->ptr + text->len) return true;
    return json_fail(json, "%s should be here, not \"%.*s\"", expected, (int)(text->len < 40 ? text->len : 40),
                     (const char *)text->ptr);
}

/* In two's complement, as a varint has it. */
static bool integer_read(struct json *json, enum json_kind kind, uint64_t *bits)
{
    const uint8_t *to = digits_usual(json->at, json->end, bits);
    bool is_negative = false;
    const uint8_t *from = json->at;
    if (likely(to != NULL)) {
        json->at = to;
    } else {
        struct bytes text;
        struct json_number number;
        if (!number_text(json, &text, &number, "a whole number")) return false;
        is_negative = number.is_negative;
        if (!json_number_whole(&number, bits)) {
            json->at = from;
            return json_fail(json, "not a whole number of at most 64 bits: %.*s", (int)(text.len < 40 ? text.len : 40),
                             (const char *)text.ptr);
        }
    }
    bool is_signed = kind == JSON_INT64 || kind == JSON_SFIXED64 || kind == JSON_SINT32 || kind == JSON_ENUM;
    uint64_t max = kind == JSON_INT64 || kind == JSON_SFIXED64   ? (uint64_t)INT64_MAX + is_negative
                   : kind == JSON_SINT32 || kind == JSON_ENUM    ? (uint64_t)INT32_MAX + is_negative
                   : kind == JSON_UINT32 || kind == JSON_FIXED32 ? UINT32_MAX
                                                                 : UINT64_MAX;
    if (is_negative && !is_signed) max = 0;
    if (unlikely(*bits > max)) {
        json->at = from;
        return json_fail(json, "%s%llu is out of range, the limit is %s%llu", is_negative ? "-" : "",
                         (unsigned long long)*bits, is_negative && is_signed ? "-" : "", (unsigned long long)max);
    }
    if (is_negative) *bits = 0 - *bits;
    return true;
}

static bool double_read(struct json *json, uint64_t *bits)
{
    static const struct {
        struct bytes name;
        uint64_t bits;
    } names[] = {
        { { (const uint8_t *)"NaN", 3 }, UINT64_C(0x7FF8000000000000) },
        { { (const uint8_t *)"Infinity", 8 }, UINT64_C(0x7FF0000000000000) },
        { { (const uint8_t *)"-Infinity", 9 }, UINT64_C(0xFFF0000000000000) },
    };
    struct bytes text;
    struct json_number number;
    double value;
    const uint8_t *from = json->at;
    if (json_peek(json) == '"') {
        if (!json_string(json, &text, "a number")) return false;
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            if (!bytes_equal(text, names[i].name)) continue;
            *bits = names[i].bits;
            return true;
        }
        json->at = from;
    }
    if (!number_text(json, &text, &number, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"")) return false;
    if (!json_number_double(&number, text, &value)) {
        json->at = from;
        return json_fail(json, "a number larger than any double, or of more than %d characters",
                         (int)JSON_NUMBER_TEXT_MAX);
    }
    memcpy(bits, &value, 8);
    return true;
}

/* By number; by name where a protobuf library wrote the JSON. */
static bool enum_read(struct json *json, const struct json_field *field, uint64_t *bits)
{
    const struct json_enum_names *names = &json_enums[field->of];
    struct bytes text;
    const uint8_t *from = json->at;
    if (json_peek(json) != '"') return integer_read(json, JSON_ENUM, bits);
    if (!json_string(json, &text, "a number")) return false;
    if (text.len > names->prefix.len && memcmp(text.ptr, names->prefix.ptr, names->prefix.len) == 0) {
        struct bytes rest = bytes_from(text.ptr + names->prefix.len, text.len - names->prefix.len);
        for (uint32_t i = 0; i < names->count; i++) {
            if (!bytes_equal(rest, names->names[i])) continue;
            *bits = i;
            return true;
        }
    }
    json->at = from;
    if (text.len > 0 && (text.ptr[0] == '-' || (uint8_t)(text.ptr[0] - '0') <= 9))
        return integer_read(json, JSON_ENUM, bits);
    return json_fail(json, "\"%.*s\" is not a name that begins with %.*s; send the number",
                     (int)(text.len < 40 ? text.len : 40), (const char *)text.ptr, (int)names->prefix.len,
                     (const char *)names->prefix.ptr);
}

static bool bool_read(struct json *json, uint64_t *bits)
{
    *bits = json_peek(json) == 't';
    if (json_peek(json) != 't' && json_peek(json) != 'f') return json_fail_found(json, "true or false");
    return json_word(json, *bits ? "true" : "false");
}

static bool number_read(struct json *json, const struct json_field *field, uint64_t *bits)
{
    switch (field->kind) {
    case JSON_BOOL: return bool_read(json, bits);
    case JSON_ENUM: return enum_read(json, field, bits);
    case JSON_DOUBLE: return double_read(json, bits);
    default: return integer_read(json, (enum json_kind)field->kind, bits);
    }
}

static uint32_t wire_type_of(const struct json_field *field)
{
    switch (field->kind) {
    case JSON_FIXED64:
    case JSON_SFIXED64:
    case JSON_DOUBLE: return WIRE_FIXED64_TYPE;
    case JSON_FIXED32: return WIRE_FIXED32_TYPE;
    default: return WIRE_VARINT_TYPE;
    }
}

/* Without its tag; room for it is there. */
static uint8_t *number_put(uint8_t *out, const struct json_field *field, uint64_t bits)
{
    switch (wire_type_of(field)) {
    case WIRE_FIXED64_TYPE: memcpy(out, &bits, 8); return out + 8;
    case WIRE_FIXED32_TYPE: memcpy(out, &bits, 4); return out + 4; /* the low half comes first */
    default: break;
    }
    if (field->kind == JSON_SINT32) {
        uint32_t low = (uint32_t)bits;
        bits = low << 1 ^ (0u - (low >> 31));
    }
    return varint_put(out, bits);
}

bool json_field_number(struct json *json, const struct json_field *field, bool is_kept)
{
    uint64_t bits;
    if (!number_read(json, field, &bits)) return false;
    if (bits == 0 && !is_kept) return true;
    if (!json_room(json, NUMBER_ROOM)) return false;
    json->out = number_put(tag_put(json->out, field, wire_type_of(field)), field, bits);
    return true;
}

bool json_element_number(struct json *json, const struct json_field *field)
{
    uint64_t bits;
    if (!number_read(json, field, &bits) || !json_room(json, NUMBER_ROOM)) return false;
    json->out = number_put(json->out, field, bits);
    return true;
}
