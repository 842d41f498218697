/* telemetry.h -- the process watches itself: its metrics, events and spans become telemetry like everybody's.
 *
 *   log.h, span.h --sink--> [events][spans]  bounded buffers of encoded records
 *   every 10 s: --source.collect--> metrics   '
 *        '--> OTLP bodies --buffer_append--> log --> worker --> project `monoscope`, asked by SQL
 *                         '--export.h--> a second OTLP target, when one is named
 *   GET /metrics --telemetry_text--> the same metrics, asked for now
 *
 * It does not feed itself: taking in its own records is neither logged nor traced nor counted by ingest. A metric that did
 * not change is sent once a minute only, so that an idle process makes few rows.
 * Thread: one of its own; the sink and telemetry_text are for any thread.
 * Memory: 256 KiB of events and of spans each until they are delivered, then as many in one request each; further ones are
 *         dropped and counted. Requests on their way to the log: 4 MiB.
 * Errors: a log that takes nothing now: events and spans wait, metrics come anew. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "telemetry/metric.h"

struct buffer;
struct telemetry;

struct telemetry_options {
    uint32_t interval_ms; /* 10,000 */
    const char *version;
    bool is_kept;         /* in the project of telemetry_start */
    const char *endpoint; /* of a second target: "http://host:4318"; empty or NULL: none */
    const char *headers;  /* for it: "name=value,name=value" */
    /* Adds what the parts count; on the telemetry's own thread or the caller's of telemetry_text. */
    void (*collect)(void *ctx, struct metric_set *set);
    void *ctx;
    const struct log *log; /* without a sink: what telemetry itself has to say goes to stderr alone */
};
/* From here on the sink keeps what it hears. ERR_INPUT: the endpoint or the headers are none. */
MUST_CHECK bool telemetry_open(struct telemetry **telemetry, const struct telemetry_options *options, struct err *err);
/* NULL when nobody would get it. */
const struct log_sink *telemetry_sink(const struct telemetry *telemetry);
/* Starts delivery. buffer and project_id are of is_kept; the buffer must live until telemetry_stop. */
MUST_CHECK bool telemetry_start(struct telemetry *telemetry, struct buffer *buffer, struct uuid project_id,
                                struct err *err);
/* The metrics now, as Prometheus text. False: larger than out may be. */
MUST_CHECK bool telemetry_text(struct telemetry *telemetry, struct buf *out);
/* The same as lines (lines.h). */
MUST_CHECK bool telemetry_lines(struct telemetry *telemetry, struct buf *out);
/* Delivers what there is once more; the log has it when this returns. Later records only reach the second target. */
void telemetry_stop(struct telemetry *telemetry);
/* Gives the second target a second or two for the rest. Nothing may use the sink any more. NULL is fine. */
void telemetry_close(struct telemetry *telemetry);
