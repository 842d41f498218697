#include "timefusion/pgwire/copy_in.h"
#include "base/hex.h"
#include <stdio.h>
#include <stdlib.h>

static const uint8_t binary_head[11] = "PGCOPY\n\377\r\n"; /* with its NUL */

void copy_in_init(struct copy_in *in, const struct copy_in_options *options)
{
    *in = (struct copy_in){ .options = *options, .line = 1 };
    buf_init(&in->data, COPY_ROW_BYTES_MAX);
    in->fields = mem_calloc(options->column_count + 1u, sizeof *in->fields);
}

void copy_in_deinit(struct copy_in *in)
{
    buf_deinit(&in->data);
    free(in->fields);
}

static bool bad(const struct copy_in *in, struct err *err, const char *what, const char *column)
{
    return err_set(err, ERR_VALUE, "%s %llu: %s%s%s%s", in->options.copy->format == WIRE_BINARY ? "row" : "line",
                   (unsigned long long)in->line, what, column ? " \"" : "", column ? column : "", column ? "\"" : "");
}

static bool is_null_text(const struct copy_in *in, struct bytes raw)
{
    return bytes_equal(raw, bytes_of_text(in->options.copy->null));
}

static bool field_add(struct copy_in *in, uint32_t *count, struct query_field field, struct err *err)
{
    if (*count == in->options.column_count) return bad(in, err, "extra data after last expected column", NULL);
    in->fields[(*count)++] = field;
    return true;
}

/* --- text --- */

static uint8_t digits_take(const uint8_t **at, const uint8_t *end, uint32_t base, uint32_t max)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < max && *at < end; i++) {
        int digit = hex_digit(**at);
        if (digit < 0 || (uint32_t)digit >= base) break;
        value = value * base + (uint32_t)digit;
        (*at)++;
    }
    return (uint8_t)value;
}

/* What stands behind a backslash: *at is there, and behind it afterwards. */
static uint8_t escape_take(const uint8_t **at, const uint8_t *end)
{
    static const char letters[] = "bfnrtv", controls[] = "\b\f\n\r\t\v";
    uint8_t c = **at;
    const char *found = c ? strchr(letters, c) : NULL;
    if (found) {
        (*at)++;
        return (uint8_t)controls[found - letters];
    }
    if (c >= '0' && c <= '7') return digits_take(at, end, 8, 3);
    (*at)++;
    if (c == 'x' && *at < end && hex_digit(**at) >= 0) return digits_take(at, end, 16, 2);
    return c;
}

/* Frees it of its escapes where it stands. */
static struct bytes text_plain(uint8_t *field, size_t len)
{
    const uint8_t *at = field, *end = field + len;
    uint8_t *to = field;
    while (at < end) {
        if (*at == '\\' && at + 1 < end) {
            at++;
            *to++ = escape_take(&at, end);
        } else {
            *to++ = *at++;
        }
    }
    return bytes_from(field, (size_t)(to - field));
}

static bool text_fields(struct copy_in *in, uint8_t *line, size_t len, uint32_t *count, struct err *err)
{
    uint8_t *at = line, *end = line + len;
    for (bool is_more = true; is_more;) {
        uint8_t *from = at;
        while (at < end && *at != (uint8_t)in->options.copy->delimiter) at += *at == '\\' && at + 1 < end ? 2 : 1;
        size_t field_len = (size_t)(at - from);
        struct query_field field = { .is_null = is_null_text(in, bytes_from(from, field_len)) };
        field.value = field.is_null ? bytes_from(from, 0) : text_plain(from, field_len);
        is_more = at < end;
        if (is_more) at++;
        if (!field_add(in, count, field, err)) return false;
    }
    return true;
}

/* --- CSV --- */

