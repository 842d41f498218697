#include "buffer/kafka/kafka_producer.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "buffer/kafka/kafka_client.h"
#include "buffer/kafka/kafka_record.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define DELIVERY_MS_DEFAULT 10000u
#define LINGER_MS           "2" /* a batch for the requests of the same moment; half of what a sync of the log takes */
#define POLL_MS             100

struct kafka_producer {
    struct buffer buffer; /* first: what the world holds */
    struct kafka *kafka;
    struct kafka_producer_options options;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *reports;
    pthread_t thread;
    bool thread_runs;
    atomic_bool is_running, is_closing;
    _Atomic uint64_t away_mono_ns; /* when brokers were missed last; 0: since the last acknowledgement they were not */
    _Atomic uint64_t records, bytes, batches;
    struct histogram times;
    pthread_mutex_t lock; /* guards the rest */
    uint64_t pending_bytes, pending_count;
    struct err failure; /* code not ERR_OK: takes no more */
};

/* One append on its way to the broker; freed after done and sink. */
struct flight {
    struct buffer_record record;
    void *request;
    buffer_done_fn *done;
    void *ctx;
    uint64_t begin_mono_ns;
};

static struct kafka_producer *producer_of(struct buffer *buffer)
{
    return (struct kafka_producer *)(void *)buffer;
}

static uint64_t weight_of(const struct buffer_record *record)
{
    return sizeof(struct flight) + record->body.len;
}

/* --- append --- */

static bool append_admit(struct kafka_producer *producer, uint64_t weight, struct err *err)
{
    if (!atomic_load(&producer->is_running)) return err_set(err, ERR_BUSY, "the Kafka producer is not running");
    pthread_mutex_lock(&producer->lock);
    bool ok = producer->failure.code == ERR_OK;
    if (!ok) *err = producer->failure;
    if (ok && producer->pending_bytes > 0 && producer->pending_bytes + weight > producer->options.pending_bytes_max)
        ok = err_set(err, ERR_BUSY, "the queue to Kafka is full: %" PRIu64 " bytes wait to be acknowledged",
                     producer->pending_bytes);
    if (ok) {
        producer->pending_bytes += weight;
        producer->pending_count++;
    }
    pthread_mutex_unlock(&producer->lock);
    return ok;
}

static void append_leave(struct kafka_producer *producer, uint64_t weight)
{
    pthread_mutex_lock(&producer->lock);
    producer->pending_bytes -= weight;
    producer->pending_count--;
    pthread_mutex_unlock(&producer->lock);
}

static rd_kafka_headers_t *headers_make(const struct kafka_headers *headers)
{
    rd_kafka_headers_t *list = rd_kafka_headers_new(headers->count);
    for (uint32_t i = 0; i < headers->count; i++)
        rd_kafka_header_add(list, headers->list[i].name, -1, headers->list[i].value.ptr,
                            (ssize_t)headers->list[i].value.len);
    return list;
}

/* What the client, the topic or the broker does not take, in words that say what to set. */
static void refusal_tell(const struct kafka_producer *producer, rd_kafka_resp_err_t code, size_t body_bytes,
                         struct err *err)
{
    const char *topic = kafka_topic_name(producer->kafka, KAFKA_TELEMETRY);
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        err_set(
            err, ERR_TOO_LARGE,
            "Kafka refuses a record of %zu bytes: raise max.message.bytes of topic \"%s\" (this server makes it with "
            "%u), or message.max.bytes of the brokers; or send smaller batches",
            body_bytes, topic, KAFKA_MESSAGE_BYTES);
        break;
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
        err_set(err, ERR_BUSY,
                "Kafka has fewer in-sync replicas of topic \"%s\" than its min.insync.replicas: bring brokers back",
                topic);
        break;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        kafka_fail(producer->kafka, err, code, "Kafka has not acknowledged it within %u ms",
                   producer->options.delivery_ms);
        err->code = ERR_BUSY;
        break;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
        err_set(err, ERR_BUSY, "the server stops before Kafka has acknowledged it");
        break;
    default: /* rights, a topic that is gone: the server's trouble, not the sender's, who comes again */
        kafka_fail(producer->kafka, err, code, "Kafka does not take a record for topic \"%s\"", topic);
        err->code = ERR_IO;
        break;
    }
}

