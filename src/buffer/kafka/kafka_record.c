#include "buffer/kafka/kafka_record.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LAYOUT "1"

static const char *const signals[] = { NULL, "logs", "traces", "metrics", "replay", "rows" };
static const char *const encodings[] = { "identity", "gzip", "zstd", "deflate" };
static const char *const formats[] = { "protobuf", "json" };

/* --- writing --- */

static void header_give(struct kafka_headers *headers, const char *name, struct bytes value)
{
    assert(headers->count < KAFKA_HEADERS_MAX);
    headers->list[headers->count++] = (struct kafka_header){ name, value };
}

static void PRINTF_LIKE(3, 4) header_print(struct kafka_headers *headers, const char *name, const char *fmt, ...)
{
    size_t room = sizeof headers->values - headers->values_used;
    char *at = headers->values + headers->values_used;
    va_list args;
    va_start(args, fmt);
    int written = vsnprintf(at, room, fmt, args);
    va_end(args);
    assert(written >= 0);
    size_t len = (size_t)written < room ? (size_t)written : room - 1; /* only a reason can be that long: it is cut */
    header_give(headers, name, bytes_from(at, len));
    headers->values_used += len + 1;
}

void kafka_record_write(struct kafka_headers *headers, const struct buffer_record *record,
                        const struct kafka_passport *passport)
{
    assert(record->signal >= BUFFER_SIGNAL_LOGS && record->signal <= BUFFER_SIGNAL_LAST);
    assert(record->encoding < COUNT_OF(encodings) && record->format < COUNT_OF(formats));
    char project[UUID_TEXT_BYTES + 1], key[UUID_TEXT_BYTES + 1];
    headers->count = 0;
    headers->values_used = 0;
    uuid_to_text(record->project_id, project);
    uuid_to_text(record->key_id, key);
    header_give(headers, "monoscope", BYTES(LAYOUT));
    header_give(headers, "signal", bytes_of_text(signals[record->signal]));
    header_give(headers, "encoding", bytes_of_text(encodings[record->encoding]));
    header_give(headers, "format", bytes_of_text(formats[record->format]));
    header_print(headers, "project", "%s", project);
    header_print(headers, "key-id", "%s", key);
    header_print(headers, "hash", "%016" PRIx64 "%016" PRIx64, record->hash.hi, record->hash.lo);
    header_print(headers, "received", "%" PRId64, record->received_unix_us);
    if (passport == NULL) return;
    if (passport->retry.attempt > 0) header_print(headers, "attempt", "%" PRIu32, passport->retry.attempt);
    if (passport->retry.not_before_unix_us != 0)
        header_print(headers, "not-before", "%" PRId64, passport->retry.not_before_unix_us);
    if (passport->parked_unix_us != 0) header_print(headers, "parked", "%" PRId64, passport->parked_unix_us);
    if (passport->origin_topic != NULL)
        header_print(headers, "origin", "%s/%" PRIu32 "/%" PRIu64, passport->origin_topic,
                     passport->retry.origin.number, passport->retry.origin_position);
    if (passport->retry.reason[0] != '\0') header_print(headers, "reason", "%s", passport->retry.reason);
}

void kafka_replayed_write(struct kafka_headers *headers, uint64_t position)
{
    headers->count = 0;
    headers->values_used = 0;
    header_give(headers, "monoscope", BYTES(LAYOUT));
    header_print(headers, "replayed", "%" PRIu64, position);
}

void kafka_hash_write(uint8_t key[KAFKA_HASH_BYTES], struct hash128 hash)
{
    for (int i = 0; i < 8; i++) {
        key[i] = (uint8_t)(hash.hi >> (56 - 8 * i));
        key[8 + i] = (uint8_t)(hash.lo >> (56 - 8 * i));
    }
}

/* --- reading --- */

static bool wrong(const char *name, struct bytes value, struct err *err)
{
    return err_set(err, ERR_INPUT, "its header \"%s\" is \"%.*s\", which cannot be", name,
                   (int)(value.len < 60 ? value.len : 60), (const char *)value.ptr);
}

static bool word_read(const struct kafka_header *header, const char *const *words, uint32_t count, uint32_t *word,
                      struct err *err)
{
    for (uint32_t w = 0; w < count; w++) {
        if (words[w] == NULL || !bytes_equal(header->value, bytes_of_text(words[w]))) continue;
        *word = w;
        return true;
    }
    return wrong(header->name, header->value, err);
}

static bool digits_read(struct bytes text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value) || value > max)
            return false;
    }
    *number = value;
    return true;
}

static bool number_read(const struct kafka_header *header, uint64_t max, uint64_t *number, struct err *err)
{
    return digits_read(header->value, max, number) || wrong(header->name, header->value, err);
}

