/* A project's settings of replays. */
#include "meta/replay_settings.h"
#include "web/api/handlers.h"
#include "web/api/people.h"

static void settings_answer(struct api_call *call, enum access_role role)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, object, "unmasked_role", role_name(role));
    api_answer(call, object);
}

void api_replay_settings_get(struct api_call *call)
{
    enum access_role role;
    struct err err = { 0 };
    if (replay_unmasked_role(call->parts->db, call->project.id, &role, &err)) {
        settings_answer(call, role);
    } else {
        api_fail(call, &err);
    }
}

struct work {
    struct uuid project_id;
    enum access_role role;
};
static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct work *work = ctx;
    return replay_unmasked_role_set(session, work->project_id, work->role, err);
}

void api_replay_settings_set(struct api_call *call)
{
    struct work work = { .project_id = call->project.id };
    struct err err = { 0 };
    if (!role_from_name(api_body_text(call, "unmasked_role"), &work.role, &err)) {
        api_fail_at(call, "/unmasked_role", "%s", err.text);
        return;
    }
    struct people_change change = { set_run,
                                    &work,
                                    { .action = "replay_settings.set",
                                      .object_kind = "project",
                                      .object = call->project.name,
                                      .project_id = &call->project.id,
                                      .details = people_details(call, yyjson_val_mut_copy(call->json, call->body)) } };
    if (people_transaction(call, &change)) settings_answer(call, work.role);
}
