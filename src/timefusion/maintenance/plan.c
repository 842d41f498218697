#include "timefusion/maintenance/plan.h"

#include <assert.h>
#include <string.h>

#include "timefusion/parquet/parquet.h"

static_assert(PLAN_FULL == PARQUET_ROW_GROUPS_MAX, "a row group weighs at least 1");
enum { SMALL_END = 8, MIDDLE_END = 32, FAN_IN = 8, LEVELS = 2 };

static uint64_t parts_of(uint64_t amount, uint64_t most)
{
    return (amount * PLAN_FULL + most - 1) / most;
}

uint32_t plan_weight(uint32_t row_groups, uint64_t bytes, uint64_t footer_bytes)
{
    if (plan_is_full(bytes) || row_groups >= PLAN_FULL || footer_bytes >= PLAN_FOOTER_BYTES_MAX) return PLAN_FULL;
    uint64_t weight = row_groups;
    if (parts_of(bytes, PLAN_FILE_BYTES_MAX) > weight) weight = parts_of(bytes, PLAN_FILE_BYTES_MAX);
    if (parts_of(footer_bytes, PLAN_FOOTER_BYTES_MAX) > weight) weight = parts_of(footer_bytes, PLAN_FOOTER_BYTES_MAX);
    return weight == 0 ? 1 : (uint32_t)weight;
}

bool plan_is_full(uint64_t bytes)
{
    return parts_of(bytes, PLAN_FILE_BYTES_MAX) >= MIDDLE_END;
}

/* Files gathered of one level, oldest first. */
struct gathered {
    uint32_t picked[PLAN_FULL], count, sum;
    bool is_closed; /* one more did not fit */
};

static void gather(struct gathered *gathered, uint32_t file, uint32_t weight)
{
    if (gathered->is_closed) return;
    if (gathered->sum + weight > PLAN_FULL) {
        gathered->is_closed = true;
        return;
    }
    gathered->picked[gathered->count++] = file;
    gathered->sum += weight;
}

static uint32_t gathered_take(const struct gathered *gathered, uint32_t picked[PLAN_FULL])
{
    memcpy(picked, gathered->picked, gathered->count * sizeof *picked);
    return gathered->count;
}

static bool level_of(uint32_t weight, enum plan_mode mode, uint32_t *level)
{
    if (weight == PLAN_FOREIGN || weight >= PLAN_FULL) return false;
    *level = mode == PLAN_ALL || weight < SMALL_END ? 0 : 1;
    return mode == PLAN_ALL || weight < MIDDLE_END;
}

uint32_t plan_join(const struct plan_weights *weights, uint32_t file_count, enum plan_mode mode,
                   uint32_t picked[PLAN_FULL])
{
    struct gathered levels[LEVELS] = { 0 };
    for (uint32_t f = 0; f < file_count; f++) {
        uint32_t weight = weights->weight(weights->ctx, f), level;
        assert(weight <= PLAN_FULL);
        if (!level_of(weight, mode, &level)) continue;
        struct gathered *gathered = &levels[level];
        gather(gathered, f, weight);
        if (!gathered->is_closed) continue;
        if (gathered->count > 1) return gathered_take(gathered, picked);
        *gathered = (struct gathered){ 0 }; /* the oldest goes with no other: go on without it */
        gather(gathered, f, weight);
    }
    uint32_t least = mode == PLAN_USUAL ? FAN_IN : 2;
    for (uint32_t l = 0; l < LEVELS; l++)
        if (levels[l].count >= least) return gathered_take(&levels[l], picked);
    return 0;
}

uint32_t plan_recode(const struct plan_size *sizes, uint32_t file_count, uint64_t rows_max, uint64_t bytes_max)
{
    uint64_t rows = 0, bytes = 0;
    uint32_t count = 0;
    while (count < file_count) {
        rows += sizes[count].rows;
        bytes += sizes[count].bytes;
        if (count > 0 && (rows > rows_max || bytes > bytes_max)) break;
        count++;
    }
    return count;
}
