#include "timefusion/parquet/column_write.h"
#include "timefusion/parquet/table_elements.h"

#include <stdlib.h>

#define MAGIC "PAR1"

struct parquet_writer {
    struct row_order order;
    struct column_sorter sorter;
    struct column_writer column;
    struct shredder *shredder;        /* NULL: none was needed yet */
    const struct schema_table *table; /* of the elements below */
    uint32_t element_count;
    struct parquet_element elements[TABLE_ELEMENTS_MAX + SHRED_KEYS_MAX];
    struct parquet_chunk chunks[SCHEMA_COLUMNS_MAX + SHRED_KEYS_MAX];
    char names[SHRED_KEYS_MAX][SHRED_NAME_BYTES]; /* of hidden columns */
};

struct parquet_writer *parquet_writer_create(void)
{
    struct parquet_writer *writer = mem_calloc(1, sizeof *writer);
    column_writer_init(&writer->column);
    return writer;
}

void parquet_writer_destroy(struct parquet_writer *writer)
{
    if (writer == NULL) return;
    row_order_deinit(&writer->order);
    column_sorter_deinit(&writer->sorter);
    column_writer_deinit(&writer->column);
    shredder_destroy(writer->shredder);
    free(writer);
}

void parquet_writer_set_level(struct parquet_writer *writer, int zstd_level)
{
    assert(zstd_level >= 1 && zstd_level <= PARQUET_ZSTD_LEVEL_MAX);
    writer->column.pages.zstd_level = zstd_level;
}

static bool chunk_make(struct parquet_writer *writer, const struct columns *columns, uint32_t column, uint32_t from,
                       uint32_t to, struct parquet_chunk *chunk, struct err *err)
{
    const struct schema_column *schema = &writer->table->columns[column];
    struct columns_view view;
    struct sorted_column sorted;
    uint32_t first = 0, end = 0;
    columns_view(columns, column, &view);
    uint32_t nullable = (schema->flags & SCHEMA_NOT_NULL) != 0 ? 0 : 1;
    struct column_shape shape = {
        .kind = view.kind,
        .type = table_leaf_type(schema->type),
        .is_list = view.is_list,
        .has_bloom = (schema->flags & SCHEMA_BLOOM) != 0,
        .definition_max = view.is_list ? nullable + 2 : nullable,
    };
    if (view.value_count > 0) row_order_values(&view, from, to, &first, &end);
    column_sort(&writer->sorter, &view, first, end, &writer->order, from, shape.definition_max, &sorted);
    return column_write(&writer->column, &shape, &view, &sorted, chunk, err) ||
           err_within(err, "column \"%s\"", schema->name);
}

/* The hidden columns: their chunks behind the table's, their elements behind the table's. */
static bool shreds_make(struct parquet_writer *writer, const struct columns *columns, uint32_t from, uint32_t to,
                        struct shreds *shreds, struct uuid project_id, uint32_t *leaf_count, uint32_t *element_count,
                        struct err *err)
{
    static const struct column_shape shape = { .kind = COLUMNS_TEXT,
                                               .type = PARQUET_TYPE_BYTE_ARRAY,
                                               .definition_max = 1 };
    struct shred_keys keys;
    uint32_t hidden = 0;
    shreds_choose(shreds, project_id, columns, from, to, &keys);
    if (keys.count == 0) return true;
    if (writer->shredder == NULL) writer->shredder = shredder_create();
    shredder_run(writer->shredder, columns, from, to, &keys);
    for (uint32_t k = 0; k < keys.count; k++) {
        struct columns_view view;
        struct sorted_column sorted;
        struct parquet_chunk *chunk = &writer->chunks[*leaf_count];
        if (shredder_is_full(writer->shredder, k)) {
            shreds_refuse(shreds, project_id, columns_table(columns), keys.texts[k]);
            continue;
        }
        shredder_view(writer->shredder, k, &view);
        memset(chunk, 0, offsetof(struct parquet_chunk, min));
        column_sort(&writer->sorter, &view, 0, view.value_count, &writer->order, from, shape.definition_max, &sorted);
        if (!column_write(&writer->column, &shape, &view, &sorted, chunk, err))
            return err_within(err, "hidden column of \"%s\"", keys.texts[k]);
        char *name = writer->names[hidden++];
        memcpy(name, SHRED_PREFIX, sizeof SHRED_PREFIX - 1);
        strcpy(name + sizeof SHRED_PREFIX - 1, keys.texts[k]); /* names has room for the longest */
        writer->elements[(*element_count)++] = hidden_element(name);
        (*leaf_count)++;
    }
    writer->elements[0].child_count += hidden;
    return true;
}

static bool file_make(struct parquet_writer *writer, struct columns *columns, uint32_t from, uint32_t to,
                      enum parquet_codec codec, struct shreds *shreds, struct uuid project_id, struct bytes *file,
                      struct err *err)
{
    assert(from < to);
    assert(to <= columns_row_count(columns));
    const struct schema_table *table = columns_table(columns);
    struct parquet_pages *pages = &writer->column.pages;
    if (writer->table != table) {
        writer->table = table;
        writer->element_count = table_elements(table, writer->elements);
    }
    row_order_make(&writer->order, columns, from, to);
    writer->column.codec = codec;
    writer->column.blooms.len = 0;
    pages->out.len = 0;
    pages->out_from = 0;
    if (!buf_add(&pages->out, MAGIC, sizeof MAGIC - 1)) return err_set(err, ERR_TOO_LARGE, "no room for a file");

    uint32_t leaf_count = 0, element_count = writer->element_count, children = writer->elements[0].child_count;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!schema_column_is_stored(&table->columns[i])) continue;
        struct parquet_chunk *chunk = &writer->chunks[leaf_count++];
        memset(chunk, 0, offsetof(struct parquet_chunk, min));
        if (!chunk_make(writer, columns, i, from, to, chunk, err)) return false;
    }
    if (shreds != NULL && !shreds_make(writer, columns, from, to, shreds, project_id, &leaf_count, &element_count, err))
        return false;
    /* Behind the data, so that a reader of the rows never passes over them. */
    uint64_t blooms_offset = parquet_pages_offset(pages);
    for (uint32_t i = 0; i < leaf_count; i++) writer->chunks[i].bloom_offset += blooms_offset;
    if (!buf_add(&pages->out, writer->column.blooms.ptr, writer->column.blooms.len)) {
        return err_set(err, ERR_TOO_LARGE, "file of %zu bytes", pages->out.len);
    }
    struct parquet_group group = { .row_count = to - from, .chunks = writer->chunks };
    bool is_good = parquet_footer_write(&pages->out, writer->elements, element_count, &group, 1, err);
    writer->elements[0].child_count = children;
    *file = buf_bytes(&pages->out);
    return is_good;
}

bool parquet_write(struct parquet_writer *writer, struct columns *columns, uint32_t from, uint32_t to,
                   enum parquet_codec codec, struct bytes *file, struct err *err)
{
    return file_make(writer, columns, from, to, codec, NULL, (struct uuid){ 0 }, file, err);
}

bool parquet_write_shredded(struct parquet_writer *writer, struct columns *columns, uint32_t from, uint32_t to,
                            enum parquet_codec codec, struct shreds *shreds, struct uuid project_id, struct bytes *file,
                            struct err *err)
{
    return file_make(writer, columns, from, to, codec, shreds, project_id, file, err);
}
