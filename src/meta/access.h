/* access.h -- who may do what: the one place that decides, for every route, tool and protocol.
 *
 *   credential --key or session--> struct actor --access_check(permission, project)--> yes | 401 | 403 | 404
 *                                        '-- role in the project: its own or its teams', whichever is higher
 *
 * An actor is a user with a session, an API key, the operator at the command line (who has the files anyway), or who has a
 * link (share.h): that one may QUERY one project and nothing else, and of its rows those of the link's time.
 * A permission asks for a role in one project, or is the instance's; the list below is all there is, and docs/accounts.md
 * prints it (access_test compares). An instance admin may do everything in every project.
 * A project that the actor has no role in answers exactly as one that does not exist: ERR_NOT_FOUND, in the same words.
 * Thread: any. Memory: none. Errors: ERR_UNAUTHENTICATED nobody, ERR_FORBIDDEN too low a role, ERR_NOT_FOUND; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "meta/meta.h"
struct db;

enum access_role { ROLE_NONE, ROLE_VIEWER, ROLE_EDITOR, ROLE_ADMIN, ROLE_OWNER, ROLE_INSTANCE_ADMIN, ROLE_COUNT };

/* How far a permission reaches. */
enum access_reach {
    REACH_PUBLIC,   /* nobody needs to be signed in */
    REACH_ANYONE,   /* any actor */
    REACH_USER,     /* a user with a session, about itself */
    REACH_INSTANCE, /* an instance admin or the operator; keys never */
    REACH_PROJECT,  /* the role in that project, or a key of it with one of the scopes */
};
/* reach, lowest role, scopes of which a key needs one */
#define PERMISSIONS(X)                                                                                               \
    X(PUBLIC, REACH_PUBLIC, ROLE_NONE, 0, "health, version, sign in")                                                \
    X(SIGNED_IN, REACH_ANYONE, ROLE_NONE, 0, "list the projects one has a role in; say who one is")                  \
    X(SELF, REACH_USER, ROLE_NONE, 0, "see oneself and one's sessions, revoke them")                                 \
    X(PASSWORD, REACH_USER, ROLE_NONE, 0, "change one's password, sign out")                                         \
    X(TEAM_READ, REACH_USER, ROLE_NONE, 0, "see the teams")                                                          \
    X(PROJECT_CREATE, REACH_INSTANCE, ROLE_INSTANCE_ADMIN, 0, "make a project")                                      \
    X(USER_MANAGE, REACH_INSTANCE, ROLE_INSTANCE_ADMIN, 0, "list, make, change, disable users")                      \
    X(TEAM_MANAGE, REACH_INSTANCE, ROLE_INSTANCE_ADMIN, 0, "make, change, delete teams")                             \
    X(AUDIT_READ_ALL, REACH_INSTANCE, ROLE_INSTANCE_ADMIN, 0, "read the whole audit log")                            \
    X(PROJECT_READ, REACH_PROJECT, ROLE_VIEWER, META_SCOPE_QUERY | META_SCOPE_ADMIN,                                 \
      "see the project's name, retention, usage")                                                                    \
    X(QUERY, REACH_PROJECT, ROLE_VIEWER, META_SCOPE_QUERY, "read its telemetry")                                     \
    X(LIMIT_READ, REACH_PROJECT, ROLE_VIEWER, META_SCOPE_QUERY | META_SCOPE_ADMIN, "see its limits")                 \
    X(MEMBER_READ, REACH_PROJECT, ROLE_VIEWER, META_SCOPE_ADMIN, "see its members")                                  \
    X(VIEW_SAVE, REACH_PROJECT, ROLE_VIEWER, META_SCOPE_ADMIN, "save views, change and delete one's own")            \
    X(INGEST, REACH_PROJECT, ROLE_EDITOR, META_SCOPE_INGEST, "send telemetry")                                       \
    X(DATA_WRITE, REACH_PROJECT, ROLE_EDITOR, META_SCOPE_INGEST | META_SCOPE_ADMIN, "INSERT and DELETE by SQL")      \
    X(CONTENT_WRITE, REACH_PROJECT, ROLE_EDITOR, META_SCOPE_ADMIN, "make and change what people share in it")        \
    X(REDACTION_READ, REACH_PROJECT, ROLE_EDITOR, META_SCOPE_ADMIN, "see its redaction rules")                       \
    X(PROJECT_WRITE, REACH_PROJECT, ROLE_ADMIN, META_SCOPE_ADMIN,                                                    \
      "rename it, set its retention and its language model")                                                         \
    X(MEMBER_WRITE, REACH_PROJECT, ROLE_ADMIN, META_SCOPE_ADMIN, "add, change, remove members up to one's own role") \
    X(KEY_READ, REACH_PROJECT, ROLE_ADMIN, META_SCOPE_ADMIN, "list its API keys")                                    \
    X(KEY_WRITE, REACH_PROJECT, ROLE_ADMIN, META_SCOPE_ADMIN, "make and revoke its API keys")                        \
    X(REDACTION_WRITE, REACH_PROJECT, ROLE_ADMIN, META_SCOPE_ADMIN, "set its redaction rules")                       \
    X(AUDIT_READ, REACH_PROJECT, ROLE_ADMIN, META_SCOPE_ADMIN, "read its part of the audit log")                     \
    X(PROJECT_DELETE, REACH_PROJECT, ROLE_OWNER, 0, "delete it")                                                     \
    X(LIMIT_WRITE, REACH_PROJECT, ROLE_INSTANCE_ADMIN, 0, "set its limits")

