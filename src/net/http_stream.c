#include "net/http_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "net/http.h"

enum { LOOK_MS = 100 }; /* who is gone before the session knew of the stream is found by looking */

struct http_stream {
    pthread_mutex_t lock; /* guards waiting, is_finished, is_whole */
    pthread_cond_t room;
    struct buf waiting, sending;
    bool is_finished, is_whole;
    bool is_ended; /* the last chunk was taken */
};

struct http_stream *http_stream_create(void)
{
    struct http_stream *stream = mem_calloc(1, sizeof *stream);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&stream->room, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&stream->lock, NULL);
    buf_init(&stream->waiting, HTTP_STREAM_BYTES_MAX);
    buf_init(&stream->sending, HTTP_STREAM_BYTES_MAX + 64);
    return stream;
}

void http_stream_destroy(struct http_stream *stream)
{
    if (stream == NULL) return;
    pthread_cond_destroy(&stream->room);
    pthread_mutex_destroy(&stream->lock);
    buf_deinit(&stream->waiting);
    buf_deinit(&stream->sending);
    free(stream);
}

/* Under the lock. */
static void room_wait(struct http_stream *stream, uint64_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * 1000000;
    struct timespec until = { (time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000) };
    pthread_cond_timedwait(&stream->room, &stream->lock, &until);
}

bool http_stream_add(struct http_stream *stream, struct bytes bytes, int timeout_ms, const atomic_bool *is_gone,
                     struct err *err)
{
    assert(bytes.len <= HTTP_STREAM_BYTES_MAX);
    uint64_t begin_ns = clock_mono_ns();
    bool ok = true;
    pthread_mutex_lock(&stream->lock);
    assert(!stream->is_finished);
    while (ok && !atomic_load(is_gone) && bytes.len > HTTP_STREAM_BYTES_MAX - stream->waiting.len) {
        uint64_t waited_ms = (clock_mono_ns() - begin_ns) / 1000000, left_ms = LOOK_MS;
        if (timeout_ms >= 0) left_ms = (uint64_t)timeout_ms > waited_ms ? (uint64_t)timeout_ms - waited_ms : 0;
        ok = left_ms > 0 || err_set(err, ERR_TIMEOUT, "the client does not read its answer");
        if (ok) room_wait(stream, left_ms < LOOK_MS ? left_ms : LOOK_MS);
    }
    if (ok && atomic_load(is_gone)) ok = err_set(err, ERR_CANCELLED, "the client went away");
    if (ok && !buf_add(&stream->waiting, bytes.ptr, bytes.len)) abort(); /* there is room */
    pthread_mutex_unlock(&stream->lock);
    return ok;
}

void http_stream_finish(struct http_stream *stream, bool is_whole)
{
    pthread_mutex_lock(&stream->lock);
    stream->is_finished = true;
    stream->is_whole = is_whole;
    pthread_mutex_unlock(&stream->lock);
}

/* Under the lock. RFC 9112, 7.1: size in hexadecimal, CRLF, the bytes, CRLF; a size of 0 ends it. */
static void chunk_make(struct http_stream *stream, bool is_chunked)
{
    struct buf *sending = &stream->sending;
    sending->len = 0;
    bool ok = true;
    if (is_chunked && stream->waiting.len > 0) ok = buf_printf(sending, "%zx\r\n", stream->waiting.len);
    ok = ok && buf_add(sending, stream->waiting.ptr, stream->waiting.len);
    if (is_chunked && stream->waiting.len > 0) ok = ok && buf_add(sending, "\r\n", 2);
    stream->waiting.len = 0;
    if (stream->is_finished) {
        stream->is_ended = true;
        if (is_chunked && stream->is_whole) ok = ok && buf_add(sending, "0\r\n\r\n", 5);
    }
    assert(ok); /* its limit has room for the frame */
}

bool http_stream_take(struct http_stream *stream, bool is_chunked, bool is_dropped, struct bytes *piece)
{
    pthread_mutex_lock(&stream->lock);
    stream->sending.len = 0;
    if (!stream->is_ended) chunk_make(stream, is_chunked);
    pthread_cond_signal(&stream->room);
    pthread_mutex_unlock(&stream->lock);
    *piece = is_dropped ? (struct bytes){ 0 } : buf_bytes(&stream->sending);
    return piece->len > 0;
}

bool http_stream_is_finished(struct http_stream *stream, bool *is_whole)
{
    pthread_mutex_lock(&stream->lock);
    *is_whole = stream->is_whole;
    bool is_finished = stream->is_finished && stream->is_ended;
    pthread_mutex_unlock(&stream->lock);
    return is_finished;
}

void http_stream_wake(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    pthread_cond_signal(&stream->room);
    pthread_mutex_unlock(&stream->lock);
}
