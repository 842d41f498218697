#include "timefusion/pgwire/message.h"
#include "timefusion/pgwire/pgtype.h"
#include <inttypes.h>

struct message message_of(uint8_t type, struct bytes payload)
{
    return (struct message){ .type = type, .at = payload.ptr, .end = payload.ptr + payload.len };
}

static bool has_left(struct message *message, size_t len)
{
    if (!message->is_bad && len <= (size_t)(message->end - message->at)) return true;
    message->is_bad = true;
    return false;
}

uint8_t message_u8(struct message *message)
{
    return has_left(message, 1) ? *message->at++ : 0;
}

uint16_t message_u16(struct message *message)
{
    uint16_t high = message_u8(message);
    return (uint16_t)(high << 8 | message_u8(message));
}

uint32_t message_u32(struct message *message)
{
    uint32_t high = message_u16(message);
    return high << 16 | message_u16(message);
}

struct bytes message_text(struct message *message)
{
    const uint8_t *nul = message->is_bad || message->at == message->end
                             ? NULL
                             : memchr(message->at, 0, (size_t)(message->end - message->at));
    if (!nul) {
        message->is_bad = true;
        return bytes_from("", 0);
    }
    struct bytes text = bytes_from(message->at, (size_t)(nul - message->at));
    message->at = nul + 1;
    return text;
}

struct bytes message_bytes(struct message *message, uint32_t len)
{
    if (!has_left(message, len)) return bytes_from("", 0);
    struct bytes bytes = bytes_from(message->at, len);
    message->at += len;
    return bytes;
}

bool message_end_check(const struct message *message, struct err *err)
{
    if (message->is_bad) return err_set(err, ERR_PROTOCOL, "message \"%c\" is shorter than it says", message->type);
    if (message->at != message->end)
        return err_set(err, ERR_PROTOCOL, "message \"%c\" has %zu bytes too many", message->type,
                       (size_t)(message->end - message->at));
    return true;
}

bool message_frame(struct bytes in, bool has_type, size_t *frame_bytes, struct err *err)
{
    *frame_bytes = 0;
    if (in.len < 4u + has_type) return true;
    const uint8_t *at = in.ptr + has_type;
    uint32_t length = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    uint32_t max = has_type ? MESSAGE_BYTES_MAX : STARTUP_BYTES_MAX;
    if (length < 4 || (!has_type && length < 8))
        return err_set(err, ERR_PROTOCOL, "a message of length %" PRIu32 " cannot be", length);
    if (length > max)
        return err_set(err, ERR_PROTOCOL, "a message of %" PRIu32 " bytes; at most %" PRIu32 " are taken", length, max);
    *frame_bytes = (size_t)length + has_type;
    return true;
}

bool message_begin(struct buf *out, char type, size_t *at)
{
    if (!buf_add(out, &type, 1)) return false;
    *at = out->len;
    return buf_add(out, "\0\0\0\0", 4);
}

void message_finish(struct buf *out, size_t at)
{
    pgtype_set_u32(out, at, (uint32_t)(out->len - at));
}

bool message_put_text(struct buf *out, const char *text)
{
    return buf_add(out, text, strlen(text) + 1);
}
