#include "ingest/ingest.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/queue.h"
#include "buffer/buffer.h"
#include "ingest/arrival.h"
#include "ingest/tally.h"
#include "worker/otlp/inbound.h"

enum {
    QUEUE_CALLS_DEFAULT = 1024,
    RETRY_DELAY_MS_DEFAULT = 1000,
    THREADS_MAX = 64,
    KEPT_BYTES_MAX = 8 << 20, /* of idle buffers and arrays */
    TAKE_CALLS = 16,
    TALLY_PROJECTS = 1000,
};
static const uint64_t FLOOD_LOG_NS = UINT64_C(10000000000);

struct ingest {
    struct ingest_options options;
    struct queue *queue; /* of struct call */
    struct inbound_pool *pool;
    pthread_t threads[THREADS_MAX];
    uint32_t thread_count;

    _Atomic uint64_t requests, records, rejected, repeats, refused, bytes;
    _Atomic uint64_t refused_by[ERR_CODE_COUNT];
    struct histogram times;
    struct tally *tally;
    _Atomic uint64_t refusals_logged_mono_ns, rejections_logged_mono_ns;
    atomic_bool is_stopping;

    pthread_mutex_t lock; /* guards appended_count */
    pthread_cond_t appended_none;
    uint64_t appended_count; /* with the buffer, not yet answered */
};

/* A request between its call and its answer. */
struct call {
    struct ingest *ingest;
    const struct transport *transport;
    void *request; /* the transport's */
    struct inbound *inbound;
    enum otlp_signal signal;
    bool has_key;
    struct ingest_key key;
    int64_t received_unix_us;
    uint64_t begin_mono_ns;
    uint64_t record_count, rejected_count, body_bytes;
};

/* They come in floods: one line in ten seconds tells how many there were. */
static void flood_log(struct ingest *ingest, _Atomic uint64_t *logged_mono_ns, const char *event, const char *code,
                      uint64_t count)
{
    uint64_t now_ns = clock_mono_ns();
    uint64_t last_ns = atomic_load(logged_mono_ns);
    if (last_ns != 0 && now_ns - last_ns < FLOOD_LOG_NS) return;
    if (!atomic_compare_exchange_strong(logged_mono_ns, &last_ns, now_ns)) return;
    log_warn(ingest->options.log, event, log_text("code", code), log_number("so_far", (int64_t)count));
}

static void refuse(struct ingest *ingest, const struct transport *transport, void *request, const struct err *err)
{
    uint64_t refused = atomic_fetch_add(&ingest->refused, 1) + 1;
    atomic_fetch_add(&ingest->refused_by[err->code], 1);
    flood_log(ingest, &ingest->refusals_logged_mono_ns, "ingest.refused", err_name(err->code), refused);
    transport->refuse(request, err, ingest->options.retry_delay_ms);
}

static void call_refuse(struct call *call, const struct err *err)
{
    refuse(call->ingest, call->transport, call->request, err);
    inbound_release(call->inbound);
    free(call);
}

/* Success; tells what was left out. Before the inbound goes to another owner: the reason is read from it. */
static void call_accept(struct call *call)
{
    const struct otlp_request *decoded = inbound_request(call->inbound);
    if (decoded->rejected_count > 0) {
        uint64_t rejected =
            atomic_fetch_add(&call->ingest->rejected, decoded->rejected_count) + decoded->rejected_count;
        flood_log(call->ingest, &call->ingest->rejections_logged_mono_ns, "ingest.records_rejected", "partial_success",
                  rejected);
    }
    histogram_add_ns(&call->ingest->times, clock_mono_ns() - call->begin_mono_ns);
    call->transport->accept(call->request, call->signal, decoded);
}

static void appended_leave(struct ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    if (--ingest->appended_count == 0) pthread_cond_broadcast(&ingest->appended_none);
    pthread_mutex_unlock(&ingest->lock);
}

