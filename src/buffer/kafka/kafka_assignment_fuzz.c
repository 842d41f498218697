/* What a member of a group was assigned, as another client wrote it: names and numbers lie in the text. */
#include "buffer/kafka/kafka.h"
#include <stdlib.h>

struct range {
    const uint8_t *begin, *end;
};

static void partition_check(void *ctx, struct bytes topic, uint32_t number)
{
    const struct range *range = ctx;
    if (number > INT32_MAX || topic.ptr < range->begin || topic.ptr + topic.len > range->end) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct range range = { data, data + size };
    (void)!kafka_assignment_read(bytes_from(data, size), partition_check, &range);
    return 0;
}