static bool producer_append(struct buffer *buffer, const struct buffer_record *record, void *request,
                            buffer_done_fn *done, void *ctx, struct err *err)
{
    struct kafka_producer *producer = producer_of(buffer);
    assert(record->signal >= BUFFER_SIGNAL_LOGS && record->signal <= BUFFER_SIGNAL_LAST);
    assert(done != NULL);
    if (record->body.len > KAFKA_RECORD_BYTES)
        return err_set(err, ERR_TOO_LARGE, "the request has %zu bytes; at most %u are taken", record->body.len,
                       KAFKA_RECORD_BYTES);
    uint64_t weight = weight_of(record);
    if (!append_admit(producer, weight, err)) return false;

    struct flight *flight = mem_alloc(sizeof *flight);
    *flight = (struct flight){ *record, request, done, ctx, clock_mono_ns() };
    struct kafka_headers headers;
    uint8_t key[KAFKA_HASH_BYTES];
    kafka_record_write(&headers, record, NULL);
    kafka_hash_write(key, record->hash);
    rd_kafka_headers_t *list = headers_make(&headers);
    const rd_kafka_vu_t parts[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = producer->topic },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { key, sizeof key } },
        { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)record->body.ptr, record->body.len } },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = list },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = flight },
    };
    rd_kafka_error_t *error = rd_kafka_produceva(producer->client, parts, COUNT_OF(parts));
    if (error == NULL) return true;
    rd_kafka_headers_destroy(list);
    free(flight);
    append_leave(producer, weight);
    if (rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        err_set(err, ERR_BUSY, "the queue to Kafka is full");
    else
        refusal_tell(producer, rd_kafka_error_code(error), record->body.len, err);
    rd_kafka_error_destroy(error);
    return false;
}

/* --- delivery reports, on the producer's thread --- */

static void report_take(struct kafka_producer *producer, const rd_kafka_message_t *message)
{
    struct flight *flight = message->_private;
    uint64_t weight = weight_of(&flight->record);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        struct err err = { 0 };
        if (message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) atomic_store(&producer->away_mono_ns, clock_mono_ns());
        refusal_tell(producer, message->err, flight->record.body.len, &err);
        flight->done(flight->ctx, &err, false);
    } else {
        atomic_store(&producer->away_mono_ns, 0);
        atomic_fetch_add(&producer->records, 1);
        atomic_fetch_add(&producer->bytes, flight->record.body.len);
        histogram_add_ns(&producer->times, clock_mono_ns() - flight->begin_mono_ns);
        flight->record.position = (uint64_t)message->offset + 1;
        flight->done(flight->ctx, NULL, false);
        producer->options.sink.record(producer->options.sink.ctx, &flight->record, flight->request);
    }
    free(flight);
    append_leave(producer, weight);
}

static void producer_fail(struct kafka_producer *producer)
{
    char why[KAFKA_TEXT_BYTES];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(producer->client, why, sizeof why);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    pthread_mutex_lock(&producer->lock);
    bool is_new = producer->failure.code == ERR_OK;
    if (is_new)
        err_set(&producer->failure, ERR_IO, "Kafka takes no more until the server is started again: %s: %s",
                rd_kafka_err2name(code), why);
    pthread_mutex_unlock(&producer->lock);
    if (is_new)
        log_error(producer->kafka->log, "kafka.producer_failed", log_text("code", rd_kafka_err2name(code)),
                  log_text("text", why));
}

static void event_take(struct kafka_producer *producer, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        while ((message = rd_kafka_event_message_next(event)) != NULL) report_take(producer, message);
        atomic_fetch_add(&producer->batches, 1);
        break;
    case RD_KAFKA_EVENT_ERROR:
        if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__FATAL)
            producer_fail(producer);
        else
            kafka_complain(producer->kafka, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
        if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
            atomic_store(&producer->away_mono_ns, clock_mono_ns());
        break;
    default: break;
    }
}

