#include "timefusion/pgwire/copy.h"
#include "timefusion/pgwire/pgtype.h"

bool copy_text_put(struct buf *out, const struct wire_copy *copy, struct bytes text)
{
    static const char escaped[] = "\b\f\n\r\t\v", letters[] = "bfnrtv";
    if (!buf_reserve(out, 2 * text.len)) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        const char *at = c != '\0' ? strchr(escaped, c) : NULL;
        if (at || c == copy->delimiter || c == '\\') out->ptr[out->len++] = '\\';
        if (at) c = letters[at - escaped]; /* a tab that is the delimiter too */
        out->ptr[out->len++] = (uint8_t)c;
    }
    return true;
}

static bool csv_needs_quotes(const struct wire_copy *copy, struct bytes text, bool is_alone)
{
    if (bytes_equal(text, bytes_of_text(copy->null)) || (is_alone && bytes_equal(text, BYTES("\\.")))) return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        if (c == copy->delimiter || c == copy->quote || c == '\n' || c == '\r') return true;
    }
    return false;
}

bool copy_csv_put(struct buf *out, const struct wire_copy *copy, struct bytes text, bool must_quote, bool is_alone)
{
    if (!must_quote && !csv_needs_quotes(copy, text, is_alone)) return buf_add(out, text.ptr, text.len);
    if (!buf_reserve(out, 2 * text.len + 2)) return false;
    out->ptr[out->len++] = (uint8_t)copy->quote;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        if (c == copy->quote || c == copy->escape) out->ptr[out->len++] = (uint8_t)copy->escape;
        out->ptr[out->len++] = (uint8_t)c;
    }
    out->ptr[out->len++] = (uint8_t)copy->quote;
    return true;
}

bool copy_begin_put(struct buf *out, const struct copy_rows *rows)
{
    const struct wire_copy *copy = rows->copy;
    if (copy->format == WIRE_BINARY) /* signature, flags, length of what may follow in later versions */
        return buf_add(out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    if (!copy->has_header) return true;
    bool ok = true;
    for (uint32_t c = 0; ok && c < rows->column_count; c++) {
        struct bytes name = bytes_of_text(rows->columns[c].name);
        ok = (c == 0 || buf_add(out, &copy->delimiter, 1)) &&
             (copy->format == WIRE_CSV ? copy_csv_put(out, copy, name, false, rows->column_count == 1)
                                       : copy_text_put(out, copy, name));
    }
    return ok && buf_add(out, "\n", 1);
}

static bool binary_row_put(struct buf *out, const struct copy_rows *rows, const struct query_chunk *chunk, uint32_t row)
{
    bool ok = pgtype_put_u16(out, (uint16_t)rows->column_count);
    for (uint32_t c = 0; ok && c < rows->column_count; c++) {
        struct query_value value = query_chunk_value(chunk, c, row);
        size_t at = out->len;
        ok = pgtype_put_u32(out, UINT32_MAX);
        if (!ok || value.is_null) continue;
        ok = pgtype_put_binary(out, chunk, c, &rows->columns[c], value);
        if (ok) pgtype_set_u32(out, at, (uint32_t)(out->len - at - 4));
    }
    return ok;
}

bool copy_row_put(struct buf *out, struct buf *scratch, const struct copy_rows *rows, const struct query_chunk *chunk,
                  uint32_t row)
{
    const struct wire_copy *copy = rows->copy;
    if (copy->format == WIRE_BINARY) return binary_row_put(out, rows, chunk, row);
    bool ok = true;
    for (uint32_t c = 0; ok && c < rows->column_count; c++) {
        struct query_value value = query_chunk_value(chunk, c, row);
        ok = c == 0 || buf_add(out, &copy->delimiter, 1);
        scratch->len = 0;
        if (ok && value.is_null) {
            ok = buf_add(out, copy->null, strlen(copy->null));
            continue;
        }
        bool must_quote = copy->quotes_all || (copy->quotes && copy->quotes[c]);
        ok =
            ok && pgtype_put_text(scratch, chunk, c, &rows->columns[c], value) &&
            (copy->format == WIRE_CSV ? copy_csv_put(out, copy, buf_bytes(scratch), must_quote, rows->column_count == 1)
                                      : copy_text_put(out, copy, buf_bytes(scratch)));
    }
    return ok && buf_add(out, "\n", 1);
}

bool copy_end_put(struct buf *out, const struct copy_rows *rows)
{
    return rows->copy->format != WIRE_BINARY || pgtype_put_u16(out, UINT16_MAX);
}
