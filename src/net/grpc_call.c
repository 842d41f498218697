#include "net/grpc_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { BODY_STEP_BYTES = 1 << 20 }; /* kept at once for a message that is said to be larger */

static struct grpc_call *call_of(struct grpc_request *request)
{
    return (struct grpc_call *)request;
}

void grpc_call_free_body(struct grpc_call *call)
{
    admitted_free(&call->body);
    call->request.body = (struct bytes){ 0 };
}

struct bytes grpc_request_take_body(struct grpc_request *request)
{
    request->body = (struct bytes){ 0 };
    return admitted_take(&call_of(request)->body);
}

struct grpc_call *grpc_call_create(struct grpc_session *session, int32_t stream_id)
{
    struct grpc_call *call = mem_calloc(1, sizeof *call);
    call->session = session;
    call->body.admission = session->admission;
    call->stream_id = stream_id;
    call->since_mono_ns = session->now_mono_ns;
    call->older = session->newest;
    *(call->older != NULL ? &call->older->newer : &session->oldest) = call;
    session->newest = call;
    session->call_count++;
    atomic_fetch_add(&call->body.admission->requests, 1);
    return call;
}

/* From here on nobody waits for its answer. */
void grpc_call_detach(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    *(call->older != NULL ? &call->older->newer : &session->oldest) = call->newer;
    *(call->newer != NULL ? &call->newer->older : &session->newest) = call->older;
    session->call_count--;
    call->session = NULL;
    call->older = call->newer = NULL;
}

void grpc_call_free(struct grpc_call *call)
{
    assert(call->session == NULL);
    grpc_call_free_body(call);
    free(call->path);
    free(call->authorization);
    free(call->x_api_key);
    free(call->user_agent);
    free(call->encoding_name);
    free(call->reply);
    atomic_fetch_sub(&call->body.admission->requests, 1);
    free(call);
}

/* The stream is gone. What the handler works on counts as a call of this connection until it is done: otherwise a
 * client could have any number of them by resetting each (CVE-2023-44487). */
void grpc_call_lose(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    if (call->state == CALL_WHOLE) {
        struct grpc_call **at = &session->whole_first;
        while (*at != call) at = &(*at)->next;
        *at = call->next;
        if (session->whole_last == &call->next) session->whole_last = at;
    }
    if (call->is_lent) {
        call->is_lost = true;
        return;
    }
    grpc_call_detach(call);
    grpc_call_free(call);
}

/* ---- the message that comes in ---- */

static enum grpc_encoding encoding_of(struct bytes name)
{
    if (name.len == 0 || bytes_equal(name, BYTES("identity"))) return GRPC_ENCODING_IDENTITY;
    if (bytes_equal(name, BYTES("gzip"))) return GRPC_ENCODING_GZIP;
    if (bytes_equal(name, BYTES("zstd"))) return GRPC_ENCODING_ZSTD;
    return GRPC_ENCODING_UNKNOWN;
}

/* The five bytes are there: may we keep what they announce? */
static void prefix_end(struct grpc_call *call)
{
    struct grpc_request *request = &call->request;
    uint32_t len;
    memcpy(&len, call->prefix + 1, 4);
    call->message_bytes = __builtin_bswap32(len);
    if (call->prefix[0] > 1) {
        grpc_call_refuse(call, ERR_INPUT, "cannot read the message: its compressed flag is neither 0 nor 1");
        return;
    }
    /* Without the flag the bytes are plain, whatever grpc-encoding says. */
    request->encoding = call->prefix[0] == 0 ? GRPC_ENCODING_IDENTITY : encoding_of(request->encoding_name);
    if (request->encoding == GRPC_ENCODING_UNKNOWN) {
        grpc_call_refuse(call, ERR_UNSUPPORTED, "cannot decompress the message: we take identity, gzip and zstd");
        return;
    }
    if (call->prefix[0] == 1 && request->encoding == GRPC_ENCODING_IDENTITY) {
        /* compression.md: INTERNAL */
        grpc_call_refuse(call, ERR_INTERNAL,
                         "cannot decompress the message: its flag is set but grpc-encoding names no way");
        return;
    }
    if (call->message_bytes > call->session->options.message_bytes_max) {
        char text[120];
        snprintf(text, sizeof text, "cannot take a message of %zu bytes: the limit is %" PRIu32, call->message_bytes,
                 call->session->options.message_bytes_max);
        grpc_call_refuse(call, ERR_TOO_LARGE, text);
        return;
    }
    if (!admitted_charge(&call->body, call->message_bytes)) {
        grpc_call_refuse_full(call);
        return;
    }
    size_t first = call->message_bytes < BODY_STEP_BYTES ? call->message_bytes : BODY_STEP_BYTES;
    admitted_grow(&call->body, first);
}

static void body_add(struct grpc_call *call, struct bytes bytes)
{
    if (bytes.len > call->body.cap - call->body.len) {
        /* No more than twice what has come: a length alone makes us allocate a step, not gigabytes. */
        size_t cap = 2 * (call->body.len + bytes.len);
        admitted_grow(&call->body, cap < call->message_bytes ? cap : call->message_bytes);
    }
    admitted_add(&call->body, bytes);
}

bool grpc_call_read_prefix(struct grpc_call *call, struct bytes *bytes)
{
    size_t take = GRPC_PREFIX_BYTES - call->prefix_len;
    if (take > bytes->len) take = bytes->len;
    memcpy(call->prefix + call->prefix_len, bytes->ptr, take);
    call->prefix_len += take;
    *bytes = bytes_from(bytes->ptr + take, bytes->len - take);
    return call->prefix_len == GRPC_PREFIX_BYTES;
}

void grpc_call_read(struct grpc_call *call, struct bytes bytes)
{
    if (call->prefix_len < GRPC_PREFIX_BYTES) {
        if (!grpc_call_read_prefix(call, &bytes)) return;
        prefix_end(call);
        if (call->state != CALL_OPEN) return;
    }
    if (bytes.len > call->message_bytes - call->body.len) {
        grpc_call_refuse(call, ERR_UNSUPPORTED, "cannot take more than one message in a call");
    } else if (bytes.len > 0) {
        body_add(call, bytes);
    }
}

void grpc_call_read_end(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    if (call->prefix_len == 0) {
        grpc_call_refuse(call, ERR_UNSUPPORTED,
                         "cannot take a call without a message"); /* statuscodes.md: cardinality */
        return;
    }
    if (call->prefix_len < GRPC_PREFIX_BYTES || call->body.len < call->message_bytes) {
        grpc_call_refuse(call, ERR_INPUT, "cannot read the message: it is cut short");
        return;
    }
    call->request.body = admitted_bytes(&call->body);
    call->request.received_unix_us = (uint64_t)clock_unix_us();
    call->state = CALL_WHOLE;
    call->next = NULL;
    *session->whole_last = call;
    session->whole_last = &call->next;
}
