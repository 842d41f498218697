/* Answers of DynamoDB about the lock table: what others wrote there is not ours to trust. */
#include <stdlib.h>

#include "timefusion/delta/commit_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct commit_entry entry;
    struct err err = { 0 };
    bool has_entry = false, is_active, has_our_keys;
    if (commit_entry_read(&entry, bytes_from(data, size), &has_entry, &err)) {
        if (has_entry && (entry.version > INT64_MAX || entry.temp_path[0] == '/')) abort();
        if (memchr(entry.temp_path, '\0', sizeof entry.temp_path) == NULL) abort();
    } else if (err.code != ERR_CORRUPT) {
        abort();
    }
    commit_table_read(bytes_from(data, size), &is_active, &has_our_keys);
    return 0;
}
