/* Bytes a client may send, as frames and then as the fields of every message the session reads. */
#include "timefusion/pgwire/message.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fields_read(struct message message)
{
    struct err err = { 0 };
    switch (message.type) {
    case 'P':
        message_text(&message);
        message_text(&message);
        for (uint16_t left = message_u16(&message); left > 0 && !message.is_bad; left--) message_u32(&message);
        break;
    case 'B':
        message_text(&message);
        message_text(&message);
        for (uint16_t left = message_u16(&message); left > 0 && !message.is_bad; left--) message_u16(&message);
        for (uint16_t left = message_u16(&message); left > 0 && !message.is_bad; left--) {
            uint32_t len = message_u32(&message);
            if (len != UINT32_MAX) message_bytes(&message, len);
        }
        break;
    default:
        message_u8(&message);
        message_text(&message);
        message_u32(&message);
        break;
    }
    if (!message_end_check(&message, &err) && err.code != ERR_PROTOCOL) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes left = bytes_from(data, size);
    for (bool has_type = size > 0 && data[0] != 0; left.len > 0;) {
        struct err err = { 0 };
        size_t frame_bytes;
        if (!message_frame(left, has_type, &frame_bytes, &err)) {
            if (err.code != ERR_PROTOCOL) abort();
            return 0;
        }
        if (frame_bytes == 0 || frame_bytes > left.len) return 0;
        size_t head = 4u + has_type;
        fields_read(message_of(has_type ? left.ptr[0] : 0, bytes_from(left.ptr + head, frame_bytes - head)));
        left = bytes_from(left.ptr + frame_bytes, left.len - frame_bytes);
        has_type = true;
    }
    return 0;
}
