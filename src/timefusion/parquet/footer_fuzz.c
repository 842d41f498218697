/* footer_fuzz -- footers from strangers: the reader, and the joiner that copies them.
 * The input is a footer without its trailer; [length][PAR1] is put behind, so that mutations reach the parsers. */
#include "base/disk_sim.h"
#include "timefusion/parquet/parquet.h"

#include <stdlib.h>

#define DATA_BYTES      (16 * 1024) /* where offsets of the corpus point */
#define INPUT_BYTES_MAX (1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void footer_try(struct bytes tail, const struct schema_table *table)
{
    struct parquet_footer *footer;
    struct err err = { .code = ERR_OK };
    size_t need;
    if (!parquet_footer_read(tail, DATA_BYTES + tail.len, table, &footer, &need, &err)) {
        assert(err.code != ERR_OK);
        return;
    }
    uint64_t rows = 0;
    for (uint32_t i = 0; i < footer->row_group_count; i++) {
        rows += footer->row_groups[i].row_count;
        for (uint32_t k = 0; k < table->column_count; k++) {
            const struct parquet_column_stats *column = &footer->row_groups[i].columns[k];
            assert(column->null_count <= column->value_count);
            assert(column->bloom_offset + column->bloom_bytes <= footer->file_bytes);
        }
    }
    assert(rows == footer->row_count);
    parquet_footer_destroy(footer);
}

static void join_try(struct bytes tail, const struct schema_table *table)
{
    struct disk_sim *sim = disk_sim_create(512);
    struct disk *disk = disk_sim_disk(sim);
    struct disk_file *in, *out;
    struct err err = { .code = ERR_OK };
    static const uint8_t data[DATA_BYTES] = "PAR1";
    struct bytes parts[] = { bytes_from(data, sizeof data), tail };
    int flags = DISK_READ | DISK_WRITE | DISK_CREATE;
    bool is_open = disk->ops->open(disk, "in", flags, &in, &err) && disk->ops->open(disk, "out", flags, &out, &err);
    assert(is_open);
    if (!disk->ops->pwrite(in, 0, parts, COUNT_OF(parts), &err)) abort();
    struct parquet_input inputs[2] = { { in, DATA_BYTES + tail.len }, { in, DATA_BYTES + tail.len } };
    struct parquet_footer *footer;
    uint64_t bytes;
    if (parquet_join(disk, inputs, COUNT_OF(inputs), table, out, false, &bytes, &footer, &err)) {
        assert(footer->file_bytes == bytes);
        parquet_footer_destroy(footer);
    }
    disk->ops->close(in);
    disk->ops->close(out);
    disk_sim_destroy(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_BYTES_MAX) return 0;
    uint8_t *tail = malloc(size + 8);
    uint32_t len = (uint32_t)size;
    if (size > 0) memcpy(tail, data, size);
    memcpy(tail + size, &len, sizeof len);
    memcpy(tail + size + sizeof len, "PAR1", 4);
    struct bytes bytes = { tail, size + 8 };
    for (int id = 0; id < SCHEMA_TABLE_COUNT; id++) footer_try(bytes, schema_table((enum schema_table_id)id));
    join_try(bytes, schema_table(SCHEMA_LOGS_AND_SPANS));
    free(tail);
    return 0;
}
