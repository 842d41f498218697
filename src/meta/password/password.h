/* password.h -- what is kept of a user's password to sign in with: an argon2id hash, as text ("$argon2id$v=19$m=...").
 *
 *   19 MiB, 2 passes, 1 lane (OWASP's first choice); the text names its own, so that they can grow later.
 *
 * A hash takes some 20 ms and 19 MiB: at most PASSWORDS_AT_ONCE run at once, a few more wait, the rest hear ERR_BUSY, so
 * that guessing takes neither the memory nor the machine.
 * Thread: any; calls block. Memory: as above. Errors: ERR_INPUT what a password must be; ERR_BUSY; ERR_CORRUPT.
 * Source: RFC 9106; OWASP Password Storage Cheat Sheet. The only includer of libargon2. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define PASSWORD_BYTES_MIN  12
#define PASSWORD_BYTES_MAX  256
#define PASSWORD_HASH_BYTES 128
#define PASSWORD_ONCE_BYTES 24 /* "7HfK2-..." with a NUL */
#define PASSWORDS_AT_ONCE   2
#define PASSWORDS_WAITING   16

struct password_gate; /* how many hash at once */
struct password_gate *password_gate_create(void);
void password_gate_destroy(struct password_gate *gate); /* NULL is fine; nobody is hashing */

/* May it become the password of the user with that e-mail? Says what is wrong. */
MUST_CHECK bool password_check(struct bytes password, const char *email, struct err *err);
/* A random one for one sign-in: 20 characters of 31, 99 bits, in groups of five. */
void password_once(char password[PASSWORD_ONCE_BYTES]);
MUST_CHECK bool password_hash(struct password_gate *gate, struct bytes password, char hash[PASSWORD_HASH_BYTES],
                              struct err *err);
/* hash NULL: of a user that is not there, or has no password: takes as long, and is never right. */
MUST_CHECK bool password_verify(struct password_gate *gate, const char *hash, struct bytes password, bool *is_right,
                                struct err *err);
