/* share.h -- links that open one range of a project's time, read-only, to who has them.
 *
 *   share_insert --> "mol_" + 43 characters (256 bits), shown once --/s/TOKEN, a cookie--> share_find --> struct actor, its range
 *
 * Looked up in the store for every request, so that a link that was revoked, or whose maker may not share any more (disabled,
 * deleted, below an editor's role), opens nothing from the next request on, in every process. Of the token only an HMAC is
 * kept, with a secret of the installation (secret.h, SHARE_SECRET).
 * Thread: any. Errors: ERR_UNAUTHENTICATED unknown, expired or revoked; ERR_FORBIDDEN the project shares nothing; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "meta/access.h"
#include "meta/saved_view.h"
#include "meta/secret.h"
struct db;
struct db_session;

#define SHARE_SECRET      "shares"
#define SHARE_PREFIX      "mol_"
#define SHARE_TOKEN_BYTES 48 /* with a NUL */
#define SHARE_COOKIE      "monoscope_share"
#define SHARE_TITLE_BYTES 256
#define SHARES_MAX        1000 /* of a project, at a time */

struct share {
    struct uuid id, project_id;
    struct uuid owner_id; /* zero: made by a key */
    char owner_name[ACTOR_NAME_BYTES];
    char title[SHARE_TITLE_BYTES];
    char address[SAVED_VIEW_ADDRESS_BYTES]; /* as a saved view's, without a time */
    int64_t from_unix_us, to_unix_us;       /* absolute; to not included */
    int64_t created_unix_us, expires_unix_us;
};
bool share_is_token(struct bytes token);

/* Sets id, created and the token, which is kept nowhere. The caller has checked the address. ERR_FORBIDDEN the project shares
 * nothing; ERR_TOO_LARGE over SHARES_MAX. */
MUST_CHECK bool share_insert(struct db_session *session, const uint8_t secret[SECRET_BYTES], struct share *share,
                             char token[SHARE_TOKEN_BYTES], struct err *err);
/* Whose link it is and what it opens; for the actor (ACTOR_SHARE) all but its address. */
MUST_CHECK bool share_find(struct db *db, const uint8_t secret[SECRET_BYTES], struct bytes token, struct share *share,
                           struct actor *actor, struct err *err);
/* Those that have not expired, oldest first, behind *after (NULL: from the first; created_unix_us and id of it count). */
MUST_CHECK bool share_list(struct db *db, struct uuid project_id, const struct share *after, uint32_t limit,
                           bool (*each)(void *ctx, const struct share *share), void *ctx, struct err *err);
/* One of the project, also an expired one; ERR_NOT_FOUND. */
MUST_CHECK bool share_get(struct db_session *session, struct uuid project_id, struct uuid id, struct share *share,
                          struct err *err);
MUST_CHECK bool share_revoke(struct db_session *session, struct uuid project_id, struct uuid id, struct err *err);

/* May links be made and opened in the project? At first they may. */
MUST_CHECK bool share_is_on(struct db *db, struct uuid project_id, bool *is_on, struct err *err);
MUST_CHECK bool share_set_on(struct db_session *session, struct uuid project_id, bool is_on, struct err *err);
