#include "worker/written/written_json.h"
#include "base/json_object.h"
#include "base/varint.h"
#include <stdlib.h>

static struct bytes text_of(struct arena *arena, yyjson_val *value)
{
    return arena_copy(arena, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
}

/* --- nested values, as protobuf: AnyValue, ArrayValue and KeyValueList of common.proto --- */

static void raw_put(struct buf *out, const void *ptr, size_t len)
{
    if (len > 0 && !buf_add(out, ptr, len)) abort(); /* some times the bytes of a batch, which has its limit */
}

static void varint_add(struct buf *out, uint64_t number)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    raw_put(out, bytes, (size_t)(varint_put(bytes, number) - bytes));
}

static void field_add(struct buf *out, uint32_t field, const void *ptr, size_t len)
{
    varint_add(out, field << 3 | 2);
    varint_add(out, len);
    raw_put(out, ptr, len);
}

static void inner_add(struct buf *out, uint32_t field, struct buf *inner)
{
    field_add(out, field, inner->ptr, inner->len);
    buf_deinit(inner);
}

static void any_put(struct buf *out, yyjson_val *value, uint32_t depth);

static void list_put(struct buf *out, yyjson_val *value, uint32_t depth)
{
    size_t i, count;
    yyjson_val *key, *item;
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, i, count, item)
        {
            struct buf any;
            buf_init(&any, SIZE_MAX / 4);
            any_put(&any, item, depth);
            inner_add(out, 1, &any);
        }
        return;
    }
    yyjson_obj_foreach(value, i, count, key, item)
    {
        struct buf pair, any;
        buf_init(&pair, SIZE_MAX / 4);
        buf_init(&any, SIZE_MAX / 4);
        any_put(&any, item, depth);
        field_add(&pair, 1, yyjson_get_str(key), yyjson_get_len(key));
        inner_add(&pair, 2, &any);
        inner_add(out, 1, &pair);
    }
}

static void json_text_put(struct buf *out, yyjson_val *value)
{
    size_t len = 0;
    char *text = yyjson_val_write(value, YYJSON_WRITE_ALLOW_INF_AND_NAN, &len);
    field_add(out, 1, text, len);
    free(text);
}

static void any_put(struct buf *out, yyjson_val *value, uint32_t depth)
{
    switch (yyjson_get_tag(value)) {
    case YYJSON_TYPE_STR | YYJSON_SUBTYPE_NONE:
    case YYJSON_TYPE_STR | YYJSON_SUBTYPE_NOESC:
        field_add(out, 1, yyjson_get_str(value), yyjson_get_len(value));
        return;
    case YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_TRUE:
    case YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_FALSE:
        varint_add(out, 2u << 3);
        varint_add(out, yyjson_get_bool(value));
        return;
    case YYJSON_TYPE_NUM | YYJSON_SUBTYPE_SINT:
    case YYJSON_TYPE_NUM | YYJSON_SUBTYPE_UINT:
        if (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX) break;
        varint_add(out, 3u << 3);
        varint_add(out, (uint64_t)yyjson_get_sint(value));
        return;
    case YYJSON_TYPE_ARR | YYJSON_SUBTYPE_NONE:
    case YYJSON_TYPE_OBJ | YYJSON_SUBTYPE_NONE: {
        if (depth == WRITTEN_DEPTH_MAX) {
            json_text_put(out, value);
            return;
        }
        struct buf list;
        buf_init(&list, SIZE_MAX / 4);
        list_put(&list, value, depth + 1);
        inner_add(out, yyjson_is_arr(value) ? 5 : 6, &list);
        return;
    }
    default: break;
    }
    if (!yyjson_is_num(value)) return; /* null: an empty value */
    double number = yyjson_get_num(value);
    varint_add(out, 4u << 3 | 1);
    raw_put(out, &number, sizeof number);
}

static struct otlp_value value_of(struct arena *arena, yyjson_val *value)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_STR: return (struct otlp_value){ .type = OTLP_TEXT, .bytes = text_of(arena, value) };
    case YYJSON_TYPE_BOOL: return (struct otlp_value){ .type = OTLP_BOOL, .boolean = yyjson_get_bool(value) };
    case YYJSON_TYPE_NUM:
        if (yyjson_is_int(value) && !(yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX))
            return (struct otlp_value){ .type = OTLP_INT, .integer = yyjson_get_sint(value) };
        return (struct otlp_value){ .type = OTLP_DOUBLE, .number = yyjson_get_num(value) };
    case YYJSON_TYPE_ARR:
    case YYJSON_TYPE_OBJ: {
        struct buf list;
        buf_init(&list, SIZE_MAX / 4);
        list_put(&list, value, 1);
        struct otlp_value made = { .type = yyjson_is_arr(value) ? OTLP_ARRAY : OTLP_KVLIST,
                                   .bytes = arena_copy(arena, buf_bytes(&list)) };
        buf_deinit(&list);
        return made;
    }
    default: return (struct otlp_value){ .type = OTLP_EMPTY };
    }
}

static void members_add(struct otlp_request *request, struct arena *arena, yyjson_val *object)
{
    size_t i, count;
    yyjson_val *key, *item;
    yyjson_obj_foreach(object, i, count, key, item)
    {
        struct otlp_attribute *attribute = WRITTEN_ADD(request->attributes);
        attribute->key = text_of(arena, key);
        attribute->value = value_of(arena, item);
    }
}

/* NULL: not JSON, or nested too deep to walk through. */
static yyjson_doc *doc_read(struct bytes json)
{
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)json.ptr, json.len, YYJSON_READ_ALLOW_INF_AND_NAN, NULL, NULL);
    if (doc == NULL || !json_is_deep(yyjson_doc_get_root(doc), 1000)) return doc;
    yyjson_doc_free(doc);
    return NULL;
}

void written_attributes_add(struct otlp_request *request, struct arena *arena, struct bytes object)
{
    yyjson_doc *doc = doc_read(object);
    members_add(request, arena, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

struct otlp_value written_body(struct arena *arena, struct bytes json)
{
    struct otlp_value body = { .type = OTLP_TEXT, .bytes = json };
    if (json.len == 0 || json.ptr[0] != '"') return body;
    yyjson_doc *doc = doc_read(json);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (yyjson_is_str(root)) body.bytes = text_of(arena, root);
    yyjson_doc_free(doc);
    return body;
}

struct otlp_range written_events_add(struct otlp_request *request, struct arena *arena, struct bytes json)
{
    struct otlp_range range = { .first = request->events.count };
    yyjson_doc *doc = doc_read(json);
    yyjson_val *root = yyjson_doc_get_root(doc), *item;
    size_t i, count;
    yyjson_arr_foreach(root, i, count, item)
    {
        yyjson_val *name = yyjson_obj_get(item, "name");
        struct otlp_event *event = WRITTEN_ADD(request->events);
        if (yyjson_is_str(name)) event->name = text_of(arena, name);
        event->attributes.first = request->attributes.count;
        members_add(request, arena, yyjson_obj_get(item, "attributes"));
        event->attributes.count = request->attributes.count - event->attributes.first;
        range.count++;
    }
    yyjson_doc_free(doc);
    return range;
}
