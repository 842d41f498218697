/* accounts_inside.h -- what the files of accounts share. Not for other folders. */
#pragma once
#include "meta/accounts.h"
#include "meta/audit.h"
#include "meta/db.h"
#include "meta/secret.h"
#include "meta/throttle.h"
#include "meta/user.h"

struct accounts {
    struct db *db;
    struct meta *meta;
    const struct log *log;
    struct password_gate *gate;
    struct throttle *throttle;
    struct accounts_rules rules;
    struct accounts_counters counters;
    uint8_t nobody[SECRET_BYTES]; /* makes the verifiers of users who are not there */
};

/* In one transaction: the session, the user's last sign-in, the audit row. signed_in->actor is whole after. */
MUST_CHECK bool accounts_let_in(struct accounts *accounts, struct db_session *session, const struct user *user,
                                const struct accounts_from *from, const char *method, struct signed_in *signed_in,
                                struct err *err);
/* A refused try goes to the audit log. */
void accounts_refused(struct accounts *accounts, const char *email, const char *address, const char *method,
                      const char *why);
/* May this be tried now? Counts those that may not. email: as it was sent. */
MUST_CHECK bool accounts_may_try(struct accounts *accounts, struct bytes email, const char *address, struct err *err);
void accounts_tried(struct accounts *accounts, struct bytes email, const char *address, bool is_right);
