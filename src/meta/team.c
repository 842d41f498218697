#include "meta/team.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "meta/db.h"

#define TEAM_COLUMNS "t.id, t.name, t.created_unix_us, (SELECT count(*) FROM team_members m WHERE m.team_id = t.id)"

static bool name_check(struct bytes name, struct err *err)
{
    bool good = name.len > 0 && name.len < TEAM_NAME_BYTES && utf8_is_valid(name);
    for (size_t i = 0; good && i < name.len; i++) good = name.ptr[i] >= ' ' && name.ptr[i] != 0x7F;
    return good || err_set(err, ERR_INPUT, "a team's name has 1 to %d bytes of UTF-8 and no control characters",
                           TEAM_NAME_BYTES - 1);
}

static bool no_team(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such team");
}

static bool name_is_taken(struct bytes name, struct err *err)
{
    return err->code == ERR_EXISTS
               ? err_set(err, ERR_EXISTS, "there is a team \"%.*s\" already", (int)name.len, (const char *)name.ptr)
               : false;
}

bool team_create(struct db_session *session, struct bytes name, struct team *team, struct err *err)
{
    if (!name_check(name, err)) return false;
    *team = (struct team){ .id = uuid_by_time(), .created_unix_us = clock_unix_us() };
    memcpy(team->name, name.ptr, name.len);
    return db_run(session, "INSERT INTO teams(id, name, created_unix_us) VALUES($1, $2, $3)",
                  DB_VALUES(db_uuid(team->id), db_text_bytes(name), db_integer(team->created_unix_us)), NULL, NULL,
                  NULL, err) ||
           name_is_taken(name, err);
}

bool team_rename(struct db_session *session, struct uuid id, struct bytes name, struct err *err)
{
    int64_t changed = 0;
    if (!name_check(name, err)) return false;
    if (!db_run(session, "UPDATE teams SET name = $2 WHERE id = $1", DB_VALUES(db_uuid(id), db_text_bytes(name)), NULL,
                NULL, &changed, err))
        return name_is_taken(name, err);
    return changed == 1 || no_team(err);
}

bool team_delete(struct db_session *session, struct uuid id, struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "DELETE FROM teams WHERE id = $1", DB_VALUES(db_uuid(id)), NULL, NULL, &changed, err) &&
           (changed == 1 || no_team(err));
}

struct listing {
    bool (*each_team)(void *ctx, const struct team *team);
    bool (*each_member)(void *ctx, const struct member *member);
    bool (*each_project)(void *ctx, struct uuid project_id, enum access_role role);
    void *ctx;
    bool is_over;
    uint32_t count;
};
static bool team_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct team team = { .id = db_row_uuid(row, 0) };
    (void)err;
    db_row_text_copy(row, 1, team.name, sizeof team.name);
    team.created_unix_us = db_row_integer(row, 2);
    team.member_count = db_row_integer(row, 3);
    listing->count++;
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each_team(listing->ctx, &team);
    return true;
}

static bool team_keep(void *ctx, const struct team *team)
{
    *(struct team *)ctx = *team;
    return true;
}

bool team_find(struct db *db, struct uuid id, struct team *team, struct err *err)
{
    struct listing listing = { .each_team = team_keep, .ctx = team };
    return db_read(db, "SELECT " TEAM_COLUMNS " FROM teams t WHERE t.id = $1", DB_VALUES(db_uuid(id)), team_row,
                   &listing, err) &&
           (listing.count == 1 || no_team(err));
}

bool team_list(struct db *db, struct bytes after, uint32_t count_max, bool (*each)(void *ctx, const struct team *team),
               void *ctx, struct err *err)
{
    struct listing listing = { .each_team = each, .ctx = ctx };
    return db_read(db, "SELECT " TEAM_COLUMNS " FROM teams t WHERE t.name > $1 ORDER BY t.name LIMIT $2",
                   DB_VALUES(db_text_bytes(after), db_integer(count_max)), team_row, &listing, err);
}

