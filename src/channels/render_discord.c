/* Discord's webhooks: one embed. Bounds as published: a title of 256 characters, a description of 4,096, 25 fields of 256 and 1,024,
 * 6,000 in all. Nobody is mentioned, whatever the text says. */
#include <stdlib.h>

#include "base/rfc3339.h"
#include "channels/render_inside.h"

enum { TITLE_MAX = 256, DESCRIPTION_MAX = 3000, FIELDS_MAX = 12, NAME_MAX_CHARS = 50, VALUE_MAX = 150, LINKS_MAX = 5 };

/* What would be bold, a link, a mention or code is as it was written. */
static void escaped_add(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("\\*_~`|>[]<@#", text.ptr[i], 12) != NULL && !buf_add(out, "\\", 1)) return;
        if (!buf_add(out, text.ptr + i, 1)) return;
    }
}

static bool is_in_fields(const struct message_block *block)
{
    return block->kind == MESSAGE_FACTS;
}

static void fields_add(yyjson_mut_doc *doc, yyjson_mut_val *fields, const struct message_block *facts, struct buf *text)
{
    for (uint32_t r = 0; r < facts->row_count && yyjson_mut_arr_size(fields) < FIELDS_MAX; r++) {
        yyjson_mut_val *field = yyjson_mut_arr_add_obj(doc, fields);
        struct bytes name = facts->cells[2 * r], value = facts->cells[2 * r + 1];
        render_put(doc, field, "name", name.len > 0 ? name : BYTES("-"), NAME_MAX_CHARS);
        text->len = 0;
        escaped_add(text, value.len > 0 ? value : BYTES("-"));
        render_put(doc, field, "value", buf_bytes(text), VALUE_MAX);
        yyjson_mut_obj_add_bool(doc, field, "inline", true);
    }
}

static void links_add(struct buf *out, const struct message *message, const struct render_context *context)
{
    struct buf url;
    buf_init(&url, 16384);
    if (context->ack_url != NULL && !buf_printf(out, "[Acknowledge](%s)\n", context->ack_url)) return;
    for (uint32_t i = 0; i < message->link_count && i < LINKS_MAX; i++) {
        url.len = 0;
        if (!render_url(context, message->links[i].url, &url) || url.len > 400) continue;
        if (!buf_add(out, "[", 1)) break;
        size_t from = out->len;
        escaped_add(out, message->links[i].text.len > 0 ? message->links[i].text : BYTES("Open"));
        if (out->len - from > 300) out->len = from; /* too long to be a link's name */
        if (out->len == from && !buf_printf(out, "Open")) break;
        if (!buf_printf(out, "](%.*s)\n", (int)url.len, (const char *)url.ptr)) break;
    }
    buf_deinit(&url);
}

static void text_add(struct buf *text, const struct message *message, const struct message_block *block)
{
    struct buf plain;
    struct err ignored = { 0 };
    const struct render_context none = { .base_url = "" };
    struct message one = {
        .blocks = block, .block_count = 1, .images = message->images, .image_count = message->image_count
    };
    buf_init(&plain, DESCRIPTION_MAX);
    if (render_text(&one, &none, &plain, &ignored)) escaped_add(text, buf_bytes(&plain));
    buf_deinit(&plain);
}

bool render_discord(const struct message *message, const struct render_context *context, struct buf *out,
                    struct err *err)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct buf text, links;
    char time[RFC3339_BYTES];
    if (doc == NULL) abort(); /* no memory */
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    buf_init(&text, 32768);
    buf_init(&links, 8192);
    yyjson_mut_val *mentions = yyjson_mut_obj_add_obj(doc, root, "allowed_mentions");
    yyjson_mut_obj_add_arr(doc, mentions, "parse");
    yyjson_mut_val *embed = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, root, "embeds"));
    render_title(message, &text);
    render_put(doc, embed, "title", text.len > 0 ? buf_bytes(&text) : BYTES("(no title)"), TITLE_MAX);
    struct bytes url = render_first_url(message, context, &text);
    if (url.len > 0 && url.len <= 2000) render_put(doc, embed, "url", url, 2000);
    yyjson_mut_obj_add_uint(doc, embed, "color", render_colour(message));
    rfc3339_write_seconds(context->now_unix_us, time);
    yyjson_mut_obj_add_strcpy(doc, embed, "timestamp", time);
    yyjson_mut_val *fields = yyjson_mut_arr(doc);
    struct buf work;
    buf_init(&work, 32768);
    text.len = 0;
    for (uint32_t i = 0; i < message->block_count; i++) {
        if (is_in_fields(&message->blocks[i])) {
            fields_add(doc, fields, &message->blocks[i], &work);
        } else {
            text_add(&text, message, &message->blocks[i]);
        }
    }
    links_add(&links, message, context);
    yyjson_mut_val *cut = render_cut(doc, buf_bytes(&text), DESCRIPTION_MAX - 600);
    work.len = 0;
    if (buf_add(&work, yyjson_mut_get_str(cut), yyjson_mut_get_len(cut)) && buf_printf(&work, "\n") &&
        (links.len == 0 || links.len > 2400 || buf_add(&work, links.ptr, links.len)) && context->is_uncertain)
        escaped_add(&work, bytes_of_text(render_uncertain));
    render_put(doc, embed, "description", buf_bytes(&work), 4096);
    if (yyjson_mut_arr_size(fields) > 0) yyjson_mut_obj_add_val(doc, embed, "fields", fields);
    yyjson_mut_val *footer = yyjson_mut_obj_add_obj(doc, embed, "footer");
    render_put(doc, footer, "text", context->project.len > 0 ? context->project : BYTES("monoscope"), 100);
    buf_deinit(&work);
    buf_deinit(&text);
    buf_deinit(&links);
    return render_end(doc, out, err);
}
