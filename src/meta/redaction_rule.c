#include "meta/redaction_rule.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "meta/db.h"

const char *const redaction_finds_names[REDACTION_FINDS_COUNT] = { "attribute", "value", "built_in", "element" };
const char *const redaction_does_names[REDACTION_DOES_COUNT] = { "drop", "mask", "hash" };
const char *const redaction_built_in_names[REDACTION_BUILT_IN_COUNT] = { "credentials", "tokens", "cards", "emails" };

bool redaction_built_in_read(const char *name, enum redaction_built_in *built_in)
{
    for (int i = 0; i < REDACTION_BUILT_IN_COUNT; i++) {
        if (strcmp(redaction_built_in_names[i], name) != 0) continue;
        *built_in = (enum redaction_built_in)i;
        return true;
    }
    return false;
}

static bool is_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((uint8_t)*c < ' ' || *c == 0x7F) return false;
    }
    return utf8_is_valid(bytes_of_text(text));
}

bool redaction_rule_check(const struct redaction_rule *rule, struct err *err)
{
    enum redaction_built_in built_in;
    if (rule->name[0] == '\0' || !is_line(rule->name)) {
        return err_set(err, ERR_INPUT, "a rule's name takes 1 to 63 bytes of text without control characters");
    }
    if (rule->pattern[0] == '\0' || !is_line(rule->pattern)) {
        return err_set(err, ERR_INPUT,
                       "rule \"%s\": a pattern takes 1 to %d bytes of text without control characters (in a regular "
                       "expression: \\n, \\t)",
                       rule->name, REDACTION_PATTERN_BYTES - 1);
    }
    if (rule->finds == REDACTION_BUILT_IN && !redaction_built_in_read(rule->pattern, &built_in)) {
        return err_set(err, ERR_INPUT,
                       "rule \"%s\": \"%.40s\" is not built in; there are credentials, tokens, cards and emails",
                       rule->name, rule->pattern);
    }
    return true;
}

/* ---- kept ---- */

struct listing {
    bool (*each)(void *ctx, const struct redaction_rule *rule, uint64_t found_30_days);
    void *ctx;
    bool is_stopped; /* each wants no more: that ends the reading, and is no failure */
};

static bool row_read(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct redaction_rule rule = { .id = db_row_uuid(row, 0), .project_id = db_row_uuid(row, 1) };
    int64_t finds = db_row_integer(row, 3), does = db_row_integer(row, 5);
    db_row_text_copy(row, 2, rule.name, sizeof rule.name);
    db_row_text_copy(row, 4, rule.pattern, sizeof rule.pattern);
    if (finds < 0 || finds >= REDACTION_FINDS_COUNT || does < 0 || does >= REDACTION_DOES_COUNT)
        return err_set(err, ERR_CORRUPT, "redaction rule \"%s\" has a number that nobody writes", rule.name);
    rule.finds = (enum redaction_finds)finds;
    rule.does = (enum redaction_does)does;
    rule.is_on = db_row_boolean(row, 6);
    rule.created_unix_us = db_row_integer(row, 7);
    listing->is_stopped = !listing->each(listing->ctx, &rule, (uint64_t)db_row_integer(row, 8));
    return !listing->is_stopped;
}

#define SELECT                                                                                               \
    "SELECT id, project_id, name, finds, pattern, does, is_on, created_unix_us,"                             \
    " CAST(coalesce((SELECT sum(found) FROM redaction_finds WHERE rule_id = id AND day > $1), 0) AS bigint)" \
    " FROM redaction_rules"

bool redaction_rule_list(struct db *db, const struct uuid *project_id,
                         bool (*each)(void *ctx, const struct redaction_rule *rule, uint64_t found_30_days), void *ctx,
                         struct err *err)
{
    struct listing listing = { .each = each, .ctx = ctx };
    struct db_value since = db_integer(clock_unix_us() / INT64_C(86400000000) - 30);
    bool ok = project_id == NULL
                  ? db_read(db, SELECT " ORDER BY project_id, place, id", DB_VALUES(since), row_read, &listing, err)
                  : db_read(db, SELECT " WHERE project_id = $2 ORDER BY place, id",
                            DB_VALUES(since, db_uuid(*project_id)), row_read, &listing, err);
    return ok || listing.is_stopped;
}

struct finding {
    struct redaction_rule *rule;
    uint64_t *found;
    bool is_there;
};

static bool rule_take(void *ctx, const struct redaction_rule *rule, uint64_t found)
{
    struct finding *finding = ctx;
    *finding->rule = *rule;
    *finding->found = found;
    finding->is_there = true;
    return true;
}

