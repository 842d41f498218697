/* plan.h -- which files of a project's day go together next. Pure: no I/O, no clock. Private to this folder.
 *
 *   weight of a file: sixty-fourths of a full one, by row groups, bytes or footer, whichever is most
 *     small  1..7   -- eight of them, or more --> middle
 *     middle 8..31  -- as many as fit into 64, over 32 --> full
 *     full   32..64 -- never touched again
 *
 * So joining copies a row at most twice, and at most 7 small and 7 middle files wait. A day that is over is closed: what
 * waits is joined without waiting for more, small with small and middle with middle, so that a trickle of late rows
 * copies small files only. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PLAN_FULL             64
#define PLAN_FILE_BYTES_MAX   (256ull << 20)
#define PLAN_FOOTER_BYTES_MAX (1u << 20)
#define PLAN_FOREIGN          0 /* a weight: cannot be joined by copying */

enum plan_mode {
    PLAN_USUAL,
    PLAN_CLOSING,
    PLAN_ALL /* somebody asks for it: whatever fits together */
};
/* 1 to PLAN_FULL */
uint32_t plan_weight(uint32_t row_groups, uint64_t bytes, uint64_t footer_bytes);
/* Is it full by its size alone, so that nobody need look inside? */
bool plan_is_full(uint64_t bytes);

struct plan_weights { /* of files in order of time; 0 also when it could not be found out */
    uint32_t (*weight)(void *ctx, uint32_t file);
    void *ctx;
};
/* Files to join, as indexes in their order; 0: none. picked: room for PLAN_FULL. Asks for the weight of no more files than
 * it needs, the oldest first. */
uint32_t plan_join(const struct plan_weights *weights, uint32_t file_count, enum plan_mode mode,
                   uint32_t picked[PLAN_FULL]);
/* The first files whose rows and bytes stay within a unit's bounds; at least one. */
struct plan_size {
    uint64_t rows, bytes;
};
uint32_t plan_recode(const struct plan_size *sizes, uint32_t file_count, uint64_t rows_max, uint64_t bytes_max);
