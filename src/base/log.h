/* log.h -- the process's own log: one JSON object a line on stderr.
 *
 *   log_warn(log, "wal.sync_failed", log_text("segment", name), log_text("err", err.text));
 *   {"time":"2026-11-22T18:00:00.123456Z","level":"WARN","event":"wal.sync_failed","segment":"...","err":"..."}
 *
 * An event name, then fields. Never payloads, keys or tokens. Log once, where the decision is taken.
 * Repeats are counted by the caller, not repeated.
 * A sink, when there is one, hears the same events and the spans of span.h: how they become telemetry.
 * Thread: any; a line is one write(2). Memory: a line is cut at 4 KiB. */
#pragma once
#include "base/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
struct log_sink;
struct log {
    int fd;
    enum log_level level_min;
    const struct log_sink *sink; /* or NULL */
};
struct log_field {
    const char *key; /* NULL ends the list */
    const char *text;
    int64_t number;
};
struct span;
/* Called on the thread that tells, which must not wait: never blocks, never logs to the same log. Nothing is theirs after. */
struct log_sink {
    void (*event)(void *ctx, enum log_level level, const char *event, const struct log_field *fields);
    void (*span)(void *ctx, const struct span *span, uint64_t duration_ns, const char *failure,
                 const struct log_field *fields);
    void *ctx;
};
static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){ key, text ? text : "", 0 };
}
static inline struct log_field log_number(const char *key, int64_t number)
{
    return (struct log_field){ key, NULL, number };
}
void log_write(const struct log *log, enum log_level level, const char *event, const struct log_field *fields);
#define LOG_FIELDS(...)            ((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_debug(log, event, ...) log_write(log, LOG_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(log, event, ...)  log_write(log, LOG_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warn(log, event, ...)  log_write(log, LOG_WARN, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(log, event, ...) log_write(log, LOG_ERROR, event, LOG_FIELDS(__VA_ARGS__))
