/* sha256.h -- SHA-256 and HMAC-SHA-256: what is kept of a secret, checksums of what must not change, signatures.
 * Thread: any. Source: FIPS 180-4, RFC 2104. */
#pragma once
#include "base/bytes.h"
#define SHA256_BYTES     32
#define SHA256_HEX_BYTES (2 * SHA256_BYTES + 1)
struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};
void sha256_init(struct sha256 *sha256);
void sha256_add(struct sha256 *sha256, struct bytes bytes);
void sha256_end(struct sha256 *sha256, uint8_t digest[SHA256_BYTES]);
void sha256_of(struct bytes bytes, uint8_t digest[SHA256_BYTES]);
void sha256_to_hex(const uint8_t digest[SHA256_BYTES], char hex[SHA256_HEX_BYTES]); /* lower case, NUL-terminated */
void hmac_sha256(struct bytes key, struct bytes bytes, uint8_t mac[SHA256_BYTES]);
