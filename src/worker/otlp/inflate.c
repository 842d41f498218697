#include "worker/otlp/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define MIB ((size_t)1 << 20)
enum {
    DEFLATE_RATIO_MAX = 1032, /* zlib.net/zlib_tech.html: no stream does better */
    GZIP_BYTES_MIN = 18,      /* header and trailer */
    ZSTD_WINDOW_LOG_MAX = 24, /* 16 MiB; zstd's levels up to 19 need 8 MiB */
    FIRST_BYTES = 16 << 10,
};

struct inflater {
    struct libdeflate_decompressor *deflate; /* each made when first needed */
    ZSTD_DCtx *zstd;
};

struct inflater *inflater_create(void)
{
    return mem_calloc(1, sizeof(struct inflater));
}

void inflater_destroy(struct inflater *inflater)
{
    if (inflater == NULL) return;
    if (inflater->deflate != NULL) libdeflate_free_decompressor(inflater->deflate);
    ZSTD_freeDCtx(inflater->zstd);
    free(inflater);
}

static size_t gzip_guess(struct bytes wire, size_t bytes_max)
{
    if (wire.len < GZIP_BYTES_MIN) return 0;
    uint32_t said; /* RFC 1952: the last four bytes, of the last member, modulo 2^32 */
    memcpy(&said, wire.ptr + wire.len - 4, 4);
    size_t guess = said;
    if (wire.len < bytes_max && guess > wire.len * DEFLATE_RATIO_MAX) guess = wire.len * DEFLATE_RATIO_MAX;
    return guess < bytes_max ? guess : bytes_max;
}

size_t inflate_guess(enum buffer_encoding encoding, struct bytes wire, size_t bytes_max)
{
    size_t guess = 0;
    switch (encoding) {
    case BUFFER_ENCODING_IDENTITY: return wire.len < bytes_max ? wire.len : bytes_max;
    case BUFFER_ENCODING_GZIP: return gzip_guess(wire, bytes_max);
    case BUFFER_ENCODING_ZSTD: {
        unsigned long long said = ZSTD_getFrameContentSize(wire.ptr, wire.len);
        if (said != ZSTD_CONTENTSIZE_ERROR && said != ZSTD_CONTENTSIZE_UNKNOWN) {
            return said < bytes_max ? (size_t)said : bytes_max;
        }
        break;
    }
    case BUFFER_ENCODING_DEFLATE: break;
    }
    guess = wire.len < bytes_max / 8 ? wire.len * 8 : bytes_max;
    return guess;
}

static bool too_large(size_t bytes_max, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the request is larger than %zu MiB after decompression; send smaller batches",
                   bytes_max / MIB);
}

/* Makes room for the next step; false when the limit is passed. */
static bool room(struct buf *out, size_t bytes_max, struct err *err)
{
    assert(out->bytes_max >= bytes_max + 1); /* one more byte than allowed shows that there are too many */
    if (out->len > bytes_max) return too_large(bytes_max, err);
    if (out->cap > out->len) return true;
    size_t more = out->len < FIRST_BYTES ? FIRST_BYTES : out->len;
    if (more > bytes_max + 1 - out->len) more = bytes_max + 1 - out->len;
    bool has_room = buf_reserve(out, more);
    assert(has_room);
    return true;
}

/* What a body is said to be, for zlib and for errors. */
struct zlib_form {
    const char *name;
    int window_bits;  /* as inflateInit2 has it: which header it looks for */
    bool has_members; /* one may follow the other */
};
enum { WINDOW_BITS_MAX = 15, ONLY_GZIP = 16 };
static const struct zlib_form form_gzip = { "gzip", WINDOW_BITS_MAX + ONLY_GZIP, true };
static const struct zlib_form form_zlib = { "deflate", WINDOW_BITS_MAX, false };
static const struct zlib_form form_raw = { "deflate", -WINDOW_BITS_MAX, false };

