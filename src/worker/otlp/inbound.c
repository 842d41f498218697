#include "worker/otlp/inbound.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "worker/otlp/otlp_json.h"

struct inbound_pool {
    uint64_t bytes_max, kept_bytes_max;
    _Atomic uint64_t bytes;
    pthread_mutex_t lock; /* guards the rest */
    struct inbound *kept;
    uint64_t kept_bytes;
    uint32_t user_count; /* its owner and every inbound that is out */
};

struct inbound {
    struct inbound_pool *pool; /* NULL: made from a record */
    struct inbound *next;      /* in the pool */
    struct otlp_request request;
    struct buf inflated;
    struct buf protobuf; /* made of JSON */
    struct bytes wire;   /* ours, from malloc */
    enum buffer_encoding encoding;
    enum buffer_format format;
    uint64_t charged;
};

struct inbound_pool *inbound_pool_create(uint64_t bytes_max, uint64_t kept_bytes_max)
{
    struct inbound_pool *pool = mem_calloc(1, sizeof *pool);
    pool->bytes_max = bytes_max;
    pool->kept_bytes_max = kept_bytes_max;
    pool->user_count = 1;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

static void inbound_free(struct inbound *inbound)
{
    otlp_request_deinit(&inbound->request);
    buf_deinit(&inbound->inflated);
    buf_deinit(&inbound->protobuf);
    free(inbound);
}

/* Under the lock of before; the last user frees. */
static void pool_leave(struct inbound_pool *pool)
{
    bool is_last = --pool->user_count == 0;
    pthread_mutex_unlock(&pool->lock);
    if (!is_last) return;
    assert(atomic_load(&pool->bytes) == 0);
    for (struct inbound *inbound = pool->kept, *next; inbound != NULL; inbound = next) {
        next = inbound->next;
        inbound_free(inbound);
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void inbound_pool_release(struct inbound_pool *pool)
{
    if (pool == NULL) return;
    pthread_mutex_lock(&pool->lock);
    pool_leave(pool);
}

uint64_t inbound_pool_bytes(struct inbound_pool *pool)
{
    return atomic_load(&pool->bytes);
}

/* Counts the inbound as holding bytes. Alone in the pool it may hold what it needs. */
static bool charge(struct inbound *inbound, uint64_t bytes, bool is_forced)
{
    struct inbound_pool *pool = inbound->pool;
    if (pool == NULL) return true;
    if (bytes <= inbound->charged) {
        atomic_fetch_sub(&pool->bytes, inbound->charged - bytes);
        inbound->charged = bytes;
        return true;
    }
    uint64_t more = bytes - inbound->charged;
    uint64_t before = atomic_fetch_add(&pool->bytes, more);
    if (!is_forced && before + more > pool->bytes_max && before != inbound->charged) {
        atomic_fetch_sub(&pool->bytes, more);
        return false;
    }
    inbound->charged = bytes;
    return true;
}

static uint64_t kept_size(const struct inbound *inbound)
{
    return inbound->inflated.cap + inbound->protobuf.cap + otlp_request_bytes(&inbound->request) + sizeof *inbound;
}

static struct inbound *inbound_new(struct inbound_pool *pool)
{
    struct inbound *inbound = NULL;
    if (pool != NULL) {
        pthread_mutex_lock(&pool->lock);
        pool->user_count++;
        inbound = pool->kept;
        if (inbound != NULL) {
            pool->kept = inbound->next;
            pool->kept_bytes -= kept_size(inbound);
        }
        pthread_mutex_unlock(&pool->lock);
    }
    if (inbound == NULL) {
        inbound = mem_calloc(1, sizeof *inbound);
        otlp_request_init(&inbound->request);
        buf_init(&inbound->inflated, INFLATE_BYTES_MAX + 1);
        buf_init(&inbound->protobuf, INFLATE_BYTES_MAX + OTLP_JSON_SPARE_BYTES);
    }
    inbound->pool = pool;
    inbound->next = NULL;
    return inbound;
}

bool inbound_create(struct inbound_pool *pool, struct bytes wire, enum buffer_encoding encoding,
                    enum buffer_format format, struct inbound **out, struct err *err)
{
    struct inbound *inbound = inbound_new(pool);
    inbound->wire = wire;
    inbound->encoding = encoding;
    inbound->format = format;
    *out = NULL;
    if (!charge(inbound, wire.len, false)) {
        inbound_release(inbound);
        return err_set(err, ERR_BUSY, "the server is busy: the memory for requests is in use");
    }
    *out = inbound;
    return true;
}

static struct bytes body_of(const struct inbound *inbound)
{
    return inbound->encoding == BUFFER_ENCODING_IDENTITY ? inbound->wire : buf_bytes(&inbound->inflated);
}

static uint64_t held(const struct inbound *inbound)
{
    return inbound->wire.len + inbound->inflated.cap + inbound->protobuf.cap + otlp_request_bytes(&inbound->request);
}

bool inbound_inflate(struct inbound *inbound, struct inflater *inflater, size_t bytes_max, struct err *err)
{
    assert(bytes_max <= INFLATE_BYTES_MAX);
    size_t guess = inflate_guess(inbound->encoding, inbound->wire, bytes_max);
    uint64_t inflated = inbound->encoding == BUFFER_ENCODING_IDENTITY ? 0 : guess;
    /* Decoded telemetry needs about what it has as protobuf, and that is half of what it has as JSON. */
    uint64_t decoded = inbound->format == BUFFER_FORMAT_JSON ? guess + guess / 4 : guess;
    if (!charge(inbound, inbound->wire.len + inflated + decoded, false)) {
        return err_set(err, ERR_BUSY, "the server is busy: the memory for requests is in use");
    }
    if (inbound->encoding == BUFFER_ENCODING_IDENTITY) {
        if (inbound->wire.len <= bytes_max) return true;
        return err_set(err, ERR_TOO_LARGE, "the request is larger than %zu MiB; send smaller batches", bytes_max >> 20);
    }
    return inflate_body(inflater, inbound->encoding, inbound->wire, bytes_max, &inbound->inflated, err);
}

bool inbound_decode(struct inbound *inbound, enum otlp_signal signal, int64_t received_unix_us, struct err *err)
{
    if (signal == OTLP_REPLAY) {
        otlp_take_replay(&inbound->request, body_of(inbound), received_unix_us);
        return true;
    }
    struct otlp_limits limits = otlp_limits_default;
    if (inbound->pool == NULL) {
        limits.decoded_bytes_max *= 2; /* what fitted once fits again, however the arrays grow this time */
    } else if (inbound->pool->bytes_max < limits.decoded_bytes_max) {
        limits.decoded_bytes_max = inbound->pool->bytes_max;
    }
    struct bytes body = body_of(inbound);
    bool ok = true;
    if (inbound->format == BUFFER_FORMAT_JSON) {
        ok = otlp_json_to_protobuf(signal, body, INFLATE_BYTES_MAX, &inbound->protobuf, err);
        body = buf_bytes(&inbound->protobuf);
        /* Lists of small numbers are larger than their text: only now is known what it takes. */
        if (ok && !charge(inbound, held(inbound) + body.len, false)) {
            ok = err_set(err, ERR_BUSY, "the server is busy: the memory for requests is in use");
        }
    }
    ok = ok && otlp_decode(&inbound->request, signal, body, received_unix_us, &limits, err);
    charge(inbound, held(inbound), true);
    return ok;
}

static void wire_free(struct inbound *inbound)
{
    free((void *)(uintptr_t)inbound->wire.ptr);
    inbound->wire = (struct bytes){ 0 };
}

/* The buffer's bytes become the wire. */
static void wire_set(struct inbound *inbound, struct buf *from, enum buffer_format format)
{
    wire_free(inbound);
    inbound->wire = buf_bytes(from);
    buf_init(from, from->bytes_max);
    inbound->inflated.len = 0;
    inbound->encoding = BUFFER_ENCODING_IDENTITY;
    inbound->format = format;
}

void inbound_replace(struct inbound *inbound, struct buf *body)
{
    wire_set(inbound, body, inbound->format);
    charge(inbound, held(inbound), true);
}

bool inbound_rewrite(struct inbound *inbound, enum otlp_signal signal, inbound_rewrite_fn *rewrite, void *ctx,
                     struct err *err)
{
    bool is_json = inbound->format == BUFFER_FORMAT_JSON, is_changed = false;
    struct buf out;
    if (is_json && !otlp_json_to_protobuf(signal, body_of(inbound), INFLATE_BYTES_MAX, &inbound->protobuf, err))
        return false;
    buf_init(&out, INFLATE_BYTES_MAX);
    bool ok = rewrite(ctx, signal, is_json ? buf_bytes(&inbound->protobuf) : body_of(inbound), &out, &is_changed, err);
    if (ok && is_changed) {
        wire_set(inbound, &out, BUFFER_FORMAT_PROTOBUF);
        inbound->protobuf.len = 0;
    } else if (ok && is_json) {
        wire_set(inbound, &inbound->protobuf, BUFFER_FORMAT_PROTOBUF);
    }
    buf_deinit(&out);
    charge(inbound, held(inbound), true);
    return ok;
}

static bool record_check(const struct buffer_record *record, struct err *err)
{
    static_assert((int)OTLP_LOGS == (int)BUFFER_SIGNAL_LOGS && (int)OTLP_TRACES == (int)BUFFER_SIGNAL_TRACES &&
                      (int)OTLP_METRICS == (int)BUFFER_SIGNAL_METRICS && (int)OTLP_REPLAY == (int)BUFFER_SIGNAL_REPLAY,
                  "a record's signal is the request's");
    if (record->signal < BUFFER_SIGNAL_LOGS || record->signal > BUFFER_SIGNAL_REPLAY) {
        return err_set(err, ERR_CORRUPT, "record %llu has signal %d, which nobody sends",
                       (unsigned long long)record->position, (int)record->signal);
    }
    if ((record->format != BUFFER_FORMAT_PROTOBUF && record->format != BUFFER_FORMAT_JSON) ||
        record->received_unix_us < 0 || record->received_unix_us >= INT64_MAX / 2000) {
        return err_set(err, ERR_CORRUPT, "record %llu has a header that nobody writes",
                       (unsigned long long)record->position);
    }
    return true;
}

/* wire is set when the body is not compressed. */
static bool record_decode(const struct buffer_record *record, struct inflater *inflater, struct inbound *inbound,
                          struct err *err)
{
    inbound->encoding = record->encoding;
    inbound->format = record->format;
    return (record->encoding == BUFFER_ENCODING_IDENTITY ||
            inflate_body(inflater, record->encoding, record->body, INFLATE_BYTES_MAX, &inbound->inflated, err)) &&
           inbound_decode(inbound, (enum otlp_signal)record->signal, record->received_unix_us, err);
}

bool inbound_from_record(const struct buffer_record *record, struct inbound **out, struct err *err)
{
    *out = NULL;
    if (!record_check(record, err)) return false;
    struct inbound *inbound = inbound_new(NULL);
    struct inflater *inflater = NULL;
    if (record->encoding == BUFFER_ENCODING_IDENTITY) { /* borrowed for the call only */
        uint8_t *copy = mem_alloc(record->body.len + 1);
        if (record->body.len != 0) memcpy(copy, record->body.ptr, record->body.len);
        inbound->wire = bytes_from(copy, record->body.len);
    } else {
        inflater = inflater_create();
    }
    bool ok = record_decode(record, inflater, inbound, err);
    inflater_destroy(inflater);
    if (ok) {
        *out = inbound;
    } else {
        inbound_release(inbound);
    }
    return ok;
}

struct inbound_reader {
    struct inbound *inbound;
    struct inflater *inflater;
};

#define READER_BYTES_KEPT (8u << 20)

struct inbound_reader *inbound_reader_create(void)
{
    struct inbound_reader *reader = mem_calloc(1, sizeof *reader);
    reader->inbound = inbound_new(NULL);
    reader->inflater = inflater_create();
    return reader;
}

void inbound_reader_destroy(struct inbound_reader *reader)
{
    if (reader == NULL) return;
    inbound_free(reader->inbound);
    inflater_destroy(reader->inflater);
    free(reader);
}

bool inbound_reader_read(struct inbound_reader *reader, const struct buffer_record *record,
                         const struct otlp_request **request, struct err *err)
{
    if (!record_check(record, err)) return false;
    if (kept_size(reader->inbound) > READER_BYTES_KEPT) {
        inbound_free(reader->inbound);
        reader->inbound = inbound_new(NULL);
    }
    struct inbound *inbound = reader->inbound;
    inbound->inflated.len = 0;
    inbound->protobuf.len = 0;
    inbound->wire = record->body; /* borrowed */
    bool ok = record_decode(record, reader->inflater, inbound, err);
    inbound->wire = (struct bytes){ 0 };
    *request = &inbound->request;
    return ok;
}

struct bytes inbound_wire(const struct inbound *inbound)
{
    return inbound->wire;
}

enum buffer_encoding inbound_encoding(const struct inbound *inbound)
{
    return inbound->encoding;
}

enum buffer_format inbound_format(const struct inbound *inbound)
{
    return inbound->format;
}

struct bytes inbound_body(const struct inbound *inbound)
{
    return body_of(inbound);
}

const struct otlp_request *inbound_request(const struct inbound *inbound)
{
    return &inbound->request;
}

uint64_t inbound_bytes(const struct inbound *inbound)
{
    return held(inbound);
}

void inbound_drop_wire(struct inbound *inbound)
{
    bool is_json = inbound->format == BUFFER_FORMAT_JSON && inbound->request.signal != OTLP_REPLAY;
    if (inbound->encoding == BUFFER_ENCODING_IDENTITY && !is_json) return;
    wire_free(inbound);
    if (is_json) buf_deinit(&inbound->inflated);
    charge(inbound, held(inbound), true);
}

void inbound_hide_keys(struct inbound *inbound)
{
    struct buf *kept = inbound->format == BUFFER_FORMAT_JSON           ? &inbound->protobuf
                       : inbound->encoding != BUFFER_ENCODING_IDENTITY ? &inbound->inflated
                                                                       : NULL;
    if (kept != NULL) { /* the memory stays where it is, and so do the request's slices */
        wire_free(inbound);
        inbound->wire = buf_bytes(kept);
        buf_init(kept, kept->bytes_max);
    }
    inbound->encoding = BUFFER_ENCODING_IDENTITY;
    inbound->format = BUFFER_FORMAT_PROTOBUF;
    otlp_hide_project_keys((uint8_t *)(uintptr_t)inbound->wire.ptr, inbound->wire.len);
    charge(inbound, held(inbound), true);
}

bool inbound_part(const struct inbound *whole, const uint32_t *parts, uint32_t part, struct inbound **out,
                  struct err *err)
{
    const struct otlp_request *request = &whole->request;
    size_t len = 0;
    for (uint32_t i = 0; i < request->resources.count; i++) {
        if (parts[i] == part) len += request->resources.at[i].encoded.len;
    }
    uint8_t *wire = mem_alloc(len), *at = wire;
    for (uint32_t i = 0; i < request->resources.count; i++) {
        if (parts[i] != part) continue;
        struct bytes encoded = request->resources.at[i].encoded;
        memcpy(at, encoded.ptr, encoded.len);
        at += encoded.len;
    }
    otlp_hide_project_keys(wire, len);
    struct inbound *inbound = inbound_new(whole->pool);
    inbound->wire = bytes_from(wire, len);
    inbound->encoding = BUFFER_ENCODING_IDENTITY;
    inbound->format = BUFFER_FORMAT_PROTOBUF;
    charge(inbound, len, true); /* the whole goes soon; were it refused here, it would be each time */
    *out = inbound;
    if (inbound_decode(inbound, request->signal, request->received_unix_us, err)) return true;
    inbound_release(inbound);
    *out = NULL;
    return false;
}

void inbound_release(struct inbound *inbound)
{
    if (inbound == NULL) return;
    struct inbound_pool *pool = inbound->pool;
    wire_free(inbound);
    charge(inbound, 0, true);
    if (pool == NULL) {
        inbound_free(inbound);
        return;
    }
    inbound->inflated.len = 0;
    inbound->protobuf.len = 0;
    inbound->request.body = (struct bytes){ 0 };
    uint64_t size = kept_size(inbound);
    pthread_mutex_lock(&pool->lock);
    bool is_kept = pool->kept_bytes + size <= pool->kept_bytes_max;
    if (is_kept) {
        inbound->next = pool->kept;
        pool->kept = inbound;
        pool->kept_bytes += size;
    }
    pool_leave(pool);
    if (!is_kept) inbound_free(inbound);
}

struct hash128 inbound_hash(struct uuid project_id, enum otlp_signal signal, struct bytes body)
{
    struct {
        struct uuid project_id;
        uint64_t signal;
        struct hash128 body;
    } parts = { project_id, (uint64_t)signal, hash128_of(body) };
    static_assert(sizeof parts == 40, "no padding is hashed");
    return hash128_of(bytes_from(&parts, sizeof parts));
}
