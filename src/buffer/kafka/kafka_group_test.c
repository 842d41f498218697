/* A worker's membership against brokers in the process: partitions come and go, records come in order, what fails moves. */
#include "buffer/kafka/kafka_fixture.h"
#include "buffer/kafka/kafka_group.h"
#include "buffer/kafka/kafka_group_inside.h"
#include "buffer/kafka/kafka_move.h"
#include "buffer/kafka/kafka_parked.h"
#include "buffer/kafka/kafka_tail.h"

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
    producer_open(&fixture->appends, fixture->kafka, 64 << 20, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    buffer_close(fixture->appends.buffer);
    kafka_close(fixture->kafka);
    *state = fixture->brokers;
    free(fixture);
    return 0;
}

static void append_all(struct fixture *fixture, uint64_t first, uint64_t count)
{
    struct err err = { 0 };
    uint32_t before = fixture->appends.handed_back;
    for (uint64_t n = first; n < first + count; n++)
        assert_true(append_number(&fixture->appends, n, BYTES("body"), &err));
    appends_wait(&fixture->appends, before + (uint32_t)count);
}

static struct kafka_group *group_open(struct fixture *fixture, const char *name)
{
    struct kafka_group *group;
    struct err err = { 0 };
    struct kafka_group_options options = { .kafka = fixture->kafka, .name = name, .session_ms = 2000 };
    if (!kafka_group_open(&group, &options, &err)) fail_msg("%s", err.text);
    return group;
}

/* What one member has seen. */
struct seen {
    struct kafka_group *group;
    struct fixture *fixture;
    uint64_t last[KAFKA_TOPIC_COUNT][FIXTURE_PARTITIONS];
    bool has[KAFKA_TOPIC_COUNT][FIXTURE_PARTITIONS];
    bool begins_at_committed;
    /* What members have handed over, as the tables would know it: a group that is changing takes no commit. Or NULL. */
    uint64_t (*handed)[FIXTURE_PARTITIONS];
    uint32_t records, retries, assigned, revoked, lost;
    struct kafka_retry retry; /* of the last record */
    struct buffer_record record;
    struct kafka_partition partition;
};

static uint32_t partitions_of(const struct seen *seen)
{
    uint32_t count = 0;
    for (int t = 0; t < KAFKA_TOPIC_COUNT; t++)
        for (int p = 0; p < FIXTURE_PARTITIONS; p++) count += seen->has[t][p];
    return count;
}

static void seen_assigned(struct seen *seen, const struct kafka_event *event)
{
    struct err err = { 0 };
    for (uint32_t i = 0; i < event->partition_count; i++) {
        const struct kafka_bounds *bounds = &event->partitions[i];
        struct kafka_partition at = bounds->partition;
        assert_false(seen->has[at.topic][at.number]);
        seen->has[at.topic][at.number] = true;
        seen->last[at.topic][at.number] = seen->begins_at_committed ? bounds->position_committed : 0;
        if (seen->handed != NULL && seen->handed[at.topic][at.number] > seen->last[at.topic][at.number])
            seen->last[at.topic][at.number] = seen->handed[at.topic][at.number];
        if (!kafka_group_begin(seen->group, at, seen->last[at.topic][at.number], &err)) fail_msg("%s", err.text);
        seen->assigned++;
    }
}

static enum kafka_event_kind seen_poll(struct seen *seen, uint32_t timeout_ms)
{
    struct kafka_event event;
    kafka_group_poll(seen->group, timeout_ms, &event);
    struct kafka_partition at = event.partition;
    switch (event.kind) {
    case KAFKA_NOTHING: break;
    case KAFKA_RECORD:
        assert_int_equal(event.error.code, ERR_OK);
        assert_true(seen->has[at.topic][at.number]);
        if (at.topic == KAFKA_TELEMETRY) {
            assert_int_equal(event.record.position, seen->last[at.topic][at.number] + 1);
            assert_int_equal(partition_of_number(event.record.hash.hi), at.number);
        }
        assert_true(event.record.position > seen->last[at.topic][at.number]);
        assert_true(bytes_equal(event.record.body, BYTES("body")));
        assert_int_equal(event.record.encoding, BUFFER_ENCODING_GZIP);
        seen->last[at.topic][at.number] = event.record.position;
        seen->retry = event.retry;
        seen->record = event.record;
        seen->record.body = BYTES("body");
        seen->partition = at;
        if (at.topic == KAFKA_TELEMETRY)
            seen->records++;
        else
            seen->retries++;
        break;
    case KAFKA_ASSIGNED: seen_assigned(seen, &event); break;
    case KAFKA_REVOKED:
        for (uint32_t i = 0; i < event.partition_count; i++) {
            struct kafka_partition gone = event.partitions[i].partition;
            struct err err = { 0 };
            assert_true(seen->has[gone.topic][gone.number]);
            if (!kafka_group_commit(seen->group, gone, seen->last[gone.topic][gone.number], &err) &&
                strstr(err.text, "rebalance in progress") == NULL)
                fail_msg("%s", err.text);
            if (seen->handed != NULL) seen->handed[gone.topic][gone.number] = seen->last[gone.topic][gone.number];
            seen->has[gone.topic][gone.number] = false;
            seen->revoked++;
        }
        kafka_group_let_go(seen->group);
        break;
    case KAFKA_LOST:
        for (uint32_t i = 0; i < event.partition_count; i++)
            seen->has[event.partitions[i].partition.topic][event.partitions[i].partition.number] = false;
        seen->lost++;
        break;
    case KAFKA_FATAL: fail_msg("%s", event.error.text);
    }
    return event.kind;
}

