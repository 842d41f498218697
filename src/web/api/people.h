/* people.h -- what the handlers of users, sessions, teams and members share. Thread: the call's. */
#pragma once
#include "meta/audit.h"
#include "meta/db.h"
#include "meta/team.h"
#include "meta/user.h"
#include "web/api/handlers.h"

/* {user} of the path: an id or an e-mail address. False: it was answered. */
MUST_CHECK bool people_user(struct api_call *call, struct user *user);
/* {team}: its id. */
MUST_CHECK bool people_team(struct api_call *call, struct team *team);
yyjson_mut_val *people_user_json(struct api_call *call, const struct user *user);
/* Runs the change and writes the audit row in one transaction; false: it was answered. */
struct people_change {
    db_work_fn *run;
    void *ctx;
    struct audit_event event;
};
MUST_CHECK bool people_transaction(struct api_call *call, const struct people_change *change);
/* Details of an audit row: a JSON object, in the arena; too long a one becomes {}. */
struct bytes people_details(struct api_call *call, yyjson_mut_val *object);
