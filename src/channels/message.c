#include "channels/message.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/base64.h"
#include "base/utf8.h"

const char *const message_act_names[MESSAGE_ACT_COUNT] = { "open", "update", "resolve", "report", "test" };
const char *const message_severity_names[MESSAGE_SEVERITY_COUNT] = { "info", "warning", "critical" };
static const char *const block_names[MESSAGE_BLOCK_KIND_COUNT] = { "text", "heading", "table", "image", "facts" };

/* ---- out ---- */

struct writing {
    yyjson_mut_doc *doc;
    bool is_bad; /* a text that is no UTF-8 */
};

static yyjson_mut_val *text_of(struct writing *writing, struct bytes text)
{
    if (text.len > 0 && !utf8_is_valid(text)) writing->is_bad = true;
    return yyjson_mut_strn(writing->doc, text.len > 0 ? (const char *)text.ptr : "", writing->is_bad ? 0 : text.len);
}

static void text_add(struct writing *writing, yyjson_mut_val *object, const char *name, struct bytes text)
{
    yyjson_mut_obj_add_val(writing->doc, object, name, text_of(writing, text));
}

static void texts_add(struct writing *writing, yyjson_mut_val *object, const char *name, const struct bytes *texts,
                      size_t count)
{
    yyjson_mut_val *array = yyjson_mut_obj_add_arr(writing->doc, object, name);
    for (size_t i = 0; i < count; i++) yyjson_mut_arr_append(array, text_of(writing, texts[i]));
}

static void block_add(struct writing *writing, yyjson_mut_val *blocks, const struct message_block *block)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(writing->doc, blocks);
    size_t cells = (size_t)block->column_count * block->row_count;
    assert(block->kind != MESSAGE_FACTS || cells == 0 || block->column_count == 2);
    yyjson_mut_obj_add_str(writing->doc, object, "kind", block_names[block->kind]);
    text_add(writing, object, "text", block->text);
    if (cells == 0) return;
    yyjson_mut_obj_add_uint(writing->doc, object, "columns", block->column_count);
    texts_add(writing, object, "cells", block->cells, cells);
    if (block->urls != NULL) texts_add(writing, object, "urls", block->urls, cells);
}

static void image_add(struct writing *writing, yyjson_mut_val *images, const struct message_image *image)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(writing->doc, images);
    uint8_t *text = mem_alloc(image->png.len / 3 * 4 + 5);
    text_add(writing, object, "id", image->id);
    text_add(writing, object, "alt", image->alt);
    size_t len = (size_t)(base64_put(text, image->png, true) - text);
    yyjson_mut_obj_add_strncpy(writing->doc, object, "png", (const char *)text, len);
    free(text);
}

bool message_write(const struct message *message, struct buf *json, struct err *err)
{
    struct writing writing = { .doc = yyjson_mut_doc_new(NULL) };
    if (writing.doc == NULL) abort(); /* no memory */
    yyjson_mut_val *root = yyjson_mut_obj(writing.doc);
    yyjson_mut_doc_set_root(writing.doc, root);
    yyjson_mut_obj_add_str(writing.doc, root, "act", message_act_names[message->act]);
    yyjson_mut_obj_add_str(writing.doc, root, "severity", message_severity_names[message->severity]);
    text_add(&writing, root, "thread", message->thread_key);
    text_add(&writing, root, "title", message->title);
    yyjson_mut_obj_add_sint(writing.doc, root, "incident", message->incident);
    yyjson_mut_obj_add_bool(writing.doc, root, "is_acknowledged", message->is_acknowledged);
    yyjson_mut_val *blocks = yyjson_mut_obj_add_arr(writing.doc, root, "blocks");
    for (uint32_t i = 0; i < message->block_count; i++) block_add(&writing, blocks, &message->blocks[i]);
    yyjson_mut_val *links = yyjson_mut_obj_add_arr(writing.doc, root, "links");
    for (uint32_t i = 0; i < message->link_count; i++) {
        yyjson_mut_val *link = yyjson_mut_arr_add_obj(writing.doc, links);
        text_add(&writing, link, "text", message->links[i].text);
        text_add(&writing, link, "url", message->links[i].url);
    }
    yyjson_mut_val *images = yyjson_mut_obj_add_arr(writing.doc, root, "images");
    for (uint32_t i = 0; i < message->image_count; i++) image_add(&writing, images, &message->images[i]);
    size_t len = 0;
    char *text = writing.is_bad ? NULL : yyjson_mut_write(writing.doc, 0, &len);
    yyjson_mut_doc_free(writing.doc);
    if (text == NULL) return err_set(err, ERR_INPUT, "the message has a text that is not UTF-8");
    bool ok = len <= MESSAGE_BYTES_MAX && buf_add(json, text, len);
    free(text);
    return ok || err_set(err, ERR_TOO_LARGE, "the message has %zu bytes, more than the %u a message may have", len,
                         MESSAGE_BYTES_MAX);
}

/* ---- in ---- */

static bool corrupt(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "a stored message cannot be read");
}

