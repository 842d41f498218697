/* run.h -- one run: sorted hashes of the values in a set of files, and how its bytes stand in the store.
 *
 *   [page: 4,096 entries of 8 bytes]* [last page: fewer]     entry: hash (40 bits) << 24 | unit (24 bits), rising by hash
 *   meta at the end, its length is in the object's name:
 *     0  "MONORUN1"            8  column_count  12  file_count  16  entry_count  24  created_unix_ms
 *    32  columns: hash of the name                                                      8 bytes each
 *        files:   hash of the key (16), first unit (4), row groups (2), columns (2)     24 bytes each
 *        pages:   first entry (8), XXH3 of the page (8)                                 16 bytes each
 *        XXH3 of all of meta before it                                                  8 bytes
 *
 * A unit is one row group of one file; a file's are neighbours, files stand in the order of their units. A file of more than 64
 * row groups has 64 units, the last for all the rest. Bit n of a file's columns: the values of the n-th column are in.
 * Hashes are the top 40 bits of XXH64: n entries give a wrong hit in n of 2^40 look-ups. Little endian.
 *
 * Thread: a run is immutable once made, the count is atomic. Memory: run_memory; entries when resident.
 * Errors: ERR_CORRUPT. Every byte read is under a checksum: without a page's the page is not believed. */
#pragma once
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"

#define RUN_PAGE_ENTRIES 4096u
#define RUN_PAGE_BYTES   (RUN_PAGE_ENTRIES * 8u)
#define RUN_UNIT_BITS    24
#define RUN_UNITS_MAX    (1u << RUN_UNIT_BITS)
#define RUN_COLUMNS_MAX  16u
#define RUN_GROUPS_MAX   64u
#define RUN_ENTRIES_MAX  (64u << 20) /* of one run: 512 MiB */
#define RUN_KEY_BYTES    256

struct run_file {
    struct hash128 hash; /* of its key */
    uint32_t unit_first;
    uint16_t group_count;
    uint16_t columns;
};
struct run_page {
    uint64_t first, checksum;
};
struct run {
    atomic_uint reference_count;
    char *key; /* in the store; NULL: not there, then resident */
    int64_t created_unix_ms;
    uint64_t noted_mono_ns; /* when this process made or found it */
    bool is_own;            /* made by this process */
    uint32_t column_count, file_count, page_count;
    uint64_t entry_count, meta_bytes;
    uint64_t columns[RUN_COLUMNS_MAX];
    struct run_file *files;
    struct run_page *pages; /* NULL when there is no key */
    uint64_t *entries;      /* all; NULL: not resident */
};
static inline uint64_t run_hash(struct bytes value)
{
    return hash64_xxh64(value) >> RUN_UNIT_BITS;
}
static inline uint64_t run_entry(uint64_t hash, uint32_t unit)
{
    return hash << RUN_UNIT_BITS | unit;
}
static inline uint64_t run_entry_hash(uint64_t entry)
{
    return entry >> RUN_UNIT_BITS;
}
static inline uint32_t run_entry_unit(uint64_t entry)
{
    return (uint32_t)entry & (RUN_UNITS_MAX - 1);
}

struct run *run_acquire(struct run *run);
void run_release(struct run *run); /* NULL is fine */
uint64_t run_memory(const struct run *run);

/* ---- in the store ---- */

/* "<prefix><uuid>-<meta bytes>.run"; the other way false when it is no such name. */
void run_key_make(const char *prefix, uint64_t meta_bytes, char key[RUN_KEY_BYTES]);
MUST_CHECK bool run_key_read(const char *key, uint64_t *meta_bytes);
/* From the last bytes of an object of object_bytes: a run without entries. With all its bytes at hand it becomes resident. */
MUST_CHECK bool run_meta_read(struct run **run, const char *key, uint64_t object_bytes, struct bytes meta,
                              struct err *err);
MUST_CHECK bool run_entries_read(struct run *run, struct bytes pages, struct err *err);
/* Are these the bytes of the page? */
bool run_page_is_good(const struct run *run, uint32_t page, struct bytes bytes);
static inline size_t run_page_bytes(const struct run *run, uint32_t page)
{
    uint64_t rest = run->entry_count - (uint64_t)page * RUN_PAGE_ENTRIES;
    return (size_t)(rest < RUN_PAGE_ENTRIES ? rest : RUN_PAGE_ENTRIES) * sizeof(uint64_t);
}
/* The meta of a run whose pages are known; pages' checksums have been filled in. */
void run_meta_write(const struct run *run, struct buf *out);

/* ---- look-ups ---- */

/* The pages in which the hash can be: count 0: it is in none. */
void run_pages_of(const struct run *run, uint64_t hash, uint32_t *first, uint32_t *count);
/* Sets the bits of the row groups in which the hash stands, by file: groups has file_count words. entries: in order. */
void run_hits(const struct run *run, const uint64_t *entries, uint64_t count, uint64_t hash, uint64_t *groups);
