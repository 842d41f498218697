#include "meta/accounts_inside.h"
#include "meta/meta.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* -- rules ------------------------------------------------------------------------------------------------------- */

static bool rule_read(const char *text, struct accounts_rule *rule, struct err *err)
{
    struct bytes rest = bytes_of_text(text);
    const char *equals = strrchr(text, '='); /* a group may have one in its name: "cn=sre,..." may not, for the comma */
    const char *at = equals ? strchr(equals, '@') : NULL;
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof rule->group)
        return err_set(err, ERR_INPUT, "\"%.80s\" is no rule: GROUP=ROLE@PROJECT or GROUP=instance-admin", text);
    memcpy(rule->group, text, (size_t)(equals - text));
    rest = bytes_from(equals + 1, strlen(equals + 1));
    if (bytes_equal(rest, BYTES("instance-admin"))) {
        rule->role = ROLE_INSTANCE_ADMIN;
        return true;
    }
    if (!at || at[1] == '\0' || strlen(at + 1) >= sizeof rule->project)
        return err_set(err, ERR_INPUT, "\"%.80s\" names no project: GROUP=ROLE@PROJECT or GROUP=instance-admin", text);
    strcpy(rule->project, at + 1);
    return role_from_name(bytes_from(equals + 1, (size_t)(at - equals - 1)), &rule->role, err);
}

bool accounts_rules_read(const char *text, struct accounts_rules *rules, struct err *err)
{
    *rules = (struct accounts_rules){ .rules = mem_calloc(ACCOUNTS_RULES_MAX, sizeof *rules->rules) };
    char *copy = mem_strdup(text), *rest = copy, *word;
    bool ok = true;
    while (ok && (word = strsep(&rest, ",")) != NULL) {
        while (isspace((unsigned char)*word)) word++;
        for (size_t len = strlen(word); len > 0 && isspace((unsigned char)word[len - 1]); len--) word[len - 1] = '\0';
        if (*word == '\0') continue;
        ok = rules->rule_count < ACCOUNTS_RULES_MAX ||
             err_set(err, ERR_INPUT, "there are more than %d rules", ACCOUNTS_RULES_MAX);
        ok = ok && rule_read(word, &rules->rules[rules->rule_count], err);
        if (ok && rules->rules[rules->rule_count].role == ROLE_INSTANCE_ADMIN) rules->has_instance_admin = true;
        rules->rule_count += ok;
    }
    free(copy);
    if (!ok) {
        accounts_rules_deinit(rules);
        return err_within(err, "--oidc-roles");
    }
    return true;
}

void accounts_rules_deinit(struct accounts_rules *rules)
{
    free(rules->rules);
    *rules = (struct accounts_rules){ 0 };
}

static bool rule_holds(const struct accounts_rule *rule, const struct accounts_person *person)
{
    if (strcmp(rule->group, "*") == 0) return true;
    for (uint32_t g = 0; g < person->group_count; g++)
        if (strcmp(rule->group, person->groups[g]) == 0) return true;
    return false;
}

/* -- sign in ----------------------------------------------------------------------------------------------------- */

struct arrival {
    struct accounts *accounts;
    const struct accounts_person *person;
    const struct accounts_from *from;
    const char *email; /* checked; empty: none */
    struct member_grant *grants;
    uint32_t grant_count;
    bool is_instance_admin;
    struct user user;
    struct signed_in *signed_in;
};

static bool user_arrives(struct db_session *session, struct arrival *arrival, struct err *err)
{
    const struct accounts_person *person = arrival->person;
    struct err missing = { 0 };
    if (user_find_by_identity(session, person->issuer, person->subject, &arrival->user, &missing)) return true;
    if (missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return false;
    }
    if (arrival->email[0] == '\0')
        return err_set(err, ERR_FORBIDDEN, "the identity provider tells no e-mail address: it takes the scope `email`");
    if (!person->is_email_verified)
        return err_set(err, ERR_FORBIDDEN, "the identity provider has not verified this e-mail address");
    if (!user_get_by_email(session, arrival->email, &arrival->user, &missing)) {
        if (missing.code != ERR_NOT_FOUND) {
            *err = missing;
            return false;
        }
        arrival->user = (struct user){ .must_change_password = false };
        struct err bad_name = { 0 };
        strcpy(arrival->user.email, arrival->email);
        if (user_name_check(bytes_of_text(person->name), &bad_name))
            snprintf(arrival->user.name, sizeof arrival->user.name, "%s", person->name);
        struct actor self = { .kind = ACTOR_NOBODY };
        snprintf(self.name, sizeof self.name, "%s", arrival->email);
        snprintf(self.address, sizeof self.address, "%s", arrival->from->address ? arrival->from->address : "");
        struct audit_event event = { .action = "user.create",
                                     .object_kind = "user",
                                     .object = arrival->email,
                                     .details = BYTES("{\"method\":\"oidc\"}") };
        if (!user_create(session, &arrival->user, NULL, err) || !audit_write(session, &self, &event, err)) return false;
    }
    return user_add_identity(session, arrival->user.id, person->issuer, person->subject, err);
}

