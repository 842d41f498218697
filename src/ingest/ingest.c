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
#include "ingest/note.h"
#include "ingest/redact.h"
#include "ingest/route.h"
#include "ingest/tally.h"
#include "meta/meter.h"
#include "replay/replay_batch.h"
#include "replay/replay_gaps.h"
#include "replay/rrweb_batch.h"
#include "worker/otlp/inbound.h"

enum {
    QUEUE_CALLS_DEFAULT = 1024,
    RETRY_DELAY_MS_DEFAULT = 1000,
    THREADS_MAX = 64,
    KEPT_BYTES_MAX = 8 << 20, /* of idle buffers and arrays */
    TAKE_CALLS = 16,
    TALLY_PROJECTS = 1000,
    RECORDINGS_MAX = 16384,      /* watched for what is missing of them */
    KEYLESS_BYTES_MAX = 4 << 20, /* inflated, of a request that says only in its resources whose it is */
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
    struct replay_gaps *gaps; /* NULL: it asks for no snapshots */
    _Atomic uint64_t refusals_logged_mono_ns, rejections_logged_mono_ns;
    atomic_bool is_stopping;

    pthread_mutex_t lock; /* guards appended_count */
    pthread_cond_t appended_none;
    uint64_t appended_count; /* with the buffer, not yet answered */
};

/* Of one ingest thread. */
struct tools {
    struct inflater *inflater;
    struct redaction_scratch *scratch;
    struct arena arena;
};

/* What is stored under one project of a request between its call and its answer. */
struct part {
    struct call *call;
    struct inbound *inbound;
    struct ingest_key key;
    struct hash128 hash;
    uint64_t record_count;
    struct meter_amounts amounts;
    struct note_seen seen;
};

