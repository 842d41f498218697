/* What a record costs on its way through real brokers: kafka_bench HOST:PORT [records], on topics of its own prefix.
 *
 * Figures, for bodies of 2 KB and of 450 KB with 64 under way: CPU of this process for a record appended and acknowledged, and
 * for one received by the group; records a second; how long the tail of 10 minutes takes to read; what a move takes.
 * Then it checks what librdkafka's brokers in the process cannot show: a move's offset is the group's, a move of somebody whose
 * time is over is refused, and marks come back. */
#include "base/clock.h"
#include "buffer/kafka/kafka_group.h"
#include "buffer/kafka/kafka_move.h"
#include "buffer/kafka/kafka_producer.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const struct log quiet = { .fd = 2, .level_min = LOG_WARN };
static uint8_t body[450 << 10];

struct clients {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t in_flight;
};

static void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "kafka_bench: %s: %s\n", what, err->text);
    exit(1);
}

static void check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "kafka_bench: not as it should be: %s\n", what);
    exit(1);
}

static void clients_done(void *ctx, const struct err *err, bool repeated)
{
    struct clients *clients = ctx;
    if (err != NULL || repeated) fail("append", err);
    pthread_mutex_lock(&clients->lock);
    clients->in_flight--;
    pthread_cond_signal(&clients->changed);
    pthread_mutex_unlock(&clients->lock);
}

static void clients_record(void *ctx, const struct buffer_record *record, void *request)
{
    (void)ctx, (void)record, (void)request;
}

static void clients_wait(struct clients *clients, uint32_t in_flight_max)
{
    pthread_mutex_lock(&clients->lock);
    while (clients->in_flight > in_flight_max) pthread_cond_wait(&clients->changed, &clients->lock);
    pthread_mutex_unlock(&clients->lock);
}

static void produce(struct kafka *kafka, uint32_t count, size_t bytes, const char *name)
{
    struct err err = { 0 };
    struct buffer *buffer;
    struct clients clients = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    struct kafka_producer_options options = { .kafka = kafka,
                                              .pending_bytes_max = 256 << 20,
                                              .sink = { clients_record, &clients } };
    if (!kafka_producer_open(&buffer, &options, &err) || !buffer_start(buffer, &err)) fail("open the producer", &err);
    uint64_t begin_ns = clock_mono_ns(), begin_cpu_ns = clock_cpu_ns();
    for (uint32_t n = 0; n < count; n++) {
        uint64_t random = clock_mono_ns() * 0x9E3779B97F4A7C15u;
        struct buffer_record record = { .signal = BUFFER_SIGNAL_TRACES,
                                        .hash = { random ^ n, n },
                                        .received_unix_us = clock_unix_us(),
                                        .body = { body, bytes } };
        clients_wait(&clients, 63);
        pthread_mutex_lock(&clients.lock);
        clients.in_flight++;
        pthread_mutex_unlock(&clients.lock);
        if (!buffer_append(buffer, &record, NULL, clients_done, &clients, &err)) fail("append", &err);
    }
    clients_wait(&clients, 0);
    double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9, cpu_us = (double)(clock_cpu_ns() - begin_cpu_ns) / 1e3;
    struct buffer_stats stats;
    buffer_stats(buffer, &stats);
    printf("kafka_append_cpu_%s %.1f us\n", name, cpu_us / count);
    printf("kafka_append_rate_%s %.0f 1/s\n", name, count / seconds);
    printf("kafka_append_time_%s %.1f ms\n", name, stats.sync_times.sum_s * 1e3 / (double)stats.sync_times.count);
    buffer_close(buffer);
}

struct member {
    struct kafka *kafka;
    struct kafka_group *group;
    uint64_t last[KAFKA_TOPIC_COUNT][64];
    uint32_t records, begun;
};

