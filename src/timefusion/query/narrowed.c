#include "timefusion/query/narrowed.h"
#include "timefusion/parquet/footer_select.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FOOTER_BYTES_MAX (16u << 20)
#define TRAILER_BYTES    8 /* [4 bytes of length][PAR1] */

/* A file: its own bytes up to data_bytes, then tail. */
struct part {
    struct timefusion_file *file;
    uint64_t data_bytes;
    struct buf tail; /* empty: the file as it is */
};
struct narrowed {
    uint32_t count;
    struct part parts[];
};

static bool is_partial(const struct pruned *files, uint32_t f)
{
    const struct parquet_footer *footer;
    struct err ignored = { .code = ERR_OK };
    if (!files->groups || files->groups[f] == INDEX_GROUPS_ANY || files->files[f]->origin != TIMEFUSION_DELTA ||
        !timefusion_file_footer(files->files[f], &footer, &ignored))
        return false;
    for (uint32_t g = 0; g < footer->row_group_count; g++)
        if (!parquet_group_is_in(files->groups[f], g)) return true;
    return false;
}

bool narrowed_is_worth(const struct pruned *files)
{
    for (uint32_t f = 0; f < files->count; f++)
        if (is_partial(files, f)) return true;
    return false;
}

static bool part_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    struct part *part = ctx;
    if (part->tail.len == 0) return timefusion_file_read(part->file, offset, ptr, len, err);
    if (offset < part->data_bytes) {
        size_t before = part->data_bytes - offset < len ? (size_t)(part->data_bytes - offset) : len;
        if (!timefusion_file_read(part->file, offset, ptr, before, err)) return false;
        ptr = (uint8_t *)ptr + before;
        offset += before;
        len -= before;
    }
    uint64_t at = offset - part->data_bytes;
    if (len > 0 && (at > part->tail.len || len > part->tail.len - at))
        return err_set(err, ERR_CORRUPT, "file \"%s\" ends before", part->file->name);
    if (len > 0) memcpy(ptr, part->tail.ptr + at, len);
    return true;
}

static void narrowed_release(void *ctx)
{
    struct narrowed *narrowed = ctx;
    for (uint32_t p = 0; p < narrowed->count; p++) {
        timefusion_file_release(narrowed->parts[p].file);
        buf_deinit(&narrowed->parts[p].tail);
    }
    free(narrowed);
}

/* The new tail; after a failure the file stays whole. */
static void part_narrow(struct part *part, uint64_t groups)
{
    const struct parquet_footer *footer;
    struct err ignored = { .code = ERR_OK };
    if (!timefusion_file_footer(part->file, &footer, &ignored)) return;
    uint64_t end = part->file->bytes - TRAILER_BYTES - footer->footer_bytes;
    uint8_t *raw = mem_alloc(footer->footer_bytes);
    bool ok = timefusion_file_read(part->file, end, raw, footer->footer_bytes, &ignored) &&
              parquet_footer_select(bytes_from(raw, footer->footer_bytes), footer, groups, &part->tail, &ignored);
    free(raw);
    if (ok)
        part->data_bytes = end;
    else
        part->tail.len = 0;
}

void narrowed_add(struct duckdb_fs *fs, uint64_t id, const struct pruned *files, struct arena *arena,
                  const char **names)
{
    struct narrowed *narrowed = mem_calloc(1, sizeof *narrowed + files->count * sizeof narrowed->parts[0]);
    struct duckdb_fs_file *shown = mem_calloc(files->count, sizeof *shown);
    narrowed->count = files->count;
    for (uint32_t f = 0; f < files->count; f++) {
        struct part *part = &narrowed->parts[f];
        part->file = files->files[f];
        timefusion_file_acquire(part->file);
        buf_init(&part->tail, FOOTER_BYTES_MAX);
        if (is_partial(files, f)) part_narrow(part, files->groups[f]);
        bool is_whole = part->tail.len == 0;
        names[f] =
            is_whole ? part->file->name : arena_printf(arena, "g%" PRIx64 "-%s", files->groups[f], part->file->name);
        shown[f] =
            (struct duckdb_fs_file){ names[f], is_whole ? part->file->bytes : part->data_bytes + part->tail.len, part };
    }
    struct duckdb_fs_snapshot snapshot = { .id = id,
                                           .files = shown,
                                           .file_count = files->count,
                                           .read = part_read,
                                           .release = narrowed_release,
                                           .ctx = narrowed };
    duckdb_fs_add(fs, &snapshot);
    free(shown);
}
