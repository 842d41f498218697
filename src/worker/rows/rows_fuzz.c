/* Any bytes as each of the three signals, decoded and built: every row whole, every JSON one that reads back, and the
 * same again from the same bytes. */
#include <stdlib.h>

#include "base/utf8.h"
#include "worker/rows/rows.h"
#include "worker/rows/rows_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct columns *fuzz_columns(void *ctx, enum schema_table_id table, int32_t day)
{
    (void)day;
    struct columns **columns = ctx;
    if (columns[table] == NULL) columns[table] = columns_create(schema_table(table));
    return columns[table];
}
static bool fuzz_row_done(void *ctx, struct columns *columns)
{
    (void)ctx;
    return columns_row_count(columns) % 7 != 0; /* handles must be made anew */
}

/* Everything that a listener is told must be there to be read. */
static void fuzz_row(void *ctx, const struct rows_row *row)
{
    (void)ctx;
    const struct bytes texts[] = { row->service,      row->endpoint,       row->method,    row->route,
                                   row->peer_service, row->server_address, row->db_system, row->messaging_destination };
    if (row->kind >= ROWS_KIND_COUNT || row->attributes == NULL) abort();
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (!utf8_is_valid(texts[i])) abort();
    }
    for (uint32_t i = 0; i < row->attribute_count; i++) {
        if (!utf8_is_valid(row->attributes[i].key) || row->attributes[i].value->type > OTLP_BYTES) abort();
    }
    for (uint32_t i = 0; i < row->resource_attribute_count; i++) {
        if (!utf8_is_valid(row->resource_attributes[i].key)) abort();
    }
}

static struct bytes record_text(const uint8_t *record)
{
    uint32_t len;
    memcpy(&len, record, sizeof len);
    return bytes_from(record + sizeof len, len);
}

static void check_json(struct bytes text)
{
    struct buf whole;
    buf_init(&whole, text.len + 16);
    bool is_object = text.len > 0 && text.ptr[0] == '{';
    if (!is_object && !buf_add(&whole, "{\"a\":", 5)) abort();
    if (!buf_add(&whole, text.ptr, text.len)) abort();
    if (!is_object && !buf_add(&whole, "}", 1)) abort();
    uint8_t *room = mem_alloc(whole.len);
    if (json_compact_object(room, buf_bytes(&whole)).end == NULL) abort();
    free(room);
    buf_deinit(&whole);
}

static struct bytes element_text(const struct columns_view *view, uint32_t i)
{
    return record_text(view->records != NULL ? view->records[i] : view->dictionary[view->ids[i]]);
}

/* The rows were put twice: the second half must say what the first does. */
static void check_columns(const struct columns *columns)
{
    const struct schema_table *table = columns_table(columns);
    uint32_t row_count = columns_row_count(columns);
    for (uint32_t c = 0; c < table->column_count; c++) {
        struct columns_view view;
        if (!schema_column_is_stored(&table->columns[c])) continue;
        columns_view(columns, c, &view);
        if (view.value_count % 2 != 0 || view.element_count % 2 != 0) abort();
        uint32_t half = view.element_count / 2;
        for (uint32_t i = 0; i < view.value_count; i++) {
            if (view.rows[i] >= row_count) abort();
        }
        if (view.kind != COLUMNS_TEXT) continue;
        for (uint32_t i = 0; i < view.element_count; i++) {
            struct bytes text = element_text(&view, i);
            if (!utf8_is_valid(text)) abort();
            if (i >= half && !bytes_equal(text, element_text(&view, i - half))) abort();
            if (table->columns[c].type == SCHEMA_TYPE_JSON) check_json(text);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct uuid project = { { 1, 2, 3 } };
    static const bool wants_attributes = true;
    struct otlp_limits limits = otlp_limits_default;
    limits.days_max = 3;
    for (int signal = OTLP_LOGS; signal <= OTLP_METRICS; signal++) {
        struct otlp_request request;
        struct err err = { 0 };
        otlp_request_init(&request);
        struct bytes body = bytes_from(data, size);
        if (otlp_decode(&request, (enum otlp_signal)signal, body, INT64_C(1763800000000000), &limits, &err) &&
            otlp_record_count(&request) < COLUMNS_ROWS_MAX / 2) {
            struct columns *columns[SCHEMA_TABLE_COUNT] = { NULL };
            struct rows_sink sink = { .columns = fuzz_columns,
                                      .row_done = fuzz_row_done,
                                      .ctx = columns,
                                      .row = fuzz_row,
                                      .wants_attributes = &wants_attributes };
            struct rows *rows = rows_create(&(struct rows_options){ .attribute_keys_max = 1000 });
            rows_build(rows, project, &request, &sink);
            rows_build(rows, project, &request, &sink);
            for (int table = 0; table < SCHEMA_TABLE_COUNT; table++) {
                if (columns[table] == NULL) continue;
                if (columns_row_count(columns[table]) != 2 * otlp_record_count(&request)) abort();
                check_columns(columns[table]);
                columns_destroy(columns[table]);
            }
            rows_destroy(rows);
        }
        otlp_request_deinit(&request);
    }
    return 0;
}