static void member_poll(struct member *member, struct kafka_event *event)
{
    struct err err = { 0 };
    kafka_group_poll(member->group, 200, event);
    if (event->kind == KAFKA_ASSIGNED) {
        for (uint32_t i = 0; i < event->partition_count; i++) {
            const struct kafka_bounds *at = &event->partitions[i];
            if (!kafka_group_begin(member->group, at->partition, at->position_committed, &err)) fail("begin", &err);
            member->begun++;
        }
    } else if (event->kind == KAFKA_RECORD) {
        check(event->error.code == ERR_OK, event->error.text);
        check(event->record.position > member->last[event->partition.topic][event->partition.number], "positions rise");
        member->last[event->partition.topic][event->partition.number] = event->record.position;
        member->records++;
    } else if (event->kind == KAFKA_FATAL) {
        fail("member", &event->error);
    }
}

static void consume(struct kafka *kafka, uint32_t count, const char *name)
{
    struct err err = { 0 };
    struct member member = { .kafka = kafka };
    struct kafka_event event;
    struct kafka_group_options options = { .kafka = kafka, .session_ms = 6000 };
    if (!kafka_group_open(&member.group, &options, &err)) fail("open the group", &err);
    uint64_t opened_ns = clock_mono_ns();
    while (member.records == 0) member_poll(&member, &event);
    uint64_t begin_ns = clock_mono_ns(), begin_cpu_ns = clock_cpu_ns();
    printf("kafka_join_%s %.0f ms\n", name, (double)(begin_ns - opened_ns) / 1e6);
    while (member.records < count) member_poll(&member, &event);
    double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9, cpu_us = (double)(clock_cpu_ns() - begin_cpu_ns) / 1e3;
    printf("kafka_receive_cpu_%s %.1f us\n", name, cpu_us / count);
    printf("kafka_receive_rate_%s %.0f 1/s\n", name, count / seconds);
    for (uint32_t p = 0; p < kafka_partition_count(kafka, KAFKA_TELEMETRY); p++) {
        struct kafka_partition at = { KAFKA_TELEMETRY, p };
        begin_ns = clock_mono_ns();
        if (!kafka_group_commit(member.group, at, member.last[KAFKA_TELEMETRY][p], &err)) fail("commit", &err);
    }
    printf("kafka_commit_%s %.1f ms\n", name, (double)(clock_mono_ns() - begin_ns) / 1e6);
    kafka_group_close(member.group);
}

static void tail_count(void *ctx, struct hash128 hash, int64_t received_unix_us, uint64_t position)
{
    uint64_t *count = ctx;
    (void)hash, (void)received_unix_us, (void)position;
    (*count)++;
}

static void tail(struct kafka *kafka)
{
    struct err err = { 0 };
    struct kafka_bounds bounds = { .partition = { KAFKA_TELEMETRY, 0 } };
    uint64_t count = 0, begin_ns = clock_mono_ns();
    bool complete;
    if (!kafka_bounds(kafka, &bounds, 1, &err) ||
        !kafka_tail_read(kafka, bounds.partition, clock_unix_us() / 1000 - 600000, bounds.position_last, 60000,
                         tail_count, &count, &complete, &err))
        fail("tail", &err);
    check(complete && count == bounds.position_last, "the tail has every record of the last minutes");
    printf("kafka_tail %.0f ms for %" PRIu64 " records\n", (double)(clock_mono_ns() - begin_ns) / 1e6, count);
    count = 0;
    if (!kafka_tail_read(kafka, bounds.partition, clock_unix_us() / 1000 + 60000, bounds.position_last, 60000,
                         tail_count, &count, &complete, &err))
        fail("tail", &err);
    check(complete && count == 0, "a tail from the future is empty");
}