static void seen_until(struct seen *seen, struct seen *other, bool (*reached)(const struct seen *, const struct seen *))
{
    uint64_t end_ns = clock_mono_ns() + 60000000000ull;
    while (!reached(seen, other)) {
        assert_true(clock_mono_ns() < end_ns);
        seen_poll(seen, 20);
        if (other != NULL) seen_poll(other, 20);
    }
}

static bool has_all(const struct seen *seen, const struct seen *other)
{
    return partitions_of(seen) + (other != NULL ? partitions_of(other) : 0) == FIXTURE_PARTITIONS + KAFKA_RETRIES &&
           (other == NULL || (partitions_of(seen) > 0 && partitions_of(other) > 0));
}
static bool has_300(const struct seen *seen, const struct seen *other)
{
    return seen->records + (other != NULL ? other->records : 0) == 300;
}
static bool has_600(const struct seen *seen, const struct seen *other)
{
    return seen->records + (other != NULL ? other->records : 0) == 600;
}

/* Goal: one member gets all partitions, and every record once in order; what it committed is where the next one begins.
 * Method: 300 records, a member, 300 more, another member. */
static void test_alone(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    append_all(fixture, 0, 300);
    struct seen seen = { .group = group_open(fixture, NULL), .fixture = fixture };
    seen_until(&seen, NULL, has_all);
    seen_until(&seen, NULL, has_300);
    for (uint32_t p = 0; p < FIXTURE_PARTITIONS; p++) {
        struct kafka_partition at = { KAFKA_TELEMETRY, p };
        struct kafka_bounds bounds = { .partition = at };
        if (!kafka_group_commit(seen.group, at, seen.last[KAFKA_TELEMETRY][p], &err)) fail_msg("%s", err.text);
        assert_true(kafka_group_commit(seen.group, at, seen.last[KAFKA_TELEMETRY][p] - 1, &err)); /* nothing */
        assert_true(kafka_bounds(fixture->kafka, &bounds, 1, &err));
        assert_true(bounds.has_committed);
        assert_int_equal(bounds.position_committed, seen.last[KAFKA_TELEMETRY][p]);
        assert_int_equal(bounds.position_last, bounds.position_committed);
    }
    struct kafka_group_stats stats;
    kafka_group_stats(seen.group, &stats);
    assert_int_equal(stats.records, 300);
    assert_int_equal(stats.partitions, FIXTURE_PARTITIONS + KAFKA_RETRIES);
    kafka_group_close(seen.group);

    append_all(fixture, 300, 300);
    struct seen next = { .group = group_open(fixture, "b"), .fixture = fixture, .begins_at_committed = true };
    seen_until(&next, NULL, has_300);
    assert_int_equal(seen_poll(&next, 100), KAFKA_NOTHING);
    kafka_group_close(next.group);
}

/* Goal: a second member takes over part of the partitions, and no record is missed or told twice by the two.
 * Method: the first one commits what it has seen when it is told to let go; the second begins there. */