enum permission {
#define X(name, reach, role, scopes, text) PERMISSION_##name,
    PERMISSIONS(X)
#undef X
        PERMISSION_COUNT
};
struct permission_rule {
    const char *name; /* "KEY_WRITE" */
    enum access_reach reach;
    enum access_role role_min;
    uint32_t key_scopes;
    const char *text; /* "make and revoke its API keys" */
};
const struct permission_rule *permission_rule(enum permission permission);

enum actor_kind { ACTOR_NOBODY, ACTOR_USER, ACTOR_KEY, ACTOR_OPERATOR, ACTOR_SHARE };
#define ACTOR_NAME_BYTES 256
struct actor {
    enum actor_kind kind;
    struct uuid user_id, session_id; /* ACTOR_USER */
    bool is_instance_admin, must_change_password;
    struct uuid key_id, project_id;   /* ACTOR_KEY, ACTOR_SHARE: its project */
    uint32_t scopes;                  /* ACTOR_KEY: of enum meta_scope */
    struct uuid share_id;             /* ACTOR_SHARE */
    int64_t from_unix_us, to_unix_us; /* ACTOR_SHARE: rows of these times alone ... */
    int64_t ends_unix_us;             /* ... and until then */
    char name[ACTOR_NAME_BYTES];      /* e-mail, the key's name, or who made the link: for the audit log */
    char address[64];                 /* where it speaks from, as text; empty at the command line */
};
/* The operator: commands beside the server. */
struct actor actor_operator(void);

/* May it? project_id: of the project that the permission is about; NULL for a permission that is not REACH_PROJECT. */
MUST_CHECK bool access_check(struct db *db, const struct actor *actor, enum permission permission,
                             const struct uuid *project_id, struct err *err);
/* The project of a path or a connection, by name or id, if the actor may; one it may not see is not there. */
MUST_CHECK bool access_project(struct meta *meta, struct db *db, const struct actor *actor, enum permission permission,
                               struct bytes name_or_id, struct meta_project *project, struct err *err);
/* The answer for a project that is not there, or must not be seen; always false. */
bool access_no_project(struct bytes name_or_id, struct err *err);
/* The actor's role in the project; ROLE_NONE: none. A key with scope admin has ROLE_ADMIN in its own. */
MUST_CHECK bool access_role_of(struct db *db, const struct actor *actor, struct uuid project_id, enum access_role *role,
                               struct err *err);

/* The projects that a user has a role in, and which; each answers false to stop. By no order. */
MUST_CHECK bool access_roles_list(struct db *db, struct uuid user_id,
                                  bool (*each)(void *ctx, struct uuid project_id, enum access_role role), void *ctx,
                                  struct err *err);

/* The rule alone, when the role is known: what access_check decides by. */
MUST_CHECK bool access_decide(const struct actor *actor, enum permission permission, enum access_role role,
                              struct err *err);
const char *role_name(enum access_role role); /* "viewer"; of ROLE_NONE "none" */
MUST_CHECK bool role_from_name(struct bytes name, enum access_role *role, struct err *err); /* viewer to owner */
