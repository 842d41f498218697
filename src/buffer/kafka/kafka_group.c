#include "buffer/kafka/kafka_group.h"
#include "base/clock.h"
#include "base/hash.h"
#include "buffer/kafka/kafka_client.h"
#include "buffer/kafka/kafka_group_inside.h"
#include "buffer/kafka/kafka_record.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SESSION_MS_DEFAULT  10000u
#define HEARTBEAT_MS        500u /* also how soon we hear of a rebalance */
#define FETCH_BYTES_DEFAULT (64ull << 20)
#define ASK_AGAIN_NS        1000000000ull
#define CLOSE_MS            5000u
#define REFRESH_NS          (UINT64_C(6) * 3600 * 1000000000) /* of offsets of topics that are not subscribed to */

/* --- the partitions we have --- */

static struct group_partition *partition_find(struct kafka_group *group, struct kafka_partition partition)
{
    for (uint32_t i = 0; i < group->partition_count; i++)
        if (kafka_partition_equal(group->partitions[i].partition, partition)) return &group->partitions[i];
    return NULL;
}

static void partition_add(struct kafka_group *group, const struct kafka_bounds *bounds)
{
    pthread_mutex_lock(&group->lock);
    if (partition_find(group, bounds->partition) == NULL) {
        if (group->partition_count == group->partition_cap) {
            group->partition_cap = group->partition_cap > 0 ? group->partition_cap * 2 : 8;
            group->partitions = mem_realloc(group->partitions, group->partition_cap * sizeof *group->partitions);
        }
        group->partitions[group->partition_count++] =
            (struct group_partition){ .partition = bounds->partition,
                                      .position_committed = bounds->position_committed };
    }
    pthread_mutex_unlock(&group->lock);
}

static void partition_remove(struct kafka_group *group, struct kafka_partition partition)
{
    rd_kafka_event_t *held = NULL;
    pthread_mutex_lock(&group->lock);
    struct group_partition *found = partition_find(group, partition);
    if (found != NULL) {
        held = found->held;
        *found = group->partitions[--group->partition_count];
    }
    pthread_mutex_unlock(&group->lock);
    if (held != NULL) rd_kafka_event_destroy(held);
}

static rd_kafka_topic_partition_list_t *list_of_one(const struct kafka_group *group, struct kafka_partition partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, kafka_topic_name(group->kafka, partition.topic), (int32_t)partition.number);
    return list;
}

static void client_pause(struct kafka_group *group, struct kafka_partition partition, bool pauses)
{
    rd_kafka_topic_partition_list_t *list = list_of_one(group, partition);
    rd_kafka_resp_err_t code =
        pauses ? rd_kafka_pause_partitions(group->client, list) : rd_kafka_resume_partitions(group->client, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) kafka_complain(group->kafka, code, "a partition is not paused or resumed");
    rd_kafka_topic_partition_list_destroy(list);
}

/* --- events --- */

static void current_drop(struct kafka_group *group)
{
    if (group->current != NULL) rd_kafka_event_destroy(group->current);
    group->current = NULL;
}

