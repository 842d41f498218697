#include "net/http_head.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 100, "Continue" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 499, "Client Closed Request" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].status == status) return reasons[i].reason;
    }
    return ""; /* RFC 9112, 4: may be empty, the blank before it may not be missing */
}

bool http_text_is(struct bytes text, const char *lower_case)
{
    if (text.len != strlen(lower_case)) return false;
    return text.len == 0 || strncasecmp((const char *)text.ptr, lower_case, text.len) == 0;
}

struct bytes http_trimmed(struct bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) text.len--;
    return text;
}

static size_t scheme_len(struct bytes target)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (target.len >= len && strncasecmp((const char *)target.ptr, schemes[i], len) == 0) return len;
    }
    return 0;
}

static bool ends_authority(uint8_t c)
{
    return c == '/' || c == '?' || c == '#';
}

bool http_target_split(struct bytes target, struct bytes *path, struct bytes *query)
{
    *query = (struct bytes){ 0 };
    *path = target;
    if (bytes_equal(target, BYTES("*"))) return true;
    size_t skip = scheme_len(target);
    if (skip > 0) {
        while (skip < target.len && !ends_authority(target.ptr[skip])) skip++;
        target = bytes_from(target.ptr + skip, target.len - skip);
    } else if (target.len == 0 || target.ptr[0] != '/') {
        return false;
    }
    if (target.len > 0) {
        const uint8_t *fragment = memchr(target.ptr, '#', target.len);
        if (fragment != NULL) target.len = (size_t)(fragment - target.ptr);
    }
    const uint8_t *mark = target.len == 0 ? NULL : memchr(target.ptr, '?', target.len);
    size_t path_len = mark == NULL ? target.len : (size_t)(mark - target.ptr);
    if (mark != NULL) *query = bytes_from(mark + 1, target.len - path_len - 1);
    *path = path_len == 0 ? BYTES("/") : bytes_from(target.ptr, path_len); /* "http://host" */
    return true;
}

void http_date_write(int64_t unix_s, char out[HTTP_DATE_BYTES])
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    int len = snprintf(out, HTTP_DATE_BYTES, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday % 7], utc.tm_mday,
                       months[utc.tm_mon % 12], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    assert(len == HTTP_DATE_BYTES - 1);
}

static void put(struct buf *out, struct bytes text)
{
    bool ok = buf_add(out, text.ptr, text.len);
    assert(ok); /* its limit is none */
}

static void put_clean(struct buf *out, struct bytes text)
{
    size_t from = out->len;
    put(out, text);
    for (size_t i = from; i < out->len; i++) {
        if (out->ptr[i] < ' ' || out->ptr[i] == 0x7F) out->ptr[i] = ' ';
    }
}

void http_head_write(struct buf *out, const struct http_response *response, enum http_length length,
                     enum http_ending ending, int64_t unix_s)
{
    char line[128], date[HTTP_DATE_BYTES];
    http_date_write(unix_s, date);
    int len = snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\nDate: %s\r\n", response->status,
                       http_reason(response->status), date);
    put(out, bytes_from(line, (size_t)len));
    for (uint32_t i = 0; i < response->header_count; i++) {
        put_clean(out, response->headers[i].name);
        put(out, BYTES(": "));
        put_clean(out, response->headers[i].value);
        put(out, BYTES("\r\n"));
    }
    if (response->status >= 200 && response->status != 204 && response->status != 304) {
        len = snprintf(line, sizeof line, "Content-Length: %zu\r\n", response->body.len);
        if (length == HTTP_LENGTH_STATED) put(out, bytes_from(line, (size_t)len));
        if (length == HTTP_LENGTH_CHUNKED) put(out, BYTES("Transfer-Encoding: chunked\r\n"));
    }
    if (ending == HTTP_CLOSE) put(out, BYTES("Connection: close\r\n"));
    if (ending == HTTP_KEEP_1_0) put(out, BYTES("Connection: keep-alive\r\n"));
    put(out, BYTES("\r\n"));
}
