/* thrift.h -- Thrift's compact protocol, as much as Parquet's headers and footers need.
 *
 *   writer: put_* by field id in rising order -> bytes at the end of a struct buf
 *   reader: while (thrift_field_next(&reader, &field)) switch (field.id) ... thrift_skip for what is not known
 *
 * Thread: values. Memory: the writer grows its buf; the reader borrows the bytes it was given.
 * Errors: both keep a failed flag; reading bytes from strangers never passes their end, never recurses deeper than
 * THRIFT_DEPTH_MAX, and every count is checked against the bytes that are left.
 * Source: apache/thrift doc/specs/thrift-compact-protocol.md */
#pragma once
#include "base/bytes.h"

#define THRIFT_DEPTH_MAX 16

enum thrift_type {
    THRIFT_STOP,
    THRIFT_TRUE,
    THRIFT_FALSE,
    THRIFT_BYTE,
    THRIFT_I16,
    THRIFT_I32,
    THRIFT_I64,
    THRIFT_DOUBLE,
    THRIFT_BINARY,
    THRIFT_LIST,
    THRIFT_SET,
    THRIFT_MAP,
    THRIFT_STRUCT,
};

static inline uint64_t thrift_zigzag(int64_t number)
{
    return ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
}
/* At most 10 bytes; returns the place behind them. */
static inline uint8_t *thrift_varint(uint8_t *at, uint64_t number)
{
    for (; number >= 128; number >>= 7) *at++ = (uint8_t)(number | 128);
    *at++ = (uint8_t)number;
    return at;
}

struct thrift_writer {
    struct buf *buf;
    bool failed; /* buf->bytes_max was passed; nothing is written from then on */
    uint32_t depth;
    int16_t field_last[THRIFT_DEPTH_MAX];
};
void thrift_writer_init(struct thrift_writer *writer, struct buf *buf); /* the outermost struct is begun */
void thrift_put_bool(struct thrift_writer *writer, int16_t field, bool value);
void thrift_put_i16(struct thrift_writer *writer, int16_t field, int16_t value);
void thrift_put_i32(struct thrift_writer *writer, int16_t field, int32_t value);
void thrift_put_i64(struct thrift_writer *writer, int16_t field, int64_t value);
void thrift_put_binary(struct thrift_writer *writer, int16_t field, struct bytes value);
void thrift_put_struct(struct thrift_writer *writer, int16_t field); /* then its fields, then thrift_struct_end */
void thrift_put_empty_struct(struct thrift_writer *writer, int16_t field);
void thrift_put_list(struct thrift_writer *writer, int16_t field, enum thrift_type type, uint32_t count);
/* A list's header alone, where its field header stands already. */
void thrift_list(struct thrift_writer *writer, enum thrift_type type, uint32_t count);
/* Elements of the list begun last. */
void thrift_element_i32(struct thrift_writer *writer, int32_t value);
void thrift_element_binary(struct thrift_writer *writer, struct bytes value);
void thrift_element_struct(struct thrift_writer *writer); /* then its fields, then thrift_struct_end */
void thrift_struct_end(struct thrift_writer *writer);     /* also ends the outermost one */
/* Bytes that are already Thrift, as they are; put_raw writes a field header of that type in front. */
void thrift_put_raw(struct thrift_writer *writer, int16_t field, enum thrift_type type, struct bytes raw);
void thrift_raw(struct thrift_writer *writer, struct bytes raw);

struct thrift_reader {
    const uint8_t *at, *end;
    bool failed; /* not Thrift, or cut: what was read is worth nothing */
    uint32_t depth;
};
struct thrift_field {
    int16_t id; /* 0 before the first thrift_field_next of a struct */
    enum thrift_type type;
};
void thrift_reader_init(struct thrift_reader *reader, struct bytes bytes);
/* Next field of the struct; false at its end or when failed. The caller reads or skips the value. */
MUST_CHECK bool thrift_field_next(struct thrift_reader *reader, struct thrift_field *field);
/* Values of a field or of an element; a type other than field.type sets failed. */
int64_t thrift_read_int(struct thrift_reader *reader, enum thrift_type type); /* BYTE I16 I32 I64 */
bool thrift_read_bool(struct thrift_reader *reader, enum thrift_type type);
struct bytes thrift_read_binary(struct thrift_reader *reader, enum thrift_type type);
/* The element count; 0 when failed. At most as many as bytes are left. */
uint32_t thrift_read_list(struct thrift_reader *reader, enum thrift_type type, enum thrift_type *element);
void thrift_skip(struct thrift_reader *reader, enum thrift_type type);
/* The same for an element of a list or a map, where a boolean is a byte of its own. */
void thrift_skip_element(struct thrift_reader *reader, enum thrift_type type);
