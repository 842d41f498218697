/* Compressed bodies: honest ones, lying ones and bombs; and struct inbound, which is made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <zlib.h>
#include <zstd.h>

#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"

#define LIMIT ((size_t)1 << 20)

enum { AS_ZLIB = 15, AS_GZIP = 15 + 16, AS_RAW = -15 }; /* zlib's names for the three, its windowBits */
static struct buf deflated(struct bytes plain, int form)
{
    z_stream stream = { 0 };
    struct buf out = message();
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, form, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_true(buf_reserve(&out, deflateBound(&stream, plain.len) + 64));
    stream.next_in = (Bytef *)(uintptr_t)plain.ptr;
    stream.avail_in = (uInt)plain.len;
    stream.next_out = out.ptr;
    stream.avail_out = (uInt)out.cap;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.len = out.cap - stream.avail_out;
    deflateEnd(&stream);
    return out;
}

static struct buf gzipped(struct bytes plain)
{
    return deflated(plain, AS_GZIP);
}

/* with_size false: as a streaming sender does. */
static struct buf zstded(struct bytes plain, bool with_size)
{
    struct buf out = message();
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, with_size);
    assert_true(buf_reserve(&out, ZSTD_compressBound(plain.len) + 64));
    size_t len = ZSTD_compress2(zstd, out.ptr, out.cap, plain.ptr, plain.len);
    assert_false(ZSTD_isError(len));
    out.len = len;
    ZSTD_freeCCtx(zstd);
    return out;
}

static struct buf plain_of(size_t len)
{
    struct buf plain = message();
    uint64_t random = 5;
    assert_true(buf_reserve(&plain, len + 1));
    for (size_t i = 0; i < len; i++) plain.ptr[i] = (uint8_t)("abcdefgh"[encode_random(&random) % 8]);
    plain.len = len;
    return plain;
}

static bool inflates(enum buffer_encoding encoding, struct bytes wire, struct buf *out, struct err *err)
{
    struct inflater *inflater = inflater_create();
    bool ok = inflate_body(inflater, encoding, wire, LIMIT, out, err);
    inflater_destroy(inflater);
    return ok;
}

static void expect_plain(enum buffer_encoding encoding, struct bytes wire, struct bytes plain)
{
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, LIMIT + 1);
    if (!inflates(encoding, wire, &out, &err)) fail_msg("%s", err.text);
    assert_true(bytes_equal(buf_bytes(&out), plain));
    buf_deinit(&out);
}

static void expect_error(enum buffer_encoding encoding, struct bytes wire, enum err_code code)
{
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, LIMIT + 1);
    assert_false(inflates(encoding, wire, &out, &err));
    assert_int_equal(err.code, code);
    if (code == ERR_TOO_LARGE) assert_non_null(strstr(err.text, "1 MiB"));
    assert_true(out.cap <= LIMIT + 1);
    buf_deinit(&out);
}

/* Goal: what was compressed comes back, up to the limit and not a byte more.
 * Method: sizes around the limit, by gzip and by zstd with and without a size in the frame. */
static void test_sizes_around_the_limit(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 100, 70000, LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf plain = plain_of(sizes[i]);
        struct buf wires[] = { gzipped(buf_bytes(&plain)), zstded(buf_bytes(&plain), true),
                               zstded(buf_bytes(&plain), false) };
        for (size_t j = 0; j < COUNT_OF(wires); j++) {
            enum buffer_encoding encoding = j == 0 ? BUFFER_ENCODING_GZIP : BUFFER_ENCODING_ZSTD;
            if (sizes[i] <= LIMIT) {
                expect_plain(encoding, buf_bytes(&wires[j]), buf_bytes(&plain));
            } else {
                expect_error(encoding, buf_bytes(&wires[j]), ERR_TOO_LARGE);
            }
            buf_deinit(&wires[j]);
        }
        buf_deinit(&plain);
    }
    expect_plain(BUFFER_ENCODING_GZIP, BYTES(""), BYTES(""));
    expect_plain(BUFFER_ENCODING_ZSTD, BYTES(""), BYTES(""));
}

/* Goal: several members or frames behind each other are one body, larger or smaller ones first.
 * Method: 90 KB + 5 bytes and the other way round. */
