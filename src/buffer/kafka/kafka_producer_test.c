/* The producer against brokers in the process: what is acknowledged, what is refused, and how. */
#include "buffer/kafka/kafka_fixture.h"

#define PRODUCE 0 /* the key of Kafka's request */

struct fixture {
    struct brokers *brokers;
    struct log log;
    struct kafka *kafka;
    struct appends appends;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->log = (struct log){ .fd = 2, .level_min = LOG_ERROR };
    fixture->brokers = *state;
    fixture->kafka = fixture_kafka(fixture->brokers, &fixture->log);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rd_kafka_mock_broker_set_up(fixture->brokers->cluster, 1);
    kafka_close(fixture->kafka);
    *state = fixture->brokers;
    free(fixture);
    return 0;
}

/* Goal: each append is answered once, after the broker has it; positions count from 1 in each partition, which the hash
 * picks. Method: 300 appends over three partitions. */
static void test_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    producer_open(&fixture->appends, fixture->kafka, 64 << 20, 0);
    for (uint64_t n = 0; n < 300; n++) assert_true(append_number(&fixture->appends, n, BYTES("body"), &err));
    appends_wait(&fixture->appends, 300);
    assert_int_equal(fixture->appends.stored, 300);
    uint64_t last[FIXTURE_PARTITIONS] = { 0 };
    for (uint64_t n = 0; n < 300; n++) {
        uint32_t partition = partition_of_number(n);
        assert_int_equal(fixture->appends.position[n], ++last[partition]);
    }
    for (uint32_t p = 0; p < FIXTURE_PARTITIONS; p++) {
        struct kafka_bounds bounds = { .partition = { KAFKA_TELEMETRY, p } };
        assert_true(kafka_bounds(fixture->kafka, &bounds, 1, &err));
        assert_int_equal(bounds.position_first, 1);
        assert_int_equal(bounds.position_last, last[p]);
        assert_false(bounds.has_committed);
    }
    struct buffer_stats stats;
    buffer_stats(fixture->appends.buffer, &stats);
    assert_int_equal(stats.records, 300);
    assert_int_equal(stats.bytes, 1200);
    assert_int_equal(stats.sync_times.count, 300);
    assert_int_equal(stats.pending_bytes, 0);
    assert_int_equal(buffer_position_last(fixture->appends.buffer), 0);
    struct uuid id = kafka_buffer_id(fixture->kafka, KAFKA_TELEMETRY);
    assert_true(uuid_equal(buffer_id(fixture->appends.buffer), id));
    assert_false(buffer_release(fixture->appends.buffer, 1, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    buffer_close(fixture->appends.buffer);
}

/* Goal: what the broker answers becomes an error that says what to do, and one that it may mend is tried again.
 * Method: make it answer so. */
static void test_refused(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    producer_open(&fixture->appends, fixture->kafka, 64 << 20, 5000);
    rd_kafka_mock_push_request_errors(fixture->brokers->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_true(append_number(&fixture->appends, 1, BYTES("body"), &err));
    appends_wait(&fixture->appends, 1);
    assert_int_equal(fixture->appends.refused, 1);
    assert_int_equal(fixture->appends.last.code, ERR_TOO_LARGE);
    assert_non_null(strstr(fixture->appends.last.text, "max.message.bytes"));

    rd_kafka_mock_push_request_errors(fixture->brokers->cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    assert_true(append_number(&fixture->appends, 2, BYTES("body"), &err));
    appends_wait(&fixture->appends, 2);
    assert_int_equal(fixture->appends.stored, 1);
    buffer_close(fixture->appends.buffer);
}

/* Goal: brokers that are away cost a stated time, then the sender is told to come again; when they are back all goes on.
 * Method: take the broker down and up. */
static void test_away(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    producer_open(&fixture->appends, fixture->kafka, 64 << 20, 2500);
    assert_true(append_number(&fixture->appends, 1, BYTES("body"), &err));
    appends_wait(&fixture->appends, 1);
    rd_kafka_mock_broker_set_down(fixture->brokers->cluster, 1);
    assert_true(append_number(&fixture->appends, 2, BYTES("body"), &err));
    appends_wait(&fixture->appends, 2);
    assert_int_equal(fixture->appends.refused, 1);
    assert_int_equal(fixture->appends.last.code, ERR_BUSY);
    assert_non_null(strstr(fixture->appends.last.text, "2500 ms"));
    struct buffer_stats stats;
    buffer_stats(fixture->appends.buffer, &stats);
    assert_true(stats.is_full);

    rd_kafka_mock_broker_set_up(fixture->brokers->cluster, 1);
    for (uint64_t n = 3; n < 100 && stats.is_full; n++) {
        assert_true(append_number(&fixture->appends, n, BYTES("body"), &err));
        appends_wait(&fixture->appends, (uint32_t)n);
        buffer_stats(fixture->appends.buffer, &stats);
    }
    assert_false(stats.is_full);

    /* Without anything sent, an answered question tells as well. */
    rd_kafka_mock_broker_set_down(fixture->brokers->cluster, 1);
    for (int ms = 0; ms < 20000 && !stats.is_full; ms += 20) {
        clock_sleep_ms(20);
        buffer_stats(fixture->appends.buffer, &stats);
    }
    assert_true(stats.is_full);
    rd_kafka_mock_broker_set_up(fixture->brokers->cluster, 1);
    if (!kafka_check(fixture->kafka, &err)) fail_msg("%s", err.text);
    buffer_stats(fixture->appends.buffer, &stats);
    assert_false(stats.is_full);
    buffer_close(fixture->appends.buffer);
}

/* Goal: a full queue answers at once; a larger record is taken when nothing waits; closing answers all.
 * Method: a broker that is down keeps what is appended waiting. */
static void test_full(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    static uint8_t large[1 << 20];
    producer_open(&fixture->appends, fixture->kafka, 4096, 2500);
    assert_true(append_number(&fixture->appends, 1, bytes_from(large, sizeof large), &err));
    appends_wait(&fixture->appends, 1);
    assert_int_equal(fixture->appends.stored, 1);
    rd_kafka_mock_broker_set_down(fixture->brokers->cluster, 1);
    uint32_t taken = 1;
    while (append_number(&fixture->appends, taken + 1, bytes_from(large, 1000), &err)) taken++;
    assert_int_equal(err.code, ERR_BUSY);
    assert_in_range(taken, 3, 5);
    struct buffer_record too_large = record_number(9, bytes_from(large, (size_t)KAFKA_RECORD_BYTES + 1));
    assert_false(buffer_append(fixture->appends.buffer, &too_large, NULL, append_done, &fixture->appends, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    buffer_close(fixture->appends.buffer);
    assert_int_equal(fixture->appends.stored + fixture->appends.refused, taken);
}

/* Goal: many threads may append at once. Method: four with 500 each. */
static void *append_many(void *ctx)
{
    struct appends *appends = ctx;
    struct err err = { 0 };
    for (uint64_t n = 0; n < 500; n++) assert_true(append_number(appends, n, BYTES("body"), &err));
    return NULL;
}
static void test_threads(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];
    producer_open(&fixture->appends, fixture->kafka, 64 << 20, 0);
    for (size_t t = 0; t < COUNT_OF(threads); t++)
        assert_int_equal(pthread_create(&threads[t], NULL, append_many, &fixture->appends), 0);
    for (size_t t = 0; t < COUNT_OF(threads); t++) pthread_join(threads[t], NULL);
    buffer_close(fixture->appends.buffer); /* waits for what is under way */
    assert_int_equal(fixture->appends.handed_back, 2000);
}

/* Goal: settings that cannot be, and a cluster that is not there, are told in words. */
static void test_open_refusals(void **state)
{
    struct fixture *fixture = *state;
    struct kafka *kafka;
    struct err err = { 0 };
    const struct kafka_options good = {
        .brokers = "127.0.0.1:1", .client_id = "test", .group = "m.workers", .topic_prefix = "m", .log = &fixture->log
    };
    struct kafka_options options = good;
    options.brokers = "";
    assert_false(kafka_open(&kafka, &options, &err));
    assert_int_equal(err.code, ERR_INPUT);
    options = good;
    options.topic_prefix = "a/b";
    assert_false(kafka_open(&kafka, &options, &err));
    assert_non_null(strstr(err.text, "--kafka-topic-prefix"));
    options = good;
    options.security = "tls";
    assert_false(kafka_open(&kafka, &options, &err));
    assert_non_null(strstr(err.text, "--kafka-security-protocol"));
    options = good;
    options.security = "sasl_ssl";
    assert_false(kafka_open(&kafka, &options, &err));
    assert_non_null(strstr(err.text, "--kafka-sasl-username"));
    options = good;
    options.sasl_mechanism = "GSSAPI";
    assert_false(kafka_open(&kafka, &options, &err));
    assert_non_null(strstr(err.text, "--kafka-sasl-mechanism"));
    options = good;
    options.sasl_username = "me";
    assert_false(kafka_open(&kafka, &options, &err));
    assert_non_null(strstr(err.text, "--kafka-security-protocol"));
    assert_null(kafka);
}

/* Goal: a topic that goes or comes anew is noticed. Method: a second view with a wrong id, then with fewer partitions. */
static void test_check(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    assert_true(kafka_check(fixture->kafka, &err));
    fixture->kafka->topics[KAFKA_RETRY_2].id[0] ^= 1;
    assert_false(kafka_check(fixture->kafka, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, ".retry.2"));
    fixture->kafka->topics[KAFKA_RETRY_2].id[0] ^= 1;
    fixture->kafka->topics[KAFKA_TELEMETRY].partition_count--;
    assert_false(kafka_check(fixture->kafka, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "has 3 partitions now, it had 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_acknowledged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, brokers_open, brokers_close);
}
