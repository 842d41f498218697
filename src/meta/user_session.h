/* user_session.h -- a user who has signed in: a random token of which only a hash is kept.
 *
 *   sign in --user_session_create--> "mos_" + 43 characters (256 bits) --cookie or Bearer--> user_session_find --> actor
 *
 * Looked up in the store for every request, so that a revoked session, a disabled user and a changed role count at once,
 * in every process. Idle for 12 h or 7 d old it ends. When it was last used is written at most once a minute.
 * Unsafe requests with the cookie need the CSRF token, which is made from the session's token; those with Bearer do not.
 * Thread: any. Errors: ERR_UNAUTHENTICATED unknown, ended or revoked; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "meta/access.h"
struct db;
struct db_session;

#define USER_SESSION_PREFIX      "mos_"
#define USER_SESSION_TOKEN_BYTES 48 /* with a NUL */
#define USER_SESSION_CSRF_BYTES  44
#define USER_SESSION_COOKIE      "monoscope_session"
#define USER_SESSION_CSRF_HEADER "x-csrf-token"

/* Is this a session's token by its form? API keys have another prefix. */
bool user_session_is_token(struct bytes token);
/* Who it is. actor->address is the caller's to set. */
MUST_CHECK bool user_session_find(struct db *db, struct bytes token, struct actor *actor, struct err *err);
void user_session_csrf(struct bytes token, char csrf[USER_SESSION_CSRF_BYTES]);
/* In constant time. */
bool user_session_csrf_check(struct bytes token, struct bytes csrf);

struct user_session_origin {
    const char *address, *agent; /* where from and with what program; shown to its user */
    const char *method;          /* "password", "oidc" */
};
/* token: shown to the client, kept nowhere. */
MUST_CHECK bool user_session_create(struct db_session *session, struct uuid user_id,
                                    const struct user_session_origin *origin, char token[USER_SESSION_TOKEN_BYTES],
                                    struct uuid *session_id, struct err *err);

struct user_session_row {
    struct uuid id;
    int64_t created_unix_us, used_unix_us, ends_unix_us; /* ends: if it is not used any more */
    struct bytes address, agent, method;
};
/* Those of the user that are alive, newest first. */
MUST_CHECK bool user_session_list(struct db *db, struct uuid user_id,
                                  bool (*each)(void *ctx, const struct user_session_row *row), void *ctx,
                                  struct err *err);
/* ERR_NOT_FOUND when the user has no such session. */
MUST_CHECK bool user_session_revoke(struct db_session *session, struct uuid user_id, struct uuid session_id,
                                    struct err *err);
/* All of the user's but *keep (NULL: all). */
MUST_CHECK bool user_session_revoke_all(struct db_session *session, struct uuid user_id, const struct uuid *keep,
                                        struct err *err);
