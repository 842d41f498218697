/* The generic webhook: the message as JSON of its own, or by its owner's template. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rfc3339.h"
#include "channels/render_inside.h"
#include "channels/template.h"

struct parts {
    struct buf text, url, title;
    char incident[32], time[RFC3339_BYTES];
};

static void usual(const struct message *message, const struct render_context *context, const struct parts *parts,
                  yyjson_mut_doc *doc)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    struct buf url;
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_strcpy(doc, root, "id", context->id);
    yyjson_mut_obj_add_str(doc, root, "act", message_act_names[message->act]);
    yyjson_mut_obj_add_str(doc, root, "severity", message_severity_names[message->severity]);
    render_put(doc, root, "project", context->project, 255);
    if (message->incident > 0) yyjson_mut_obj_add_sint(doc, root, "incident", message->incident);
    render_put(doc, root, "thread", message->thread_key, MESSAGE_KEY_BYTES_MAX);
    yyjson_mut_obj_add_bool(doc, root, "is_acknowledged", message->is_acknowledged);
    render_put(doc, root, "title", message->title, MESSAGE_TITLE_BYTES_MAX);
    render_put(doc, root, "text", buf_bytes(&parts->text), 1u << 20);
    yyjson_mut_obj_add_strcpy(doc, root, "time", parts->time);
    yyjson_mut_val *links = yyjson_mut_obj_add_arr(doc, root, "links");
    buf_init(&url, 16384);
    for (uint32_t i = 0; i < message->link_count; i++) {
        url.len = 0;
        if (!render_url(context, message->links[i].url, &url)) continue;
        yyjson_mut_val *link = yyjson_mut_arr_add_obj(doc, links);
        render_put(doc, link, "text", message->links[i].text, 1000);
        render_put(doc, link, "url", buf_bytes(&url), 16384);
    }
    buf_deinit(&url);
    yyjson_mut_val *facts = yyjson_mut_obj_add_obj(doc, root, "facts");
    for (uint32_t b = 0; b < message->block_count; b++)
        for (uint32_t r = 0; message->blocks[b].kind == MESSAGE_FACTS && r < message->blocks[b].row_count; r++)
            yyjson_mut_obj_add(facts, render_cut(doc, message->blocks[b].cells[2 * r], 1000),
                               render_cut(doc, message->blocks[b].cells[2 * r + 1], 10000));
}

bool render_webhook(const struct message *message, const struct render_context *context, struct bytes form,
                    struct buf *out, struct err *err)
{
    struct parts parts;
    bool ok;
    buf_init(&parts.text, TEMPLATE_FILLED_MAX);
    buf_init(&parts.url, 16384);
    buf_init(&parts.title, 16384);
    parts.incident[0] = '\0';
    if (message->incident > 0) snprintf(parts.incident, sizeof parts.incident, "%" PRId64, message->incident);
    rfc3339_write_seconds(context->now_unix_us, parts.time);
    ok = render_text(message, context, &parts.text, err);
    if (ok && form.len > 0) {
        const struct bytes values[TEMPLATE_NAME_COUNT] = {
            [TEMPLATE_ID] = bytes_of_text(context->id),
            [TEMPLATE_ACT] = bytes_of_text(message_act_names[message->act]),
            [TEMPLATE_SEVERITY] = bytes_of_text(message_severity_names[message->severity]),
            [TEMPLATE_TITLE] = message->title,
            [TEMPLATE_TEXT] = buf_bytes(&parts.text),
            [TEMPLATE_URL] = render_first_url(message, context, &parts.url),
            [TEMPLATE_PROJECT] = context->project,
            [TEMPLATE_INCIDENT] = bytes_of_text(parts.incident),
            [TEMPLATE_THREAD] = message->thread_key,
            [TEMPLATE_TIME] = bytes_of_text(parts.time),
        };
        ok = template_fill(form, values, out, err);
    } else if (ok) {
        yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
        if (doc == NULL) abort(); /* no memory */
        usual(message, context, &parts, doc);
        ok = render_end(doc, out, err);
    }
    buf_deinit(&parts.text);
    buf_deinit(&parts.url);
    buf_deinit(&parts.title);
    return ok;
}
