/* Channels of a project: made, changed, tested; what was sent to them. */
#include "channels/channels.h"
#include "base/clock.h"
#include "channels/delivery.h"
#include "channels/inbound.h"
#include "meta/audit.h"
#include "meta/db.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEST_WAIT_MS = 20000, TEST_LOOK_MS = 150 };

/* ---- as JSON ---- */

static void json_put(struct api_call *call, yyjson_mut_val *object, const char *name, struct bytes text)
{
    yyjson_doc *doc = yyjson_read((const char *)text.ptr, text.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_mut_val *copy = root != NULL ? yyjson_val_mut_copy(call->json, root) : yyjson_mut_null(call->json);
    yyjson_mut_obj_add_val(call->json, object, name, copy);
    yyjson_doc_free(doc);
}

/* Without --public-url the path alone. */
static struct bytes inbound_url(struct api_call *call, const struct channel *channel)
{
    char project[UUID_TEXT_BYTES + 1];
    if (inbound_secret_name(channel->kind) == NULL) return BYTES("");
    uuid_to_text(channel->project_id, project);
    return bytes_of_text(
        arena_printf(call->arena, "%s/inbound/%s/%" PRId64, call->parts->public_url, project, channel->id));
}

static yyjson_mut_val *channel_json(struct api_call *call, const struct channel *channel)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "id", channel->id);
    yyjson_mut_obj_add_str(call->json, object, "kind", channel_kind_names[channel->kind]);
    api_put_text(call, object, "name", channel->name);
    yyjson_mut_obj_add_bool(call->json, object, "is_on", channel->is_on);
    json_put(call, object, "settings", channel->settings);
    yyjson_mut_obj_add_bool(call->json, object, "has_secrets", channel->sealed.len > 0);
    json_put(call, object, "routes", channel->routes);
    api_put_text(call, object, "place", channel_place(call->arena, channel));
    api_put_text_or_null(call, object, "inbound_url", inbound_url(call, channel));
    api_put_text(call, object, "author", channel->author);
    api_put_time(call, object, "created_at", channel->created_unix_us);
    api_put_time(call, object, "changed_at", channel->changed_unix_us);
    api_put_time(call, object, "sent_at", channel->sent_unix_us);
    api_put_time(call, object, "failed_at", channel->failed_unix_us);
    api_put_text_or_null(call, object, "failed_why", channel->failed_why);
    return object;
}

/* What people set: the ETag is of that, for what was sent moves by itself. */
static yyjson_mut_val *tag_json(struct api_call *call, const struct channel *channel)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "id", channel->id);
    yyjson_mut_obj_add_sint(call->json, object, "changed", channel->changed_unix_us);
    return object;
}

static void channel_answer(struct api_call *call, const struct channel *channel)
{
    api_tag(call, tag_json(call, channel));
    api_answer(call, channel_json(call, channel));
}

static bool id_read(struct api_call *call, const char *name, int64_t *id)
{
    if (api_page_number_read(api_path(call, name), id) && *id > 0) return true;
    api_fail_with(call, ERR_NOT_FOUND, "the project has no such %s", name);
    return false;
}

/* ---- list ---- */

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool channel_add(void *ctx, const struct channel *channel)
{
    struct listing *listing = ctx;
    const struct bytes keys[] = { api_page_number(listing->call, channel->id) };
    return api_page_add(listing->page, channel_json(listing->call, channel), keys);
}

