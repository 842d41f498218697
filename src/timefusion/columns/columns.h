/* columns.h -- rows of one table, one project and one day, held column by column until they are Parquet.
 *
 *   columns_row_begin -> columns_put_*(column, value) for each value that is not null -> columns_row_end
 *   strings: [dictionary hash -> id] while it pays, else plain; bytes are copied into the columns' own arena
 *   nulls cost nothing: a column keeps (row, value) pairs of its values only
 *
 * Rows stay in the order they came; the Parquet writer sorts a range of them. Any range [from, to) of rows can be
 * written, several times, while more rows are added behind (by the same thread).
 * Thread: one owner. Memory: columns_bytes tells what is held; freed as a whole. An untouched column holds nothing.
 * Limits: at most COLUMNS_ROWS_MAX rows. Every string must be valid UTF-8 and shorter than 2 GiB, every INTEGER and
 * DATE must fit 32 bits, each value its column's type (asserted). Puts to columns that are not stored are dropped. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "timefusion/schema/schema.h"

#define COLUMNS_ROWS_MAX 65536
struct columns;
struct columns *columns_create(const struct schema_table *table);
void columns_destroy(struct columns *columns);
void columns_reset(struct columns *columns); /* no rows; keeps some memory and what it learned about dictionaries */
void columns_trim(struct columns *columns);  /* when it has no rows: gives the memory back, keeps what it learned */
const struct schema_table *columns_table(const struct columns *columns);
uint32_t columns_row_count(const struct columns *columns);
size_t columns_bytes(const struct columns *columns);
int64_t columns_timestamp_min_us(const struct columns *columns, uint32_t from, uint32_t to);
int64_t columns_timestamp_max_us(const struct columns *columns, uint32_t from, uint32_t to);

/* Starts a row; its timestamp is put by this call. A value put twice in one row: the first stays (checked). */
uint32_t columns_row_begin(struct columns *columns, int64_t timestamp_us);
void columns_put_text(struct columns *columns, uint32_t column, struct bytes text); /* TEXT, JSON, UUID; copied */
void columns_put_int(struct columns *columns, uint32_t column, int64_t number); /* INTEGER BIGINT TIMESTAMPTZ DATE */
void columns_put_double(struct columns *columns, uint32_t column, double number);
void columns_put_bool(struct columns *columns, uint32_t column, bool value);
void columns_put_text_list(struct columns *columns, uint32_t column, const struct bytes *texts, uint32_t count);
void columns_put_int_list(struct columns *columns, uint32_t column, const uint64_t *numbers, uint32_t count);
void columns_put_double_list(struct columns *columns, uint32_t column, const double *numbers, uint32_t count);
/* For values that repeat over many rows (a resource's): a handle once, then a cheap put. Valid until columns_reset. */
uint32_t columns_text_handle(struct columns *columns, uint32_t column, struct bytes text);
void columns_put_text_handle(struct columns *columns, uint32_t column, uint32_t handle);
/* Room for len bytes in the columns' arena to write a text in place (JSON): reserve, write, then put what was used.
 * Valid until the next reserve; other puts may come between. A reservation may also be dropped. */
uint8_t *columns_text_reserve(struct columns *columns, size_t len_max);
void columns_put_text_reserved(struct columns *columns, uint32_t column, size_t len);
/* Ends the row; not_null columns must have been put (asserted). */
void columns_row_end(struct columns *columns);

/* memcpy without a call for the short texts that most are. Returns the place behind. */
static inline uint8_t *columns_text_copy(uint8_t *to, const uint8_t *from, size_t len)
{
    if (len > 64) return (uint8_t *)memcpy(to, from, len) + len;
    if (len >= 32) {
        uint64_t head[4], tail[4];
        memcpy(head, from, 32), memcpy(tail, from + len - 32, 32);
        memcpy(to, head, 32), memcpy(to + len - 32, tail, 32);
    } else if (len >= 16) {
        uint64_t head[2], tail[2];
        memcpy(head, from, 16), memcpy(tail, from + len - 16, 16);
        memcpy(to, head, 16), memcpy(to + len - 16, tail, 16);
    } else if (len >= 8) {
        uint64_t head, tail;
        memcpy(&head, from, 8), memcpy(&tail, from + len - 8, 8);
        memcpy(to, &head, 8), memcpy(to + len - 8, &tail, 8);
    } else if (len >= 4) {
        uint32_t head, tail;
        memcpy(&head, from, 4), memcpy(&tail, from + len - 4, 4);
        memcpy(to, &head, 4), memcpy(to + len - 4, &tail, 4);
    } else {
        for (size_t i = 0; i < len; i++) to[i] = from[i];
    }
    return to + len;
}

/* What the Parquet writer reads of one column: its values in row order. A list's elements are
 * [starts[i], i + 1 < value_count ? starts[i + 1] : element_count). Borrowed until the next put. */
enum columns_kind { COLUMNS_INT, COLUMNS_DOUBLE, COLUMNS_BOOL, COLUMNS_TEXT };
struct columns_view {
    enum columns_kind kind;
    bool is_list;
    uint32_t value_count, element_count; /* equal unless is_list */
    const uint16_t *rows;                /* by value: its row, rising */
    const uint32_t *starts;              /* by value, lists only */
    /* by element; a text is a record: 4 bytes of length, little endian, then the bytes */
    const int64_t *ints;
    const double *doubles;
    const uint8_t *bools;
    const uint8_t *const *records; /* NULL: by dictionary */
    const uint16_t *ids;
    const uint8_t *const *dictionary; /* records by id */
    uint32_t dictionary_count;
};
void columns_view(const struct columns *columns, uint32_t column, struct columns_view *view);
