/* chunk_texts_fuzz -- column chunks of other writers: any answer is fine, reading past the end is not. */
#include "timefusion/parquet/chunk_texts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *ctx, struct bytes text)
{
    uint64_t *sum = ctx;
    for (size_t i = 0; i < text.len; i++) *sum += text.ptr[i];
}

/* The first byte says the codec and which levels there are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t codecs[] = { 0, 1, 6, 2 };
    struct chunk_texts reader;
    struct err err = { .code = ERR_OK };
    uint64_t sum = 0;
    if (size < 2) return 0;
    struct parquet_column_stats stats = { .codec = codecs[data[0] & 3],
                                          .has_definition_levels = (data[0] & 4) != 0,
                                          .has_repetition_levels = (data[0] & 8) != 0,
                                          .value_count = data[1] };
    uint8_t *copy = mem_alloc(size - 2); /* of its own size, so that ASan sees its end */
    memcpy(copy, data + 2, size - 2);
    chunk_texts_init(&reader);
    if (!chunk_texts_each(&reader, bytes_from(copy, size - 2), &stats, take, &sum, &err)) assert(err.code != ERR_OK);
    chunk_texts_deinit(&reader);
    free(copy);
    return 0;
}
