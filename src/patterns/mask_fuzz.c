/* Any text as a message: within its bounds, the same again, and blind to what is masked --
 * digits of a number, and what stands behind the limit. */
#include <stdlib.h>

#include "patterns/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *first = malloc(MASK_ROOM_BYTES), *again = malloc(MASK_ROOM_BYTES); /* ends are guarded */
    uint8_t *text = malloc(size + 1);
    if (first == NULL || again == NULL || text == NULL) abort();
    if (size > 0) memcpy(text, data, size);
    memset(first, 0xAA, MASK_ROOM_BYTES);
    memset(again, 0x55, MASK_ROOM_BYTES);
    struct bytes template = mask_text(first, bytes_from(text, size));
    if (template.len > MASK_BYTES_MAX || (size == 0 && template.len != 0)) abort();
    for (size_t i = 0; i < template.len; i++) {
        if (template.ptr[i] >= '0' && template.ptr[i] <= '9' && size > 0 && data[0] != '{')
            abort(); /* keys of objects keep theirs */
    }
    if (!bytes_equal(template, mask_text(again, bytes_from(text, size)))) abort();

    for (size_t i = 0; i < size; i++) { /* a digit from 5 to 9 is in the same classes as another of them */
        if (text[i] >= '5' && text[i] <= '9') text[i] = text[i] == '9' ? '5' : (uint8_t)(text[i] + 1);
    }
    if (size > 0 && data[0] != '{' && !bytes_equal(template, mask_text(again, bytes_from(text, size)))) abort();

    free(first);
    free(again);
    free(text);
    return 0;
}
