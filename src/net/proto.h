/* proto.h -- protobuf's wire format for the few small messages that net speaks itself: gRPC's health checks and reflection.
 *
 *   while (proto_next(&message, &field)) { ... }     then message.len > 0: it was malformed
 *
 * Thread: values. Memory: read fields are borrowed from the message; put ones are copied into the buf.
 * Errors: a put answers false when the buf is full. Telemetry has a reader of its own (worker/otlp).
 * Source: protobuf.dev/programming-guides/encoding. */
#pragma once
#include "base/bytes.h"

enum proto_wire { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

struct proto_field {
    uint32_t number;
    enum proto_wire wire;
    uint64_t value;     /* of a varint */
    struct bytes bytes; /* of PROTO_BYTES; empty for others */
};

/* Takes one field off the front of message. False at its end, and when what comes is no field: it is left there. */
bool proto_next(struct bytes *message, struct proto_field *field);
/* The last field of that number and PROTO_BYTES; empty when there is none. */
struct bytes proto_find_bytes(struct bytes message, uint32_t number);

MUST_CHECK bool proto_put_number(struct buf *out, uint32_t number, uint64_t value);
MUST_CHECK bool proto_put_bytes(struct buf *out, uint32_t number, struct bytes bytes);
