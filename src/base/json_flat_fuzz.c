/* JSON and a path of strangers: a member found at its place is the one that a reader of the whole text finds. The path is the
 * first line. Of names that stand twice the two may choose another. */
#include "base/json_flat.h"
#include "base/json_object.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_twins(yyjson_val *object)
{
    yyjson_obj_iter outer = yyjson_obj_iter_with(object);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&outer));)
        if (yyjson_obj_getn(object, yyjson_get_str(key), yyjson_get_len(key)) != yyjson_obj_iter_get_val(key))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    if (line == NULL) return 0;
    struct bytes path = bytes_from(data, (size_t)(line - data)), json = bytes_from(line + 1, size - path.len - 1),
                 value;
    bool is_string;
    enum json_flat flat = json_flat_find(json, path, &value, &is_string);
    if (flat == JSON_FLAT_FOUND && (value.ptr < json.ptr || value.ptr + value.len > json.ptr + json.len)) abort();
    yyjson_doc *doc = json_read_digits(json);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (yyjson_is_obj(root) && !has_twins(root) && flat != JSON_FLAT_UNSURE) {
        for (int as_text = 0; as_text < 2; as_text++) {
            struct buf whole, found;
            buf_init(&whole, SIZE_MAX / 4);
            buf_init(&found, SIZE_MAX / 4);
            bool has_whole = json_attribute_whole(json, path, as_text, &whole);
            bool has_found = json_attribute(json, path, as_text, &found);
            if (has_whole != has_found || !bytes_equal(buf_bytes(&whole), buf_bytes(&found))) abort();
            buf_deinit(&whole);
            buf_deinit(&found);
        }
    }
    yyjson_doc_free(doc);
    return 0;
}
