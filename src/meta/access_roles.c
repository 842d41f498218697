#include "meta/access.h"
#include "meta/db.h"

static bool role_take(void *ctx, struct db_row *row, struct err *err)
{
    enum access_role *role = ctx;
    int64_t number = db_row_integer(row, 0); /* none: NULL, 0 */
    if (number < ROLE_NONE || number > ROLE_OWNER)
        return err_set(err, ERR_CORRUPT, "the metadata has a role that cannot be: %lld", (long long)number);
    *role = (enum access_role)number;
    return true;
}

bool access_role_of(struct db *db, const struct actor *actor, struct uuid project_id, enum access_role *role,
                    struct err *err)
{
    *role = ROLE_NONE;
    if (actor->is_instance_admin) {
        *role = ROLE_INSTANCE_ADMIN;
        return true;
    }
    if (actor->kind == ACTOR_KEY && uuid_equal(actor->project_id, project_id))
        *role = actor->scopes & META_SCOPE_ADMIN ? ROLE_ADMIN : ROLE_VIEWER;
    if (actor->kind == ACTOR_SHARE && uuid_equal(actor->project_id, project_id)) *role = ROLE_VIEWER;
    if (actor->kind != ACTOR_USER) return true;
    return db_read(db,
                   "SELECT max(role) FROM (SELECT role FROM project_members WHERE project_id = $1 AND user_id = $2"
                   " UNION ALL SELECT t.role FROM project_teams t JOIN team_members m ON m.team_id = t.team_id"
                   " WHERE t.project_id = $1 AND m.user_id = $2) AS roles",
                   DB_VALUES(db_uuid(project_id), db_uuid(actor->user_id)), role_take, role, err);
}

struct roles {
    bool (*each)(void *ctx, struct uuid project_id, enum access_role role);
    void *ctx;
    bool is_over;
};

static bool role_tell(void *ctx, struct db_row *row, struct err *err)
{
    struct roles *roles = ctx;
    int64_t number = db_row_integer(row, 1);
    if (number <= ROLE_NONE || number > ROLE_OWNER)
        return err_set(err, ERR_CORRUPT, "the metadata has a role that cannot be: %lld", (long long)number);
    if (!roles->is_over) roles->is_over = !roles->each(roles->ctx, db_row_uuid(row, 0), (enum access_role)number);
    return true;
}

bool access_roles_list(struct db *db, struct uuid user_id,
                       bool (*each)(void *ctx, struct uuid project_id, enum access_role role), void *ctx,
                       struct err *err)
{
    struct roles roles = { .each = each, .ctx = ctx };
    return db_read(db,
                   "SELECT project_id, max(role) FROM (SELECT project_id, role FROM project_members WHERE user_id = $1"
                   " UNION ALL SELECT t.project_id, t.role FROM project_teams t JOIN team_members m"
                   " ON m.team_id = t.team_id WHERE m.user_id = $1) AS roles GROUP BY project_id",
                   DB_VALUES(db_uuid(user_id)), role_tell, &roles, err);
}

bool access_check(struct db *db, const struct actor *actor, enum permission permission, const struct uuid *project_id,
                  struct err *err)
{
    enum access_role role = ROLE_NONE;
    if (permission_rule(permission)->reach == REACH_PROJECT) {
        assert(project_id != NULL);
        if (actor->kind != ACTOR_NOBODY && !actor->must_change_password &&
            !access_role_of(db, actor, *project_id, &role, err))
            return false;
    }
    return access_decide(actor, permission, role, err);
}

bool access_project(struct meta *meta, struct db *db, const struct actor *actor, enum permission permission,
                    struct bytes name_or_id, struct meta_project *project, struct err *err)
{
    struct err why = { 0 };
    struct uuid id = { 0 }; /* one that is not there takes the same way, and as long, as one of others */
    bool is_there = meta_project_find(meta, name_or_id, project, &why);
    if (is_there) id = project->id;
    if (!is_there && why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    bool may = access_check(db, actor, permission, &id, &why);
    if (is_there && may) return true;
    memset(project, 0, sizeof *project);
    if (may || why.code == ERR_NOT_FOUND) return access_no_project(name_or_id, err);
    *err = why;
    return false;
}
