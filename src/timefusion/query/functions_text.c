/* Texts made by a pattern, and read by one. */
#include "timefusion/query/function_list.h"
#include "timefusion/query/functions.h"
#include "timefusion/query/number_pattern.h"
#include "timefusion/query/query.h"
#include "timefusion/query/time_pattern.h"
#include "timefusion/query/vector.h"
#include <stdlib.h>
#include <strings.h>

#define TEXT_BYTES_MAX 65536

enum pattern_kind { SHOW_NUMBER, SHOW_TIME, SHOW_ZONED, SHOW_INTERVAL, READ_NUMBER, READ_TIME };

static bool pattern_row(enum pattern_kind kind, const struct column *value, const struct column *offset, idx_t row,
                        struct bytes pattern, duckdb_vector output, struct buf *out, struct err *err)
{
    struct pattern_time time;
    int64_t local_us;
    switch (kind) {
    case SHOW_NUMBER: return number_pattern_put(out, text_at(value, row), pattern, err);
    case READ_NUMBER: return number_pattern_take(out, text_at(value, row), pattern, err);
    case SHOW_INTERVAL: {
        const duckdb_interval *interval = (const duckdb_interval *)value->data + row;
        pattern_time_of_interval(&time, interval->months, interval->days, interval->micros);
        return time_pattern_put(out, &time, pattern, err);
    }
    case READ_TIME:
        if (!time_pattern_take(text_at(value, row), pattern, &local_us, err)) return false;
        ((int64_t *)duckdb_vector_get_data(output))[row] = local_us;
        return true;
    default:
        pattern_time_of(&time, ((const int64_t *)value->data)[row]);
        if (kind == SHOW_ZONED) {
            time.has_zone = true;
            time.offset_s = (int32_t)(((const int64_t *)offset->data)[row] / 1000000);
        }
        return time_pattern_put(out, &time, pattern, err);
    }
}

static void pattern_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                        enum pattern_kind kind)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column value = column_of(input, 0), pattern = column_of(input, 1), offset = { 0 };
    if (kind == SHOW_ZONED) offset = column_of(input, 2);
    struct buf out;
    buf_init(&out, TEXT_BYTES_MAX);
    for (idx_t row = 0; row < rows; row++) {
        struct err err = { .code = ERR_OK };
        if (!is_valid(&value, row) || !is_valid(&pattern, row) || (offset.vector && !is_valid(&offset, row))) {
            put_null(output, row);
            continue;
        }
        out.len = 0;
        if (!pattern_row(kind, &value, &offset, row, text_at(&pattern, row), output, &out, &err))
            duckdb_scalar_function_set_error(info, err.text);
        else if (kind != READ_TIME)
            put_text(output, row, buf_bytes(&out));
    }
    buf_deinit(&out);
}

#define PATTERN_FUNCTION(name, kind)                                                           \
    static void name(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) \
    {                                                                                          \
        pattern_run(info, input, output, kind);                                                \
    }
PATTERN_FUNCTION(to_char_number_run, SHOW_NUMBER)
PATTERN_FUNCTION(to_char_time_run, SHOW_TIME)
PATTERN_FUNCTION(to_char_zoned_run, SHOW_ZONED)
PATTERN_FUNCTION(to_char_interval_run, SHOW_INTERVAL)
PATTERN_FUNCTION(to_number_run, READ_NUMBER)
PATTERN_FUNCTION(to_time_run, READ_TIME)

