#include "meta/access.h"

static const struct permission_rule rules[PERMISSION_COUNT] = {
#define X(rule_name, rule_reach, role, scopes, words) \
    [PERMISSION_##rule_name] = { #rule_name, rule_reach, role, scopes, words },
    PERMISSIONS(X)
#undef X
};
static const char *const role_names[ROLE_COUNT] = { "none", "viewer", "editor", "admin", "owner", "instance admin" };

const struct permission_rule *permission_rule(enum permission permission)
{
    assert(permission < PERMISSION_COUNT);
    return &rules[permission];
}

const char *role_name(enum access_role role)
{
    assert(role < ROLE_COUNT);
    return role_names[role];
}

bool role_from_name(struct bytes name, enum access_role *role, struct err *err)
{
    for (enum access_role r = ROLE_VIEWER; r <= ROLE_OWNER; r++) {
        if (!bytes_equal(name, bytes_of_text(role_names[r]))) continue;
        *role = r;
        return true;
    }
    return err_set(err, ERR_INPUT, "\"%.*s\" is no role; there are viewer, editor, admin and owner",
                   (int)(name.len < 40 ? name.len : 40), (const char *)name.ptr);
}

struct actor actor_operator(void)
{
    return (struct actor){ .kind = ACTOR_OPERATOR, .is_instance_admin = true, .name = "operator" };
}

bool access_no_project(struct bytes name_or_id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no project \"%.*s\"", (int)(name_or_id.len < 64 ? name_or_id.len : 64),
                   (const char *)name_or_id.ptr);
}

static bool key_decide(const struct actor *actor, const struct permission_rule *rule, enum access_role role,
                       struct err *err)
{
    switch (rule->reach) {
    case REACH_PUBLIC:
    case REACH_ANYONE: return true;
    case REACH_USER:
    case REACH_INSTANCE:
        return err_set(err, ERR_FORBIDDEN, "an API key cannot do this (%s): sign in as a user", rule->text);
    case REACH_PROJECT: break;
    }
    if (role == ROLE_NONE) return err_set(err, ERR_NOT_FOUND, "there is no such project");
    if (actor->scopes & rule->key_scopes) return true;
    if (rule->key_scopes == 0)
        return err_set(err, ERR_FORBIDDEN, "an API key cannot do this (%s): sign in as a user", rule->text);
    const char *wanted = rule->key_scopes & META_SCOPE_INGEST  ? "ingest"
                         : rule->key_scopes & META_SCOPE_QUERY ? "query"
                                                               : "admin";
    bool or_admin = rule->key_scopes & META_SCOPE_ADMIN && rule->key_scopes != META_SCOPE_ADMIN;
    return err_set(err, ERR_FORBIDDEN, "this API key is not for this (%s): it takes one with scope %s%s", rule->text,
                   wanted, or_admin ? " or admin" : "");
}

static bool share_decide(const struct permission_rule *rule, enum access_role role, struct err *err)
{
    if (rule->reach == REACH_PUBLIC || rule->reach == REACH_ANYONE) return true;
    if (rule->reach == REACH_PROJECT && role == ROLE_NONE)
        return err_set(err, ERR_NOT_FOUND, "there is no such project");
    return rule == &rules[PERMISSION_QUERY] ||
           err_set(err, ERR_FORBIDDEN, "a shared link is for reading; for this (%s) sign in", rule->text);
}

static bool user_decide(const struct actor *actor, const struct permission_rule *rule, enum access_role role,
                        struct err *err)
{
    if (rule->reach == REACH_PUBLIC) return true;
    if (actor->must_change_password && rule != &rules[PERMISSION_PASSWORD])
        return err_set(err, ERR_FORBIDDEN, "this password was made for one sign-in: change it first, at /account");
    if (rule->reach == REACH_ANYONE || rule->reach == REACH_USER || actor->is_instance_admin) return true;
    if (rule->reach == REACH_INSTANCE)
        return err_set(err, ERR_FORBIDDEN, "only an instance admin may do this (%s)", rule->text);
    if (role == ROLE_NONE) return err_set(err, ERR_NOT_FOUND, "there is no such project");
    if (role >= rule->role_min) return true;
    return err_set(err, ERR_FORBIDDEN, "your role in this project is %s; this (%s) takes %s", role_names[role],
                   rule->text, role_names[rule->role_min]);
}

bool access_decide(const struct actor *actor, enum permission permission, enum access_role role, struct err *err)
{
    const struct permission_rule *rule = permission_rule(permission);
    switch (actor->kind) {
    case ACTOR_OPERATOR:
        return rule->reach != REACH_USER ||
               err_set(err, ERR_FORBIDDEN, "the operator is no user: sign in to do this (%s)", rule->text);
    case ACTOR_KEY: return key_decide(actor, rule, role, err);
    case ACTOR_USER: return user_decide(actor, rule, role, err);
    case ACTOR_SHARE: return share_decide(rule, role, err);
    case ACTOR_NOBODY: break;
    }
    return rule->reach == REACH_PUBLIC ||
           err_set(err, ERR_UNAUTHENTICATED,
                   "this needs `authorization: Bearer KEY` with an API key, or a session: sign in at /sign-in");
}
