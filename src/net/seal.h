/* seal.h -- bytes that only who has the key can read, and that nobody can change unseen: AES-256-GCM.
 *
 *   [version 1][nonce 12][ciphertext as long as the bytes][tag 16]
 *
 * about: what the bytes belong to, such as an id: not kept, but a seal is opened with the same alone, so that one cannot be
 * carried to another place. A nonce is random: up to 2^32 seals a key.
 * Thread: any. Memory: the caller's. Errors: ERR_CORRUPT: another key, another about, or changed bytes.
 * Source: NIST SP 800-38D. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define SEAL_KEY_BYTES  32
#define SEAL_MORE_BYTES 29 /* a seal is so much longer than what it holds */
/* sealed: bytes.len + SEAL_MORE_BYTES. */
void seal_close(const uint8_t key[SEAL_KEY_BYTES], struct bytes about, struct bytes bytes, uint8_t *sealed);
/* bytes: room for sealed.len. */
MUST_CHECK bool seal_open(const uint8_t key[SEAL_KEY_BYTES], struct bytes about, struct bytes sealed, uint8_t *bytes,
                          size_t *len, struct err *err);
