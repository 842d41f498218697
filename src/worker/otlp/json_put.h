/* json_put.h -- the writing side of otlp_json.c: the value of one field as protobuf, with its tag; lengths of what is nested.
 *
 *   "kind":2  --json_field_number--> 30 02        "name":"a" --json_field_text--> 2A 01 61
 *
 * at is on the value's first character and behind it afterwards. Thread, memory, errors: as json_text.h. */
#pragma once
#include "base/varint.h"
#include "worker/otlp/json_text.h"

enum { TAG_BYTES_MAX = 2, LENGTH_BYTES_MAX = 5, NUMBER_ROOM = 16 /* tag and number, or tag and length */ };
enum { WIRE_VARINT_TYPE = 0, WIRE_FIXED64_TYPE = 1, WIRE_LEN_TYPE = 2, WIRE_FIXED32_TYPE = 5 };

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

/* When the guess was wrong. */
bool length_move(struct json *json, struct length *length, size_t len);

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

/* is_kept: written even when it is empty or 0. */
bool json_field_text(struct json *json, const struct json_field *field, bool is_kept);
bool json_field_id(struct json *json, const struct json_field *field, size_t id_bytes, bool is_kept);
bool json_field_base64(struct json *json, const struct json_field *field);
bool json_field_number(struct json *json, const struct json_field *field, bool is_kept);
/* Without a tag: an element of a packed list. */
bool json_element_number(struct json *json, const struct json_field *field);
