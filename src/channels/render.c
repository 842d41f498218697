#include "channels/render.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "channels/render_inside.h"

const char render_uncertain[] = "This may be a repeat: the answer to an earlier try was lost.";

/* ---- JSON ---- */

static size_t prefix_of(struct bytes text, size_t count)
{
    size_t at = 0;
    while (at < text.len && count > 0) {
        at++;
        while (at < text.len && (text.ptr[at] & 0xC0) == 0x80) at++;
        count--;
    }
    return at;
}

yyjson_mut_val *render_cut(yyjson_mut_doc *doc, struct bytes text, size_t count_max)
{
    static const char more[] = "\xe2\x80\xa6";
    if (text.len == 0) return yyjson_mut_str(doc, "");
    if (text.len <= count_max || utf8_count(text) <= count_max)
        return yyjson_mut_strncpy(doc, (const char *)text.ptr, text.len);
    size_t len = prefix_of(text, count_max - 1);
    char *cut = mem_alloc(len + sizeof more);
    memcpy(cut, text.ptr, len);
    memcpy(cut + len, more, sizeof more);
    yyjson_mut_val *value = yyjson_mut_strncpy(doc, cut, len + sizeof more - 1);
    free(cut);
    return value;
}

void render_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, struct bytes text, size_t count_max)
{
    yyjson_mut_obj_add_val(doc, object, name, render_cut(doc, text, count_max));
}

bool render_end(yyjson_mut_doc *doc, struct buf *out, struct err *err)
{
    size_t len = 0;
    char *text = yyjson_mut_write(doc, 0, &len);
    yyjson_mut_doc_free(doc);
    bool ok = text != NULL && buf_add(out, text, len);
    free(text);
    return ok || err_set(err, ERR_TOO_LARGE, "the message is too long for its channel");
}

/* ---- texts ---- */

void render_title(const struct message *message, struct buf *out)
{
    const char *mark = message->act == MESSAGE_RESOLVE  ? "resolved"
                       : message->act == MESSAGE_REPORT ? ""
                       : message->act == MESSAGE_TEST   ? "test"
                                                        : message_severity_names[message->severity];
    if (mark[0] != '\0' && !buf_printf(out, "[%s] ", mark)) return;
    for (size_t i = 0; i < message->title.len; i++) { /* one line, whatever came */
        char byte = (char)message->title.ptr[i];
        if ((byte >= 0 && byte < ' ') || byte == 0x7F) byte = ' ';
        if (!buf_add(out, &byte, 1)) return;
    }
}

bool render_url(const struct render_context *context, struct bytes url, struct buf *out)
{
    if (url.len == 0 || (url.ptr[0] == '/' && context->base_url[0] == '\0')) return false;
    bool is_ours = url.ptr[0] == '/';
    if (!is_ours && (url.len < 8 || (memcmp(url.ptr, "https://", 8) != 0 && memcmp(url.ptr, "http://", 7) != 0)))
        return false;
    if (is_ours && !buf_printf(out, "%s", context->base_url)) return false;
    for (size_t i = 0; i < url.len; i++) {
        uint8_t byte = url.ptr[i];
        bool is_fine = byte > ' ' && byte < 0x7F && strchr("<>\"\\^`{|}", byte) == NULL;
        if (!(is_fine ? buf_add(out, &byte, 1) : buf_printf(out, "%%%02X", byte))) return false;
    }
    return true;
}

struct bytes render_first_url(const struct message *message, const struct render_context *context, struct buf *out)
{
    for (uint32_t i = 0; i < message->link_count; i++) {
        out->len = 0;
        if (render_url(context, message->links[i].url, out)) return buf_bytes(out);
    }
    out->len = 0;
    return (struct bytes){ 0 };
}

uint32_t render_colour(const struct message *message)
{
    static const uint32_t colours[MESSAGE_SEVERITY_COUNT] = { 0x4A7DBD, 0xD9A000, 0xC62F2F };
    return message->act == MESSAGE_RESOLVE ? 0x2E8540 : colours[message->severity];
}

static bool line(struct buf *out, struct bytes text)
{
    return (text.len == 0 || buf_add(out, text.ptr, text.len)) && buf_add(out, "\n", 1);
}

static bool table_text(const struct message_block *block, struct buf *out)
{
    const char *between = block->kind == MESSAGE_FACTS ? ": " : "  ";
    for (uint32_t r = 0; r < block->row_count; r++) {
        for (uint32_t c = 0; c < block->column_count; c++) {
            struct bytes cell = block->cells[r * block->column_count + c];
            if (c > 0 && !buf_printf(out, "%s", between)) return false;
            if (cell.len > 0 && !buf_add(out, cell.ptr, cell.len)) return false;
        }
        if (!buf_add(out, "\n", 1)) return false;
    }
    return true;
}

static struct bytes alt_of(const struct message *message, struct bytes id)
{
    for (uint32_t i = 0; i < message->image_count; i++)
        if (bytes_equal(message->images[i].id, id)) return message->images[i].alt;
    return BYTES("");
}

static bool block_text(const struct message *message, const struct message_block *block, struct buf *out)
{
    switch (block->kind) {
    case MESSAGE_TABLE:
    case MESSAGE_FACTS: return table_text(block, out) && buf_add(out, "\n", 1);
    case MESSAGE_IMAGE:
        if (alt_of(message, block->text).len == 0) return true;
        return buf_printf(out, "[chart: ") && line(out, alt_of(message, block->text)) && buf_add(out, "\n", 1);
    case MESSAGE_HEADING: return buf_printf(out, "## ") && line(out, block->text);
    default: return line(out, block->text) && buf_add(out, "\n", 1);
    }
}

bool render_text(const struct message *message, const struct render_context *context, struct buf *out, struct err *err)
{
    struct buf url;
    bool ok = true;
    buf_init(&url, 16384);
    for (uint32_t i = 0; ok && i < message->block_count; i++) ok = block_text(message, &message->blocks[i], out);
    for (uint32_t i = 0; ok && i < message->link_count; i++) {
        url.len = 0;
        if (!render_url(context, message->links[i].url, &url)) continue;
        ok =
            (message->links[i].text.len == 0 || buf_add(out, message->links[i].text.ptr, message->links[i].text.len)) &&
            buf_printf(out, ": ") && line(out, buf_bytes(&url));
    }
    if (ok && context->ack_url != NULL) ok = buf_printf(out, "Acknowledge: %s\n", context->ack_url);
    if (ok && context->is_uncertain) ok = buf_printf(out, "\n%s\n", render_uncertain);
    buf_deinit(&url);
    return ok || err_set(err, ERR_TOO_LARGE, "the message is too long for its channel");
}
