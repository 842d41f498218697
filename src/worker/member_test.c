/* member_test.c -- a member against a group, workers and tables made here: partitions that come and go in any order and at any
 * speed. The linker takes the functions of this file for those of buffer/kafka, timefusion and worker.c. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/member_inside.h"

enum { PARTITIONS = 4, EVENTS_MAX = 64, ROUNDS = 300, QUIET_MS = 10000 };

/* What the group says of a partition, and what the member has made of it. */
struct place {
    bool is_ours;
    bool has_begun;
    uint32_t worker_count;
    uint32_t lives;
};
static struct group_model {
    pthread_mutex_t lock;
    struct {
        enum kafka_event_kind kind;
        uint32_t set; /* a bit a partition */
    } events[EVENTS_MAX];
    uint32_t event_first, event_last;
    uint32_t revoked; /* told; not let go yet */
    struct place places[PARTITIONS];
    struct kafka_bounds told[PARTITIONS];
    uint32_t random;
    const char *wrong;
} model = { .lock = PTHREAD_MUTEX_INITIALIZER };
static const struct log test_log = { .fd = 2, .level_min = LOG_ERROR };

static uint32_t random_below(uint32_t bound)
{
    model.random = model.random * 1664525u + 1013904223u;
    return (model.random >> 8) % bound;
}

static void say(const char *wrong)
{
    if (model.wrong == NULL) model.wrong = wrong;
}

static void wait_a_little(uint32_t ms_max)
{
    pthread_mutex_lock(&model.lock);
    uint32_t ms = random_below(4) == 0 ? random_below(ms_max) : 0;
    pthread_mutex_unlock(&model.lock);
    if (ms > 0) clock_sleep_ms(ms);
}

/* ---- the group ---- */

bool kafka_group_open(struct kafka_group **group, const struct kafka_group_options *options, struct err *err)
{
    (void)options, (void)err;
    *group = (struct kafka_group *)&model;
    return true;
}
void kafka_group_close(struct kafka_group *group)
{
    (void)group;
}

static bool event_take(struct kafka_event *event)
{
    bool is_told = model.event_first < model.event_last && model.revoked == 0;
    if (!is_told) return false;
    uint32_t at = model.event_first++ % EVENTS_MAX, set = model.events[at].set;
    event->kind = model.events[at].kind;
    event->partitions = model.told;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        if (!(set & 1u << p)) continue;
        model.told[event->partition_count++] = (struct kafka_bounds){ .partition = { KAFKA_TELEMETRY, p } };
        model.places[p].is_ours = event->kind != KAFKA_LOST;
        if (event->kind != KAFKA_REVOKED) model.places[p].has_begun = false;
    }
    if (event->kind == KAFKA_REVOKED) model.revoked = set;
    return true;
}

void kafka_group_poll(struct kafka_group *group, uint32_t timeout_ms, struct kafka_event *event)
{
    (void)group, (void)timeout_ms;
    *event = (struct kafka_event){ .kind = KAFKA_NOTHING };
    pthread_mutex_lock(&model.lock);
    bool is_told = event_take(event);
    pthread_mutex_unlock(&model.lock);
    if (!is_told) clock_sleep_ms(1);
}

bool kafka_group_begin(struct kafka_group *group, struct kafka_partition partition, uint64_t position, struct err *err)
{
    (void)group, (void)position;
    pthread_mutex_lock(&model.lock);
    bool is_ours = model.places[partition.number].is_ours;
    if (is_ours) model.places[partition.number].has_begun = true;
    pthread_mutex_unlock(&model.lock);
    return is_ours || err_set(err, ERR_CONFLICT, "not ours");
}

void kafka_group_let_go(struct kafka_group *group)
{
    (void)group;
    pthread_mutex_lock(&model.lock);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        if (!(model.revoked & 1u << p)) continue;
        if (model.places[p].worker_count > 0) say("a partition is let go while a worker has it");
        model.places[p].is_ours = model.places[p].has_begun = false;
    }
    model.revoked = 0;
    pthread_mutex_unlock(&model.lock);
}

