/* A schema in the first line, a value behind it: neither may break the checker, and what fits must fit again. */
#include "base/json_schema.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static yyjson_val *pointed(void *ctx, const char *ref)
{
    return ref[0] == '#' ? ctx : NULL; /* to itself: as deep as one likes */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
    if (end == NULL) return 0;
    yyjson_doc *schema = yyjson_read((const char *)data, (size_t)(end - data), 0);
    yyjson_doc *value = yyjson_read((const char *)end + 1, len - (size_t)(end - data) - 1, 0);
    struct json_schema_world world = { pointed, NULL, yyjson_doc_get_root(schema) };
    char pointer[JSON_POINTER_BYTES];
    struct err err = { 0 };
    if (schema != NULL && value != NULL && json_schema_is_known(yyjson_doc_get_root(schema), "fuzz", &world, &err)) {
        bool fits = json_schema_check(yyjson_doc_get_root(schema), yyjson_doc_get_root(value), &world, pointer, &err);
        if (!fits && (err.code != ERR_INPUT || memchr(pointer, 0, sizeof pointer) == NULL)) abort();
    }
    yyjson_doc_free(schema);
    yyjson_doc_free(value);
    return 0;
}
