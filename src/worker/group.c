#include "worker/group.h"
#include <stdlib.h>

struct group *group_create(const struct schema_table *table, struct uuid project_id, int32_t day, struct owner *owner)
{
    struct group *group = mem_calloc(1, sizeof *group);
    group->table = table;
    group->project_id = project_id;
    group->day = day;
    group->owner = owner;
    return group;
}

static void columns_drop(struct group *group)
{
    columns_destroy(group->columns);
    group->columns = NULL;
    group->published_rows = 0;
    group->unpublished_since_ns = 0;
}

void group_destroy(struct group *group)
{
    if (!group) return;
    for (uint32_t s = 0; s < group->small_count; s++) file_release(group->small[s]);
    for (uint32_t s = 0; s < group->sealed_count; s++) file_release(group->sealed[s]);
    free(group->sealed);
    columns_destroy(group->columns);
    free(group);
}

struct columns *group_columns(struct group *group, uint64_t position, uint64_t now_ns)
{
    if (!group->columns) group->columns = columns_create(group->table);
    if (columns_row_count(group->columns) == 0)
        group->range = (struct segment_range){ .low = position - 1, .high = position, .owner = group->owner };
    group->range.high = position;
    if (group->unpublished_since_ns == 0) {
        group->unpublished_since_ns = now_ns;
        group->unpublished_low = position - 1;
    }
    return group->columns;
}

/* Writes rows [from, all) as one segment in place of the last `replaced` small ones. Those live for seconds: what is sealed has
 * hidden columns too. */
static bool small_write(struct group *group, uint32_t from, uint32_t replaced, uint32_t level, enum parquet_codec codec,
                        bool is_sealed, struct timefusion *timefusion, struct parquet_writer *writer, struct err *err)
{
    uint32_t to = columns_row_count(group->columns);
    struct bytes bytes;
    struct file *segment;
    bool ok = is_sealed ? parquet_write_shredded(writer, group->columns, from, to, codec, timefusion_shreds(timefusion),
                                                 group->project_id, &bytes, err)
                        : parquet_write(writer, group->columns, from, to, codec, &bytes, err);
    if (!ok ||
        !segment_write(timefusion_segments(timefusion), group->table, group->day, bytes, group->range, &segment, err))
        return false;
    uint32_t kept = group->small_count - replaced;
    segments_swap(timefusion_segments(timefusion), group->table->id, group->project_id, &group->small[kept], replaced,
                  &segment, 1);
    for (uint32_t s = kept; s < group->small_count; s++) file_release(group->small[s]);
    group->small[kept] = segment;
    group->small_from[kept] = from;
    group->small_level[kept] = level;
    group->small_count = kept + 1;
    group->published_rows = to;
    group->unpublished_since_ns = 0;
    return true;
}

bool group_publish(struct group *group, struct timefusion *timefusion, struct parquet_writer *writer, struct err *err)
{
    if (!group->columns || columns_row_count(group->columns) == group->published_rows) return true;
    /* The eighth of a level is written together with the seven before it, and so on up: one encoding, not two. */
    uint32_t level = 0, replaced = 0;
    for (;;) {
        uint32_t run = 0;
        while (replaced + run < group->small_count &&
               group->small_level[group->small_count - 1 - replaced - run] == level)
            run++;
        if (run < GROUP_FAN_IN - 1) break;
        replaced += run;
        level++;
    }
    /* At most seven of a level, and COLUMNS_ROWS_MAX rows fill six levels. */
    assert(group->small_count - replaced < GROUP_SMALL_MAX);
    uint32_t from = replaced > 0 ? group->small_from[group->small_count - replaced] : group->published_rows;
    /* Small ones live for seconds: compressing them costs more than it saves (docs/segments.md). */
    uint32_t rows = columns_row_count(group->columns) - from;
    enum parquet_codec codec = rows >= 4096 ? PARQUET_CODEC_ZSTD : PARQUET_CODEC_NONE;
    return small_write(group, from, replaced, level, codec, false, timefusion, writer, err);
}

static void sealed_add(struct group *group, struct file *segment)
{
    if (group->sealed_count == group->sealed_cap) {
        group->sealed_cap = group->sealed_cap ? group->sealed_cap * 2 : 16;
        group->sealed = mem_realloc(group->sealed, group->sealed_cap * sizeof(struct file *));
    }
    group->sealed[group->sealed_count++] = segment;
    group->row_group_count += segment->row_group_count;
}

static bool sealed_join(struct group *group, struct timefusion *timefusion, struct err *err)
{
    uint32_t run = 0;
    while (run < group->sealed_count && group->sealed[group->sealed_count - 1 - run]->row_group_count == 1) run++;
    if (run < GROUP_FAN_IN) return true;
    if (run > PARQUET_ROW_GROUPS_MAX) run = PARQUET_ROW_GROUPS_MAX; /* joins that failed before piled them up */
    struct file **inputs = &group->sealed[group->sealed_count - run];
    struct file *joined;
    if (!segment_join(timefusion_segments(timefusion), inputs, run, &joined, err)) return false;
    segments_swap(timefusion_segments(timefusion), group->table->id, group->project_id, inputs, run, &joined, 1);
    for (uint32_t s = 0; s < run; s++) file_release(inputs[s]);
    inputs[0] = joined;
    group->sealed_count -= run - 1;
    return true;
}

bool group_seal(struct group *group, struct timefusion *timefusion, struct parquet_writer *writer, struct err *err)
{
    if (!group->columns || columns_row_count(group->columns) == 0) return true;
    if (!small_write(group, 0, group->small_count, 0, PARQUET_CODEC_ZSTD, true, timefusion, writer, err)) return false;
    sealed_add(group, group->small[0]);
    group->small_count = 0;
    columns_reset(group->columns);
    group->published_rows = 0;
    return sealed_join(group, timefusion, err);
}

void group_cut(struct group *group, struct flush_group *into)
{
    *into = (struct flush_group){
        .table = group->table,
        .project_id = group->project_id,
        .day = group->day,
        .sealed = group->sealed,
        .sealed_count = group->sealed_count,
        .columns_range = group->range,
    };
    if (group->columns && columns_row_count(group->columns) > 0) {
        into->columns = group->columns;
        into->small_count = group->small_count;
        into->small = mem_alloc((group->small_count + 1) * sizeof(struct file *));
        memcpy(into->small, group->small, group->small_count * sizeof(struct file *));
        group->columns = NULL;
    }
    columns_drop(group);
    group->small_count = 0;
    group->sealed = NULL;
    group->sealed_count = group->sealed_cap = group->row_group_count = 0;
}
