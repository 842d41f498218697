/* Links that open one range of a project's time to who has them (meta/share.h). */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "meta/share.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/page_form.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_US      (86400 * 1000000ll)
#define LIFE_US     (7 * DAY_US)
#define LIFE_US_MAX (90 * DAY_US)
#define SECOND_US   1000000ll

static bool is_own(const struct api_call *call, const struct share *share)
{
    return call->actor->kind == ACTOR_USER && uuid_equal(call->actor->user_id, share->owner_id);
}

static bool is_admin(struct api_call *call)
{
    struct err ignored = { 0 };
    return access_check(call->parts->db, call->actor, PERMISSION_PROJECT_WRITE, &call->project.id, &ignored);
}

static yyjson_mut_val *share_json(struct api_call *call, const struct share *share, bool can_revoke)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", share->id);
    api_put_text(call, object, "title", bytes_of_text(share->title));
    api_put_text(call, object, "address", bytes_of_text(share->address));
    api_put_time(call, object, "from", share->from_unix_us);
    api_put_time(call, object, "to", share->to_unix_us);
    api_put_text(call, object, "owner", bytes_of_text(share->owner_name));
    yyjson_mut_obj_add_bool(call->json, object, "is_own", is_own(call, share));
    yyjson_mut_obj_add_bool(call->json, object, "can_revoke", can_revoke);
    api_put_time(call, object, "created_at", share->created_unix_us);
    api_put_time(call, object, "expires_at", share->expires_unix_us);
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
    bool is_admin;
};
static bool share_add(void *ctx, const struct share *share)
{
    struct listing *listing = ctx;
    char id[UUID_TEXT_BYTES + 1];
    const struct bytes number = api_page_number(listing->call, share->created_unix_us);
    uuid_to_text(share->id, id);
    const struct bytes keys[] = { number, bytes_of_text(id) };
    bool can_revoke = listing->is_admin || is_own(listing->call, share);
    return api_page_add(listing->page, share_json(listing->call, share, can_revoke), keys);
}

