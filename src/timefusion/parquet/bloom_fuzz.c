/* bloom_fuzz -- bloom filters from strangers: any answer is fine, reading past the end is not. */
#include "timefusion/parquet/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bloom = { data, size };
    for (size_t len = 0; len < 9; len++) {
        if (!parquet_bloom_may_hold(bloom, bytes_from("a value of bytes", len * 2))) assert(size > 32);
    }
    return 0;
}