void kafka_group_pause(struct kafka_group *group, struct kafka_partition partition)
{
    (void)group, (void)partition;
}
void kafka_group_resume(struct kafka_group *group, struct kafka_partition partition)
{
    (void)group, (void)partition;
}
bool kafka_group_commit(struct kafka_group *group, struct kafka_partition partition, uint64_t position, struct err *err)
{
    (void)group, (void)partition, (void)position, (void)err;
    return true;
}
void kafka_group_stats(struct kafka_group *group, struct kafka_group_stats *stats)
{
    (void)group;
    *stats = (struct kafka_group_stats){ 0 };
}

/* ---- the rest of buffer/kafka ---- */

struct uuid kafka_buffer_id(const struct kafka *kafka, enum kafka_topic topic)
{
    (void)kafka;
    return (struct uuid){ .bytes = { (uint8_t)topic } };
}
const char *kafka_topic_name(const struct kafka *kafka, enum kafka_topic topic)
{
    (void)kafka, (void)topic;
    return "topic";
}
bool kafka_bounds(struct kafka *kafka, struct kafka_bounds *bounds, uint32_t count, struct err *err)
{
    (void)kafka, (void)bounds, (void)count, (void)err;
    return true;
}
bool kafka_tail_read(struct kafka *kafka, struct kafka_partition partition, int64_t since_unix_ms,
                     uint64_t position_last, uint32_t ms_max, kafka_tail_fn *found, void *ctx, bool *complete,
                     struct err *err)
{
    (void)kafka, (void)partition, (void)since_unix_ms, (void)position_last, (void)ms_max, (void)found, (void)ctx;
    (void)err;
    return *complete = true;
}
bool kafka_mover_open(struct kafka_mover **mover, struct kafka *kafka, struct kafka_group *group, const char *name,
                      struct err *err)
{
    (void)kafka, (void)group, (void)name, (void)err;
    *mover = NULL;
    return true;
}
void kafka_mover_close(struct kafka_mover *mover)
{
    (void)mover;
}
void kafka_mover_stats(struct kafka_mover *mover, struct kafka_mover_stats *stats)
{
    (void)mover;
    *stats = (struct kafka_mover_stats){ 0 };
}
bool kafka_mark(struct kafka_mover *mover, struct kafka_partition partition, uint64_t committed,
                const uint64_t *positions, uint32_t count, struct err *err)
{
    (void)mover, (void)partition, (void)committed, (void)positions, (void)count, (void)err;
    return true;
}
bool kafka_move(struct kafka_mover *mover, struct kafka_partition partition, uint64_t position,
                const struct kafka_moved *moved, uint32_t count, struct err *err)
{
    (void)mover, (void)partition, (void)position, (void)moved, (void)count, (void)err;
    return true;
}
bool kafka_marks_read(struct kafka_mover *mover, struct kafka_partition partition, uint64_t positions[KAFKA_MARKS_MAX],
                      uint32_t *count, struct err *err)
{
    (void)mover, (void)partition, (void)positions, (void)err;
    *count = 0;
    return true;
}

/* ---- tables ---- */

void flush_app_id(struct uuid buffer_id, uint32_t partition, char app_id[FLUSH_APP_ID_BYTES])
{
    snprintf(app_id, FLUSH_APP_ID_BYTES, "%u/%u", buffer_id.bytes[0], partition);
}
bool flush_fence(struct timefusion *timefusion, struct flush_owner *owners, uint32_t count, struct err *err)
{
    (void)timefusion;
    wait_a_little(20);
    pthread_mutex_lock(&model.lock);
    bool ok = random_below(20) != 0;
    pthread_mutex_unlock(&model.lock);
    for (uint32_t o = 0; o < count; o++)
        for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) owners[o].txn[t] = -1;
    return ok || err_set(err, ERR_IO, "the store does not answer");
}

/* ---- workers ---- */

