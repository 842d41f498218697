#include "ingest/answer.h"

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

size_t answer_encode(uint64_t rejected_count, const char *reason, uint8_t message[ANSWER_BYTES_MAX])
{
    enum { FIELD_1_VARINT = 0x08, FIELD_1_BYTES = 0x0A, FIELD_2_BYTES = 0x12, VARINT_BYTES_MAX = 10 };
    static_assert(2 * (1 + VARINT_BYTES_MAX) + 1 + VARINT_BYTES_MAX + ANSWER_REASON_BYTES_MAX <= ANSWER_BYTES_MAX,
                  "the largest answer fits");
    if (rejected_count == 0) return 0;
    size_t reason_len = strlen(reason);
    assert(reason_len <= ANSWER_REASON_BYTES_MAX);
    uint8_t partial[ANSWER_BYTES_MAX], *at = partial;
    *at++ = FIELD_1_VARINT;
    at = put_varint(at, rejected_count);
    *at++ = FIELD_2_BYTES;
    at = put_varint(at, reason_len);
    memcpy(at, reason, reason_len);
    at += reason_len;
    size_t partial_len = (size_t)(at - partial);
    at = message;
    *at++ = FIELD_1_BYTES;
    at = put_varint(at, partial_len);
    memcpy(at, partial, partial_len);
    return (size_t)(at - message) + partial_len;
}
