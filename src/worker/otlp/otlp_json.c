#include "worker/otlp/otlp_json.h"
#include "worker/otlp/json_text.h"

enum { VARINT_BYTES_MAX = 10, TAG_BYTES_MAX = 2, LENGTH_BYTES_MAX = 5, NUMBER_ROOM = 16 };
enum { WIRE_VARINT_TYPE = 0, WIRE_FIXED64_TYPE = 1, WIRE_LEN_TYPE = 2, WIRE_FIXED32_TYPE = 5 };

static bool message_read(struct json *json, enum json_type type, const struct json_place *up);

/* ---- writing protobuf ---- */

static inline uint8_t *varint_put(uint8_t *out, uint64_t value)
{
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

static inline uint32_t varint_bytes(uint64_t value)
{
    uint32_t bytes = 1;
    while (value >= 0x80) {
        bytes++;
        value >>= 7;
    }
    return bytes;
}

static inline uint8_t *tag_put(uint8_t *out, const struct json_field *field, uint32_t wire_type)
{
    return varint_put(out, (uint32_t)field->number << 3 | wire_type);
}

/* A length stands before what it counts, in as many bytes as the last one of its kind needed. */
struct length {
    size_t at; /* in the buffer, which may move */
    uint32_t bytes;
};

/* Content is moved when the guess was wrong. Nested without end that could cost far more than the text's size, so at some
 * point lengths get their full five bytes and nothing moves any more: longer than need be, and still protobuf. */
static inline bool has_moved_enough(const struct json *json)
{
    return json->moved_bytes / 8 > (size_t)(json->end - json->begin);
}

/* Room for it is there. */
static inline struct length length_open(struct json *json, uint32_t guess)
{
    struct length length = { (size_t)(json->out - json->buf->ptr), guess };
    if (unlikely(has_moved_enough(json))) length.bytes = LENGTH_BYTES_MAX;
    json->out += length.bytes;
    return length;
}

static __attribute__((noinline)) bool length_move(struct json *json, struct length *length, size_t len)
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

static inline bool length_close(struct json *json, struct length *length)
{
    size_t len = (size_t)(json->out - json->buf->ptr) - length->at - length->bytes;
    if (unlikely(varint_bytes(len) != length->bytes) && !length_move(json, length, len)) return false;
    uint8_t *at = json->buf->ptr + length->at;
    for (uint32_t i = 1; i < length->bytes; i++) {
        *at++ = (uint8_t)(len | 0x80);
        len >>= 7;
    }
    *at = (uint8_t)len;
    return true;
}

/* ---- text, ids, base64 ---- */

static bool text_read(struct json *json, const struct json_field *field, bool is_kept_empty)
{
    if (json_peek(json) != '"') return json_fail_found(json, "text in quotes");
    const uint8_t *from = json->at + 1, *to = json_plain_end(from, json->end);
    if (likely(to < json->end && *to == '"')) {
        size_t len = (size_t)(to - from);
        json->at = to + 1;
        if (len == 0 && !is_kept_empty) return true;
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

/* An id is written as it should be; what is none, as the text it is, with a blank behind it should that have an id's
 * length: otlp_decode leaves out its record and shows it. */
static bool id_read(struct json *json, const struct json_field *field, size_t id_bytes, bool is_kept_empty)
{
    enum { SHOWN_BYTES = 64 };
    struct bytes text;
    if (!json_room(json, JSON_SCRATCH + SHOWN_BYTES) || !json_string(json, &text, "an id as hex digits in quotes"))
        return false;
    if (text.len == 0 && !is_kept_empty) return true;
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

static bool base64_read(struct json *json, const struct json_field *field)
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

/* The usual one: up to 18 digits, in quotes or not. NULL: some other number, or none. */
static inline const uint8_t *digits_usual(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    uint64_t sum = 0;
    bool is_quoted = at < end && *at == '"';
    const uint8_t *first = at + is_quoted;
    at = first;
    while (at < end && (uint8_t)(*at - '0') <= 9) {
        sum = sum * 10 + (uint64_t)(*at - '0');
        at++;
    }
    if (at == end || at == first || at - first > 18 || (*first == '0' && at - first > 1)) return NULL;
    *value = sum;
    if (is_quoted) return *at == '"' ? at + 1 : NULL;
    return *at == '.' || (*at | 0x20) == 'e' ? NULL : at;
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

/* ---- attributes, the bulk of it ---- */

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

/* KeyValue with a value whose AnyValue is tag, then len bytes that put has to be followed by; all lengths known. */
static inline uint8_t *pair_head_put(const struct json *json, uint8_t *out, const struct json_field *field,
                                     struct bytes key, size_t value_len)
{
    size_t value_bytes = 1 + varint_bytes(value_len) + value_len;
    size_t key_bytes = key.len == 0 ? 0 : 1 + varint_bytes(key.len) + key.len;
    out = varint_put(tag_put(out, field, WIRE_LEN_TYPE), key_bytes + value_bytes);
    if (key.len > 0) {
        *out++ = 1 << 3 | WIRE_LEN_TYPE;
        out = varint_put(out, key.len);
        out = json_copy(json, out, key.ptr, key.len);
    }
    *out++ = 2 << 3 | WIRE_LEN_TYPE;
    return varint_put(out, value_len);
}

/* {"key":"K","value":{"stringValue":"V"}} and the like, as it is written without blanks. True: it was read; or *is_usual is
 * false and nothing was. */
static bool attribute_read_usual(struct json *json, const struct json_field *field, bool *is_usual)
{
    enum { HEAD = 8, MIDDLE = 11, STRING = 14, INTEGER = 10, DOUBLE = 13, BOOLEAN = 11, SHORTEST = 48 };
    const uint8_t *at = json->at, *end = json->end;
    *is_usual = false;
    if (end - at < SHORTEST || load64(at) != load64((const uint8_t *)"{\"key\":\"")) return true;
    const uint8_t *to = json_plain_end(at + HEAD, end);
    struct bytes key = bytes_from(at + HEAD, (size_t)(to - at - HEAD));
    if (end - to < 1 + MIDDLE + STRING || *to != '"' || memcmp(to + 1, ",\"value\":{\"", MIDDLE) != 0) return true;
    at = to + 1 + MIDDLE;
    if (!json_room(json, key.len + 48)) return false;
    uint8_t *out = json->out;
    uint64_t bits;
    if (memcmp(at, "stringValue\":\"", STRING) == 0) {
        const uint8_t *text = at + STRING;
        to = json_plain_end(text, end);
        if (end - to < 3 || memcmp(to, "\"}}", 3) != 0) return true;
        size_t len = (size_t)(to - text);
        if (!json_room(json, key.len + len + 48)) return false;
        out = pair_head_put(json, json->out, field, key, 1 + varint_bytes(len) + len);
        *out++ = 1 << 3 | WIRE_LEN_TYPE;
        out = varint_put(out, len);
        out = json_copy(json, out, text, len);
        at = to + 3;
    } else if (memcmp(at, "intValue\":", INTEGER) == 0) {
        at = digits_usual(at + INTEGER, end, &bits);
        if (at == NULL || end - at < 2 || memcmp(at, "}}", 2) != 0) return true;
        out = pair_head_put(json, out, field, key, 1 + varint_bytes(bits));
        *out++ = 3 << 3 | WIRE_VARINT_TYPE;
        out = varint_put(out, bits);
        at += 2;
    } else if (memcmp(at, "doubleValue\":", DOUBLE) == 0) {
        struct json_number number;
        double value;
        at += DOUBLE;
        to = json_number_read(at, end, &number);
        if (to == NULL || end - to < 2 || memcmp(to, "}}", 2) != 0 ||
            !json_number_double(&number, bytes_from(at, (size_t)(to - at)), &value))
            return true;
        out = pair_head_put(json, out, field, key, 1 + 8);
        *out++ = 4 << 3 | WIRE_FIXED64_TYPE;
        memcpy(out, &value, 8);
        out += 8;
        at = to + 2;
    } else if (memcmp(at, "boolValue\":", BOOLEAN) == 0) {
        if (end - at < BOOLEAN + 7) return true;
        bool is_true = memcmp(at + BOOLEAN, "true}}", 6) == 0;
        if (!is_true && memcmp(at + BOOLEAN, "false}}", 7) != 0) return true;
        out = pair_head_put(json, out, field, key, 2);
        *out++ = 2 << 3 | WIRE_VARINT_TYPE;
        *out++ = is_true;
        at += BOOLEAN + (is_true ? 6 : 7);
    } else {
        return true;
    }
    json->out = out;
    json->at = at;
    *is_usual = true;
    return true;
}

/* ---- messages ---- */

/* A message field or an element of a list of them. */
static bool message_value(struct json *json, const struct json_field *field, const struct json_place *place)
{
    enum json_type type = (enum json_type)field->of;
    bool is_list_value = type == JSON_ARRAY_VALUE || type == JSON_KEY_VALUE_LIST;
    if (type == JSON_KEY_VALUE) {
        bool is_usual;
        if (!attribute_read_usual(json, field, &is_usual)) return false;
        if (likely(is_usual)) return true;
    }
    if (!json_room(json, NUMBER_ROOM)) return false;
    json->out = tag_put(json->out, field, WIRE_LEN_TYPE);
    struct length length = length_open(json, json->length_bytes[type]);
    bool ok;
    if (is_list_value && json->values_deep == JSON_VALUES_DEEP) {
        ok = json_skip_value(json);
    } else {
        json->values_deep += is_list_value;
        ok = message_read(json, type, place);
        json->values_deep -= is_list_value;
    }
    if (!ok || !length_close(json, &length)) return false;
    if (length.bytes < LENGTH_BYTES_MAX) json->length_bytes[type] = (uint8_t)length.bytes;
    return true;
}

static bool element_read(struct json *json, const struct json_field *field, const struct json_place *place)
{
    uint64_t bits;
    if (field->kind == JSON_MESSAGE) {
        if (unlikely(json_peek(json) == 'n') && field->of == JSON_ANY_VALUE) { /* an empty value */
            if (!json_room(json, NUMBER_ROOM)) return false;
            json->out = tag_put(json->out, field, WIRE_LEN_TYPE);
            *json->out++ = 0;
            return json_word(json, "null");
        }
        return message_value(json, field, place);
    }
    if (field->kind == JSON_TEXT) return text_read(json, field, true);
    if (!number_read(json, field, &bits) || !json_room(json, NUMBER_ROOM)) return false;
    json->out = number_put(json->out, field, bits);
    return true;
}

static bool elements_read(struct json *json, const struct json_field *field, struct json_place *place)
{
    for (place->index = 0;; place->index++) {
        json_blanks(json);
        if (!element_read(json, field, place)) return false;
        json_blanks(json);
        uint8_t next = json_peek(json);
        if (next != ',' && next != ']') return json_fail_found(json, "',' or ']'");
        json->at++;
        if (next == ']') return true;
    }
}

/* Numbers are packed: one field with all of them. */
static bool list_read(struct json *json, const struct json_field *field, struct json_place *place)
{
    if (json_peek(json) != '[') return json_fail_found(json, "a list");
    json->at++;
    json_blanks(json);
    if (json_peek(json) == ']') {
        json->at++;
        return true;
    }
    if (field->kind == JSON_MESSAGE || field->kind == JSON_TEXT) return elements_read(json, field, place);
    if (!json_room(json, NUMBER_ROOM)) return false;
    json->out = tag_put(json->out, field, WIRE_LEN_TYPE);
    struct length length = length_open(json, 1);
    return elements_read(json, field, place) && length_close(json, &length);
}

/* is_again: the field was there before, so that a value of 0 must be written to take the other's place. */
static bool field_read(struct json *json, const struct json_field *field, struct json_place *place, bool is_again)
{
    bool is_kept = field->has_presence || is_again;
    uint64_t bits;
    if (field->is_repeated) return list_read(json, field, place);
    switch (field->kind) {
    case JSON_MESSAGE: return message_value(json, field, place);
    case JSON_TEXT: return text_read(json, field, is_kept);
    case JSON_TRACE_ID: return id_read(json, field, 16, is_kept);
    case JSON_SPAN_ID: return id_read(json, field, 8, is_kept);
    case JSON_BASE64: return base64_read(json, field);
    default: break;
    }
    if (!number_read(json, field, &bits)) return false;
    if (bits == 0 && !is_kept) return true;
    if (!json_room(json, NUMBER_ROOM)) return false;
    json->out = number_put(tag_put(json->out, field, wire_type_of(field)), field, bits);
    return true;
}

/* The index of the field of that name; count when there is none. Fields mostly come in the table's order, so the search
 * begins at next. */
static inline uint32_t field_find(const struct json_message *message, struct bytes name, uint32_t next)
{
    for (uint32_t i = next; i < message->count; i++) {
        if (bytes_equal(message->fields[i].name, name)) return i;
    }
    for (uint32_t i = 0; i < next; i++) {
        if (bytes_equal(message->fields[i].name, name)) return i;
    }
    for (uint32_t i = 0; i < message->count; i++) {
        if (bytes_equal(message->fields[i].snake, name)) return i;
    }
    return message->count;
}

/* "name": and the blanks around it. */
static inline bool name_read(struct json *json, struct bytes *name)
{
    if (!json_string(json, name, "a field's name in quotes")) return false;
    json_blanks(json);
    if (json_peek(json) != ':') return json_fail_found(json, "':'");
    json->at++;
    json_blanks(json);
    return true;
}

/* An object, as the fields of a message; without the message's own length. */
static bool message_read(struct json *json, enum json_type type, const struct json_place *up)
{
    const struct json_message *message = &json_messages[type];
    struct json_place place = { .up = up };
    uint32_t next = 0, seen = 0;
    if (json_peek(json) != '{') return json_fail_found(json, "an object");
    json->at++;
    json_blanks(json);
    if (json_peek(json) == '}') {
        json->at++;
        return true;
    }
    for (;;) {
        struct bytes name;
        if (!name_read(json, &name)) return false;
        uint32_t i = field_find(message, name, next);
        if (unlikely(i == message->count)) {
            if (!json_skip_value(json)) return false;
        } else if (unlikely(json_peek(json) == 'n')) {
            if (!json_word(json, "null")) return false;
        } else {
            place.field = &message->fields[i];
            json->place = &place;
            if (!field_read(json, place.field, &place, (seen >> i & 1) != 0)) return false;
            json->place = up;
            seen |= UINT32_C(1) << i;
            next = i + 1;
        }
        json_blanks(json);
        uint8_t separator = json_peek(json);
        if (separator != ',' && separator != '}') return json_fail_found(json, "',' or '}'");
        json->at++;
        if (separator == '}') return true;
        json_blanks(json);
    }
}

static bool request_read(struct json *json, enum otlp_signal signal)
{
    static const enum json_type types[] = {
        [OTLP_LOGS] = JSON_LOGS_REQUEST,
        [OTLP_TRACES] = JSON_TRACES_REQUEST,
        [OTLP_METRICS] = JSON_METRICS_REQUEST,
    };
    if (json->end - json->at >= 3 && memcmp(json->at, "\xEF\xBB\xBF", 3) == 0) json->at += 3; /* a byte order mark */
    json_blanks(json);
    if (json->at == json->end) return json_fail(json, "the body is empty; an empty request is {}");
    if (*json->at != '{') return json_fail_found(json, "an object");
    if (!message_read(json, types[signal], NULL)) return false;
    json_blanks(json);
    if (json->at != json->end) return json_fail(json, "something follows the end of the request");
    return true;
}

bool otlp_json_to_protobuf(enum otlp_signal signal, struct bytes text, size_t bytes_max, struct buf *out,
                           struct err *err)
{
    static const uint8_t nothing[1];
    assert(signal >= OTLP_LOGS && signal <= OTLP_METRICS);
    assert(out->bytes_max == bytes_max + OTLP_JSON_SPARE_BYTES);
    out->len = 0;
    const uint8_t *begin = text.len == 0 ? nothing : text.ptr;
    struct json json = { .begin = begin, .at = begin, .end = begin + text.len, .buf = out, .err = err };
    memset(json.length_bytes, 1, sizeof json.length_bytes);
    json.length_bytes[JSON_SPAN] = json.length_bytes[JSON_LOG_RECORD] = json.length_bytes[JSON_METRIC] = 2;
    for (enum json_type type = JSON_RESOURCE_LOGS; type <= JSON_SCOPE_METRICS; type++) {
        json.length_bytes[type] = (uint8_t)varint_bytes(text.len / 2);
    }
    /* Usually half of the text and a little. */
    size_t guess = text.len / 2 + text.len / 8;
    bool has_room = buf_reserve(out, (guess < bytes_max ? guess : bytes_max) + JSON_SPARE + NUMBER_ROOM);
    assert(has_room);
    json.out = out->ptr;
    json.out_end = out->ptr + out->cap - JSON_SPARE;
    if (!request_read(&json, signal)) {
        out->len = 0;
        return false;
    }
    out->len = (size_t)(json.out - out->ptr);
    if (out->len <= bytes_max) return true;
    out->len = 0;
    return err_set(err, ERR_TOO_LARGE, "the request is larger than %zu MiB as protobuf; send smaller batches",
                   bytes_max >> 20);
}
