/* rows_json.h -- OTLP values as JSON text, and JSON objects in log bodies.
 *
 *   text "..." | bool | int: a number | double: a number with a point or an exponent, "NaN", "Infinity", "-Infinity"
 *   bytes: base64 in quotes | array [...] | kvlist {...}, keys as sent | empty null
 *
 * The writers append to room the caller has reserved: json_value_bytes_max. Thread: any. */
#pragma once
#include "base/bytes.h"
#include "base/json.h"
#include "worker/otlp/otlp.h"

/* An entry of an array or list takes at least two bytes of the request and its JSON at most eight for each of them
 * ("":null, of an empty key and value). */
static inline size_t json_value_bytes_max(const struct otlp_value *value)
{
    switch (value->type) {
    case OTLP_TEXT: return json_text_bytes_max(value->bytes.len);
    case OTLP_BYTES: return (value->bytes.len + 2) / 3 * 4 + 2;
    case OTLP_ARRAY:
    case OTLP_KVLIST: return 8 * value->bytes.len + 8;
    default: return JSON_NUMBER_BYTES_MAX + 2;
    }
}
static inline uint8_t *json_put_bytes(uint8_t *at, struct bytes raw) /* json_put_raw for what may be empty */
{
    return raw.len == 0 ? at : json_put_raw(at, raw);
}
uint8_t *json_put_value_slow(uint8_t *at, const struct otlp_value *value);
static inline uint8_t *json_put_value(uint8_t *at, const struct otlp_value *value)
{
    if (value->type == OTLP_TEXT) return json_put_text(at, value->bytes);
    if (value->type == OTLP_INT) return json_put_int(at, value->integer);
    return json_put_value_slow(at, value);
}
/* A double stays one when read back: 3 is written 3.0. */
uint8_t *json_put_number(uint8_t *at, double number);

#define JSON_TIME_BYTES 32
/* "2026-01-31T23:59:59.123456789Z", with the quotes: 32 bytes. */
uint8_t *json_put_time(uint8_t *at, uint64_t unix_ns);

#define JSON_OBJECT_DEPTH_MAX 64
struct json_object {
    uint8_t *end; /* behind the last byte written; NULL: the text is not a JSON object */
    struct bytes
        message, /* the text of the top-level member that reads like a log's message, still escaped; or empty */
        level,   /* the same of its level; may be a number */
        stack;   /* the same of a stack trace, of a member of a member too ("err": {"stack": ...}) */
};
/* Writes the JSON object that text is without its white space: at most text.len bytes. Strict (RFC 8259): pairs of
 * surrogates, no controls in texts, nothing behind it; nested at most JSON_OBJECT_DEPTH_MAX deep. text is valid
 * UTF-8. */
struct json_object json_compact_object(uint8_t *at, struct bytes text);
/* Takes the escapes out of what json_compact_object gave; at most text.len bytes. */
uint8_t *json_unescape(uint8_t *at, struct bytes text);
/* "message", "msg", "@m", "short_message", "log", "event", "error", "text", "@mt", in any case: 1 is the best, 0 is
 * none. */
int json_message_rank(struct bytes key);
/* "stack_trace", "stack", "exception", "exc_info", "@x" ..., in any case. */
bool json_is_stack(struct bytes key);
/* "level", "loglevel", "levelname" ..., "severity", "priority", in any case: the same. */
int json_level_rank(struct bytes key);