/* A record fails, and fails again in the first retry topic. */
static void moves(struct kafka *kafka)
{
    struct err err = { 0 };
    struct member member = { .kafka = kafka }, other = { .kafka = kafka };
    struct kafka_event event;
    struct kafka_mover *mover, *late;
    struct kafka_group_options options = { .kafka = kafka, .name = "bench-a", .session_ms = 6000 };
    if (!kafka_group_open(&member.group, &options, &err) ||
        !kafka_mover_open(&mover, kafka, member.group, "bench-a", &err))
        fail("open the group", &err);
    while (member.begun == 0) member_poll(&member, &event);
    produce(kafka, 1, 100, "one");
    do member_poll(&member, &event);
    while (event.kind != KAFKA_RECORD);
    struct kafka_moved moved = { .record = event.record, .reason = "it is no use" };
    struct kafka_partition from = event.partition;
    uint64_t marks[KAFKA_MARKS_MAX];
    uint32_t count;
    if (!kafka_mark(mover, from, event.record.position - 1, &event.record.position, 1, &err) ||
        !kafka_marks_read(mover, from, marks, &count, &err))
        fail("mark", &err);
    check(count == 1 && marks[0] == moved.record.position, "a mark comes back");
    uint64_t begin_ns = clock_mono_ns();
    if (!kafka_move(mover, from, moved.record.position, &moved, 1, &err)) fail("move", &err);
    printf("kafka_move_first %.1f ms\n", (double)(clock_mono_ns() - begin_ns) / 1e6);
    struct kafka_bounds bounds = { .partition = from };
    if (!kafka_bounds(kafka, &bounds, 1, &err) || !kafka_marks_read(mover, from, marks, &count, &err))
        fail("bounds", &err);
    check(count == 0, "a move takes the marks away");
    check(bounds.position_committed == moved.record.position, "a move's offset is the group's");
    do member_poll(&member, &event);
    while (event.kind != KAFKA_RECORD);
    check(event.partition.topic == KAFKA_RETRY_1 && event.retry.attempt == 1, "it comes again");
    check(strcmp(event.retry.reason, "it is no use") == 0 && event.retry.origin_position == bounds.position_committed,
          "it knows where it was");
    printf("kafka_retry_waited %.0f ms\n", (double)(clock_mono_ns() - begin_ns) / 1e6);
    struct kafka_moved again = {
        .record = event.record, .retry = event.retry, .reason = "still not", .is_final = true
    };
    begin_ns = clock_mono_ns();
    if (!kafka_move(mover, event.partition, event.record.position, &again, 1, &err)) fail("move", &err);
    printf("kafka_move_next %.1f ms\n", (double)(clock_mono_ns() - begin_ns) / 1e6);

    /* Another process of the same name takes the place: what this one still wants to move is refused. */
    if (!kafka_group_open(&other.group, &options, &err) ||
        !kafka_mover_open(&late, kafka, other.group, "bench-a", &err))
        fail("open the group", &err);
    while (other.begun == 0) member_poll(&other, &event);
    moved.record.body = (struct bytes){ body, 10 };
    check(!kafka_move(mover, from, moved.record.position + 1, &moved, 1, &err),
          "a member whose time is over cannot move");
    printf("kafka_move_late %s\n", err.text);
    if (!kafka_bounds(kafka, &bounds, 1, &err)) fail("bounds", &err);
    check(bounds.position_committed == moved.record.position, "and commits nothing");
    kafka_mover_close(mover);
    kafka_mover_close(late);
    kafka_group_close(member.group);
    kafka_group_close(other.group);
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    struct kafka *kafka;
    char prefix[64];
    uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 20000;
    if (argc < 2 || count == 0) {
        fprintf(stderr, "usage: kafka_bench HOST:PORT [records]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof body; i++) body[i] = (uint8_t)(i * 31 >> 3);
    snprintf(prefix, sizeof prefix, "bench%" PRId64, clock_unix_us());
    struct kafka_options options = {
        .brokers = argv[1],
        .client_id = "kafka_bench",
        .group = prefix,
        .topic_prefix = prefix,
        .retry_ms = { 500, 500, 500 },
        .log = &quiet,
    };
    uint64_t begin_ns = clock_mono_ns();
    if (!kafka_open(&kafka, &options, &err)) fail("open", &err);
    printf("kafka_open %.0f ms\n", (double)(clock_mono_ns() - begin_ns) / 1e6);
    produce(kafka, count, 2048, "2kb");
    consume(kafka, count, "2kb");
    uint32_t large = count / 20 + 1;
    produce(kafka, large, sizeof body, "450kb");
    consume(kafka, large, "450kb");
    tail(kafka);
    moves(kafka);
    struct kafka_members members;
    begin_ns = clock_mono_ns();
    if (!kafka_members(kafka, &members, &err)) fail("members", &err);
    printf("kafka_members %.1f ms\n", (double)(clock_mono_ns() - begin_ns) / 1e6);
    kafka_members_deinit(&members);
    kafka_close(kafka);
    return 0;
}
