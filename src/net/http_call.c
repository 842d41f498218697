#include "net/http_call.h"
#include "net/http_stream.h"

#include <stdlib.h>

enum { BODY_STEP_BYTES = 1 << 20 }; /* kept at once for a body that is said to be larger */

static struct http_call *call_of(struct http_request *request)
{
    return (struct http_call *)request;
}

struct http_call *http_call_create(struct admission *admission, struct server_connection *owner, size_t text_bytes)
{
    struct http_call *call = mem_calloc(1, sizeof *call + text_bytes);
    call->owner = owner;
    call->body.admission = admission;
    call->state = CALL_READING;
    buf_init(&call->head, SIZE_MAX);
    atomic_fetch_add(&admission->requests, 1);
    return call;
}

void http_call_free(struct http_call *call)
{
    http_call_drop_body(call);
    atomic_fetch_sub(&call->body.admission->requests, 1);
    buf_deinit(&call->head);
    http_stream_destroy(call->stream);
    free(call->answer);
    free(call);
}

void http_call_orphan(struct http_call *call)
{
    call->is_orphan = true;
    atomic_store(&call->is_gone, true);
    if (call->is_streaming) http_stream_wake(call->stream);
}

bool http_request_is_gone(const struct http_request *request)
{
    return atomic_load(&((const struct http_call *)request)->is_gone);
}

void http_call_drop_body(struct http_call *call)
{
    admitted_free(&call->body);
    call->request.body = (struct bytes){ 0 };
}

void http_request_peer(const struct http_request *request, char *out, size_t out_bytes)
{
    const struct http_call *call = (const struct http_call *)request;
    out[0] = '\0';
    if (call->owner != NULL && !call->is_orphan) server_connection_peer(call->owner, out, out_bytes);
}

struct bytes http_request_take_body(struct http_request *request)
{
    request->body = (struct bytes){ 0 };
    return admitted_take(&call_of(request)->body);
}

/* As a power of two of what is there, but not more than the client said: it will come. */
static bool body_grow(struct http_call *call, size_t need, size_t max)
{
    size_t cap = need > max / 2 ? max : 2 * need;
    if (call->body_bytes > 0) {
        if (cap < BODY_STEP_BYTES) cap = BODY_STEP_BYTES;
        if (cap > call->body_bytes) cap = call->body_bytes;
    } else if (!admitted_charge(&call->body, cap - call->body.cap)) {
        return false;
    }
    admitted_grow(&call->body, cap);
    return true;
}

bool http_call_add_body(struct http_call *call, struct bytes bytes, size_t body_bytes_max)
{
    assert(bytes.len <= body_bytes_max - call->body.len);
    if (bytes.len > call->body.cap - call->body.len && !body_grow(call, call->body.len + bytes.len, body_bytes_max)) {
        return false;
    }
    admitted_add(&call->body, bytes);
    return true;
}

struct bytes http_request_header(const struct http_request *request, const char *name)
{
    struct bytes wanted = bytes_of_text(name);
    for (uint32_t i = 0; i < request->header_count; i++) {
        if (bytes_equal(request->headers[i].name, wanted)) return request->headers[i].value;
    }
    return (struct bytes){ 0 };
}

const struct http_refusal *http_call_refusal(const struct http_request *request)
{
    const struct http_call *call = (const struct http_call *)request;
    return call->refusal.status == 0 ? NULL : &call->refusal;
}

static size_t response_bytes(const struct http_response *response)
{
    size_t bytes = response->header_count * sizeof(struct http_header) + response->body.len;
    for (uint32_t i = 0; i < response->header_count; i++) {
        bytes += response->headers[i].name.len + response->headers[i].value.len;
    }
    return bytes;
}

static struct bytes copied(uint8_t **at, struct bytes bytes)
{
    uint8_t *to = *at;
    if (bytes.len > 0) memcpy(to, bytes.ptr, bytes.len);
    *at += bytes.len;
    return bytes_from(to, bytes.len);
}

void http_call_set_answer(struct http_request *request, const struct http_response *response)
{
    struct http_call *call = call_of(request);
    assert(call->state == CALL_HANDLED && call->answer == NULL);
    assert(response->status >= 200 && response->status <= 599);
    call->answer = mem_alloc(response_bytes(response));
    struct http_header *headers = (struct http_header *)(void *)call->answer;
    uint8_t *at = call->answer + response->header_count * sizeof *headers;
    for (uint32_t i = 0; i < response->header_count; i++) {
        headers[i].name = copied(&at, response->headers[i].name);
        headers[i].value = copied(&at, response->headers[i].value);
    }
    call->response = *response;
    call->response.headers = headers;
    call->response.body = copied(&at, response->body);
}

void http_call_set_stream(struct http_request *request, const struct http_response *head)
{
    assert(head->body.len == 0);
    http_call_set_answer(request, head);
    call_of(request)->stream = http_stream_create();
}

bool http_call_add_piece(struct http_request *request, struct bytes bytes, int timeout_ms, struct err *err)
{
    struct http_call *call = call_of(request);
    assert(call->stream != NULL);
    return http_stream_add(call->stream, bytes, timeout_ms, &call->is_gone, err);
}

void http_call_end_stream(struct http_request *request, bool is_whole)
{
    http_stream_finish(call_of(request)->stream, is_whole);
}

struct server_connection *http_call_poked(struct http_request *request)
{
    struct http_call *call = call_of(request);
    if (call->is_orphan) return NULL;
    call->is_streaming = true;
    return call->owner;
}

struct server_connection *http_call_apply(struct http_request *request)
{
    struct http_call *call = call_of(request);
    assert(call->state == CALL_HANDLED && call->answer != NULL);
    if (call->is_orphan) {
        http_call_free(call);
        return NULL;
    }
    http_call_drop_body(call);
    call->is_streaming = call->stream != NULL;
    call->state = CALL_ANSWERED;
    return call->owner;
}