static void test_several_members(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct buf parts[] = { plain_of(order == 0 ? 90000 : 5), plain_of(order == 0 ? 5 : 90000) };
        struct buf plain = message();
        for (int i = 0; i < 2; i++) put_raw(&plain, parts[i].ptr, parts[i].len);
        for (int kind = 0; kind < 3; kind++) {
            struct buf wire = message();
            for (int i = 0; i < 2; i++) {
                struct buf one = kind == 0 ? gzipped(buf_bytes(&parts[i])) : zstded(buf_bytes(&parts[i]), kind == 1);
                put_raw(&wire, one.ptr, one.len);
                buf_deinit(&one);
            }
            expect_plain(kind == 0 ? BUFFER_ENCODING_GZIP : BUFFER_ENCODING_ZSTD, buf_bytes(&wire), buf_bytes(&plain));
            buf_deinit(&wire);
        }
        buf_deinit(&parts[0]);
        buf_deinit(&parts[1]);
        buf_deinit(&plain);
    }
}

/* Goal: damaged, cut and foreign bytes are errors in words, and lengths that lie change nothing.
 * Method: each cut of a small body; each byte of it changed; gzip's size field set to other values; no compression. */
static void test_damage_and_lies(void **state)
{
    (void)state;
    struct buf plain = plain_of(3000);
    struct buf wires[] = { gzipped(buf_bytes(&plain)), zstded(buf_bytes(&plain), true),
                           zstded(buf_bytes(&plain), false), deflated(buf_bytes(&plain), AS_ZLIB),
                           deflated(buf_bytes(&plain), AS_RAW) };
    static const enum buffer_encoding encodings[] = { BUFFER_ENCODING_GZIP, BUFFER_ENCODING_ZSTD, BUFFER_ENCODING_ZSTD,
                                                      BUFFER_ENCODING_DEFLATE, BUFFER_ENCODING_DEFLATE };
    struct buf out;
    buf_init(&out, LIMIT + 1);
    for (size_t i = 0; i < COUNT_OF(wires); i++) {
        enum buffer_encoding encoding = encodings[i];
        for (size_t len = 1; len < wires[i].len; len++)
            expect_error(encoding, bytes_from(wires[i].ptr, len), ERR_INPUT);
        for (size_t at = 0; at < wires[i].len; at++) {
            struct err err = { 0 };
            wires[i].ptr[at] ^= 0x55;
            if (!inflates(encoding, buf_bytes(&wires[i]), &out, &err))
                assert_true(err.code == ERR_INPUT || err.code == ERR_TOO_LARGE);
            wires[i].ptr[at] ^= 0x55;
        }
    }
    static const uint32_t lies[] = { 0, 1, 2999, 3001, 1 << 19, UINT32_MAX };
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        memcpy(wires[0].ptr + wires[0].len - 4, &lies[i], 4);
        expect_error(BUFFER_ENCODING_GZIP, buf_bytes(&wires[0]), ERR_INPUT); /* the trailer is checked, too */
    }
    expect_error(BUFFER_ENCODING_GZIP, BYTES("plain text, not compressed at all"), ERR_INPUT);
    expect_error(BUFFER_ENCODING_ZSTD, BYTES("plain text, not compressed at all"), ERR_INPUT);
    expect_error(BUFFER_ENCODING_DEFLATE, BYTES("plain text, not compressed at all"), ERR_INPUT);
    for (size_t i = 3; i < COUNT_OF(wires); i++) { /* one more byte */
        assert_true(buf_add(&wires[i], "x", 1));
        expect_error(encodings[i], buf_bytes(&wires[i]), ERR_INPUT);
    }
    for (size_t i = 0; i < COUNT_OF(wires); i++) buf_deinit(&wires[i]);
    buf_deinit(&plain);
    buf_deinit(&out);
}

/* Goal: a bomb costs no more than the limit.
 * Method: 64 MiB of zeros, 64 KB compressed; a zstd frame that claims 2^60 bytes; one that wants a window of 1 GiB. */
