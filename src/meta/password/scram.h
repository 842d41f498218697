/* scram.h -- SCRAM-SHA-256: what is kept of a password for the SQL port, and the server's half of the exchange.
 *
 *   client-first  n,,n=,r=CLIENT                     --> scram_server_first
 *   server-first  r=CLIENT+SERVER,s=SALT,i=100000    <--
 *   client-final  c=biws,r=CLIENT+SERVER,p=PROOF     --> scram_server_final
 *   server-final  v=SIGNATURE                        <--
 *
 * The password never travels, and who steals the verifier cannot sign in with it, but may guess on: hence the 100,000
 * rounds, where PostgreSQL has 4,096. Bytes in, bytes out: no I/O here.
 * Channel binding (SCRAM-SHA-256-PLUS) is tls-server-end-point: the proof holds for one server's certificate alone.
 * Not here: SASLprep: a password that Unicode would write in another way (NFKC) can sign in by the web alone.
 * Thread: any. Memory: values. Errors: ERR_PROTOCOL what is not SCRAM; ERR_CORRUPT a kept text that is no verifier.
 * Source: RFC 5802, RFC 7677, RFC 5929; PostgreSQL 15, 55.3. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"

#define SCRAM_ROUNDS      100000
#define SCRAM_SALT_BYTES  16
#define SCRAM_TEXT_BYTES  192 /* a verifier as text, as PostgreSQL's pg_authid has it */
#define SCRAM_NONCE_BYTES 24  /* of ours, in base64 */
#define SCRAM_BYTES_MAX   1024
#define SCRAM_BINDING_MAX 160 /* "p=tls-server-end-point,," and a hash of 64 bytes, in base64 */

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

/* What the connection gives to bind to. */
struct scram_channel {
    struct bytes end_point; /* hash of our certificate (RFC 5929, 4.1); empty: channel binding was not offered */
    bool is_plus;           /* the client chose SCRAM-SHA-256-PLUS */
};
struct scram_server {
    struct scram_verifier verifier;
    char binding[SCRAM_BINDING_MAX];  /* what the client must repeat: "biws", "eSws", or what it binds to */
    char first_bare[SCRAM_BYTES_MAX]; /* client-first-message-bare */
    char server_first[SCRAM_BYTES_MAX];
    char nonce[SCRAM_BYTES_MAX];
    char auth[3 * SCRAM_BYTES_MAX]; /* what is proved, once the proof is there */
    uint8_t proof[SHA256_BYTES];
};
/* nonce: SCRAM_NONCE_BYTES random printable characters without commas. server_first is to be sent then. channel NULL: nothing
 * to bind to. */
MUST_CHECK bool scram_server_first(struct scram_server *server, const struct scram_verifier *verifier,
                                   const struct scram_channel *channel, struct bytes client_first,
                                   const char nonce[SCRAM_NONCE_BYTES + 1], struct err *err);
/* Takes the proof, to be tried against one verifier or several of the same salt and rounds. */
MUST_CHECK bool scram_server_proof(struct scram_server *server, struct bytes client_final, struct err *err);
bool scram_server_is_right(const struct scram_server *server, const uint8_t stored_key[SHA256_BYTES]);
/* What is to be sent to whom it was right for. */
void scram_server_signature(const struct scram_server *server, const uint8_t server_key[SHA256_BYTES], char final[64]);
/* The three for the one verifier. final: what is to be sent when *is_right. */
MUST_CHECK bool scram_server_final(struct scram_server *server, struct bytes client_final, bool *is_right,
                                   char final[64], struct err *err);
