/* partition.c -- the live files of a project's day, and what is known of each. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "timefusion/file.h"
#include "timefusion/flush.h"
#include "timefusion/maintenance/file_builder.h"
#include "timefusion/maintenance/maintenance_inside.h"

static int oldest_first(const void *a, const void *b)
{
    const struct delta_file *left = *(const struct delta_file *const *)a;
    const struct delta_file *right = *(const struct delta_file *const *)b;
    if (left->timestamp_min_us != right->timestamp_min_us)
        return left->timestamp_min_us < right->timestamp_min_us ? -1 : 1;
    return strcmp(left->path, right->path);
}

void partition_files_init(struct partition_files *files, struct maintenance *maintenance, struct partition partition,
                          enum partition_part part)
{
    struct delta_table *delta = timefusion_delta(maintenance->options.timefusion, partition.table);
    uint32_t first, count;
    *files = (struct partition_files){ .snapshot = delta_snapshot_acquire(delta) };
    delta_snapshot_project(files->snapshot, partition.project_id, &first, &count);
    files->files = mem_alloc((count + 1) * sizeof(struct delta_file *));
    for (uint32_t f = 0; f < count; f++) {
        const struct delta_file *file = delta_snapshot_file(files->snapshot, first + f);
        if (file->day != partition.day) continue;
        if (part != PARTITION_ALL && file_builder_is_cold(file->path) != (part == PARTITION_COLD)) continue;
        files->files[files->count++] = file;
    }
    if (files->count > 1) qsort(files->files, files->count, sizeof(struct delta_file *), oldest_first);
}

void partition_files_deinit(struct partition_files *files)
{
    free(files->files);
    delta_snapshot_release(files->snapshot);
}

bool partition_still_has(struct maintenance *maintenance, struct partition partition,
                         const struct delta_file *const *files, uint32_t count)
{
    struct partition_files now;
    struct err ignored = { 0 }; /* the commit finds out, later */
    (void)!delta_refresh(timefusion_delta(maintenance->options.timefusion, partition.table), &ignored);
    partition_files_init(&now, maintenance, partition, PARTITION_ALL);
    uint32_t found = 0;
    for (uint32_t f = 0; f < count; f++) {
        for (uint32_t n = 0; n < now.count; n++) {
            if (strcmp(now.files[n]->path, files[f]->path) != 0) continue;
            found++;
            break;
        }
    }
    partition_files_deinit(&now);
    return found == count;
}

/* ---- weights ---- */

#define HASH_MASK (~(uint64_t)0xFF)

static uint64_t *weight_slot(const struct weight_map *map, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 32) & (WEIGHT_SLOTS - 1);
    while (map->slots[at] != 0 && (map->slots[at] & HASH_MASK) != (hash & HASH_MASK))
        at = (at + 1) & (WEIGHT_SLOTS - 1);
    return &map->slots[at];
}

static void weight_keep(struct weight_map *map, uint64_t hash, uint32_t weight)
{
    if (!map->slots || map->used >= WEIGHT_SLOTS / 2) {
        free(map->slots);
        *map = (struct weight_map){ .slots = mem_calloc(WEIGHT_SLOTS, sizeof(uint64_t)) };
    }
    uint64_t *slot = weight_slot(map, hash);
    if (*slot == 0) map->used++;
    *slot = (hash & HASH_MASK) | (weight + 1);
}

void weight_map_deinit(struct weight_map *map)
{
    free(map->slots);
}

uint32_t partition_file_weight_known(const struct maintenance *maintenance, const struct delta_file *file)
{
    if (plan_is_full(file->bytes)) return PLAN_FULL;
    const struct weight_map *map = &maintenance->weights;
    uint64_t known = map->slots ? *weight_slot(map, hash64_of(bytes_of_text(file->path))) : 0;
    return known == 0 ? UINT32_MAX : (uint32_t)(known & 0xFF) - 1;
}

uint32_t partition_file_weight(struct maintenance *maintenance, enum schema_table_id id, const struct delta_file *file,
                               struct err *err)
{
    const struct schema_table *table = schema_table(id);
    struct parquet_footer *footer;
    char key[FILE_KEY_BYTES];
    bool is_joinable;
    uint32_t weight = partition_file_weight_known(maintenance, file);
    if (weight != UINT32_MAX) return weight;
    weight = PLAN_FOREIGN;
    if (err->code != ERR_OK) return weight;
    file_key(table, file->path, key);
    struct file *opened =
        file_create(timefusion_store(maintenance->options.timefusion), key, table, TIMEFUSION_DELTA, 0);
    opened->shown.bytes = file->bytes;
    if (file_footer_load(opened, &footer, &is_joinable, err)) {
        if (is_joinable) weight = plan_weight(footer->row_group_count, file->bytes, footer->footer_bytes);
        parquet_footer_destroy(footer);
    } else if (err->code == ERR_CORRUPT || err->code == ERR_NOT_FOUND || err->code == ERR_UNSUPPORTED) {
        log_warn(maintenance->options.log, "maintenance.file_unreadable", log_text("file", key),
                 log_text("err", err->text));
        *err = (struct err){ 0 };
    }
    if (err->code == ERR_OK) weight_keep(&maintenance->weights, hash64_of(bytes_of_text(file->path)), weight);
    file_release(opened);
    return weight;
}