void api_channel_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    struct listing listing = { call, &page };
    if (channel_list(call->parts->db, call->arena, call->project.id, api_page_before(&page), page.limit + 1,
                     channel_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

/* ---- make, change, delete ---- */

struct work {
    struct api_call *call;
    int64_t id;
    struct channel channel;
    struct bytes secrets;
    const char *member; /* of the body, that is wrong */
    bool is_stale;
};

static struct bytes body_json(struct api_call *call, const char *name)
{
    yyjson_val *value = yyjson_obj_get(call->body, name);
    size_t len = 0;
    char *text = value != NULL ? yyjson_val_write(value, 0, &len) : NULL;
    struct bytes json = text != NULL ? arena_copy(call->arena, bytes_from(text, len)) : (struct bytes){ 0 };
    free(text);
    return json;
}

static bool audit(struct db_session *session, struct work *work, const char *action, struct err *err)
{
    struct api_call *call = work->call;
    char object[24];
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    api_put_text(call, details, "name", work->channel.name);
    yyjson_mut_obj_add_str(call->json, details, "kind", channel_kind_names[work->channel.kind]);
    yyjson_mut_obj_add_bool(call->json, details, "is_on", work->channel.is_on);
    yyjson_mut_obj_add_bool(call->json, details, "secrets_were_given", work->secrets.len > 0);
    snprintf(object, sizeof object, "%" PRId64, work->channel.id);
    struct audit_event event = { .action = action,
                                 .object_kind = "channel",
                                 .object = object,
                                 .project_id = &call->project.id,
                                 .details = people_details(call, details) };
    return audit_write(session, call->actor, &event, err);
}

/* False: it was answered. */
static bool work_do(struct work *work, db_work_fn *run)
{
    struct err err = { 0 };
    if (db_transaction(work->call->parts->db, run, work, &err)) return true;
    if (work->is_stale) {
        api_fail_changed(work->call);
    } else if (work->member != NULL && err.code == ERR_INPUT) {
        api_fail_at(work->call, arena_printf(work->call->arena, "/%s", work->member), "%s", err.text);
    } else {
        api_fail(work->call, &err);
    }
    return false;
}

static bool has_channels(struct api_call *call)
{
    if (call->parts->channels != NULL) return true;
    api_fail_with(call, ERR_UNSUPPORTED, "this process tells nobody (--role)");
    return false;
}

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return channel_check(&work->channel, work->secrets, false, &work->member, err) &&
           channel_insert(session, channels_seal(work->call->parts->channels), &work->channel, work->secrets, err) &&
           audit(session, work, "channel.create", err);
}

void api_channel_create(struct api_call *call)
{
    struct work work = { .call = call, .secrets = body_json(call, "secrets") };
    struct bytes routes = body_json(call, "routes"), settings = body_json(call, "settings");
    if (!has_channels(call)) return;
    work.channel = (struct channel){ .project_id = call->project.id,
                                     .name = api_body_text(call, "name"),
                                     .is_on = api_body_bool(call, "is_on", true),
                                     .settings = settings.len > 0 ? settings : BYTES("{}"),
                                     .routes = routes.len > 0 ? routes : BYTES(CHANNEL_ROUTES_USUAL),
                                     .author = bytes_of_text(call->actor->name) };
    if (!channel_kind_find(api_body_text(call, "kind"), &work.channel.kind)) {
        api_fail_at(call, "/kind", "this is no kind of channel");
        return;
    }
    if (work_do(&work, create_run)) channel_answer(call, &work.channel);
}

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return channel_find(session, work->call->arena, work->call->project.id, work->id, &work->channel, err);
}

static bool is_current(struct work *work, struct err *err)
{
    work->is_stale = !api_matches(work->call, tag_json(work->call, &work->channel));
    return !work->is_stale || err_set(err, ERR_CONFLICT, "it has changed");
}

