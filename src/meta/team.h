/* team.h -- groups of users, so that a project is given to all of them at once.
 *
 *   user --team_members--> team --project_teams(role)--> project         user --project_members(role)--> project
 *
 * A user's role in a project is the highest of its own and its teams'.
 * Roles that OIDC groups give (accounts.h) are kept apart from those that people give: a sign-in changes only the former.
 * Thread: any; changes inside a transaction. Errors: ERR_EXISTS, ERR_NOT_FOUND, ERR_INPUT; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "meta/access.h"
struct db;
struct db_session;

#define TEAM_NAME_BYTES 64
struct team {
    struct uuid id;
    char name[TEAM_NAME_BYTES]; /* unique */
    int64_t created_unix_us, member_count;
};
MUST_CHECK bool team_create(struct db_session *session, struct bytes name, struct team *team, struct err *err);
MUST_CHECK bool team_find(struct db *db, struct uuid id, struct team *team, struct err *err);
MUST_CHECK bool team_rename(struct db_session *session, struct uuid id, struct bytes name, struct err *err);
MUST_CHECK bool team_delete(struct db_session *session, struct uuid id, struct err *err);
/* By name, after that of the last page. each answers false to stop. */
MUST_CHECK bool team_list(struct db *db, struct bytes after, uint32_t count_max,
                          bool (*each)(void *ctx, const struct team *team), void *ctx, struct err *err);
/* Adding one who is in it, and removing one who is not, change nothing. */
MUST_CHECK bool team_add(struct db_session *session, struct uuid id, struct uuid user_id, struct err *err);
MUST_CHECK bool team_remove(struct db_session *session, struct uuid id, struct uuid user_id, struct err *err);

enum member_kind { MEMBER_USER, MEMBER_TEAM };
struct member {
    enum member_kind kind;
    struct uuid id;
    struct bytes name; /* e-mail, or the team's name */
    enum access_role role;
    bool is_by_oidc;
};
/* The team's users by e-mail: kind, id and name. */
MUST_CHECK bool team_member_list(struct db *db, struct uuid id, struct bytes after, uint32_t count_max,
                                 bool (*each)(void *ctx, const struct member *member), void *ctx, struct err *err);

/* The project's users and teams, by name. */
MUST_CHECK bool member_list(struct db *db, struct uuid project_id, struct bytes after, uint32_t count_max,
                            bool (*each)(void *ctx, const struct member *member), void *ctx, struct err *err);
/* The role that was given by people; ROLE_NONE: none. */
MUST_CHECK bool member_role(struct db_session *session, struct uuid project_id, enum member_kind kind, struct uuid id,
                            enum access_role *role, struct err *err);
/* ROLE_NONE takes it away. */
MUST_CHECK bool member_set(struct db_session *session, struct uuid project_id, enum member_kind kind, struct uuid id,
                           enum access_role role, struct err *err);
/* All roles of the user that came by OIDC, for those it has now. */
struct member_grant {
    struct uuid project_id;
    enum access_role role;
};
MUST_CHECK bool member_set_by_oidc(struct db_session *session, struct uuid user_id, const struct member_grant *grants,
                                   uint32_t grant_count, struct err *err);
/* Each project that the user has a role in, with the highest. */
MUST_CHECK bool member_projects(struct db *db, struct uuid user_id,
                                bool (*each)(void *ctx, struct uuid project_id, enum access_role role), void *ctx,
                                struct err *err);
