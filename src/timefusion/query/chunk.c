#include "timefusion/query/chunk.h"
#include "timefusion/query/plan.h"
#include <stdio.h>

void chunk_init(struct query_chunk *chunk, const struct temporaries *own)
{
    *chunk = (struct query_chunk){ .own = own };
    arena_init(&chunk->arena, 16 * 1024);
}

void chunk_deinit(struct query_chunk *chunk)
{
    if (chunk->chunk) duckdb_destroy_data_chunk(&chunk->chunk);
    arena_deinit(&chunk->arena);
}

static bool is_valid(const struct chunk_vector *vector, uint64_t row)
{
    return !vector->validity || (vector->validity[row / 64] >> (row % 64) & 1);
}

/* A 128-bit number with scale digits after the point. */
static struct bytes decimal_text(struct arena *arena, bool is_negative, unsigned __int128 number, unsigned scale)
{
    char text[64], *at = text + sizeof text;
    unsigned digits = 0;
    while (number > 0 || digits <= scale) {
        if (digits == scale && scale > 0) *--at = '.';
        *--at = (char)('0' + (unsigned)(number % 10));
        number /= 10;
        digits++;
    }
    if (is_negative) *--at = '-';
    return arena_copy(arena, bytes_from(at, (size_t)(text + sizeof text - at)));
}

static struct bytes signed_text(struct arena *arena, __int128 number, unsigned scale)
{
    return decimal_text(arena, number < 0, number < 0 ? -(unsigned __int128)number : (unsigned __int128)number, scale);
}

static __int128 wide_at(const void *data, uint64_t row)
{
    const duckdb_hugeint *number = (const duckdb_hugeint *)data + row;
    return (__int128)((unsigned __int128)(uint64_t)number->upper << 64 | number->lower);
}

static void numerics_make(struct arena *arena, struct chunk_vector *vector, duckdb_logical_type logical, uint64_t rows)
{
    unsigned scale = vector->stored == DUCKDB_TYPE_DECIMAL ? duckdb_decimal_scale(logical) : 0;
    vector->scale = (uint8_t)scale;
    duckdb_type stored = vector->stored == DUCKDB_TYPE_DECIMAL ? duckdb_decimal_internal_type(logical) : vector->stored;
    vector->numerics = arena_calloc(arena, (rows + 1) * sizeof *vector->numerics);
    for (uint64_t row = 0; row < rows; row++) {
        if (!is_valid(vector, row)) continue;
        struct bytes *text = &vector->numerics[row];
        switch (stored) {
        case DUCKDB_TYPE_SMALLINT: *text = signed_text(arena, ((const int16_t *)vector->data)[row], scale); break;
        case DUCKDB_TYPE_INTEGER: *text = signed_text(arena, ((const int32_t *)vector->data)[row], scale); break;
        case DUCKDB_TYPE_BIGINT: *text = signed_text(arena, ((const int64_t *)vector->data)[row], scale); break;
        case DUCKDB_TYPE_UBIGINT:
            *text = decimal_text(arena, false, ((const uint64_t *)vector->data)[row], scale);
            break;
        case DUCKDB_TYPE_HUGEINT: *text = signed_text(arena, wide_at(vector->data, row), scale); break;
        case DUCKDB_TYPE_UHUGEINT:
            *text = decimal_text(arena, false, (unsigned __int128)wide_at(vector->data, row), scale);
            break;
        default: break;
        }
    }
}

static void vector_set(struct arena *arena, struct chunk_vector *vector, duckdb_vector source, enum query_type type,
                       uint64_t rows)
{
    duckdb_logical_type logical = duckdb_vector_get_column_type(source);
    *vector = (struct chunk_vector){ .type = type,
                                     .stored = duckdb_get_type_id(logical),
                                     .data = duckdb_vector_get_data(source),
                                     .validity = duckdb_vector_get_validity(source) };
    if (vector->stored == DUCKDB_TYPE_LIST) {
        vector->child = arena_calloc(arena, sizeof *vector->child);
        vector_set(arena, vector->child, duckdb_list_vector_get_child(source), type_element(type),
                   duckdb_list_vector_get_size(source));
    } else if (type == QUERY_TYPE_NUMERIC) {
        numerics_make(arena, vector, logical, rows);
    }
    duckdb_destroy_logical_type(&logical);
}

void chunk_set(struct query_chunk *chunk, duckdb_data_chunk data, const struct query_column *columns,
               uint32_t column_count)
{
    if (chunk->chunk) duckdb_destroy_data_chunk(&chunk->chunk);
    arena_reset(&chunk->arena);
    chunk->chunk = data;
    chunk->row_count = (uint32_t)duckdb_data_chunk_get_size(data);
    chunk->column_count = column_count;
    chunk->vectors = arena_calloc(&chunk->arena, (column_count + 1) * sizeof *chunk->vectors);
    for (uint32_t c = 0; c < column_count; c++)
        vector_set(&chunk->arena, &chunk->vectors[c], duckdb_data_chunk_get_vector(data, c), columns[c].type,
                   chunk->row_count);
}

