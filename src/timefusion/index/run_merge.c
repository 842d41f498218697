#include "timefusion/index/run_merge.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/uuid.h"

#include <stdio.h>
#include <stdlib.h>

#define WINDOW_PAGES     64u /* of an input, read at once */
#define IN_MEMORY_BYTES  (1u << 20)
#define DROPPED          UINT32_MAX
#define MEMORY_BYTES_MAX (2u * IN_MEMORY_BYTES + (256u << 20))

/* A file of an input, before it is known which stay. */
struct candidate {
    struct hash128 hash;
    uint32_t input, file;
    uint16_t columns; /* by the output's numbers */
};
struct input {
    struct run *run;
    uint32_t *units; /* old unit -> new one, or DROPPED */
    uint32_t unit_count;
    uint64_t *window; /* pages read, of one that is not resident */
    const uint64_t *at, *end;
    uint32_t page_next;
};
struct output {
    struct run *run;
    uint64_t page[RUN_PAGE_ENTRIES];
    uint32_t page_fill, page_cap;
    struct buf memory;      /* pages, when file is NULL; then meta */
    struct disk_file *file; /* or NULL */
    uint64_t file_bytes;
    struct disk *disk;
};

int index_hash_order(const void *a, const void *b)
{
    const struct hash128 *left = a, *right = b;
    if (left->lo != right->lo) return left->lo < right->lo ? -1 : 1;
    return (left->hi > right->hi) - (left->hi < right->hi);
}

static int candidate_order(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int order = index_hash_order(&left->hash, &right->hash);
    if (order != 0) return order;
    return __builtin_popcount(right->columns) - __builtin_popcount(left->columns); /* the one that knows more first */
}

/* ---- files ---- */

static bool columns_map(struct run *out, const struct run *in, uint16_t bits[RUN_COLUMNS_MAX])
{
    for (uint32_t c = 0; c < in->column_count; c++) {
        uint32_t at = 0;
        while (at < out->column_count && out->columns[at] != in->columns[c]) at++;
        if (at == RUN_COLUMNS_MAX) return false;
        if (at == out->column_count) out->columns[out->column_count++] = in->columns[c];
        bits[c] = (uint16_t)(1u << at);
    }
    return true;
}

static uint16_t columns_mapped(uint16_t columns, const uint16_t bits[RUN_COLUMNS_MAX])
{
    uint16_t mapped = 0;
    for (uint32_t c = 0; c < RUN_COLUMNS_MAX; c++)
        if (columns >> c & 1) mapped |= bits[c];
    return mapped;
}

/* Each file once, its units one behind the other; units of those left out are dropped. */
static bool files_make(const struct run_merge *merge, struct input *inputs, struct run *out, struct err *err)
{
    uint32_t total = 0, count = 0, unit = 0;
    for (uint32_t i = 0; i < merge->input_count; i++) total += merge->inputs[i]->file_count;
    struct candidate *candidates = mem_alloc(total * sizeof *candidates);
    for (uint32_t i = 0; i < merge->input_count; i++) {
        const struct run *run = merge->inputs[i];
        uint16_t bits[RUN_COLUMNS_MAX] = { 0 };
        if (!columns_map(out, run, bits)) {
            free(candidates);
            return err_set(err, ERR_TOO_LARGE, "index runs of too many different columns");
        }
        for (uint32_t f = 0; f < run->file_count; f++)
            candidates[count++] =
                (struct candidate){ run->files[f].hash, i, f, columns_mapped(run->files[f].columns, bits) };
    }
    if (count > 1) qsort(candidates, count, sizeof *candidates, candidate_order);
    out->files = mem_alloc(count * sizeof *out->files);
    bool ok = true;
    for (uint32_t c = 0; ok && c < count; c++) {
        const struct candidate *candidate = &candidates[c];
        const struct run_file *file = &merge->inputs[candidate->input]->files[candidate->file];
        uint32_t *units = &inputs[candidate->input].units[file->unit_first];
        bool is_again = c > 0 && hash128_equal(candidates[c - 1].hash, candidate->hash);
        bool is_live = !merge->live ||
                       bsearch(&candidate->hash, merge->live, merge->live_count, sizeof *merge->live, index_hash_order);
        if (is_again || !is_live) {
            for (uint32_t g = 0; g < file->group_count; g++) units[g] = DROPPED;
            continue;
        }
        for (uint32_t g = 0; g < file->group_count; g++) units[g] = unit + g;
        out->files[out->file_count++] =
            (struct run_file){ candidate->hash, unit, file->group_count, candidate->columns };
        unit += file->group_count;
        ok = unit <= RUN_UNITS_MAX - RUN_GROUPS_MAX || err_set(err, ERR_TOO_LARGE, "index run of too many files");
    }
    free(candidates);
    return ok;
}

