#include "timefusion/parquet/bloom.h"
#include "timefusion/parquet/encode.h"
#include "timefusion/parquet/model_fixture.h"

/* Goal: hybrid runs and packed groups of every width and shape decode to what was put in.
 * Method: values in runs of changing length, all widths, counts around groups of eight; bitmaps too. */
static void test_hybrid(void **state)
{
    (void)state;
    enum { COUNT_MAX = 1500 };
    struct buf out;
    uint32_t back[COUNT_MAX];
    buf_init(&out, 1 << 20);
    for (uint32_t width = 0; width <= 16; width++) {
        for (uint32_t run = 1; run < 100; run = run * 2 + 1) {
            for (uint32_t count = 0; count <= COUNT_MAX; count = count < 20 ? count + 1 : count * 3 - 7) {
                uint16_t wide[COUNT_MAX];
                uint8_t narrow[COUNT_MAX];
                uint64_t bits[COUNT_MAX / 64 + 1] = { 0 };
                for (uint32_t i = 0; i < count; i++) {
                    wide[i] = (uint16_t)(model_mix(width, i / run / (i % 300 < 100 ? 50 : 1), 0) & ((1u << width) - 1));
                    narrow[i] = (uint8_t)wide[i];
                    bits[i / 64] |= (uint64_t)(wide[i] & 1) << (i % 64);
                }
                out.len = 0;
                assert_true(encode_hybrid16(&out, wide, count, width));
                struct decode_input in = { out.ptr, out.ptr + out.len };
                decode_hybrid(&in, width, count, back);
                assert_ptr_equal(in.at, in.end);
                for (uint32_t i = 0; i < count; i++) assert_int_equal(back[i], wide[i]);
                if (width > 8) continue;
                out.len = 0;
                assert_true(encode_hybrid8(&out, narrow, count, width));
                in = (struct decode_input){ out.ptr, out.ptr + out.len };
                decode_hybrid(&in, width, count, back);
                assert_ptr_equal(in.at, in.end);
                for (uint32_t i = 0; i < count; i++) assert_int_equal(back[i], narrow[i]);
                out.len = 0;
                assert_true(encode_hybrid_bitmap(&out, bits, count));
                in = (struct decode_input){ out.ptr, out.ptr + out.len };
                decode_hybrid(&in, 1, count, back);
                for (uint32_t i = 0; i < count; i++) assert_int_equal(back[i], wide[i] & 1);
            }
        }
    }
    buf_deinit(&out);
}

/* Goal: DELTA_BINARY_PACKED holds any integers, with differences that wrap.
 * Method: values of every bit width, extremes among them, counts around blocks and miniblocks. */
static void test_delta(void **state)
{
    (void)state;
    enum { COUNT_MAX = 700 };
    struct buf out;
    buf_init(&out, 1 << 20);
    for (uint32_t width = 0; width <= 64; width++) {
        for (uint32_t count = 0; count <= COUNT_MAX; count = count < 3 ? count + 1 : count * 2 - (count & 1)) {
            int64_t wide[COUNT_MAX], back[COUNT_MAX];
            int32_t narrow[COUNT_MAX];
            for (uint32_t i = 0; i < count; i++) {
                uint64_t mix = model_mix(width, i, 0);
                wide[i] = width == 0 ? -5 : (int64_t)(mix >> (64 - width));
                if (width == 64 && i % 9 == 0) wide[i] = i % 2 == 0 ? INT64_MIN : INT64_MAX;
                narrow[i] = (int32_t)wide[i];
                if (width == 64 && i % 7 == 0) narrow[i] = i % 2 == 0 ? INT32_MIN : INT32_MAX;
            }
            out.len = 0;
            assert_true(encode_delta64(&out, wide, count));
            struct decode_input in = { out.ptr, out.ptr + out.len };
            decode_delta(&in, count, 64, back);
            assert_ptr_equal(in.at, in.end);
            for (uint32_t i = 0; i < count; i++) assert_true(back[i] == wide[i]);
            out.len = 0;
            assert_true(encode_delta32(&out, narrow, count));
            in = (struct decode_input){ out.ptr, out.ptr + out.len };
            decode_delta(&in, count, 32, back);
            assert_ptr_equal(in.at, in.end);
            for (uint32_t i = 0; i < count; i++) assert_true(back[i] == narrow[i]);
        }
    }
    buf_deinit(&out);
}

/* Goal: bloom filters agree with the format's own example and doubt what they cannot read.
 * Method: block and bits of a value worked out by hand from the document; damaged headers. */
static void test_bloom(void **state)
{
    (void)state;
    struct buf out;
    struct bloom bloom;
    buf_init(&out, 1 << 20);
    assert_true(bloom_begin(&bloom, &out, 1000));
    assert_int_equal(bloom.block_count, 32); /* 8192 bits */
    uint64_t hash = hash64_xxh64(BYTES("hello"));
    assert_int_equal(hash, 0x26C7827D889F6DA3u); /* XXH64 of "hello", seed 0 */
    bloom_add(&bloom, &hash, 1);
    uint32_t block = (uint32_t)((hash >> 32) * 32 >> 32), set = 0;
    for (uint32_t i = 0; i < 32 * BLOOM_BLOCK_WORDS; i++) {
        uint32_t word;
        memcpy(&word, bloom.blocks + i * 4, 4);
        set += (uint32_t)__builtin_popcount(word);
        assert_int_equal(word != 0, i / BLOOM_BLOCK_WORDS == block);
    }
    assert_int_equal(set, 8);
    assert_true(parquet_bloom_may_hold(buf_bytes(&out), BYTES("hello")));
    assert_false(parquet_bloom_may_hold(buf_bytes(&out), BYTES("world")));
    for (size_t len = 0; len < out.len; len++)
        assert_true(parquet_bloom_may_hold(bytes_from(out.ptr, len), BYTES("world")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_bloom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