static bool zlib_steps(z_stream *stream, const struct zlib_form *form, struct bytes wire, size_t bytes_max,
                       struct buf *out, struct err *err)
{
    stream->next_in = (Bytef *)(uintptr_t)wire.ptr;
    stream->avail_in = (uInt)wire.len;
    for (;;) {
        if (!room(out, bytes_max, err)) return false;
        size_t left = out->cap - out->len;
        stream->next_out = out->ptr + out->len;
        stream->avail_out = (uInt)(left < UINT32_MAX ? left : UINT32_MAX);
        uInt before = stream->avail_out;
        int status = inflate(stream, Z_NO_FLUSH);
        out->len += before - stream->avail_out;
        if (status == Z_STREAM_END) {
            if (out->len > bytes_max) return too_large(bytes_max, err);
            if (stream->avail_in == 0) return true;
            if (!form->has_members)
                return err_set(err, ERR_INPUT, "something follows the end of the %s body", form->name);
            if (inflateReset(stream) != Z_OK) return err_set(err, ERR_INTERNAL, "zlib could not begin anew");
        } else if (status == Z_BUF_ERROR && stream->avail_out != 0) {
            return err_set(err, ERR_INPUT, "the compressed body is cut short");
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            return err_set(err, ERR_INPUT, "the body is not valid %s: %s", form->name,
                           stream->msg != NULL ? stream->msg : "damaged");
        }
    }
}

/* No length is believed. */
static bool zlib_body(const struct zlib_form *form, struct bytes wire, size_t bytes_max, struct buf *out,
                      struct err *err)
{
    z_stream stream = { 0 };
    if (inflateInit2(&stream, form->window_bits) != Z_OK) return err_set(err, ERR_INTERNAL, "zlib could not begin");
    bool ok = zlib_steps(&stream, form, wire, bytes_max, out, err);
    inflateEnd(&stream);
    return ok;
}

static bool libdeflate_ready(struct inflater *inflater, struct err *err)
{
    if (inflater->deflate == NULL) inflater->deflate = libdeflate_alloc_decompressor();
    return inflater->deflate != NULL || err_set(err, ERR_MEMORY, "libdeflate could not begin");
}

static bool gzip_body(struct inflater *inflater, struct bytes wire, size_t bytes_max, struct buf *out, struct err *err)
{
    if (!libdeflate_ready(inflater, err)) return false;
    size_t guess = gzip_guess(wire, bytes_max), read = 0, written = 0;
    bool has_room = buf_reserve(out, guess + 1); /* never NULL */
    assert(has_room);
    enum libdeflate_result result =
        libdeflate_gzip_decompress_ex(inflater->deflate, wire.ptr, wire.len, out->ptr, guess, &read, &written);
    if (result == LIBDEFLATE_SUCCESS && read == wire.len) {
        out->len = written;
        return true;
    }
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE && guess == bytes_max) return too_large(bytes_max, err);
    if (result == LIBDEFLATE_BAD_DATA) return err_set(err, ERR_INPUT, "the body is not valid gzip");
    return zlib_body(&form_gzip, wire, bytes_max, out, err);
}

/* RFC 1950, section 2.2: method 8, a window of at most 32 KiB, and the check of both bytes. */
static bool has_zlib_header(struct bytes wire)
{
    return wire.len >= 2 && (wire.ptr[0] & 0x0F) == 8 && wire.ptr[0] >> 4 <= 7 &&
           (wire.ptr[0] << 8 | wire.ptr[1]) % 31 == 0;
}

/* HTTP's "deflate" is zlib's format (RFC 9110, section 8.4.1.2); many send the stream without its header. */
static bool deflate_body(struct inflater *inflater, struct bytes wire, size_t bytes_max, struct buf *out,
                         struct err *err)
{
    if (!libdeflate_ready(inflater, err)) return false;
    /* It does not tell its size: what the buffer has already, or the usual. */
    size_t guess = inflate_guess(BUFFER_ENCODING_DEFLATE, wire, bytes_max), read = 0, written = 0;
    if (out->cap > guess + 1) guess = out->cap - 1 < bytes_max ? out->cap - 1 : bytes_max;
    bool has_room = buf_reserve(out, guess + 1);
    assert(has_room);
    bool is_zlib = has_zlib_header(wire);
    enum libdeflate_result result = LIBDEFLATE_BAD_DATA;
    if (is_zlib) {
        result = libdeflate_zlib_decompress_ex(inflater->deflate, wire.ptr, wire.len, out->ptr, guess, &read, &written);
    }
    if (result == LIBDEFLATE_BAD_DATA) { /* two bytes of a bare stream can look like the header */
        result =
            libdeflate_deflate_decompress_ex(inflater->deflate, wire.ptr, wire.len, out->ptr, guess, &read, &written);
        if (result != LIBDEFLATE_BAD_DATA) is_zlib = false;
    }
    if (result == LIBDEFLATE_SUCCESS && read == wire.len) {
        out->len = written;
        return true;
    }
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE && guess == bytes_max) return too_large(bytes_max, err);
    return zlib_body(is_zlib ? &form_zlib : &form_raw, wire, bytes_max, out, err); /* larger, or for its words */
}

