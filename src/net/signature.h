/* signature.h -- is this signature right? RSA (PKCS #1 v1.5) and ECDSA over P-256, both with SHA-256: what JSON Web Tokens
 * are signed with (RS256, ES256).
 *
 * Thread: any. Memory: none kept. Errors: ERR_INPUT a key that is none (RSA under 2,048 bits too); a signature that does
 * not hold is not an error: *is_right.
 * Source: RFC 7518, 3.3, 3.4, 6.2, 6.3. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum signature_kind { SIGNATURE_RS256, SIGNATURE_ES256 };
struct signature_key {
    enum signature_kind kind;
    struct bytes n, e; /* RSA: big-endian numbers */
    struct bytes x, y; /* P-256: 32 bytes each */
};
/* signature: RSA's as it is; of ECDSA r and s, 32 bytes each. */
MUST_CHECK bool signature_check(const struct signature_key *key, struct bytes message, struct bytes signature,
                                bool *is_right, struct err *err);
