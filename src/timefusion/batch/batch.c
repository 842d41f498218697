#include "timefusion/batch/batch.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdlib.h>

#define ROW_HEAD_BYTES 16
#define KEPT_BYTES     (256u << 10)
#define US_PER_DAY     INT64_C(86400000000)

static const uint8_t head[BATCH_HEAD_BYTES] = { 'M', 'R', 'B', 1 };

void batch_init(struct batch *batch, size_t bytes_max)
{
    *batch = (struct batch){ 0 };
    buf_init(&batch->bytes, bytes_max);
}

void batch_deinit(struct batch *batch)
{
    buf_deinit(&batch->bytes);
}

void batch_clear(struct batch *batch)
{
    size_t bytes_max = batch->bytes.bytes_max;
    struct buf kept = batch->bytes;
    if (kept.cap > KEPT_BYTES) {
        buf_deinit(&kept);
        buf_init(&kept, bytes_max);
    }
    *batch = (struct batch){ .bytes = kept };
    batch->bytes.len = 0;
}

struct batch_mark batch_mark(const struct batch *batch)
{
    struct batch_mark mark = { .len = batch->bytes.len };
    memcpy(mark.rows, batch->rows, sizeof mark.rows);
    memcpy(mark.day_count, batch->day_count, sizeof mark.day_count);
    return mark;
}

void batch_cut(struct batch *batch, const struct batch_mark *mark)
{
    assert(mark->len <= batch->bytes.len);
    batch->bytes.len = mark->len;
    memcpy(batch->rows, mark->rows, sizeof batch->rows);
    memcpy(batch->day_count, mark->day_count, sizeof batch->day_count);
}

/* --- writing --- */

static void put_raw(struct batch *batch, const void *ptr, size_t len)
{
    batch->is_full = batch->is_full || (len > 0 && !buf_add(&batch->bytes, ptr, len));
}

static void put_u32(struct batch *batch, uint32_t number)
{
    uint8_t bytes[4] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), (uint8_t)(number >> 24) };
    put_raw(batch, bytes, sizeof bytes);
}

static void u64_write(uint8_t bytes[8], uint64_t number)
{
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(number >> (8 * i));
}

static void put_u64(struct batch *batch, uint64_t number)
{
    uint8_t bytes[8];
    u64_write(bytes, number);
    put_raw(batch, bytes, sizeof bytes);
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static enum schema_type type_of(const struct batch *batch, uint32_t column)
{
    return schema_table(batch->table)->columns[column].type;
}

static void value_begin(struct batch *batch, uint32_t column)
{
    const struct schema_table *table = schema_table(batch->table);
    assert(column < table->column_count && (int)column > batch->last_column);
    assert(schema_column_is_stored(&table->columns[column]) && column != table->timestamp);
    uint8_t id[2] = { (uint8_t)(column + 1), (uint8_t)((column + 1) >> 8) };
    batch->last_column = (int)column;
    batch->value_count++;
    put_raw(batch, id, sizeof id);
}

void batch_row_begin(struct batch *batch, enum schema_table_id table, int64_t timestamp_us)
{
    batch->is_full = false;
    batch->row_at = batch->bytes.len;
    if (batch->bytes.len == 0) put_raw(batch, head, sizeof head);
    batch->table = table;
    batch->value_count = 0;
    batch->last_column = -1;
    put_u64(batch, (uint64_t)table << 32); /* length and count: at the end */
    put_u64(batch, (uint64_t)timestamp_us);
}

void batch_put_int(struct batch *batch, uint32_t column, int64_t number)
{
    assert(type_of(batch, column) != SCHEMA_TYPE_INTEGER || number == (int32_t)number);
    value_begin(batch, column);
    put_u64(batch, (uint64_t)number);
}

void batch_put_double(struct batch *batch, uint32_t column, double number)
{
    value_begin(batch, column);
    put_u64(batch, bits_of(number));
}

void batch_put_bool(struct batch *batch, uint32_t column, bool value)
{
    uint8_t byte = value;
    value_begin(batch, column);
    put_raw(batch, &byte, 1);
}

void batch_put_text(struct batch *batch, uint32_t column, struct bytes text)
{
    assert(text.len <= BATCH_BYTES_MAX);
    value_begin(batch, column);
    put_u32(batch, (uint32_t)text.len);
    put_raw(batch, text.ptr, text.len);
}

void batch_put_text_list(struct batch *batch, uint32_t column, const struct bytes *texts, uint32_t count)
{
    value_begin(batch, column);
    put_u32(batch, count);
    for (uint32_t i = 0; i < count && !batch->is_full; i++) {
        put_u32(batch, (uint32_t)texts[i].len);
        put_raw(batch, texts[i].ptr, texts[i].len);
    }
}

void batch_put_int_list(struct batch *batch, uint32_t column, const int64_t *numbers, uint32_t count)
{
    value_begin(batch, column);
    put_u32(batch, count);
    for (uint32_t i = 0; i < count && !batch->is_full; i++) put_u64(batch, (uint64_t)numbers[i]);
}

void batch_put_double_list(struct batch *batch, uint32_t column, const double *numbers, uint32_t count)
{
    value_begin(batch, column);
    put_u32(batch, count);
    for (uint32_t i = 0; i < count && !batch->is_full; i++) put_u64(batch, bits_of(numbers[i]));
}

/* False: it is one too many. Days mostly come side by side. */
static bool day_note(struct batch *batch, int64_t timestamp_us)
{
    int32_t day = (int32_t)(timestamp_us / US_PER_DAY - (timestamp_us % US_PER_DAY < 0));
    int32_t *days = batch->days[batch->table];
    uint32_t count = batch->day_count[batch->table];
    for (uint32_t d = count; d > 0; d--)
        if (days[d - 1] == day) return true;
    if (count == BATCH_DAYS_MAX) return false;
    days[batch->day_count[batch->table]++] = day;
    return true;
}

static int64_t i64_at(const uint8_t *at)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) number |= (uint64_t)at[i] << (8 * i);
    return (int64_t)number;
}

