/* Any bytes: read or refused; what was read is written, and what was written reads back equal. As JSON too: what a client sends as JSON
 * is written as YAML. */
#include "yaml/yaml.h"
#include <stdlib.h>

static void round_trip(yyjson_mut_doc *doc, yyjson_mut_val *value)
{
    struct err err = { 0 };
    struct buf text;
    yyjson_mut_val *again;
    buf_init(&text, 64 << 20);
    if (yaml_write(value, &text, &err)) {
        if (text.len <= YAML_BYTES_MAX &&
            (!yaml_read(buf_bytes(&text), doc, &again, &err) || !yyjson_mut_equals(value, again)))
            abort();
    } else if (err.code != ERR_INPUT && err.code != ERR_TOO_LARGE) {
        abort();
    }
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *value;
    if (yaml_read(bytes_from(data, size), doc, &value, &err))
        round_trip(doc, value);
    else if (err.code != ERR_INPUT && err.code != ERR_TOO_LARGE)
        abort();
    yyjson_doc *json = yyjson_read((const char *)data, size, 0);
    if (json != NULL) round_trip(doc, yyjson_val_mut_copy(doc, yyjson_doc_get_root(json)));
    yyjson_doc_free(json);
    yyjson_mut_doc_free(doc);
    return 0;
}