bool team_add(struct db_session *session, struct uuid id, struct uuid user_id, struct err *err)
{
    bool ok = db_run(session, "INSERT INTO team_members(team_id, user_id) VALUES($1, $2) ON CONFLICT DO NOTHING",
                     DB_VALUES(db_uuid(id), db_uuid(user_id)), NULL, NULL, NULL, err);
    if (!ok && err->code == ERR_NOT_FOUND) err_set(err, ERR_NOT_FOUND, "there is no such team, or no such user");
    return ok;
}

bool team_remove(struct db_session *session, struct uuid id, struct uuid user_id, struct err *err)
{
    return db_run(session, "DELETE FROM team_members WHERE team_id = $1 AND user_id = $2",
                  DB_VALUES(db_uuid(id), db_uuid(user_id)), NULL, NULL, NULL, err);
}

/* -- members ----------------------------------------------------------------------------------------------------- */

static bool role_read(struct db_row *row, size_t at, enum access_role *role)
{
    int64_t number = db_row_integer(row, at);
    if (number < ROLE_NONE || number > ROLE_OWNER) row->is_bad = true;
    *role = row->is_bad ? ROLE_NONE : (enum access_role)number;
    return !row->is_bad;
}

static bool member_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct member member = { .kind = db_row_integer(row, 0) == 0 ? MEMBER_USER : MEMBER_TEAM,
                             .id = db_row_uuid(row, 1),
                             .name = db_row_text(row, 2),
                             .is_by_oidc = db_row_boolean(row, 4) };
    (void)err;
    if (!role_read(row, 3, &member.role)) return true;
    if (!listing->is_over) listing->is_over = !listing->each_member(listing->ctx, &member);
    return true;
}

bool team_member_list(struct db *db, struct uuid id, struct bytes after, uint32_t count_max,
                      bool (*each)(void *ctx, const struct member *member), void *ctx, struct err *err)
{
    struct listing listing = { .each_member = each, .ctx = ctx };
    return db_read(db,
                   "SELECT 0, u.id, u.email, 0, 0 FROM team_members m JOIN users u ON u.id = m.user_id"
                   " WHERE m.team_id = $1 AND u.email > $2 ORDER BY u.email LIMIT $3",
                   DB_VALUES(db_uuid(id), db_text_bytes(after), db_integer(count_max)), member_row, &listing, err);
}

bool member_list(struct db *db, struct uuid project_id, struct bytes after, uint32_t count_max,
                 bool (*each)(void *ctx, const struct member *member), void *ctx, struct err *err)
{
    struct listing listing = { .each_member = each, .ctx = ctx };
    /* A user with a role of each kind shows the higher one; a team never has a user's name: that has an '@'. */
    return db_read(db,
                   "SELECT kind, id, name, role, is_by_oidc FROM ("
                   "SELECT 0 AS kind, u.id AS id, u.email AS name, max(m.role) AS role, min(m.is_by_oidc) AS is_by_oidc"
                   " FROM project_members m JOIN users u ON u.id = m.user_id WHERE m.project_id = $1"
                   " GROUP BY u.id, u.email UNION ALL "
                   "SELECT 1, t.id, t.name, m.role, 0 FROM project_teams m JOIN teams t ON t.id = m.team_id"
                   " WHERE m.project_id = $1) AS members WHERE name > $2 ORDER BY name LIMIT $3",
                   DB_VALUES(db_uuid(project_id), db_text_bytes(after), db_integer(count_max)), member_row, &listing,
                   err);
}

static bool role_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    role_read(row, 0, ctx);
    return true;
}

bool member_role(struct db_session *session, struct uuid project_id, enum member_kind kind, struct uuid id,
                 enum access_role *role, struct err *err)
{
    *role = ROLE_NONE;
    return kind == MEMBER_USER
               ? db_run(session,
                        "SELECT role FROM project_members WHERE project_id = $1 AND user_id = $2 AND is_by_oidc = 0",
                        DB_VALUES(db_uuid(project_id), db_uuid(id)), role_row, role, NULL, err)
               : db_run(session, "SELECT role FROM project_teams WHERE project_id = $1 AND team_id = $2",
                        DB_VALUES(db_uuid(project_id), db_uuid(id)), role_row, role, NULL, err);
}

