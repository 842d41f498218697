/* rollup_delta.h -- what some records add to the roll-ups, in memory: counted row by row, merged when it must wait.
 *
 *   rows_row --rollup_delta_row--> series --> minutes --> buckets       every row, exact
 *                             |--> halves --> edges                     calls: both sides of one within these records
 *                             |--> metrics                              a data point's name
 *                             '--> attributes                           of some rows, with the weight of those not looked at
 *   rollup_delta_merge(into, from): from is empty after
 *   rollup_delta_changes: as arrays for meta/rollup.h
 *
 * Bounds, a project: ROLLUP_SERIES_MAX names in the delta, and as many endpoints and half as many services a day (struct
 * rollup_names, further ones count under "(other)"), ROLLUP_KEYS_MAX attribute keys, ROLLUP_VALUES_MAX values a key, ROLLUP_METRICS_MAX metric names. Halves: ROLLUP_HALVES_MAX in all; when they are full
 * every second trace is forgotten and those left count twice (sampled_one_in), and so on.
 * Thread: one owner. Memory: rollup_delta_bytes, in proportion to what is told apart, not to rows. Texts are cut at
 * ROLLUP_TEXT_BYTES; a NUL in them becomes U+FFFD, which PostgreSQL can hold. */
#pragma once
#include "base/arena.h"
#include "meta/rollup.h"
#include "worker/rows/rows.h"

#define ROLLUP_SERIES_MAX  2000
#define ROLLUP_KEYS_MAX    1000
#define ROLLUP_VALUES_MAX  24 /* written of a key; twice as many are looked at */
#define ROLLUP_METRICS_MAX 5000
#define ROLLUP_HALVES_MAX  32768 /* a power of two */
#define ROLLUP_HALVES_KEPT 4096  /* of those left without their other side, when changes are made */
#define ROLLUP_TEXT_BYTES  200
#define ROLLUP_VALUE_BYTES 128

struct rollup_delta;
/* Which names projects have used today: a flood of names must not become a flood of rows in the database. Learned anew after
 * a restart. */
struct rollup_names;
struct rollup_names *rollup_names_create(void);
void rollup_names_destroy(struct rollup_names *names); /* NULL is fine */

struct rollup_delta *rollup_delta_create(void);
void rollup_delta_destroy(struct rollup_delta *delta); /* NULL is fine */
bool rollup_delta_is_empty(const struct rollup_delta *delta);
size_t rollup_delta_bytes(const struct rollup_delta *delta);

/* Before the rows of a request; borrowed until the next. names may be NULL; at_us: what day it is. */
void rollup_delta_request_begin(struct rollup_delta *delta, struct rollup_names *names, int64_t at_us,
                                struct uuid project_id, const struct otlp_request *request);
/* Rows before not_before_us or after not_after_us are not counted: minutes that are gone by now, or not come yet. */
void rollup_delta_row(struct rollup_delta *delta, const struct rows_row *row, int64_t not_before_us);
/* Should the next row come with its attributes? */
bool rollup_delta_wants_attributes(const struct rollup_delta *delta);
/* Rows that were too old to be counted. */
uint64_t rollup_delta_skipped(const struct rollup_delta *delta);

void rollup_delta_merge(struct rollup_delta *into, struct rollup_delta *from);
/* The arrays of changes, in the delta's own memory, until it is touched again. Counts calls whose other side is among the
 * records. */
void rollup_delta_changes(struct rollup_delta *delta, struct rollup_changes *changes);
void rollup_delta_reset(struct rollup_delta *delta);
