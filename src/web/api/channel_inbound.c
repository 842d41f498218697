/* From Slack or PagerDuty to "somebody has it in hand": what people do there is done to the incident here. Who sends it need not be signed
 * in: it is signed by a secret of the channel. */
#include "base/clock.h"
#include "channels/channels.h"
#include "channels/inbound.h"
#include "incidents/incident_store.h"
#include "meta/audit.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/page_form.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdio.h>

struct coming {
    struct api_call *call;
    struct uuid project_id;
    int64_t channel_id;
    struct channel channel;
    struct inbound inbound;
};

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct coming *coming = ctx;
    return channel_find(session, coming->call->arena, coming->project_id, coming->channel_id, &coming->channel, err);
}

/* False: the channel's secrets cannot be opened. Empty: there is none of that name. */
static bool secret_find(struct coming *coming, const char *name, struct bytes *secret, struct err *err)
{
    struct api_call *call = coming->call;
    uint8_t secrets[CHANNEL_SECRETS_BYTES_MAX];
    size_t len = 0;
    *secret = (struct bytes){ 0 };
    if (coming->channel.sealed.len == 0) return true;
    if (!channel_open_secrets(channels_seal(call->parts->channels), &coming->channel, secrets, &len, err)) return false;
    yyjson_doc *doc = yyjson_read((const char *)secrets, len, 0);
    explicit_bzero(secrets, sizeof secrets);
    yyjson_val *value = yyjson_obj_get(yyjson_doc_get_root(doc), name);
    if (yyjson_is_str(value))
        *secret = arena_copy(call->arena, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
    yyjson_doc_free(doc);
    return true;
}

static bool signature_check(struct coming *coming, struct err *err)
{
    struct api_call *call = coming->call;
    const char *name = inbound_secret_name(coming->channel.kind);
    const struct inbound_head head = {
        .slack_timestamp = api_request_header(call, "x-slack-request-timestamp"),
        .slack_signature = api_request_header(call, "x-slack-signature"),
        .pagerduty_signature = api_request_header(call, "x-pagerduty-signature"),
    };
    struct bytes secret = { 0 };
    return (name == NULL || secret_find(coming, name, &secret, err)) &&
           inbound_check(coming->channel.kind, &head, call->request->body, secret, clock_unix_us(), err);
}

static bool body_read(struct coming *coming, struct err *err)
{
    struct api_call *call = coming->call;
    struct bytes json = call->request->body;
    struct page_form form;
    if (coming->channel.kind != CHANNEL_PAGERDUTY) {
        if (!page_form_parse(call->arena, json, &form)) return err_set(err, ERR_INPUT, "the body is no form");
        json = page_field(&form, "payload");
    }
    return inbound_read(coming->channel.kind, json, call->arena, &coming->inbound, err);
}

/* What is so already, and what is about an earlier time that the incident was open, changes nothing. */
static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct coming *coming = ctx;
    struct api_call *call = coming->call;
    const struct inbound *inbound = &coming->inbound;
    bool is_resolve = inbound->act == INBOUND_RESOLVE;
    char object[24];
    struct incident incident;
    struct incident_change change = { .act = is_resolve ? INCIDENT_RESOLVE : INCIDENT_ACKNOWLEDGE,
                                      .actor = inbound->who };
    if (!incident_find(session, call->arena, inbound->project_id, inbound->number, &incident, err)) return false;
    if (incident.episode != inbound->episode || incident.state == INCIDENT_RESOLVED ||
        (!is_resolve && incident.state == INCIDENT_ACKNOWLEDGED))
        return true;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    api_put_text(call, details, "by", inbound->who);
    yyjson_mut_obj_add_sint(call->json, details, "channel", coming->channel.id);
    snprintf(object, sizeof object, "%" PRId64, inbound->number);
    struct audit_event event = { .action = is_resolve ? "incident.resolve" : "incident.acknowledge",
                                 .object_kind = "incident",
                                 .object = object,
                                 .project_id = &inbound->project_id,
                                 .details = people_details(call, details) };
    return incident_change(session, call->arena, inbound->project_id, inbound->number, &change, clock_unix_us(),
                           &incident, err) &&
           audit_write(session, call->actor, &event, err);
}

void api_channel_inbound(struct api_call *call)
{
    struct coming coming = { .call = call };
    struct err err = { 0 };
    if (!api_path_uuid(call, "project_id", &coming.project_id)) return;
    if (call->parts->channels == NULL) {
        api_fail_with(call, ERR_UNSUPPORTED, "this process tells nobody (--role)");
        return;
    }
    bool ok = (api_page_number_read(api_path(call, "channel"), &coming.channel_id) && coming.channel_id > 0) ||
              err_set(&err, ERR_NOT_FOUND, "there is no such channel");
    ok = ok && db_snapshot(call->parts->db, find_run, &coming, &err) && signature_check(&coming, &err) &&
         body_read(&coming, &err);
    bool is_ours = coming.inbound.act != INBOUND_NOTHING && uuid_equal(coming.inbound.project_id, coming.project_id);
    if (ok && is_ours) ok = db_transaction(call->parts->db, change_run, &coming, &err);
    if (ok)
        api_answer_bytes(call, 200, "text/plain; charset=utf-8", BYTES(""));
    else
        api_fail(call, &err);
}