void api_share_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    struct share *after = arena_calloc(call->arena, sizeof *after);
    if (!api_page_read(call, 2, &page) || !api_page_place(&page, &after->created_unix_us, &after->id)) return;
    struct listing listing = { call, &page, is_admin(call) };
    if (share_list(call->parts->db, call->project.id, page.is_first ? NULL : after, page.limit + 1, share_add, &listing,
                   &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

/* The address without what the link itself says: its time, and what a link cannot have. */
static void address_take(struct bytes from, char address[SAVED_VIEW_ADDRESS_BYTES])
{
    static const char *const left_out[] = { "from", "to", "live", "view" };
    const uint8_t *question = memchr(from.ptr, '?', from.len);
    size_t at = question ? (size_t)(question - from.ptr) : from.len, len = at;
    char before = '?';
    memcpy(address, from.ptr, at);
    for (size_t end; at < from.len; at = end) {
        struct bytes rest = bytes_from(from.ptr + at + 1, from.len - at - 1);
        const uint8_t *next = rest.len > 0 ? memchr(rest.ptr, '&', rest.len) : NULL;
        struct bytes pair = bytes_from(rest.ptr, next ? (size_t)(next - rest.ptr) : rest.len);
        bool is_out = pair.len == 0;
        end = at + 1 + pair.len;
        for (size_t n = 0; n < COUNT_OF(left_out); n++) {
            size_t name_len = strlen(left_out[n]);
            is_out = is_out ||
                     (pair.len > name_len && pair.ptr[name_len] == '=' && memcmp(pair.ptr, left_out[n], name_len) == 0);
        }
        if (is_out) continue;
        address[len++] = before;
        memcpy(address + len, pair.ptr, pair.len);
        len += pair.len;
        before = '&';
    }
    address[len] = '\0';
}

static bool time_read(struct api_call *call, const char *name, int64_t *unix_us)
{
    struct bytes text = api_body_text(call, name);
    if (text.len == 0 || (rfc3339_read(text, unix_us) && *unix_us > 0)) return true;
    api_fail_at(call, arena_printf(call->arena, "/%s", name), "it is not a time such as 2027-01-31T12:00:00Z");
    return false;
}

/* False: it was answered. */
static bool share_read(struct api_call *call, struct share *share)
{
    int64_t now_us = clock_unix_us();
    struct bytes address = api_body_text(call, "address"), title = api_body_text(call, "title");
    struct err err = { 0 };
    share->expires_unix_us = now_us + LIFE_US;
    if (!time_read(call, "from", &share->from_unix_us) || !time_read(call, "to", &share->to_unix_us) ||
        !time_read(call, "expires_at", &share->expires_unix_us))
        return false;
    if (share->to_unix_us > now_us) share->to_unix_us = now_us;
    if (share->from_unix_us >= share->to_unix_us) {
        api_fail_at(call, "/from", "it must be before to, and in the past");
        return false;
    }
    if (share->expires_unix_us <= now_us || share->expires_unix_us > now_us + LIFE_US_MAX) {
        api_fail_at(call, "/expires_at", "it must be in the future, at most in 90 days");
        return false;
    }
    if (!saved_view_address_check(address, &err)) {
        api_fail_at(call, "/address", "%s", err.text);
        return false;
    }
    address_take(address, share->address);
    snprintf(share->title, sizeof share->title, "%.*s", (int)title.len, (const char *)title.ptr);
    return true;
}

struct making {
    struct api_call *call;
    struct share *share;
    char token[SHARE_TOKEN_BYTES];
};

static bool event_write(struct db_session *session, struct api_call *call, const char *action,
                        const struct share *share, struct err *err)
{
    char id[UUID_TEXT_BYTES + 1];
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    uuid_to_text(share->id, id);
    api_put_text(call, details, "title", bytes_of_text(share->title));
    api_put_time(call, details, "from", share->from_unix_us);
    api_put_time(call, details, "to", share->to_unix_us);
    api_put_time(call, details, "expires_at", share->expires_unix_us);
    struct audit_event event = { .action = action,
                                 .object_kind = "share",
                                 .object = id,
                                 .project_id = &call->project.id,
                                 .details = people_details(call, details) };
    return audit_write(session, call->actor, &event, err);
}

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct making *making = ctx;
    return share_insert(session, making->call->parts->share_secret, making->share, making->token, err) &&
           event_write(session, making->call, "share.create", making->share, err);
}

void api_share_create(struct api_call *call)
{
    struct making making = { .call = call, .share = arena_calloc(call->arena, sizeof(struct share)) };
    struct err err = { 0 };
    if (call->parts->share_secret == NULL) {
        api_fail_with(call, ERR_FORBIDDEN, "links are switched off on this server (--shares off)");
        return;
    }
    if (!share_read(call, making.share)) return;
    making.share->project_id = call->project.id;
    if (call->actor->kind == ACTOR_USER) making.share->owner_id = call->actor->user_id;
    snprintf(making.share->owner_name, sizeof making.share->owner_name, "%s", call->actor->name);
    if (!db_transaction(call->parts->db, create_run, &making, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = share_json(call, making.share, true);
    yyjson_mut_obj_add_strcpy(call->json, answer, "token", making.token);
    yyjson_mut_obj_add_strcpy(call->json, answer, "path", arena_printf(call->arena, "/s/%s", making.token));
    api_answer(call, answer);
    explicit_bzero(making.token, sizeof making.token);
}

struct revoking {
    struct api_call *call;
    struct uuid id;
    struct share *share;
};
static bool revoke_run(struct db_session *session, void *ctx, struct err *err)
{
    struct revoking *revoking = ctx;
    struct api_call *call = revoking->call;
    if (!share_get(session, call->project.id, revoking->id, revoking->share, err)) return false;
    if (!is_own(call, revoking->share) && !is_admin(call))
        return err_set(err, ERR_FORBIDDEN, "this link is %s's: only they or an admin of the project may revoke it",
                       revoking->share->owner_name);
    return share_revoke(session, call->project.id, revoking->id, err) &&
           event_write(session, call, "share.revoke", revoking->share, err);
}

void api_share_revoke(struct api_call *call)
{
    struct revoking revoking = { .call = call, .share = arena_calloc(call->arena, sizeof(struct share)) };
    struct err err = { 0 };
    if (!api_path_uuid(call, "share", &revoking.id)) return;
    if (db_transaction(call->parts->db, revoke_run, &revoking, &err)) {
        api_answer_none(call);
    } else {
        api_fail(call, &err);
    }
}

/* ---- the switch of a project ---- */

static void sharing_answer(struct api_call *call)
{
    bool is_on;
    struct err err = { 0 };
    if (!share_is_on(call->parts->db, call->project.id, &is_on, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_bool(call->json, answer, "is_on", is_on);
    yyjson_mut_obj_add_bool(call->json, answer, "is_server_on", call->parts->share_secret != NULL);
    api_answer(call, answer);
}

void api_sharing_get(struct api_call *call)
{
    sharing_answer(call);
}

static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    struct api_call *call = ctx;
    return share_set_on(session, call->project.id, api_body_bool(call, "is_on", true), err);
}

void api_sharing_set(struct api_call *call)
{
    struct people_change change = { set_run,
                                    call,
                                    { .action = "project.sharing",
                                      .object_kind = "project",
                                      .object = call->project.name,
                                      .project_id = &call->project.id,
                                      .details = people_details(call, yyjson_val_mut_copy(call->json, call->body)) } };
    if (people_transaction(call, &change)) sharing_answer(call);
}

/* ---- opening one ---- */

static void ended_show(struct api_call *call)
{
    page_refuse(call, 404, "This link has ended",
                "It expired, was revoked, or is not whole. Who sent it to you can make another.");
}

/* Who may read the project anyway goes on as who they are; all others get the link's cookie. */
void api_page_share(struct api_call *call)
{
    struct share *share = arena_calloc(call->arena, sizeof *share);
    struct actor actor;
    struct meta_project project;
    struct err err = { 0 };
    char id[UUID_TEXT_BYTES + 1], from[RFC3339_BYTES], to[RFC3339_BYTES];
    struct bytes token = api_path(call, "share_token");
    if (call->parts->share_secret == NULL || !share_is_token(token)) {
        ended_show(call);
        return;
    }
    if (!share_find(call->parts->db, call->parts->share_secret, token, share, &actor, &err)) {
        if (err.code == ERR_UNAUTHENTICATED || err.code == ERR_FORBIDDEN) {
            ended_show(call);
        } else {
            page_refuse(call, err_http_status(err.code), "Not now", "The server cannot look this link up; try again.");
        }
        return;
    }
    uuid_to_text(share->project_id, id);
    if (!meta_project_find(call->parts->meta, bytes_of_text(id), &project, &err)) {
        ended_show(call);
        return;
    }
    if (!access_check(call->parts->db, call->actor, PERMISSION_QUERY, &share->project_id, &err)) {
        int64_t seconds = (share->expires_unix_us - clock_unix_us()) / SECOND_US;
        page_cookie_set(call, SHARE_COOKIE, arena_printf(call->arena, "%.*s", (int)token.len, (const char *)token.ptr),
                        "/", seconds > 0 ? (int)seconds : 1);
    }
    rfc3339_write(share->from_unix_us, from);
    rfc3339_write(share->to_unix_us, to);
    api_header(call, "cache-control", BYTES("no-store"));
    page_redirect(call, arena_printf(call->arena, "/p/%s/%s%cfrom=%s&to=%s", project.name, share->address,
                                     strchr(share->address, '?') ? '&' : '?', from, to));
}
