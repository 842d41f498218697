/* baselines.h -- what anomaly monitors are held against, from one call of monitors_evaluate to the next: a baseline takes
 * twelve questions and is good for an hour (monitor_round.h).
 *
 *   (monitor, its version) --baselines_find--> table.baseline --monitor_round, an hour later anew--> baselines_keep
 *
 * Thread: one owner. Memory: a copy of each; those whose hour is over for long go as others are kept. */
#pragma once
#include "monitors/monitor_store.h"

struct baselines;
struct baselines *baselines_create(void);
void baselines_free(struct baselines *baselines);
/* table->baseline, borrowed until the next baselines_keep; as it is when none is kept. */
void baselines_find(const struct baselines *baselines, const struct monitor_stored *stored,
                    struct monitor_table *table);
/* Copies table->baseline, unless it is the one that is kept. */
void baselines_keep(struct baselines *baselines, const struct monitor_stored *stored,
                    const struct monitor_table *table);
