/* Any text as a stack trace: within its bounds. */
#include <stdlib.h>

#include "worker/rows/rows_fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *room = malloc(MASK_ROOM_BYTES), *text = malloc(size + 1); /* ends are guarded */
    if (room == NULL || text == NULL) abort();
    if (size > 0) memcpy(text, data, size);
    struct bytes frame = fingerprint_frame(room, bytes_from(text, size));
    if (frame.len > MASK_BYTES_MAX) abort();
    free(room);
    free(text);
    return 0;
}
