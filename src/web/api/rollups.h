/* rollups.h -- what the handlers of roll-ups share. Thread, memory: the call's. */
#pragma once
#include "meta/rollup_read.h"
#include "web/api/api_call.h"

/* from and to as they were asked, the last hour when they were not; not fitted yet. False: the client was told. */
MUST_CHECK bool rollups_range(struct api_call *call, int64_t now_unix_us, struct rollup_range *range);
/* The step of the address, or `steps` of them in the range; a multiple of the grain. False: it makes too many, the client was told. */
MUST_CHECK bool rollups_step(struct api_call *call, const struct rollup_range *range, uint32_t steps,
                             uint32_t steps_max, int64_t *step_us);
/* An end of a range: the beginning of 1970 is a moment too, where api_put_time has null. */
void rollups_put_end(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t unix_us);
/* duration_ns: null where nothing has a duration. */
void rollups_put_durations(struct api_call *call, yyjson_mut_val *object, const struct rollup_figures *figures);