static void test_bombs(void **state)
{
    (void)state;
    struct buf zeros = message();
    assert_true(buf_reserve(&zeros, 64 * LIMIT));
    memset(zeros.ptr, 0, 64 * LIMIT);
    zeros.len = 64 * LIMIT;
    struct buf wires[] = { gzipped(buf_bytes(&zeros)), zstded(buf_bytes(&zeros), true),
                           zstded(buf_bytes(&zeros), false), deflated(buf_bytes(&zeros), AS_ZLIB),
                           deflated(buf_bytes(&zeros), AS_RAW) };
    for (size_t i = 0; i < COUNT_OF(wires); i++) {
        expect_error(i == 0  ? BUFFER_ENCODING_GZIP
                     : i < 3 ? BUFFER_ENCODING_ZSTD
                             : BUFFER_ENCODING_DEFLATE,
                     buf_bytes(&wires[i]), ERR_TOO_LARGE);
        buf_deinit(&wires[i]);
    }
    buf_deinit(&zeros);
    expect_error(BUFFER_ENCODING_ZSTD, BYTES("\x28\xB5\x2F\xFD\xE0\x00\x00\x00\x00\x00\x00\x00\x10\x01\x00\x00"),
                 ERR_TOO_LARGE);
    expect_error(BUFFER_ENCODING_ZSTD, BYTES("\x28\xB5\x2F\xFD\x00\xA0\x01\x00\x00"), ERR_INPUT);
    assert_true(inflate_guess(BUFFER_ENCODING_GZIP, BYTES("\x1F\x8B\x08\0\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xFF\x7F"),
                              64 * LIMIT) < 20000);
}

/* Goal: both things that senders call deflate are taken, of any size up to the limit, whatever was in the buffer before.
 * Method: zlib's format and the bare stream, well and hardly compressible, into new buffers and into used ones. */
static void test_both_kinds_of_deflate(void **state)
{
    (void)state;
    static const int forms[] = { AS_ZLIB, AS_RAW };
    static const size_t sizes[] = { 0, 1, 100, 5000, LIMIT - 1, LIMIT };
    struct buf out;
    buf_init(&out, LIMIT + 1);
    for (size_t i = 0; i < COUNT_OF(sizes) * COUNT_OF(forms) * 2; i++) {
        struct buf plain = plain_of(sizes[i / 4]);
        if (i % 2 == 1) memset(plain.ptr, 'a', plain.len); /* a thousand to one: zlib step by step */
        struct buf wire = deflated(buf_bytes(&plain), forms[i / 2 % 2]);
        struct err err = { 0 };
        if (i % 3 == 0) buf_deinit(&out);
        if (!inflates(BUFFER_ENCODING_DEFLATE, buf_bytes(&wire), &out, &err)) fail_msg("%zu: %s", i, err.text);
        assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&plain)));
        buf_deinit(&plain);
        buf_deinit(&wire);
    }
    buf_deinit(&out);
}

/* ---- inbound ---- */

static struct bytes copied(struct bytes bytes)
{
    uint8_t *copy = mem_alloc(bytes.len + 1);
    memcpy(copy, bytes.ptr, bytes.len);
    return bytes_from(copy, bytes.len);
}

static struct buf request_of(uint32_t spans)
{
    struct buf records = message();
    uint64_t random = 1;
    for (uint32_t i = 0; i < spans; i++) put_usual_span(&records, &random);
    return request_around(&records);
}

static struct inbound *inbound_of(struct inbound_pool *pool, struct bytes wire, enum buffer_encoding encoding)
{
    struct inbound *inbound;
    struct err err = { 0 };
    struct inflater *inflater = inflater_create();
    assert_true(inbound_create(pool, copied(wire), encoding, BUFFER_FORMAT_PROTOBUF, &inbound, &err));
    assert_true(inbound_inflate(inbound, inflater, INFLATE_BYTES_MAX, &err));
    assert_true(inbound_decode(inbound, OTLP_TRACES, ENCODE_NOW_US, &err));
    inflater_destroy(inflater);
    return inbound;
}

/* Goal: a request reads the same compressed, plain, and from the log after a restart; a repeat has the same hash however it
 * was compressed, another project or signal another.
 * Method: one body in three encodings. */
