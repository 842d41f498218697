/* Any bytes as a jsonpath, a newline, and a document: refused, or run to its end within its steps. */
#include "base/json_object.h"
#include "timefusion/query/jsonpath.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096) return 0;
    const uint8_t *line = memchr(data, '\n', size);
    size_t len = line ? (size_t)(line - data) : size;
    struct bytes rest = line ? bytes_from(line + 1, size - len - 1) : bytes_from("{\"a\":[1,\"b\",{\"c\":null}]}", 24);
    struct arena arena;
    struct jsonpath *path;
    struct err err = { .code = ERR_OK };
    arena_init(&arena, 0);
    if (!jsonpath_parse(&path, bytes_from(data, len), &arena, &err)) {
        if (err.code == ERR_OK || err.text[0] == '\0') abort(); /* a refusal says why */
        arena_deinit(&arena);
        return 0;
    }
    yyjson_doc *doc = json_read_digits(rest);
    yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
    if (root && !json_is_deep(root, 100)) {
        struct jsonpath_items items;
        err = (struct err){ .code = ERR_OK };
        bool ok = jsonpath_run(path, root, root, &arena, &items, &err);
        if (ok != (err.code == ERR_OK)) abort();
        for (size_t i = 0; ok && i < items.count; i++)
            if (items.at[i].kind > JSONPATH_NULL) abort();
    }
    yyjson_doc_free(doc);
    jsonpath_free(path);
    arena_deinit(&arena);
    return 0;
}
