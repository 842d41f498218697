#include "timefusion/parquet/hidden.h"
#include "timefusion/parquet/thrift.h"
#include <stdlib.h>

#define SCHEMA_BYTES_MAX (1u << 20)

uint32_t hidden_leaf_count(const struct schema_table *table)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < table->column_count; c++) count += schema_column_is_stored(&table->columns[c]);
    return count;
}

void hidden_schema_make(const struct schema_table *table, const struct hidden *hidden, struct buf *out,
                        struct bytes *schema, struct bytes *orders)
{
    struct parquet_element *elements = mem_alloc((TABLE_ELEMENTS_MAX + SHRED_KEYS_MAX) * sizeof *elements);
    char names[SHRED_KEYS_MAX][SHRED_NAME_BYTES];
    uint32_t count = table_elements(table, elements);
    for (uint32_t k = 0; k < hidden->count; k++) {
        struct bytes key = hidden->keys[k];
        assert(key.len <= SHRED_KEY_BYTES_MAX);
        memcpy(names[k], SHRED_PREFIX, sizeof SHRED_PREFIX - 1);
        memcpy(names[k] + sizeof SHRED_PREFIX - 1, key.ptr, key.len);
        names[k][sizeof SHRED_PREFIX - 1 + key.len] = '\0';
        elements[count++] = hidden_element(names[k]);
    }
    elements[0].child_count += hidden->count;
    struct thrift_writer thrift;
    size_t begin = out->len;
    thrift_writer_init(&thrift, out);
    parquet_schema_write(&thrift, elements, count);
    size_t schema_bytes = out->len - begin;
    parquet_orders_write(&thrift, hidden_leaf_count(table) + hidden->count);
    free(elements);
    *schema = bytes_from(out->ptr + begin, schema_bytes);
    *orders = bytes_from(out->ptr + begin + schema_bytes, out->len - begin - schema_bytes);
}

static struct bytes name_read(struct thrift_reader *thrift)
{
    struct thrift_field field = { .id = 0 };
    struct bytes name = { 0 };
    while (thrift_field_next(thrift, &field)) {
        if (field.id == 4)
            name = thrift_read_binary(thrift, field.type);
        else
            thrift_skip(thrift, field.type);
    }
    return name;
}

/* Elements behind the table's are hidden columns or none of ours; the whole is held against what we would write. */
bool hidden_read(struct bytes schema, struct bytes orders, const struct schema_table *table, struct hidden *hidden)
{
    struct parquet_element *elements = mem_alloc(TABLE_ELEMENTS_MAX * sizeof *elements);
    struct thrift_reader thrift;
    struct bytes made_schema, made_orders;
    struct buf made;
    enum thrift_type type;
    size_t prefix = sizeof SHRED_PREFIX - 1;
    uint32_t own = table_elements(table, elements);
    free(elements);
    *hidden = (struct hidden){ 0 };
    if (schema.len == 0) return false;
    thrift_reader_init(&thrift, schema);
    uint32_t count = thrift_read_list(&thrift, THRIFT_LIST, &type);
    if (thrift.failed || type != THRIFT_STRUCT || count < own || count > own + SHRED_KEYS_MAX) return false;
    for (uint32_t i = 0; i < count && !thrift.failed; i++) {
        struct bytes name = name_read(&thrift);
        if (i < own) continue;
        if (name.len <= prefix || memcmp(name.ptr, SHRED_PREFIX, prefix) != 0) return false;
        struct bytes key = { name.ptr + prefix, name.len - prefix };
        if (!shred_key_is_plain(key)) return false;
        if (hidden->count > 0 && bytes_compare(hidden->keys[hidden->count - 1], key) >= 0) return false;
        hidden->keys[hidden->count++] = key;
    }
    if (thrift.failed) return false;
    buf_init(&made, SCHEMA_BYTES_MAX);
    hidden_schema_make(table, hidden, &made, &made_schema, &made_orders);
    bool is_ours = bytes_equal(schema, made_schema) && bytes_equal(orders, made_orders);
    buf_deinit(&made);
    return is_ours;
}

bool hidden_has(const struct hidden *hidden, struct bytes key)
{
    for (uint32_t k = 0; k < hidden->count; k++)
        if (bytes_equal(hidden->keys[k], key)) return true;
    return false;
}

void hidden_meet(struct hidden *a, const struct hidden *b)
{
    uint32_t kept = 0;
    for (uint32_t k = 0; k < a->count; k++)
        if (hidden_has(b, a->keys[k])) a->keys[kept++] = a->keys[k];
    a->count = kept;
}
