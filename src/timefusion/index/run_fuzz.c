/* run_fuzz -- runs from a store that strangers can write to: any answer is fine, reading past the end is not.
 * The input is pages and meta; the checksum is put right, so that what it guards is reached. */
#include "timefusion/index/run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct run *run, const uint64_t *entries, uint64_t count)
{
    uint64_t *groups = mem_calloc(run->file_count + 1, sizeof *groups);
    for (uint64_t i = 0; i < count && i < 64; i++) {
        uint64_t hash = run_entry_hash(entries[i * (count / 64 + 1) % count]);
        uint32_t first, pages;
        run_pages_of(run, hash, &first, &pages);
        assert(pages == 0 || first + pages <= run->page_count);
        run_hits(run, entries, count, hash, groups);
    }
    free(groups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { .code = ERR_OK };
    struct run *run;
    if (size < 9) return 0;
    uint8_t *bytes = mem_alloc(size);
    memcpy(bytes, data, size);
    /* The first byte says how many entries stand before meta. */
    size_t pages = (size_t)bytes[0] * 8 < size - 8 ? (size_t)bytes[0] * 8 : 0;
    memmove(bytes, bytes + 1, size - 1);
    size--;
    uint64_t checksum = hash64_of(bytes_from(bytes + pages, size - pages > 8 ? size - pages - 8 : 0));
    if (size - pages > 8) memcpy(bytes + size - 8, &checksum, 8);
    if (run_meta_read(&run, "a.run", size, bytes_from(bytes + pages, size - pages), &err)) {
        uint64_t *entries = mem_alloc(pages + 8);
        memcpy(entries, bytes, pages);
        if (pages > 0) ask(run, entries, pages / 8);
        if (!run_entries_read(run, bytes_from(bytes, pages), &err)) assert(err.code == ERR_CORRUPT);
        free(entries);
        run_release(run);
    } else {
        assert(err.code == ERR_CORRUPT);
    }
    free(bytes);
    return 0;
}
