/* inbound.h -- one request on its way: the bytes as they came, inflated, decoded; its owner changes, it is never copied.
 *
 *   inbound_create(wire) --inflate--> body --JSON: to protobuf--> --decode--> struct otlp_request   on an ingest thread
 *        '- the buffer writes wire; once it is safe, inbound_drop_wire        on the buffer's thread
 *               '- the worker makes rows of inbound_request, inbound_release  on the worker's thread
 *   after a restart: inbound_from_record does the first steps from the log.
 *
 * The request's slices point into the protobuf: body, or what JSON became. Uncompressed protobuf is wire, which then stays
 * until release. A request whose resources have project keys is kept as protobuf without them (inbound_hide_keys), one of
 * several projects as a part for each (inbound_part).
 * Thread: one owner at a time; a pool is for any thread.
 * Memory: the pool counts wire + inflated + decoded bytes of all its requests and refuses (ERR_BUSY) what would pass its
 *         limit before inflating it; alone, a request is always taken. Arrays and buffers are used again, up to
 *         kept_bytes_max; the pool lives until its last request is released. */
#pragma once
#include "base/uuid.h"
#include "buffer/buffer.h"
#include "worker/otlp/inflate.h"
#include "worker/otlp/otlp.h"

struct inbound;
struct inbound_pool;

struct inbound_pool *inbound_pool_create(uint64_t bytes_max, uint64_t kept_bytes_max);
void inbound_pool_release(struct inbound_pool *pool);   /* NULL is fine */
uint64_t inbound_pool_bytes(struct inbound_pool *pool); /* counted now */

/* Takes wire.ptr, which free() must take, also on failure. ERR_BUSY when the pool is full. */
MUST_CHECK bool inbound_create(struct inbound_pool *pool, struct bytes wire, enum buffer_encoding encoding,
                               enum buffer_format format, struct inbound **inbound, struct err *err);
/* To at most bytes_max, itself at most INFLATE_BYTES_MAX. ERR_BUSY, ERR_TOO_LARGE, ERR_INPUT. */
MUST_CHECK bool inbound_inflate(struct inbound *inbound, struct inflater *inflater, size_t bytes_max, struct err *err);
/* Puts what rewrite makes of the request, as protobuf, in its place, before it is decoded or (inbound_decode is to follow
 * again) after. JSON is kept as protobuf from here on, changed or not: it may have members that only its text has. *is_changed
 * false: the body stays as it came. On false nothing of it may be kept. */
typedef bool inbound_rewrite_fn(void *ctx, enum otlp_signal signal, struct bytes body, struct buf *out,
                                bool *is_changed, struct err *err);
MUST_CHECK bool inbound_rewrite(struct inbound *inbound, enum otlp_signal signal, inbound_rewrite_fn *rewrite,
                                void *ctx, struct err *err);
/* Takes the buffer's bytes, of the same format, as what was sent, not compressed. Before it is decoded. */
void inbound_replace(struct inbound *inbound, struct buf *body);
/* ERR_INPUT, ERR_TOO_LARGE; ERR_BUSY when JSON takes more memory than its size told. */
MUST_CHECK bool inbound_decode(struct inbound *inbound, enum otlp_signal signal, int64_t received_unix_us,
                               struct err *err);
/* The same of a record of the log, in one go; no budget: what was acknowledged is taken. */
MUST_CHECK bool inbound_from_record(const struct buffer_record *record, struct inbound **inbound, struct err *err);

/* The same for one record after the other, on one thread: arrays, buffers and inflater are used again. The request is
 * borrowed until the next read, and points into the record's body. */
struct inbound_reader;
struct inbound_reader *inbound_reader_create(void);
void inbound_reader_destroy(struct inbound_reader *reader); /* NULL is fine */
MUST_CHECK bool inbound_reader_read(struct inbound_reader *reader, const struct buffer_record *record,
                                    const struct otlp_request **request, struct err *err);

/* What the log gets: as it came, until inbound_drop_wire or inbound_hide_keys; then not compressed and protobuf. */
struct bytes inbound_wire(const struct inbound *inbound);
enum buffer_encoding inbound_encoding(const struct inbound *inbound);
enum buffer_format inbound_format(const struct inbound *inbound);
struct bytes inbound_body(const struct inbound *inbound); /* as it was sent, inflated */
const struct otlp_request *inbound_request(const struct inbound *inbound);
uint64_t inbound_bytes(const struct inbound *inbound); /* what it holds */
void inbound_drop_wire(struct inbound *inbound);       /* when it is not the body too */
void inbound_release(struct inbound *inbound);         /* NULL is fine; any thread */

/* Of a decoded request. The resources' project_key is overwritten too: look at it before. */
void inbound_hide_keys(struct inbound *inbound);
/* The resources i with parts[i] == part as a request of their own, with keys hidden; decoded. It takes its place in the
 * pool even when that is full. */
MUST_CHECK bool inbound_part(const struct inbound *whole, const uint32_t *parts, uint32_t part, struct inbound **out,
                             struct err *err);

/* What tells a request sent again from a new one: project, signal and decompressed bytes. */
struct hash128 inbound_hash(struct uuid project_id, enum otlp_signal signal, struct bytes body);
