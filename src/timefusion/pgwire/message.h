/* message.h -- frames of the PostgreSQL protocol: read one, take it apart, put others together.
 *
 *   in:   [type][length, with itself][payload]   (the startup packet has no type)
 *   out:  message_begin(out, 'D') ... message_end(out, at)
 *
 * Thread: pure, sans-I/O. Memory: payloads are borrowed. Errors: ERR_PROTOCOL names the message and what is missing.
 * Source: PostgreSQL 15 documentation, 55.7 "Message Formats". */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define MESSAGE_BYTES_MAX (16u << 20)
#define STARTUP_BYTES_MAX 10000u

/* What a payload still holds; a read past its end sets is_bad and gives zero. */
struct message {
    uint8_t type;
    const uint8_t *at, *end;
    bool is_bad;
};
struct message message_of(uint8_t type, struct bytes payload);
uint8_t message_u8(struct message *message);
uint16_t message_u16(struct message *message);
uint32_t message_u32(struct message *message);
struct bytes message_text(struct message *message); /* up to its NUL */
struct bytes message_bytes(struct message *message, uint32_t len);
/* True when all was there and nothing is left. */
MUST_CHECK bool message_end_check(const struct message *message, struct err *err);

/* How many bytes the frame at the start of in has: 0 when in is too short to tell. has_type: not the startup packet. */
MUST_CHECK bool message_frame(struct bytes in, bool has_type, size_t *frame_bytes, struct err *err);

/* Both false only when out has reached its limit. */
MUST_CHECK bool message_begin(struct buf *out, char type, size_t *at);
void message_finish(struct buf *out, size_t at);
MUST_CHECK bool message_put_text(struct buf *out, const char *text); /* with its NUL */