static void test_inbound_of_every_encoding(void **state)
{
    (void)state;
    struct buf body = request_of(30);
    struct buf wires[] = { gzipped(buf_bytes(&body)), zstded(buf_bytes(&body), true) };
    const struct bytes as_sent[] = { buf_bytes(&body), buf_bytes(&wires[0]), buf_bytes(&wires[1]) };
    struct inbound_pool *pool = inbound_pool_create(1 << 20, 1 << 20);
    struct uuid project = { { 1 } }, other = { { 2 } };
    struct hash128 hash = inbound_hash(project, OTLP_TRACES, buf_bytes(&body));
    assert_false(hash128_equal(hash, inbound_hash(other, OTLP_TRACES, buf_bytes(&body))));
    assert_false(hash128_equal(hash, inbound_hash(project, OTLP_LOGS, buf_bytes(&body))));
    for (int encoding = BUFFER_ENCODING_IDENTITY; encoding <= BUFFER_ENCODING_ZSTD; encoding++) {
        struct inbound *inbound = inbound_of(pool, as_sent[encoding], (enum buffer_encoding)encoding);
        assert_true(bytes_equal(inbound_wire(inbound), as_sent[encoding]));
        inbound_drop_wire(inbound);
        assert_true(bytes_equal(inbound_body(inbound), buf_bytes(&body)));
        assert_true(hash128_equal(hash, inbound_hash(project, OTLP_TRACES, inbound_body(inbound))));
        assert_int_equal(inbound_request(inbound)->spans.count, 30);
        assert_true(inbound_pool_bytes(pool) == inbound_bytes(inbound));
        inbound_release(inbound);

        struct buffer_record record = {
            .position = 7,
            .signal = BUFFER_SIGNAL_TRACES,
            .encoding = (enum buffer_encoding)encoding,
            .received_unix_us = ENCODE_NOW_US,
            .body = copied(as_sent[encoding]),
        };
        struct err err = { 0 };
        assert_true(inbound_from_record(&record, &inbound, &err));
        free((void *)(uintptr_t)record.body.ptr); /* it was only borrowed */
        assert_int_equal(inbound_request(inbound)->spans.count, 30);
        assert_true(bytes_equal(inbound_body(inbound), buf_bytes(&body)));
        inbound_release(inbound);
    }
    assert_int_equal(inbound_pool_bytes(pool), 0);
    inbound_pool_release(pool);
    for (size_t i = 0; i < COUNT_OF(wires); i++) buf_deinit(&wires[i]);
    buf_deinit(&body);
}

/* Goal: the pool refuses what would pass its limit, before inflating; alone, a larger request is taken; released memory
 * counts no more; the pool outlives its owner while a request is out.
 * Method: a limit that a request of 20 spans and a compressed one of 200 fit into, but not what that one holds. */
