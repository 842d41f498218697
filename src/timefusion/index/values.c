#include "timefusion/index/values.h"
#include "base/clock.h"
#include "timefusion/parquet/chunk_texts.h"

#include <stdlib.h>

#define FOOTER_BYTES_TAIL (64u << 10)
#define RADIX_BITS        11
#define HASH_BITS         40

struct index_values {
    uint32_t group_count;
    uint16_t columns;  /* bit by place in index_columns */
    uint64_t *entries; /* of all groups, sorted */
    uint64_t count, cap;
};

static const uint32_t logs_columns[] = {
    LOGS_AND_SPANS_context___trace_id,
    LOGS_AND_SPANS_hashes,
    LOGS_AND_SPANS_attributes___session___id,
    LOGS_AND_SPANS_attributes___user___id,
};
static_assert(COUNT_OF(logs_columns) <= RUN_COLUMNS_MAX, "a bit of uint16_t each");

uint32_t index_columns(const struct schema_table *table, const uint32_t **columns)
{
    /* Ids of rows and spans are one a row: 8 bytes on 130 would be too dear. A metric's series are in every file. */
    *columns = logs_columns;
    return table->id == SCHEMA_LOGS_AND_SPANS ? COUNT_OF(logs_columns) : 0;
}

/* ---- sorting ---- */

/* By hash, then unit: units come in order and each pass keeps it. */
static void entries_sort(uint64_t *entries, uint64_t count)
{
    uint64_t *other = mem_alloc(count * sizeof *other), *from = entries, *to = other;
    for (uint32_t shift = RUN_UNIT_BITS; shift < RUN_UNIT_BITS + HASH_BITS; shift += RADIX_BITS) {
        uint64_t starts[1u << RADIX_BITS] = { 0 }, sum = 0;
        const uint64_t mask = (1u << RADIX_BITS) - 1;
        for (uint64_t i = 0; i < count; i++) starts[from[i] >> shift & mask]++;
        for (uint32_t b = 0; b <= mask; b++) {
            uint64_t bucket = starts[b];
            starts[b] = sum;
            sum += bucket;
        }
        for (uint64_t i = 0; i < count; i++) to[starts[from[i] >> shift & mask]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries) memcpy(entries, from, count * sizeof *entries);
    free(other);
}
static_assert((HASH_BITS + RADIX_BITS - 1) / RADIX_BITS % 2 == 0, "an even number of passes ends where it began");

static uint64_t entries_unique(uint64_t *entries, uint64_t count)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < count; i++)
        if (kept == 0 || entries[kept - 1] != entries[i]) entries[kept++] = entries[i];
    return kept;
}

/* ---- one file ---- */

struct taking {
    struct index_values *values;
    uint32_t unit;
    uint64_t last;
};

static void text_take(void *ctx, struct bytes text)
{
    struct taking *taking = ctx;
    struct index_values *values = taking->values;
    uint64_t entry = run_entry(run_hash(text), taking->unit);
    if (entry == taking->last) return; /* rows of a trace often stand together */
    taking->last = entry;
    if (values->count == values->cap) {
        values->cap = values->cap ? values->cap * 2 : 1024;
        values->entries = mem_realloc(values->entries, values->cap * sizeof *values->entries);
    }
    values->entries[values->count++] = entry;
}

static bool footer_read(const struct index_source *source, const struct schema_table *table,
                        struct parquet_footer **footer, struct err *err)
{
    size_t want = source->bytes < FOOTER_BYTES_TAIL ? (size_t)source->bytes : FOOTER_BYTES_TAIL;
    for (int tries = 0; tries < 2; tries++) {
        size_t need = 0;
        uint8_t *tail = mem_alloc(want);
        bool ok = source->read(source->ctx, source->bytes - want, tail, want, err) &&
                  parquet_footer_read(bytes_from(tail, want), source->bytes, table, footer, &need, err);
        free(tail);
        if (ok) return true;
        if (err->code != ERR_OK) return false;
        if (need <= want || need > source->bytes) break;
        want = need;
    }
    return err_set(err, ERR_CORRUPT, "a Parquet footer does not say its own length");
}