/* On the buffer's thread. After a first success the sink gets the inbound, so it is only looked at here. */
static void call_stored_on(void *ctx, const struct err *err, bool is_repeat)
{
    struct call *call = ctx;
    struct ingest *ingest = call->ingest;
    if (err != NULL && err->code != ERR_OK) {
        call_refuse(call, err);
    } else {
        call_accept(call);
        if (is_repeat) {
            atomic_fetch_add(&ingest->repeats, 1);
            inbound_release(call->inbound);
        } else {
            atomic_fetch_add(&ingest->records, call->record_count);
            atomic_fetch_add(&ingest->bytes, call->body_bytes);
            tally_add(ingest->tally, call->key.project_id, call->signal, call->record_count, call->body_bytes);
            inbound_drop_wire(call->inbound);
        }
        free(call);
    }
    appended_leave(ingest);
}

/* Takes the call: from here it is answered by the buffer's thread, unless append refuses at once. */
static void call_append(struct call *call)
{
    struct ingest *ingest = call->ingest;
    struct err err = { 0 };
    struct buffer_record record = {
        .signal = (enum buffer_signal)call->signal,
        .encoding = inbound_encoding(call->inbound),
        .format = inbound_format(call->inbound),
        .project_id = call->key.project_id,
        .key_id = call->key.key_id,
        .hash = inbound_hash(call->key.project_id, call->signal, inbound_body(call->inbound)),
        .received_unix_us = call->received_unix_us,
        .body = inbound_wire(call->inbound),
    };
    pthread_mutex_lock(&ingest->lock);
    ingest->appended_count++;
    pthread_mutex_unlock(&ingest->lock);
    if (buffer_append(ingest->options.buffer, &record, call->inbound, call_stored_on, call, &err)) return;
    call_refuse(call, &err);
    appended_leave(ingest);
}

static void call_work(struct call *call, struct inflater *inflater)
{
    struct err err = { 0 };
    if (!inbound_inflate(call->inbound, inflater, &err) ||
        !inbound_decode(call->inbound, call->signal, call->received_unix_us, &err)) {
        call_refuse(call, &err);
        return;
    }
    if (!call->has_key) {
        err_set(&err, ERR_UNAUTHENTICATED,
                "no API key: set the header \"authorization: Bearer KEY\" (or x-api-key), for SDKs "
                "OTEL_EXPORTER_OTLP_HEADERS=\"authorization=Bearer KEY\"");
        call_refuse(call, &err);
        return;
    }
    call->record_count = otlp_record_count(inbound_request(call->inbound));
    call->body_bytes = inbound_body(call->inbound).len;
    if (call->record_count > 0) {
        call_append(call);
        return;
    }
    call_accept(call); /* empty, or all of it rejected: nothing to keep */
    inbound_release(call->inbound);
    free(call);
}

static void *ingest_thread(void *ctx)
{
    struct ingest *ingest = ctx;
    pthread_setname_np(pthread_self(), "ingest");
    struct inflater *inflater = inflater_create();
    bool is_closed = false;
    while (!is_closed) {
        void *calls[TAKE_CALLS];
        /* One thread takes what waits in one go; several take one each, so that none idles behind another. */
        uint32_t max = ingest->thread_count > 1 ? 1 : TAKE_CALLS;
        uint32_t count = queue_pop(ingest->queue, calls, max, -1, &is_closed);
        for (uint32_t i = 0; i < count; i++) call_work(calls[i], inflater);
    }
    inflater_destroy(inflater);
    return NULL;
}

bool ingest_open(struct ingest **out, const struct ingest_options *options, struct err *err)
{
    *out = NULL;
    assert(options->buffer != NULL && options->keys.find != NULL);
    assert(options->threads <= THREADS_MAX);
    struct ingest *ingest = mem_calloc(1, sizeof *ingest);
    ingest->options = *options;
    uint32_t thread_count = options->threads == 0 ? 1 : options->threads;
    uint32_t calls_max = options->queue_calls_max == 0 ? QUEUE_CALLS_DEFAULT : options->queue_calls_max;
    if (options->retry_delay_ms == 0) ingest->options.retry_delay_ms = RETRY_DELAY_MS_DEFAULT;
    pthread_mutex_init(&ingest->lock, NULL);
    pthread_cond_init(&ingest->appended_none, NULL);
    ingest->queue = queue_create(calls_max, options->memory_bytes_max);
    ingest->tally = tally_create(TALLY_PROJECTS);
    ingest->pool = inbound_pool_create(options->memory_bytes_max, KEPT_BYTES_MAX);
    ingest->thread_count = thread_count;
    for (uint32_t i = 0; i < thread_count; i++) {
        errno = pthread_create(&ingest->threads[i], NULL, ingest_thread, ingest);
        if (errno != 0) {
            err_os(err, "could not start an ingest thread");
            ingest->thread_count = i;
            ingest_close(ingest);
            return false;
        }
    }
    *out = ingest;
    return true;
}

