/* OTLP/gRPC: what a call's path and headers say, and how it is answered. */
#include "ingest/answer.h"
#include "ingest/arrival.h"
#include "ingest/call.h"
#include "net/grpc.h"

static void accept_on(void *request, enum otlp_signal signal, const struct otlp_request *decoded)
{
    (void)signal; /* the three answers have the same bytes */
    uint8_t message[ANSWER_BYTES_MAX];
    size_t len = answer_encode(decoded->rejected_count, decoded->rejected_reason, message);
    grpc_answer(request, NULL, bytes_from(message, len), 0);
}

static void refuse_on(void *request, const struct err *err, uint32_t retry_delay_ms)
{
    grpc_answer(request, err, (struct bytes){ 0 }, retry_delay_ms);
}

static const struct transport transport = { .accept = accept_on, .refuse = refuse_on };

static bool encoding_find(const struct grpc_request *request, enum buffer_encoding *encoding, struct err *err)
{
    switch (request->encoding) {
    case GRPC_ENCODING_IDENTITY: *encoding = BUFFER_ENCODING_IDENTITY; return true;
    case GRPC_ENCODING_GZIP: *encoding = BUFFER_ENCODING_GZIP; return true;
    case GRPC_ENCODING_ZSTD: *encoding = BUFFER_ENCODING_ZSTD; return true;
    case GRPC_ENCODING_UNKNOWN: break;
    }
    return err_set(err, ERR_UNSUPPORTED, "grpc-encoding \"%.*s\" is not known: use gzip, zstd or none",
                   (int)(request->encoding_name.len < 40 ? request->encoding_name.len : 40),
                   (const char *)request->encoding_name.ptr);
}

void ingest_call(void *ctx, struct grpc_request *request)
{
    struct ingest *ingest = ctx;
    struct err err = { 0 };
    struct arrival arrival = {
        .transport = &transport,
        .request = request,
        .format = BUFFER_FORMAT_PROTOBUF,
        .agent = request->user_agent,
        .received_unix_us = request->received_unix_us,
    };
    bool ok = call_signal(request->path, &arrival.signal, &err) &&
              ingest_key_look(ingest, call_key(request->authorization, request->x_api_key), &arrival, &err) &&
              encoding_find(request, &arrival.encoding, &err);
    if (ok && arrival.has_key && arrival.key.is_browser) {
        ok = err_set(&err, ERR_FORBIDDEN, "this key is for web pages, which send OTLP/HTTP: use another one here");
    }
    if (!ok) {
        ingest_refuse(ingest, &arrival, &err);
        return;
    }
    arrival.body = grpc_request_take_body(request);
    ingest_take(ingest, &arrival);
}

void ingest_call_refused(void *ctx, const struct grpc_request *request, const struct err *why)
{
    struct arrival arrival = { .agent = request->user_agent };
    struct err no_path = { 0 };
    if (!call_signal(request->path, &arrival.signal, &no_path)) return; /* not telemetry */
    ingest_key_recall(ctx, call_key(request->authorization, request->x_api_key), &arrival);
    ingest_note_refused(ctx, &arrival, why);
}