/* Those that were given, and of the others what there was. */
static bool secrets_merge(struct work *work, const struct channel *before, struct err *err)
{
    struct api_call *call = work->call;
    uint8_t old[CHANNEL_SECRETS_BYTES_MAX];
    size_t len = 0, at, max;
    yyjson_val *key, *value;
    if (!channel_open_secrets(channels_seal(call->parts->channels), before, old, &len, err)) return false;
    yyjson_doc *doc = yyjson_read((const char *)old, len, 0);
    explicit_bzero(old, sizeof old);
    yyjson_mut_doc *all = yyjson_doc_mut_copy(doc, NULL);
    yyjson_doc_free(doc);
    doc = yyjson_read((const char *)work->secrets.ptr, work->secrets.len, 0);
    if (all == NULL || doc == NULL) abort(); /* no memory: both were read before */
    yyjson_obj_foreach(yyjson_doc_get_root(doc), at, max, key, value)
    {
        yyjson_mut_val *name = yyjson_val_mut_copy(all, key), *given = yyjson_val_mut_copy(all, value);
        if (!yyjson_mut_obj_put(yyjson_mut_doc_get_root(all), name, yyjson_is_null(value) ? NULL : given)) abort();
    }
    char *json = yyjson_mut_write(all, 0, &len);
    if (json == NULL) abort(); /* no memory */
    work->secrets = arena_copy(call->arena, bytes_from(json, len));
    explicit_bzero(json, len);
    free(json);
    yyjson_mut_doc_free(all);
    yyjson_doc_free(doc);
    return true;
}

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    if (!find_run(session, ctx, err) || !is_current(work, err)) return false;
    struct channel before = work->channel, *channel = &work->channel;
    struct bytes name = api_body_text(call, "name"), settings = body_json(call, "settings");
    struct bytes routes = body_json(call, "routes");
    if (name.len > 0) channel->name = name;
    if (settings.len > 0) channel->settings = settings;
    if (routes.len > 0) channel->routes = routes;
    channel->is_on = api_body_bool(call, "is_on", before.is_on);
    bool has_old = before.sealed.len > 0 && !channel_is_moved(&before, channel);
    if (!has_old && work->secrets.len == 0) channel->sealed = BYTES("");
    if (has_old && work->secrets.len > 0 && !secrets_merge(work, &before, err)) return false;
    return channel_check(channel, work->secrets, has_old, &work->member, err) &&
           channel_update(session, channels_seal(call->parts->channels), &before, channel, work->secrets, err) &&
           audit(session, work, "channel.change", err);
}

static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return find_run(session, ctx, err) && is_current(work, err) &&
           channel_delete(session, work->call->project.id, work->id, err) &&
           audit(session, work, "channel.delete", err);
}

void api_channel_get(struct api_call *call)
{
    struct work work = { .call = call };
    if (id_read(call, "channel", &work.id) && work_do(&work, find_run)) channel_answer(call, &work.channel);
}

void api_channel_change(struct api_call *call)
{
    struct work work = { .call = call, .secrets = body_json(call, "secrets") };
    if (has_channels(call) && id_read(call, "channel", &work.id) && work_do(&work, change_run))
        channel_answer(call, &work.channel);
}

void api_channel_delete(struct api_call *call)
{
    struct work work = { .call = call };
    if (id_read(call, "channel", &work.id) && work_do(&work, delete_run)) api_answer_none(call);
}

/* ---- deliveries ---- */

static yyjson_mut_val *delivery_json(struct api_call *call, const struct delivery *delivery)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "id", delivery->id);
    yyjson_mut_obj_add_sint(call->json, object, "channel_id", delivery->channel_id);
    if (delivery->incident > 0) {
        yyjson_mut_obj_add_sint(call->json, object, "incident", delivery->incident);
    } else {
        yyjson_mut_obj_add_null(call->json, object, "incident");
    }
    yyjson_mut_obj_add_str(call->json, object, "act", message_act_names[delivery->act]);
    yyjson_mut_obj_add_str(call->json, object, "severity", message_severity_names[delivery->severity]);
    api_put_text(call, object, "title", delivery->title);
    yyjson_mut_obj_add_str(call->json, object, "state", delivery_state_names[delivery->state]);
    yyjson_mut_obj_add_sint(call->json, object, "attempts", delivery->attempts);
    yyjson_mut_obj_add_bool(call->json, object, "is_uncertain", delivery->is_uncertain);
    api_put_text_or_null(call, object, "why", delivery->why);
    api_put_time(call, object, "created_at", delivery->created_unix_us);
    api_put_time(call, object, "due_at", delivery->ended_unix_us == 0 ? delivery->due_unix_us : 0);
    api_put_time(call, object, "ended_at", delivery->ended_unix_us);
    return object;
}

static bool delivery_add(void *ctx, const struct delivery *delivery)
{
    struct listing *listing = ctx;
    const struct bytes keys[] = { api_page_number(listing->call, delivery->id) };
    return api_page_add(listing->page, delivery_json(listing->call, delivery), keys);
}

