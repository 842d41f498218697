#include "ingest/answer.h"

#include "base/json.h"
#include "base/utf8.h"
#include "base/varint.h"

size_t answer_encode(uint64_t rejected_count, const char *reason, uint8_t message[ANSWER_BYTES_MAX])
{
    enum { FIELD_1_VARINT = 0x08, FIELD_1_BYTES = 0x0A, FIELD_2_BYTES = 0x12 };
    static_assert(2 * (1 + VARINT_BYTES_MAX) + 1 + VARINT_BYTES_MAX + ANSWER_REASON_BYTES_MAX <= ANSWER_BYTES_MAX,
                  "the largest answer fits");
    if (rejected_count == 0) return 0;
    size_t reason_len = strlen(reason);
    assert(reason_len <= ANSWER_REASON_BYTES_MAX);
    uint8_t partial[ANSWER_BYTES_MAX], *at = partial;
    *at++ = FIELD_1_VARINT;
    at = varint_put(at, rejected_count);
    *at++ = FIELD_2_BYTES;
    at = varint_put(at, reason_len);
    memcpy(at, reason, reason_len);
    at += reason_len;
    size_t partial_len = (size_t)(at - partial);
    at = message;
    *at++ = FIELD_1_BYTES;
    at = varint_put(at, partial_len);
    memcpy(at, partial, partial_len);
    return (size_t)(at - message) + partial_len;
}

static uint8_t *put_words(uint8_t *at, const char *words)
{
    return json_put_raw(at, bytes_of_text(words));
}

size_t answer_encode_json(enum otlp_signal signal, uint64_t rejected_count, const char *reason,
                          uint8_t message[ANSWER_JSON_BYTES_MAX])
{
    static const char *const names[] = {
        [OTLP_TRACES] = "rejectedSpans",
        [OTLP_LOGS] = "rejectedLogRecords",
        [OTLP_METRICS] = "rejectedDataPoints",
    };
    uint8_t *at = message;
    if (rejected_count == 0) return (size_t)(put_words(at, "{}") - message);
    assert(strlen(reason) <= ANSWER_REASON_BYTES_MAX && rejected_count <= INT64_MAX);
    at = put_words(at, "{\"partialSuccess\":{\"");
    at = put_words(at, names[signal]);
    at = put_words(at, "\":\""); /* protobuf's JSON has 64-bit numbers as strings */
    at = json_put_int(at, (int64_t)rejected_count);
    at = put_words(at, "\",\"errorMessage\":");
    at = json_put_text(at, bytes_of_text(reason));
    return (size_t)(put_words(at, "}}") - message);
}

/* What a client sent may be in it. */
static struct bytes text_cleaned(const char *text, char room[sizeof(((struct err *)0)->text)])
{
    struct bytes bytes = bytes_of_text(text);
    assert(bytes.len < sizeof(((struct err *)0)->text));
    if (utf8_is_valid(bytes)) return bytes;
    for (size_t i = 0; i < bytes.len; i++) room[i] = (uint8_t)text[i] < 0x80 ? text[i] : '?';
    return bytes_from(room, bytes.len);
}

size_t status_encode(int grpc_status, const char *text, uint8_t message[STATUS_BYTES_MAX])
{
    enum { CODE_VARINT = 0x08, MESSAGE_BYTES = 0x12 };
    char room[sizeof(((struct err *)0)->text)];
    struct bytes clean = text_cleaned(text, room);
    uint8_t *at = message;
    *at++ = CODE_VARINT;
    at = varint_put(at, (uint64_t)grpc_status);
    *at++ = MESSAGE_BYTES;
    at = varint_put(at, clean.len);
    return (size_t)(json_put_raw(at, clean) - message);
}

size_t status_encode_json(int grpc_status, const char *text, uint8_t message[STATUS_BYTES_MAX])
{
    char room[sizeof(((struct err *)0)->text)];
    uint8_t *at = put_words(message, "{\"code\":");
    at = json_put_int(at, grpc_status);
    at = put_words(at, ",\"message\":");
    at = json_put_text(at, text_cleaned(text, room));
    return (size_t)(put_words(at, "}") - message);
}
