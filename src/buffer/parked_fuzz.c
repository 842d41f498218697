/* A file in the folder of parked records, as anybody may have left it there. */
#include "buffer/parked_folder.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parked_entry entry;
    struct err err = { 0 };
    uint8_t *copy = mem_alloc(size); /* of its own: one byte too far is found */
    if (size > 0) memcpy(copy, data, size);
    bool ok = parked_file_read(bytes_from(copy, size), &entry, &err);
    if (!ok && err.code != ERR_CORRUPT) abort();
    if (ok && entry.record.body.len > size) abort();
    free(copy);
    return 0;
}
