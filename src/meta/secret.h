/* secret.h -- random bytes that all processes of an installation share, by name: for keyed hashes and signatures.
 *
 *   secret_find(db, "keys") --first time: made, in the database--> 32 bytes, the same for every process
 *
 * They are in the metadata, so that a second ingest process or a restored backup knows the same keys. Who reads the database
 * reads them too: they keep hashes from being of use to who has the hashes alone (a log, a topic, a table, an answer).
 * Thread: any. Errors: those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
struct db;
struct db_session;

#define SECRET_BYTES 32
MUST_CHECK bool secret_find(struct db *db, const char *name, uint8_t secret[SECRET_BYTES], struct err *err);
/* The same inside a transaction. */
MUST_CHECK bool secret_take(struct db_session *session, const char *name, uint8_t secret[SECRET_BYTES],
                            struct err *err);
