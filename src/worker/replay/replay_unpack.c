#include "worker/replay/replay_unpack.h"

#include <stdlib.h>
#include <zlib.h>

#include "replay/replay_batch.h"

enum { PIECE_BYTES = 1 << 16, GZIP_WINDOW_BITS = 31 };

struct splitting {
    struct buf line; /* its begin, from the pieces before */
    bool (*take)(void *ctx, struct bytes batch, struct err *err);
    void *ctx;
};

static bool piece_split(struct splitting *splitting, struct bytes piece, struct err *err)
{
    while (piece.len > 0) {
        const uint8_t *end = memchr(piece.ptr, '\n', piece.len);
        size_t len = end ? (size_t)(end - piece.ptr) : piece.len;
        if (!buf_add(&splitting->line, piece.ptr, len))
            return err_set(err, ERR_CORRUPT, "a line of the segment is longer than a batch can be");
        if (!end) return true;
        piece = bytes_from(end + 1, piece.len - len - 1);
        if (!splitting->take(splitting->ctx, buf_bytes(&splitting->line), err)) return false;
        splitting->line.len = 0;
    }
    return true;
}

bool replay_unpack(struct bytes packed, bool (*line)(void *ctx, struct bytes batch, struct err *err), void *ctx,
                   struct err *err)
{
    struct splitting splitting = { .take = line, .ctx = ctx };
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)packed.ptr, .avail_in = (uInt)packed.len };
    if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK) return err_set(err, ERR_MEMORY, "there is no room to inflate");
    buf_init(&splitting.line, REPLAY_BATCH_BYTES_MAX);
    uint8_t *piece = mem_alloc(PIECE_BYTES);
    bool ok = true;
    for (int code = Z_OK; ok && code != Z_STREAM_END;) {
        stream.next_out = piece;
        stream.avail_out = PIECE_BYTES;
        code = inflate(&stream, Z_NO_FLUSH);
        ok = (code == Z_OK || code == Z_STREAM_END) || err_set(err, ERR_CORRUPT, "the segment is damaged");
        ok = ok && piece_split(&splitting, bytes_from(piece, PIECE_BYTES - stream.avail_out), err);
    }
    if (ok && splitting.line.len > 0) ok = err_set(err, ERR_CORRUPT, "the segment's last line has no end");
    free(piece);
    buf_deinit(&splitting.line);
    inflateEnd(&stream);
    return ok;
}