static uint32_t u32_at(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool batch_row_end(struct batch *batch, struct err *err)
{
    size_t from = batch->row_at == 0 ? BATCH_HEAD_BYTES : batch->row_at;
    if (batch->is_full) {
        batch->bytes.len = batch->row_at;
        return err_set(err, ERR_TOO_LARGE, "more than %zu bytes of rows at once; write them in several statements",
                       batch->bytes.bytes_max);
    }
    uint8_t *at = batch->bytes.ptr + from;
    if (!day_note(batch, i64_at(at + 8))) {
        batch->bytes.len = batch->row_at;
        return err_set(err, ERR_TOO_LARGE,
                       "rows of more than %d days at once; write them in several statements, sorted by timestamp",
                       BATCH_DAYS_MAX);
    }
    uint32_t behind = (uint32_t)(batch->bytes.len - from - 4);
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(behind >> (8 * i));
    at[6] = (uint8_t)batch->value_count;
    at[7] = (uint8_t)(batch->value_count >> 8);
    batch->rows[batch->table]++;
    return true;
}

bool batch_row_add(struct batch *batch, const struct batch_row *row, struct err *err)
{
    batch->is_full = false;
    batch->row_at = batch->bytes.len;
    batch->table = row->table;
    batch->value_count = (uint16_t)row->value_count;
    if (batch->bytes.len == 0) put_raw(batch, head, sizeof head);
    put_raw(batch, row->whole.ptr, row->whole.len);
    return batch_row_end(batch, err);
}

/* --- reading --- */

static bool corrupt(const struct batch_reader *reader, struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "rows written by SQL cannot be read: %s, %td bytes before their end", what,
                   reader->end - reader->at);
}

bool batch_reader_init(struct batch_reader *reader, struct bytes batch, struct err *err)
{
    reader->at = batch.ptr;
    reader->end = batch.ptr + batch.len;
    if (batch.len < BATCH_HEAD_BYTES || memcmp(batch.ptr, head, BATCH_HEAD_BYTES - 1) != 0)
        return corrupt(reader, err, "they do not begin as such");
    if (batch.ptr[BATCH_HEAD_BYTES - 1] != head[BATCH_HEAD_BYTES - 1])
        return err_set(err, ERR_UNSUPPORTED, "rows written by SQL are of version %u, which this server does not know",
                       batch.ptr[BATCH_HEAD_BYTES - 1]);
    reader->at += BATCH_HEAD_BYTES;
    return true;
}

static bool text_take(const uint8_t **at, const uint8_t *end, struct bytes *text)
{
    if (end - *at < 4) return false;
    uint32_t len = u32_at(*at);
    *at += 4;
    if ((size_t)(end - *at) < len) return false;
    *text = bytes_from(*at, len);
    *at += len;
    return utf8_is_valid(*text);
}

