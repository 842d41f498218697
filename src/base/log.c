#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

#define LINE_BYTES_MAX 4096
#define LINE_END_BYTES 2 /* }\n */

struct line {
    uint8_t bytes[LINE_BYTES_MAX];
    uint8_t *at;
};

static size_t line_room(const struct line *line)
{
    return (size_t)(line->bytes + sizeof line->bytes - LINE_END_BYTES - line->at);
}

/* A quoted text; what does not fit the line is cut. Bytes that are not UTF-8 become '?', for a log line
 * must be JSON whatever a client sent. Needs room for two quotes. */
static void line_put_text(struct line *line, struct bytes text)
{
    assert(line_room(line) >= 2);
    bool is_valid = utf8_is_valid(text);
    size_t room = line_room(line) - 2;
    if (json_text_bytes_max(text.len) - 2 > room) {
        /* Cut where even the longest escapes fit; plain text gets its full share below. */
        size_t len = 0, bytes = 0;
        for (; len < text.len; len++) {
            uint8_t byte = text.ptr[len];
            bytes += byte < 0x20 ? 6 : byte == '"' || byte == '\\' ? 2 : 1;
            if (bytes > room) break;
        }
        text.len = is_valid ? utf8_cut(text, len) : len;
    }
    if (is_valid) {
        line->at = json_put_text(line->at, text);
        return;
    }
    uint8_t clean[LINE_BYTES_MAX];
    for (size_t i = 0; i < text.len; i++) clean[i] = text.ptr[i] < 0x80 ? text.ptr[i] : '?';
    line->at = json_put_text(line->at, bytes_from(clean, text.len));
}

static void line_put_time(struct line *line)
{
    int64_t now_us = clock_unix_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    char text[48];
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(text + len, sizeof text - len, ".%06dZ", (int)(now_us % 1000000));
    line_put_text(line, bytes_from(text, len));
}

/* ,"key":value -- left out whole when the line has no room for a key and a short value. */
static void line_put_field(struct line *line, const struct log_field *field)
{
    struct bytes key = bytes_of_text(field->key);
    if (line_room(line) < json_text_bytes_max(key.len) + 2 + JSON_NUMBER_BYTES_MAX) return;
    *line->at++ = ',';
    line_put_text(line, key);
    *line->at++ = ':';
    if (field->text != NULL) {
        line_put_text(line, bytes_of_text(field->text));
    } else {
        line->at = json_put_int(line->at, field->number);
    }
}

void log_write(const struct log *log, enum log_level level, const char *event, const struct log_field *fields)
{
    static const char *const names[] = { "DEBUG", "INFO", "WARN", "ERROR" };
    assert(level <= LOG_ERROR);
    if (log == NULL || level < log->level_min) return;

    int errno_before = errno; /* callers log between a failed call and err_os */
    if (log->sink != NULL) log->sink->event(log->sink->ctx, level, event, fields);
    struct line line;
    line.at = line.bytes;
    line.at = json_put_raw(line.at, BYTES("{\"time\":"));
    line_put_time(&line);
    line.at = json_put_raw(line.at, BYTES(",\"level\":"));
    line_put_text(&line, bytes_of_text(names[level]));
    line.at = json_put_raw(line.at, BYTES(",\"event\":"));
    line_put_text(&line, bytes_of_text(event));
    for (; fields->key != NULL; fields++) line_put_field(&line, fields);
    *line.at++ = '}';
    *line.at++ = '\n';

    /* One write, so that lines of threads do not mix; what stderr does not take is lost, by choice. */
    ssize_t written;
    do {
        written = write(log->fd, line.bytes, (size_t)(line.at - line.bytes));
    } while (written == -1 && errno == EINTR);
    errno = errno_before;
}
