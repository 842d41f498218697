/* error_delta.h -- what some records add to the counts of errors, in memory: row by row, merged when it must wait.
 *
 *   rows_row.errors --error_delta_row--> entry (fingerprint): first and last event (error_held.h), users (error_users.h)
 *                                          '--> count (environment, minute), release (release, environment)
 *   error_delta_merge(into, from): from is empty after
 *   error_delta_changes: as arrays for meta/error.h
 *
 * Thread: one owner. Memory: error_delta_bytes, in proportion to what is told apart, not to errors. Texts are valid UTF-8
 * without NULs, as databases take them. */
#pragma once
#include "meta/error.h"
#include "worker/errors/error_names.h"
#include "worker/rows/rows.h"

struct error_delta;
struct error_delta *error_delta_create(void);
void error_delta_destroy(struct error_delta *delta); /* NULL is fine */
size_t error_delta_bytes(const struct error_delta *delta);
/* Rows before not_before_us are not counted: *skipped. *rest: errors that count under "(other)". */
void error_delta_row(struct error_delta *delta, struct error_names *names, struct uuid project_id,
                     const struct rows_row *row, int64_t not_before_us);
uint64_t error_delta_skipped(const struct error_delta *delta);
uint64_t error_delta_rest(const struct error_delta *delta);
void error_delta_merge(struct error_delta *into, struct error_delta *from);
/* The arrays of changes, in the delta's own memory, until it is touched again. */
void error_delta_changes(struct error_delta *delta, struct error_changes *changes);
void error_delta_reset(struct error_delta *delta);
