/* batch.h -- rows that SQL has written, of both tables, as bytes of one record of the buffer: all of them or none.
 *
 *   INSERT, COPY --batch_row_begin, batch_put_*, batch_row_end--> bytes --log or Kafka--> batch_reader_next --> worker
 *
 *   0  4  "MRB" and the version, 1
 *   4     rows:  0 4 bytes behind these   4 1 table   5 1 zero   6 2 value count   8 8 timestamp, us
 *               16   values: 0 2 field id (schema.h)  2 the value:
 *                    date, integer, bigint, timestamptz 8 | double 8 | boolean 1 | text, json, uuid 4 length, bytes
 *                    lists 4 count, elements: of numbers 8 each, of texts 4 length, bytes
 *   Numbers are little endian. Field ids rise within a row, so none comes twice; project, day and what is not stored are not
 *   in it. A column's type never changes (schemas/), so none is written.
 *
 * Thread: values of one owner. Memory: a writer's buffer up to bytes_max; a reader borrows the bytes.
 * Errors: ERR_TOO_LARGE a writer is full, and as it was before the row; ERR_CORRUPT what is read is no batch: bytes come from
 *         a disk or from Kafka, so the reader checks all of it: lengths, UTF-8, ranges of numbers. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "timefusion/schema/schema.h"

#define BATCH_BYTES_MAX  (64u << 20)
#define BATCH_HEAD_BYTES 4u
#define BATCH_DAYS_MAX   40 /* of a table: as a request of OTLP may have */

struct batch {
    struct buf bytes;
    uint64_t rows[SCHEMA_TABLE_COUNT];
    int32_t days[SCHEMA_TABLE_COUNT][BATCH_DAYS_MAX];
    uint32_t day_count[SCHEMA_TABLE_COUNT];
    /* the row under way */
    size_t row_at;
    enum schema_table_id table;
    uint16_t value_count;
    int last_column;
    bool is_full;
};
void batch_init(struct batch *batch, size_t bytes_max);
void batch_deinit(struct batch *batch);
static inline uint64_t batch_row_count(const struct batch *batch)
{
    return batch->rows[SCHEMA_LOGS_AND_SPANS] + batch->rows[SCHEMA_METRICS];
}
/* Empty again; gives large memory back. */
void batch_clear(struct batch *batch);

/* A state to come back to: of a savepoint, or before a statement that fails. */
struct batch_mark {
    size_t len;
    uint64_t rows[SCHEMA_TABLE_COUNT];
    uint32_t day_count[SCHEMA_TABLE_COUNT];
};
struct batch_mark batch_mark(const struct batch *batch);
void batch_cut(struct batch *batch, const struct batch_mark *mark);

/* Columns rise within a row; the timestamp is of row_begin, and is not put. What does not fit is told by batch_row_end. */
void batch_row_begin(struct batch *batch, enum schema_table_id table, int64_t timestamp_us);
void batch_put_int(struct batch *batch, uint32_t column, int64_t number); /* of SCHEMA_TYPE_INTEGER: within 32 bits */
void batch_put_double(struct batch *batch, uint32_t column, double number);
void batch_put_bool(struct batch *batch, uint32_t column, bool value);
void batch_put_text(struct batch *batch, uint32_t column, struct bytes text); /* valid UTF-8 */
void batch_put_text_list(struct batch *batch, uint32_t column, const struct bytes *texts, uint32_t count);
void batch_put_int_list(struct batch *batch, uint32_t column, const int64_t *numbers, uint32_t count);
void batch_put_double_list(struct batch *batch, uint32_t column, const double *numbers, uint32_t count);
MUST_CHECK bool batch_row_end(struct batch *batch, struct err *err);

struct batch_row;
/* A row of another batch, as it stands there. */
MUST_CHECK bool batch_row_add(struct batch *batch, const struct batch_row *row, struct err *err);

/* A value as it was put; lists by batch_list_*. */
struct batch_value {
    uint32_t column;
    enum schema_type type;
    union {
        int64_t integer;
        double number;
        bool boolean;
        struct bytes text;
        struct {
            const uint8_t *at;
            uint32_t count;
        } list;
    };
};
struct batch_row {
    enum schema_table_id table;
    int64_t timestamp_us;
    struct bytes whole; /* as it stands in the batch */
    const struct batch_value *values;
    uint32_t value_count;
};
struct batch_reader {
    const uint8_t *at, *end;
    struct batch_value values[SCHEMA_COLUMNS_MAX];
};
MUST_CHECK bool batch_reader_init(struct batch_reader *reader, struct bytes batch, struct err *err);
/* False at the end, and when err is set. The row is borrowed until the next. */
MUST_CHECK bool batch_reader_next(struct batch_reader *reader, struct batch_row *row, struct err *err);
const struct batch_value *batch_row_value(const struct batch_row *row, uint32_t column); /* NULL: it has none */
/* The next element of a list of texts; *at begins as list.at. */
struct bytes batch_list_text(const uint8_t **at);
/* Element i of a list of numbers. */
int64_t batch_list_int(const struct batch_value *value, uint32_t i);
double batch_list_double(const struct batch_value *value, uint32_t i);
