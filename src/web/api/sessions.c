/* Sessions: signing in and out by the API, and where one is signed in. */
#include "meta/accounts.h"
#include "meta/user_session.h"
#include "web/api/people.h"

void api_session_create(struct api_call *call)
{
    struct signed_in in;
    struct err err = { 0 };
    struct bytes agent = api_request_header(call, "user-agent");
    const struct accounts_from from = { call->actor->address,
                                        arena_printf(call->arena, "%.*s", (int)agent.len, (const char *)agent.ptr) };
    if (!accounts_sign_in(call->parts->accounts, api_body_text(call, "email"), api_body_text(call, "password"), &from,
                          &in, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    api_put_uuid(call, answer, "id", in.actor.session_id);
    yyjson_mut_obj_add_strcpy(call->json, answer, "token", in.token);
    api_put_uuid(call, answer, "user_id", in.actor.user_id);
    yyjson_mut_obj_add_bool(call->json, answer, "must_change_password", in.actor.must_change_password);
    api_answer(call, answer);
}

struct session_listing {
    struct api_call *call;
    yyjson_mut_val *items;
};
static bool session_add(void *ctx, const struct user_session_row *row)
{
    struct session_listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", row->id);
    yyjson_mut_obj_add_bool(call->json, object, "is_this", uuid_equal(row->id, call->actor->session_id));
    api_put_text(call, object, "method", row->method);
    api_put_text(call, object, "address", row->address);
    api_put_text(call, object, "agent", row->agent);
    api_put_time(call, object, "created_at", row->created_unix_us);
    api_put_time(call, object, "used_at", row->used_unix_us);
    api_put_time(call, object, "ends_at", row->ends_unix_us);
    return yyjson_mut_arr_append(listing->items, object);
}

void api_session_list(struct api_call *call)
{
    struct session_listing listing = { call, yyjson_mut_arr(call->json) };
    struct err err = { 0 };
    if (!user_session_list(call->parts->db, call->actor->user_id, session_add, &listing, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_val(call->json, answer, "items", listing.items);
    api_answer(call, answer);
}

struct session_end {
    const struct api_call *call;
    struct uuid id;
};
static bool session_end_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct session_end *end = ctx;
    return user_session_revoke(session, end->call->actor->user_id, end->id, err);
}

void api_session_end(struct api_call *call)
{
    struct session_end end = { .call = call };
    char id[UUID_TEXT_BYTES + 1];
    if (!api_path_uuid(call, "session", &end.id)) return;
    uuid_to_text(end.id, id);
    struct people_change change = { session_end_run,
                                    &end,
                                    { .action = "session.revoke", .object_kind = "session", .object = id } };
    if (people_transaction(call, &change)) api_answer_none(call);
}

void api_session_end_this(struct api_call *call)
{
    struct err err = { 0 };
    if (accounts_sign_out(call->parts->accounts, call->actor, &err)) {
        api_answer_none(call);
    } else {
        api_fail(call, &err);
    }
}
