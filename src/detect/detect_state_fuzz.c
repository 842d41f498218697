/* What is known of a series, from strangers: it is read whole or not at all, what was read can be used, written and read again. */
#include <math.h>
#include <stdlib.h>

#include "detect/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct detect *detect, uint32_t minutes, int64_t begin)
{
    static const struct ddsketch_count durations[] = { { 600, 30 }, { 700, 20 }, { 900, 1 } };
    const struct detect_finding *findings;
    for (uint32_t m = 0; m < minutes; m++) {
        detect_minute_begin(detect, (begin + m) * 60000000);
        if (m % 7 != 3) detect_put(detect, 0, 50 + m, m % 3, durations, COUNT_OF(durations));
        size_t count = detect_minute_end(detect, &findings);
        for (size_t f = 0; f < count; f++)
            if (strcmp(detect_kind_name(findings[f].kind), "unknown") == 0) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    struct detect *detect = detect_create(NULL);
    uint32_t series = detect_series_add(detect);
    struct buf first, again;
    buf_init(&first, 2 * DETECT_STATE_BYTES);
    buf_init(&again, 2 * DETECT_STATE_BYTES);
    bool is_read = detect_series_read(detect, series, bytes_from(data, size), &err);
    if (is_read) {
        detect_series_write(detect, series, &first);
        struct detect *twin = detect_create(NULL);
        detect_series_add(twin);
        if (!detect_series_read(twin, 0, buf_bytes(&first), &err)) abort();
        detect_series_write(twin, 0, &again);
        if (!bytes_equal(buf_bytes(&first), buf_bytes(&again))) abort();
        detect_destroy(twin);
    }
    use(detect, 70, 30000000);
    buf_deinit(&first);
    buf_deinit(&again);
    detect_destroy(detect);
    return 0;
}