static struct bytes text_take(struct arena *arena, yyjson_val *value)
{
    const char *text = yyjson_get_str(value);
    return text == NULL || yyjson_get_len(value) == 0 ? bytes_from("", 0)
                                                      : arena_copy(arena, bytes_from(text, yyjson_get_len(value)));
}

static bool name_find(const char *const *names, uint32_t count, yyjson_val *value, uint32_t *at)
{
    for (*at = 0; *at < count; (*at)++)
        if (yyjson_equals_str(value, names[*at])) return true;
    return false;
}

static const struct bytes *texts_take(struct arena *arena, yyjson_val *array, size_t count)
{
    if (!yyjson_is_arr(array) || yyjson_arr_size(array) != count) return NULL;
    struct bytes *texts = arena_alloc(arena, count * sizeof *texts);
    size_t at, max;
    yyjson_val *value;
    yyjson_arr_foreach(array, at, max, value) texts[at] = text_take(arena, value);
    return texts;
}

static bool block_take(struct arena *arena, yyjson_val *value, struct message_block *block)
{
    uint32_t kind;
    if (!name_find(block_names, MESSAGE_BLOCK_KIND_COUNT, yyjson_obj_get(value, "kind"), &kind)) return false;
    block->kind = (enum message_block_kind)kind;
    block->text = text_take(arena, yyjson_obj_get(value, "text"));
    uint64_t columns = yyjson_get_uint(yyjson_obj_get(value, "columns"));
    size_t cells = yyjson_arr_size(yyjson_obj_get(value, "cells"));
    yyjson_val *urls = yyjson_obj_get(value, "urls");
    if (columns == 0) return cells == 0 && urls == NULL;
    if (columns > cells || cells % columns != 0 || cells > UINT32_MAX) return false;
    if (block->kind == MESSAGE_FACTS && columns != 2) return false;
    block->column_count = (uint32_t)columns;
    block->row_count = (uint32_t)(cells / columns);
    block->cells = texts_take(arena, yyjson_obj_get(value, "cells"), cells);
    if (urls != NULL) block->urls = texts_take(arena, urls, cells);
    return block->cells != NULL && (urls == NULL || block->urls != NULL);
}

static bool image_take(struct arena *arena, yyjson_val *value, struct message_image *image)
{
    struct bytes png = text_take(arena, yyjson_obj_get(value, "png"));
    uint8_t *bytes = arena_alloc(arena, png.len + 4);
    image->id = text_take(arena, yyjson_obj_get(value, "id"));
    image->alt = text_take(arena, yyjson_obj_get(value, "alt"));
    image->png.ptr = bytes;
    return base64_read(png, BASE64_PADDED, bytes, &image->png.len);
}

static bool root_take(struct arena *arena, yyjson_val *root, struct message *message)
{
    uint32_t act, severity;
    yyjson_val *blocks = yyjson_obj_get(root, "blocks"), *links = yyjson_obj_get(root, "links"),
               *images = yyjson_obj_get(root, "images"), *value;
    size_t at, max;
    if (!name_find(message_act_names, MESSAGE_ACT_COUNT, yyjson_obj_get(root, "act"), &act) ||
        !name_find(message_severity_names, MESSAGE_SEVERITY_COUNT, yyjson_obj_get(root, "severity"), &severity))
        return false;
    message->act = (enum message_act)act;
    message->severity = (enum message_severity)severity;
    message->thread_key = text_take(arena, yyjson_obj_get(root, "thread"));
    message->title = text_take(arena, yyjson_obj_get(root, "title"));
    message->incident = yyjson_get_sint(yyjson_obj_get(root, "incident"));
    message->is_acknowledged = yyjson_get_bool(yyjson_obj_get(root, "is_acknowledged"));
    message->block_count = (uint32_t)yyjson_arr_size(blocks);
    message->link_count = (uint32_t)yyjson_arr_size(links);
    message->image_count = (uint32_t)yyjson_arr_size(images);
    struct message_block *block = arena_calloc(arena, message->block_count * sizeof *block);
    struct message_link *link = arena_calloc(arena, message->link_count * sizeof *link);
    struct message_image *image = arena_calloc(arena, message->image_count * sizeof *image);
    message->blocks = block;
    message->links = link;
    message->images = image;
    yyjson_arr_foreach(blocks, at, max, value) if (!block_take(arena, value, block++)) return false;
    yyjson_arr_foreach(links, at, max, value)
    {
        link->text = text_take(arena, yyjson_obj_get(value, "text"));
        link++->url = text_take(arena, yyjson_obj_get(value, "url"));
    }
    yyjson_arr_foreach(images, at, max, value) if (!image_take(arena, value, image++)) return false;
    return true;
}

bool message_read(struct bytes json, struct arena *arena, struct message *message, struct err *err)
{
    *message = (struct message){ 0 };
    if (json.len == 0) return corrupt(err);
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    bool ok = doc != NULL && root_take(arena, yyjson_doc_get_root(doc), message);
    yyjson_doc_free(doc);
    return ok || corrupt(err);
}
