/* written.h -- rows that SQL has written, as requests of OTLP: so that they become rows as all others do, and taps see them.
 *
 *   batch --written_next--> struct otlp_request of some thousand rows --rows_build--> columns
 *                              '-- written_put: the values that were written, before what is derived of them
 *
 * What a statement says stays as it says it; what it leaves out (summary, hashes, errors, status, the end of a span, the id of a
 * series) is made of the rest, by the rules of docs/rows.md. A row is a log unless its kind says otherwise, or it has a
 * duration, a start or an end.
 * Thread: one owner. Memory: arrays of the rows of one request, some times their bytes; used again.
 * Errors: ERR_CORRUPT, ERR_UNSUPPORTED as batch.h. */
#pragma once
#include "timefusion/batch/batch.h"
#include "timefusion/columns/columns.h"
#include "worker/otlp/otlp.h"

struct written;
struct written *written_create(void);
void written_destroy(struct written *written); /* NULL is fine */
/* Reads all of the batch once, so that it is taken as a whole or not at all. Borrowed until written_next answers false. */
MUST_CHECK bool written_begin(struct written *written, struct bytes batch, int64_t received_unix_us, struct err *err);
/* The next rows, all of one table. False at the end. Borrowed until the next call. */
MUST_CHECK bool written_next(struct written *written, const struct otlp_request **request);
enum schema_table_id written_table(const struct written *written); /* of that request */
/* The values of a span, log or point of the request, into the row that has begun. */
void written_put(const struct written *written, const void *record, struct columns *columns);