static bool is_idle(struct kafka_producer *producer)
{
    pthread_mutex_lock(&producer->lock);
    bool idle = producer->pending_count == 0;
    pthread_mutex_unlock(&producer->lock);
    return idle;
}

/* Ends when closing and nothing is under way; each message has its time, so that is soon. */
static void *producer_main(void *ctx)
{
    struct kafka_producer *producer = ctx;
    pthread_setname_np(pthread_self(), "kafka-producer");
    uint64_t closing_mono_ns = 0, patience_ns = (uint64_t)producer->options.delivery_ms * 1000000;
    while (!atomic_load(&producer->is_closing) || !is_idle(producer)) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(producer->reports, POLL_MS);
        if (event != NULL) {
            event_take(producer, event);
            rd_kafka_event_destroy(event);
        }
        if (!atomic_load(&producer->is_closing)) continue;
        uint64_t now_ns = clock_mono_ns();
        if (closing_mono_ns == 0) closing_mono_ns = now_ns;
        if (now_ns - closing_mono_ns > patience_ns)
            rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    }
    return NULL;
}

/* --- the rest of buffer.h --- */

static struct uuid producer_id(struct buffer *buffer)
{
    return kafka_buffer_id(producer_of(buffer)->kafka, KAFKA_TELEMETRY);
}

static uint64_t producer_no_position(struct buffer *buffer)
{
    (void)buffer;
    return 0;
}

static bool producer_start(struct buffer *buffer, struct err *err)
{
    struct kafka_producer *producer = producer_of(buffer);
    int failed = pthread_create(&producer->thread, NULL, producer_main, producer);
    if (failed != 0)
        return err_set(err, ERR_INTERNAL, "could not start the Kafka producer's thread: %s", strerror(failed));
    producer->thread_runs = true;
    atomic_store(&producer->is_running, true);
    return true;
}

static bool producer_release(struct buffer *buffer, uint64_t position, struct err *err)
{
    (void)buffer, (void)position;
    return err_set(err, ERR_UNSUPPORTED, "a Kafka topic is released by the commits of its group");
}

static bool producer_roll(struct buffer *buffer, struct err *err)
{
    (void)buffer, (void)err;
    return true;
}

static void producer_stats(struct buffer *buffer, struct buffer_stats *stats)
{
    struct kafka_producer *producer = producer_of(buffer);
    uint64_t away_ns = atomic_load(&producer->away_mono_ns);
    pthread_mutex_lock(&producer->lock);
    *stats = (struct buffer_stats){
        .records = atomic_load(&producer->records),
        .bytes = atomic_load(&producer->bytes),
        .syncs = atomic_load(&producer->batches),
        .pending_bytes = producer->pending_bytes,
        .has_failed = producer->failure.code != ERR_OK,
        /* Or until a question is answered: nobody sends to a server that is not ready. */
        .is_full = away_ns > atomic_load(&producer->kafka->answered_mono_ns),
    };
    pthread_mutex_unlock(&producer->lock);
    histogram_read(&producer->times, &stats->sync_times);
}

static void producer_close(struct buffer *buffer)
{
    struct kafka_producer *producer = producer_of(buffer);
    atomic_store(&producer->is_running, false);
    atomic_store(&producer->is_closing, true);
    if (producer->thread_runs) pthread_join(producer->thread, NULL);
    assert(producer->pending_count == 0);
    if (producer->reports != NULL) rd_kafka_queue_destroy(producer->reports);
    if (producer->topic != NULL) rd_kafka_topic_destroy(producer->topic);
    if (producer->client != NULL) rd_kafka_destroy(producer->client);
    pthread_mutex_destroy(&producer->lock);
    free(producer);
}

