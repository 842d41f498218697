/* decode_fixture.h -- for tests: a plain reader of Parquet chunks, written from the format's documents and sharing
 * nothing with the writer but Thrift. Anything odd fails the test at once. */
#pragma once
#include "timefusion/parquet/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <zstd.h>
#include <cmocka.h>

struct decoded_value {
    int64_t integer; /* also booleans */
    double number;
    struct bytes text; /* in memory of the chunk */
};
struct decoded_chunk {
    int64_t type, codec, level_count;
    uint32_t path_len;
    struct bytes path[4];
    int64_t data_offset, dictionary_offset, bytes, bytes_uncompressed;
    uint32_t page_count;
    bool has_dictionary;
    uint8_t *repetition, *definition; /* level_count each */
    struct decoded_value *values;
    uint32_t value_count;
    struct decoded_value *dictionary;
    uint32_t dictionary_count;
    uint8_t *memory[4096]; /* of unpacked pages */
    uint32_t memory_count;
};
struct decoded_group {
    int64_t row_count, offset, bytes, ordinal;
    uint32_t chunk_count;
    struct decoded_chunk *chunks;
};
struct decoded_file {
    int64_t row_count;
    uint32_t group_count;
    struct decoded_group *groups;
};

struct decode_input {
    const uint8_t *at, *end;
};
static inline uint64_t decode_varint(struct decode_input *in)
{
    uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(in->at < in->end && shift < 64);
        uint8_t byte = *in->at++;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return number;
    }
}
static inline int64_t decode_zigzag(struct decode_input *in)
{
    uint64_t number = decode_varint(in);
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}
static inline uint64_t decode_bits(const uint8_t *from, uint64_t bit, uint32_t width)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < width; i++, bit++) number |= (uint64_t)(from[bit / 8] >> (bit % 8) & 1) << i;
    return number;
}
/* count values; the input ends behind the last run. */
static inline void decode_hybrid(struct decode_input *in, uint32_t width, uint32_t count, uint32_t *out)
{
    uint32_t done = 0;
    while (done < count) {
        uint64_t header = decode_varint(in);
        if ((header & 1) != 0) {
            uint64_t values = (header >> 1) * 8, bytes = (header >> 1) * width;
            assert_true(values > 0 && bytes <= (uint64_t)(in->end - in->at));
            for (uint64_t i = 0; i < values && done < count; i++)
                out[done++] = (uint32_t)decode_bits(in->at, i * width, width);
            in->at += bytes;
        } else {
            uint32_t value = 0;
            assert_true((header >> 1) > 0 && (header >> 1) <= count - done);
            assert_true((width + 7) / 8 <= (uint64_t)(in->end - in->at));
            for (uint32_t i = 0; i < (width + 7) / 8; i++) value |= (uint32_t)*in->at++ << (8 * i);
            for (uint64_t i = 0; i < header >> 1; i++) out[done++] = value;
        }
    }
}
/* DELTA_BINARY_PACKED: count values; sums wrap at bits. */
static inline void decode_delta(struct decode_input *in, uint32_t count, uint32_t bits, int64_t *out)
{
    uint64_t block = decode_varint(in), minis = decode_varint(in), total = decode_varint(in);
    uint64_t value = (uint64_t)decode_zigzag(in);
    assert_int_equal(total, count);
    assert_true(block % 128 == 0 && minis > 0 && block / minis % 32 == 0);
    for (uint32_t done = 0; done < count;) {
        if (done == 0) {
            out[done++] = (int64_t)value;
            continue;
        }
        uint64_t min = (uint64_t)decode_zigzag(in);
        const uint8_t *widths = in->at;
        in->at += minis;
        assert_true(in->at <= in->end);
        for (uint64_t mini = 0; mini < minis && done < count; mini++) {
            uint64_t values = block / minis;
            assert_true(widths[mini] <= bits);
            assert_true(values * widths[mini] / 8 <= (uint64_t)(in->end - in->at));
            for (uint64_t i = 0; i < values && done < count; i++) {
                value += min + decode_bits(in->at, i * widths[mini], widths[mini]);
                out[done++] = bits == 32 ? (int32_t)(uint32_t)value : (int64_t)value;
            }
            in->at += values * widths[mini] / 8;
        }
    }
}
static inline struct bytes decode_take(struct decode_input *in, size_t bytes)
{
    assert_true(bytes <= (size_t)(in->end - in->at));
    in->at += bytes;
    return bytes_from(in->at - bytes, bytes);
}
static inline void decode_plain(struct decode_input *in, int64_t type, uint32_t count, struct decoded_value *out)
{
    for (uint32_t i = 0; i < count; i++) {
        int32_t narrow;
        uint32_t len;
        switch (type) {
        case PARQUET_TYPE_INT32:
            memcpy(&narrow, decode_take(in, 4).ptr, 4);
            out[i].integer = narrow;
            break;
        case PARQUET_TYPE_INT64: memcpy(&out[i].integer, decode_take(in, 8).ptr, 8); break;
        case PARQUET_TYPE_DOUBLE: memcpy(&out[i].number, decode_take(in, 8).ptr, 8); break;
        case PARQUET_TYPE_BOOLEAN:
            assert_true(i / 8 < (uint64_t)(in->end - in->at));
            out[i].integer = in->at[i / 8] >> (i % 8) & 1;
            break;
        default:
            assert_int_equal(type, PARQUET_TYPE_BYTE_ARRAY);
            memcpy(&len, decode_take(in, 4).ptr, 4);
            out[i].text = decode_take(in, len);
            break;
        }
    }
}
static inline void decode_values(struct decoded_chunk *chunk, struct decode_input *in, int64_t encoding, uint32_t count,
                                 struct decoded_value *out)
{
    if (encoding == PARQUET_PLAIN) {
        decode_plain(in, chunk->type, count, out);
        return;
    }
    if (encoding == PARQUET_RLE_DICTIONARY) {
        uint32_t *indexes = calloc(count + 1, sizeof *indexes);
        uint32_t width = *decode_take(in, 1).ptr;
        decode_hybrid(in, width, count, indexes);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(indexes[i] < chunk->dictionary_count);
            out[i] = chunk->dictionary[indexes[i]];
        }
        free(indexes);
        return;
    }
    int64_t *numbers = calloc(count + 1, sizeof *numbers);
    if (encoding == PARQUET_DELTA_BINARY_PACKED) {
        decode_delta(in, count, chunk->type == PARQUET_TYPE_INT32 ? 32 : 64, numbers);
        for (uint32_t i = 0; i < count; i++) out[i].integer = numbers[i];
    } else {
        assert_int_equal(encoding, PARQUET_DELTA_LENGTH_BYTE_ARRAY);
        decode_delta(in, count, 32, numbers);
        for (uint32_t i = 0; i < count; i++) out[i].text = decode_take(in, (size_t)numbers[i]);
        assert_ptr_equal(in->at, in->end);
    }
    free(numbers);
}