static uint32_t headers_take(const rd_kafka_message_t *message, struct kafka_header *list, uint32_t max)
{
    rd_kafka_headers_t *headers;
    uint32_t count = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
    const char *name;
    const void *value;
    size_t len;
    while (count < max && rd_kafka_header_get_all(headers, count, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR)
        list[count++] = (struct kafka_header){ name, { value, value == NULL ? 0 : len } };
    return count;
}

bool kafka_message_read(const struct kafka *kafka, const rd_kafka_message_t *message, struct buffer_record *record,
                        struct kafka_passport *passport, struct err *err)
{
    struct kafka_header list[GROUP_HEADERS_MAX];
    char origin[256];
    uint32_t count = headers_take(message, list, COUNT_OF(list));
    bool ok = kafka_record_read(list, count, record, passport, origin, err);
    if (!ok) {
        *record = (struct buffer_record){ .signal = BUFFER_SIGNAL_LOGS };
        record->hash = hash128_of(bytes_from(message->payload, message->len));
    }
    if (ok && origin[0] != '\0') {
        enum kafka_topic topic = kafka_topic_of(kafka, origin);
        passport->retry.origin.topic = topic == KAFKA_TOPIC_COUNT ? KAFKA_TELEMETRY : topic;
    }
    record->position = (uint64_t)message->offset + 1;
    record->body = bytes_from(message->payload, message->len);
    return ok;
}

/* What is not due waits, and its partition with it: those behind it are due later. */
static bool record_hold(struct kafka_group *group, struct group_partition *state, const struct kafka_retry *retry)
{
    int64_t now_us = clock_unix_us();
    if (retry->not_before_unix_us <= now_us) return false;
    int64_t wait_us = retry->not_before_unix_us - now_us;
    if (wait_us > GROUP_WAIT_US_MAX) wait_us = GROUP_WAIT_US_MAX; /* somebody's clock is wrong */
    state->held = group->current;
    state->due_mono_ns = clock_mono_ns() + (uint64_t)wait_us * 1000;
    group->current = NULL;
    client_pause(group, state->partition, true);
    return true;
}

/* False: nothing to tell. The message is group->current's. */
static bool message_tell(struct kafka_group *group, const rd_kafka_message_t *message, bool is_due,
                         struct kafka_event *event)
{
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            kafka_complain(group->kafka, message->err, rd_kafka_message_errstr(message));
        return false;
    }
    struct kafka_partition partition = { kafka_topic_of(group->kafka, rd_kafka_topic_name(message->rkt)),
                                         (uint32_t)message->partition };
    struct group_partition *state = partition_find(group, partition);
    if (state == NULL) return false; /* it was lost meanwhile */
    struct kafka_passport passport;
    bool is_ours = kafka_message_read(group->kafka, message, &event->record, &passport, &event->error);
    if (is_ours && !is_due && partition.topic != KAFKA_TELEMETRY && record_hold(group, state, &passport.retry))
        return false;
    atomic_store(&group->is_away, false);
    atomic_fetch_add(&group->records, 1);
    atomic_fetch_add(&group->bytes, message->len);
    event->kind = KAFKA_RECORD;
    event->partition = partition;
    event->retry = passport.retry;
    return true;
}

static void told_reserve(struct kafka_group *group, uint32_t count)
{
    if (count <= group->told_cap) return;
    group->told_cap = count;
    group->told = mem_realloc(group->told, count * sizeof *group->told);
}

static uint32_t told_fill(struct kafka_group *group, const rd_kafka_topic_partition_list_t *list)
{
    uint32_t count = 0;
    told_reserve(group, (uint32_t)list->cnt);
    for (int i = 0; i < list->cnt; i++)
        group->told[count++] = (struct kafka_bounds){ .partition = { kafka_topic_of(group->kafka, list->elems[i].topic),
                                                                     (uint32_t)list->elems[i].partition } };
    return count;
}

/* The retry topics are not subscribed to: all their partitions go with the first one of telemetry. So workers get equal
 * shares of that, and each record that is tried again has one owner. */
rd_kafka_topic_partition_list_t *kafka_group_expand(const struct kafka *kafka,
                                                    const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *whole = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++) {
        if (kafka_topic_of(kafka, list->elems[i].topic) != KAFKA_TELEMETRY) continue;
        rd_kafka_topic_partition_list_add(whole, list->elems[i].topic, list->elems[i].partition);
        if (list->elems[i].partition != 0) continue;
        for (enum kafka_topic topic = KAFKA_RETRY_1; topic <= KAFKA_RETRY_3; topic++)
            for (uint32_t r = 0; r < kafka_partition_count(kafka, topic); r++)
                rd_kafka_topic_partition_list_add(whole, kafka_topic_name(kafka, topic), (int32_t)r);
    }
    return whole;
}