static bool csv_field(struct copy_in *in, uint8_t **place, const uint8_t *end, struct query_field *field,
                      struct err *err)
{
    const struct wire_copy *copy = in->options.copy;
    uint8_t quote = (uint8_t)copy->quote, escape = (uint8_t)copy->escape, *at = *place, *begin = at, *to = at;
    bool is_quoted = false, in_quote = false;
    for (; at < end; at++) {
        if (in_quote && *at == escape && at + 1 < end && (at[1] == quote || at[1] == escape)) {
            *to++ = *++at;
        } else if (*at == quote) {
            in_quote = !in_quote;
            is_quoted = true;
        } else if (!in_quote && *at == (uint8_t)copy->delimiter) {
            break;
        } else {
            *to++ = *at;
        }
    }
    *place = at;
    if (in_quote) return bad(in, err, "unterminated CSV quoted field", NULL);
    field->value = bytes_from(begin, (size_t)(to - begin));
    field->is_null = !is_quoted && is_null_text(in, field->value);
    return true;
}

static bool csv_fields(struct copy_in *in, uint8_t *line, size_t len, uint32_t *count, struct err *err)
{
    uint8_t *at = line, *end = line + len;
    for (bool is_more = true; is_more; at++) {
        struct query_field field = { 0 };
        if (!csv_field(in, &at, end, &field, err)) return false;
        is_more = at < end;
        if (!field_add(in, count, field, err)) return false;
    }
    return true;
}

/* --- lines --- */

static bool head_check(struct copy_in *in, uint32_t count, struct err *err)
{
    if (!in->options.copy->matches_header) return true;
    for (uint32_t c = 0; c < in->options.column_count; c++)
        if (c >= count || !bytes_equal(in->fields[c].value, bytes_of_text(in->options.names[c])))
            return bad(in, err, "the header does not have in its place the column", in->options.names[c]);
    return true;
}

static bool line_work(struct copy_in *in, uint8_t *line, size_t len, struct err *err)
{
    bool is_csv = in->options.copy->format == WIRE_CSV;
    uint32_t count = 0;
    if (len > 0 && line[len - 1] == '\r') len--;
    if (len == 2 && line[0] == '\\' && line[1] == '.') {
        in->is_ended = true;
        return true;
    }
    bool is_head = in->options.copy->has_header && !in->has_head;
    in->has_head = true;
    if (is_head && !in->options.copy->matches_header) return true;
    if (!(is_csv ? csv_fields(in, line, len, &count, err) : text_fields(in, line, len, &count, err))) return false;
    if (is_head) return head_check(in, count, err);
    if (count < in->options.column_count) return bad(in, err, "missing data for column", in->options.names[count]);
    return in->options.row(in->options.ctx, in->fields, err);
}

/* Where the line ends that begins at from, or SIZE_MAX: not yet. In text a backslash takes the end of a line along; in CSV
 * quotes do. */
static size_t line_end(struct copy_in *in, size_t from)
{
    const struct wire_copy *copy = in->options.copy;
    const uint8_t *data = in->data.ptr;
    bool is_csv = copy->format == WIRE_CSV;
    for (size_t at = from + in->scanned; at < in->data.len; at++) {
        uint8_t c = data[at];
        if (!is_csv) {
            if (in->is_escaped) {
                in->is_escaped = false;
                in->lines_within += c == '\n';
                continue;
            }
            if (c == '\n') return at;
            in->is_escaped = c == '\\';
            continue;
        }
        /* Two quotes, one the escape of the other, leave it as it was; another escape takes its next byte along. */
        bool was_escaped = in->is_escaped;
        in->is_escaped = false;
        if (in->in_quote && copy->escape != copy->quote && c == (uint8_t)copy->escape && !was_escaped) {
            in->is_escaped = true;
        } else if (c == (uint8_t)copy->quote && !was_escaped) {
            in->in_quote = !in->in_quote;
        } else if (c == '\n') {
            if (!in->in_quote) return at;
            in->lines_within++;
        }
    }
    in->scanned = in->data.len - from;
    return SIZE_MAX;
}

static void line_next(struct copy_in *in)
{
    in->line += 1 + in->lines_within;
    in->lines_within = 0;
    in->scanned = 0;
    in->in_quote = in->is_escaped = false;
}

static bool lines_work(struct copy_in *in, size_t *used, struct err *err)
{
    for (*used = 0; !in->is_ended;) {
        size_t end = line_end(in, *used);
        if (end == SIZE_MAX) return true;
        if (!line_work(in, in->data.ptr + *used, end - *used, err)) return false;
        *used = end + 1;
        line_next(in);
    }
    *used = in->data.len;
    return true;
}

