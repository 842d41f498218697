#include "base/json_object.h"
#include "base/json_flat.h"
#include <stdlib.h>

yyjson_doc *json_read_digits(struct bytes json)
{
    return yyjson_read((const char *)json.ptr, json.len, YYJSON_READ_NUMBER_AS_RAW);
}

static bool has_empty_segment(struct bytes key)
{
    if (key.len == 0 || key.ptr[0] == '.' || key.ptr[key.len - 1] == '.') return true;
    for (size_t i = 1; i < key.len; i++)
        if (key.ptr[i] == '.' && key.ptr[i - 1] == '.') return true;
    return false;
}

void json_member_add(yyjson_mut_doc *doc, yyjson_mut_val *object, struct bytes key, yyjson_mut_val *value)
{
    yyjson_mut_obj_add(object, yyjson_mut_strn(doc, (const char *)key.ptr, key.len), value);
}

void json_nested_add(yyjson_mut_doc *doc, yyjson_mut_val *object, struct bytes key, yyjson_mut_val *value)
{
    while (!has_empty_segment(key)) {
        const uint8_t *dot = memchr(key.ptr, '.', key.len);
        if (!dot) break;
        struct bytes head = { key.ptr, (size_t)(dot - key.ptr) },
                     tail = { dot + 1, key.len - (size_t)(dot - key.ptr) - 1 };
        yyjson_mut_val *child = yyjson_mut_obj_getn(object, (const char *)head.ptr, head.len);
        if (!child) {
            child = yyjson_mut_obj(doc);
            json_member_add(doc, object, head, child);
        } else if (!yyjson_mut_is_obj(child) ||
                   (!memchr(tail.ptr, '.', tail.len) && yyjson_mut_obj_getn(child, (const char *)tail.ptr, tail.len))) {
            break;
        }
        object = child;
        key = tail;
    }
    if (yyjson_mut_obj_getn(object, (const char *)key.ptr, key.len)) return; /* two values of one key: the first */
    json_member_add(doc, object, key, value);
}

static bool add(struct buf *out, const char *text, size_t len)
{
    if (!buf_add(out, text, len)) abort(); /* no larger than what it was read from */
    return true;
}

static bool value_put(struct buf *out, yyjson_val *value, bool as_text)
{
    size_t len;
    if (!value || (as_text && yyjson_is_null(value))) return false;
    if (as_text && yyjson_is_str(value)) return add(out, yyjson_get_str(value), yyjson_get_len(value));
    if (yyjson_is_raw(value)) return add(out, yyjson_get_raw(value), yyjson_get_len(value));
    char *json = yyjson_val_write(value, 0, &len);
    bool ok = json && add(out, json, len);
    free(json);
    return ok;
}

/* The value of the path itself: a key as it is, else in an object under a shorter key, longest first. */
static yyjson_val *value_find(yyjson_val *root, struct bytes path)
{
    yyjson_val *found = yyjson_obj_getn(root, (const char *)path.ptr, path.len);
    for (size_t len = path.len; !found && len > 0; len--) {
        if (path.ptr[len - 1] != '.') continue;
        yyjson_val *at = yyjson_obj_getn(root, (const char *)path.ptr, len - 1);
        struct bytes rest = { path.ptr + len, path.len - len };
        while (yyjson_is_obj(at)) {
            found = yyjson_obj_getn(at, (const char *)rest.ptr, rest.len);
            const uint8_t *dot = rest.len > 0 ? memchr(rest.ptr, '.', rest.len) : NULL;
            if (found || !dot) break;
            at = yyjson_obj_getn(at, (const char *)rest.ptr, (size_t)(dot - rest.ptr));
            rest = bytes_from(dot + 1, rest.len - (size_t)(dot - rest.ptr) - 1);
        }
    }
    return found;
}

struct entry {
    struct bytes key;
    yyjson_val *value;
};

static int entry_order(const void *a, const void *b)
{
    return bytes_compare(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* Keys that go on below the path make an object, with what stands at the path itself when that is one. */
static bool below_put(struct buf *out, yyjson_val *root, struct bytes path, yyjson_val *found, bool as_text)
{
    struct entry *entries = mem_alloc((yyjson_obj_size(root) + 1) * sizeof *entries);
    size_t count = 0, len;
    yyjson_obj_iter iter = yyjson_obj_iter_with(root);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
        struct bytes name = { (const uint8_t *)yyjson_get_str(key), yyjson_get_len(key) };
        if (name.len <= path.len + 1 || memcmp(name.ptr, path.ptr, path.len) != 0 || name.ptr[path.len] != '.')
            continue;
        entries[count++] = (struct entry){ .key = bytes_from(name.ptr + path.len + 1, name.len - path.len - 1),
                                           .value = yyjson_obj_iter_get_val(key) };
    }
    if (count == 0) {
        free(entries);
        return value_put(out, found, as_text);
    }
    qsort(entries, count, sizeof *entries, entry_order);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = found ? yyjson_val_mut_copy(doc, found) : yyjson_mut_obj(doc);
    for (size_t e = 0; e < count; e++)
        json_nested_add(doc, object, entries[e].key, yyjson_val_mut_copy(doc, entries[e].value));
    free(entries);
    char *json = yyjson_mut_val_write(object, 0, &len);
    bool ok = json && buf_add(out, json, len);
    free(json);
    yyjson_mut_doc_free(doc);
    return ok;
}

static bool flat_put(struct buf *out, struct bytes value, bool is_string, bool as_text)
{
    if (!is_string && as_text && bytes_equal(value, BYTES("null"))) return false;
    bool has_quotes = is_string && !as_text;
    return (!has_quotes || add(out, "\"", 1)) && add(out, (const char *)value.ptr, value.len) &&
           (!has_quotes || add(out, "\"", 1));
}

bool json_attribute_whole(struct bytes object, struct bytes path, bool as_text, struct buf *out)
{
    bool ok = false;
    if (path.len == 0 || object.len == 0) return false;
    yyjson_doc *doc = json_read_digits(object);
    yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
    if (yyjson_is_obj(root)) {
        yyjson_val *found = value_find(root, path);
        ok = found && !yyjson_is_obj(found) ? value_put(out, found, as_text)
                                            : below_put(out, root, path, found, as_text);
    }
    yyjson_doc_free(doc);
    return ok;
}

bool json_attribute(struct bytes object, struct bytes path, bool as_text, struct buf *out)
{
    struct bytes value;
    bool is_string;
    if (path.len == 0 || object.len == 0) return false;
    switch (json_flat_find(object, path, &value, &is_string)) {
    case JSON_FLAT_NONE: return false;
    case JSON_FLAT_FOUND: return flat_put(out, value, is_string, as_text);
    default: return json_attribute_whole(object, path, as_text, out);
    }
}

bool json_is_deep(yyjson_val *value, uint32_t depth_max)
{
    yyjson_val *key, *one;
    size_t i, count;
    if (!yyjson_is_ctn(value)) return false;
    if (depth_max == 0) return true;
    yyjson_arr_foreach(value, i, count, one) if (json_is_deep(one, depth_max - 1)) return true;
    yyjson_obj_foreach(value, i, count, key, one) if (json_is_deep(one, depth_max - 1)) return true;
    return false;
}
