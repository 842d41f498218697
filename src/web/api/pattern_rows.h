/* pattern_rows.h -- log patterns of the rows that a condition finds: counted by SQL over their elements "pat:".
 *
 *   condition --pattern_rows_count--> (template's id, step, level): rows
 *   ids that no template is known of --pattern_rows_name--> templates, made of one of their rows
 *
 * Thread: the call's. Memory: the call's; rows.at is the caller's to free. Errors: as sql_run.h has them. */
#pragma once
#include "web/api/pattern_groups.h"

uint32_t pattern_level_of(struct bytes name); /* in any case; 0: none */

struct pattern_rows_found {
    struct uuid id;
    uint32_t step, level; /* step UINT32_MAX: in the range of the same length before */
    int64_t rows;
};
struct pattern_rows {
    struct pattern_rows_found *at;
    uint32_t count, cap;
};
/* service, condition: empty for all. */
MUST_CHECK bool pattern_rows_count(struct api_call *call, const struct count_range *range, struct bytes service,
                                   struct bytes condition, struct pattern_rows *rows, struct err *err);
/* Of the ids in rows that known does not have those with most rows. */
MUST_CHECK bool pattern_rows_name(struct api_call *call, const struct count_range *range,
                                  const struct pattern_rows *rows, const struct pattern_groups_all *known,
                                  struct pattern_seen **seen, uint32_t *count, struct err *err);
