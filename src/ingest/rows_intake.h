/* rows_intake.h -- rows that SQL has written go the way of requests: limits, redaction, the durable buffer.
 *
 *   INSERT, COPY --batch--> rows_intake --meter, redaction--> buffer_append --fsynced--> true
 *                                                                '--> sink: struct rows_stored, to rows_stored_release
 *
 * Thread: any; waits until the buffer has answered. Memory: the batch, taken.
 * Errors: ERR_QUOTA over a limit; ERR_OVERLOADED the buffer has no room now, or its disk has none; ERR_IO, ERR_TOO_LARGE. */
#pragma once
#include "base/err.h"
#include "base/uuid.h"

struct buffer;
struct meter;
struct redactor;
struct rows_stored;

struct rows_intake {
    struct buffer *buffer;
    struct meter *meter;       /* NULL: no limits */
    struct redactor *redactor; /* NULL: all is kept */
};
/* What is to be kept, as one record. */
struct rows_arrival {
    struct uuid project_id, key_id; /* key: all zero when a person writes */
    struct bytes batch;             /* timefusion/batch; by malloc, taken */
    uint64_t logs, spans, points;   /* rows of otel_logs_and_spans count as logs or spans */
};
/* True: it survives. */
MUST_CHECK bool rows_intake(const struct rows_intake *intake, const struct rows_arrival *arrival, struct err *err);
/* What the buffer's sink gets with a record of BUFFER_SIGNAL_ROWS, once it has done with the body. */
void rows_stored_release(struct rows_stored *stored);
