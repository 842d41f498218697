#include "timefusion/parquet/footer_select.h"
#include "timefusion/parquet/thrift.h"

static bool corrupt(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "not a Parquet footer: cut or garbled");
}

/* FileMetaData's fields 3 (row count) and 4 (row groups) made anew, the others as they are. */
static bool groups_put(struct thrift_reader *in, enum thrift_type type, const struct parquet_footer *footer,
                       uint64_t groups, struct thrift_writer *out)
{
    enum thrift_type element;
    uint32_t kept = 0, count = thrift_read_list(in, type, &element);
    if (in->failed || element != THRIFT_STRUCT || count != footer->row_group_count) return false;
    for (uint32_t g = 0; g < count; g++) kept += parquet_group_is_in(groups, g);
    thrift_put_list(out, 4, THRIFT_STRUCT, kept);
    for (uint32_t g = 0; g < count && !in->failed; g++) {
        const uint8_t *from = in->at;
        thrift_skip_element(in, element);
        if (!in->failed && parquet_group_is_in(groups, g)) thrift_raw(out, bytes_from(from, (size_t)(in->at - from)));
    }
    return !in->failed;
}

bool parquet_footer_select(struct bytes raw, const struct parquet_footer *footer, uint64_t groups, struct buf *out,
                           struct err *err)
{
    struct thrift_reader in;
    struct thrift_writer writer;
    struct thrift_field field = { .id = 0 };
    size_t begin = out->len;
    int64_t rows = 0;
    for (uint32_t g = 0; g < footer->row_group_count; g++)
        rows += parquet_group_is_in(groups, g) ? (int64_t)footer->row_groups[g].row_count : 0;
    thrift_reader_init(&in, raw);
    thrift_writer_init(&writer, out);
    while (thrift_field_next(&in, &field)) {
        const uint8_t *from = in.at;
        if (field.id == 4) {
            if (!groups_put(&in, field.type, footer, groups, &writer)) return corrupt(err);
            continue;
        }
        thrift_skip(&in, field.type);
        if (in.failed) return corrupt(err);
        if (field.id == 3)
            thrift_put_i64(&writer, 3, rows);
        else
            thrift_put_raw(&writer, field.id, field.type, bytes_from(from, (size_t)(in.at - from)));
    }
    if (in.failed) return corrupt(err);
    thrift_struct_end(&writer);
    uint32_t len = (uint32_t)(out->len - begin);
    if (writer.failed || !buf_add(out, &len, sizeof len) || !buf_add(out, "PAR1", 4))
        return err_set(err, ERR_TOO_LARGE, "Parquet footer is too large");
    return true;
}
