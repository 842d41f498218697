/* kafka_producer.h -- the way of buffer.h into Kafka: acknowledged by all in-sync replicas, then answered.
 *
 *   buffer_append --[librdkafka's queue, batches by partition]--> broker --delivery report--> done, sink.record
 *
 * Partition: by the request's hash, so that a repeat meets the same worker. Body as it came; what else a record says is in
 *            the headers of the Kafka message (kafka_record.h). The key is the hash.
 * Done:      only from the delivery report (acks=all, idempotent producer: librdkafka's own retries neither double nor
 *            reorder). When the brokers are away an append waits at most delivery_ms, then done gets ERR_BUSY: it may have
 *            been stored all the same, and the worker drops what a client then sends again.
 * Thread:    append from any; done and sink run on the producer's one thread and must not block long.
 * Memory:    bodies are not copied; pending_bytes_max bounds what is appended and not yet acknowledged.
 * Errors:    ERR_BUSY queue full, or brokers away; ERR_TOO_LARGE over KAFKA_RECORD_BYTES, or what the topic or the broker
 *            allows (the text says which setting); ERR_FORBIDDEN no right to write; ERR_IO it failed for good. */
#pragma once
#include "buffer/buffer.h"
#include "buffer/kafka/kafka.h"

struct kafka_producer_options {
    struct kafka *kafka;        /* must outlive the buffer */
    uint64_t pending_bytes_max; /* over it append answers ERR_BUSY; a larger record alone is taken */
    uint32_t delivery_ms;       /* 0: 10 s */
    struct buffer_sink sink;    /* gets `request` back once it is stored, to let go of it; record.position is its own */
};
/* On success *buffer is the caller's, to buffer_close (which waits for what is under way, at most delivery_ms). */
MUST_CHECK bool kafka_producer_open(struct buffer **buffer, const struct kafka_producer_options *options,
                                    struct err *err);