bool redaction_rule_find(struct db_session *session, struct uuid project_id, struct uuid id,
                         struct redaction_rule *rule, uint64_t *found_30_days, struct err *err)
{
    struct finding finding = { rule, found_30_days, false };
    struct listing listing = { .each = rule_take, .ctx = &finding };
    struct db_value since = db_integer(clock_unix_us() / INT64_C(86400000000) - 30);
    if (!db_run(session, SELECT " WHERE project_id = $2 AND id = $3",
                DB_VALUES(since, db_uuid(project_id), db_uuid(id)), row_read, &listing, NULL, err))
        return false;
    return finding.is_there || err_set(err, ERR_NOT_FOUND, "there is no such rule");
}

struct place {
    int64_t count, next;
};

static bool place_read(void *ctx, struct db_row *row, struct err *err)
{
    struct place *place = ctx;
    (void)err;
    *place = (struct place){ db_row_integer(row, 0), db_row_integer(row, 1) };
    return true;
}

static bool exists_tell(const struct redaction_rule *rule, struct err *err)
{
    if (err->code != ERR_EXISTS) return false;
    return err_set(err, ERR_EXISTS, "there is already a rule \"%s\" in this project", rule->name);
}

bool redaction_rule_insert(struct db_session *session, struct redaction_rule *rule, struct err *err)
{
    struct place place = { 0 };
    if (!db_run(session, "SELECT count(*), coalesce(max(place), 0) + 1 FROM redaction_rules WHERE project_id = $1",
                DB_VALUES(db_uuid(rule->project_id)), place_read, &place, NULL, err))
        return false;
    if (place.count >= REDACTION_RULES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a project has at most %d redaction rules", REDACTION_RULES_MAX);
    rule->id = uuid_random();
    rule->created_unix_us = clock_unix_us();
    return (db_run(
                session,
                "INSERT INTO redaction_rules(id, project_id, name, place, finds, pattern, does, is_on, created_unix_us)"
                " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                DB_VALUES(db_uuid(rule->id), db_uuid(rule->project_id), db_text(rule->name), db_integer(place.next),
                          db_integer(rule->finds), db_text(rule->pattern), db_integer(rule->does),
                          db_boolean(rule->is_on), db_integer(rule->created_unix_us)),
                NULL, NULL, NULL, err) ||
            exists_tell(rule, err)) &&
           db_note_change(session, REDACTION_TOPIC, err);
}

bool redaction_rule_update(struct db_session *session, const struct redaction_rule *rule, struct err *err)
{
    int64_t changed;
    if (!db_run(session,
                "UPDATE redaction_rules SET name = $3, finds = $4, pattern = $5, does = $6, is_on = $7"
                " WHERE id = $1 AND project_id = $2",
                DB_VALUES(db_uuid(rule->id), db_uuid(rule->project_id), db_text(rule->name), db_integer(rule->finds),
                          db_text(rule->pattern), db_integer(rule->does), db_boolean(rule->is_on)),
                NULL, NULL, &changed, err))
        return exists_tell(rule, err);
    if (changed != 1) return err_set(err, ERR_NOT_FOUND, "there is no such rule");
    return db_note_change(session, REDACTION_TOPIC, err);
}

bool redaction_rule_delete(struct db_session *session, struct uuid project_id, struct uuid id, struct err *err)
{
    int64_t changed;
    if (!db_run(session, "DELETE FROM redaction_rules WHERE id = $1 AND project_id = $2",
                DB_VALUES(db_uuid(id), db_uuid(project_id)), NULL, NULL, &changed, err))
        return false;
    if (changed != 1) return err_set(err, ERR_NOT_FOUND, "there is no such rule");
    return db_note_change(session, REDACTION_TOPIC, err);
}

struct adding {
    struct db_value *values;
    size_t count;
};

/* A rule that was deleted meanwhile counts no more. */
static bool add_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct adding *adding = ctx;
    return db_run_many(session,
                       "INSERT INTO redaction_finds(rule_id, day, found) SELECT id, $2, $3 FROM redaction_rules"
                       " WHERE id = $1 ON CONFLICT(rule_id, day) DO UPDATE"
                       " SET found = redaction_finds.found + excluded.found",
                       adding->values, 3, adding->count, NULL, err);
}

bool redaction_found_add(struct db *db, int64_t day, const struct redaction_found *found, size_t count, struct err *err)
{
    struct adding adding = { mem_alloc((3 * count + 1) * sizeof(struct db_value)), count };
    for (size_t f = 0; f < count; f++) {
        adding.values[3 * f] = db_uuid(found[f].rule_id);
        adding.values[3 * f + 1] = db_integer(day);
        adding.values[3 * f + 2] = db_integer((int64_t)found[f].found);
    }
    bool ok = count == 0 || db_transaction_adding(db, add_run, &adding, err);
    free(adding.values);
    return ok;
}
