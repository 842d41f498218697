/* sha1.c -- SHA-1 (FIPS 180-4) for the names of version 5 UUIDs, by the CPU's instructions where it has them.
 * Not for anything that must resist an attacker. */
#include "base/uuid.h"

/* clang 14 cannot ask for "sha". MONO_SHA1_PLAIN: to test the plain way on any machine. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(MONO_SHA1_PLAIN)
#include <immintrin.h>
#define SHA1_HAS_NI 1
#endif

static inline uint32_t rotate_left(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

static inline uint32_t big_endian_get(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, 4);
    return __builtin_bswap32(word);
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the loads above swap");

static void blocks_eat_plain(uint32_t state[5], const uint8_t *at, size_t count)
{
    for (; count > 0; count--, at += 64) {
        uint32_t w[80];
        for (int t = 0; t < 16; t++) w[t] = big_endian_get(at + 4 * t);
        for (int t = 16; t < 80; t++) w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
#define ROUND(f, k)                                               \
    do {                                                          \
        uint32_t next = rotate_left(a, 5) + (f) + e + (k) + w[t]; \
        e = d;                                                    \
        d = c;                                                    \
        c = rotate_left(b, 30);                                   \
        b = a;                                                    \
        a = next;                                                 \
    } while (0)
        int t = 0;
        for (; t < 20; t++) ROUND((b & c) | (~b & d), 0x5A827999u);
        for (; t < 40; t++) ROUND(b ^ c ^ d, 0x6ED9EBA1u);
        for (; t < 60; t++) ROUND((b & c) | (b & d) | (c & d), 0x8F1BBCDCu);
        for (; t < 80; t++) ROUND(b ^ c ^ d, 0xCA62C1D6u);
#undef ROUND
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
    }
}

#ifdef SHA1_HAS_NI
/* Four rounds an instruction. Registers hold the words from high to low: abcd = a:b:c:d, w = w0:w1:w2:w3. */
__attribute__((target("sha,sse4.1"))) static void blocks_eat_ni(uint32_t state[5], const uint8_t *at, size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090A0B0C0D0E0F);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1B);
    __m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);

    for (; count > 0; count--, at += 64) {
        const __m128i abcd_before = abcd, e_before = e;
        __m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)at), swap);
        __m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(at + 16)), swap);
        __m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(at + 32)), swap);
        __m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(at + 48)), swap);
        __m128i last; /* abcd before the latest four rounds: their a becomes the next e */

#define FOUR_ROUNDS(w, f)                               \
    do {                                                \
        __m128i e_and_w = _mm_sha1nexte_epu32(last, w); \
        last = abcd;                                    \
        abcd = _mm_sha1rnds4_epu32(abcd, e_and_w, f);   \
    } while (0)
#define NEXT_WORDS(w, w_1, w_2, w_3) w = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w, w_1), w_2), w_3)
#define SIXTEEN_ROUNDS(f0, f1, f2, f3) \
    do {                               \
        NEXT_WORDS(w0, w1, w2, w3);    \
        FOUR_ROUNDS(w0, f0);           \
        NEXT_WORDS(w1, w2, w3, w0);    \
        FOUR_ROUNDS(w1, f1);           \
        NEXT_WORDS(w2, w3, w0, w1);    \
        FOUR_ROUNDS(w2, f2);           \
        NEXT_WORDS(w3, w0, w1, w2);    \
        FOUR_ROUNDS(w3, f3);           \
    } while (0)
        last = abcd;
        abcd = _mm_sha1rnds4_epu32(abcd, _mm_add_epi32(e, w0), 0);
        FOUR_ROUNDS(w1, 0);
        FOUR_ROUNDS(w2, 0);
        FOUR_ROUNDS(w3, 0);
        SIXTEEN_ROUNDS(0, 1, 1, 1);
        SIXTEEN_ROUNDS(1, 1, 2, 2);
        SIXTEEN_ROUNDS(2, 2, 2, 3);
        SIXTEEN_ROUNDS(3, 3, 3, 3);
#undef FOUR_ROUNDS
#undef NEXT_WORDS
#undef SIXTEEN_ROUNDS
        e = _mm_sha1nexte_epu32(last, e_before);
        abcd = _mm_add_epi32(abcd, abcd_before);
    }
    _mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(abcd, 0x1B));
    state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}
#endif

static inline void blocks_eat(uint32_t state[5], const uint8_t *at, size_t count)
{
#ifdef SHA1_HAS_NI
    if (__builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1")) {
        blocks_eat_ni(state, at, count);
        return;
    }
#endif
    blocks_eat_plain(state, at, count);
}

void sha1_init(struct sha1 *sha1)
{
    static const uint32_t start[5] = { 0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u };
    memcpy(sha1->state, start, sizeof start);
    sha1->bytes = 0;
}

void sha1_add(struct sha1 *sha1, const void *ptr, size_t len)
{
    const uint8_t *at = ptr;
    size_t held = sha1->bytes % 64;
    sha1->bytes += len;
    if (len == 0) return;
    if (held + len < 64) { /* the usual case: an id's parts fit one block */
        memcpy(sha1->block + held, at, len);
        return;
    }
    if (held > 0) {
        size_t fill = 64 - held;
        memcpy(sha1->block + held, at, fill);
        blocks_eat(sha1->state, sha1->block, 1);
        at += fill;
        len -= fill;
    }
    blocks_eat(sha1->state, at, len / 64);
    if (len % 64 > 0) memcpy(sha1->block, at + (len - len % 64), len % 64);
}

void sha1_end(struct sha1 *sha1, uint8_t digest[20])
{
    size_t held = sha1->bytes % 64;
    sha1->block[held++] = 0x80;
    if (held > 56) {
        memset(sha1->block + held, 0, 64 - held);
        blocks_eat(sha1->state, sha1->block, 1);
        held = 0;
    }
    memset(sha1->block + held, 0, 56 - held);
    uint64_t bits = __builtin_bswap64(sha1->bytes * 8);
    memcpy(sha1->block + 56, &bits, 8);
    blocks_eat(sha1->state, sha1->block, 1);
    for (int i = 0; i < 5; i++) {
        uint32_t word = __builtin_bswap32(sha1->state[i]);
        memcpy(digest + 4 * i, &word, 4);
    }
}
