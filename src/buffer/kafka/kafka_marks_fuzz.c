/* The metadata of a committed offset, as anybody may have set it: positions rise, and there are not too many. */
#include "buffer/kafka/kafka_move.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t positions[KAFKA_MARKS_MAX], last = 0;
    uint32_t count;
    if (!kafka_marks_parse(bytes_from(data, size), positions, &count)) return 0;
    if (count > KAFKA_MARKS_MAX) abort();
    for (uint32_t i = 0; i < count; i++) {
        if (positions[i] <= last) abort();
        last = positions[i];
    }
    return 0;
}
