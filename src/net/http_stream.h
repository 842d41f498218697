/* http_stream.h -- the bytes of an answer in pieces, between the thread that makes them and the session that sends them.
 *
 *   writer --http_stream_add--> [waiting] --http_stream_take, as one chunk--> [sending] --> session
 *             waits for room, HTTP_STREAM_BYTES_MAX
 *
 * Thread: add and finish belong to the writer; take, wake and is_finished to the session's owner. A lock between them.
 * Memory: waiting and sending, HTTP_STREAM_BYTES_MAX each. */
#pragma once
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/err.h"

struct http_stream;
struct http_stream *http_stream_create(void);
void http_stream_destroy(struct http_stream *stream); /* NULL is fine */
MUST_CHECK bool http_stream_add(struct http_stream *stream, struct bytes bytes, int timeout_ms,
                                const atomic_bool *is_gone, struct err *err);
void http_stream_finish(struct http_stream *stream, bool is_whole); /* nothing is added any more */
/* All that waits, valid until the next take; false: there is nothing now. The chunk that ends a whole stream comes by it,
 * too. is_dropped: for HEAD, whose answer has no body. */
MUST_CHECK bool http_stream_take(struct http_stream *stream, bool is_chunked, bool is_dropped, struct bytes *piece);
bool http_stream_is_finished(struct http_stream *stream, bool *is_whole); /* and all was taken */
void http_stream_wake(struct http_stream *stream);                        /* is_gone has changed */