static bool member_drop(struct db_session *session, struct uuid project_id, enum member_kind kind, struct uuid id,
                        struct err *err)
{
    int64_t changed = 0;
    bool ok =
        kind == MEMBER_USER
            ? db_run(session, "DELETE FROM project_members WHERE project_id = $1 AND user_id = $2 AND is_by_oidc = 0",
                     DB_VALUES(db_uuid(project_id), db_uuid(id)), NULL, NULL, &changed, err)
            : db_run(session, "DELETE FROM project_teams WHERE project_id = $1 AND team_id = $2",
                     DB_VALUES(db_uuid(project_id), db_uuid(id)), NULL, NULL, &changed, err);
    return ok && (changed == 1 || err_set(err, ERR_NOT_FOUND, "there is no such member"));
}

bool member_set(struct db_session *session, struct uuid project_id, enum member_kind kind, struct uuid id,
                enum access_role role, struct err *err)
{
    assert(role <= ROLE_OWNER);
    if (role == ROLE_NONE) return member_drop(session, project_id, kind, id, err);
    bool ok = kind == MEMBER_USER
                  ? db_run(session,
                           "INSERT INTO project_members(project_id, user_id, is_by_oidc, role) VALUES($1, $2, 0, $3)"
                           " ON CONFLICT(project_id, user_id, is_by_oidc) DO UPDATE SET role = excluded.role",
                           DB_VALUES(db_uuid(project_id), db_uuid(id), db_integer(role)), NULL, NULL, NULL, err)
                  : db_run(session,
                           "INSERT INTO project_teams(project_id, team_id, role) VALUES($1, $2, $3)"
                           " ON CONFLICT(project_id, team_id) DO UPDATE SET role = excluded.role",
                           DB_VALUES(db_uuid(project_id), db_uuid(id), db_integer(role)), NULL, NULL, NULL, err);
    if (!ok && err->code == ERR_NOT_FOUND) err_set(err, ERR_NOT_FOUND, "there is no such user or team");
    return ok;
}

bool member_set_by_oidc(struct db_session *session, struct uuid user_id, const struct member_grant *grants,
                        uint32_t grant_count, struct err *err)
{
    if (!db_run(session, "DELETE FROM project_members WHERE user_id = $1 AND is_by_oidc = 1",
                DB_VALUES(db_uuid(user_id)), NULL, NULL, NULL, err))
        return false;
    for (uint32_t g = 0; g < grant_count; g++)
        if (!db_run(session,
                    "INSERT INTO project_members(project_id, user_id, is_by_oidc, role) VALUES($1, $2, 1, $3)"
                    " ON CONFLICT(project_id, user_id, is_by_oidc) DO UPDATE SET role ="
                    " CASE WHEN excluded.role > project_members.role THEN excluded.role ELSE project_members.role END",
                    DB_VALUES(db_uuid(grants[g].project_id), db_uuid(user_id), db_integer(grants[g].role)), NULL, NULL,
                    NULL, err))
            return false;
    return true;
}

static bool project_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    enum access_role role;
    struct uuid id = db_row_uuid(row, 0);
    (void)err;
    if (role_read(row, 1, &role) && !listing->is_over)
        listing->is_over = !listing->each_project(listing->ctx, id, role);
    return true;
}

bool member_projects(struct db *db, struct uuid user_id,
                     bool (*each)(void *ctx, struct uuid project_id, enum access_role role), void *ctx, struct err *err)
{
    struct listing listing = { .each_project = each, .ctx = ctx };
    return db_read(db,
                   "SELECT project_id, max(role) FROM (SELECT project_id, role FROM project_members WHERE user_id = $1"
                   " UNION ALL SELECT t.project_id, t.role FROM project_teams t"
                   " JOIN team_members m ON m.team_id = t.team_id WHERE m.user_id = $1) AS roles GROUP BY project_id",
                   DB_VALUES(db_uuid(user_id)), project_row, &listing, err);
}
