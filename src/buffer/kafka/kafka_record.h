/* kafka_record.h -- a record of the buffer as a Kafka message, and back: its headers.
 *
 *   header       value
 *   monoscope    1                         the layout of these headers
 *   signal       logs traces metrics replay rows
 *   encoding     identity gzip zstd deflate
 *   format       protobuf json
 *   project      UUID                      as text, 36 characters
 *   key-id       UUID
 *   hash         32 hexadecimal digits     also the message's key, as 16 bytes
 *   received     microseconds since 1970   when the request came
 *   attempt      1 2 3                     retry and parked topics alone, as are the rest: tried again so often
 *   not-before   microseconds since 1970   retry topics: not tried earlier
 *   origin       topic/partition/position  where it was first
 *   reason       text                      of the last failure
 *   parked       microseconds since 1970   parked topic: when
 *   replayed     position                  parked topic, a message without a body: that record was sent on its way again
 *
 * Names that we do not know are skipped: a later version may add some. Of two of one name the later counts.
 * Thread: any. Memory: writes into the caller's buffer; what is read borrows from the headers.
 * Errors: ERR_INPUT not a message of ours, or a value that cannot be; ERR_UNSUPPORTED of a newer layout. */
#pragma once
#include "buffer/buffer.h"
#include "buffer/kafka/kafka_group.h"

#define KAFKA_HEADERS_MAX  16
#define KAFKA_VALUES_BYTES 1200
#define KAFKA_HASH_BYTES   16

struct kafka_header {
    const char *name;
    struct bytes value;
};
struct kafka_headers {
    struct kafka_header list[KAFKA_HEADERS_MAX];
    uint32_t count;
    char values[KAFKA_VALUES_BYTES]; /* what the list's values of numbers and ids point into */
    size_t values_used;
};
/* What travels beside a record; all zero in the telemetry topic. */
struct kafka_passport {
    struct kafka_retry retry;
    const char *origin_topic; /* the name of retry.origin.topic, on writing; on reading NULL */
    int64_t parked_unix_us;
    uint64_t replayed_position;
};

/* headers must not move afterwards. */
void kafka_record_write(struct kafka_headers *headers, const struct buffer_record *record,
                        const struct kafka_passport *passport);
/* A message without a body that says: that parked record was sent on its way again. */
void kafka_replayed_write(struct kafka_headers *headers, uint64_t position);
/* Everything of record but position and body. origin (255 bytes and a NUL) gets the origin's topic. */
MUST_CHECK bool kafka_record_read(const struct kafka_header *list, uint32_t count, struct buffer_record *record,
                                  struct kafka_passport *passport, char origin[256], struct err *err);
void kafka_hash_write(uint8_t key[KAFKA_HASH_BYTES], struct hash128 hash);
