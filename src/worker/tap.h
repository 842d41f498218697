/* tap.h -- who listens to the records of one partition on their way to the tables, and keeps something of them elsewhere.
 *
 *   worker thread:  record_begin -> row, row, row ... -> record_begin ... -> cut(position)
 *   flush thread:                                            tables committed -> store -> release(least of all)
 *
 * A tap (roll-ups, errors, patterns) adds up what it sees and stores it with its position in one transaction of its own
 * place, the metadata; a record at or below that position never comes to it again. So what it holds is exact after any
 * replay, whatever the tables hold: each of them skips for itself.
 *
 *   replay of a record:  table has it, tap has it     nothing
 *                        table lacks it, tap has it   rows are built, the tap is not called
 *                        table has it, tap lacks it   rows are built for the tap and dropped
 *
 * A record is released when every table and every tap has it (tap_position). A tap whose store fails (the database is away)
 * does not hold up the flush into the tables: it is tried again, and what was cut meanwhile is added to what waits. One
 * that has no room left (has_room) holds up the worker: it takes no more records until store worked, and senders are told
 * to wait as they are when the log is full.
 * One tap a partition: tap_source.open is called when a worker is opened, close when it is closed.
 *
 * Thread: record_begin, row, cut, wants_cut, has_room: the worker's. store: the flush thread's, beside these. position: any.
 * Errors: of store: ERR_CONFLICT: another owner of the partition has stored what we were to: as a lost commit; all others
 * are tried again. */
#pragma once
#include "base/err.h"
#include "base/uuid.h"
#include "worker/rows/rows.h"

struct tap;
struct tap_ops {
    /* The record whose rows come next; only such with position > tap->position. request is borrowed until the next call. */
    void (*record_begin)(struct tap *tap, uint64_t position, struct uuid project_id,
                         const struct otlp_request *request);
    /* As rows_sink.row: of each row of it, in order, log records, spans and data points alike. */
    void (*row)(struct tap *tap, const struct rows_row *row);
    /* All records up to position have come; what was seen of them belongs together from here. */
    void (*cut)(struct tap *tap, uint64_t position);
    /* Much is waiting to be cut: soon, please, whatever the flush interval says. */
    bool (*wants_cut)(struct tap *tap);
    bool (*has_room)(struct tap *tap);
    /* Makes durable what was cut. To be tried again after any failure but ERR_CONFLICT; true when there is nothing. */
    bool (*store)(struct tap *tap, struct err *err);
    /* Up to here all is durable; 0: nothing yet. */
    uint64_t (*position)(struct tap *tap);
    void (*close)(struct tap *tap); /* what was not stored comes again with the replay */
};
struct tap {
    const struct tap_ops *ops;
    const char *name;      /* "rollups": in logs */
    bool takes_no_rows;    /* row is never called */
    bool wants_attributes; /* the tap's: of the next row (rows_row.attributes) */
};

/* What the app hands to every worker it opens. app_id: as in the tables, "monoscope/<buffer's id>/<partition>". */
struct tap_source {
    /* Reads the position kept for app_id. ERR_BUSY: the database is away; try again. *tap is the caller's to close. */
    bool (*open)(void *ctx, const char *app_id, struct tap **tap, struct err *err);
    void *ctx;
};
