#include "meta/replay_settings.h"

static bool role_row(void *ctx, struct db_row *row, struct err *err)
{
    int64_t number = db_row_integer(row, 0);
    if (number <= ROLE_NONE || number > ROLE_OWNER)
        return err_set(err, ERR_CORRUPT, "the metadata has a role that cannot be: %lld", (long long)number);
    *(enum access_role *)ctx = (enum access_role)number;
    return true;
}

bool replay_unmasked_role(struct db *db, struct uuid project_id, enum access_role *role, struct err *err)
{
    *role = ROLE_VIEWER;
    return db_read(db, "SELECT unmasked_role FROM replay_settings WHERE project_id = $1",
                   DB_VALUES(db_uuid(project_id)), role_row, role, err);
}

bool replay_unmasked_role_set(struct db_session *session, struct uuid project_id, enum access_role role,
                              struct err *err)
{
    return db_run(session,
                  "INSERT INTO replay_settings(project_id, unmasked_role) VALUES ($1, $2) ON CONFLICT (project_id) DO "
                  "UPDATE SET unmasked_role = excluded.unmasked_role",
                  DB_VALUES(db_uuid(project_id), db_integer(role)), NULL, NULL, NULL, err);
}
