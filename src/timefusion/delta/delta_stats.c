/* delta_stats.c -- the statistics of an add action, from the file's footer.
 *
 * Readers skip files by them, so a bound may be too wide and never too narrow. What is written is what can pay: min and max
 * of numbers, times and texts, but not of JSON or booleans, nor of bloom columns (random ids; asked for by equality, which
 * Parquet's own bloom filters answer); null counts of those columns, and of columns that have no value in the file at all.
 * Which columns have bounds does not depend on the file, and other writers are told (delta.dataSkippingStatsColumns): a
 * reader may take a bound that only some files have for null in the others, and drop their rows (delta-rs 1.6 does).
 * The text stays under DELTA_STATS_BYTES_MAX: it is kept in memory for each live file. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/utf8.h"
#include "timefusion/delta/delta_text.h"

/* Where the next character begins; text must be valid UTF-8. */
static size_t character_end(struct bytes text, size_t at)
{
    for (at++; at < text.len && (text.ptr[at] & 0xC0) == 0x80; at++) continue;
    return at;
}

static size_t characters_cut(struct bytes text, uint32_t characters_max)
{
    size_t at = 0;
    for (uint32_t count = 0; at < text.len && count < characters_max; count++) at = character_end(text, at);
    return at;
}

static uint32_t character_decode(const uint8_t *at, size_t len)
{
    if (len == 1) return at[0];
    uint32_t code = at[0] & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) code = code << 6 | (at[i] & 0x3Fu);
    return code;
}

static size_t character_encode(uint32_t code, uint8_t at[4])
{
    if (code < 0x80) return at[0] = (uint8_t)code, 1;
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6) at[i] = (uint8_t)(0x80 | (code & 0x3F));
    at[0] = (uint8_t)((0xF00u >> len) | code);
    return len;
}

bool delta_text_upper(struct bytes text, uint32_t characters_max, struct buf *out)
{
    size_t len = characters_cut(text, characters_max);
    if (len == text.len) return buf_add(out, text.ptr, text.len);
    /* The last character that has a next one is raised; what follows it goes. UTF-8 sorts as its code points do. */
    while (len > 0) {
        size_t from = len - 1;
        while (from > 0 && (text.ptr[from] & 0xC0) == 0x80) from--;
        uint32_t code = character_decode(text.ptr + from, len - from);
        if (code < 0x10FFFF) {
            uint8_t raised[4];
            size_t raised_len = character_encode(code == 0xD7FF ? 0xE000 : code + 1, raised);
            return buf_add(out, text.ptr, from) && buf_add(out, raised, raised_len);
        }
        len = from;
    }
    return false;
}

struct stats {
    struct buf min, max, nulls;
    struct buf upper;
};

static bool name_put(struct buf *buf, const char *name)
{
    return (buf->len == 0 || buf_add(buf, ",", 1)) && delta_put_json_text(buf, bytes_of_text(name)) &&
           buf_add(buf, ":", 1);
}

static bool number_put(struct buf *buf, double number)
{
    if (!buf_reserve(buf, JSON_NUMBER_BYTES_MAX)) return false;
    buf->len = (size_t)(json_put_double(buf->ptr + buf->len, number) - buf->ptr);
    return true;
}

/* One bound; false also when it cannot be told in JSON. */
static bool bound_put(struct stats *stats, struct buf *buf, const struct schema_column *column,
                      const struct parquet_column_stats *from, bool is_max)
{
    char text[32];
    switch (column->type) {
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT: return buf_printf(buf, "%" PRId64, is_max ? from->max.integer : from->min.integer);
    case SCHEMA_TYPE_DATE:
        date_text((int32_t)(is_max ? from->max.integer : from->min.integer), text);
        return buf_printf(buf, "\"%s\"", text);
    case SCHEMA_TYPE_TIMESTAMPTZ:
        return delta_time_text(is_max ? from->max.integer : from->min.integer, is_max, text) &&
               buf_printf(buf, "\"%s\"", text);
    case SCHEMA_TYPE_DOUBLE: return number_put(buf, is_max ? from->max.number : from->min.number);
    case SCHEMA_TYPE_TEXT:
        if (!is_max) {
            struct bytes min = from->min.text;
            return delta_put_json_text(buf, bytes_from(min.ptr, characters_cut(min, DELTA_STATS_TEXT_MAX)));
        }
        stats->upper.len = 0;
        return delta_text_upper(from->max.text, DELTA_STATS_TEXT_MAX, &stats->upper) &&
               delta_put_json_text(buf, buf_bytes(&stats->upper));
    default: return false;
    }
}

