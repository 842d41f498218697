/* The body of a form: fields are UTF-8 without NUL, and no more than there is room for. */
#include "base/utf8.h"
#include "web/api/page_form.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct page_form form;
    arena_init(&arena, 0);
    if (page_form_parse(&arena, bytes_from(data, size), &form)) {
        if (form.field_count > FORM_FIELDS_MAX) abort();
        for (uint32_t f = 0; f < form.field_count; f++) {
            struct bytes text = form.fields[f].text;
            if (!utf8_is_valid(text) || !utf8_is_valid(form.fields[f].name)) abort();
            if (text.len > 0 && memchr(text.ptr, '\0', text.len)) abort();
        }
    }
    arena_deinit(&arena);
    return 0;
}