/* ---- entries in ---- */

static bool window_read(struct run_merge *merge, struct input *input, struct err *err)
{
    struct run *run = input->run;
    uint32_t first = input->page_next, count = run->page_count - first;
    if (count > WINDOW_PAGES) count = WINDOW_PAGES;
    size_t bytes = 0;
    for (uint32_t page = first; page < first + count; page++) bytes += run_page_bytes(run, page);
    if (!input->window) input->window = mem_alloc(WINDOW_PAGES * RUN_PAGE_BYTES);
    merge->bad = run;
    if (!object_get_range(merge->store, run->key, (uint64_t)first * RUN_PAGE_BYTES, input->window, bytes, err))
        return false;
    for (uint32_t page = first; page < first + count; page++) {
        const uint8_t *at = (const uint8_t *)input->window + (size_t)(page - first) * RUN_PAGE_BYTES;
        if (!run_page_is_good(run, page, bytes_from(at, run_page_bytes(run, page))))
            return err_set(err, ERR_CORRUPT, "index run \"%s\": the checksum of a page is wrong", run->key);
    }
    merge->bad = NULL;
    input->page_next += count;
    input->at = input->window;
    input->end = input->at + bytes / sizeof *input->at;
    return true;
}

/* A unit that no file has, only a bug could write: it stays out too. */
static bool is_dropped(const struct input *input, uint64_t entry)
{
    uint32_t unit = run_entry_unit(entry);
    return unit >= input->unit_count || input->units[unit] == DROPPED;
}

/* Moves to the next entry that stays; at == end: there is none. */
static bool input_settle(struct run_merge *merge, struct input *input, struct err *err)
{
    for (;;) {
        while (input->at < input->end && is_dropped(input, *input->at)) input->at++;
        if (input->at < input->end || input->run->entries || input->page_next == input->run->page_count) return true;
        if (!window_read(merge, input, err)) return false;
    }
}

static void inputs_open(const struct run_merge *merge, struct input *inputs)
{
    for (uint32_t i = 0; i < merge->input_count; i++) {
        struct run *run = merge->inputs[i];
        inputs[i] = (struct input){ .run = run };
        uint32_t units = run->file_count > 0
                             ? run->files[run->file_count - 1].unit_first + run->files[run->file_count - 1].group_count
                             : 0;
        inputs[i].unit_count = units;
        inputs[i].units = mem_alloc(units * sizeof *inputs[i].units);
        if (run->entries) {
            inputs[i].at = run->entries;
            inputs[i].end = run->entries + run->entry_count;
        }
    }
}

static void inputs_close(struct input *inputs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(inputs[i].units);
        free(inputs[i].window);
    }
    free(inputs);
}

/* ---- entries out ---- */

static bool page_put(struct output *output, struct err *err)
{
    struct run *run = output->run;
    struct bytes bytes = bytes_from(output->page, output->page_fill * sizeof *output->page);
    if (output->page_fill == 0) return true;
    if (run->page_count == output->page_cap) {
        output->page_cap = output->page_cap ? output->page_cap * 2 : 16;
        run->pages = mem_realloc(run->pages, output->page_cap * sizeof *run->pages);
    }
    run->pages[run->page_count++] = (struct run_page){ output->page[0], hash64_of(bytes) };
    run->entry_count += output->page_fill;
    output->page_fill = 0;
    if (!output->file)
        return buf_add(&output->memory, bytes.ptr, bytes.len) || err_set(err, ERR_TOO_LARGE, "index run is too large");
    if (!output->disk->ops->pwrite(output->file, output->file_bytes, &bytes, 1, err)) return false;
    output->file_bytes += bytes.len;
    return true;
}

static bool entries_merge(struct run_merge *merge, struct input *inputs, struct output *output, struct err *err)
{
    for (uint32_t i = 0; i < merge->input_count; i++)
        if (!input_settle(merge, &inputs[i], err)) return false;
    for (;;) {
        struct input *least = NULL;
        for (uint32_t i = 0; i < merge->input_count; i++)
            if (inputs[i].at < inputs[i].end && (!least || run_entry_hash(*inputs[i].at) < run_entry_hash(*least->at)))
                least = &inputs[i];
        if (!least) return page_put(output, err);
        if (output->page_fill == RUN_PAGE_ENTRIES && !page_put(output, err)) return false;
        output->page[output->page_fill++] =
            run_entry(run_entry_hash(*least->at), least->units[run_entry_unit(*least->at)]);
        least->at++;
        if (!input_settle(merge, least, err)) return false;
    }
}

/* ---- the whole ---- */

