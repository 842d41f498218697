#include "timefusion/parquet/table_elements.h"

enum parquet_type table_leaf_type(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_INTEGER: return PARQUET_TYPE_INT32;
    case SCHEMA_TYPE_TIMESTAMPTZ:
    case SCHEMA_TYPE_BIGINT:
    case SCHEMA_TYPE_BIGINT_LIST: return PARQUET_TYPE_INT64;
    case SCHEMA_TYPE_DOUBLE:
    case SCHEMA_TYPE_DOUBLE_LIST: return PARQUET_TYPE_DOUBLE;
    case SCHEMA_TYPE_BOOLEAN: return PARQUET_TYPE_BOOLEAN;
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON:
    case SCHEMA_TYPE_TEXT_LIST: break;
    }
    return PARQUET_TYPE_BYTE_ARRAY;
}

bool table_type_is_list(enum schema_type type)
{
    return type == SCHEMA_TYPE_TEXT_LIST || type == SCHEMA_TYPE_BIGINT_LIST || type == SCHEMA_TYPE_DOUBLE_LIST;
}

static enum parquet_logical leaf_logical(enum schema_type type)
{
    if (type == SCHEMA_TYPE_DATE) return PARQUET_LOGICAL_DATE;
    if (type == SCHEMA_TYPE_TIMESTAMPTZ) return PARQUET_LOGICAL_TIMESTAMP_US;
    return table_leaf_type(type) == PARQUET_TYPE_BYTE_ARRAY ? PARQUET_LOGICAL_STRING : PARQUET_LOGICAL_NONE;
}

uint32_t table_elements(const struct schema_table *table, struct parquet_element elements[TABLE_ELEMENTS_MAX])
{
    uint32_t count = 1, children = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct schema_column *column = &table->columns[i];
        if (!schema_column_is_stored(column)) continue;
        children++;
        struct parquet_element leaf = {
            .name = column->name,
            .type = table_leaf_type(column->type),
            .repetition = (column->flags & SCHEMA_NOT_NULL) != 0 ? PARQUET_REQUIRED : PARQUET_OPTIONAL,
            .logical = leaf_logical(column->type),
            .field_id = (int32_t)i + 1,
        };
        if (table_type_is_list(column->type)) {
            elements[count++] =
                (struct parquet_element){ column->name, PARQUET_TYPE_GROUP, leaf.repetition, PARQUET_LOGICAL_LIST, 1,
                                          leaf.field_id };
            elements[count++] =
                (struct parquet_element){ "list", PARQUET_TYPE_GROUP, PARQUET_REPEATED, PARQUET_LOGICAL_NONE, 1, 0 };
            leaf.name = "element";
            leaf.repetition = PARQUET_OPTIONAL;
            leaf.field_id = 0;
        }
        elements[count++] = leaf;
    }
    elements[0] =
        (struct parquet_element){ "schema", PARQUET_TYPE_GROUP, PARQUET_REQUIRED, PARQUET_LOGICAL_NONE, children, 0 };
    return count;
}

struct parquet_element hidden_element(const char *name)
{
    return (struct parquet_element){
        .name = name,
        .type = PARQUET_TYPE_BYTE_ARRAY,
        .repetition = PARQUET_OPTIONAL,
        .logical = PARQUET_LOGICAL_STRING,
    };
}
