#include "telemetry/telemetry.h"
#include "base/clock.h"
#include "buffer/buffer.h"
#include "telemetry/export.h"
#include "telemetry/lines.h"
#include "telemetry/otlp_write.h"
#include "telemetry/process.h"
#include "telemetry/prometheus.h"
#include "worker/otlp/inbound.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define OUTBOX_BYTES_MAX  (256u << 10)
#define REQUEST_BYTES_MAX (4u << 20)
#define FULL_MS           60000 /* metrics that did not change are sent that often */
#define SIGNALS           3

/* Records of one signal that wait, encoded, and what became of them. */
struct outbox {
    struct buf records; /* guarded by lock */
    uint64_t count;     /* of records; guarded by lock */
    struct bytes body;  /* a request that the log did not take: tried again. The thread's */
    uint64_t body_count;
    _Atomic uint64_t stored, dropped;
};

struct telemetry {
    struct telemetry_options options;
    struct log_sink sink;
    struct export *export;
    char instance[UUID_TEXT_BYTES + 1], host[65], pid[24];
    uint64_t start_unix_ns, start_mono_ns;

    struct buffer *buffer;
    struct uuid project_id;
    struct inbound_pool *pool;
    pthread_t thread;
    bool thread_runs;
    struct metric_set sets[2]; /* the thread's: this pull and the one before */
    uint32_t turn;
    uint64_t full_due_ns;

    pthread_mutex_t lock; /* guards the rest, and of the outboxes what says so */
    pthread_cond_t changed;
    struct outbox outboxes[SIGNALS]; /* by signal - 1 */
    bool stops;
    uint32_t in_flight; /* requests with the buffer, not yet safe */
};

/* A request on its way to the log. */
struct delivery {
    struct telemetry *telemetry;
    struct inbound *inbound;
    struct outbox *outbox;
    uint64_t count;
};

/* -- the sink --------------------------------------------------------------------------------------------------- */

/* Under the lock. A record that does not fit whole is none. */
static void outbox_settle(struct outbox *outbox, const struct otlp_writer *writer, size_t mark)
{
    if (writer->is_full) {
        outbox->records.len = mark;
        atomic_fetch_add(&outbox->dropped, 1);
    } else {
        outbox->count++;
    }
}

static void on_event(void *ctx, enum log_level level, const char *event, const struct log_field *fields)
{
    struct telemetry *telemetry = ctx;
    struct outbox *outbox = &telemetry->outboxes[OTLP_LOGS - 1];
    struct otlp_writer writer = { .out = &outbox->records };
    uint64_t now_ns = clock_unix_ns();
    pthread_mutex_lock(&telemetry->lock);
    size_t mark = outbox->records.len;
    otlp_write_log(&writer, now_ns, level, event, fields);
    outbox_settle(outbox, &writer, mark);
    pthread_mutex_unlock(&telemetry->lock);
}

static void on_span(void *ctx, const struct span *span, uint64_t duration_ns, const char *failure,
                    const struct log_field *fields)
{
    struct telemetry *telemetry = ctx;
    struct outbox *outbox = &telemetry->outboxes[OTLP_TRACES - 1];
    struct otlp_writer writer = { .out = &outbox->records };
    pthread_mutex_lock(&telemetry->lock);
    size_t mark = outbox->records.len;
    otlp_write_span(&writer, span, duration_ns, failure, fields);
    outbox_settle(outbox, &writer, mark);
    pthread_mutex_unlock(&telemetry->lock);
}

/* -- metrics ---------------------------------------------------------------------------------------------------- */

static void own_collect(struct telemetry *telemetry, struct metric_set *set)
{
    static const char *const signals[SIGNALS] = { "logs", "traces", "metrics" };
    struct export_stats exported = { 0 };
    if (telemetry->export) export_stats(telemetry->export, &exported);
    for (uint32_t s = 0; s < SIGNALS; s++) {
        struct outbox *outbox = &telemetry->outboxes[s];
        if (telemetry->options.is_kept) {
            metric_add(set, METRIC_TELEMETRY_RECORDS, atomic_load(&outbox->stored),
                       METRIC_ATTRIBUTES({ "signal", signals[s] }));
            metric_add(set, METRIC_TELEMETRY_DROPPED, atomic_load(&outbox->dropped),
                       METRIC_ATTRIBUTES({ "target", "project" }, { "signal", signals[s] }));
        }
        if (telemetry->export)
            metric_add(set, METRIC_TELEMETRY_DROPPED, exported.dropped[s],
                       METRIC_ATTRIBUTES({ "target", "endpoint" }, { "signal", signals[s] }));
    }
    if (!telemetry->export) return;
    metric_add(set, METRIC_TELEMETRY_EXPORTS, exported.requests, NULL);
    metric_add(set, METRIC_TELEMETRY_EXPORT_FAILURES, exported.failures, NULL);
}

