/* Commit files of strangers: any bytes end in an error or in a state that holds together. */
#include <stdlib.h>

#include "timefusion/delta/delta_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void snapshot_check(struct delta_catalog *catalog)
{
    struct delta_snapshot *snapshot = delta_catalog_acquire(catalog);
    for (uint32_t i = 0; i < snapshot->file_count; i++) {
        const struct delta_file *file = delta_snapshot_file(snapshot, i);
        uint32_t first, count;
        delta_snapshot_project(snapshot, file->project_id, &first, &count);
        if (i < first || i >= first + count || !object_key_is_valid(file->path) ||
            delta_catalog_find(catalog, file->path) != file || file->timestamp_min_us > file->timestamp_max_us)
            abort();
    }
    for (uint32_t i = 0; i < snapshot->txn_count; i++) {
        if (delta_snapshot_txn(snapshot, snapshot->txns[i].app_id) != (int64_t)snapshot->txns[i].version) abort();
    }
    delta_snapshot_release(snapshot);
}

/* Packed statistics are their own: unpacking and packing them gives them again. */
static bool stats_come_back(const struct delta_file *file)
{
    struct buf text, packed;
    buf_init(&text, 100 * DELTA_STATS_KEPT_MAX);
    buf_init(&packed, DELTA_STATS_KEPT_MAX);
    bool ok = delta_stats_unpack(&text, schema_table(SCHEMA_METRICS), file->stats) &&
              delta_stats_pack(&packed, schema_table(SCHEMA_METRICS), buf_bytes(&text)) &&
              bytes_equal(buf_bytes(&packed), file->stats);
    buf_deinit(&text);
    buf_deinit(&packed);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct schema_table *table;
    if (table == NULL) table = schema_table(SCHEMA_METRICS);
    struct delta_table it = { .options.table = table };
    struct err err = { 0 };
    delta_catalog_init(&it.catalog, table);
    /* Two commits of the input's halves: the second may remove or replace what the first added. */
    size_t half = size / 2;
    bool ok = delta_lines_apply(&it.catalog, &it.state, bytes_from(data, size), &err);
    delta_catalog_publish(&it.catalog, 1);
    struct delta_snapshot *first = delta_catalog_acquire(&it.catalog);
    if (!delta_lines_apply(&it.catalog, &it.state, bytes_from(data, half), &err)) ok = false;
    if (!delta_lines_apply(&it.catalog, &it.state, bytes_from(data + half, size - half), &err)) ok = false;
    delta_catalog_publish(&it.catalog, 2);
    snapshot_check(&it.catalog);
    if (ok && !delta_state_check(&it, &it.state, &err)) ok = false;
    if (!ok && (err.code == ERR_OK || err.text[0] == 0)) abort(); /* a refusal has words */
    for (uint32_t i = 0; i < first->file_count; i++) {
        if (strlen(delta_snapshot_file(first, i)->path) == 0 || !stats_come_back(delta_snapshot_file(first, i)))
            abort();
    }
    delta_snapshot_release(first);
    delta_catalog_deinit(&it.catalog);
    delta_state_deinit(&it.state);
    return 0;
}
