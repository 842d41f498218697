#include "ingest/note.h"

#include <stdio.h>

#include "meta/intake.h"

static uint64_t log_time(const struct otlp_log *log)
{
    return log->time_unix_ns != 0 ? log->time_unix_ns : log->observed_unix_ns;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* 0: it has no record with a time. */
static uint64_t newest_unix_ns(const struct otlp_request *request)
{
    uint64_t newest = 0;
    if (request->spans.count > 0)
        newest = larger(request->spans.at[0].end_unix_ns, request->spans.at[request->spans.count - 1].end_unix_ns);
    if (request->logs.count > 0)
        newest = larger(newest,
                        larger(log_time(&request->logs.at[0]), log_time(&request->logs.at[request->logs.count - 1])));
    if (request->points.count > 0)
        newest = larger(newest, larger(request->points.at[0].time_unix_ns,
                                       request->points.at[request->points.count - 1].time_unix_ns));
    return newest;
}

static void sdk_look(const struct otlp_request *request, struct note_seen *seen)
{
    if (request->resources.count == 0) return;
    const struct otlp_range range = request->resources.at[0].attributes;
    for (uint32_t i = 0; i < range.count; i++) {
        const struct otlp_attribute *attribute = &request->attributes.at[range.first + i];
        if (attribute->value.type != OTLP_TEXT) continue;
        if (bytes_equal(attribute->key, BYTES("telemetry.sdk.name"))) seen->sdk_name = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("telemetry.sdk.language"))) seen->sdk_language = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("telemetry.sdk.version"))) seen->sdk_version = attribute->value.bytes;
    }
}

void note_look(const struct otlp_request *request, struct note_seen *seen)
{
    *seen = (struct note_seen){ 0 };
    uint64_t newest_us = newest_unix_ns(request) / 1000;
    if (newest_us > 0 && newest_us < INT64_MAX) {
        seen->has_lag = true;
        seen->lag_us = request->received_unix_us - (int64_t)newest_us;
    }
    sdk_look(request, seen);
}

static struct intake_who who_of(const struct ingest_key *key, enum otlp_signal signal)
{
    return (struct intake_who){ .project_id = key->project_id, .key_id = key->key_id, .signal = (uint32_t)signal };
}

static int shown(struct bytes text)
{
    return text.len < 40 ? (int)text.len : 40;
}

void note_taken(struct intake *intake, const struct ingest_key *key, const struct otlp_request *request,
                const struct note_seen *seen, uint64_t bytes, bool is_repeat, struct bytes agent)
{
    char sdk[128];
    if (intake == NULL) return;
    int len = snprintf(sdk, sizeof sdk, "%.*s %.*s %.*s", shown(seen->sdk_name), (const char *)seen->sdk_name.ptr,
                       shown(seen->sdk_language), (const char *)seen->sdk_language.ptr, shown(seen->sdk_version),
                       (const char *)seen->sdk_version.ptr);
    bool has_sdk = seen->sdk_name.len > 0;
    struct intake_who who = who_of(key, request->signal);
    struct intake_taken taken = { .is_repeat = is_repeat,
                                  .records = otlp_record_count(request),
                                  .bytes = bytes,
                                  .rejected = request->rejected_count,
                                  .reason = request->rejected_reason,
                                  .has_lag = seen->has_lag,
                                  .lag_us = seen->lag_us,
                                  .agent = agent,
                                  .sdk = has_sdk ? bytes_from(sdk, (size_t)len) : (struct bytes){ 0 } };
    intake_take(intake, &who, &taken);
}

void note_refused(struct intake *intake, const struct ingest_key *key, enum otlp_signal signal, const struct err *why,
                  struct bytes agent)
{
    if (intake == NULL) return;
    struct intake_who who = who_of(key, signal);
    intake_refuse(intake, &who, why, agent);
}
