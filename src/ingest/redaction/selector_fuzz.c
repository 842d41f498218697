/* Any text as a selector: read, and then asked of an element, or refused with words. */
#include "ingest/redaction/selector.h"
#include <stdlib.h>
#include <yyjson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char element[] = "{\"class\":\"a b\",\"id\":\"c\",\"name\":\"d\"}";
    struct selector selector;
    struct err err = { 0 };
    char *text = calloc(1, size + 1);
    memcpy(text, data, size);
    if (selector_read(text, &selector, &err)) {
        yyjson_doc *doc = yyjson_read(element, sizeof element - 1, 0);
        if (selector.count > SELECTOR_PARTS_MAX) abort();
        /* What it is of, it may be of. */
        if (selector_matches(&selector, BYTES("p"), yyjson_doc_get_root(doc)) &&
            !selector_may_match(&selector, yyjson_doc_get_root(doc)) && selector.count > 1)
            abort();
        yyjson_doc_free(doc);
    } else if (err.code != ERR_INPUT || err.text[0] == '\0') {
        abort();
    }
    free(text);
    return 0;
}
