/* id_token.h -- an ID token: a JSON Web Token that says who signed in at the identity provider.
 *
 *   header.payload.signature --base64url, JSON--> algorithm, key --net/signature.h--> claims --checked--> a person
 *
 * RS256 and ES256 alone, by a key of the provider's set: a token without signature, or signed with a shared secret, is
 * refused. Issuer, audience, time and nonce are checked after the signature (OpenID Connect Core, 3.1.3.7).
 * Sans-I/O; time is an argument. Thread: any. Memory: the arena.
 * Errors: ERR_INPUT what is no token or does not hold, in words for the log: never the token. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "meta/accounts.h"
#include <yyjson.h>

#define ID_TOKEN_BYTES_MAX  65536u
#define ID_TOKEN_GROUPS_MAX 1000u

struct id_token_check {
    const char *issuer, *client_id, *nonce;
    const char *groups_claim; /* "groups" */
    int64_t now_unix_s;
    bool trusts_email; /* one that is not said to be verified counts as it */
};
/* keys: "keys" of a JSON Web Key Set. *knows_key false: the token names a key that is not among them: fetch anew. */
MUST_CHECK bool id_token_read(struct arena *arena, struct bytes token, yyjson_val *keys,
                              const struct id_token_check *check, struct accounts_person *person, bool *knows_key,
                              struct err *err);
/* The claims alone, whose signature was found to hold. */
MUST_CHECK bool id_token_claims(struct arena *arena, struct bytes json, const struct id_token_check *check,
                                struct accounts_person *person, struct err *err);