/* How far they reach is asked before they are told of; when nobody answers, again in a second. */
static bool assigned_tell(struct kafka_group *group, struct kafka_event *event)
{
    struct err err = { 0 };
    uint64_t now_ns = clock_mono_ns();
    if (group->assigned->cnt == 0 || now_ns < group->ask_mono_ns) return false;
    uint32_t count = told_fill(group, group->assigned);
    if (!kafka_bounds(group->kafka, group->told, count, &err)) {
        log_warn(group->kafka->log, "kafka.bounds_unknown", log_text("err", err.text), log_text("then", "asked again"));
        group->ask_mono_ns = clock_mono_ns() + ASK_AGAIN_NS;
        return false;
    }
    for (uint32_t i = 0; i < count; i++) partition_add(group, &group->told[i]);
    rd_kafka_topic_partition_list_destroy(group->assigned);
    group->assigned = rd_kafka_topic_partition_list_new(0);
    event->kind = KAFKA_ASSIGNED;
    event->partitions = group->told;
    event->partition_count = count;
    return count > 0;
}

/* Ours alone: those that were assigned and have not begun are not librdkafka's to take away. */
static rd_kafka_topic_partition_list_t *begun_of(struct kafka_group *group, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *begun = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        struct kafka_partition partition = { kafka_topic_of(group->kafka, at->topic), (uint32_t)at->partition };
        struct group_partition *state = partition_find(group, partition);
        if (state != NULL && state->has_begun) rd_kafka_topic_partition_list_add(begun, at->topic, at->partition);
        rd_kafka_topic_partition_list_del(group->assigned, at->topic, at->partition);
    }
    return begun;
}

static void error_check(struct kafka_group *group, rd_kafka_error_t *error, const char *what)
{
    if (error == NULL) return;
    log_warn(group->kafka->log, "kafka.rebalance_failed", log_text("what", what),
             log_text("err", rd_kafka_error_string(error)));
    rd_kafka_error_destroy(error);
}

static void partitions_let_go(struct kafka_group *group, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *begun = begun_of(group, list);
    error_check(group, rd_kafka_incremental_unassign(group->client, begun), "let go");
    rd_kafka_topic_partition_list_destroy(begun);
    for (int i = 0; i < list->cnt; i++)
        partition_remove(group, (struct kafka_partition){ kafka_topic_of(group->kafka, list->elems[i].topic),
                                                          (uint32_t)list->elems[i].partition });
}

/* Of the list, what the caller has heard of; the rest is between us and librdkafka. */
static uint32_t told_of_known(struct kafka_group *group, const rd_kafka_topic_partition_list_t *list)
{
    uint32_t count = told_fill(group, list), known = 0;
    for (uint32_t i = 0; i < count; i++)
        if (partition_find(group, group->told[i].partition) != NULL) group->told[known++] = group->told[i];
    return known;
}

static bool rebalance_tell(struct kafka_group *group, rd_kafka_event_t *from, struct kafka_event *event)
{
    rd_kafka_topic_partition_list_t *list = kafka_group_expand(group->kafka, rd_kafka_event_topic_partition_list(from));
    atomic_fetch_add(&group->rebalances, 1);
    if (rd_kafka_event_error(from) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        /* Taken at once; each is fetched from when it has begun. */
        rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
        error_check(group, rd_kafka_incremental_assign(group->client, none), "assign");
        rd_kafka_topic_partition_list_destroy(none);
        for (int i = 0; i < list->cnt; i++)
            rd_kafka_topic_partition_list_add(group->assigned, list->elems[i].topic, list->elems[i].partition);
        rd_kafka_topic_partition_list_destroy(list);
        group->ask_mono_ns = 0;
        return assigned_tell(group, event);
    }
    bool is_lost = rd_kafka_assignment_lost(group->client) != 0;
    uint32_t known = told_of_known(group, list);
    if (is_lost || known == 0) {
        partitions_let_go(group, list);
        rd_kafka_topic_partition_list_destroy(list);
        if (is_lost && group->revoked != NULL) { /* those were among them */
            rd_kafka_topic_partition_list_destroy(group->revoked);
            group->revoked = NULL;
        }
    } else {
        if (group->revoked != NULL) rd_kafka_topic_partition_list_destroy(group->revoked);
        group->revoked = list;
    }
    event->kind = is_lost ? KAFKA_LOST : KAFKA_REVOKED;
    event->partitions = group->told;
    event->partition_count = known;
    return known > 0;
}