/* Has a file with values in the column bounds of it? But for doubles that are not finite, texts that are not UTF-8. */
static bool column_has_bounds(const struct schema_column *column)
{
    if (!schema_column_is_stored(column) || (column->flags & SCHEMA_BLOOM)) return false;
    return column->type == SCHEMA_TYPE_DATE || column->type == SCHEMA_TYPE_TIMESTAMPTZ ||
           column->type == SCHEMA_TYPE_INTEGER || column->type == SCHEMA_TYPE_BIGINT ||
           column->type == SCHEMA_TYPE_DOUBLE || column->type == SCHEMA_TYPE_TEXT;
}

bool delta_put_stats_columns(struct buf *buf, const struct schema_table *table)
{
    bool ok = true, first = true;
    for (uint32_t i = 0; ok && i < table->column_count; i++) {
        if (!column_has_bounds(&table->columns[i])) continue;
        ok = buf_printf(buf, "%s%s", first ? "" : ",", table->columns[i].name);
        first = false;
    }
    return ok;
}

static bool bounds_pay(const struct schema_column *column, const struct parquet_column_stats *from)
{
    if (!from->has_min_max || !column_has_bounds(column)) return false;
    if (column->type == SCHEMA_TYPE_DOUBLE) return isfinite(from->min.number) && isfinite(from->max.number);
    if (column->type == SCHEMA_TYPE_TEXT) return utf8_is_valid(from->min.text) && utf8_is_valid(from->max.text);
    return true;
}

/* Min, max and null count of one column, all or nothing. */
static void column_put(struct stats *stats, const struct schema_column *column, const struct parquet_column_stats *from,
                       bool with_bounds)
{
    size_t min_len = stats->min.len, max_len = stats->max.len, nulls_len = stats->nulls.len;
    bool ok = name_put(&stats->nulls, column->name) && buf_printf(&stats->nulls, "%" PRIu64, from->null_count);
    if (with_bounds) {
        ok = ok && name_put(&stats->min, column->name) && bound_put(stats, &stats->min, column, from, false) &&
             name_put(&stats->max, column->name) && bound_put(stats, &stats->max, column, from, true);
    }
    size_t bytes = stats->min.len + stats->max.len + stats->nulls.len;
    if (ok && bytes <= DELTA_STATS_BYTES_MAX) return;
    stats->min.len = min_len, stats->max.len = max_len, stats->nulls.len = nulls_len;
}