/* "a b" where it must be quoted. */
static bool identifier_put(struct buf *out, struct bytes name)
{
    bool is_plain = name.len > 0 && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');
    for (size_t i = 0; i < name.len && is_plain; i++)
        is_plain = (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
                   name.ptr[i] == '_';
    if (is_plain && name.len < 30) {
        char quoted[34] = "'";
        memcpy(quoted + 1, name.ptr, name.len);
        quoted[name.len + 1] = '\'';
        is_plain = strstr(RESERVED_WORDS, quoted) == NULL;
    }
    if (is_plain) return buf_add(out, name.ptr, name.len);
    bool ok = buf_add(out, "\"", 1);
    for (size_t i = 0; ok && i < name.len; i++)
        ok = (name.ptr[i] != '"' || buf_add(out, "\"", 1)) && buf_add(out, name.ptr + i, 1);
    return ok && buf_add(out, "\"", 1);
}

static bool literal_put_quoted(struct buf *out, struct bytes text)
{
    bool has_backslash = text.len > 0 && memchr(text.ptr, '\\', text.len);
    bool ok = buf_add(out, has_backslash ? "E'" : "'", has_backslash ? 2 : 1);
    for (size_t i = 0; ok && i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        ok = ((byte != '\'' && byte != '\\') || buf_add(out, &byte, 1)) && buf_add(out, &byte, 1);
    }
    return ok && buf_add(out, "'", 1);
}

/* Appends the text of a row's value, which is not NULL; false: there is no room. */
typedef bool (*text_put)(struct buf *out, const struct column *column, idx_t row);

static void texts_run(duckdb_data_chunk input, duckdb_vector output, size_t bytes_max, text_put put)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column column = column_of(input, 0);
    struct buf out;
    buf_init(&out, bytes_max);
    for (idx_t row = 0; row < rows; row++) {
        out.len = 0;
        if (is_valid(&column, row) && put(&out, &column, row))
            put_text(output, row, buf_bytes(&out));
        else
            put_null(output, row);
    }
    buf_deinit(&out);
}

static bool quoted_ident_put(struct buf *out, const struct column *column, idx_t row)
{
    return identifier_put(out, text_at(column, row));
}
static void quote_ident_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    texts_run(input, output, 64u << 20, quoted_ident_put);
}
static bool quoted_literal_put(struct buf *out, const struct column *column, idx_t row)
{
    return literal_put_quoted(out, text_at(column, row));
}
static void quote_literal_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    texts_run(input, output, 64u << 20, quoted_literal_put);
}

static size_t characters(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += (text.ptr[i] & 0xC0) != 0x80;
    return count;
}

/* One row of format(): %[n$][-][width]type. NULL: done; else what is wrong. */
static const char *format_row(struct buf *out, struct buf *piece, struct bytes format, const struct column *items,
                              duckdb_list_entry entry)
{
    idx_t next = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < format.len; i++) {
        if (format.ptr[i] != '%') {
            ok = buf_add(out, format.ptr + i, 1);
            continue;
        }
        if (++i == format.len) return "unterminated format() type specifier";
        if (format.ptr[i] == '%') {
            ok = buf_add(out, "%", 1);
            continue;
        }
        size_t number = 0, width = 0, at = i;
        bool is_left = false;
        while (at < format.len && format.ptr[at] >= '0' && format.ptr[at] <= '9' && number < 100000)
            number = number * 10 + (size_t)(format.ptr[at++] - '0');
        if (at > i && at < format.len && format.ptr[at] == '$') {
            if (number == 0) return "format specifies argument 0, but arguments are numbered from 1";
            next = number - 1;
            i = at + 1;
        }
        if (i < format.len && format.ptr[i] == '-') is_left = true, i++;
        if (i < format.len && format.ptr[i] == '*') return "format() has no width by argument here";
        while (i < format.len && format.ptr[i] >= '0' && format.ptr[i] <= '9' && width < 10000)
            width = width * 10 + (size_t)(format.ptr[i++] - '0');
        if (i >= format.len) return "unterminated format() type specifier";
        if (next >= entry.length) return "too few arguments for format()";
        idx_t item = entry.offset + next++;
        bool is_null = !is_valid(items, item);
        struct bytes text = is_null ? bytes_from("", 0) : text_at(items, item);
        piece->len = 0;
        switch (format.ptr[i]) {
        case 's': ok = buf_add(piece, text.ptr, text.len); break;
        case 'I':
            if (is_null) return "null values cannot be formatted as an SQL identifier";
            ok = identifier_put(piece, text);
            break;
        case 'L': ok = is_null ? buf_add(piece, "NULL", 4) : literal_put_quoted(piece, text); break;
        default: return "unrecognized format() type specifier";
        }
        size_t len = characters(buf_bytes(piece));
        for (size_t blank = len; ok && !is_left && blank < width; blank++) ok = buf_add(out, " ", 1);
        ok = ok && (piece->len == 0 || buf_add(out, piece->ptr, piece->len));
        for (size_t blank = len; ok && is_left && blank < width; blank++) ok = buf_add(out, " ", 1);
    }
    return ok ? NULL : "format() makes a text that is too long";
}

