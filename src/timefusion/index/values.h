/* values.h -- hashes of the values in one file. Private to this folder. */
#pragma once
#include "timefusion/index/index.h"
#include "timefusion/index/run.h"

/* A run of one file without a key; takes values. */
struct run *values_to_run(struct index_values *values, const struct schema_table *table, const char *key);
static inline uint64_t values_column_hash(const struct schema_table *table, uint32_t column)
{
    return hash64_of(bytes_of_text(table->columns[column].name));
}
