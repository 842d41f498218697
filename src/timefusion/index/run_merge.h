/* run_merge.h -- several runs into one, in the store.
 *
 *   [run][run][pending run] --entries in order of hashes, files that are gone left out--> [run]
 *
 * Thread: any. Memory: 2 MiB an input that is not resident, the files' tables; the output through a local file when it is
 * over 1 MiB. Errors: ERR_IO, ERR_NOT_FOUND or ERR_CORRUPT of an input, then *bad says which; ERR_TOO_LARGE. */
#pragma once
#include "base/disk.h"
#include "timefusion/index/index.h"
#include "timefusion/index/run.h"
#include "timefusion/object/object.h"

#define RUN_RESIDENT_ENTRIES 8192u /* smaller ones are kept whole in memory */

struct run_merge {
    struct object_store *store;
    struct disk *disk;
    const char *tmp_dir;
    const char *prefix; /* of the key to make */
    struct run *const *inputs;
    uint32_t input_count;
    const struct hash128 *live; /* only files of these, sorted by lo, then hi; NULL: all */
    uint32_t live_count;
    struct run *bad; /* the input that failed, or NULL */
};
/* The result is in the store, but for one without a file, which has no key. */
MUST_CHECK bool run_merge(struct run_merge *merge, struct run **out, struct err *err);
/* The same in memory alone: every input is resident, and so is the result, without a key. */
struct run *run_merge_resident(struct run *const *inputs, uint32_t input_count);