static void format_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column format = column_of(input, 0), list = column_of(input, 1), items = { 0 };
    items.vector = duckdb_list_vector_get_child(list.vector);
    items.data = duckdb_vector_get_data(items.vector);
    items.validity = duckdb_vector_get_validity(items.vector);
    struct buf out, piece;
    buf_init(&out, 16u << 20);
    buf_init(&piece, 16u << 20);
    for (idx_t row = 0; row < rows; row++) {
        if (!is_valid(&format, row) || !is_valid(&list, row)) {
            put_null(output, row);
            continue;
        }
        out.len = 0;
        const char *failed =
            format_row(&out, &piece, text_at(&format, row), &items, ((const duckdb_list_entry *)list.data)[row]);
        if (failed)
            duckdb_scalar_function_set_error(info, failed);
        else
            put_text(output, row, buf_bytes(&out));
    }
    buf_deinit(&out);
    buf_deinit(&piece);
}

/* Words begin with a capital; letters beyond ASCII stay as they are. */
static bool capitals_put(struct buf *out, const struct column *column, idx_t row)
{
    struct bytes text = text_at(column, row);
    bool in_word = false;
    if (!buf_reserve(out, text.len + 1)) return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        if (is_letter) byte = in_word ? (uint8_t)(byte | 0x20) : (uint8_t)(byte & ~0x20);
        in_word = is_letter || byte >= 0x80 || (byte >= '0' && byte <= '9');
        out->ptr[out->len++] = byte;
    }
    return true;
}
static void initcap_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    texts_run(input, output, 64u << 20, capitals_put);
}

/* PostgreSQL, "justify_days", "justify_hours": 30 days are a month, 24 hours a day, and all have one sign. */
enum justify { JUSTIFY_HOURS = 1, JUSTIFY_DAYS = 2, JUSTIFY_BOTH = 3 };
static bool justify(duckdb_interval *interval, enum justify kind)
{
    static const int64_t DAY_US = 86400000000;
    int64_t months = interval->months, days = interval->days, micros = interval->micros;
    if (kind & JUSTIFY_HOURS) {
        days += micros / DAY_US;
        micros %= DAY_US;
    }
    if (kind & JUSTIFY_DAYS) {
        months += days / 30;
        days %= 30;
    }
    if (kind == JUSTIFY_BOTH) {
        if (months > 0 && (days < 0 || (days == 0 && micros < 0)))
            days += 30, months--;
        else if (months < 0 && (days > 0 || (days == 0 && micros > 0)))
            days -= 30, months++;
    }
    if (kind == JUSTIFY_DAYS) {
        if (months > 0 && days < 0)
            days += 30, months--;
        else if (months < 0 && days > 0)
            days -= 30, months++;
    } else {
        if (days > 0 && micros < 0)
            micros += DAY_US, days--;
        else if (days < 0 && micros > 0)
            micros -= DAY_US, days++;
    }
    if (months > INT32_MAX || months < INT32_MIN || days > INT32_MAX || days < INT32_MIN) return false;
    *interval = (duckdb_interval){ .months = (int32_t)months, .days = (int32_t)days, .micros = micros };
    return true;
}