static bool zstd_steps(ZSTD_DCtx *zstd, struct bytes wire, size_t bytes_max, struct buf *out, struct err *err)
{
    ZSTD_inBuffer in = { wire.ptr, wire.len, 0 };
    size_t status = 1;
    for (;;) {
        if (!room(out, bytes_max, err)) return false;
        ZSTD_outBuffer to = { out->ptr, out->cap, out->len };
        size_t in_before = in.pos, out_before = to.pos;
        status = ZSTD_decompressStream(zstd, &to, &in);
        out->len = to.pos;
        if (ZSTD_isError(status)) {
            return err_set(err, ERR_INPUT, "the body is not valid zstd: %s", ZSTD_getErrorName(status));
        }
        if (out->len > bytes_max) return too_large(bytes_max, err);
        if (status == 0 && in.pos == in.size) return true; /* a frame's end and nothing behind it */
        if (in.pos == in_before && to.pos == out_before && to.pos < to.size) {
            return err_set(err, ERR_INPUT, "the compressed body is cut short");
        }
    }
}

static bool zstd_body(struct inflater *inflater, struct bytes wire, size_t bytes_max, struct buf *out, struct err *err)
{
    if (inflater->zstd == NULL) {
        inflater->zstd = ZSTD_createDCtx();
        if (inflater->zstd == NULL) return err_set(err, ERR_MEMORY, "zstd could not begin");
        size_t status = ZSTD_DCtx_setParameter(inflater->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
        assert(!ZSTD_isError(status));
    }
    unsigned long long said = ZSTD_getFrameContentSize(wire.ptr, wire.len);
    if (said == ZSTD_CONTENTSIZE_ERROR) return err_set(err, ERR_INPUT, "the body is not valid zstd: no frame header");
    if (said != ZSTD_CONTENTSIZE_UNKNOWN) {
        if (said > bytes_max) return too_large(bytes_max, err);
        if (ZSTD_findFrameCompressedSize(wire.ptr, wire.len) == wire.len) {
            bool has_room = buf_reserve(out, (size_t)said + 1);
            assert(has_room);
            size_t len = ZSTD_decompressDCtx(inflater->zstd, out->ptr, (size_t)said, wire.ptr, wire.len);
            if (ZSTD_isError(len)) {
                return err_set(err, ERR_INPUT, "the body is not valid zstd: %s", ZSTD_getErrorName(len));
            }
            out->len = len;
            return true;
        }
    }
    size_t status = ZSTD_DCtx_reset(inflater->zstd, ZSTD_reset_session_only);
    assert(!ZSTD_isError(status));
    bool ok = zstd_steps(inflater->zstd, wire, bytes_max, out, err);
    if (ZSTD_sizeof_DCtx(inflater->zstd) > MIB) { /* a large window is not kept for the next */
        ZSTD_freeDCtx(inflater->zstd);
        inflater->zstd = NULL;
    }
    return ok;
}

bool inflate_body(struct inflater *inflater, enum buffer_encoding encoding, struct bytes wire, size_t bytes_max,
                  struct buf *out, struct err *err)
{
    assert(encoding != BUFFER_ENCODING_IDENTITY);
    assert(out->bytes_max >= bytes_max + 1);
    out->len = 0;
    if (wire.len == 0) return true; /* some clients flag an empty message as compressed and leave it empty */
    if (wire.len > bytes_max + MIB) return too_large(bytes_max, err); /* nothing grows by more when compressed */
    switch (encoding) {
    case BUFFER_ENCODING_GZIP: return gzip_body(inflater, wire, bytes_max, out, err);
    case BUFFER_ENCODING_ZSTD: return zstd_body(inflater, wire, bytes_max, out, err);
    case BUFFER_ENCODING_DEFLATE: return deflate_body(inflater, wire, bytes_max, out, err);
    case BUFFER_ENCODING_IDENTITY: break;
    }
    return err_set(err, ERR_UNSUPPORTED, "encoding %d is not known", (int)encoding);
}
