/* What strangers send to the API before anyone looks at who they are, and what follows: a path, a query, a body, a cursor.
 *
 * The first byte says which: 0 method and path; 1 percent-decoding; 2 a time; 3 a body against every schema; 4 a query value
 * against every parameter; 5 a cursor. Whatever comes, nothing reads beyond it, and an error says something. */
#include <stdlib.h>

#include "base/rfc3339.h"
#include "web/api/api_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_all(const struct schemas *schemas, yyjson_val *value)
{
    yyjson_mut_val *key, *schema;
    size_t i, count;
    yyjson_mut_obj_foreach(schemas_all(schemas), i, count, key, schema)
    {
        char pointer[SCHEMA_POINTER_BYTES];
        struct err err = { 0 };
        bool ok = schema_check(schemas, schemas_find(schemas, yyjson_mut_get_str(key)), value, pointer, &err);
        if (!ok && (err.code != ERR_INPUT || err.text[0] == '\0')) abort();
        if (strlen(pointer) >= SCHEMA_POINTER_BYTES) abort();
    }
}

static void value_all(const struct schemas *schemas, struct bytes text)
{
    yyjson_mut_val *key, *parameter;
    size_t i, count;
    yyjson_mut_obj_foreach(schemas_parameters(schemas), i, count, key, parameter)
    {
        struct err err = { 0 };
        char pointer[SCHEMA_POINTER_BYTES];
        yyjson_val value, *one = schemas_parameter(schemas, bytes_of_text(yyjson_mut_get_str(key)));
        yyjson_val *schema = yyjson_obj_get(one, "schema");
        if (schema_value_of_text(schema, text, &value, &err))
            (void)!schema_check(schemas, schema, &value, pointer, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct schemas *schemas; /* kept for all inputs */
    struct err err = { 0 };
    if (schemas == NULL && !schemas_open(&schemas, &err)) abort();
    if (size == 0) return 0;
    char *copy = bytes_to_text(bytes_from(data + 1, size - 1)); /* a NUL at the end, as texts of yyjson have */
    struct bytes text = bytes_from(copy, size - 1), out;
    struct arena arena = { 0 };
    struct api_match match;
    int64_t unix_us;
    struct bytes after[2];
    switch (data[0] % 6) {
    case 0: (void)!api_route_find(BYTES("GET"), text, &match); break;
    case 1:
        if (percent_decode(&arena, text, true, &out) && out.len > text.len) abort();
        break;
    case 2:
        if (rfc3339_read_relative(text, 0, &unix_us)) {
            char back[RFC3339_BYTES];
            rfc3339_write(unix_us, back);
        }
        break;
    case 3: {
        yyjson_doc *doc = yyjson_read(copy, text.len, 0);
        if (doc != NULL) check_all(schemas, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
        break;
    }
    case 4: value_all(schemas, text); break;
    default:
        if (cursor_read(&arena, "search", 2, text, after) && after[0].len + after[1].len > text.len) abort();
    }
    arena_deinit(&arena);
    free(copy);
    return 0;
}
