/* table_elements.h -- our tables as Parquet schemas: stored columns in schema order, field id = column + 1.
 *
 * not_null columns are `required`, others `optional`; a list is the standard group { repeated list { optional element } },
 * as Spark, pyarrow and DuckDB write it. UUID and JSON are strings. Thread: pure. */
#pragma once
#include "timefusion/parquet/page.h"

#define TABLE_ELEMENTS_MAX (1 + 3 * SCHEMA_COLUMNS_MAX)
enum parquet_type table_leaf_type(enum schema_type type);
bool table_type_is_list(enum schema_type type);
/* Fills elements; returns how many. Leaves are the stored columns, in order. */
uint32_t table_elements(const struct schema_table *table, struct parquet_element elements[TABLE_ELEMENTS_MAX]);
/* A hidden column of that name (parquet/hidden.h): a text without a field id. */
struct parquet_element hidden_element(const char *name);
