/* redaction_rule.h -- what a project does not want kept: its rules, as people write them and as they are stored.
 *
 *   {name, finds, pattern, does}      finds                    pattern
 *                                     attribute  by its name   a glob: "user.email", "http.request.header.*"
 *                                     value      by its text   a regular expression (RE2): "ACME-[0-9]{8}"
 *                                     built_in   known secrets "credentials", "tokens", "cards" or "emails"
 *                                     element    of a page     a simple selector: ".chat", "input[name=card]"; in recordings alone
 *
 * ingest/redaction makes matchers of them; docs/redaction.md says what they do.
 * Thread: values. Errors: ERR_INPUT says what is wrong with a rule. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"

enum redaction_finds {
    REDACTION_ATTRIBUTE,
    REDACTION_VALUE,
    REDACTION_BUILT_IN,
    REDACTION_ELEMENT,
    REDACTION_FINDS_COUNT
};
enum redaction_does {
    REDACTION_DROP, /* the attribute goes; where there is none (a body, a name), the text that was found */
    REDACTION_MASK, /* "[redacted]" */
    REDACTION_HASH, /* "hmac:" and 16 hex digits: equal values stay equal, within a project */
    REDACTION_DOES_COUNT
};
enum redaction_built_in {
    REDACTION_CREDENTIALS,
    REDACTION_TOKENS,
    REDACTION_CARDS,
    REDACTION_EMAILS,
    REDACTION_BUILT_IN_COUNT
};
extern const char *const redaction_finds_names[REDACTION_FINDS_COUNT];
extern const char *const redaction_does_names[REDACTION_DOES_COUNT];
extern const char *const redaction_built_in_names[REDACTION_BUILT_IN_COUNT];

#define REDACTION_RULES_MAX     64 /* of a project */
#define REDACTION_PATTERN_BYTES 512
struct redaction_rule {
    struct uuid id, project_id;
    char name[64]; /* unique in its project; for people and for counts */
    enum redaction_finds finds;
    enum redaction_does does;
    bool is_on;
    char pattern[REDACTION_PATTERN_BYTES];
    int64_t created_unix_us;
};
/* False: there is none of that name. */
bool redaction_built_in_read(const char *name, enum redaction_built_in *built_in);
struct db;
struct db_session;
#define REDACTION_TOPIC "redaction" /* of db_note_change */
/* All of one project or (NULL) of all, a project's in their order. each answers false to stop. */
MUST_CHECK bool redaction_rule_list(struct db *db, const struct uuid *project_id,
                                    bool (*each)(void *ctx, const struct redaction_rule *rule, uint64_t found_30_days),
                                    void *ctx, struct err *err);
/* A new one comes last. ERR_EXISTS for the name, ERR_TOO_LARGE over REDACTION_RULES_MAX. Checked before. */
MUST_CHECK bool redaction_rule_insert(struct db_session *session, struct redaction_rule *rule, struct err *err);
/* One of the project; ERR_NOT_FOUND. */
MUST_CHECK bool redaction_rule_find(struct db_session *session, struct uuid project_id, struct uuid id,
                                    struct redaction_rule *rule, uint64_t *found_30_days, struct err *err);
MUST_CHECK bool redaction_rule_update(struct db_session *session, const struct redaction_rule *rule, struct err *err);
MUST_CHECK bool redaction_rule_delete(struct db_session *session, struct uuid project_id, struct uuid id,
                                      struct err *err);
/* found: of one rule on one day, added to what is there. */
struct redaction_found {
    struct uuid rule_id;
    uint64_t found;
};
MUST_CHECK bool redaction_found_add(struct db *db, int64_t day, const struct redaction_found *found, size_t count,
                                    struct err *err);
/* All but the regular expression and the selector, which ingest/redaction knows how to read. */
MUST_CHECK bool redaction_rule_check(const struct redaction_rule *rule, struct err *err);
