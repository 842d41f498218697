/* vector.h -- rows of DuckDB's vectors, for our own functions in it (functions.c, catalog_functions.c).
 *
 * Borrowed until the function returns. Thread: DuckDB's. */
#pragma once
#include "base/bytes.h"
#include <duckdb.h>

struct column {
    duckdb_vector vector;
    void *data;
    uint64_t *validity;
};

static inline struct column column_of(duckdb_data_chunk input, idx_t index)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, index);
    return (struct column){ vector, duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector) };
}

static inline bool is_valid(const struct column *column, idx_t row)
{
    return !column->validity || (column->validity[row / 64] >> (row % 64) & 1);
}

/* As duckdb_string_t_data, without a call for each row. */
static inline struct bytes text_at(const struct column *column, idx_t row)
{
    const duckdb_string_t *text = (const duckdb_string_t *)column->data + row;
    bool is_inlined = text->value.inlined.length <= sizeof text->value.inlined.inlined;
    return bytes_from(is_inlined ? text->value.inlined.inlined : text->value.pointer.ptr, text->value.inlined.length);
}

static inline void put_null(duckdb_vector output, idx_t row)
{
    uint64_t *validity = duckdb_vector_get_validity(output); /* NULL: nothing is NULL so far */
    if (!validity) {
        duckdb_vector_ensure_validity_writable(output);
        validity = duckdb_vector_get_validity(output);
    }
    validity[row / 64] &= ~((uint64_t)1 << (row % 64));
}

static inline void put_text(duckdb_vector output, idx_t row, struct bytes text)
{
    duckdb_unsafe_vector_assign_string_element_len(output, row, (const char *)text.ptr, text.len);
}
