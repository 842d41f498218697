#include "ingest/cors.h"

enum { ASKED_HEADERS_BYTES_MAX = 1024 };

bool cors_is_preflight(const struct http_request *request)
{
    return bytes_equal(request->method, BYTES("OPTIONS")) && http_request_header(request, "origin").len > 0 &&
           http_request_header(request, "access-control-request-method").len > 0;
}

/* Names of headers, commas and blanks: nothing else is repeated to the browser. */
static bool is_header_list(struct bytes text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~, ";
    if (text.len == 0 || text.len > ASKED_HEADERS_BYTES_MAX) return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && memchr(marks, c, sizeof marks - 1) == NULL) return false;
    }
    return true;
}

uint32_t cors_preflight_headers(const struct http_request *request, struct http_header headers[CORS_HEADERS_MAX])
{
    struct bytes asked = http_request_header(request, "access-control-request-headers");
    if (!is_header_list(asked)) {
        asked = BYTES("content-type, authorization, x-api-key, content-encoding, traceparent, tracestate, baggage");
    }
    uint32_t count = 0;
    headers[count++] =
        (struct http_header){ BYTES("Access-Control-Allow-Origin"), http_request_header(request, "origin") };
    headers[count++] = (struct http_header){ BYTES("Access-Control-Allow-Methods"), BYTES("POST") };
    headers[count++] = (struct http_header){ BYTES("Access-Control-Allow-Headers"), asked };
    headers[count++] =
        (struct http_header){ BYTES("Access-Control-Max-Age"), BYTES("7200") }; /* the most of Chromium */
    headers[count++] = (struct http_header){ BYTES("Vary"), BYTES("Origin, Access-Control-Request-Headers") };
    if (bytes_equal(http_request_header(request, "access-control-request-private-network"), BYTES("true"))) {
        headers[count++] = (struct http_header){ BYTES("Access-Control-Allow-Private-Network"), BYTES("true") };
    }
    return count;
}

uint32_t cors_answer_headers(const struct http_request *request, bool is_known,
                             struct http_header headers[CORS_HEADERS_MAX])
{
    uint32_t count = 0;
    struct bytes origin = http_request_header(request, "origin");
    if (origin.len == 0) return 0;
    headers[count++] = (struct http_header){ BYTES("Vary"), BYTES("Origin") };
    if (!is_known) return count;
    headers[count++] = (struct http_header){ BYTES("Access-Control-Allow-Origin"), origin };
    headers[count++] = (struct http_header){ BYTES("Access-Control-Expose-Headers"), BYTES("Retry-After") };
    return count;
}
