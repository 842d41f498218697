/* accounts.h -- signing in: by password, by OIDC, on the SQL port; the first admin; changing passwords.
 *
 *   web, API --accounts_sign_in-->  throttle --> argon2id --> user_session --> token
 *   pgwire   --accounts_sql_begin-> throttle --> SCRAM verifier ...  accounts_sql_end --> project, may it write
 *   OIDC     --accounts_sign_in_by_oidc--> user by (issuer, subject), or by verified e-mail, or a new one; roles of its groups
 *
 * Every sign-in, right or refused, is in the audit log; those that the throttle turns away are only counted.
 * What an unknown e-mail hears, and how long it waits, is what a wrong password hears.
 * Thread: any; calls block (argon2id, the database). Errors: ERR_UNAUTHENTICATED, ERR_QUOTA (throttle), ERR_BUSY, ERR_INPUT. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "meta/access.h"
#include "meta/password/password.h"
#include "meta/password/scram.h"
#include "meta/team.h"
#include "meta/user_session.h"
#include <stdatomic.h>
struct accounts;
struct db;
struct meta;

/* What a group of the identity provider is worth here. */
#define ACCOUNTS_GROUP_BYTES 128
struct accounts_rule {
    char group[ACCOUNTS_GROUP_BYTES]; /* "*": everyone who signs in by OIDC */
    enum access_role role;            /* ROLE_INSTANCE_ADMIN: of the instance */
    char project[64];                 /* by name */
};
#define ACCOUNTS_RULES_MAX 256
struct accounts_rules {
    struct accounts_rule *rules;
    uint32_t rule_count;
    bool has_instance_admin;
};
/* "sre=editor@shop, platform=instance-admin, *=viewer@shop". */
MUST_CHECK bool accounts_rules_read(const char *text, struct accounts_rules *rules, struct err *err);
void accounts_rules_deinit(struct accounts_rules *rules);

struct accounts_options {
    struct db *db;
    struct meta *meta;
    const char *oidc_roles; /* as accounts_rules_read; NULL or empty: none */
    const struct log *log;
};
MUST_CHECK bool accounts_open(struct accounts **accounts, const struct accounts_options *options, struct err *err);
void accounts_close(struct accounts *accounts); /* NULL is fine */
struct db *accounts_db(const struct accounts *accounts);
struct password_gate *accounts_gate(const struct accounts *accounts);

/* Where nobody is yet: an instance admin with a password for one sign-in, to be shown once. Else password is empty. */
MUST_CHECK bool accounts_begin(struct accounts *accounts, const char *email, char password[PASSWORD_ONCE_BYTES],
                               struct err *err);

struct accounts_from {
    const char *address, *agent;
};
struct signed_in {
    char token[USER_SESSION_TOKEN_BYTES];
    struct actor actor;
};
MUST_CHECK bool accounts_sign_in(struct accounts *accounts, struct bytes email, struct bytes password,
                                 const struct accounts_from *from, struct signed_in *signed_in, struct err *err);
MUST_CHECK bool accounts_sign_out(struct accounts *accounts, const struct actor *actor, struct err *err);
/* Ends the user's other sessions. ERR_FORBIDDEN: the current password is wrong. */
MUST_CHECK bool accounts_change_password(struct accounts *accounts, const struct actor *actor, struct bytes current,
                                         struct bytes wanted, struct err *err);
/* A new password for one sign-in, to be shown once; ends all sessions of the user. */
MUST_CHECK bool accounts_reset_password(struct accounts *accounts, const struct actor *by, struct uuid user_id,
                                        char password[PASSWORD_ONCE_BYTES], struct err *err);

/* What a checked ID token says of a person. */
struct accounts_person {
    const char *issuer, *subject;
    const char *email, *name; /* empty: not told */
    bool is_email_verified;
    const char *const *groups;
    uint32_t group_count;
};
MUST_CHECK bool accounts_sign_in_by_oidc(struct accounts *accounts, const struct accounts_person *person,
                                         const struct accounts_from *from, struct signed_in *signed_in,
                                         struct err *err);
/* An OIDC sign-in that went wrong before there was a person: for the audit log. */
void accounts_oidc_refused(struct accounts *accounts, const char *address, const char *why);

/* Throttled; a user who is not there gets a verifier too. */
MUST_CHECK bool accounts_sql_begin(struct accounts *accounts, struct bytes email, const char *address,
                                   struct scram_verifier *verifier, struct err *err);
struct accounts_sql {
    struct uuid user_id, project_id;
    bool can_write;
};
/* is_right: the proof was. database: a project's name or id. */
MUST_CHECK bool accounts_sql_end(struct accounts *accounts, struct bytes email, const char *address, bool is_right,
                                 struct bytes database, struct accounts_sql *sql, struct err *err);
/* Is that still so? Asked now and then while the connection lives. */
MUST_CHECK bool accounts_sql_still(struct accounts *accounts, const struct accounts_sql *sql, struct err *err);

struct accounts_counters {
    atomic_uint_fast64_t signed_in, refused, throttled;
};
struct accounts_counters *accounts_counters(struct accounts *accounts);
