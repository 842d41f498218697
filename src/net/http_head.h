/* http_head.h -- the parts of HTTP/1.1 that are plain text in, plain text out. Pure functions. Thread: any.
 * Source: RFC 9112, 3.2 (request target), 4 (status line); RFC 9110, 5.6.7 (dates). */
#pragma once
#include "net/http.h"

/* "/path?query", "http://host/path?query" or "*" into path and query, which point into target. A fragment, which a
 * client should keep to itself, is dropped. False when it is none of these. */
MUST_CHECK bool http_target_split(struct bytes target, struct bytes *path, struct bytes *query);

enum http_ending { HTTP_KEEP, HTTP_KEEP_1_0, HTTP_CLOSE }; /* what is said of the connection */
enum http_length { HTTP_LENGTH_STATED, HTTP_LENGTH_CHUNKED, HTTP_LENGTH_UNTIL_CLOSE }; /* how a body's end is known */
#define HTTP_DATE_BYTES 30
void http_date_write(int64_t unix_s, char out[HTTP_DATE_BYTES]); /* "Thu, 26 Nov 2026 18:00:00 GMT" */
const char *http_reason(int status);                             /* "Not Found"; of one that we do not use "" */
/* The status line and all headers, up to the empty line. Where the status has a body its end is told as length says.
 * Control characters in names and values become blanks: an answer cannot be split by what it echoes. */
void http_head_write(struct buf *out, const struct http_response *response, enum http_length length,
                     enum http_ending ending, int64_t unix_s);