bool delta_put_stats(struct buf *buf, const struct parquet_footer *footer)
{
    struct stats stats;
    buf_init(&stats.min, 64 * 1024);
    buf_init(&stats.max, 64 * 1024);
    buf_init(&stats.nulls, 64 * 1024);
    buf_init(&stats.upper, 4096);
    const struct schema_table *table = footer->table;
    for (uint32_t pass = 0; pass < 2; pass++) { /* values first: they pay most, should the room run out */
        for (uint32_t i = 0; i < table->column_count; i++) {
            const struct schema_column *column = &table->columns[i];
            const struct parquet_column_stats *from = &footer->file_columns[i];
            bool is_scalar = column->type != SCHEMA_TYPE_TEXT_LIST && column->type != SCHEMA_TYPE_BIGINT_LIST &&
                             column->type != SCHEMA_TYPE_DOUBLE_LIST;
            if (!schema_column_is_stored(column) || !is_scalar || from->null_count > footer->row_count) continue;
            bool pays = bounds_pay(column, from);
            if (pass == 0 && pays) column_put(&stats, column, from, true);
            if (pass == 1 && !pays && from->null_count == footer->row_count) column_put(&stats, column, from, false);
        }
    }
    bool ok = buf_printf(buf, "{\"numRecords\":%" PRIu64 ",\"minValues\":{", footer->row_count) &&
              buf_add(buf, stats.min.ptr, stats.min.len) && buf_printf(buf, "},\"maxValues\":{") &&
              buf_add(buf, stats.max.ptr, stats.max.len) && buf_printf(buf, "},\"nullCount\":{") &&
              buf_add(buf, stats.nulls.ptr, stats.nulls.len) && buf_printf(buf, "}}");
    buf_deinit(&stats.min);
    buf_deinit(&stats.max);
    buf_deinit(&stats.nulls);
    buf_deinit(&stats.upper);
    return ok;
}

/* -- packing ---------------------------------------------------------------------------------------------------- */

enum { PACKED_NAME = 0xFF }; /* never in UTF-8; then the column's index */
static_assert(SCHEMA_COLUMNS_MAX <= 256, "an index is one byte");

/* Where the quoted text that begins at from ends, behind its quote; 0 when it does not. */
static size_t quoted_end(struct bytes text, size_t from)
{
    for (size_t at = from + 1; at < text.len;) {
        const uint8_t *quote = memchr(text.ptr + at, '"', text.len - at);
        if (quote == NULL) return 0;
        const uint8_t *back = quote;
        while (back > text.ptr + from + 1 && back[-1] == '\\') back--;
        at = (size_t)(quote - text.ptr) + 1;
        if ((quote - back) % 2 == 0) return at;
    }
    return 0;
}

bool delta_stats_pack(struct buf *buf, const struct schema_table *table, struct bytes stats)
{
    if (stats.len == 0) return true;
    if (memchr(stats.ptr, PACKED_NAME, stats.len)) return false; /* no UTF-8, so no JSON */
    if (!buf_reserve(buf, stats.len)) return false;
    uint8_t *out = buf->ptr + buf->len; /* a name takes less room than it had */
    size_t copied = 0;                  /* of stats */
    for (size_t at = 0; at < stats.len;) {
        const uint8_t *quote = memchr(stats.ptr + at, '"', stats.len - at);
        size_t from = quote ? (size_t)(quote - stats.ptr) : stats.len, end = quote ? quoted_end(stats, from) : 0;
        if (end == 0) break;
        at = end;
        if (end == stats.len || stats.ptr[end] != ':') continue;
        int column = schema_column_index(table, bytes_from(stats.ptr + from + 1, end - from - 2));
        if (column < 0) continue;
        memcpy(out, stats.ptr + copied, from - copied);
        out += from - copied;
        *out++ = PACKED_NAME;
        *out++ = (uint8_t)column;
        copied = at = end + 1;
    }
    memcpy(out, stats.ptr + copied, stats.len - copied);
    buf->len = (size_t)(out + (stats.len - copied) - buf->ptr);
    return true;
}

bool delta_stats_unpack(struct buf *buf, const struct schema_table *table, struct bytes packed)
{
    for (size_t at = 0; at < packed.len;) {
        const uint8_t *mark = memchr(packed.ptr + at, PACKED_NAME, packed.len - at);
        size_t end = mark ? (size_t)(mark - packed.ptr) : packed.len;
        if (!buf_add(buf, packed.ptr + at, end - at)) return false;
        if (mark == NULL) return true;
        assert(end + 1 < packed.len && packed.ptr[end + 1] < table->column_count);
        if (!buf_printf(buf, "\"%s\":", table->columns[packed.ptr[end + 1]].name)) return false;
        at = end + 2;
    }
    return true;
}