static void collect(struct telemetry *telemetry, struct metric_set *set)
{
    process_collect(set, telemetry->start_mono_ns);
    telemetry->options.collect(telemetry->options.ctx, set);
    own_collect(telemetry, set);
}

static void resource_make(const struct telemetry *telemetry, struct metric_attribute resource[6])
{
    const struct metric_attribute all[6] = { { "service.name", "monoscope" },
                                             { "service.version", telemetry->options.version },
                                             { "service.instance.id", telemetry->instance },
                                             { "host.name", telemetry->host },
                                             { "process.pid", telemetry->pid },
                                             { 0 } };
    memcpy(resource, all, sizeof all);
}

bool telemetry_text(struct telemetry *telemetry, struct buf *out)
{
    struct metric_set set;
    struct metric_attribute resource[6];
    metric_set_init(&set);
    collect(telemetry, &set);
    resource_make(telemetry, resource);
    bool ok = prometheus_write(&set, resource, out);
    metric_set_deinit(&set);
    return ok;
}

bool telemetry_lines(struct telemetry *telemetry, struct buf *out)
{
    struct metric_set set;
    metric_set_init(&set);
    collect(telemetry, &set);
    bool ok = lines_write(&set, out);
    metric_set_deinit(&set);
    return ok;
}

/* -- delivery --------------------------------------------------------------------------------------------------- */

/* On the buffer's thread. */
static void on_stored(void *ctx, const struct err *err, bool repeated)
{
    struct delivery *delivery = ctx;
    struct telemetry *telemetry = delivery->telemetry;
    bool is_lost = err != NULL && err->code != ERR_OK;
    if (is_lost || repeated) inbound_release(delivery->inbound);
    atomic_fetch_add(is_lost ? &delivery->outbox->dropped : &delivery->outbox->stored, delivery->count);
    free(delivery);
    pthread_mutex_lock(&telemetry->lock);
    telemetry->in_flight--;
    pthread_cond_broadcast(&telemetry->changed);
    pthread_mutex_unlock(&telemetry->lock);
}

/* False: the log takes nothing now; the body is still the caller's. */
static bool body_append(struct telemetry *telemetry, enum otlp_signal signal, struct bytes body, uint64_t count)
{
    struct err err = { 0 };
    struct inbound *inbound;
    int64_t now_us = clock_unix_us();
    uint8_t *wire = mem_alloc(body.len);
    memcpy(wire, body.ptr, body.len);
    if (!inbound_create(telemetry->pool, bytes_from(wire, body.len), BUFFER_ENCODING_IDENTITY, BUFFER_FORMAT_PROTOBUF,
                        &inbound, &err))
        return false;
    if (!inbound_decode(inbound, signal, now_us, &err)) {
        log_error(telemetry->options.log, "telemetry.own_body_bad", log_text("err", err.text));
        atomic_fetch_add(&telemetry->outboxes[signal - 1].dropped, count);
        inbound_release(inbound);
        return true; /* no better the next time */
    }
    struct delivery *delivery = mem_alloc(sizeof *delivery);
    *delivery = (struct delivery){ telemetry, inbound, &telemetry->outboxes[signal - 1], count };
    struct buffer_record record = {
        .signal = (enum buffer_signal)signal,
        .encoding = BUFFER_ENCODING_IDENTITY,
        .format = BUFFER_FORMAT_PROTOBUF,
        .project_id = telemetry->project_id,
        .hash = inbound_hash(telemetry->project_id, signal, inbound_body(inbound)),
        .received_unix_us = now_us,
        .body = inbound_wire(inbound),
    };
    pthread_mutex_lock(&telemetry->lock);
    telemetry->in_flight++;
    pthread_mutex_unlock(&telemetry->lock);
    if (buffer_append(telemetry->buffer, &record, inbound, on_stored, delivery, &err)) return true;
    pthread_mutex_lock(&telemetry->lock);
    telemetry->in_flight--;
    pthread_mutex_unlock(&telemetry->lock);
    bool is_hopeless = !err_is_retryable(err.code);
    if (is_hopeless) atomic_fetch_add(&delivery->outbox->dropped, count);
    inbound_release(inbound);
    free(delivery);
    return is_hopeless;
}

