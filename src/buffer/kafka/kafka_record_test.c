/* Records as Kafka messages: what is written is read again, and what cannot be is refused. */
#include "buffer/kafka/kafka_record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct buffer_record record_make(void)
{
    return (struct buffer_record){
        .signal = BUFFER_SIGNAL_METRICS,
        .encoding = BUFFER_ENCODING_ZSTD,
        .format = BUFFER_FORMAT_JSON,
        .project_id = uuid_random(),
        .key_id = uuid_random(),
        .hash = { .lo = 0x0123456789abcdef, .hi = 0xfedcba9876543210 },
        .received_unix_us = 1795744063000001,
    };
}

static void assert_record_equal(const struct buffer_record *a, const struct buffer_record *b)
{
    assert_int_equal(a->signal, b->signal);
    assert_int_equal(a->encoding, b->encoding);
    assert_int_equal(a->format, b->format);
    assert_true(uuid_equal(a->project_id, b->project_id));
    assert_true(uuid_equal(a->key_id, b->key_id));
    assert_true(hash128_equal(a->hash, b->hash));
    assert_int_equal(a->received_unix_us, b->received_unix_us);
}

/* Goal: every field of a record and of its passport survives. Method: write and read, with and without a passport. */
static void test_round_trip(void **state)
{
    (void)state;
    struct kafka_headers headers;
    struct buffer_record record = record_make(), read;
    struct kafka_passport passport = { .retry = { .attempt = 2,
                                                  .not_before_unix_us = 1795744068000001,
                                                  .origin = { KAFKA_TELEMETRY, 17 },
                                                  .origin_position = 4711,
                                                  .reason = "it cannot be decoded: \"x\"" },
                                       .origin_topic = "monoscope.telemetry",
                                       .parked_unix_us = 1795744069000001 },
                          found;
    char origin[256];
    struct err err = { 0 };
    kafka_record_write(&headers, &record, NULL);
    assert_int_equal(headers.count, 8);
    assert_true(kafka_record_read(headers.list, headers.count, &read, &found, origin, &err));
    assert_record_equal(&record, &read);
    assert_int_equal(found.retry.attempt, 0);
    assert_string_equal(origin, "");

    kafka_record_write(&headers, &record, &passport);
    assert_true(kafka_record_read(headers.list, headers.count, &read, &found, origin, &err));
    assert_record_equal(&record, &read);
    assert_int_equal(found.retry.attempt, 2);
    assert_int_equal(found.retry.not_before_unix_us, 1795744068000001);
    assert_int_equal(found.retry.origin.number, 17);
    assert_int_equal(found.retry.origin_position, 4711);
    assert_string_equal(found.retry.reason, passport.retry.reason);
    assert_string_equal(origin, "monoscope.telemetry");
    assert_int_equal(found.parked_unix_us, passport.parked_unix_us);

    kafka_replayed_write(&headers, 12);
    assert_true(kafka_record_read(headers.list, headers.count, &read, &found, origin, &err));
    assert_int_equal(found.replayed_position, 12);
}

/* Goal: the longest names and reasons there can be fit. Method: a topic of 249 characters, a reason of 239, all numbers at
 * their ends. */
static void test_longest(void **state)
{
    (void)state;
    struct kafka_headers headers;
    struct buffer_record record = record_make(), read;
    char topic[250], origin[256];
    memset(topic, 't', 249);
    topic[249] = '\0';
    struct kafka_passport passport = { .retry = { .attempt = 3,
                                                  .not_before_unix_us = INT64_MAX,
                                                  .origin = { KAFKA_TELEMETRY, INT32_MAX },
                                                  .origin_position = INT64_MAX },
                                       .origin_topic = topic,
                                       .parked_unix_us = INT64_MAX },
                          found;
    memset(passport.retry.reason, 'r', sizeof passport.retry.reason - 1);
    record.received_unix_us = -INT64_MAX;
    struct err err = { 0 };
    kafka_record_write(&headers, &record, &passport);
    assert_true(kafka_record_read(headers.list, headers.count, &read, &found, origin, &err));
    assert_record_equal(&record, &read);
    assert_string_equal(origin, topic);
    assert_string_equal(found.retry.reason, passport.retry.reason);
    assert_int_equal(found.retry.origin_position, INT64_MAX);
}

/* Goal: a header that is missing, doubled, unknown or wrong is told apart. Method: change one of a good message at a time. */
static void test_wrong_headers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *says; /* says NULL: taken */
    } cases[] = {
        { "monoscope", "2", "newer layout" },
        { "signal", "trace", "\"signal\" is \"trace\"" },
        { "encoding", "br", "\"encoding\"" },
        { "format", "", "\"format\"" },
        { "project", "1234", "\"project\"" },
        { "hash", "0123456789abcdef0123456789abcdeg", "\"hash\"" },
        { "hash", "0123", "\"hash\"" },
        { "received", "99999999999999999999", "\"received\"" },
        { "received", "-", "\"received\"" },
        { "received", "12x", "\"received\"" },
        { "attempt", "4", "\"attempt\"" },
        { "origin", "topic", "\"origin\"" },
        { "origin", "/1/2", "\"origin\"" },
        { "origin", "topic/1", "\"origin\"" },
        { "origin", "topic/1/", "\"origin\"" },
        { "origin", "topic/4294967296/1", "\"origin\"" },
        { "origin", "topic/1/2", NULL },
        { "encoding", "gzip", NULL }, /* the later of two counts */
        { "colour", "green", NULL },
    };
    struct kafka_headers headers;
    struct buffer_record record = record_make(), read;
    struct kafka_passport found;
    char origin[256];
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct err err = { 0 };
        kafka_record_write(&headers, &record, NULL);
        headers.list[headers.count++] = (struct kafka_header){ cases[c].name, bytes_of_text(cases[c].value) };
        bool taken = kafka_record_read(headers.list, headers.count, &read, &found, origin, &err);
        assert_int_equal(taken, cases[c].says == NULL);
        if (!taken && strstr(err.text, cases[c].says) == NULL) fail_msg("%s", err.text);
    }
    for (uint32_t missing = 0; missing < 8; missing++) {
        struct err err = { 0 };
        kafka_record_write(&headers, &record, NULL);
        headers.list[missing] = headers.list[--headers.count];
        /* Without encoding and format a body is plain protobuf. */
        assert_int_equal(kafka_record_read(headers.list, headers.count, &read, &found, origin, &err),
                         missing == 2 || missing == 3);
    }
}

/* Goal: the key is the hash, most significant byte first. */
static void test_key(void **state)
{
    (void)state;
    uint8_t key[KAFKA_HASH_BYTES];
    kafka_hash_write(key, (struct hash128){ .hi = 0x0001020304050607, .lo = 0x08090a0b0c0d0e0f });
    for (uint8_t i = 0; i < KAFKA_HASH_BYTES; i++) assert_int_equal(key[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_wrong_headers),
        cmocka_unit_test(test_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
