/* Slack's Block Kit. Bounds as published: 50 blocks, a header of 150 characters, a section of 3,000, 10 fields of 2,000, a button's
 * text of 75 and URL of 3,000; & < > are escaped. */
#include <stdlib.h>

#include "channels/inbound.h"
#include "channels/render_inside.h"

enum { BLOCKS_MAX = 50, HEADER_MAX = 150, SECTION_MAX = 2900, FIELD_MAX = 1900, FIELDS_MAX = 10, BUTTONS_MAX = 5 };
struct slack {
    yyjson_mut_doc *doc;
    yyjson_mut_val *blocks;
    struct buf text; /* to work in */
    bool is_full;
};

/* Room for the buttons, and for the line that says that something is left out. */
static yyjson_mut_val *block_add(struct slack *slack, const char *type)
{
    if (yyjson_mut_arr_size(slack->blocks) >= BLOCKS_MAX - 2) {
        slack->is_full = true;
        return NULL;
    }
    yyjson_mut_val *block = yyjson_mut_arr_add_obj(slack->doc, slack->blocks);
    yyjson_mut_obj_add_str(slack->doc, block, "type", type);
    return block;
}

/* As many characters as stay under the bound when each is escaped. */
static void escaped_add(struct buf *out, struct bytes text, size_t bytes_max)
{
    size_t end = out->len + bytes_max;
    for (size_t i = 0; i < text.len;) {
        size_t len = 1;
        while (i + len < text.len && (text.ptr[i + len] & 0xC0) == 0x80) len++;
        uint8_t byte = text.ptr[i];
        const char *escaped = byte == '&' ? "&amp;" : byte == '<' ? "&lt;" : byte == '>' ? "&gt;" : NULL;
        size_t more = escaped != NULL ? strlen(escaped) : len;
        if (out->len + more + 3 > end) {
            if (!buf_add(out, "\xe2\x80\xa6", 3)) return;
            return;
        }
        if (!buf_add(out, escaped != NULL ? (const void *)escaped : text.ptr + i, more)) return;
        i += len;
    }
}

static yyjson_mut_val *words(struct slack *slack, const char *type, struct bytes text)
{
    yyjson_mut_val *object = yyjson_mut_obj(slack->doc);
    yyjson_mut_obj_add_str(slack->doc, object, "type", type);
    yyjson_mut_obj_add_strncpy(slack->doc, object, "text", text.len > 0 ? (const char *)text.ptr : " ",
                               text.len > 0 ? text.len : 1);
    return object;
}

static void section_add(struct slack *slack, struct bytes text, const char *around)
{
    yyjson_mut_val *block = block_add(slack, "section");
    if (block == NULL) return;
    slack->text.len = 0;
    if (!buf_printf(&slack->text, "%s", around)) return;
    escaped_add(&slack->text, text, SECTION_MAX);
    if (!buf_printf(&slack->text, "%s", around)) return;
    yyjson_mut_obj_add_val(slack->doc, block, "text", words(slack, "mrkdwn", buf_bytes(&slack->text)));
}

static void facts_add(struct slack *slack, const struct message_block *facts)
{
    yyjson_mut_val *fields = NULL;
    for (uint32_t r = 0; r < facts->row_count; r++) {
        if (r % FIELDS_MAX == 0) {
            yyjson_mut_val *block = block_add(slack, "section");
            if (block == NULL) return;
            fields = yyjson_mut_obj_add_arr(slack->doc, block, "fields");
        }
        slack->text.len = 0;
        if (!buf_printf(&slack->text, "*")) return;
        escaped_add(&slack->text, facts->cells[2 * r], FIELD_MAX / 4);
        if (!buf_printf(&slack->text, "*\n")) return;
        escaped_add(&slack->text, facts->cells[2 * r + 1], FIELD_MAX / 2);
        yyjson_mut_arr_append(fields, words(slack, "mrkdwn", buf_bytes(&slack->text)));
    }
}

/* A table as text of fixed width: Slack's own tables are not for webhooks. */
static void table_add(struct slack *slack, const struct message_block *table)
{
    struct buf rows;
    buf_init(&rows, SECTION_MAX - 100);
    for (uint32_t r = 0; r < table->row_count; r++) {
        size_t before = rows.len;
        bool ok = true;
        for (uint32_t c = 0; c < table->column_count; c++) {
            struct bytes cell = table->cells[r * table->column_count + c];
            ok = ok && (c == 0 || buf_printf(&rows, "  ")) && (cell.len == 0 || buf_add(&rows, cell.ptr, cell.len));
        }
        if (ok && buf_printf(&rows, "\n")) continue;
        rows.len = before;
        break;
    }
    section_add(slack, buf_bytes(&rows), "```");
    buf_deinit(&rows);
}

struct buttons {
    yyjson_mut_val *elements; /* NULL: there is none so far */
    uint32_t count;
};
static yyjson_mut_val *button_add(struct slack *slack, struct buttons *buttons, struct bytes name)
{
    if (buttons->elements == NULL) {
        yyjson_mut_val *block = yyjson_mut_arr_add_obj(slack->doc, slack->blocks);
        yyjson_mut_obj_add_str(slack->doc, block, "type", "actions");
        buttons->elements = yyjson_mut_obj_add_arr(slack->doc, block, "elements");
    }
    yyjson_mut_val *button = yyjson_mut_arr_add_obj(slack->doc, buttons->elements);
    yyjson_mut_obj_add_str(slack->doc, button, "type", "button");
    yyjson_mut_val *text = yyjson_mut_obj_add_obj(slack->doc, button, "text");
    yyjson_mut_obj_add_str(slack->doc, text, "type", "plain_text");
    render_put(slack->doc, text, "text", name.len > 0 ? name : BYTES("Open"), 75);
    buttons->count++;
    return button;
}