static struct run *run_begin(void)
{
    struct run *run = mem_calloc(1, sizeof *run);
    atomic_init(&run->reference_count, 1);
    run->created_unix_ms = clock_unix_us() / 1000;
    run->noted_mono_ns = clock_mono_ns();
    run->is_own = true;
    return run;
}

static void entries_keep(struct output *output)
{
    struct run *run = output->run;
    size_t bytes = run->entry_count * sizeof *run->entries;
    run->entries = mem_alloc(bytes);
    if (bytes > 0) memcpy(run->entries, output->memory.ptr, bytes);
}

struct run *run_merge_resident(struct run *const *inputs, uint32_t input_count)
{
    struct run_merge merge = { .inputs = inputs, .input_count = input_count };
    struct input *in = mem_calloc(input_count, sizeof *in);
    struct output *output = mem_calloc(1, sizeof *output);
    struct err err = { .code = ERR_OK };
    output->run = run_begin();
    buf_init(&output->memory, MEMORY_BYTES_MAX);
    inputs_open(&merge, in);
    bool ok = files_make(&merge, in, output->run, &err) && entries_merge(&merge, in, output, &err);
    if (ok) {
        entries_keep(output);
    } else {
        run_release(output->run);
    }
    struct run *run = ok ? output->run : NULL;
    inputs_close(in, input_count);
    buf_deinit(&output->memory);
    free(output);
    return run;
}

static bool output_store(struct run_merge *merge, struct output *output, const char *tmp, struct err *err)
{
    struct run *run = output->run;
    struct buf meta;
    char key[RUN_KEY_BYTES];
    buf_init(&meta, MEMORY_BYTES_MAX);
    run_meta_write(run, &meta);
    run->meta_bytes = meta.len;
    run_key_make(merge->prefix, meta.len, key);
    bool ok;
    fail_point("index.before_put");
    if (output->file) {
        struct bytes bytes = buf_bytes(&meta);
        ok = merge->disk->ops->pwrite(output->file, output->file_bytes, &bytes, 1, err) &&
             merge->disk->ops->sync(output->file, err) && object_put_file(merge->store, key, tmp, err);
    } else {
        if (run->entry_count <= RUN_RESIDENT_ENTRIES) entries_keep(output);
        ok = buf_add(&output->memory, meta.ptr, meta.len) || err_set(err, ERR_TOO_LARGE, "index run is too large");
        ok = ok && object_put(merge->store, key, buf_bytes(&output->memory), err);
    }
    fail_point("index.after_put");
    if (ok) run->key = mem_strdup(key);
    run->noted_mono_ns = clock_mono_ns(); /* a listing that begins later has it */
    buf_deinit(&meta);
    return ok;
}

static bool output_open(const struct run_merge *merge, struct output *output, char *tmp, size_t tmp_bytes,
                        struct err *err)
{
    uint64_t entries = 0;
    char id[UUID_TEXT_BYTES + 1];
    output->run = run_begin();
    output->disk = merge->disk;
    buf_init(&output->memory, MEMORY_BYTES_MAX);
    for (uint32_t i = 0; i < merge->input_count; i++) entries += merge->inputs[i]->entry_count;
    if (entries > RUN_ENTRIES_MAX) return err_set(err, ERR_TOO_LARGE, "index run is too large");
    if (entries * sizeof(uint64_t) <= IN_MEMORY_BYTES || !merge->disk) return true;
    uuid_to_text(uuid_by_time(), id);
    snprintf(tmp, tmp_bytes, "%s/%s.run", merge->tmp_dir, id);
    return merge->disk->ops->open(merge->disk, tmp, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE,
                                  &output->file, err);
}

bool run_merge(struct run_merge *merge, struct run **out, struct err *err)
{
    struct input *inputs = mem_calloc(merge->input_count, sizeof *inputs);
    struct output *output = mem_calloc(1, sizeof *output);
    char tmp[1024] = "";
    merge->bad = NULL;
    inputs_open(merge, inputs);
    bool ok = output_open(merge, output, tmp, sizeof tmp, err) && files_make(merge, inputs, output->run, err) &&
              entries_merge(merge, inputs, output, err);
    bool has_files = ok && output->run->file_count > 0;
    if (has_files) ok = output_store(merge, output, tmp, err);
    if (output->file) {
        struct err ignored = { .code = ERR_OK };
        output->disk->ops->close(output->file);
        if (!ok || !has_files) (void)!output->disk->ops->unlink(output->disk, tmp, &ignored);
    }
    *out = ok ? output->run : NULL;
    if (!ok) run_release(output->run);
    inputs_close(inputs, merge->input_count);
    buf_deinit(&output->memory);
    free(output);
    return ok;
}
