/* From a message to "I have it in hand": a link that says which incident, and a form that does it. A GET changes nothing: mail programs
 * and chats open links on their own. Who has the link need not be signed in; it is signed, for one incident and a week. */
#include "base/clock.h"
#include "channels/channels.h"
#include "incidents/incident_store.h"
#include "meta/audit.h"
#include "web/api/handlers.h"
#include "web/api/page_form.h"
#include <inttypes.h>
#include <stdio.h>

struct acknowledging {
    struct api_call *call;
    struct uuid project_id;
    int64_t number;
    struct incident incident;
};

/* False: it was answered. */
static bool token_read(struct api_call *call, struct bytes token, struct acknowledging *acknowledging)
{
    *acknowledging = (struct acknowledging){ .call = call };
    if (call->parts->channels != NULL && channels_ack_read(call->parts->channels, token, clock_unix_us(),
                                                           &acknowledging->project_id, &acknowledging->number))
        return true;
    page_refuse(call, 403, "This link does not work",
                "It is incomplete, or older than a week. Open the incident instead.");
    return false;
}

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct acknowledging *one = ctx;
    return incident_find(session, one->call->arena, one->project_id, one->number, &one->incident, err);
}

static void message_show(struct api_call *call, int status, const char *title, const struct acknowledging *one)
{
    struct buf html;
    const struct incident *incident = &one->incident;
    const char *text = arena_printf(call->arena, "#%" PRId64 " %.*s", incident->number, (int)incident->title.len,
                                    (const char *)incident->title.ptr);
    buf_init(&html, PAGE_BYTES_MAX);
    page_message(&html, title, text, NULL, NULL);
    page_answer(call, status, &html);
}

static const char *state_title(const struct acknowledging *one, const char *otherwise)
{
    if (one->incident.state == INCIDENT_RESOLVED) return "This incident is resolved already";
    return one->incident.state == INCIDENT_ACKNOWLEDGED ? "Somebody has it in hand" : otherwise;
}

void api_page_acknowledge(struct api_call *call)
{
    struct acknowledging one;
    struct err err = { 0 };
    struct buf html;
    struct bytes token = api_query(call, "token");
    if (!token_read(call, token, &one)) return;
    if (!db_snapshot(call->parts->db, find_run, &one, &err)) {
        page_refuse(call, 404, "There is no such incident", "It may have been of a project that is gone.");
        return;
    }
    if (one.incident.state != INCIDENT_OPEN) {
        message_show(call, 200, state_title(&one, ""), &one);
        return;
    }
    buf_init(&html, PAGE_BYTES_MAX);
    page_acknowledge(&html, one.number, one.incident.title, one.incident.service, token);
    page_answer(call, 200, &html);
}

static bool acknowledge_run(struct db_session *session, void *ctx, struct err *err)
{
    struct acknowledging *one = ctx;
    struct api_call *call = one->call;
    char object[24];
    struct actor link = *call->actor;
    /* Who is signed in did it; else whoever has the message. */
    struct incident_change change = { .act = INCIDENT_ACKNOWLEDGE,
                                      .actor = call->actor->kind == ACTOR_USER ? bytes_of_text(call->actor->name)
                                                                               : BYTES("the link of a message") };
    snprintf(object, sizeof object, "%" PRId64, one->number);
    struct audit_event event = {
        .action = "incident.acknowledge", .object_kind = "incident", .object = object, .project_id = &one->project_id
    };
    if (!find_run(session, ctx, err)) return false;
    if (one->incident.state != INCIDENT_OPEN) return true;
    return incident_change(session, call->arena, one->project_id, one->number, &change, clock_unix_us(), &one->incident,
                           err) &&
           audit_write(session, &link, &event, err);
}

void api_page_acknowledge_do(struct api_call *call)
{
    struct page_form form;
    struct acknowledging one;
    struct err err = { 0 };
    if (!page_form_read(call, &form) || !token_read(call, page_field(&form, "token"), &one)) return;
    if (!db_transaction(call->parts->db, acknowledge_run, &one, &err)) {
        page_refuse(call, err_http_status(err.code), "That did not work", "Try again, or open the incident.");
        return;
    }
    message_show(call, 200, one.incident.state == INCIDENT_ACKNOWLEDGED ? "Acknowledged" : state_title(&one, ""), &one);
}