/* A group makes an instance admin. Who has a password was made one by people, and stays one; so does the last. */
static bool instance_admin_follows(struct db_session *session, struct arrival *arrival, struct err *err)
{
    struct user wanted = arrival->user;
    bool is_last = false;
    if (!arrival->accounts->rules.has_instance_admin || wanted.is_instance_admin == arrival->is_instance_admin ||
        (wanted.is_instance_admin && wanted.has_password))
        return true;
    if (wanted.is_instance_admin && !user_is_last_admin(session, wanted.id, &is_last, err)) return false;
    if (is_last) return true;
    wanted.is_instance_admin = arrival->is_instance_admin;
    if (!user_change(session, &wanted, err)) return false;
    arrival->user = wanted;
    struct actor self = { .kind = ACTOR_USER, .user_id = wanted.id };
    snprintf(self.name, sizeof self.name, "%s", wanted.email);
    struct audit_event event = { .action = "user.change",
                                 .object_kind = "user",
                                 .object = wanted.email,
                                 .details = wanted.is_instance_admin
                                                ? BYTES("{\"is_instance_admin\":true,\"by\":\"oidc\"}")
                                                : BYTES("{\"is_instance_admin\":false,\"by\":\"oidc\"}") };
    return audit_write(session, &self, &event, err);
}

static bool arrival_run(struct db_session *session, void *ctx, struct err *err)
{
    struct arrival *arrival = ctx;
    if (!user_arrives(session, arrival, err)) return false;
    if (arrival->user.is_disabled) return err_set(err, ERR_FORBIDDEN, "this user may not sign in any more");
    return instance_admin_follows(session, arrival, err) &&
           member_set_by_oidc(session, arrival->user.id, arrival->grants, arrival->grant_count, err) &&
           accounts_let_in(arrival->accounts, session, &arrival->user, arrival->from, "oidc", arrival->signed_in, err);
}

bool accounts_sign_in_by_oidc(struct accounts *accounts, const struct accounts_person *person,
                              const struct accounts_from *from, struct signed_in *signed_in, struct err *err)
{
    char email[USER_EMAIL_BYTES] = "";
    struct err no_email = { 0 };
    struct arrival arrival = {
        .accounts = accounts, .person = person, .from = from, .email = email, .signed_in = signed_in
    };
    memset(signed_in, 0, sizeof *signed_in);
    if (!user_email_read(bytes_of_text(person->email), email, &no_email)) email[0] = '\0';
    arrival.grants = mem_calloc(accounts->rules.rule_count + 1, sizeof *arrival.grants);
    for (uint32_t r = 0; r < accounts->rules.rule_count; r++) {
        const struct accounts_rule *rule = &accounts->rules.rules[r];
        struct meta_project project;
        struct err no_project = { 0 };
        if (!rule_holds(rule, person)) continue;
        if (rule->role == ROLE_INSTANCE_ADMIN) {
            arrival.is_instance_admin = true;
        } else if (meta_project_find(accounts->meta, bytes_of_text(rule->project), &project, &no_project)) {
            arrival.grants[arrival.grant_count++] = (struct member_grant){ project.id, rule->role };
        } else {
            log_warn(accounts->log, "accounts.oidc_rule_without_project", log_text("project", rule->project),
                     log_text("group", rule->group));
        }
    }
    bool ok = db_transaction(accounts->db, arrival_run, &arrival, err);
    free(arrival.grants);
    if (ok) {
        atomic_fetch_add(&accounts->counters.signed_in, 1);
    } else if (err->code == ERR_FORBIDDEN) {
        atomic_fetch_add(&accounts->counters.refused, 1);
        accounts_refused(accounts, email[0] ? email : person->subject, from->address, "oidc", "not allowed in");
    }
    return ok;
}

void accounts_oidc_refused(struct accounts *accounts, const char *address, const char *why)
{
    atomic_fetch_add(&accounts->counters.refused, 1);
    accounts_refused(accounts, "?", address, "oidc", why);
}
