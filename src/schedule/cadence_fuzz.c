/* Any bytes as a schedule, and any as a file of a time zone: the next times rise, whatever they are. */
#include "ask/zone.h"
#include "schedule/cadence.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cadence cadence;
    struct zone *zone = NULL;
    struct err err = { 0 };
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    struct bytes text = bytes_from(data, end == NULL ? size : (size_t)(end - data));
    if (!cadence_parse(text, &cadence, &err)) return 0;
    if (end != NULL) {
        struct bytes rest = bytes_from(end + 1, size - text.len - 1);
        if (!zone_read(&zone, BYTES("Fuzz/Zone"), rest, &err) && !zone_open(&zone, rest, &err)) return 0;
    }
    int64_t at = 1790000000;
    for (int n = 0; n < 40; n++) {
        int64_t next = cadence_next(&cadence, zone, at);
        if (next <= at) abort();
        if (next == INT64_MAX) break;
        at = next;
    }
    zone_close(zone);
    return 0;
}