bool ingest_key_look(struct ingest *ingest, struct bytes secret, struct arrival *arrival, struct err *err)
{
    arrival->has_key = secret.len > 0;
    if (!arrival->has_key || ingest->options.keys.find(ingest->options.keys.ctx, secret, &arrival->key)) return true;
    return err_set(
        err, ERR_UNAUTHENTICATED,
        "unknown or revoked API key: set the header \"authorization: Bearer KEY\" to one of this server's keys");
}

const struct ingest_keys *ingest_keys_of(const struct ingest *ingest)
{
    return &ingest->options.keys;
}

void ingest_refuse(struct ingest *ingest, const struct transport *transport, void *request, const struct err *err)
{
    atomic_fetch_add_explicit(&ingest->requests, 1, memory_order_relaxed);
    refuse(ingest, transport, request, err);
}

void ingest_take(struct ingest *ingest, const struct arrival *arrival)
{
    struct err err = { 0 };
    struct inbound *inbound;
    atomic_fetch_add_explicit(&ingest->requests, 1, memory_order_relaxed);
    if (atomic_load(&ingest->is_stopping)) {
        free((void *)(uintptr_t)arrival->body.ptr);
        err_set(&err, ERR_BUSY, "the server is stopping");
        refuse(ingest, arrival->transport, arrival->request, &err);
        return;
    }
    if (!inbound_create(ingest->pool, arrival->body, arrival->encoding, arrival->format, &inbound, &err)) {
        refuse(ingest, arrival->transport, arrival->request, &err);
        return;
    }
    struct call *call = mem_alloc(sizeof *call);
    *call = (struct call){
        .ingest = ingest,
        .transport = arrival->transport,
        .request = arrival->request,
        .inbound = inbound,
        .signal = arrival->signal,
        .has_key = arrival->has_key,
        .key = arrival->key,
        .received_unix_us = (int64_t)arrival->received_unix_us,
        .begin_mono_ns = clock_mono_ns(),
    };
    if (queue_push(ingest->queue, call, arrival->body.len)) return;
    err_set(&err, ERR_BUSY, "the server is busy: too many requests are waiting");
    call_refuse(call, &err);
}

void ingest_stats(struct ingest *ingest, struct ingest_stats *stats)
{
    *stats = (struct ingest_stats){
        .requests = atomic_load(&ingest->requests),
        .records = atomic_load(&ingest->records),
        .rejected = atomic_load(&ingest->rejected),
        .repeats = atomic_load(&ingest->repeats),
        .refused = atomic_load(&ingest->refused),
        .bytes = atomic_load(&ingest->bytes),
        .memory_bytes = inbound_pool_bytes(ingest->pool),
    };
    for (uint32_t c = 0; c < ERR_CODE_COUNT; c++) stats->refused_by[c] = atomic_load(&ingest->refused_by[c]);
    histogram_read(&ingest->times, &stats->times);
}

uint32_t ingest_projects(struct ingest *ingest, struct tally_entry **entries)
{
    return tally_read(ingest->tally, entries);
}

void ingest_stop(struct ingest *ingest)
{
    atomic_store(&ingest->is_stopping, true);
}

void ingest_close(struct ingest *ingest)
{
    if (ingest == NULL) return;
    ingest_stop(ingest);
    queue_close(ingest->queue);
    for (uint32_t i = 0; i < ingest->thread_count; i++) pthread_join(ingest->threads[i], NULL);
    pthread_mutex_lock(&ingest->lock);
    while (ingest->appended_count > 0) pthread_cond_wait(&ingest->appended_none, &ingest->lock);
    pthread_mutex_unlock(&ingest->lock);
    queue_destroy(ingest->queue);
    tally_destroy(ingest->tally);
    inbound_pool_release(ingest->pool); /* lives on until the worker has let go of the last request */
    pthread_cond_destroy(&ingest->appended_none);
    pthread_mutex_destroy(&ingest->lock);
    free(ingest);
}
