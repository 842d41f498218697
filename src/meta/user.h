/* user.h -- people: who may sign in, and how.
 *
 *   users(email, name, argon2id hash, SCRAM verifier, must change, disabled)   user_identities(issuer, subject) of OIDC
 *
 * E-mail addresses are kept in lower case and are unique; they always have an '@', which no project's name has. A user
 * without a password signs in by OIDC alone. There is always one instance admin who is not disabled.
 * Thread: any. Errors: ERR_EXISTS an e-mail that is taken; ERR_NOT_FOUND; ERR_INPUT; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "meta/password/password.h"
#include "meta/password/scram.h"
struct db;
struct db_session;

#define USER_EMAIL_BYTES 255
#define USER_NAME_BYTES  128
struct user {
    struct uuid id;
    char email[USER_EMAIL_BYTES], name[USER_NAME_BYTES];
    bool is_instance_admin, is_disabled, must_change_password, has_password;
    int64_t created_unix_us, signed_in_unix_us; /* 0: never */
};
/* What is kept of a password; made outside of a transaction, for it takes 100 ms. */
struct user_password {
    char hash[PASSWORD_HASH_BYTES], scram[SCRAM_TEXT_BYTES];
};
MUST_CHECK bool user_password_make(struct password_gate *gate, struct bytes password, struct user_password *made,
                                   struct err *err);

/* In lower case; says what is wrong with it. */
MUST_CHECK bool user_email_read(struct bytes text, char email[USER_EMAIL_BYTES], struct err *err);
MUST_CHECK bool user_name_check(struct bytes name, struct err *err);

/* user: email, name, is_instance_admin, must_change_password are read; the rest is set. password NULL: none. */
MUST_CHECK bool user_create(struct db_session *session, struct user *user, const struct user_password *password,
                            struct err *err);
MUST_CHECK bool user_find(struct db *db, struct uuid id, struct user *user, struct err *err);
MUST_CHECK bool user_find_by_email(struct db *db, const char *email, struct user *user, struct err *err);
/* By e-mail, after that of the last page (empty: from the first). each answers false to stop. */
MUST_CHECK bool user_list(struct db *db, struct bytes after, uint32_t count_max,
                          bool (*each)(void *ctx, const struct user *user), void *ctx, struct err *err);
/* Sets name, is_instance_admin, is_disabled; a disabled user's sessions end. ERR_EXISTS (409) for the last instance admin. */
MUST_CHECK bool user_change(struct db_session *session, const struct user *user, struct err *err);
MUST_CHECK bool user_delete(struct db_session *session, struct uuid id, struct err *err);
MUST_CHECK bool user_set_password(struct db_session *session, struct uuid id, const struct user_password *password,
                                  bool must_change, struct err *err);
MUST_CHECK bool user_signed_in(struct db_session *session, struct uuid id, struct err *err);
/* What is kept of the password; hash empty: the user is not there, is disabled or has none. */
MUST_CHECK bool user_password_of(struct db *db, const char *email, struct uuid *id, struct user_password *password,
                                 struct err *err);
/* Would nobody be left without it? */
MUST_CHECK bool user_is_last_admin(struct db_session *session, struct uuid id, bool *is_last, struct err *err);
MUST_CHECK bool user_count(struct db_session *session, int64_t *count, struct err *err);

/* Who has signed in as that subject before; ERR_NOT_FOUND: nobody. */
MUST_CHECK bool user_find_by_identity(struct db_session *session, const char *issuer, const char *subject,
                                      struct user *user, struct err *err);
MUST_CHECK bool user_add_identity(struct db_session *session, struct uuid id, const char *issuer, const char *subject,
                                  struct err *err);
/* Inside a transaction, as user_find_by_email. */
MUST_CHECK bool user_get_by_email(struct db_session *session, const char *email, struct user *user, struct err *err);
