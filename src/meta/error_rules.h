/* error_rules.h -- a project's own rules of what is one error (errors/rules.h), and since when: each version counts for what
 * was received from valid_from_unix_us on, so that a replay makes the fingerprints that were made before.
 *
 *   PUT --error_rules_put--> version n, valid 5 s from now --topic--> workers have read it before it is valid
 *   record received at t --worker--> the last version with valid_from <= t
 *
 * An older version is kept for ERROR_RULES_KEEP_US after it was replaced: what a replay may still ask for.
 * That the text reads as rules is the caller's to check (rules_parse). Table: migrations/0061_issues.sql.
 * Thread: any. Errors: ERR_CONFLICT another version is there than the caller saw; ERR_TOO_LARGE; those of db.h. */
#pragma once
#include "base/arena.h"
#include "meta/db.h"

#define ERROR_RULES_TOPIC     "error_rules" /* of db_note_change */
#define ERROR_RULES_DELAY_US  INT64_C(5000000)
#define ERROR_RULES_KEEP_US   INT64_C(2592000000000) /* 30 days */
#define ERROR_RULES_BYTES_MAX (64u << 10)
struct error_rules_version {
    struct uuid project_id;
    int64_t version;                                              /* from 1; 0: there are none */
    int64_t valid_from_unix_us, replaced_unix_us, stored_unix_us; /* replaced 0: it is the latest */
    struct bytes body, author;
};
/* The latest; version 0 and an empty body when nobody wrote any. */
MUST_CHECK bool error_rules_get(struct db *db, struct uuid project_id, struct arena *arena,
                                struct error_rules_version *rules, struct err *err);
/* One that is still kept; ERR_NOT_FOUND. */
MUST_CHECK bool error_rules_get_version(struct db *db, struct uuid project_id, int64_t version, struct arena *arena,
                                        struct error_rules_version *rules, struct err *err);
/* rules: project_id, body and author are read, the rest is set. version_seen: what the caller changed; -1: whatever is there. */
MUST_CHECK bool error_rules_put(struct db_session *session, struct error_rules_version *rules, int64_t version_seen,
                                struct err *err);
/* All that are kept, of one project (NULL: of all), by project and version. each answers false to stop; borrowed for the call. */
MUST_CHECK bool error_rules_list(struct db *db, const struct uuid *project_id,
                                 bool (*each)(void *ctx, const struct error_rules_version *rules), void *ctx,
                                 struct err *err);
/* Throws away what was replaced longer ago than ERROR_RULES_KEEP_US. */
MUST_CHECK bool error_rules_expire(struct db *db, int64_t now_unix_us, struct err *err);
