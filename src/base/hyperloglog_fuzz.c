/* Bytes of a sketch from a disk: taken or refused; what was taken is given back as it was. */
#include "base/hyperloglog.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyperloglog sketch = { 0 };
    uint8_t out[HYPERLOGLOG_BYTES_MAX];
    struct bytes bytes = bytes_from(data, size);
    if (hyperloglog_join(&sketch, bytes)) {
        size_t len = hyperloglog_put(&sketch, out);
        if (!bytes_equal(bytes_from(out, len), bytes)) abort();
        if (!hyperloglog_join(&sketch, bytes) || hyperloglog_put(&sketch, out) != len)
            abort(); /* once more changes nothing */
        (void)hyperloglog_count(&sketch);
    } else if (sketch.few || sketch.registers) {
        abort();
    }
    hyperloglog_deinit(&sketch);
    return 0;
}
