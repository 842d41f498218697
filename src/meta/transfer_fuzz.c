/* Lines of a backup of strangers: any bytes end in an error with words or in rows that fit their table. */
#include "meta/transfer_inside.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool table_take(void *ctx, const struct transfer_table *table, struct err *err)
{
    (void)err;
    if (table->column_count == 0 || table->column_count > TRANSFER_COLUMNS_MAX || table->name[0] == '\0') abort();
    *(size_t *)ctx = table->column_count;
    return true;
}

static bool row_take(void *ctx, const struct db_value *values, struct err *err)
{
    volatile uint64_t seen = 0;
    (void)err;
    for (size_t c = 0; c < *(size_t *)ctx; c++) {
        seen += values[c].is_null;
        if (values[c].is_null || (values[c].type != DB_TEXT && values[c].type != DB_BYTES)) continue;
        for (size_t b = 0; b < values[c].bytes.len; b++) seen += values[c].bytes.ptr[b];
    }
    (void)seen;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    size_t columns = 0;
    struct transfer_sink sink = { table_take, row_take, &columns };
    struct transfer_reader *reader = malloc(sizeof *reader);
    bool ok = true;
    transfer_read_init(reader, &sink);
    while (ok && size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        ok = transfer_read_line(reader, bytes_from(data, len), &err);
        data += end ? len + 1 : len;
        size -= end ? len + 1 : len;
    }
    if (!ok && (err.code == ERR_OK || err.text[0] == '\0')) abort();
    free(reader);
    return 0;
}
