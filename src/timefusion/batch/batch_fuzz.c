/* Any bytes as a batch: what is taken is written again byte by byte the same, and what is not says why. */
#include "base/utf8.h"
#include "timefusion/batch/batch.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list_copy(struct batch *into, const struct batch_value *value)
{
    uint32_t count = value->list.count;
    if (value->type == SCHEMA_TYPE_TEXT_LIST) {
        struct bytes *texts = mem_calloc(count + 1u, sizeof *texts);
        const uint8_t *at = value->list.at;
        for (uint32_t i = 0; i < count; i++) texts[i] = batch_list_text(&at);
        batch_put_text_list(into, value->column, texts, count);
        free(texts);
    } else if (value->type == SCHEMA_TYPE_BIGINT_LIST) {
        int64_t *numbers = mem_calloc(count + 1u, sizeof *numbers);
        for (uint32_t i = 0; i < count; i++) numbers[i] = batch_list_int(value, i);
        batch_put_int_list(into, value->column, numbers, count);
        free(numbers);
    } else {
        double *numbers = mem_calloc(count + 1u, sizeof *numbers);
        for (uint32_t i = 0; i < count; i++) numbers[i] = batch_list_double(value, i);
        batch_put_double_list(into, value->column, numbers, count);
        free(numbers);
    }
}

static void value_copy(struct batch *into, const struct batch_value *value)
{
    switch (value->type) {
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT:
    case SCHEMA_TYPE_TIMESTAMPTZ: batch_put_int(into, value->column, value->integer); break;
    case SCHEMA_TYPE_DOUBLE: batch_put_double(into, value->column, value->number); break;
    case SCHEMA_TYPE_BOOLEAN: batch_put_bool(into, value->column, value->boolean); break;
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON:
        if (!utf8_is_valid(value->text)) abort();
        batch_put_text(into, value->column, value->text);
        break;
    default: list_copy(into, value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct batch_reader reader;
    struct batch_row row;
    struct batch again;
    struct err err = { 0 };
    bool fits = true;
    batch_init(&again, BATCH_BYTES_MAX);
    bool ok = batch_reader_init(&reader, bytes_from(data, size), &err);
    while (ok && fits && batch_reader_next(&reader, &row, &err)) {
        struct err full = { 0 };
        batch_row_begin(&again, row.table, row.timestamp_us);
        for (uint32_t v = 0; v < row.value_count; v++) {
            if (batch_row_value(&row, row.values[v].column) != &row.values[v]) abort();
            value_copy(&again, &row.values[v]);
        }
        fits = batch_row_end(&again, &full);
        if (!fits && full.code != ERR_TOO_LARGE) abort();
    }
    if (!ok && err.code == ERR_OK) abort();
    if (ok && fits && err.code == ERR_OK && batch_row_count(&again) > 0 &&
        !bytes_equal(buf_bytes(&again.bytes), bytes_from(data, size)))
        abort();
    batch_deinit(&again);
    return 0;
}
