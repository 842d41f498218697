#include "timefusion/parquet/thrift.h"

#define VARINT_BYTES_MAX 10

/* ---- writing ---- */

static bool room(struct thrift_writer *writer, size_t bytes)
{
    struct buf *buf = writer->buf;
    if (writer->failed) return false;
    if (likely(bytes <= buf->cap - buf->len)) return true;
    if (buf_reserve(buf, bytes)) return true;
    writer->failed = true;
    return false;
}

static void varint(struct thrift_writer *writer, uint64_t number)
{
    struct buf *buf = writer->buf;
    if (!room(writer, VARINT_BYTES_MAX)) return;
    buf->len = (size_t)(thrift_varint(buf->ptr + buf->len, number) - buf->ptr);
}

static void header(struct thrift_writer *writer, int16_t field, enum thrift_type type)
{
    assert(writer->depth < THRIFT_DEPTH_MAX);
    struct buf *buf = writer->buf;
    int delta = field - writer->field_last[writer->depth];
    assert(delta > 0); /* ours to get right: ids rise */
    writer->field_last[writer->depth] = field;
    if (!room(writer, 1 + VARINT_BYTES_MAX)) return;
    if (delta < 16) {
        buf->ptr[buf->len++] = (uint8_t)(delta << 4 | (int)type);
        return;
    }
    buf->ptr[buf->len++] = (uint8_t)type;
    varint(writer, thrift_zigzag(field));
}

void thrift_writer_init(struct thrift_writer *writer, struct buf *buf)
{
    *writer = (struct thrift_writer){ .buf = buf };
}

void thrift_put_bool(struct thrift_writer *writer, int16_t field, bool value)
{
    header(writer, field, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_i16(struct thrift_writer *writer, int16_t field, int16_t value)
{
    header(writer, field, THRIFT_I16);
    varint(writer, thrift_zigzag(value));
}

void thrift_put_i32(struct thrift_writer *writer, int16_t field, int32_t value)
{
    header(writer, field, THRIFT_I32);
    varint(writer, thrift_zigzag(value));
}

void thrift_put_i64(struct thrift_writer *writer, int16_t field, int64_t value)
{
    header(writer, field, THRIFT_I64);
    varint(writer, thrift_zigzag(value));
}

void thrift_put_binary(struct thrift_writer *writer, int16_t field, struct bytes value)
{
    header(writer, field, THRIFT_BINARY);
    thrift_element_binary(writer, value);
}

void thrift_put_struct(struct thrift_writer *writer, int16_t field)
{
    header(writer, field, THRIFT_STRUCT);
    thrift_element_struct(writer);
}

void thrift_put_empty_struct(struct thrift_writer *writer, int16_t field)
{
    thrift_put_struct(writer, field);
    thrift_struct_end(writer);
}

void thrift_put_list(struct thrift_writer *writer, int16_t field, enum thrift_type type, uint32_t count)
{
    header(writer, field, THRIFT_LIST);
    thrift_list(writer, type, count);
}

void thrift_list(struct thrift_writer *writer, enum thrift_type type, uint32_t count)
{
    struct buf *buf = writer->buf;
    if (!room(writer, 1)) return;
    buf->ptr[buf->len++] = (uint8_t)((count < 15 ? count : 15) << 4 | (uint32_t)type);
    if (count >= 15) varint(writer, count);
}

void thrift_element_i32(struct thrift_writer *writer, int32_t value)
{
    varint(writer, thrift_zigzag(value));
}

void thrift_element_binary(struct thrift_writer *writer, struct bytes value)
{
    varint(writer, value.len);
    thrift_raw(writer, value);
}

void thrift_element_struct(struct thrift_writer *writer)
{
    writer->depth++;
    assert(writer->depth < THRIFT_DEPTH_MAX);
    writer->field_last[writer->depth] = 0;
}

void thrift_struct_end(struct thrift_writer *writer)
{
    if (room(writer, 1)) writer->buf->ptr[writer->buf->len++] = THRIFT_STOP;
    if (writer->depth > 0) writer->depth--;
}

void thrift_put_raw(struct thrift_writer *writer, int16_t field, enum thrift_type type, struct bytes raw)
{
    header(writer, field, type);
    thrift_raw(writer, raw);
}

void thrift_raw(struct thrift_writer *writer, struct bytes raw)
{
    if (raw.len == 0 || !room(writer, raw.len)) return;
    memcpy(writer->buf->ptr + writer->buf->len, raw.ptr, raw.len);
    writer->buf->len += raw.len;
}

/* ---- reading ---- */

static uint8_t byte_next(struct thrift_reader *reader)
{
    if (reader->at >= reader->end) {
        reader->failed = true;
        return 0;
    }
    return *reader->at++;
}

static uint64_t varint_next(struct thrift_reader *reader)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = byte_next(reader);
        if (reader->failed) return 0;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return number;
    }
    reader->failed = true;
    return 0;
}