static void test_inbound_budget(void **state)
{
    (void)state;
    struct buf body = request_of(20), large = request_of(200);
    struct buf wire = gzipped(buf_bytes(&body)), large_wire = gzipped(buf_bytes(&large));
    struct inbound_pool *probe = inbound_pool_create(UINT64_MAX, 0);
    struct inbound *first = inbound_of(probe, buf_bytes(&wire), BUFFER_ENCODING_GZIP), *second;
    struct inbound_pool *pool = inbound_pool_create(inbound_bytes(first) + large_wire.len + 1000, 0);
    struct inflater *inflater = inflater_create();
    struct err err = { 0 };
    inbound_release(first);
    inbound_pool_release(probe);
    first = inbound_of(pool, buf_bytes(&wire), BUFFER_ENCODING_GZIP);
    assert_false(inbound_create(pool, copied(buf_bytes(&large)), BUFFER_ENCODING_IDENTITY, BUFFER_FORMAT_PROTOBUF,
                                &second, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_true(inbound_create(pool, copied(buf_bytes(&large_wire)), BUFFER_ENCODING_GZIP, BUFFER_FORMAT_PROTOBUF,
                               &second, &err));
    uint64_t before = inbound_pool_bytes(pool);
    assert_false(inbound_inflate(second, inflater, INFLATE_BYTES_MAX, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_int_equal(inbound_body(second).len, 0);
    assert_int_equal(inbound_pool_bytes(pool), before);
    inbound_release(second);
    inbound_release(first);
    assert_int_equal(inbound_pool_bytes(pool), 0);
    assert_true(inbound_create(pool, copied(buf_bytes(&large_wire)), BUFFER_ENCODING_GZIP, BUFFER_FORMAT_PROTOBUF,
                               &second, &err));
    assert_true(inbound_inflate(second, inflater, INFLATE_BYTES_MAX, &err));
    assert_int_equal(inbound_body(second).len, large.len);
    inbound_pool_release(pool);
    assert_true(bytes_equal(inbound_body(second), buf_bytes(&large)));
    inbound_release(second); /* AddressSanitizer sees a pool freed twice or never */
    inflater_destroy(inflater);
    buf_deinit(&body);
    buf_deinit(&large);
    buf_deinit(&wire);
    buf_deinit(&large_wire);
}

/* Goal: JSON that becomes far more than its text is counted before it is decoded, too: refused beside others, taken alone; what
 * it became is counted, and no longer its text once that is stored.
 * Method: a histogram of 100,000 buckets, "0," each, in a pool that has room for its text and little more. */
static void test_inbound_budget_of_json(void **state)
{
    (void)state;
    enum { COUNTS = 100000 };
    static const char head[] =
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"histogram\":{\"dataPoints\":[{"
        "\"bucketCounts\":[0";
    struct buf text = message(), small = request_of(1);
    put_raw(&text, head, sizeof head - 1);
    for (int i = 1; i < COUNTS; i++) put_raw(&text, ",0", 2);
    put_raw(&text, "]}]}}]}]}]}", 11);
    struct inbound_pool *pool = inbound_pool_create(5 * text.len, 0);
    struct inflater *inflater = inflater_create();
    struct inbound *first = inbound_of(pool, buf_bytes(&small), BUFFER_ENCODING_IDENTITY), *second;
    struct err err = { 0 };
    for (int is_alone = 0; is_alone <= 1; is_alone++) {
        assert_true(inbound_create(pool, copied(buf_bytes(&text)), BUFFER_ENCODING_IDENTITY, BUFFER_FORMAT_JSON,
                                   &second, &err));
        assert_true(inbound_inflate(second, inflater, INFLATE_BYTES_MAX, &err));
        bool ok = inbound_decode(second, OTLP_METRICS, ENCODE_NOW_US, &err);
        assert_int_equal(ok, is_alone);
        if (!is_alone) assert_int_equal(err.code, ERR_BUSY);
        if (!is_alone) inbound_release(first);
        assert_int_equal(inbound_pool_bytes(pool), inbound_bytes(second));
        if (is_alone) {
            uint64_t before = inbound_bytes(second);
            inbound_drop_wire(second);
            assert_int_equal(inbound_pool_bytes(pool), before - text.len);
        }
        inbound_release(second);
    }
    assert_int_equal(inbound_pool_bytes(pool), 0);
    inbound_pool_release(pool);
    inflater_destroy(inflater);
    buf_deinit(&text);
    buf_deinit(&small);
}

/* Goal: a record of the log that nobody can have written is an error, not a crash.
 * Method: an unknown signal, an unknown encoding, an unknown format, protobuf said to be JSON, a body that is cut. */
static void test_inbound_from_foreign_records(void **state)
{
    (void)state;
    struct buf body = request_of(1);
    struct buffer_record good = {
        .position = 1, .signal = BUFFER_SIGNAL_TRACES, .received_unix_us = ENCODE_NOW_US, .body = buf_bytes(&body)
    };
    struct buffer_record records[] = { good, good, good, good, good, good };
    records[0].signal = (enum buffer_signal)9;
    records[1].encoding = (enum buffer_encoding)9;
    records[2].format = BUFFER_FORMAT_JSON;
    records[3].body.len--;
    records[5].format = (enum buffer_format)2;
    records[4].received_unix_us = -1;
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        struct inbound *inbound;
        struct err err = { 0 };
        assert_false(inbound_from_record(&records[i], &inbound, &err));
        assert_null(inbound);
        assert_int_not_equal(err.code, ERR_OK);
    }
    buf_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_around_the_limit),
        cmocka_unit_test(test_several_members),
        cmocka_unit_test(test_damage_and_lies),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_both_kinds_of_deflate),
        cmocka_unit_test(test_inbound_of_every_encoding),
        cmocka_unit_test(test_inbound_budget),
        cmocka_unit_test(test_inbound_budget_of_json),
        cmocka_unit_test(test_inbound_from_foreign_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
