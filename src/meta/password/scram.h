/* scram.h -- SCRAM-SHA-256: what is kept of a password for the SQL port, and the server's half of the exchange.
 *
 *   client-first  n,,n=,r=CLIENT                     --> scram_server_first
 *   server-first  r=CLIENT+SERVER,s=SALT,i=100000    <--
 *   client-final  c=biws,r=CLIENT+SERVER,p=PROOF     --> scram_server_final
 *   server-final  v=SIGNATURE                        <--
 *
 * The password never travels, and who steals the verifier cannot sign in with it, but may guess on: hence the 100,000
 * rounds, where PostgreSQL has 4,096. Bytes in, bytes out: no I/O here.
 * Not here: channel binding (SCRAM-SHA-256-PLUS), and SASLprep: a password that Unicode would write in another way (NFKC)
 * can sign in by the web alone.
 * Thread: any. Memory: values. Errors: ERR_PROTOCOL what is not SCRAM; ERR_CORRUPT a kept text that is no verifier.
 * Source: RFC 5802, RFC 7677; PostgreSQL 15, 55.3. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"

#define SCRAM_ROUNDS      100000
#define SCRAM_SALT_BYTES  16
#define SCRAM_TEXT_BYTES  192 /* a verifier as text, as PostgreSQL's pg_authid has it */
#define SCRAM_NONCE_BYTES 24  /* of ours, in base64 */
#define SCRAM_BYTES_MAX   1024

struct scram_verifier {
    uint32_t rounds;
    uint8_t salt[SCRAM_SALT_BYTES];
    uint8_t stored_key[SHA256_BYTES], server_key[SHA256_BYTES];
};
void scram_verifier_make(struct bytes password, uint32_t rounds, const uint8_t salt[SCRAM_SALT_BYTES],
                         struct scram_verifier *verifier);
void scram_verifier_to_text(const struct scram_verifier *verifier, char text[SCRAM_TEXT_BYTES]);
MUST_CHECK bool scram_verifier_from_text(struct bytes text, struct scram_verifier *verifier, struct err *err);
/* For a user that is not there: the same salt each time, and nothing is its password. */
void scram_verifier_of_nobody(struct bytes secret, struct bytes user, struct scram_verifier *verifier);

struct scram_server {
    struct scram_verifier verifier;
    char binding[8];                  /* "biws" or "eSws": what the client must repeat */
    char first_bare[SCRAM_BYTES_MAX]; /* client-first-message-bare */
    char server_first[SCRAM_BYTES_MAX];
    char nonce[SCRAM_BYTES_MAX];
};
/* nonce: SCRAM_NONCE_BYTES random printable characters without commas. server_first is to be sent then. */
MUST_CHECK bool scram_server_first(struct scram_server *server, const struct scram_verifier *verifier,
                                   struct bytes client_first, const char nonce[SCRAM_NONCE_BYTES + 1], struct err *err);
/* final: what is to be sent when *is_right. */
MUST_CHECK bool scram_server_final(struct scram_server *server, struct bytes client_final, bool *is_right,
                                   char final[64], struct err *err);