static void action_add(struct slack *slack, struct buttons *buttons, struct bytes name, const char *action,
                       const struct render_context *context)
{
    yyjson_mut_val *button = button_add(slack, buttons, name);
    yyjson_mut_obj_add_str(slack->doc, button, "action_id", action);
    yyjson_mut_obj_add_strcpy(slack->doc, button, "value", context->button_key);
    if (buttons->count == 1) yyjson_mut_obj_add_str(slack->doc, button, "style", "primary");
}

static void buttons_add(struct slack *slack, const struct message *message, const struct render_context *context)
{
    struct buttons buttons = { NULL, 0 };
    bool has_ack = context->ack_url != NULL && context->button_key == NULL;
    if (context->button_key != NULL && message->act != MESSAGE_RESOLVE) {
        if (!message->is_acknowledged)
            action_add(slack, &buttons, BYTES("Acknowledge"), INBOUND_ACKNOWLEDGE_ACTION, context);
        action_add(slack, &buttons, BYTES("Resolve"), INBOUND_RESOLVE_ACTION, context);
    }
    for (uint32_t i = 0; i < message->link_count + has_ack && buttons.count < BUTTONS_MAX; i++) {
        bool is_ack = has_ack && i == 0;
        slack->text.len = 0;
        if (is_ack ? !buf_printf(&slack->text, "%s", context->ack_url)
                   : !render_url(context, message->links[i - has_ack].url, &slack->text) || slack->text.len > 3000)
            continue;
        struct bytes name = is_ack ? BYTES("Acknowledge") : message->links[i - has_ack].text;
        yyjson_mut_val *button = button_add(slack, &buttons, name);
        yyjson_mut_obj_add_strncpy(slack->doc, button, "url", (const char *)slack->text.ptr, slack->text.len);
        if (is_ack) yyjson_mut_obj_add_str(slack->doc, button, "style", "primary");
    }
}

static void note_add(struct slack *slack, const char *text)
{
    yyjson_mut_val *block = yyjson_mut_arr_add_obj(slack->doc, slack->blocks);
    yyjson_mut_obj_add_str(slack->doc, block, "type", "context");
    yyjson_mut_val *elements = yyjson_mut_obj_add_arr(slack->doc, block, "elements");
    yyjson_mut_arr_append(elements, words(slack, "plain_text", bytes_of_text(text)));
}

static void block_render(struct slack *slack, const struct message_block *block, const struct message *message)
{
    switch (block->kind) {
    case MESSAGE_FACTS: facts_add(slack, block); break;
    case MESSAGE_TABLE: table_add(slack, block); break;
    case MESSAGE_HEADING: section_add(slack, block->text, "*"); break;
    case MESSAGE_IMAGE: /* Slack takes images by a public address alone, which ours is not */
        for (uint32_t i = 0; i < message->image_count; i++)
            if (bytes_equal(message->images[i].id, block->text) && message->images[i].alt.len > 0)
                section_add(slack, message->images[i].alt, "_");
        break;
    default: section_add(slack, block->text, "");
    }
}

bool render_slack(const struct message *message, const struct render_context *context,
                  const struct render_slack *slack_to, struct buf *out, struct err *err)
{
    struct slack slack = { .doc = yyjson_mut_doc_new(NULL) };
    if (slack.doc == NULL) abort(); /* no memory */
    yyjson_mut_val *root = yyjson_mut_obj(slack.doc);
    yyjson_mut_doc_set_root(slack.doc, root);
    buf_init(&slack.text, 16384);
    render_title(message, &slack.text);
    struct buf title = slack.text;
    buf_init(&slack.text, 16384);
    if (slack_to->channel != NULL) {
        yyjson_mut_obj_add_strcpy(slack.doc, root, "channel", slack_to->channel);
        if (slack_to->thread.len > 0) render_put(slack.doc, root, "thread_ts", slack_to->thread, 64);
        if (slack_to->update.len > 0) render_put(slack.doc, root, "ts", slack_to->update, 64);
        if (slack_to->thread.len > 0 && message->act == MESSAGE_RESOLVE)
            yyjson_mut_obj_add_bool(slack.doc, root, "reply_broadcast", true);
    }
    escaped_add(&slack.text, buf_bytes(&title), 2000);
    yyjson_mut_obj_add_strncpy(slack.doc, root, "text", slack.text.len > 0 ? (const char *)slack.text.ptr : "",
                               slack.text.len);
    yyjson_mut_obj_add_bool(slack.doc, root, "unfurl_links", false);
    slack.blocks = yyjson_mut_obj_add_arr(slack.doc, root, "blocks");
    yyjson_mut_val *header = block_add(&slack, "header");
    yyjson_mut_val *words_of = yyjson_mut_obj_add_obj(slack.doc, header, "text");
    yyjson_mut_obj_add_str(slack.doc, words_of, "type", "plain_text");
    render_put(slack.doc, words_of, "text", title.len > 0 ? buf_bytes(&title) : BYTES("(no title)"), HEADER_MAX);
    for (uint32_t i = 0; i < message->block_count && !slack.is_full; i++)
        block_render(&slack, &message->blocks[i], message);
    buttons_add(&slack, message, context);
    if (context->is_uncertain || slack.is_full)
        note_add(&slack, slack.is_full ? "There is more: open it." : render_uncertain);
    buf_deinit(&title);
    buf_deinit(&slack.text);
    return render_end(slack.doc, out, err);
}