struct worker {
    uint32_t number;
};
bool worker_open(struct worker **worker, const struct worker_options *options, struct err *err)
{
    (void)err;
    struct worker *made = mem_calloc(1, sizeof *made);
    made->number = (uint32_t)atoi(strchr(options->partition.app_id, '/') + 1);
    pthread_mutex_lock(&model.lock);
    if (++model.places[made->number].worker_count > 1) say("a partition has two workers");
    model.places[made->number].lives++;
    pthread_mutex_unlock(&model.lock);
    *worker = made;
    return true;
}
bool worker_start(struct worker *worker, struct err *err)
{
    (void)worker, (void)err;
    return true;
}
void worker_close(struct worker *worker)
{
    wait_a_little(20);
    pthread_mutex_lock(&model.lock);
    model.places[worker->number].worker_count--;
    pthread_mutex_unlock(&model.lock);
    free(worker);
}
bool worker_flush(struct worker *worker, uint64_t *position, uint32_t timeout_ms, struct err *err)
{
    (void)worker, (void)position;
    if (timeout_ms == 0) return err_set(err, ERR_TIMEOUT, "asked for");
    wait_a_little(10);
    return true;
}
bool worker_offer(struct worker *worker, const struct buffer_record *record, struct bytes note, const struct err *why)
{
    (void)worker, (void)record, (void)note, (void)why;
    return true;
}
void worker_pass(struct worker *worker, uint64_t position)
{
    (void)worker, (void)position;
}
uint64_t worker_queue_bytes(struct worker *worker)
{
    (void)worker;
    return 0;
}
void worker_settle(struct worker *worker, uint64_t position_end)
{
    (void)worker, (void)position_end;
}
bool worker_is_settled(struct worker *worker)
{
    (void)worker;
    return true;
}
void worker_stats(struct worker *worker, struct worker_stats *stats)
{
    (void)worker;
    *stats = (struct worker_stats){ 0 };
}

/* ---- the test ---- */

static void event_add(enum kafka_event_kind kind, uint32_t set)
{
    if (set == 0) return;
    model.events[model.event_last % EVENTS_MAX].kind = kind;
    model.events[model.event_last++ % EVENTS_MAX].set = set;
}

/* Ours when everything that was told so far has been heard, before the events of this round. */
static uint32_t round_add(uint32_t ours)
{
    for (uint32_t steps = 1 + random_below(4); steps > 0; steps--) {
        uint32_t gone = ours & random_below(1u << PARTITIONS), come = ~ours & random_below(1u << PARTITIONS) & 15u;
        switch (random_below(4)) {
        case 0: event_add(KAFKA_REVOKED, gone), ours &= ~gone; break;
        case 1: event_add(KAFKA_LOST, ours), ours = 0; break;
        case 2: event_add(KAFKA_LOST, ours), event_add(KAFKA_ASSIGNED, ours); break; /* lost, and back at once */
        default: event_add(KAFKA_ASSIGNED, come), ours |= come; break;
        }
    }
    return ours;
}

static bool is_as_told(uint32_t ours)
{
    bool is = model.event_first == model.event_last && model.revoked == 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        bool is_ours = ours & 1u << p;
        is &= model.places[p].has_begun == is_ours && (model.places[p].worker_count == 1) == is_ours;
    }
    return is;
}

static void failed(void *ctx, const struct err *err)
{
    (void)ctx, (void)err;
    say("the member ends");
}

/* Goal: whatever comes and goes, in the end the member has what the group says it has, each with one worker, and nothing is let
 * go before its worker is closed. Method: random rounds against a model, with tables and workers that take their time. */
static void test_comes_and_goes(void **state)
{
    (void)state;
    model.random = 20261127;
    struct err err = { 0 };
    struct member *member;
    struct member_options options = { .name = "one", .requests_bytes_max = 1 << 20, .failed = failed };
    options.worker.log = &test_log;
    assert_true(member_open(&member, &options, &err));
    uint32_t ours = 0, lives = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        pthread_mutex_lock(&model.lock);
        ours = round_add(ours);
        pthread_mutex_unlock(&model.lock);
        uint64_t end_ns = clock_mono_ns() + QUIET_MS * 1000000ull;
        for (bool is_done = false; !is_done;) {
            pthread_mutex_lock(&model.lock);
            is_done = is_as_told(ours);
            if (model.wrong != NULL || (!is_done && clock_mono_ns() > end_ns))
                fail_msg("round %u: %s", round, model.wrong ? model.wrong : "the member waits for nothing");
            pthread_mutex_unlock(&model.lock);
            if (!is_done) clock_sleep_ms(1);
        }
    }
    member_close(member, 0);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(model.places[p].worker_count, 0);
        lives += model.places[p].lives;
    }
    printf("%u rounds, %u workers were opened and closed\n", ROUNDS, lives);
    assert_true(lives > ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_comes_and_goes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