static struct query_value value_at(const struct chunk_vector *vector, uint64_t row)
{
    struct query_value value = { .is_null = !is_valid(vector, row) };
    if (value.is_null) return value;
    switch (vector->stored) {
    case DUCKDB_TYPE_BOOLEAN: value.boolean = ((const bool *)vector->data)[row]; break;
    case DUCKDB_TYPE_TINYINT: value.integer = ((const int8_t *)vector->data)[row]; break;
    case DUCKDB_TYPE_UTINYINT: value.integer = ((const uint8_t *)vector->data)[row]; break;
    case DUCKDB_TYPE_SMALLINT: value.integer = ((const int16_t *)vector->data)[row]; break;
    case DUCKDB_TYPE_USMALLINT: value.integer = ((const uint16_t *)vector->data)[row]; break;
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_INTEGER: value.integer = ((const int32_t *)vector->data)[row]; break;
    case DUCKDB_TYPE_UINTEGER: value.integer = ((const uint32_t *)vector->data)[row]; break;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ: value.integer = ((const int64_t *)vector->data)[row]; break;
    case DUCKDB_TYPE_FLOAT: value.number = (double)((const float *)vector->data)[row]; break;
    case DUCKDB_TYPE_DOUBLE: value.number = ((const double *)vector->data)[row]; break;
    case DUCKDB_TYPE_UUID: { /* the top bit is turned, so that it sorts as a signed number */
        const duckdb_hugeint *number = (const duckdb_hugeint *)vector->data + row;
        uint64_t halves[2] = { __builtin_bswap64((uint64_t)number->upper ^ (uint64_t)1 << 63),
                               __builtin_bswap64(number->lower) };
        memcpy(value.uuid.bytes, halves, sizeof value.uuid.bytes);
        break;
    }
    case DUCKDB_TYPE_INTERVAL: {
        const duckdb_interval *interval = (const duckdb_interval *)vector->data + row;
        value.interval.months = interval->months;
        value.interval.days = interval->days;
        value.interval.micros = interval->micros;
        break;
    }
    case DUCKDB_TYPE_LIST: {
        const duckdb_list_entry *entry = (const duckdb_list_entry *)vector->data + row;
        value.list.offset = entry->offset;
        value.list.count = (uint32_t)entry->length;
        break;
    }
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB: {
        duckdb_string_t *text = (duckdb_string_t *)(uintptr_t)vector->data + row;
        value.bytes = bytes_from(duckdb_string_t_data(text), duckdb_string_t_length(*text));
        break;
    }
    default: value.is_null = vector->type != QUERY_TYPE_NUMERIC; break; /* a column of NULLs has no type */
    }
    if (vector->type == QUERY_TYPE_NUMERIC && vector->numerics) value.bytes = vector->numerics[row];
    return value;
}

uint32_t query_chunk_rows(const struct query_chunk *chunk)
{
    return chunk->row_count;
}

struct query_value query_chunk_value(const struct query_chunk *chunk, uint32_t column, uint32_t row)
{
    assert(column < chunk->column_count && row < chunk->row_count);
    return value_at(&chunk->vectors[column], row);
}

struct query_value query_chunk_element(const struct query_chunk *chunk, uint32_t column, uint64_t offset)
{
    assert(column < chunk->column_count && chunk->vectors[column].child);
    return value_at(chunk->vectors[column].child, offset);
}

void query_chunk_numbers(const struct query_chunk *chunk, uint32_t column, uint64_t offset, uint32_t count,
                         double *numbers)
{
    assert(column < chunk->column_count && chunk->vectors[column].child);
    const struct chunk_vector *child = chunk->vectors[column].child;
    bool is_double = child->stored == DUCKDB_TYPE_DOUBLE, is_long = child->stored == DUCKDB_TYPE_BIGINT;
    if (is_double && !child->validity) {
        if (count > 0) memcpy(numbers, (const double *)child->data + offset, count * sizeof *numbers);
    } else if (is_long && !child->validity) {
        const int64_t *longs = (const int64_t *)child->data + offset;
        for (uint32_t i = 0; i < count; i++) numbers[i] = (double)longs[i];
    } else {
        for (uint32_t i = 0; i < count; i++) {
            struct query_value value = value_at(child, offset + i);
            numbers[i] = value.is_null ? 0 : is_double ? value.number : (double)value.integer;
        }
    }
}

uint32_t query_chunk_scale(const struct query_chunk *chunk, uint32_t column)
{
    assert(column < chunk->column_count);
    const struct chunk_vector *vector = &chunk->vectors[column];
    return vector->child ? vector->child->scale : vector->scale;
}
