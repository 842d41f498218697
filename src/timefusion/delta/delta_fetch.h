/* delta_fetch.h -- commits of the log, several at once: a bucket answers in tens of milliseconds, whatever the size.
 *
 *   delta_fetch(first, count) --> up to DELTA_FETCH_MAX GETs side by side --> one buffer a version, in order
 *
 * On a local folder one after the other. Thread: the caller's, and helpers that end before it returns. Private. */
#pragma once
#include "timefusion/delta/delta_table.h"

enum { DELTA_FETCH_MAX = 16 };
struct delta_fetched {
    struct buf lines;
    struct err err; /* ERR_NOT_FOUND: there is no such version */
};
/* Versions first to first + count - 1; count <= DELTA_FETCH_MAX. The buffers are the caller's to deinit. */
void delta_fetch(struct delta_table *table, uint64_t first, uint32_t count, struct delta_fetched *fetched);
void delta_fetched_deinit(struct delta_fetched *fetched, uint32_t count);
