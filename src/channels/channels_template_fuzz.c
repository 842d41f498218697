/* Any bytes as a template: what the check takes is filled, and what is filled into JSON's texts stays JSON. */
#include <stdlib.h>

#include "base/utf8.h"
#include "channels/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes values[TEMPLATE_NAME_COUNT];
    struct err err = { 0 };
    struct buf out;
    for (size_t i = 0; i < TEMPLATE_NAME_COUNT; i++) values[i] = BYTES("\"{{title}}\\\n\xc3\xa9");
    bool is_fine = template_check(bytes_from(data, size), &err);
    buf_init(&out, TEMPLATE_FILLED_MAX);
    bool is_filled = template_fill(bytes_from(data, size), values, &out, &err);
    if (is_fine != is_filled && err.code != ERR_TOO_LARGE) abort();
    if (is_filled && utf8_is_valid(bytes_from(data, size)) && out.len > 0 && !utf8_is_valid(buf_bytes(&out))) abort();
    buf_deinit(&out);
    return 0;
}
