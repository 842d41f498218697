#include "timefusion/index/run.h"
#include "base/clock.h"
#include "base/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define META_HEAD_BYTES 32
#define CHECKSUM_BYTES  8
#define META_BYTES_MAX  (256u << 20)

static const char magic[8] = { 'M', 'O', 'N', 'O', 'R', 'U', 'N', '1' };

static_assert(sizeof(struct run_file) == 24, "copied as it stands in the store");
static_assert(sizeof(struct run_page) == 16, "copied as it stands in the store");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "copied as it stands in the store");

struct run *run_acquire(struct run *run)
{
    atomic_fetch_add_explicit(&run->reference_count, 1, memory_order_relaxed);
    return run;
}

void run_release(struct run *run)
{
    if (!run || atomic_fetch_sub_explicit(&run->reference_count, 1, memory_order_acq_rel) > 1) return;
    free(run->key);
    free(run->files);
    free(run->pages);
    free(run->entries);
    free(run);
}

uint64_t run_memory(const struct run *run)
{
    return sizeof *run + run->file_count * sizeof *run->files + run->page_count * sizeof *run->pages +
           (run->entries ? run->entry_count * sizeof *run->entries : 0);
}

/* ---- in the store ---- */

void run_key_make(const char *prefix, uint64_t meta_bytes, char key[RUN_KEY_BYTES])
{
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid_by_time(), id);
    snprintf(key, RUN_KEY_BYTES, "%s%s-%" PRIu64 ".run", prefix, id, meta_bytes);
}

bool run_key_read(const char *key, uint64_t *meta_bytes)
{
    const char *name = strrchr(key, '/');
    struct uuid id;
    char *end = NULL;
    name = name ? name + 1 : key;
    if (strlen(key) >= RUN_KEY_BYTES || strlen(name) < UUID_TEXT_BYTES + 2 || name[UUID_TEXT_BYTES] != '-' ||
        !uuid_from_text(bytes_from(name, UUID_TEXT_BYTES), &id))
        return false;
    const char *number = name + UUID_TEXT_BYTES + 1;
    if (*number < '1' || *number > '9') return false;
    *meta_bytes = strtoull(number, &end, 10);
    return strcmp(end, ".run") == 0 && *meta_bytes <= META_BYTES_MAX;
}

static bool corrupt(struct err *err, const char *key, const char *what)
{
    return err_set(err, ERR_CORRUPT, "index run \"%s\": %s", key, what);
}

static uint64_t meta_bytes_of(const struct run *run)
{
    return META_HEAD_BYTES + (uint64_t)run->column_count * sizeof *run->columns +
           (uint64_t)run->file_count * sizeof *run->files + (uint64_t)run->page_count * sizeof *run->pages +
           CHECKSUM_BYTES;
}

void run_meta_write(const struct run *run, struct buf *out)
{
    uint8_t head[META_HEAD_BYTES];
    size_t from = out->len;
    memcpy(head, magic, sizeof magic);
    memcpy(head + 8, &run->column_count, 4);
    memcpy(head + 12, &run->file_count, 4);
    memcpy(head + 16, &run->entry_count, 8);
    memcpy(head + 24, &run->created_unix_ms, 8);
    bool ok = buf_add(out, head, sizeof head) && buf_add(out, run->columns, run->column_count * sizeof *run->columns) &&
              buf_add(out, run->files, run->file_count * sizeof *run->files) &&
              buf_add(out, run->pages, run->page_count * sizeof *run->pages);
    assert(ok);
    uint64_t checksum = hash64_of(bytes_from(out->ptr + from, out->len - from));
    ok = buf_add(out, &checksum, sizeof checksum);
    assert(ok);
    assert(out->len - from == meta_bytes_of(run));
}

/* A file's units follow the one's before it; pages begin with rising hashes. */
static const char *meta_fault(const struct run *run)
{
    uint64_t unit = 0;
    for (uint32_t f = 0; f < run->file_count; f++) {
        const struct run_file *file = &run->files[f];
        if (file->unit_first != unit || file->group_count > RUN_GROUPS_MAX) return "its files' units";
        if (run->column_count < RUN_COLUMNS_MAX && file->columns >> run->column_count != 0) return "its files' columns";
        unit += file->group_count;
    }
    if (unit > RUN_UNITS_MAX) return "its files' units";
    for (uint32_t p = 1; p < run->page_count; p++)
        if (run_entry_hash(run->pages[p].first) < run_entry_hash(run->pages[p - 1].first)) return "its pages' order";
    return NULL;
}

