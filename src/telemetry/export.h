/* export.h -- the second target: any OTLP/HTTP server gets what project `monoscope` gets.
 *
 *   export_push --> [queue, 4 MiB: the oldest go first] --one at a time--> POST endpoint/v1/logs | traces | metrics
 *
 * Thread: one of its own waits for the network; push and stats are for any, and never wait.
 * Errors: what may work later (no connection, 429, 502, 503, 504) is tried again after Retry-After, else after 1 s, 2 s ...
 *         up to 30 s, for as long as there is room in the queue; what will not (other statuses) is dropped. One line on
 *         stderr tells that it began to fail, one that it works again.
 * Source: OpenTelemetry protocol specification, OTLP/HTTP. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "worker/otlp/otlp.h"

struct export;
struct export_options {
    const char *endpoint; /* http://host:4318; /v1/<signal> is appended */
    const char *headers;  /* "name=value,name=value", or NULL */
    const struct log *log;
};
struct export_stats {
    uint64_t requests, failures; /* that were taken; tries that were not */
    uint64_t dropped[3];         /* records, by signal - 1 */
};
/* ERR_INPUT: the endpoint or the headers cannot be read. */
MUST_CHECK bool export_open(struct export **export, const struct export_options *options, struct err *err);
/* Copies body: a request of record_count records. */
void export_push(struct export *export, enum otlp_signal signal, struct bytes body, uint64_t record_count);
void export_stats(struct export *export, struct export_stats *stats);
/* Sends what waits for one second more, then gives up; two at most. NULL is fine. */
void export_close(struct export *export);
