/* A watch from bytes of strangers: read whole or not at all; what was read is written and read again as it is. */
#include "detect/rollups/watch.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct uuid project = { { 1 } };
    struct err err = { 0 };
    struct buf first, again;
    struct watch *watch = watch_create(project, 0, NULL), *twin = watch_create(project, 0, NULL);
    buf_init(&first, 64u << 20);
    buf_init(&again, 64u << 20);
    if (watch_read(watch, bytes_from(data, size), 0, &err)) {
        if (!watch_write(watch, &first) || !watch_read(twin, buf_bytes(&first), 0, &err) ||
            !watch_write(twin, &again) || !bytes_equal(buf_bytes(&first), buf_bytes(&again)))
            abort();
    }
    buf_deinit(&first);
    buf_deinit(&again);
    watch_destroy(twin);
    watch_destroy(watch);
    return 0;
}
