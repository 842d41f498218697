/* json_text.h -- the reading side of otlp_json.c: a place in the text, tokens, escapes, what went wrong where.
 *
 * Thread: one owner. Memory: text is borrowed; out grows (json_room). Errors: false, and err is set with place and byte. */
#pragma once
#include "worker/otlp/json_fields.h"
#include "worker/otlp/json_number.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct json_place { /* where in the message we are, from within outwards; on the stack */
    const struct json_place *up;
    const struct json_field *field;
    uint32_t index; /* of a list */
};

struct json {
    const uint8_t *begin, *at, *end;
    uint8_t *out, *out_end; /* the next byte; the end of the room, JSON_SPARE less */
    struct buf *buf;        /* what out points into */
    const struct json_place *place;
    uint32_t values_deep;
    uint64_t moved_bytes;                  /* by lengths that were guessed wrong */
    uint8_t length_bytes[JSON_TYPE_COUNT]; /* of the last message of each type */
    struct err *err;
};

enum {
    JSON_SPARE = 32,   /* behind out_end: steps of 16 are stored whole */
    JSON_SCRATCH = 16, /* text without its escapes is put this far behind out */
};

bool json_fail(struct json *json, const char *fmt, ...) PRINTF_LIKE(2, 3); /* always false */
bool json_fail_found(struct json *json, const char *expected);             /* "expected X, found Y" */
bool json_room_make(struct json *json, size_t more);

static inline bool json_room(struct json *json, size_t more)
{
    return likely((size_t)(json->out_end - json->out) >= more) || json_room_make(json, more);
}

/* 0 at the end, which no token begins with. */
static inline uint8_t json_peek(const struct json *json)
{
    return likely(json->at < json->end) ? *json->at : 0;
}

static inline void json_blanks(struct json *json)
{
    while (json->at < json->end && unlikely(*json->at <= ' ') &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
}

/* To the first byte that is not plain text: a quote, a backslash, a control; or to the end. */
static inline const uint8_t *json_plain_end(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    while (end - at >= 16) {
        __m128i step = _mm_loadu_si128((const __m128i *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(step, _mm_set1_epi8(0x1F)), step);
        __m128i quote = _mm_cmpeq_epi8(step, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(step, _mm_set1_epi8('\\'));
        int hits = _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, slash)));
        if (hits != 0) return at + __builtin_ctz((unsigned)hits);
        at += 16;
    }
#endif
    while (at < end && *at >= 0x20 && *at != '"' && *at != '\\') at++;
    return at;
}

/* Appends text; room for it is there. */
static inline uint8_t *json_copy(const struct json *json, uint8_t *out, const uint8_t *from, size_t len)
{
#ifdef __SSE2__
    if (likely(len <= 64 && (size_t)(json->end - from) >= 64)) { /* whole steps: a call of memcpy costs more */
        for (size_t i = 0; i < len; i += 16)
            _mm_storeu_si128((__m128i *)(out + i), _mm_loadu_si128((const __m128i *)(from + i)));
        return out + len;
    }
#else
    (void)json;
#endif
    memcpy(out, from, len);
    return out + len;
}

/* Past "true", "false" or "null"; at is on its first letter. */
bool json_word(struct json *json, const char *word);
/* From behind the opening quote past the closing one; appends the text without its escapes. */
bool json_string_rest(struct json *json);
/* A string as bytes: of the text itself, or JSON_SCRATCH behind out when it has escapes: valid until as many bytes are
 * written as it has, plus JSON_SCRATCH. expected: for the error. */
bool json_string(struct json *json, struct bytes *string, const char *expected);
bool json_skip_value(struct json *json);