bool run_meta_read(struct run **out, const char *key, uint64_t object_bytes, struct bytes meta, struct err *err)
{
    uint64_t checksum;
    *out = NULL;
    if (meta.len < META_HEAD_BYTES + CHECKSUM_BYTES || meta.len > object_bytes ||
        memcmp(meta.ptr, magic, sizeof magic) != 0)
        return corrupt(err, key, "it is none");
    memcpy(&checksum, meta.ptr + meta.len - CHECKSUM_BYTES, sizeof checksum);
    if (checksum != hash64_of(bytes_from(meta.ptr, meta.len - CHECKSUM_BYTES)))
        return corrupt(err, key, "its checksum is wrong");

    struct run *run = mem_calloc(1, sizeof *run);
    atomic_init(&run->reference_count, 1);
    memcpy(&run->column_count, meta.ptr + 8, 4);
    memcpy(&run->file_count, meta.ptr + 12, 4);
    memcpy(&run->entry_count, meta.ptr + 16, 8);
    memcpy(&run->created_unix_ms, meta.ptr + 24, 8);
    run->meta_bytes = meta.len;
    uint64_t pages = run->entry_count / RUN_PAGE_ENTRIES + (run->entry_count % RUN_PAGE_ENTRIES != 0);
    run->page_count = (uint32_t)pages;
    const char *fault = NULL;
    if (run->column_count > RUN_COLUMNS_MAX || run->entry_count > RUN_ENTRIES_MAX || meta_bytes_of(run) != meta.len ||
        run->entry_count * sizeof(uint64_t) != object_bytes - meta.len) {
        fault = "its counts";
    } else {
        const uint8_t *at = meta.ptr + META_HEAD_BYTES;
        memcpy(run->columns, at, run->column_count * sizeof *run->columns);
        at += run->column_count * sizeof *run->columns;
        run->files = mem_alloc(run->file_count * sizeof *run->files);
        memcpy(run->files, at, run->file_count * sizeof *run->files);
        at += run->file_count * sizeof *run->files;
        run->pages = mem_alloc(run->page_count * sizeof *run->pages);
        memcpy(run->pages, at, run->page_count * sizeof *run->pages);
        fault = meta_fault(run);
    }
    if (fault) {
        run_release(run);
        return corrupt(err, key, fault);
    }
    run->key = mem_strdup(key);
    *out = run;
    return true;
}

bool run_page_is_good(const struct run *run, uint32_t page, struct bytes bytes)
{
    return bytes.len == run_page_bytes(run, page) && hash64_of(bytes) == run->pages[page].checksum;
}

bool run_entries_read(struct run *run, struct bytes pages, struct err *err)
{
    assert(!run->entries);
    if (pages.len != run->entry_count * sizeof(uint64_t)) return corrupt(err, run->key, "its length");
    for (uint32_t page = 0; page < run->page_count; page++)
        if (!run_page_is_good(run, page,
                              bytes_from(pages.ptr + (size_t)page * RUN_PAGE_BYTES, run_page_bytes(run, page))))
            return corrupt(err, run->key, "the checksum of a page is wrong");
    run->entries = mem_alloc(pages.len);
    memcpy(run->entries, pages.ptr, pages.len);
    return true;
}

/* ---- look-ups ---- */

/* How many of the pages begin below the hash, or at it too. */
static uint32_t pages_below(const struct run *run, uint64_t hash, bool or_at)
{
    uint32_t low = 0, high = run->page_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t first = run_entry_hash(run->pages[middle].first);
        if (first < hash || (or_at && first == hash))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void run_pages_of(const struct run *run, uint64_t hash, uint32_t *first, uint32_t *count)
{
    uint32_t below = pages_below(run, hash, false), end = pages_below(run, hash, true);
    *first = below > 0 ? below - 1 : 0;
    *count = end - *first; /* none begins at or below it: 0 */
}

static uint64_t entries_below(const uint64_t *entries, uint64_t count, uint64_t hash)
{
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (run_entry_hash(entries[middle]) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t file_of_unit(const struct run *run, uint32_t unit)
{
    uint32_t low = 0, high = run->file_count; /* the last that begins at or below it: those without units come before */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (run->files[middle].unit_first <= unit)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void run_hits(const struct run *run, const uint64_t *entries, uint64_t count, uint64_t hash, uint64_t *groups)
{
    for (uint64_t at = entries_below(entries, count, hash); at < count && run_entry_hash(entries[at]) == hash; at++) {
        uint32_t unit = run_entry_unit(entries[at]);
        if (run->file_count == 0) return;
        uint32_t file = file_of_unit(run, unit);
        uint32_t group = unit - run->files[file].unit_first;
        if (group < run->files[file].group_count) groups[file] |= (uint64_t)1 << group;
    }
}