static int64_t zigzag_next(struct thrift_reader *reader)
{
    uint64_t number = varint_next(reader);
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

static void jump(struct thrift_reader *reader, uint64_t bytes)
{
    if (reader->failed || bytes > (uint64_t)(reader->end - reader->at)) {
        reader->failed = true;
        return;
    }
    reader->at += bytes;
}

void thrift_reader_init(struct thrift_reader *reader, struct bytes bytes)
{
    *reader = (struct thrift_reader){ .at = bytes.ptr, .end = bytes.ptr + bytes.len };
}

bool thrift_field_next(struct thrift_reader *reader, struct thrift_field *field)
{
    if (reader->failed) return false;
    uint8_t byte = byte_next(reader);
    if (reader->failed || byte == THRIFT_STOP) return false;

    int64_t id = (byte >> 4) != 0 ? field->id + (byte >> 4) : zigzag_next(reader);
    if (id < INT16_MIN || id > INT16_MAX) reader->failed = true;
    if (reader->failed) return false;
    field->id = (int16_t)id;
    field->type = (enum thrift_type)(byte & 15);
    return true;
}

int64_t thrift_read_int(struct thrift_reader *reader, enum thrift_type type)
{
    if (type == THRIFT_BYTE) return (int8_t)byte_next(reader);
    if (type != THRIFT_I16 && type != THRIFT_I32 && type != THRIFT_I64) {
        reader->failed = true;
        return 0;
    }
    return zigzag_next(reader);
}

bool thrift_read_bool(struct thrift_reader *reader, enum thrift_type type)
{
    if (type != THRIFT_TRUE && type != THRIFT_FALSE) reader->failed = true;
    return type == THRIFT_TRUE;
}

struct bytes thrift_read_binary(struct thrift_reader *reader, enum thrift_type type)
{
    struct bytes none = { (const uint8_t *)"", 0 };
    if (type != THRIFT_BINARY) reader->failed = true;
    uint64_t len = reader->failed ? 0 : varint_next(reader);
    const uint8_t *ptr = reader->at;
    jump(reader, len);
    return reader->failed ? none : bytes_from(ptr, (size_t)len);
}

uint32_t thrift_read_list(struct thrift_reader *reader, enum thrift_type type, enum thrift_type *element)
{
    *element = THRIFT_STOP;
    if (type != THRIFT_LIST && type != THRIFT_SET) reader->failed = true;
    if (reader->failed) return 0;
    uint8_t byte = byte_next(reader);
    uint64_t count = byte >> 4;
    if (count == 15) count = varint_next(reader);
    /* Each element takes a byte at least. */
    if (reader->failed || count > (uint64_t)(reader->end - reader->at) || count > UINT32_MAX) {
        reader->failed = true;
        return 0;
    }
    *element = (enum thrift_type)(byte & 15);
    return (uint32_t)count;
}

static void map_skip(struct thrift_reader *reader)
{
    uint64_t count = varint_next(reader);
    if (reader->failed || count == 0) return;
    uint8_t types = byte_next(reader);
    if (count > (uint64_t)(reader->end - reader->at)) reader->failed = true;
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        thrift_skip_element(reader, (enum thrift_type)(types >> 4));
        thrift_skip_element(reader, (enum thrift_type)(types & 15));
    }
}

void thrift_skip_element(struct thrift_reader *reader, enum thrift_type type)
{
    if (type == THRIFT_TRUE || type == THRIFT_FALSE) {
        jump(reader, 1);
    } else {
        thrift_skip(reader, type);
    }
}

void thrift_skip(struct thrift_reader *reader, enum thrift_type type)
{
    if (reader->failed) return;
    if (reader->depth >= THRIFT_DEPTH_MAX) {
        reader->failed = true;
        return;
    }
    reader->depth++;
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE: break; /* the header was all */
    case THRIFT_BYTE: jump(reader, 1); break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64: varint_next(reader); break;
    case THRIFT_DOUBLE: jump(reader, 8); break;
    case THRIFT_BINARY: thrift_read_binary(reader, type); break;
    case THRIFT_LIST:
    case THRIFT_SET: {
        enum thrift_type element;
        uint32_t count = thrift_read_list(reader, type, &element);
        for (uint32_t i = 0; i < count && !reader->failed; i++) thrift_skip_element(reader, element);
        break;
    }
    case THRIFT_MAP: map_skip(reader); break;
    case THRIFT_STRUCT: {
        struct thrift_field field = { .id = 0 };
        while (thrift_field_next(reader, &field)) thrift_skip(reader, field.type);
        break;
    }
    case THRIFT_STOP:
    default: reader->failed = true; break;
    }
    reader->depth--;
}
