#include "monitors/baselines.h"

#include <stdlib.h>

#define KEPT_US INT64_C(7200000000)

struct kept {
    struct uuid id;
    int64_t version;
    struct monitor_baseline baseline;
    struct arena arena; /* of the baseline */
};
struct baselines {
    struct kept *all;
    uint32_t count, cap;
};

struct baselines *baselines_create(void)
{
    return mem_calloc(1, sizeof(struct baselines));
}

void baselines_free(struct baselines *baselines)
{
    for (uint32_t k = 0; k < baselines->count; k++) arena_deinit(&baselines->all[k].arena);
    free(baselines->all);
    free(baselines);
}

static struct kept *kept_find(const struct baselines *baselines, const struct monitor_stored *stored)
{
    for (uint32_t k = 0; k < baselines->count; k++)
        if (uuid_equal(baselines->all[k].id, stored->id)) return &baselines->all[k];
    return NULL;
}

void baselines_find(const struct baselines *baselines, const struct monitor_stored *stored, struct monitor_table *table)
{
    const struct kept *kept = kept_find(baselines, stored);
    if (kept != NULL && kept->version == stored->version) table->baseline = kept->baseline;
}

static void old_drop(struct baselines *baselines, int64_t hour_us)
{
    for (uint32_t k = 0; k < baselines->count;) {
        if (baselines->all[k].baseline.hour_us >= hour_us - KEPT_US) {
            k++;
            continue;
        }
        arena_deinit(&baselines->all[k].arena);
        baselines->all[k] = baselines->all[--baselines->count];
    }
}

static double *numbers_copy(struct arena *arena, const double *numbers, uint32_t count)
{
    double *copy = arena_alloc(arena, (count + 1) * sizeof *copy);
    if (count > 0) memcpy(copy, numbers, count * sizeof *copy);
    return copy;
}

void baselines_keep(struct baselines *baselines, const struct monitor_stored *stored, const struct monitor_table *table)
{
    const struct monitor_baseline *from = &table->baseline;
    struct kept *kept = kept_find(baselines, stored);
    if (from->hour_us == 0 ||
        (kept != NULL && kept->version == stored->version && kept->baseline.hour_us == from->hour_us))
        return;
    if (kept == NULL) {
        old_drop(baselines, from->hour_us);
        if (baselines->count == baselines->cap) {
            baselines->cap = baselines->cap ? 2 * baselines->cap : 16;
            baselines->all = mem_realloc(baselines->all, baselines->cap * sizeof *baselines->all);
        }
        kept = &baselines->all[baselines->count++];
        arena_init(&kept->arena, 0);
    } else {
        arena_reset(&kept->arena);
    }
    kept->id = stored->id;
    kept->version = stored->version;
    kept->baseline = (struct monitor_baseline){
        .hour_us = from->hour_us,
        .count = from->count,
        .keys = arena_alloc(&kept->arena, (from->count + 1) * sizeof *from->keys),
        .lows = numbers_copy(&kept->arena, from->lows, from->count),
        .highs = numbers_copy(&kept->arena, from->highs, from->count),
        .spreads = numbers_copy(&kept->arena, from->spreads, from->count),
    };
    for (uint32_t k = 0; k < from->count; k++) kept->baseline.keys[k] = arena_copy(&kept->arena, from->keys[k]);
}
