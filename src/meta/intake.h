/* intake.h -- what comes in, counted by key and signal: taken, sent twice, left out, refused and why, how late, by what sender.
 *
 *   ingest --intake_take, intake_refuse--.                                   .--> intake_counts   by minute and by hour
 *   worker --intake_visible--------------+--> memory --intake_save (3 s)-----+--> intake_reasons  with the latest example
 *                                        '    of what is not saved yet        +--> intake_senders, intake_visible
 *   API <--intake_read.h------------------------------------------------------'    each process adds to the same rows
 *
 * Nothing waits for the database: intake_save takes what is there and leaves an empty table; when it fails it is put back.
 * Thread: any; one lock, held for some hundred instructions. Memory: 200 bytes a key, signal and minute that are not saved, 400
 * a reason or sender; bounded (INTAKE_*_MAX), what has no room any more is counted in intake_lost. Errors: those of db.h. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"

struct db;
struct intake;

#define INTAKE_COUNTS_MAX  8192
#define INTAKE_REASONS_MAX 2048
#define INTAKE_SENDERS_MAX 2048
#define INTAKE_EXAMPLE_MAX 239 /* bytes of a reason's words */
#define INTAKE_SENDER_MAX  119 /* bytes of a user agent, and of an SDK */
#define INTAKE_PARTIAL     "partial"

/* Whose a request is: all zeros when nobody knows its key. signal: of OTLP; 0: not known. */
struct intake_who {
    struct uuid project_id, key_id;
    uint32_t signal;
};
struct intake_taken {
    bool is_repeat; /* it was stored before: its records and bytes do not count again */
    uint64_t records, bytes;
    uint64_t rejected;  /* records left out */
    const char *reason; /* of the first of these */
    bool has_lag;
    int64_t lag_us; /* from the newest record's own time to its arrival; below zero: the sender's clock is ahead */
    struct bytes agent, sdk; /* empty: not said */
};

MUST_CHECK bool intake_open(struct intake **intake, struct db *db, struct err *err);
void intake_close(struct intake *intake); /* NULL is fine; what was not saved is lost */
void intake_take(struct intake *intake, const struct intake_who *who, const struct intake_taken *taken);
/* agent: empty, not said. */
void intake_refuse(struct intake *intake, const struct intake_who *who, const struct err *why, struct bytes agent);
/* Rows of a table have become visible; the oldest of them came received_unix_us. */
void intake_visible(struct intake *intake, struct uuid project_id, const char *table, int64_t received_unix_us);
MUST_CHECK bool intake_save(struct intake *intake, struct err *err);
uint64_t intake_lost(struct intake *intake); /* counts for which there was no room, as the database was away */
