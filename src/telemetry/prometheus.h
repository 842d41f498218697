/* prometheus.h -- a set of metrics as Prometheus reads it: text exposition format 0.0.4.
 *
 *   monoscope.ingest.duration, s, histogram  ->  monoscope_ingest_duration_seconds_bucket{le="0.001"} 12
 *   monoscope.ingest.requests, {request}     ->  monoscope_ingest_requests_total 99
 *
 * Thread: a pure function. Memory: out's; false when the text passes out's greatest size.
 * Source: prometheus.io/docs/instrumenting/exposition_formats; OpenTelemetry's "Prometheus and OpenMetrics compatibility":
 * other characters become _, the unit's word and _total are appended, the resource is target_info. */
#pragma once
#include "telemetry/metric.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define PROMETHEUS_NAME_BYTES   128

/* resource: target_info's labels; ends with a key of NULL. */
MUST_CHECK bool prometheus_write(const struct metric_set *set, const struct metric_attribute *resource,
                                 struct buf *out);
void prometheus_name(const struct metric_family *family, char name[PROMETHEUS_NAME_BYTES]);