static void justify_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column intervals = column_of(input, 0), kinds = column_of(input, 1);
    duckdb_interval *results = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < rows; row++) {
        if (!is_valid(&intervals, row)) {
            put_null(output, row);
            continue;
        }
        results[row] = ((const duckdb_interval *)intervals.data)[row];
        if (!justify(&results[row], (enum justify)((const int64_t *)kinds.data)[row]))
            duckdb_scalar_function_set_error(info, "interval out of range");
    }
}

static bool float_put(struct buf *out, const struct column *column, idx_t row)
{
    return query_double_put(out, ((const double *)column->data)[row]);
}
static void float_text_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    texts_run(input, output, 400, float_put);
}

static bool interval_put(struct buf *out, const struct column *column, idx_t row)
{
    const duckdb_interval *interval = (const duckdb_interval *)column->data + row;
    return query_interval_put(out, interval->months, interval->days, interval->micros);
}
static void interval_text_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    texts_run(input, output, 200, interval_put);
}

/* {a,"b c",NULL} of texts. */
static void array_text_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column list = column_of(input, 0), items = { 0 };
    items.vector = duckdb_list_vector_get_child(list.vector);
    items.data = duckdb_vector_get_data(items.vector);
    items.validity = duckdb_vector_get_validity(items.vector);
    struct buf out;
    buf_init(&out, 64u << 20);
    for (idx_t row = 0; row < rows; row++) {
        if (!is_valid(&list, row)) {
            put_null(output, row);
            continue;
        }
        duckdb_list_entry entry = ((const duckdb_list_entry *)list.data)[row];
        out.len = 0;
        bool ok = buf_add(&out, "{", 1);
        for (idx_t i = entry.offset; ok && i < entry.offset + entry.length; i++) {
            if (i > entry.offset) ok = buf_add(&out, ",", 1);
            if (!is_valid(&items, i)) {
                ok = ok && buf_add(&out, "NULL", 4);
                continue;
            }
            struct bytes text = text_at(&items, i);
            bool is_quoted = text.len == 0 || (text.len == 4 && strncasecmp((const char *)text.ptr, "null", 4) == 0);
            for (size_t b = 0; b < text.len && !is_quoted; b++)
                is_quoted = strchr("{},\"\\ \t\n\r\v\f", text.ptr[b]) != NULL;
            if (is_quoted) ok = ok && buf_add(&out, "\"", 1);
            for (size_t b = 0; ok && b < text.len; b++)
                ok = ((text.ptr[b] != '"' && text.ptr[b] != '\\') || buf_add(&out, "\\", 1)) &&
                     buf_add(&out, text.ptr + b, 1);
            if (is_quoted) ok = ok && buf_add(&out, "\"", 1);
        }
        if (ok && buf_add(&out, "}", 1))
            put_text(output, row, buf_bytes(&out));
        else
            put_null(output, row);
    }
    buf_deinit(&out);
}

static const struct scalar_definition definitions[] = {
    { "mono_to_char_number", "tt", 't', to_char_number_run },
    { "mono_to_char_time", "st", 't', to_char_time_run },
    { "mono_to_char_zoned", "stl", 't', to_char_zoned_run },
    { "mono_to_char_interval", "vt", 't', to_char_interval_run },
    { "mono_to_number", "tt", 't', to_number_run },
    { "mono_to_time", "tt", 's', to_time_run },
    { "mono_quote_ident", "t", 't', quote_ident_run },
    { "mono_quote_literal", "t", 't', quote_literal_run },
    { "mono_format", "tT", 't', format_run },
    { "mono_initcap", "t", 't', initcap_run },
    { "mono_justify", "vl", 'v', justify_run },
    { "mono_float_text", "d", 't', float_text_run },
    { "mono_interval_text", "v", 't', interval_text_run },
    { "mono_array_text", "T", 't', array_text_run },
};

const struct scalar_definition *text_scalars(uint32_t *count)
{
    *count = COUNT_OF(definitions);
    return definitions;
}
