/* pattern_delta.h -- what some records add to the counts of log patterns, in memory: line by line, merged when it must wait.
 *
 *   rows_row --pattern_delta_row--> entry (template) --> count (level, minute)
 *   pattern_delta_merge(into, from): from is empty after
 *   pattern_delta_changes: as arrays for meta/pattern.h
 *
 * Thread: one owner. Memory: pattern_delta_bytes, in proportion to what is told apart, not to lines; besides what is kept
 * PATTERN_ALIASES_MAX of templates that count under another. Texts are valid UTF-8 without NULs, as databases take them. */
#pragma once
#include "meta/pattern.h"
#include "worker/patterns/pattern_names.h"
#include "worker/rows/rows.h"

#define PATTERN_SAMPLE_BYTES  300
#define PATTERN_SERVICE_BYTES 200
#define PATTERN_ALIASES_MAX   65536

struct pattern_delta;
struct pattern_delta *pattern_delta_create(void);
void pattern_delta_destroy(struct pattern_delta *delta); /* NULL is fine */
bool pattern_delta_is_empty(const struct pattern_delta *delta);
size_t pattern_delta_bytes(const struct pattern_delta *delta);
/* Lines before not_before_us are not counted: *skipped. *rest: lines that count under another template. */
void pattern_delta_row(struct pattern_delta *delta, struct pattern_names *names, struct uuid project_id,
                       const struct rows_row *row, int64_t not_before_us);
uint64_t pattern_delta_skipped(const struct pattern_delta *delta);
uint64_t pattern_delta_rest(const struct pattern_delta *delta);
void pattern_delta_merge(struct pattern_delta *into, struct pattern_delta *from);
/* The arrays of changes, in the delta's own memory, until it is touched again. */
void pattern_delta_changes(struct pattern_delta *delta, struct pattern_changes *changes);
void pattern_delta_reset(struct pattern_delta *delta);