/* A whole request around records; by malloc. */
static struct bytes request_make(struct telemetry *telemetry, struct bytes records)
{
    struct buf out;
    struct metric_attribute resource[6];
    buf_init(&out, REQUEST_BYTES_MAX + OUTBOX_BYTES_MAX);
    struct otlp_writer writer = { .out = &out };
    resource_make(telemetry, resource);
    otlp_write_request(&writer, resource, records);
    assert(!writer.is_full); /* records are at most REQUEST_BYTES_MAX */
    return buf_bytes(&out);
}

static void body_forget(struct outbox *outbox)
{
    free((void *)(uintptr_t)outbox->body.ptr);
    outbox->body = (struct bytes){ 0 };
}

/* What waits in an outbox goes into one request; both targets get the same. */
static void outbox_deliver(struct telemetry *telemetry, enum otlp_signal signal)
{
    struct outbox *outbox = &telemetry->outboxes[signal - 1];
    if (outbox->body.len == 0) {
        pthread_mutex_lock(&telemetry->lock);
        struct buf records = outbox->records;
        outbox->body_count = outbox->count;
        buf_init(&outbox->records, OUTBOX_BYTES_MAX);
        outbox->count = 0;
        pthread_mutex_unlock(&telemetry->lock);
        if (records.len > 0) outbox->body = request_make(telemetry, buf_bytes(&records));
        buf_deinit(&records);
        if (outbox->body.len == 0) return;
        if (telemetry->export) export_push(telemetry->export, signal, outbox->body, outbox->body_count);
    }
    bool is_done = !telemetry->options.is_kept || telemetry->buffer == NULL ||
                   body_append(telemetry, signal, outbox->body, outbox->body_count);
    if (is_done) body_forget(outbox);
}

static void metrics_deliver(struct telemetry *telemetry, bool is_full)
{
    struct outbox *outbox = &telemetry->outboxes[OTLP_METRICS - 1];
    struct metric_set *set = &telemetry->sets[telemetry->turn], *before = &telemetry->sets[1 - telemetry->turn];
    struct buf records;
    metric_set_init(set);
    collect(telemetry, set);
    uint64_t count = is_full ? set->point_count : metric_set_skip_same(set, before);
    metric_set_deinit(before);
    telemetry->turn = 1 - telemetry->turn;
    buf_init(&records, REQUEST_BYTES_MAX);
    struct otlp_writer writer = { .out = &records };
    otlp_write_metrics(&writer, set, telemetry->start_unix_ns, clock_unix_ns());
    if (writer.is_full) {
        atomic_fetch_add(&outbox->dropped, count);
    } else if (count > 0) {
        struct bytes body = request_make(telemetry, buf_bytes(&records));
        if (telemetry->export) export_push(telemetry->export, OTLP_METRICS, body, count);
        if (telemetry->options.is_kept && telemetry->buffer && !body_append(telemetry, OTLP_METRICS, body, count))
            atomic_fetch_add(&outbox->dropped, count); /* sums come anew the next time */
        free((void *)(uintptr_t)body.ptr);
    }
    buf_deinit(&records);
}

static void deliver(struct telemetry *telemetry, bool is_full)
{
    metrics_deliver(telemetry, is_full);
    outbox_deliver(telemetry, OTLP_LOGS);
    outbox_deliver(telemetry, OTLP_TRACES);
}

/* False when it stops. */
static bool interval_wait(struct telemetry *telemetry)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += telemetry->options.interval_ms / 1000;
    until.tv_nsec += (long)(telemetry->options.interval_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int failed = 0;
    pthread_mutex_lock(&telemetry->lock);
    while (!telemetry->stops && failed != ETIMEDOUT)
        failed = pthread_cond_timedwait(&telemetry->changed, &telemetry->lock, &until);
    bool goes_on = !telemetry->stops;
    pthread_mutex_unlock(&telemetry->lock);
    return goes_on;
}

