/* inflate.h -- a compressed request body out of the hands of strangers: bounded, whatever its headers promise.
 *
 *   wire --gzip: libdeflate in one go, zlib step by step for several members or a wrong length--> out
 *        --deflate: the same of zlib's format (RFC 1950) and of the bare stream (RFC 1951)-->
 *        --zstd: one go when the frame tells its size, else step by step-->
 *
 * Thread: one owner; keeps its working memory from one body to the next (under 1 MiB).
 * Memory: out grows to at most bytes_max + 1; a zstd window is at most 16 MiB.
 * Errors: ERR_TOO_LARGE names the limit; ERR_INPUT the bytes are not what they are said to be. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "buffer/buffer.h"

#define INFLATE_BYTES_MAX ((size_t)64 << 20) /* of a request, after decompression */

struct inflater;
struct inflater *inflater_create(void);
void inflater_destroy(struct inflater *inflater); /* NULL is fine */

/* What the body says it will have, made plausible; for a budget, before any work. Never over bytes_max. */
size_t inflate_guess(enum buffer_encoding encoding, struct bytes wire, size_t bytes_max);

/* out: initialised or used before, for bytes_max + 1; its content is replaced. Not for BUFFER_ENCODING_IDENTITY. */
MUST_CHECK bool inflate_body(struct inflater *inflater, enum buffer_encoding encoding, struct bytes wire,
                             size_t bytes_max, struct buf *out, struct err *err);
