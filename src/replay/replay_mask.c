#include "replay/replay_mask.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/glob.h"

enum { LEVELS_MAX = 4000 }; /* of nodes */

struct masking {
    struct arena arena;
    uint32_t levels;
};

bool replay_attribute_tells(struct bytes name)
{
    static const char *const names[] = { "value", "placeholder", "title",  "alt",    "label",      "content", "srcdoc",
                                         "href",  "src",         "srcset", "poster", "rr_dataurl", "rr_src",  "action",
                                         "cite",  "download",    "data",   "list",   "background" };
    if (glob_match(BYTES("data-*"), name, true) || glob_match(BYTES("aria-*"), name, true)) return true;
    for (size_t n = 0; n < COUNT_OF(names); n++)
        if (glob_match(bytes_of_text(names[n]), name, true)) return true;
    return false;
}

static bool is_number(yyjson_val *object, const char *name, const char *digits)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_raw(value) && yyjson_get_len(value) == strlen(digits) &&
           memcmp(yyjson_get_raw(value), digits, strlen(digits)) == 0;
}

/* A star for each character but blanks. */
static void text_mask(struct masking *masking, yyjson_val *value)
{
    if (!yyjson_is_str(value)) return;
    const char *text = yyjson_get_str(value);
    size_t len = yyjson_get_len(value), stars = 0;
    char *masked = arena_alloc(&masking->arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        if (((uint8_t)text[i] & 0xC0) == 0x80) continue; /* of a character that has its star */
        bool is_blank = text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r';
        masked[stars++] = is_blank ? text[i] : '*';
    }
    yyjson_set_strn(value, masked, stars);
}

static void attributes_mask(struct masking *masking, yyjson_val *attributes)
{
    size_t index, count;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(attributes)) return;
    yyjson_obj_foreach(attributes, index, count, key, value)
    {
        if (replay_attribute_tells(bytes_from(yyjson_get_str(key), yyjson_get_len(key)))) text_mask(masking, value);
    }
}

/* False: it is nested deeper than any page. */
static bool node_mask(struct masking *masking, yyjson_val *node, bool is_style)
{
    size_t index, count;
    yyjson_val *child;
    if (masking->levels == LEVELS_MAX) return false;
    if (!is_style && !yyjson_is_true(yyjson_obj_get(node, "isStyle")))
        text_mask(masking, yyjson_obj_get(node, "textContent"));
    attributes_mask(masking, yyjson_obj_get(node, "attributes"));
    is_style = yyjson_equals_str(yyjson_obj_get(node, "tagName"), "style");
    masking->levels++;
    bool ok = true;
    yyjson_arr_foreach(yyjson_obj_get(node, "childNodes"), index, count, child)
    {
        ok = ok && node_mask(masking, child, is_style);
    }
    masking->levels--;
    return ok;
}

static bool mutation_mask(struct masking *masking, yyjson_val *data)
{
    size_t index, count;
    yyjson_val *one;
    bool ok = true;
    yyjson_arr_foreach(yyjson_obj_get(data, "adds"), index, count, one)
    {
        ok = ok && node_mask(masking, yyjson_obj_get(one, "node"), false);
    }
    yyjson_arr_foreach(yyjson_obj_get(data, "texts"), index, count, one)
    {
        text_mask(masking, yyjson_obj_get(one, "value"));
    }
    yyjson_arr_foreach(yyjson_obj_get(data, "attributes"), index, count, one)
    {
        attributes_mask(masking, yyjson_obj_get(one, "attributes"));
    }
    return ok;
}

static bool event_mask(struct masking *masking, yyjson_val *event)
{
    yyjson_val *data = yyjson_obj_get(event, "data");
    if (is_number(event, "type", "2")) return node_mask(masking, yyjson_obj_get(data, "node"), false);
    if (!is_number(event, "type", "3")) return true;
    if (is_number(data, "source", "0")) return mutation_mask(masking, data);
    if (is_number(data, "source", "5")) text_mask(masking, yyjson_obj_get(data, "text"));
    return true;
}

bool replay_mask(struct bytes batch, struct buf *out, struct err *err)
{
    struct masking masking = { .levels = 0 };
    yyjson_doc *doc = yyjson_read((const char *)batch.ptr, batch.len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(doc), *event;
    size_t index, count, len = 0;
    bool ok = yyjson_is_obj(root);
    arena_init(&masking.arena, 0);
    yyjson_arr_foreach(yyjson_obj_get(root, "events"), index, count, event)
    {
        ok = ok && event_mask(&masking, event);
    }
    char *text = ok ? yyjson_val_write(root, 0, &len) : NULL;
    if (!text) {
        ok = err_set(err, ERR_CORRUPT, "a line of the segment is no batch of a replay");
    } else if (!buf_add(out, text, len)) {
        ok = err_set(err, ERR_TOO_LARGE, "a batch of the segment is too large to be masked");
    }
    free(text);
    arena_deinit(&masking.arena);
    yyjson_doc_free(doc);
    return ok;
}