/* --- binary --- */

static uint32_t u32_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* *used 0: it is not there as a whole. */
static bool binary_head_take(struct copy_in *in, size_t *used, struct err *err)
{
    size_t head = sizeof binary_head, have = in->data.len < head ? in->data.len : head;
    *used = 0;
    if (memcmp(in->data.ptr, binary_head, have) != 0) return bad(in, err, "COPY file signature not recognized", NULL);
    if (in->data.len < head + 8) return true;
    uint32_t flags = u32_at(in->data.ptr + head), extension = u32_at(in->data.ptr + head + 4);
    if (flags >> 16 != 0) return bad(in, err, "unrecognized critical flags in COPY file header", NULL);
    if (extension > COPY_ROW_BYTES_MAX / 2) return bad(in, err, "the header of the COPY file is too long", NULL);
    if (in->data.len < head + 8 + extension) return true;
    in->has_head = true;
    *used = head + 8 + extension;
    return true;
}

static bool binary_row_take(struct copy_in *in, const uint8_t *from, size_t len, size_t *used, struct err *err)
{
    *used = 0;
    if (len < 2) return true;
    uint32_t count = (uint32_t)from[0] << 8 | from[1];
    size_t at = 2;
    if (count == 0xffff) {
        in->is_ended = true;
        *used = len;
        return true;
    }
    if (count != in->options.column_count)
        return bad(in, err, "the row field count is not the number of columns", NULL);
    for (uint32_t c = 0; c < count; c++) {
        if (len - at < 4) return true;
        uint32_t bytes = u32_at(from + at);
        at += 4;
        in->fields[c] = (struct query_field){ .is_null = bytes == UINT32_MAX, .is_binary = true };
        if (bytes == UINT32_MAX) continue;
        if (bytes > COPY_ROW_BYTES_MAX) return bad(in, err, "invalid field size of column", in->options.names[c]);
        if (len - at < bytes) return true;
        in->fields[c].value = bytes_from(from + at, bytes);
        at += bytes;
    }
    *used = at;
    return in->options.row(in->options.ctx, in->fields, err);
}

static bool binary_work(struct copy_in *in, size_t *used, struct err *err)
{
    *used = 0;
    if (!in->has_head && (!binary_head_take(in, used, err) || !in->has_head)) return err->code == ERR_OK;
    while (!in->is_ended) {
        size_t row;
        if (!binary_row_take(in, in->data.ptr + *used, in->data.len - *used, &row, err)) return false;
        if (row == 0) return true;
        *used += row;
        in->line += !in->is_ended;
    }
    *used = in->data.len;
    return true;
}

/* --- */

static bool work(struct copy_in *in, struct err *err)
{
    size_t used;
    bool ok = in->options.copy->format == WIRE_BINARY ? binary_work(in, &used, err) : lines_work(in, &used, err);
    if (!ok) return false;
    if (used > 0) memmove(in->data.ptr, in->data.ptr + used, in->data.len - used);
    in->data.len -= used;
    return true;
}

bool copy_in_feed(struct copy_in *in, struct bytes data, struct err *err)
{
    *err = (struct err){ 0 };
    if (in->is_ended || data.len == 0) return true; /* behind the end nothing counts */
    if (!buf_add(&in->data, data.ptr, data.len))
        return err_set(err, ERR_TOO_LARGE, "line %llu: a row is larger than %u bytes", (unsigned long long)in->line,
                       COPY_ROW_BYTES_MAX);
    return work(in, err);
}

bool copy_in_end(struct copy_in *in, struct err *err)
{
    *err = (struct err){ 0 };
    if (in->is_ended) return true;
    if (in->options.copy->format == WIRE_BINARY)
        return in->data.len == 0 && in->has_head ? true : bad(in, err, "unexpected EOF in COPY data", NULL);
    if (in->data.len == 0) return true;
    return line_work(in, in->data.ptr, in->data.len, err); /* without its end */
}