static bool list_take(const uint8_t **at, const uint8_t *end, struct batch_value *value)
{
    if (end - *at < 4) return false;
    value->list.count = u32_at(*at);
    *at += 4;
    value->list.at = *at;
    if (value->type != SCHEMA_TYPE_TEXT_LIST) {
        if ((size_t)(end - *at) / 8 < value->list.count) return false;
        *at += (size_t)value->list.count * 8;
        return true;
    }
    struct bytes text;
    for (uint32_t i = 0; i < value->list.count; i++)
        if (!text_take(at, end, &text)) return false;
    return true;
}

static bool value_take(const uint8_t **at, const uint8_t *end, struct batch_value *value)
{
    size_t left = (size_t)(end - *at);
    switch (value->type) {
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT:
    case SCHEMA_TYPE_TIMESTAMPTZ:
        if (left < 8) return false;
        value->integer = i64_at(*at);
        *at += 8;
        return value->type == SCHEMA_TYPE_BIGINT || value->type == SCHEMA_TYPE_TIMESTAMPTZ ||
               value->integer == (int32_t)value->integer;
    case SCHEMA_TYPE_DOUBLE: {
        if (left < 8) return false;
        int64_t bits = i64_at(*at);
        memcpy(&value->number, &bits, sizeof bits);
        *at += 8;
        return true;
    }
    case SCHEMA_TYPE_BOOLEAN:
        if (left < 1 || **at > 1) return false;
        value->boolean = *(*at)++;
        return true;
    case SCHEMA_TYPE_UUID: return text_take(at, end, &value->text) && value->text.len == 36;
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: return text_take(at, end, &value->text);
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: return list_take(at, end, value);
    }
    return false;
}

bool batch_reader_next(struct batch_reader *reader, struct batch_row *row, struct err *err)
{
    size_t left = (size_t)(reader->end - reader->at);
    if (left == 0) return false;
    const uint8_t *at = reader->at;
    if (left < ROW_HEAD_BYTES || u32_at(at) > left - 4 || u32_at(at) < ROW_HEAD_BYTES - 4 ||
        at[4] >= SCHEMA_TABLE_COUNT || at[5] != 0)
        return corrupt(reader, err, "a row's head is wrong");
    const uint8_t *end = at + 4 + u32_at(at);
    uint32_t count = at[6] | (uint32_t)at[7] << 8;
    const struct schema_table *table = schema_table((enum schema_table_id)at[4]);
    int last = -1;
    *row = (struct batch_row){ .table = table->id,
                               .timestamp_us = i64_at(at + 8),
                               .whole = bytes_from(at, (size_t)(end - at)),
                               .values = reader->values,
                               .value_count = count };
    if (count > table->column_count) return corrupt(reader, err, "a row has more values than there are columns");
    at += ROW_HEAD_BYTES;
    for (uint32_t v = 0; v < count; v++) {
        if (end - at < 2) return corrupt(reader, err, "a row ends early");
        uint32_t id = at[0] | (uint32_t)at[1] << 8;
        at += 2;
        if (id == 0 || id > table->column_count || (int)id - 1 <= last || id - 1 == table->timestamp ||
            !schema_column_is_stored(&table->columns[id - 1]))
            return corrupt(reader, err, "a value is of no column");
        last = (int)id - 1;
        reader->values[v] = (struct batch_value){ .column = id - 1, .type = table->columns[id - 1].type };
        if (!value_take(&at, end, &reader->values[v])) return corrupt(reader, err, "a value is not of its type");
    }
    if (at != end) return corrupt(reader, err, "a row has bytes too many");
    reader->at = end;
    return true;
}

const struct batch_value *batch_row_value(const struct batch_row *row, uint32_t column)
{
    for (uint32_t v = 0; v < row->value_count && row->values[v].column <= column; v++)
        if (row->values[v].column == column) return &row->values[v];
    return NULL;
}

struct bytes batch_list_text(const uint8_t **at)
{
    uint32_t len = u32_at(*at);
    struct bytes text = bytes_from(*at + 4, len);
    *at += 4 + len;
    return text;
}

int64_t batch_list_int(const struct batch_value *value, uint32_t i)
{
    return i64_at(value->list.at + (size_t)i * 8);
}

double batch_list_double(const struct batch_value *value, uint32_t i)
{
    int64_t bits = batch_list_int(value, i);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}
