/* audit.h -- who changed what, and who signed in or was refused: written with the change, never changed after.
 *
 *   handler --db_transaction--> { the change, audit_write } --commit--> both or neither
 *
 * There is no statement that updates or deletes a row of it, and triggers refuse any (migration 0020).
 * Details are JSON without secrets: no passwords, keys, tokens, hashes of them.
 * Thread: as struct db_session. Errors: those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct actor;
struct db;
struct db_session;

struct audit_event {
    const char *action;            /* "key.create", "project.rename", "session.sign_in" */
    const char *object_kind;       /* "key"; NULL: none */
    const char *object;            /* its id or name, as text; NULL: none */
    const struct uuid *project_id; /* NULL: not about one project */
    bool is_refused;               /* it was tried and not allowed */
    struct bytes details;          /* a JSON object, at most AUDIT_DETAILS_BYTES_MAX; empty: none */
};
#define AUDIT_DETAILS_BYTES_MAX 4096

/* Inside the transaction of the change. */
MUST_CHECK bool audit_write(struct db_session *session, const struct actor *actor, const struct audit_event *event,
                            struct err *err);
/* In a transaction of its own: what is refused changes nothing else. */
MUST_CHECK bool audit_write_alone(struct db *db, const struct actor *actor, const struct audit_event *event,
                                  struct err *err);

/* As rows have it: "user", "key" ...; its id, all zeros where it has none. */
const char *audit_actor_kind(const struct actor *actor);
struct uuid audit_actor_id(const struct actor *actor);

struct audit_row {
    int64_t number, at_unix_us;
    const char *actor_kind; /* "user", "key", "operator", "share", "nobody" */
    struct bytes actor_id, actor_name, action, object_kind, object, address, details; /* empty: none */
    struct uuid project_id;
    bool has_project, is_refused;
};
struct audit_filter {
    const struct uuid *project_id;      /* NULL: all */
    int64_t before;                     /* row numbers below this; 0: from the newest */
    int64_t from_unix_us, to_unix_us;   /* [from, to); to 0: now */
    struct bytes action, actor, object; /* action: a whole one, or a kind such as "key."; empty: all */
    uint32_t count_max;
};
/* Newest first. each answers false to stop. Borrowed for the call. */
MUST_CHECK bool audit_list(struct db *db, const struct audit_filter *filter,
                           bool (*each)(void *ctx, const struct audit_row *row), void *ctx, struct err *err);