/* A request between its call and its answer: one part, or one a project when its resources have keys of several. */
struct call {
    struct ingest *ingest;
    const struct transport *transport;
    void *request; /* the transport's */
    enum otlp_signal signal;
    bool has_key, is_rrweb;
    struct bytes agent; /* the transport's, until it is answered */
    int64_t received_unix_us;
    uint64_t begin_mono_ns;
    struct part whole;
    struct part *parts;        /* by malloc; NULL: whole is the only one */
    struct otlp_request *told; /* by malloc, for parts: what the answer says was rejected; else whole's tells it */
    uint32_t parts_left;       /* not yet stored; under ingest->lock, as is what follows */
    struct err failure;        /* of the first that could not be */
    uint32_t retry_ms;         /* of that; 0: as always */
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

/* arrival: whose it is and how it is answered; retry_ms: when it may be tried again; 0: as always. */
static void refuse(struct ingest *ingest, const struct arrival *arrival, const struct err *err)
{
    uint64_t refused = atomic_fetch_add(&ingest->refused, 1) + 1;
    atomic_fetch_add(&ingest->refused_by[err->code], 1);
    flood_log(ingest, &ingest->refusals_logged_mono_ns, "ingest.refused", err_name(err->code), refused);
    note_refused(ingest->options.intake, &arrival->key, arrival->signal, err, arrival->agent);
    arrival->transport->refuse(arrival->request, err,
                               arrival->retry_ms > 0 ? arrival->retry_ms : ingest->options.retry_delay_ms);
}

/* A call of which a part, or all of it, is of this key. */
static void refuse_call(struct call *call, const struct ingest_key *key, const struct err *err)
{
    const struct arrival arrival = { .transport = call->transport,
                                     .request = call->request,
                                     .signal = call->signal,
                                     .key = *key,
                                     .agent = call->agent,
                                     .retry_ms = call->retry_ms };
    refuse(call->ingest, &arrival, err);
}

static void call_free(struct call *call)
{
    free(call->parts);
    free(call->told);
    free(call);
}

static void call_refuse(struct call *call, const struct err *err)
{
    refuse_call(call, &call->whole.key, err);
    inbound_release(call->whole.inbound);
    call_free(call);
}

/* Success; tells what was left out. Before the inbound goes to another owner: the reason is read from it. */
static void call_accept(struct call *call)
{
    const struct otlp_request *told = call->told != NULL ? call->told : inbound_request(call->whole.inbound);
    if (told->rejected_count > 0) {
        uint64_t rejected = atomic_fetch_add(&call->ingest->rejected, told->rejected_count) + told->rejected_count;
        flood_log(call->ingest, &call->ingest->rejections_logged_mono_ns, "ingest.records_rejected", "partial_success",
                  rejected);
    }
    histogram_add_ns(&call->ingest->times, clock_mono_ns() - call->begin_mono_ns);
    call->transport->accept(call->request, call->signal, told);
}

static void appended_leave(struct ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    if (--ingest->appended_count == 0) pthread_cond_broadcast(&ingest->appended_none);
    pthread_mutex_unlock(&ingest->lock);
}

/* One part less to wait for. The last one answers: with the first failure, so that a sender sends all of it again and what
 * is stored already is recognised. */
static bool part_is_last(struct call *call, const struct err *err)
{
    pthread_mutex_lock(&call->ingest->lock);
    if (err != NULL && call->failure.code == ERR_OK) call->failure = *err;
    bool is_last = --call->parts_left == 0;
    pthread_mutex_unlock(&call->ingest->lock);
    return is_last;
}

static void part_count(struct part *part, bool is_repeat)
{
    struct ingest *ingest = part->call->ingest;
    note_taken(ingest->options.intake, &part->key, inbound_request(part->inbound), &part->seen, part->amounts.bytes,
               is_repeat, part->call->agent);
    if (part->record_count == 0) return; /* empty, or all of it left out */
    if (is_repeat) {
        atomic_fetch_add(&ingest->repeats, 1);
        return;
    }
    atomic_fetch_add(&ingest->records, part->record_count);
    atomic_fetch_add(&ingest->bytes, part->amounts.bytes);
    tally_add(ingest->tally, part->key.project_id, part->call->signal, part->record_count, part->amounts.bytes);
    if (ingest->options.meter)
        meter_count(ingest->options.meter, part->key.project_id, part->key.key_id, &part->amounts);
}

/* err: it is not stored. is_ours: nor has it another owner then. */
static void part_end(struct part *part, const struct err *err, bool is_ours)
{
    struct call *call = part->call;
    struct inbound *inbound = part->inbound;
    if (part_is_last(call, err)) {
        if (call->failure.code == ERR_OK) {
            call_accept(call);
        } else {
            refuse_call(call, &part->key, &call->failure);
        }
        call_free(call);
    }
    if (is_ours) {
        inbound_release(inbound);
    } else {
        inbound_drop_wire(inbound);
    }
}

/* On the buffer's thread. After a first success the sink gets the inbound, so it is only looked at here. */
static void part_stored_on(void *ctx, const struct err *err, bool is_repeat)
{
    struct part *part = ctx;
    struct ingest *ingest = part->call->ingest;
    bool is_failed = err != NULL && err->code != ERR_OK;
    if (!is_failed) part_count(part, is_repeat);
    part_end(part, is_failed ? err : NULL, is_failed || is_repeat);
    appended_leave(ingest);
}

/* From here the part is ended by the buffer's thread, unless append refuses at once. */
static void part_append(struct part *part)
{
    struct call *call = part->call;
    struct ingest *ingest = call->ingest;
    struct err err = { 0 };
    struct buffer_record record = {
        .signal = (enum buffer_signal)call->signal,
        .encoding = inbound_encoding(part->inbound),
        .format = inbound_format(part->inbound),
        .project_id = part->key.project_id,
        .key_id = part->key.key_id,
        .hash = part->hash,
        .received_unix_us = call->received_unix_us,
        .body = inbound_wire(part->inbound),
    };
    pthread_mutex_lock(&ingest->lock);
    ingest->appended_count++;
    pthread_mutex_unlock(&ingest->lock);
    if (buffer_append(ingest->options.buffer, &record, part->inbound, part_stored_on, part, &err)) return;
    part_end(part, &err, true);
    appended_leave(ingest);
}

/* Of a decoded request. Secrets in its resources do not get into the log; the hash is of what was sent. */
static void part_init(struct part *part, struct call *call, struct inbound *inbound, const struct ingest_key *key,
                      const struct redacted *redacted)
{
    const struct otlp_request *request = inbound_request(inbound);
    struct bytes body = inbound_body(inbound);
    *part = (struct part){
        .call = call,
        .inbound = inbound,
        .key = *key,
        .hash = redacted->is_done ? redacted->hash : inbound_hash(key->project_id, call->signal, body),
        .record_count = otlp_record_count(request),
        .amounts = { .bytes = redacted->is_done ? redacted->bytes : body.len,
                     .logs = request->logs.count,
                     .spans = request->spans.count,
                     .points = request->points.count,
                     .redacted = redacted->found },
    };
    note_look(request, &part->seen);
    if (request->may_have_keys) inbound_hide_keys(inbound);
    if (call->ingest->options.meter)
        meter_charge(call->ingest->options.meter, key->project_id, key->key_id, &part->amounts);
}

/* Takes the call: all of it is of one project. */
static void call_store(struct call *call, const struct ingest_key *key, const struct redacted *redacted)
{
    part_init(&call->whole, call, call->whole.inbound, key, redacted);
    if (call->whole.record_count > 0) {
        call->parts_left = 1;
        part_append(&call->whole);
        return;
    }
    part_count(&call->whole, false);
    call_accept(call); /* empty, or all of it rejected: nothing to keep */
    inbound_release(call->whole.inbound);
    call_free(call);
}

/* What was decoded to learn whose it is: is there room, and what of it may be kept? */
static bool part_admit(struct call *call, struct inbound *inbound, const struct ingest_key *key, struct tools *tools,
                       struct redacted *redacted, struct err *err)
{
    const struct ingest_options *options = &call->ingest->options;
    if (options->meter && !meter_admit(options->meter, key->project_id, key->key_id, &call->retry_ms, err))
        return false;
    return redact(options->redactor, tools->scratch, inbound, call->signal, call->received_unix_us, key, redacted,
                  err) &&
           (!redacted->is_done || inbound_decode(inbound, call->signal, call->received_unix_us, err));
}

/* Makes a part for each project, and what the answer will tell. On failure the parts made so far are released. */
static bool call_split(struct call *call, const struct route *route, struct tools *tools, struct err *err)
{
    const struct inbound *whole = call->whole.inbound;
    call->parts = mem_calloc(route->key_count, sizeof *call->parts);
    call->told = mem_calloc(1, sizeof *call->told);
    call->told->rejected_count = route->rejected_count;
    memcpy(call->told->rejected_reason,
           route->rejected_count > 0 ? route->rejected_reason : inbound_request(whole)->rejected_reason,
           sizeof call->told->rejected_reason);
    for (uint32_t i = 0; i < route->key_count; i++) {
        struct inbound *inbound;
        struct redacted redacted = { 0 };
        if (!inbound_part(whole, route->parts, i, &inbound, err) ||
            !part_admit(call, inbound, &route->keys[i], tools, &redacted, err)) {
            inbound_release(inbound);
            while (i-- > 0) inbound_release(call->parts[i].inbound);
            return false;
        }
        part_init(&call->parts[i], call, inbound, &route->keys[i], &redacted);
        call->told->rejected_count += inbound_request(inbound)->rejected_count;
    }
    return true;
}

/* Takes the call: its resources' keys say whose it is. */
static void call_route(struct call *call, struct tools *tools)
{
    struct err err = { 0 };
    struct route route;
    struct redacted redacted = { 0 };
    bool is_found = route_find(&route, &call->ingest->options.keys, inbound_request(call->whole.inbound), &err) &&
                    (!route.is_whole || part_admit(call, call->whole.inbound, &route.keys[0], tools, &redacted, &err));
    if (!is_found) {
        call_refuse(call, &err);
    } else if (route.is_whole) {
        call_store(call, &route.keys[0], &redacted);
    } else if (!call_split(call, &route, tools, &err)) {
        call_refuse(call, &err);
    } else {
        inbound_release(call->whole.inbound);
        uint32_t count = call->parts_left = route.key_count;
        struct part *parts = call->parts;
        /* The call is gone once its last part has ended, so it is not looked at after that. */
        for (uint32_t i = 0; i < count; i++) {
            if (parts[i].record_count > 0) {
                part_append(&parts[i]);
            } else {
                part_count(&parts[i], false);
                part_end(&parts[i], NULL, true);
            }
        }
    }
    route_deinit(&route);
}

/* Of a stranger, before the costly part. */
static bool keyless_check(const struct call *call, struct err *err)
{
    return route_may_have_keys(inbound_body(call->whole.inbound)) || route_no_key(err);
}

/* A batch of another recorder's shape becomes one of ours. */
static bool rrweb_convert(struct call *call, struct err *err)
{
    struct inbound *inbound = call->whole.inbound;
    struct buf batch;
    buf_init(&batch, REPLAY_BATCH_BYTES_MAX);
    bool ok = rrweb_batch_convert(inbound_body(inbound), call->agent, &batch, err);
    if (ok) inbound_replace(inbound, &batch);
    buf_deinit(&batch);
    return ok;
}

/* Kept as it came, but for what the project's redaction rules are about. */
static void replay_work(struct call *call, struct tools *tools)
{
    struct err err = { 0 };
    struct redacted redacted = { 0 };
    struct replay_batch batch;
    const struct ingest *ingest = call->ingest;
    struct inbound *inbound = call->whole.inbound;
    arena_reset(&tools->arena);
    if ((!call->has_key && !route_no_key(&err)) ||
        !inbound_inflate(inbound, tools->inflater, REPLAY_BATCH_BYTES_MAX, &err) ||
        (call->is_rrweb && !rrweb_convert(call, &err)) ||
        !redact(ingest->options.redactor, tools->scratch, inbound, OTLP_REPLAY, call->received_unix_us,
                &call->whole.key, &redacted, &err) ||
        !replay_batch_read(inbound_body(inbound), &tools->arena, &batch, &err) ||
        !inbound_decode(inbound, OTLP_REPLAY, call->received_unix_us, &err)) {
        call_refuse(call, &err);
        return;
    }
    if (ingest->gaps && call->transport->ask_snapshot) {
        bool has_gap = replay_gaps_come(ingest->gaps, call->whole.key.project_id, &batch, clock_unix_us());
        if (has_gap || redacted.wants_snapshot) call->transport->ask_snapshot(call->request);
    }
    call_store(call, &call->whole.key, &redacted);
}

static void call_work(struct call *call, struct tools *tools)
{
    if (call->signal == OTLP_REPLAY) {
        replay_work(call, tools);
        return;
    }
    struct err err = { 0 };
    struct redacted redacted = { 0 };
    struct inbound *inbound = call->whole.inbound;
    size_t bytes_max = call->has_key ? INFLATE_BYTES_MAX : KEYLESS_BYTES_MAX;
    bool ok = inbound_inflate(inbound, tools->inflater, bytes_max, &err);
    if (!ok && err.code == ERR_TOO_LARGE && !call->has_key) {
        err_set(
            &err, ERR_TOO_LARGE,
            "a request without a key as header has at most %d MiB: set the header \"authorization: Bearer KEY\", or "
            "send smaller batches",
            (int)(KEYLESS_BYTES_MAX >> 20));
    }
    ok = ok &&
         (call->has_key ? redact(call->ingest->options.redactor, tools->scratch, inbound, call->signal,
                                 call->received_unix_us, &call->whole.key, &redacted, &err)
                        : keyless_check(call, &err)) &&
         inbound_decode(inbound, call->signal, call->received_unix_us, &err);
    if (!ok) {
        call_refuse(call, &err);
    } else if (call->has_key) {
        call_store(call, &call->whole.key, &redacted); /* it wins: what resources say is not looked up */
    } else {
        call_route(call, tools);
    }
}

static void *ingest_thread(void *ctx)
{
    struct ingest *ingest = ctx;
    pthread_setname_np(pthread_self(), "ingest");
    struct tools tools = { .inflater = inflater_create(), .scratch = redaction_scratch_create() };
    arena_init(&tools.arena, 0);
    bool is_closed = false;
    while (!is_closed) {
        void *calls[TAKE_CALLS];
        /* One thread takes what waits in one go; several take one each, so that none idles behind another. */
        uint32_t max = ingest->thread_count > 1 ? 1 : TAKE_CALLS;
        uint32_t count = queue_pop(ingest->queue, calls, max, -1, &is_closed);
        for (uint32_t i = 0; i < count; i++) call_work(calls[i], &tools);
    }
    inflater_destroy(tools.inflater);
    redaction_scratch_destroy(tools.scratch);
    arena_deinit(&tools.arena);
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
    if (options->asks_snapshots) ingest->gaps = replay_gaps_create(RECORDINGS_MAX);
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
    const struct ingest_keys *keys = &ingest->options.keys;
    arrival->has_key = secret.len > 0;
    if (keys->is_current && !keys->is_current(keys->ctx))
        return err_set(err, ERR_BUSY,
                       "API keys cannot be checked: the database of the metadata has been away for too long");
    if (!arrival->has_key) return true;
    if (!keys->find(keys->ctx, secret, &arrival->key)) {
        if (keys->find_ended) (void)keys->find_ended(keys->ctx, secret, &arrival->key); /* whom to tell */
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "unknown or revoked API key: set the header \"authorization: Bearer KEY\" to one of this server's keys");
    }
    if (arrival->key.is_for_asking)
        return err_set(err, ERR_FORBIDDEN, "this API key is not for sending (scope ingest): use another one here");
    struct meter *meter = ingest->options.meter;
    return meter == NULL || meter_admit(meter, arrival->key.project_id, arrival->key.key_id, &arrival->retry_ms, err);
}

