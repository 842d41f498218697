/* replay_settings.h -- a project's settings of replays: from which role on recordings are shown with the texts that pages left unmasked.
 *
 * ROLE_VIEWER, which is everyone who may read the project's telemetry, where nothing was set. Table: migrations/0095_replay_settings.sql.
 * Thread: any. Errors: as db.h has them. */
#pragma once
#include "meta/access.h"
#include "meta/db.h"

MUST_CHECK bool replay_unmasked_role(struct db *db, struct uuid project_id, enum access_role *role, struct err *err);
MUST_CHECK bool replay_unmasked_role_set(struct db_session *session, struct uuid project_id, enum access_role role,
                                         struct err *err);
