/* What is known of a series, from strangers: it is read whole or not at all, and what was read can be used, written and read again. */
#include "detect/levels/levels.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    struct levels *levels = levels_create();
    const struct detect_finding *findings;
    struct buf bytes;
    levels_series_add(levels);
    buf_init(&bytes, 1 << 20);
    if (!levels_series_read(levels, 0, bytes_from(data, size), &err) && err.code != ERR_CORRUPT) abort();
    for (int64_t b = 0; b < 300; b++) {
        levels_block_begin(levels, (6000000 + b) * LEVELS_BLOCK_US);
        levels_put(levels, 0, (double)(b % 7) * (b > 200 ? 100 : 1));
        size_t count = levels_block_end(levels, &findings);
        for (size_t f = 0; f < count; f++)
            if (findings[f].kind != DETECT_METRIC || findings[f].series != 0) abort();
    }
    levels_series_write(levels, 0, &bytes);
    if (!levels_series_read(levels, 0, buf_bytes(&bytes), &err)) abort();
    buf_deinit(&bytes);
    levels_destroy(levels);
    return 0;
}