void api_delivery_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    struct work work = { .call = call };
    if (!id_read(call, "channel", &work.id) || !work_do(&work, find_run) || !api_page_read(call, 1, &page)) return;
    struct listing listing = { call, &page };
    if (delivery_list(call->parts->db, call->arena, call->project.id, work.id, api_page_before(&page), page.limit + 1,
                      delivery_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

static void delivery_answer(struct api_call *call, int64_t id)
{
    struct delivery delivery;
    struct delivery_attempt *attempts;
    uint32_t count;
    struct err err = { 0 };
    if (!delivery_find(call->parts->db, call->arena, call->project.id, id, &delivery, &err) ||
        !delivery_attempts(call->parts->db, call->arena, id, &attempts, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *root = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_val(call->json, root, "delivery", delivery_json(call, &delivery));
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, root, "attempts");
    for (uint32_t i = 0; i < count; i++) {
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
        yyjson_mut_obj_add_sint(call->json, object, "number", attempts[i].number);
        api_put_time(call, object, "began_at", attempts[i].began_unix_us);
        yyjson_mut_obj_add_sint(call->json, object, "ms", attempts[i].took_us / 1000);
        if (attempts[i].status > 0) {
            yyjson_mut_obj_add_sint(call->json, object, "status", attempts[i].status);
        } else {
            yyjson_mut_obj_add_null(call->json, object, "status");
        }
        yyjson_mut_obj_add_bool(call->json, object, "is_done", attempts[i].is_done);
        api_put_text_or_null(call, object, "why", attempts[i].why);
    }
    api_answer(call, root);
}

void api_delivery_get(struct api_call *call)
{
    int64_t id;
    if (id_read(call, "delivery", &id)) delivery_answer(call, id);
}

static bool retry_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return delivery_again(session, work->call->project.id, work->id, clock_unix_us(), err);
}

void api_delivery_retry(struct api_call *call)
{
    struct work work = { .call = call };
    if (id_read(call, "delivery", &work.id) && work_do(&work, retry_run)) delivery_answer(call, work.id);
}

/* ---- test ---- */

struct testing {
    struct api_call *call;
    int64_t channel_id, delivery_id, now_unix_us;
    struct channel channel;
};
static bool test_run(struct db_session *session, void *ctx, struct err *err)
{
    struct testing *testing = ctx;
    struct api_call *call = testing->call;
    char key[UUID_TEXT_BYTES + 16], id[UUID_TEXT_BYTES + 1];
    if (!channel_find(session, call->arena, call->project.id, testing->channel_id, &testing->channel, err))
        return false;
    const struct message_block blocks[] = {
        { .kind = MESSAGE_TEXT, .text = BYTES("If you read this, messages of this channel arrive.") },
        { .kind = MESSAGE_FACTS,
          .column_count = 2,
          .row_count = 2,
          .cells = (const struct bytes[]){ BYTES("Channel"), testing->channel.name, BYTES("Asked by"),
                                           bytes_of_text(call->actor->name) } },
    };
    const struct message_link link = {
        BYTES("Channels"), bytes_of_text(arena_printf(call->arena, "/p/%s/settings/channels", call->project.name))
    };
    const struct message message = { .act = MESSAGE_TEST,
                                     .severity = MESSAGE_INFO,
                                     .title = BYTES("A test from Monoscope"),
                                     .blocks = blocks,
                                     .block_count = 2,
                                     .links = &link,
                                     .link_count = 1 };
    uuid_to_text(uuid_random(), id);
    snprintf(key, sizeof key, "test:%s", id);
    return delivery_put_new(session, call->project.id, testing->channel_id, bytes_of_text(key), &message,
                            testing->now_unix_us, &testing->delivery_id, err);
}

void api_channel_test(struct api_call *call)
{
    struct testing testing = { .call = call, .now_unix_us = clock_unix_us() };
    struct delivery delivery;
    struct err err = { 0 };
    if (!has_channels(call) || !id_read(call, "channel", &testing.channel_id)) return;
    if (!db_transaction(call->parts->db, test_run, &testing, &err)) {
        api_fail(call, &err);
        return;
    }
    for (int waited_ms = 0; waited_ms < TEST_WAIT_MS && !api_is_gone(call); waited_ms += TEST_LOOK_MS) {
        clock_sleep_ms(TEST_LOOK_MS);
        if (!delivery_find(call->parts->db, call->arena, call->project.id, testing.delivery_id, &delivery, &err) ||
            delivery.state != DELIVERY_WAITING || delivery.why.len > 0)
            break;
    }
    delivery_answer(call, testing.delivery_id);
}
