/* PagerDuty's Events API v2. An event's summary has at most 1,024 characters, an event 512 KiB. The dedup_key is the thread's: OPEN, what
 * follows and RESOLVE are of one alert there, and an event that is sent again changes nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rfc3339.h"
#include "channels/render_inside.h"

static void facts_add(yyjson_mut_doc *doc, yyjson_mut_val *payload, const struct message *message,
                      const struct render_context *context, struct buf *text)
{
    yyjson_mut_val *details = yyjson_mut_obj_add_obj(doc, payload, "custom_details");
    struct err ignored = { 0 };
    for (uint32_t b = 0; b < message->block_count; b++) {
        const struct message_block *block = &message->blocks[b];
        if (block->kind != MESSAGE_FACTS) continue;
        for (uint32_t r = 0; r < block->row_count; r++)
            yyjson_mut_obj_add(details, render_cut(doc, block->cells[2 * r], 100),
                               render_cut(doc, block->cells[2 * r + 1], 1000));
    }
    text->len = 0;
    if (!render_text(message, context, text, &ignored)) text->len = 0;
    render_put(doc, details, "text", buf_bytes(text), 20000);
}

static struct bytes fact_find(const struct message *message, struct bytes name)
{
    for (uint32_t b = 0; b < message->block_count; b++)
        for (uint32_t r = 0; message->blocks[b].kind == MESSAGE_FACTS && r < message->blocks[b].row_count; r++)
            if (bytes_equal(message->blocks[b].cells[2 * r], name)) return message->blocks[b].cells[2 * r + 1];
    return (struct bytes){ 0 };
}

bool render_pagerduty(const struct message *message, const struct render_context *context, struct bytes routing_key,
                      const char *dedup_key, struct buf *out, struct err *err)
{
    static const char *const severities[MESSAGE_SEVERITY_COUNT] = { "info", "warning", "critical" };
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct buf text;
    char time[RFC3339_BYTES];
    if (doc == NULL) abort(); /* no memory */
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    buf_init(&text, 1u << 20);
    const char *action = message->act == MESSAGE_RESOLVE                              ? "resolve"
                         : message->act == MESSAGE_UPDATE && message->is_acknowledged ? "acknowledge"
                                                                                      : "trigger";
    render_put(doc, root, "routing_key", routing_key, 64);
    yyjson_mut_obj_add_str(doc, root, "event_action", action);
    render_put(doc, root, "dedup_key", bytes_of_text(dedup_key), 255);
    yyjson_mut_val *payload = yyjson_mut_obj_add_obj(doc, root, "payload");
    render_title(message, &text);
    render_put(doc, payload, "summary", text.len > 0 ? buf_bytes(&text) : BYTES("(no title)"), 1024);
    struct bytes service = fact_find(message, BYTES("Service"));
    render_put(doc, payload, "source", service.len > 0 ? service : context->project, 255);
    yyjson_mut_obj_add_str(doc, payload, "severity", severities[message->severity]);
    rfc3339_write_seconds(context->now_unix_us, time);
    yyjson_mut_obj_add_strcpy(doc, payload, "timestamp", time);
    render_put(doc, payload, "group", context->project, 255);
    facts_add(doc, payload, message, context, &text);
    yyjson_mut_obj_add_str(doc, root, "client", "Monoscope");
    struct bytes url = render_first_url(message, context, &text);
    if (url.len > 0) render_put(doc, root, "client_url", url, 2000);
    yyjson_mut_val *links = yyjson_mut_obj_add_arr(doc, root, "links");
    for (uint32_t i = 0; i < message->link_count; i++) {
        text.len = 0;
        if (!render_url(context, message->links[i].url, &text)) continue;
        yyjson_mut_val *link = yyjson_mut_arr_add_obj(doc, links);
        render_put(doc, link, "href", buf_bytes(&text), 2000);
        render_put(doc, link, "text", message->links[i].text, 200);
    }
    buf_deinit(&text);
    return render_end(doc, out, err);
}