static void *telemetry_main(void *arg)
{
    struct telemetry *telemetry = arg;
    pthread_setname_np(pthread_self(), "telemetry");
    while (interval_wait(telemetry)) {
        uint64_t now_ns = clock_mono_ns();
        bool is_full = now_ns >= telemetry->full_due_ns;
        if (is_full) telemetry->full_due_ns = now_ns + FULL_MS * 1000000ull;
        deliver(telemetry, is_full);
    }
    return NULL;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

bool telemetry_open(struct telemetry **out, const struct telemetry_options *options, struct err *err)
{
    struct telemetry *telemetry = mem_calloc(1, sizeof *telemetry);
    *out = NULL;
    telemetry->options = *options;
    telemetry->start_unix_ns = clock_unix_ns();
    telemetry->start_mono_ns = clock_mono_ns();
    telemetry->sink = (struct log_sink){ .event = on_event, .span = on_span, .ctx = telemetry };
    uuid_to_text(uuid_random(), telemetry->instance);
    if (gethostname(telemetry->host, sizeof telemetry->host - 1) != 0) strcpy(telemetry->host, "unknown");
    snprintf(telemetry->pid, sizeof telemetry->pid, "%d", (int)getpid());
    telemetry->pool = inbound_pool_create(REQUEST_BYTES_MAX, 0);
    for (uint32_t s = 0; s < SIGNALS; s++) buf_init(&telemetry->outboxes[s].records, OUTBOX_BYTES_MAX);
    for (uint32_t t = 0; t < COUNT_OF(telemetry->sets); t++) metric_set_init(&telemetry->sets[t]);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&telemetry->lock, NULL);
    pthread_cond_init(&telemetry->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (options->endpoint && options->endpoint[0]) {
        struct export_options export_options = { .endpoint = options->endpoint,
                                                 .headers = options->headers,
                                                 .log = options->log };
        if (!export_open(&telemetry->export, &export_options, err)) {
            telemetry_close(telemetry);
            return false;
        }
    }
    *out = telemetry;
    return true;
}

const struct log_sink *telemetry_sink(const struct telemetry *telemetry)
{
    return telemetry->options.is_kept || telemetry->export ? &telemetry->sink : NULL;
}

bool telemetry_start(struct telemetry *telemetry, struct buffer *buffer, struct uuid project_id, struct err *err)
{
    telemetry->buffer = buffer;
    telemetry->project_id = project_id;
    if (!telemetry_sink(telemetry)) return true;
    errno = pthread_create(&telemetry->thread, NULL, telemetry_main, telemetry);
    if (errno != 0) return err_os(err, "could not start the telemetry thread");
    telemetry->thread_runs = true;
    return true;
}

void telemetry_stop(struct telemetry *telemetry)
{
    if (!telemetry || !telemetry->thread_runs) return;
    pthread_mutex_lock(&telemetry->lock);
    telemetry->stops = true;
    pthread_cond_broadcast(&telemetry->changed);
    pthread_mutex_unlock(&telemetry->lock);
    pthread_join(telemetry->thread, NULL);
    telemetry->thread_runs = false;
    deliver(telemetry, true);
    pthread_mutex_lock(&telemetry->lock);
    while (telemetry->in_flight > 0) pthread_cond_wait(&telemetry->changed, &telemetry->lock);
    pthread_mutex_unlock(&telemetry->lock);
    telemetry->buffer = NULL; /* from here on only the second target */
}

void telemetry_close(struct telemetry *telemetry)
{
    if (!telemetry) return;
    if (telemetry->export) {
        outbox_deliver(telemetry, OTLP_LOGS);
        outbox_deliver(telemetry, OTLP_TRACES);
        export_close(telemetry->export);
    }
    for (uint32_t s = 0; s < SIGNALS; s++) {
        body_forget(&telemetry->outboxes[s]);
        buf_deinit(&telemetry->outboxes[s].records);
    }
    for (uint32_t t = 0; t < COUNT_OF(telemetry->sets); t++) metric_set_deinit(&telemetry->sets[t]);
    inbound_pool_release(telemetry->pool); /* lives on until the worker has let go of the last request */
    pthread_cond_destroy(&telemetry->changed);
    pthread_mutex_destroy(&telemetry->lock);
    free(telemetry);
}
