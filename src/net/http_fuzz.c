/* Random bytes into an HTTP/1.1 connection without a socket.
 *
 * The first byte says: bit 0 feed in small steps; bit 1 keep the requests and answer after the connection has ended;
 * bit 2 the client ends its side; bit 3 little room in the admission; bit 4 drain in the middle; bit 5 answers in pieces. Whatever comes, each request that is not refused
 * has a path and a body within the limit, and nothing stays charged. */
#include <stdlib.h>

#include "net/admission.h"
#include "net/http_session.h"

enum { BODY_BYTES_MAX = 4 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t sum_of(struct bytes bytes)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.len; i++) sum += bytes.ptr[i]; /* ASan sees what is not ours */
    return sum;
}

/* Whole, or, when sum says so, cut. */
static void request_stream(struct http_request *request, uint32_t sum)
{
    struct err err = { 0 };
    http_call_set_stream(request, &(struct http_response){ .status = 200 });
    (void)http_call_poked(request);
    for (uint32_t piece = 0; piece < sum % 4; piece++)
        if (!http_call_add_piece(request, request->path, 0, &err)) break;
    http_call_end_stream(request, sum % 3 != 0);
    (void)http_call_apply(request);
}

static void request_answer(struct http_request *request, bool in_pieces)
{
    const struct http_refusal *refusal = http_call_refusal(request);
    uint32_t sum = sum_of(request->method) + sum_of(request->path) + sum_of(request->query) + sum_of(request->body);
    for (uint32_t i = 0; i < request->header_count; i++) {
        sum += sum_of(request->headers[i].name) + sum_of(request->headers[i].value);
    }
    if (refusal == NULL && (request->path.len == 0 || request->body.len > BODY_BYTES_MAX)) abort();
    if (refusal != NULL && request->body.len > 0) abort();
    if (in_pieces) {
        request_stream(request, sum);
        return;
    }
    struct http_response response = { 200 + (int)(sum % 400), request->headers, request->header_count, request->body };
    if (refusal != NULL) response = (struct http_response){ refusal->status, NULL, 0, bytes_of_text(refusal->text) };
    if (sum % 5 == 1) free((void *)(uintptr_t)http_request_take_body(request).ptr);
    if (sum % 5 == 1) response.body = BYTES("");
    http_call_set_answer(request, &response);
    (void)http_call_apply(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    uint8_t mode = data[0];
    struct admission *admission = admission_create((mode & 8) != 0 ? 3000 : 1 << 20);
    struct http_options options = { .body_bytes_max = BODY_BYTES_MAX };
    struct http_session *session = http_session_create(admission, &options, NULL, 0);
    struct http_request *kept[16], *request;
    size_t kept_count = 0, step_max = (mode & 1) != 0 ? 7 : size;
    uint8_t out[100];
    uint64_t now_mono_ns = 0;

    for (size_t at = 1; at < size;) {
        size_t step = size - at < step_max ? size - at : step_max;
        now_mono_ns += 1000000000;
        http_session_feed(session, bytes_from(data + at, step), now_mono_ns);
        at += step;
        if (at == size && (mode & 4) != 0) (void)http_session_end(session);
        while ((request = http_session_next(session)) != NULL) {
            if ((mode & 2) != 0 && kept_count < COUNT_OF(kept)) {
                kept[kept_count++] = request;
            } else {
                request_answer(request, (mode & 32) != 0);
            }
        }
        while (http_session_fill(session, out, sizeof out) > 0) {}
        http_session_tick(session, now_mono_ns);
        (void)http_session_is_choked(session);
        if (http_session_is_over(session)) break;
        if (at > size / 2 && (mode & 16) != 0) http_session_drain(session, at % 2 == 0, now_mono_ns);
    }
    http_session_destroy(session);
    while (kept_count > 0) request_answer(kept[--kept_count], (mode & 32) != 0);
    if (admission->bytes != 0 || admission->requests != 0) abort();
    admission_release(admission);
    return 0;
}