static void test_two(void **state)
{
    struct fixture *fixture = *state;
    uint64_t handed[KAFKA_TOPIC_COUNT][FIXTURE_PARTITIONS] = { 0 };
    append_all(fixture, 0, 300);
    struct seen first = {
        .group = group_open(fixture, "a"), .fixture = fixture, .begins_at_committed = true, .handed = handed
    };
    seen_until(&first, NULL, has_300);
    struct seen second = {
        .group = group_open(fixture, "b"), .fixture = fixture, .begins_at_committed = true, .handed = handed
    };
    seen_until(&first, &second, has_all);
    assert_true(first.revoked > 0);
    append_all(fixture, 300, 300);
    seen_until(&first, &second, has_600);
    assert_true(second.records > 0);

    struct kafka_partition not_ours = { KAFKA_TELEMETRY, 0 };
    while (first.has[KAFKA_TELEMETRY][not_ours.number]) not_ours.number++;
    struct err err = { 0 };
    assert_false(kafka_group_commit(first.group, not_ours, 1, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    kafka_group_close(first.group);
    kafka_group_close(second.group);
}

/* Goal: a paused partition is silent, and goes on where it was. */
static void test_pause(void **state)
{
    struct fixture *fixture = *state;
    append_all(fixture, 0, 300);
    struct seen seen = { .group = group_open(fixture, "a"), .fixture = fixture };
    seen_until(&seen, NULL, has_all);
    while (seen.records < 10) seen_poll(&seen, 20);
    for (uint32_t p = 0; p < FIXTURE_PARTITIONS; p++)
        kafka_group_pause(seen.group, (struct kafka_partition){ KAFKA_TELEMETRY, p });
    uint32_t before = seen.records;
    for (int i = 0; i < 5; i++) seen_poll(&seen, 50);
    assert_int_equal(seen.records, before);
    for (uint32_t p = 0; p < FIXTURE_PARTITIONS; p++)
        kafka_group_resume(seen.group, (struct kafka_partition){ KAFKA_TELEMETRY, p });
    seen_until(&seen, NULL, has_300);
    kafka_group_close(seen.group);
}

static bool has_retry(const struct seen *seen, const struct seen *other)
{
    (void)other;
    return seen->retries > 0;
}

static void walk_count(struct fixture *fixture, enum kafka_topic topic, kafka_walk_fn *found, void *ctx)
{
    struct err err = { 0 };
    struct kafka_bounds bounds = { .partition = { topic, 0 } };
    bool complete;
    assert_true(kafka_bounds(fixture->kafka, &bounds, 1, &err));
    struct kafka_walk walk = {
        .partition = { topic, 0 }, .position_first = 1, .position_last = bounds.position_last, .ms_max = 30000
    };
    if (!kafka_walk(fixture->kafka, &walk, found, ctx, &complete, &err)) fail_msg("%s", err.text);
    assert_true(complete);
}

struct parked {
    uint32_t count;
    struct kafka_passport passport;
};
static bool parked_found(void *ctx, const struct kafka_walked *walked)
{
    struct parked *parked = ctx;
    assert_true(walked->is_ours);
    assert_true(bytes_equal(walked->record.body, BYTES("body")));
    parked->count++;
    parked->passport = walked->passport;
    return true;
}

/* Goal: a record that fails goes through the three retry topics, not before its time, then it is parked with its reason; the
 * offset of the partition it leaves counts as committed with it. Method: fail it again and again. */
static void test_move(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct kafka_mover *mover;
    append_all(fixture, 7, 1);
    struct seen seen = { .group = group_open(fixture, "a"), .fixture = fixture, .begins_at_committed = true };
    assert_true(kafka_mover_open(&mover, fixture->kafka, seen.group, "a", &err));
    while (seen.records == 0) seen_poll(&seen, 20);
    for (uint32_t attempt = 1; attempt <= KAFKA_RETRIES + 1; attempt++) {
        struct kafka_moved moved = { .record = seen.record, .retry = seen.retry, .reason = "it is no use" };
        struct kafka_partition from = seen.partition;
        uint64_t position = seen.record.position, begin_ns = clock_mono_ns();
        seen.retries = 0;
        if (!kafka_move(mover, from, position, &moved, 1, &err)) fail_msg("%s", err.text);
        uint64_t committed;
        assert_true(
            kafka_group_is_ours(seen.group, from, &committed)); /* these brokers do not keep a transaction's offsets */
        assert_int_equal(committed, position);
        if (attempt > KAFKA_RETRIES) break;
        seen_until(&seen, NULL, has_retry);
        assert_true(clock_mono_ns() - begin_ns >= attempt * 300 * 1000000ull - 50000000ull);
        assert_int_equal(seen.partition.topic, KAFKA_RETRY_1 + (int)attempt - 1);
        assert_int_equal(seen.retry.attempt, attempt);
        assert_int_equal(seen.retry.origin.topic, KAFKA_TELEMETRY);
        assert_int_equal(seen.retry.origin.number, partition_of_number(7));
        assert_int_equal(seen.retry.origin_position, 1);
        assert_string_equal(seen.retry.reason, "it is no use");
        assert_int_equal(seen.record.hash.hi, 7);
    }
    struct parked parked = { 0 };
    walk_count(fixture, KAFKA_PARKED, parked_found, &parked);
    assert_int_equal(parked.count, 1);
    assert_int_equal(parked.passport.retry.attempt, KAFKA_RETRIES);
    assert_string_equal(parked.passport.retry.reason, "it is no use");
    assert_true(parked.passport.parked_unix_us > 0);

    /* Sent on its way again it comes at once, as it was but for its hash, and only once. */
    seen.retries = 0;
    if (!kafka_parked_replay(fixture->kafka, 1, &err)) fail_msg("%s", err.text);
    seen_until(&seen, NULL, has_retry);
    assert_int_equal(seen.partition.topic, KAFKA_RETRY_1);
    struct hash128 hash = kafka_replay_hash(record_number(7, BYTES("body")).hash, 1);
    assert_true(hash128_equal(seen.record.hash, hash));
    assert_false(kafka_parked_replay(fixture->kafka, 1, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_false(kafka_parked_replay(fixture->kafka, 99, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    struct kafka_mover_stats stats;
    kafka_mover_stats(mover, &stats);
    assert_int_equal(stats.retried, KAFKA_RETRIES);
    assert_int_equal(stats.parked, 1);
    kafka_mover_close(mover);
    kafka_group_close(seen.group);
}

static bool position_found(void *ctx, const struct kafka_walked *walked)
{
    uint64_t *last = ctx;
    assert_true(walked->record.position > *last);
    *last = walked->record.position;
    return true;
}

/* Goal: the records between two positions are read without a group, each once; an end that is not there yet is not waited
 * for. By time: tests/story_kafka_topics.py, as these brokers do not know that. */
static void test_tail(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    append_all(fixture, 0, 300);
    uint64_t last = 0;
    bool complete;
    struct kafka_walk walk = {
        .partition = { KAFKA_TELEMETRY, 1 }, .position_first = 5, .position_last = 9, .ms_max = 30000
    };
    assert_true(kafka_walk(fixture->kafka, &walk, position_found, &last, &complete, &err));
    assert_true(complete);
    assert_int_equal(last, 9);
    walk.position_last = 1000000;
    walk.ms_max = 300;
    last = 0;
    assert_true(kafka_walk(fixture->kafka, &walk, position_found, &last, &complete, &err));
    assert_false(complete);
    assert_in_range(last, 90, 110);
}

/* Goal: marks survive as they were, and no more than fit are taken. Method: through text, as the broker keeps them. */
static void test_marks(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct kafka_mover *mover;
    append_all(fixture, 0, 300);
    struct seen seen = { .group = group_open(fixture, "a"), .fixture = fixture };
    assert_true(kafka_mover_open(&mover, fixture->kafka, seen.group, "a", &err));
    seen_until(&seen, NULL, has_300);
    struct kafka_partition at = { KAFKA_TELEMETRY, 1 };
    static uint64_t positions[KAFKA_MARKS_MAX + 1], found[KAFKA_MARKS_MAX];
    uint32_t count;
    for (uint64_t i = 0; i <= KAFKA_MARKS_MAX; i++) positions[i] = 1000000000 + i * 1000;
    if (!kafka_mark(mover, at, 3, positions, KAFKA_MARKS_MAX, &err)) fail_msg("%s", err.text);
    if (!kafka_marks_read(mover, at, found, &count, &err)) fail_msg("%s", err.text);
    assert_int_equal(count, KAFKA_MARKS_MAX);
    assert_memory_equal(found, positions, sizeof found);
    struct kafka_bounds bounds = { .partition = at };
    assert_true(kafka_bounds(fixture->kafka, &bounds, 1, &err));
    assert_int_equal(bounds.position_committed, 3);

    assert_false(kafka_mark(mover, at, 3, positions, KAFKA_MARKS_MAX + 1, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    if (!kafka_group_commit(seen.group, at, 50, &err)) fail_msg("%s", err.text);
    assert_true(kafka_marks_read(mover, at, found, &count, &err));
    assert_int_equal(count, 0);
    kafka_mover_close(mover);
    kafka_group_close(seen.group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marks, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, brokers_open, brokers_close);
}