/* A time may lie before 1970 when a clock is wrong. */
static bool time_read(const struct kafka_header *header, int64_t *unix_us, struct err *err)
{
    struct bytes text = header->value;
    uint64_t number;
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    if (is_negative) text = bytes_from(text.ptr + 1, text.len - 1);
    if (!digits_read(text, INT64_MAX, &number)) return wrong(header->name, header->value, err);
    *unix_us = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool hash_read(const struct kafka_header *header, struct hash128 *hash, struct err *err)
{
    uint64_t halves[2] = { 0, 0 };
    bool ok = header->value.len == 32;
    for (size_t i = 0; ok && i < 32; i++) {
        uint8_t c = header->value.ptr[i];
        uint64_t digit = c >= '0' && c <= '9'   ? (uint64_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a') + 10
                                                : 16;
        ok = digit < 16;
        halves[i / 16] = halves[i / 16] << 4 | (digit & 15);
    }
    if (!ok) return wrong(header->name, header->value, err);
    *hash = (struct hash128){ .hi = halves[0], .lo = halves[1] };
    return true;
}

/* "topic/partition/position"; a topic's name has no slash. */
static bool origin_read(const struct kafka_header *header, struct kafka_retry *retry, char origin[256], struct err *err)
{
    struct bytes text = header->value;
    const uint8_t *first = memchr(text.ptr, '/', text.len);
    if (first == NULL || first == text.ptr || first - text.ptr > 255) return wrong(header->name, text, err);
    size_t topic_len = (size_t)(first - text.ptr);
    struct bytes rest = bytes_from(first + 1, text.len - topic_len - 1);
    const uint8_t *second = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    uint64_t number, position;
    if (second == NULL) return wrong(header->name, text, err);
    size_t number_len = (size_t)(second - rest.ptr);
    if (!digits_read(bytes_from(rest.ptr, number_len), INT32_MAX, &number) ||
        !digits_read(bytes_from(second + 1, rest.len - number_len - 1), INT64_MAX, &position))
        return wrong(header->name, text, err);
    memcpy(origin, text.ptr, topic_len);
    origin[topic_len] = '\0';
    retry->origin.number = (uint32_t)number;
    retry->origin_position = position;
    return true;
}

static bool uuid_read(const struct kafka_header *header, struct uuid *uuid, struct err *err)
{
    return uuid_from_text(header->value, uuid) || wrong(header->name, header->value, err);
}

enum {
    SEEN_LAYOUT = 1,
    SEEN_SIGNAL = 2,
    SEEN_PROJECT = 4,
    SEEN_HASH = 8,
    SEEN_RECEIVED = 16,
    SEEN_KEY = 32,
    SEEN_REPLAYED = 64
};
#define SEEN_WHOLE (SEEN_LAYOUT | SEEN_SIGNAL | SEEN_PROJECT | SEEN_HASH | SEEN_RECEIVED | SEEN_KEY)

static bool header_read(const struct kafka_header *header, struct buffer_record *record,
                        struct kafka_passport *passport, char origin[256], uint32_t *seen, struct err *err)
{
    const char *name = header->name;
    uint32_t word = 0;
    uint64_t number = 0;
    if (strcmp(name, "monoscope") == 0) {
        *seen |= SEEN_LAYOUT;
        return bytes_equal(header->value, BYTES(LAYOUT)) ||
               err_set(err, ERR_UNSUPPORTED, "it is of a newer layout than this server knows (header \"monoscope\")");
    }
    if (strcmp(name, "signal") == 0) {
        if (!word_read(header, signals, COUNT_OF(signals), &word, err)) return false;
        record->signal = (enum buffer_signal)word;
        *seen |= SEEN_SIGNAL;
    } else if (strcmp(name, "encoding") == 0) {
        if (!word_read(header, encodings, COUNT_OF(encodings), &word, err)) return false;
        record->encoding = (enum buffer_encoding)word;
    } else if (strcmp(name, "format") == 0) {
        if (!word_read(header, formats, COUNT_OF(formats), &word, err)) return false;
        record->format = (enum buffer_format)word;
    } else if (strcmp(name, "project") == 0) {
        *seen |= SEEN_PROJECT;
        return uuid_read(header, &record->project_id, err);
    } else if (strcmp(name, "key-id") == 0) {
        *seen |= SEEN_KEY;
        return uuid_read(header, &record->key_id, err);
    } else if (strcmp(name, "hash") == 0) {
        *seen |= SEEN_HASH;
        return hash_read(header, &record->hash, err);
    } else if (strcmp(name, "received") == 0) {
        *seen |= SEEN_RECEIVED;
        return time_read(header, &record->received_unix_us, err);
    } else if (strcmp(name, "attempt") == 0) {
        if (!number_read(header, KAFKA_RETRIES, &number, err)) return false;
        passport->retry.attempt = (uint32_t)number;
    } else if (strcmp(name, "not-before") == 0) {
        return time_read(header, &passport->retry.not_before_unix_us, err);
    } else if (strcmp(name, "origin") == 0) {
        return origin_read(header, &passport->retry, origin, err);
    } else if (strcmp(name, "reason") == 0) {
        snprintf(passport->retry.reason, sizeof passport->retry.reason, "%.*s",
                 (int)(header->value.len < 1000 ? header->value.len : 1000), (const char *)header->value.ptr);
    } else if (strcmp(name, "parked") == 0) {
        return time_read(header, &passport->parked_unix_us, err);
    } else if (strcmp(name, "replayed") == 0) {
        *seen |= SEEN_REPLAYED;
        return number_read(header, INT64_MAX, &passport->replayed_position, err);
    }
    return true;
}

bool kafka_record_read(const struct kafka_header *list, uint32_t count, struct buffer_record *record,
                       struct kafka_passport *passport, char origin[256], struct err *err)
{
    uint32_t seen = 0;
    *record = (struct buffer_record){ .signal = BUFFER_SIGNAL_LOGS };
    *passport = (struct kafka_passport){ 0 };
    origin[0] = '\0';
    for (uint32_t i = 0; i < count; i++)
        if (!header_read(&list[i], record, passport, origin, &seen, err)) return false;
    if ((seen & SEEN_LAYOUT) == 0)
        return err_set(err, ERR_INPUT, "no monoscope wrote it: it has no header \"monoscope\"");
    if ((seen & SEEN_REPLAYED) != 0 && passport->replayed_position > 0) return true;
    return (seen & SEEN_WHOLE) == SEEN_WHOLE ||
           err_set(err, ERR_INPUT, "it lacks one of the headers signal, project, key-id, hash, received");
}