static bool error_tell(struct kafka_group *group, rd_kafka_event_t *from, struct kafka_event *event)
{
    char why[KAFKA_TEXT_BYTES];
    rd_kafka_resp_err_t code = rd_kafka_event_error(from);
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        code = rd_kafka_fatal_error(group->client, why, sizeof why);
        bool is_fenced = kafka_error_code(code) == ERR_CONFLICT;
        err_set(&event->error, kafka_error_code(code), "the membership in Kafka's group \"%s\" is over: %s%s",
                group->kafka->group, why,
                is_fenced ? "; another process has the same name: each worker needs its own" : "");
        event->kind = KAFKA_FATAL;
        return true;
    }
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) atomic_store(&group->is_away, true);
    if (code != RD_KAFKA_RESP_ERR__PARTITION_EOF) kafka_complain(group->kafka, code, rd_kafka_event_error_string(from));
    return false;
}

/* A record that waited for its time. */
static bool held_tell(struct kafka_group *group, struct kafka_event *event, uint32_t *timeout_ms)
{
    uint64_t now_ns = clock_mono_ns();
    for (uint32_t i = 0; i < group->partition_count; i++) {
        struct group_partition *state = &group->partitions[i];
        if (state->held == NULL || state->is_paused) continue;
        if (state->due_mono_ns > now_ns) {
            uint64_t wait_ms = (state->due_mono_ns - now_ns) / 1000000 + 1;
            if (wait_ms < *timeout_ms) *timeout_ms = (uint32_t)wait_ms;
            continue;
        }
        group->current = state->held;
        state->held = NULL;
        client_pause(group, state->partition, false);
        if (message_tell(group, state->held_message, true, event)) return true;
        current_drop(group);
    }
    return false;
}

/* Brokers forget offsets of topics that a group does not subscribe to, a week after they were committed. */
static void offsets_refresh(struct kafka_group *group)
{
    uint64_t now_ns = clock_mono_ns();
    if (now_ns < group->refresh_mono_ns) return;
    group->refresh_mono_ns = now_ns + REFRESH_NS;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(KAFKA_RETRIES);
    pthread_mutex_lock(&group->lock);
    for (uint32_t i = 0; i < group->partition_count; i++) {
        const struct group_partition *state = &group->partitions[i];
        if (state->partition.topic == KAFKA_TELEMETRY || state->position_committed == 0 || state->is_marked) continue;
        rd_kafka_topic_partition_list_add(list, kafka_topic_name(group->kafka, state->partition.topic),
                                          (int32_t)state->partition.number)
            ->offset = (int64_t)state->position_committed;
    }
    rd_kafka_resp_err_t code = list->cnt > 0 ? rd_kafka_commit(group->client, list, 1) : RD_KAFKA_RESP_ERR_NO_ERROR;
    pthread_mutex_unlock(&group->lock);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) kafka_complain(group->kafka, code, "offsets are not refreshed");
}

/* Takes the event. False: nothing to tell. */
static bool event_tell(struct kafka_group *group, rd_kafka_event_t *from, struct kafka_event *event)
{
    const rd_kafka_message_t *message;
    group->current = from;
    bool is_told = false;
    switch (rd_kafka_event_type(from)) {
    case RD_KAFKA_EVENT_FETCH:
        message = rd_kafka_event_message_next(from); /* there is one in each */
        if (message == NULL) break;
        is_told = message_tell(group, message, false, event);
        if (group->current == NULL) { /* held */
            struct kafka_partition partition = { kafka_topic_of(group->kafka, rd_kafka_topic_name(message->rkt)),
                                                 (uint32_t)message->partition };
            partition_find(group, partition)->held_message = message;
        }
        break;
    case RD_KAFKA_EVENT_REBALANCE: is_told = rebalance_tell(group, from, event); break;
    case RD_KAFKA_EVENT_ERROR: is_told = error_tell(group, from, event); break;
    default: break;
    }
    if (!is_told) current_drop(group);
    return is_told;
}

