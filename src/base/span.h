/* span.h -- a piece of the process's own work, told to the log's sink when it is done; stderr does not show it.
 *
 *   struct span flush;
 *   span_begin(&flush, log, NULL, SPAN_INTERNAL, "flush");      a root; with a parent: part of its trace
 *   ... work ...
 *   span_end(&flush, log, NULL or "ERR_IO", LOG_FIELDS(log_number("rows", rows)));
 *
 * Names are few. Fields as in log.h: never payloads, keys, or texts of SQL, which hold values.
 * Thread: a value of one owner. Cost: nothing when nobody listens. */
#pragma once
#include "base/log.h"
#include "base/uuid.h"

enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3 }; /* as in OTLP */
struct span {
    const char *name; /* NULL: nobody listens */
    enum span_kind kind;
    struct uuid trace_id; /* 16 random bytes, no version in them */
    uint64_t id, parent_id;
    uint64_t begin_unix_ns, begin_mono_ns;
};
void span_begin(struct span *span, const struct log *log, const struct span *parent, enum span_kind kind,
                const char *name);
/* failure: a short name of what went wrong (an error code, a SQLSTATE), or NULL. */
void span_end(const struct span *span, const struct log *log, const char *failure, const struct log_field *fields);
