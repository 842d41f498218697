/* sha256.h -- SHA-256 of bytes in one piece: what is kept of a secret, and checksums of what must not change.
 * Thread: any. Source: FIPS 180-4. */
#pragma once
#include "base/bytes.h"
#define SHA256_BYTES 32
void sha256_of(struct bytes bytes, uint8_t digest[SHA256_BYTES]);