struct decoded_page {
    int64_t type, bytes_uncompressed, bytes, value_count, encoding;
};
static inline struct decoded_page decode_page_header(struct thrift_reader *thrift)
{
    struct decoded_page page = { .type = -1 };
    struct thrift_field field = { .id = 0 };
    while (thrift_field_next(thrift, &field)) {
        if (field.id == 1) {
            page.type = thrift_read_int(thrift, field.type);
        } else if (field.id == 2) {
            page.bytes_uncompressed = thrift_read_int(thrift, field.type);
        } else if (field.id == 3) {
            page.bytes = thrift_read_int(thrift, field.type);
        } else {
            assert_int_equal(field.id, page.type == 0 ? 5 : 7);
            struct thrift_field inner = { .id = 0 };
            while (thrift_field_next(thrift, &inner)) {
                int64_t number = thrift_read_int(thrift, inner.type);
                if (inner.id == 1) page.value_count = number;
                if (inner.id == 2) page.encoding = number;
            }
        }
    }
    assert_false(thrift->failed);
    return page;
}
static inline void decode_levels(struct decode_input *in, uint32_t max, uint32_t count, uint8_t *out)
{
    if (max == 0) {
        memset(out, 0, count);
        return;
    }
    uint32_t bytes, *levels = calloc(count + 1, sizeof *levels);
    memcpy(&bytes, decode_take(in, 4).ptr, 4);
    struct bytes raw = decode_take(in, bytes);
    struct decode_input part = { raw.ptr, raw.ptr + raw.len };
    decode_hybrid(&part, 32 - (uint32_t)__builtin_clz(max), count, levels);
    assert_ptr_equal(part.at, part.end);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(levels[i] <= max);
        out[i] = (uint8_t)levels[i];
    }
    free(levels);
}
/* All pages of the chunk, which the metadata has told the place of. */
static inline void decode_chunk(struct decoded_chunk *chunk, struct bytes file, uint32_t repetition_max,
                                uint32_t definition_max)
{
    int64_t from = chunk->has_dictionary ? chunk->dictionary_offset : chunk->data_offset;
    assert_true(from >= 4 && chunk->bytes > 0 && (uint64_t)(from + chunk->bytes) <= file.len);
    struct thrift_reader thrift;
    thrift_reader_init(&thrift, bytes_from(file.ptr + from, (size_t)chunk->bytes));
    uint32_t levels = 0;
    int64_t bytes_uncompressed = 0;
    chunk->repetition = calloc((size_t)chunk->level_count + 1, 1);
    chunk->definition = calloc((size_t)chunk->level_count + 1, 1);
    chunk->values = calloc((size_t)chunk->level_count + 1, sizeof *chunk->values);
    while (thrift.at < thrift.end) {
        const uint8_t *start = thrift.at;
        if (chunk->page_count == (chunk->has_dictionary ? 1 : 0))
            assert_ptr_equal(start, file.ptr + chunk->data_offset);
        struct decoded_page page = decode_page_header(&thrift);
        bytes_uncompressed += (thrift.at - start) + page.bytes_uncompressed;
        assert_true(page.bytes <= thrift.end - thrift.at);
        assert_true(chunk->memory_count < COUNT_OF(chunk->memory));
        uint8_t *raw = malloc((size_t)page.bytes_uncompressed + 1);
        chunk->memory[chunk->memory_count++] = raw;
        if (chunk->codec == 6) {
            assert_int_equal(ZSTD_decompress(raw, (size_t)page.bytes_uncompressed, thrift.at, (size_t)page.bytes),
                             page.bytes_uncompressed);
        } else {
            assert_int_equal(chunk->codec, 0);
            assert_int_equal(page.bytes, page.bytes_uncompressed);
            memcpy(raw, thrift.at, (size_t)page.bytes);
        }
        thrift.at += page.bytes;
        struct decode_input in = { raw, raw + page.bytes_uncompressed };
        if (page.type == 2) {
            assert_int_equal(chunk->page_count, 0);
            assert_true(chunk->has_dictionary);
            assert_int_equal(page.encoding, PARQUET_PLAIN);
            chunk->dictionary_count = (uint32_t)page.value_count;
            chunk->dictionary = calloc(chunk->dictionary_count + 1, sizeof *chunk->dictionary);
            decode_plain(&in, chunk->type, chunk->dictionary_count, chunk->dictionary);
        } else {
            uint32_t count = (uint32_t)page.value_count, values = 0;
            assert_true(levels + count <= chunk->level_count);
            decode_levels(&in, repetition_max, count, chunk->repetition + levels);
            decode_levels(&in, definition_max, count, chunk->definition + levels);
            for (uint32_t i = 0; i < count; i++) values += chunk->definition[levels + i] == definition_max;
            decode_values(chunk, &in, page.encoding, values, chunk->values + chunk->value_count);
            chunk->value_count += values;
            levels += count;
        }
        chunk->page_count++;
    }
    assert_int_equal(levels, chunk->level_count);
    assert_int_equal(bytes_uncompressed, chunk->bytes_uncompressed);
}
static inline void decode_chunk_metadata(struct thrift_reader *thrift, struct decoded_chunk *chunk)
{
    struct thrift_field outer = { .id = 0 };
    while (thrift_field_next(thrift, &outer)) {
        if (outer.id != 3) {
            thrift_skip(thrift, outer.type);
            continue;
        }
        struct thrift_field field = { .id = 0 };
        while (thrift_field_next(thrift, &field)) {
            enum thrift_type element;
            switch (field.id) {
            case 1: chunk->type = thrift_read_int(thrift, field.type); break;
            case 3:
                chunk->path_len = thrift_read_list(thrift, field.type, &element);
                assert_true(chunk->path_len <= COUNT_OF(chunk->path));
                for (uint32_t i = 0; i < chunk->path_len; i++) chunk->path[i] = thrift_read_binary(thrift, element);
                break;
            case 4: chunk->codec = thrift_read_int(thrift, field.type); break;
            case 5: chunk->level_count = thrift_read_int(thrift, field.type); break;
            case 6: chunk->bytes_uncompressed = thrift_read_int(thrift, field.type); break;
            case 7: chunk->bytes = thrift_read_int(thrift, field.type); break;
            case 9: chunk->data_offset = thrift_read_int(thrift, field.type); break;
            case 11:
                chunk->dictionary_offset = thrift_read_int(thrift, field.type);
                chunk->has_dictionary = true;
                break;
            default: thrift_skip(thrift, field.type); break;
            }
        }
    }
}
static inline void decode_group(struct thrift_reader *thrift, struct decoded_group *group)
{
    struct thrift_field field = { .id = 0 };
    group->ordinal = -1;
    while (thrift_field_next(thrift, &field)) {
        enum thrift_type element;
        switch (field.id) {
        case 1:
            group->chunk_count = thrift_read_list(thrift, field.type, &element);
            group->chunks = calloc(group->chunk_count, sizeof *group->chunks);
            for (uint32_t i = 0; i < group->chunk_count; i++) decode_chunk_metadata(thrift, &group->chunks[i]);
            break;
        case 3: group->row_count = thrift_read_int(thrift, field.type); break;
        case 5: group->offset = thrift_read_int(thrift, field.type); break;
        case 6: group->bytes = thrift_read_int(thrift, field.type); break;
        case 7: group->ordinal = thrift_read_int(thrift, field.type); break;
        default: thrift_skip(thrift, field.type); break;
        }
    }
}
/* Reads the footer and checks what spans chunks; pages are read by decode_chunk. */
static inline void decode_file(struct bytes file, struct decoded_file *decoded)
{
    uint32_t footer_bytes;
    assert_true(file.len > 12 && memcmp(file.ptr, "PAR1", 4) == 0 && memcmp(file.ptr + file.len - 4, "PAR1", 4) == 0);
    memcpy(&footer_bytes, file.ptr + file.len - 8, 4);
    assert_true(footer_bytes <= file.len - 12);
    struct thrift_reader thrift;
    struct thrift_field field = { .id = 0 };
    *decoded = (struct decoded_file){ .row_count = -1 };
    thrift_reader_init(&thrift, bytes_from(file.ptr + file.len - 8 - footer_bytes, footer_bytes));
    while (thrift_field_next(&thrift, &field)) {
        enum thrift_type element;
        if (field.id == 3) {
            decoded->row_count = thrift_read_int(&thrift, field.type);
        } else if (field.id == 4) {
            decoded->group_count = thrift_read_list(&thrift, field.type, &element);
            decoded->groups = calloc(decoded->group_count, sizeof *decoded->groups);
            for (uint32_t i = 0; i < decoded->group_count; i++) decode_group(&thrift, &decoded->groups[i]);
        } else {
            thrift_skip(&thrift, field.type);
        }
    }
    assert_false(thrift.failed);
    assert_ptr_equal(thrift.at, thrift.end);
    for (uint32_t i = 0; i < decoded->group_count; i++) {
        const struct decoded_group *group = &decoded->groups[i];
        int64_t bytes = 0, next = group->offset;
        for (uint32_t k = 0; k < group->chunk_count; k++) { /* chunks stand close, one behind the other */
            const struct decoded_chunk *chunk = &group->chunks[k];
            assert_int_equal(chunk->has_dictionary ? chunk->dictionary_offset : chunk->data_offset, next);
            next += chunk->bytes;
            bytes += chunk->bytes;
        }
        assert_int_equal(group->bytes, bytes);
        assert_int_equal(group->ordinal, i);
    }
}
static inline void decode_chunk_free(struct decoded_chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->memory_count; i++) free(chunk->memory[i]);
    free(chunk->repetition);
    free(chunk->definition);
    free(chunk->values);
    free(chunk->dictionary);
    chunk->memory_count = chunk->page_count = chunk->value_count = 0;
    chunk->repetition = chunk->definition = NULL;
    chunk->values = chunk->dictionary = NULL;
}
static inline void decode_free(struct decoded_file *decoded)
{
    for (uint32_t i = 0; i < decoded->group_count; i++) free(decoded->groups[i].chunks);
    free(decoded->groups);
}
