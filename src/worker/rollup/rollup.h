/* rollup.h -- the tap that counts: rows by project, service, endpoint, kind and minute, and the catalogs beside them.
 *
 *   a partition's tap (counting.h): rows --rollup_delta.h--> counts --store--> meta/rollup.h: one transaction with its position
 *   one thread of all: every 20 s rollup_job: hours and days, edges of calls over several partitions, what is too old goes
 *
 * What cannot be stored is added up: a minute's counts of the same series are one entry, so memory grows with time and
 * names, not with rows.
 * Thread: open and close the owner's; stats any. Memory: bytes_max, and while storing about half as much again of the
 * partition being stored. Errors: see tap.h. */
#pragma once
#include "meta/rollup.h"
#include "worker/counting/counting.h"

struct rollups;
struct rollups_options {
    struct db *db;
    uint64_t bytes_max;
    struct rollup_keep keep;
    bool does_jobs;  /* this process may roll up hours and days; several may: the database lets one at a time */
    uint32_t job_ms; /* 0: 20 s */
    const struct log *log;
};
/* Brings the database's tables in shape (TimescaleDB), starts the job's thread. ERR_BUSY: the database is away. */
MUST_CHECK bool rollups_open(struct rollups **rollups, const struct rollups_options *options, struct err *err);
/* For worker_options; good until rollups_close. */
struct tap_source rollups_source(struct rollups *rollups);
struct rollups_stats {
    struct counting_stats counting; /* rows_skipped: older than keep.minutes_us */
    uint64_t hours, days, edges, deleted, job_failures;
};
void rollups_stats(struct rollups *rollups, struct rollups_stats *stats);
/* Every tap must be closed. NULL is fine. */
void rollups_close(struct rollups *rollups);
