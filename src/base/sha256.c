#include "base/sha256.h"

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, uint32_t bits)
{
    return word >> bits | word << (32 - bits);
}

static void block_add(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6],
                    h = state[7];
    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
        uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_init(struct sha256 *sha256)
{
    *sha256 = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                          0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *sha256, struct bytes bytes)
{
    size_t held = sha256->bytes % 64;
    sha256->bytes += bytes.len;
    if (held > 0) {
        size_t part = bytes.len < 64 - held ? bytes.len : 64 - held;
        if (part > 0) memcpy(sha256->block + held, bytes.ptr, part);
        bytes = bytes_from(bytes.ptr + part, bytes.len - part);
        if (held + part < 64) return;
        block_add(sha256->state, sha256->block);
    }
    for (; bytes.len >= 64; bytes = bytes_from(bytes.ptr + 64, bytes.len - 64)) block_add(sha256->state, bytes.ptr);
    if (bytes.len > 0) memcpy(sha256->block, bytes.ptr, bytes.len);
}

void sha256_end(struct sha256 *sha256, uint8_t digest[SHA256_BYTES])
{
    uint8_t tail[72] = { 0x80 };
    uint64_t bits = sha256->bytes * 8;
    size_t held = sha256->bytes % 64, zeros_to = held < 56 ? 56 - held : 120 - held;
    for (size_t i = 0; i < 8; i++) tail[zeros_to + i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(sha256, bytes_from(tail, zeros_to + 8));
    for (size_t i = 0; i < SHA256_BYTES; i++) digest[i] = (uint8_t)(sha256->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_of(struct bytes bytes, uint8_t digest[SHA256_BYTES])
{
    struct sha256 sha256;
    sha256_init(&sha256);
    sha256_add(&sha256, bytes);
    sha256_end(&sha256, digest);
}

void sha256_to_hex(const uint8_t digest[SHA256_BYTES], char hex[SHA256_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * SHA256_BYTES] = '\0';
}

void hmac_sha256(struct bytes key, struct bytes bytes, uint8_t mac[SHA256_BYTES])
{
    struct sha256 sha256;
    uint8_t padded[64] = { 0 };
    if (key.len > sizeof padded) {
        sha256_of(key, padded);
    } else if (key.len > 0) {
        memcpy(padded, key.ptr, key.len);
    }
    for (size_t i = 0; i < sizeof padded; i++) padded[i] ^= 0x36;
    sha256_init(&sha256);
    sha256_add(&sha256, bytes_from(padded, sizeof padded));
    sha256_add(&sha256, bytes);
    sha256_end(&sha256, mac);
    for (size_t i = 0; i < sizeof padded; i++) padded[i] ^= 0x36 ^ 0x5C;
    sha256_init(&sha256);
    sha256_add(&sha256, bytes_from(padded, sizeof padded));
    sha256_add(&sha256, bytes_from(mac, SHA256_BYTES));
    sha256_end(&sha256, mac);
}