void ingest_key_recall(struct ingest *ingest, struct bytes secret, struct arrival *arrival)
{
    const struct ingest_keys *keys = &ingest->options.keys;
    if (secret.len > 0 && !keys->find(keys->ctx, secret, &arrival->key) && keys->find_ended)
        (void)keys->find_ended(keys->ctx, secret, &arrival->key);
}

void ingest_note_refused(struct ingest *ingest, const struct arrival *arrival, const struct err *why)
{
    note_refused(ingest->options.intake, &arrival->key, arrival->signal, why, arrival->agent);
}

const struct ingest_keys *ingest_keys_of(const struct ingest *ingest)
{
    return &ingest->options.keys;
}

void ingest_refuse(struct ingest *ingest, const struct arrival *arrival, const struct err *err)
{
    atomic_fetch_add_explicit(&ingest->requests, 1, memory_order_relaxed);
    refuse(ingest, arrival, err);
}

void ingest_take(struct ingest *ingest, const struct arrival *arrival)
{
    struct err err = { 0 };
    struct inbound *inbound;
    atomic_fetch_add_explicit(&ingest->requests, 1, memory_order_relaxed);
    if (atomic_load(&ingest->is_stopping)) {
        free((void *)(uintptr_t)arrival->body.ptr);
        err_set(&err, ERR_BUSY, "the server is stopping");
        refuse(ingest, arrival, &err);
        return;
    }
    if (!inbound_create(ingest->pool, arrival->body, arrival->encoding, arrival->format, &inbound, &err)) {
        refuse(ingest, arrival, &err);
        return;
    }
    struct call *call = mem_alloc(sizeof *call);
    *call = (struct call){
        .ingest = ingest,
        .transport = arrival->transport,
        .request = arrival->request,
        .signal = arrival->signal,
        .has_key = arrival->has_key,
        .is_rrweb = arrival->is_rrweb,
        .agent = arrival->agent,
        .whole = { .inbound = inbound, .key = arrival->key },
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
    replay_gaps_destroy(ingest->gaps);
    inbound_pool_release(ingest->pool); /* lives on until the worker has let go of the last request */
    pthread_cond_destroy(&ingest->appended_none);
    pthread_mutex_destroy(&ingest->lock);
    free(ingest);
}