static const struct buffer_ops producer_ops = {
    .id = producer_id,
    .position_released = producer_no_position,
    .position_last = producer_no_position,
    .start = producer_start,
    .append = producer_append,
    .release = producer_release,
    .roll = producer_roll,
    .stats = producer_stats,
    .close = producer_close,
};

/* --- open --- */

/* The hash is the key's bytes already. It must name one partition for good: which is not by whether its leader is there. */
static int32_t partition_pick(const rd_kafka_topic_t *topic, const void *key, size_t key_len, int32_t partitions,
                              void *topic_opaque, void *message_opaque)
{
    (void)topic, (void)topic_opaque, (void)message_opaque;
    assert(key_len == KAFKA_HASH_BYTES && partitions > 0);
    uint64_t low = 0;
    for (size_t i = 8; i < KAFKA_HASH_BYTES; i++) low = low << 8 | ((const uint8_t *)key)[i];
    return (int32_t)(low % (uint64_t)partitions);
}

static bool topic_open(struct kafka_producer *producer, struct err *err)
{
    const char *name = kafka_topic_name(producer->kafka, KAFKA_TELEMETRY);
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    rd_kafka_topic_conf_set_partitioner_cb(conf, partition_pick);
    char why[KAFKA_TEXT_BYTES], delivery[32];
    snprintf(delivery, sizeof delivery, "%u", producer->options.delivery_ms);
    const struct kafka_setting settings[] = {
        { "acks", "all" },
        { "message.timeout.ms", delivery },
        { "compression.type", "none" }, /* most bodies come compressed */
    };
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (rd_kafka_topic_conf_set(conf, settings[i].name, settings[i].value, why, sizeof why) != RD_KAFKA_CONF_OK) {
            rd_kafka_topic_conf_destroy(conf);
            return err_set(err, ERR_INTERNAL, "Kafka's client does not take \"%s\": %s", settings[i].name, why);
        }
    producer->topic = rd_kafka_topic_new(producer->client, name, conf);
    return producer->topic != NULL ||
           kafka_fail(producer->kafka, err, rd_kafka_last_error(), "Kafka's topic \"%s\"", name);
}

bool kafka_producer_open(struct buffer **buffer, const struct kafka_producer_options *options, struct err *err)
{
    *buffer = NULL;
    assert(options->kafka != NULL && options->sink.record != NULL && options->pending_bytes_max > 0);
    struct kafka_producer *producer = mem_calloc(1, sizeof *producer);
    producer->buffer.ops = &producer_ops;
    producer->kafka = options->kafka;
    producer->options = *options;
    if (producer->options.delivery_ms == 0) producer->options.delivery_ms = DELIVERY_MS_DEFAULT;
    pthread_mutex_init(&producer->lock, NULL);
    /* Ours is the bound; theirs only must not be smaller: a larger record alone is taken. */
    uint64_t queue_kib = (options->pending_bytes_max + KAFKA_MESSAGE_BYTES) >> 10;
    char queue[32], message[32], delivery[32];
    snprintf(queue, sizeof queue, "%" PRIu64, queue_kib < INT32_MAX ? queue_kib : INT32_MAX);
    snprintf(message, sizeof message, "%u", KAFKA_MESSAGE_BYTES);
    snprintf(delivery, sizeof delivery, "%u", producer->options.delivery_ms);
    const struct kafka_setting settings[] = {
        { "enable.idempotence", "true" },        { "linger.ms", LINGER_MS },
        { "message.max.bytes", message },        { "queue.buffering.max.kbytes", queue },
        { "queue.buffering.max.messages", "0" }, { "socket.timeout.ms", delivery },
    };
    bool ok = kafka_client_open(producer->kafka, RD_KAFKA_PRODUCER, settings, COUNT_OF(settings),
                                RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR, &producer->client, err) &&
              topic_open(producer, err);
    if (!ok) {
        producer_close(&producer->buffer);
        return false;
    }
    producer->reports = rd_kafka_queue_get_main(producer->client);
    *buffer = &producer->buffer;
    return true;
}