void kafka_group_poll(struct kafka_group *group, uint32_t timeout_ms, struct kafka_event *event)
{
    uint64_t end_ns = clock_mono_ns() + (uint64_t)timeout_ms * 1000000;
    current_drop(group);
    offsets_refresh(group);
    for (;;) {
        *event = (struct kafka_event){ .kind = KAFKA_NOTHING };
        uint64_t now_ns = clock_mono_ns();
        uint32_t left_ms = now_ns < end_ns ? (uint32_t)((end_ns - now_ns + 999999) / 1000000) : 0;
        if (assigned_tell(group, event) || held_tell(group, event, &left_ms)) return;
        if (group->assigned->cnt > 0 && left_ms > GROUP_STEP_MS) left_ms = GROUP_STEP_MS;
        rd_kafka_event_t *from = rd_kafka_queue_poll(group->queue, (int)left_ms);
        if (from != NULL && event_tell(group, from, event)) return;
        *event = (struct kafka_event){ .kind = KAFKA_NOTHING };
        if (from == NULL && clock_mono_ns() >= end_ns) return;
    }
}

/* --- what the caller says --- */

bool kafka_group_begin(struct kafka_group *group, struct kafka_partition partition, uint64_t position, struct err *err)
{
    struct group_partition *state = partition_find(group, partition);
    if (state == NULL)
        return err_set(err, ERR_CONFLICT, "partition %s/%u is not this worker's",
                       kafka_topic_name(group->kafka, partition.topic), partition.number);
    assert(position <= INT64_MAX);
    rd_kafka_topic_partition_list_t *list = list_of_one(group, partition);
    list->elems[0].offset = (int64_t)position;
    if (state->has_begun && state->held != NULL) { /* it comes again */
        rd_kafka_event_destroy(state->held);
        state->held = NULL;
        if (!state->is_paused) client_pause(group, partition, false);
    }
    rd_kafka_error_t *error = state->has_begun ? rd_kafka_seek_partitions(group->client, list, KAFKA_CALL_MS)
                                               : rd_kafka_incremental_assign(group->client, list);
    rd_kafka_resp_err_t code = list->elems[0].err;
    rd_kafka_topic_partition_list_destroy(list);
    if (error != NULL) return kafka_fail_error(group->kafka, err, error, "could not begin a partition");
    if (state->has_begun && code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(group->kafka, err, code, "could not begin a partition again");
    pthread_mutex_lock(&group->lock);
    state->has_begun = true;
    pthread_mutex_unlock(&group->lock);
    return true;
}

void kafka_group_pause(struct kafka_group *group, struct kafka_partition partition)
{
    struct group_partition *state = partition_find(group, partition);
    if (state == NULL || !state->has_begun || state->is_paused) return;
    state->is_paused = true;
    if (state->held == NULL) client_pause(group, partition, true);
}

void kafka_group_resume(struct kafka_group *group, struct kafka_partition partition)
{
    struct group_partition *state = partition_find(group, partition);
    if (state == NULL || !state->is_paused) return;
    state->is_paused = false;
    if (state->held == NULL) client_pause(group, partition, false);
}

void kafka_group_let_go(struct kafka_group *group)
{
    if (group->revoked == NULL) return;
    current_drop(group); /* it may be a record of them */
    partitions_let_go(group, group->revoked);
    rd_kafka_topic_partition_list_destroy(group->revoked);
    group->revoked = NULL;
}

bool kafka_group_is_ours(struct kafka_group *group, struct kafka_partition partition, uint64_t *position_committed)
{
    pthread_mutex_lock(&group->lock);
    const struct group_partition *state = partition_find(group, partition);
    bool is_ours = state != NULL && state->has_begun;
    *position_committed = is_ours ? state->position_committed : 0;
    pthread_mutex_unlock(&group->lock);
    return is_ours;
}

void kafka_group_committed(struct kafka_group *group, struct kafka_partition partition, uint64_t position)
{
    pthread_mutex_lock(&group->lock);
    struct group_partition *state = partition_find(group, partition);
    if (state != NULL && position > state->position_committed) state->position_committed = position;
    if (state != NULL) state->is_marked = false;
    pthread_mutex_unlock(&group->lock);
}

void kafka_group_marked(struct kafka_group *group, struct kafka_partition partition)
{
    pthread_mutex_lock(&group->lock);
    struct group_partition *state = partition_find(group, partition);
    if (state != NULL) state->is_marked = true;
    pthread_mutex_unlock(&group->lock);
}

bool kafka_group_commit_with(struct kafka_group *group, struct kafka_partition partition, uint64_t position,
                             const char *metadata, struct err *err)
{
    const char *name = kafka_topic_name(group->kafka, partition.topic);
    rd_kafka_topic_partition_list_t *list = list_of_one(group, partition);
    list->elems[0].offset = (int64_t)position;
    if (metadata != NULL) {
        size_t len = strlen(metadata);
        list->elems[0].metadata = malloc(len + 1); /* librdkafka frees it */
        if (list->elems[0].metadata == NULL) abort();
        memcpy(list->elems[0].metadata, metadata, len + 1);
        list->elems[0].metadata_size = len;
    }
    rd_kafka_resp_err_t code = rd_kafka_commit(group->client, list, 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add(&group->commits, 1);
        return true;
    }
    atomic_fetch_add(&group->commit_failures, 1);
    kafka_fail(group->kafka, err, code, "could not commit position %" PRIu64 " of partition %s/%u", position, name,
               partition.number);
    /* In the middle of a rebalance the member has no generation for a moment; who loses the partition is told. */
    if (code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION) err->code = ERR_IO;
    return false;
}

bool kafka_group_commit(struct kafka_group *group, struct kafka_partition partition, uint64_t position, struct err *err)
{
    uint64_t committed;
    if (!kafka_group_is_ours(group, partition, &committed))
        return err_set(err, ERR_CONFLICT, "partition %s/%u is not this worker's any more",
                       kafka_topic_name(group->kafka, partition.topic), partition.number);
    if (position <= committed) return true;
    if (!kafka_group_commit_with(group, partition, position, NULL, err)) return false;
    kafka_group_committed(group, partition, position);
    return true;
}

void kafka_group_stats(struct kafka_group *group, struct kafka_group_stats *stats)
{
    *stats = (struct kafka_group_stats){
        .records = atomic_load(&group->records),
        .bytes = atomic_load(&group->bytes),
        .rebalances = atomic_load(&group->rebalances),
        .commits = atomic_load(&group->commits),
        .commit_failures = atomic_load(&group->commit_failures),
        .is_away = atomic_load(&group->is_away),
    };
    pthread_mutex_lock(&group->lock);
    for (uint32_t i = 0; i < group->partition_count; i++) stats->partitions += group->partitions[i].has_begun;
    pthread_mutex_unlock(&group->lock);
}

/* --- life --- */

static bool subscribe(struct kafka_group *group, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, kafka_topic_name(group->kafka, KAFKA_TELEMETRY), RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(group->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
           kafka_fail(group->kafka, err, code, "could not join Kafka's group \"%s\"", group->kafka->group);
}

bool kafka_group_open(struct kafka_group **out, const struct kafka_group_options *options, struct err *err)
{
    *out = NULL;
    assert(options->kafka != NULL);
    struct kafka_group *group = mem_calloc(1, sizeof *group);
    uint32_t session_ms_wanted = options->session_ms > 0 ? options->session_ms : SESSION_MS_DEFAULT;
    uint64_t fetch_bytes = options->fetch_bytes_max > 0 ? options->fetch_bytes_max : FETCH_BYTES_DEFAULT;
    char instance[KAFKA_TEXT_BYTES] = "", session[32], heartbeat[32], poll[32], kib[32], message[32], receive[32];
    group->kafka = options->kafka;
    /* A static member that comes back is given what it had without a look at the topic: with more partitions than before it is
     * somebody else, or nobody would read the new ones. */
    if (options->name != NULL)
        snprintf(instance, sizeof instance, "%.200s.%u", options->name,
                 kafka_partition_count(options->kafka, KAFKA_TELEMETRY));
    group->assigned = rd_kafka_topic_partition_list_new(0);
    pthread_mutex_init(&group->lock, NULL);
    snprintf(session, sizeof session, "%u", session_ms_wanted);
    snprintf(heartbeat, sizeof heartbeat, "%u", HEARTBEAT_MS);
    snprintf(poll, sizeof poll, "%u", session_ms_wanted > 60000 ? session_ms_wanted : 60000);
    snprintf(kib, sizeof kib, "%" PRIu64,
             (fetch_bytes >> 10) < 1024      ? 1024
             : (fetch_bytes >> 10) < 2097151 ? fetch_bytes >> 10
                                             : 2097151);
    snprintf(message, sizeof message, "%u", KAFKA_MESSAGE_BYTES);
    snprintf(receive, sizeof receive, "%u", KAFKA_MESSAGE_BYTES + (4u << 20));
    const struct kafka_setting settings[] = {
        { "group.id", group->kafka->group },
        { "group.instance.id", instance },
        { "partition.assignment.strategy", "cooperative-sticky" },
        { "enable.auto.commit", "false" },
        { "enable.auto.offset.store", "false" },
        { "auto.offset.reset", "earliest" }, /* when retention has removed where we were */
        { "isolation.level", "read_committed" },
        { "session.timeout.ms", session },
        { "heartbeat.interval.ms", heartbeat },
        { "max.poll.interval.ms", poll },
        { "queued.max.messages.kbytes", kib },
        { "fetch.max.bytes", message },
        { "fetch.min.bytes", "65536" }, /* a few requests at a time, not each by itself; none waits longer than this: */
        { "fetch.wait.max.ms", "50" },
        { "fetch.message.max.bytes", "4194304" },
        { "receive.message.max.bytes", receive },
        { "fetch.queue.backoff.ms", "20" },
        { "fetch.error.backoff.ms", "100" },
    };
    bool ok = kafka_client_open(group->kafka, RD_KAFKA_CONSUMER, settings, COUNT_OF(settings),
                                RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR, &group->client, err);
    if (ok) {
        rd_kafka_poll_set_consumer(group->client);
        group->queue = rd_kafka_queue_get_consumer(group->client);
        ok = subscribe(group, err);
    }
    if (!ok) {
        kafka_group_close(group);
        return false;
    }
    *out = group;
    return true;
}

/* Ends the membership: a member without a name says goodbye, and the group gives its partitions to others at once; a static one
 * says nothing. Rebalances that are on their way, and one that waits for an answer since before, are answered until it is over:
 * librdkafka cannot be destroyed while it waits for one, though RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE says that nobody will give
 * it. Once it ends, any answer lets go of all. False: it is not over. */
static bool group_leave(struct kafka_group *group)
{
    uint64_t end_ns = clock_mono_ns() + CLOSE_MS * 1000000ull;
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(group->client, group->queue);
    if (error != NULL) {
        rd_kafka_error_destroy(error);
        return true;
    }
    rd_kafka_assign(group->client, NULL);
    while (!rd_kafka_consumer_closed(group->client)) {
        if (clock_mono_ns() >= end_ns) return false;
        rd_kafka_event_t *from = rd_kafka_queue_poll(group->queue, GROUP_STEP_MS);
        if (from == NULL) continue;
        if (rd_kafka_event_type(from) == RD_KAFKA_EVENT_REBALANCE) rd_kafka_assign(group->client, NULL);
        rd_kafka_event_destroy(from);
    }
    return true;
}

void kafka_group_close(struct kafka_group *group)
{
    if (group == NULL) return;
    current_drop(group);
    kafka_group_let_go(group);
    bool is_over = group->queue == NULL || group_leave(group);
    for (uint32_t i = 0; i < group->partition_count; i++)
        if (group->partitions[i].held != NULL) rd_kafka_event_destroy(group->partitions[i].held);
    rd_kafka_topic_partition_list_destroy(group->assigned);
    if (group->queue != NULL) rd_kafka_queue_destroy(group->queue);
    if (!is_over) { /* to destroy it would wait for ever: it ends with the process */
        log_warn(group->kafka->log, "kafka.group_not_left", log_text("group", group->kafka->group));
        rd_kafka_set_log_level(group->client, 0);
    } else if (group->client != NULL) {
        rd_kafka_destroy_flags(group->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    pthread_mutex_destroy(&group->lock);
    free(group->partitions);
    free(group->told);
    free(group);
}
