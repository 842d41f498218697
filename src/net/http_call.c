#include "net/http_call.h"

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
    free(call->answer);
    free(call);
}

void http_call_drop_body(struct http_call *call)
{
    admitted_free(&call->body);
    call->request.body = (struct bytes){ 0 };
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

struct server_connection *http_call_apply(struct http_request *request)
{
    struct http_call *call = call_of(request);
    assert(call->state == CALL_HANDLED && call->answer != NULL);
    if (call->is_orphan) {
        http_call_free(call);
        return NULL;
    }
    http_call_drop_body(call);
    call->state = CALL_ANSWERED;
    return call->owner;
}
