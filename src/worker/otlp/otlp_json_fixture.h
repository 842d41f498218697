/* otlp_json_fixture.h -- OTLP/JSON texts against protobuf written field by field. For tests only. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/otlp/otlp_encode.h"
#include "worker/otlp/otlp_json.h"

#define LIMIT ((size_t)1 << 20)
#define ID16  "0102030405060708090A0b0c0d0e0f10"
#define ID8   "1112131415161718"
#define NOW   "\"1763800000000000000\""

static inline bool transcode(enum otlp_signal signal, struct bytes text, struct buf *out, struct err *err)
{
    /* In a block of its own size, for AddressSanitizer. */
    uint8_t *copy = malloc(text.len + 1);
    assert_non_null(copy);
    if (text.len > 0) memcpy(copy + 1, text.ptr, text.len);
    bool ok = otlp_json_to_protobuf(signal, bytes_from(copy + 1, text.len), LIMIT, out, err);
    free(copy);
    return ok;
}

static inline struct buf protobuf_of(enum otlp_signal signal, const char *text)
{
    struct buf out;
    struct err err = { 0 };
    buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
    if (!transcode(signal, bytes_of_text(text), &out, &err)) fail_msg("%s\n%s", err.text, text);
    return out;
}

/* Takes expected. */
static inline void expect_same(enum otlp_signal signal, const char *text, struct buf *expected)
{
    struct buf out = protobuf_of(signal, text);
    if (!bytes_equal(buf_bytes(&out), buf_bytes(expected))) {
        for (size_t i = 0; i < out.len || i < expected->len; i++) {
            printf("%02x %02x\n", i < out.len ? out.ptr[i] : 0, i < expected->len ? expected->ptr[i] : 0);
        }
        fail_msg("not the same: %s", text);
    }
    buf_deinit(&out);
    buf_deinit(expected);
}

static inline void expect_refused(enum otlp_signal signal, const char *text, const char *in_error)
{
    struct buf out;
    struct err err = { 0 };
    buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
    if (transcode(signal, bytes_of_text(text), &out, &err)) fail_msg("taken: %s", text);
    assert_int_equal(err.code, ERR_INPUT);
    if (strstr(err.text, in_error) == NULL) fail_msg("\"%s\" is not in \"%s\"", in_error, err.text);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

/* {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":VALUE}]}]}]} */
static inline void body_text(char *text, size_t text_bytes, const char *value)
{
    int len =
        snprintf(text, text_bytes, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":%s}]}]}]}", value);
    assert_true(len > 0 && (size_t)len < text_bytes);
}

static inline void put_words(struct buf *out, const char *words)
{
    put_raw(out, words, strlen(words));
}

static inline struct buf wrapped(uint32_t field, struct buf *inner)
{
    struct buf outer = message();
    put_message(&outer, field, inner);
    return outer;
}

/* Takes value, an AnyValue. */
static inline void expect_as(const char *json, struct buf *value)
{
    static char text[100000];
    body_text(text, sizeof text, json);
    struct buf record = wrapped(5, value), records = wrapped(2, &record), scopes = wrapped(2, &records);
    struct buf request = wrapped(1, &scopes);
    expect_same(OTLP_LOGS, text, &request);
}

static inline void expect_as_error(const char *json, const char *in_error)
{
    static char text[100000];
    body_text(text, sizeof text, json);
    expect_refused(OTLP_LOGS, text, in_error);
}

static inline struct buf text_value(const char *ptr, size_t len)
{
    struct buf value = message();
    put_bytes(&value, 1, ptr, len);
    return value;
}
static inline struct buf int_value(int64_t number)
{
    struct buf value = message();
    put_varint(&value, 3, (uint64_t)number);
    return value;
}
static inline struct buf double_value(double number)
{
    struct buf value = message();
    put_double(&value, 4, number);
    return value;
}
static inline struct buf bytes_value(const char *ptr, size_t len)
{
    struct buf value = message();
    put_bytes(&value, 7, ptr, len);
    return value;
}
