#include "net/proto.h"

#include "base/varint.h"

static bool varint_next(struct bytes *from, uint64_t *value)
{
    *value = 0;
    for (uint32_t i = 0; i < from->len && i < 10; i++) {
        *value |= (uint64_t)(from->ptr[i] & 0x7F) << (7 * i);
        if (from->ptr[i] >= 0x80) continue;
        *from = bytes_from(from->ptr + i + 1, from->len - i - 1);
        return true;
    }
    return false;
}

bool proto_next(struct bytes *message, struct proto_field *field)
{
    struct bytes rest = *message;
    uint64_t tag, len = 0;
    if (rest.len == 0 || !varint_next(&rest, &tag) || tag >> 3 == 0 || tag > UINT32_MAX) return false;
    *field = (struct proto_field){ .number = (uint32_t)(tag >> 3), .wire = (enum proto_wire)(tag & 7) };
    switch (tag & 7) {
    case PROTO_VARINT:
        if (!varint_next(&rest, &field->value)) return false;
        break;
    case PROTO_FIXED64: len = 8; break;
    case PROTO_FIXED32: len = 4; break;
    case PROTO_BYTES:
        if (!varint_next(&rest, &len) || len > rest.len) return false;
        field->bytes = bytes_from(rest.ptr, (size_t)len);
        break;
    default: return false; /* groups are of another age */
    }
    if (len > rest.len) return false;
    *message = bytes_from(rest.ptr + len, rest.len - (size_t)len);
    return true;
}

struct bytes proto_find_bytes(struct bytes message, uint32_t number)
{
    struct proto_field field;
    struct bytes found = { 0 };
    while (proto_next(&message, &field)) {
        if (field.number == number && field.wire == PROTO_BYTES) found = field.bytes;
    }
    return found;
}

static bool varint_add(struct buf *out, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    return buf_add(out, bytes, (size_t)(varint_put(bytes, value) - bytes));
}

bool proto_put_number(struct buf *out, uint32_t number, uint64_t value)
{
    return varint_add(out, (uint64_t)number << 3 | PROTO_VARINT) && varint_add(out, value);
}

bool proto_put_bytes(struct buf *out, uint32_t number, struct bytes bytes)
{
    return varint_add(out, (uint64_t)number << 3 | PROTO_BYTES) && varint_add(out, bytes.len) &&
           (bytes.len == 0 || buf_add(out, bytes.ptr, bytes.len));
}
