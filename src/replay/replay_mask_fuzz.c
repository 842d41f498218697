/* Any bytes as a batch whose texts go: refused with words, or JSON in which a second pass finds nothing more. */
#include "replay/replay_mask.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once, twice;
    struct err err = { 0 };
    buf_init(&once, 16 * size + 4096);
    buf_init(&twice, 16 * size + 4096);
    if (replay_mask(bytes_from(data, size), &once, &err)) {
        if (!replay_mask(buf_bytes(&once), &twice, &err) || !bytes_equal(buf_bytes(&once), buf_bytes(&twice))) abort();
    } else if (err.text[0] == '\0' || (err.code != ERR_CORRUPT && err.code != ERR_TOO_LARGE)) {
        abort();
    }
    buf_deinit(&once);
    buf_deinit(&twice);
    return 0;
}