/* Row group by row group, so that a value that stands in two columns of one is met twice in a row once they are sorted. A
 * column that ours does not read in one group is not said to be in; what was taken of it does no harm. */
static bool groups_read(const struct index_source *source, struct chunk_texts *texts,
                        const struct parquet_footer *footer, struct index_values *values, struct err *err)
{
    const uint32_t *columns;
    uint32_t count = index_columns(footer->table, &columns);
    values->columns = (uint16_t)((1u << count) - 1);
    for (uint32_t g = 0; g < footer->row_group_count; g++) {
        uint32_t unit = g < RUN_GROUPS_MAX ? g : RUN_GROUPS_MAX - 1;
        for (uint32_t c = 0; c < count; c++) {
            struct taking taking = { .values = values, .unit = unit, .last = UINT64_MAX };
            struct err why = { .code = ERR_OK };
            if (!(values->columns >> c & 1)) continue;
            if (chunk_texts_read(texts, source->read, source->ctx, &footer->row_groups[g].columns[columns[c]],
                                 text_take, &taking, &why))
                continue;
            if (why.code != ERR_UNSUPPORTED) {
                *err = why;
                return false;
            }
            values->columns &= (uint16_t) ~(1u << c);
        }
    }
    return true;
}

bool index_values_read(struct index_values **out, const struct schema_table *table, const struct index_source *source,
                       struct err *err)
{
    struct parquet_footer *footer;
    *out = NULL;
    if (!footer_read(source, table, &footer, err)) return false;
    struct index_values *values = mem_calloc(1, sizeof *values);
    struct chunk_texts texts;
    chunk_texts_init(&texts);
    values->group_count = footer->row_group_count < RUN_GROUPS_MAX ? footer->row_group_count : RUN_GROUPS_MAX;
    bool ok = groups_read(source, &texts, footer, values, err);
    chunk_texts_deinit(&texts);
    parquet_footer_destroy(footer);
    if (!ok) {
        index_values_destroy(values);
        return false;
    }
    if (values->count > 1) entries_sort(values->entries, values->count);
    values->count = entries_unique(values->entries, values->count);
    *out = values;
    return true;
}

struct local {
    struct disk *disk;
    struct disk_file *file;
};

static bool local_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    struct local *local = ctx;
    for (size_t done = 0, got; done < len; done += got) {
        if (!local->disk->ops->pread(local->file, offset + done, (uint8_t *)ptr + done, len - done, &got, err))
            return false;
        if (got == 0) return err_set(err, ERR_CORRUPT, "the file is shorter than it was");
    }
    return true;
}

struct index_values *index_values_read_local(struct disk *disk, struct disk_file *file, uint64_t bytes,
                                             const struct schema_table *table)
{
    struct local local = { disk, file };
    struct index_source source = { .read = local_read, .ctx = &local, .bytes = bytes };
    struct index_values *values;
    const uint32_t *columns;
    struct err ignored = { .code = ERR_OK };
    if (index_columns(table, &columns) == 0) return NULL;
    return index_values_read(&values, table, &source, &ignored) ? values : NULL;
}

struct index_values *index_values_none(void)
{
    return mem_calloc(1, sizeof(struct index_values));
}

void index_values_destroy(struct index_values *values)
{
    if (!values) return;
    free(values->entries);
    free(values);
}

struct run *values_to_run(struct index_values *values, const struct schema_table *table, const char *key)
{
    struct run *run = mem_calloc(1, sizeof *run);
    const uint32_t *columns;
    atomic_init(&run->reference_count, 1);
    run->column_count = index_columns(table, &columns);
    for (uint32_t c = 0; c < run->column_count; c++) run->columns[c] = values_column_hash(table, columns[c]);
    run->file_count = 1;
    run->files = mem_alloc(sizeof *run->files);
    run->files[0] = (struct run_file){ .hash = index_file_hash(key),
                                       .group_count = (uint16_t)values->group_count,
                                       .columns = values->columns };
    run->is_own = true;
    run->created_unix_ms = clock_unix_us() / 1000;
    run->noted_mono_ns = clock_mono_ns();
    run->entry_count = values->count;
    run->entries = mem_realloc(values->entries, (values->count + 1) * sizeof *values->entries);
    values->entries = NULL;
    index_values_destroy(values);
    return run;
}
