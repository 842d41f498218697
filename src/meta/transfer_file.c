#include "meta/transfer_inside.h"

#include <stdlib.h>

#include <yyjson.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/json_object.h"
#include "base/utf8.h"

static const char *const type_names[] = {
    [DB_INTEGER] = "integer", [DB_REAL] = "real", [DB_TEXT] = "text", [DB_BYTES] = "bytes", [DB_UUID] = "uuid"
};

const char *transfer_type_name(enum db_type type)
{
    return type_names[type];
}

/* -- writing ---------------------------------------------------------------------------------------------------- */

static bool line_write(struct transfer_writer *writer, struct err *err)
{
    if (!buf_add(&writer->line, "\n", 1)) return err_set(err, ERR_TOO_LARGE, "a row is too large for a backup");
    sha256_add(&writer->sha256, buf_bytes(&writer->line));
    if (fwrite(writer->line.ptr, 1, writer->line.len, writer->file) != writer->line.len)
        return err_os(err, "could not write the backup");
    writer->line.len = 0;
    return true;
}

static bool room(struct buf *line, size_t more, struct err *err)
{
    return buf_reserve(line, more) || err_set(err, ERR_TOO_LARGE, "a row is too large for a backup");
}

static bool put(struct buf *line, const char *raw, struct err *err)
{
    return buf_add(line, raw, strlen(raw)) || err_set(err, ERR_TOO_LARGE, "a row is too large for a backup");
}

static bool put_text(struct buf *line, struct bytes text, struct err *err)
{
    if (!utf8_is_valid(text)) return err_set(err, ERR_CORRUPT, "the metadata has a text that is not UTF-8");
    if (!room(line, json_text_bytes_max(text.len), err)) return false;
    line->len = (size_t)(json_put_text(line->ptr + line->len, text) - line->ptr);
    return true;
}

static bool put_bytes(struct buf *line, struct bytes bytes, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    if (!room(line, 2 * bytes.len + 2, err)) return false;
    uint8_t *at = line->ptr + line->len;
    *at++ = '"';
    for (size_t b = 0; b < bytes.len; b++) {
        *at++ = (uint8_t)digits[bytes.ptr[b] >> 4];
        *at++ = (uint8_t)digits[bytes.ptr[b] & 15];
    }
    *at++ = '"';
    line->len = (size_t)(at - line->ptr);
    return true;
}

static bool put_value(struct buf *line, const struct db_value *value, struct err *err)
{
    char text[UUID_TEXT_BYTES + 1];
    if (value->is_null) return put(line, "null", err);
    switch (value->type) {
    case DB_INTEGER:
        if (!room(line, JSON_NUMBER_BYTES_MAX, err)) return false;
        line->len = (size_t)(json_put_int(line->ptr + line->len, value->integer) - line->ptr);
        return true;
    case DB_REAL:
        if (!room(line, JSON_NUMBER_BYTES_MAX, err)) return false;
        line->len = (size_t)(json_put_double(line->ptr + line->len, value->real) - line->ptr);
        return true;
    case DB_TEXT: return put_text(line, value->bytes, err);
    case DB_BYTES: return put_bytes(line, value->bytes, err);
    case DB_UUID: uuid_to_text(value->uuid, text); return put_text(line, bytes_of_text(text), err);
    }
    return false;
}

bool transfer_write_begin(struct transfer_writer *writer, FILE *file, const struct transfer_schema *schema,
                          struct err *err)
{
    *writer = (struct transfer_writer){ .file = file };
    sha256_init(&writer->sha256);
    buf_init(&writer->line, TRANSFER_LINE_BYTES_MAX);
    bool ok = put(&writer->line, "{\"monoscope\":\"metadata\",\"format\":1,\"migrations\":[", err), is_first = true;
    for (size_t m = 0; ok && m < db_migration_count; m++) {
        char checksum[SHA256_HEX_BYTES];
        if (!schema->has[m]) continue;
        db_migration_checksum(&db_migrations[m], checksum);
        ok = buf_printf(&writer->line, "%s[%d,\"%s\",\"%s\"]", is_first ? "" : ",", db_migrations[m].number,
                        db_migrations[m].name, checksum) ||
             err_set(err, ERR_TOO_LARGE, "there are too many migrations");
        is_first = false;
    }
    return ok && put(&writer->line, "]}", err) && line_write(writer, err);
}

static bool write_table(void *ctx, const struct transfer_table *table, struct err *err)
{
    struct transfer_writer *writer = ctx;
    struct buf *line = &writer->line;
    writer->table = *table;
    bool ok = put(line, "{\"table\":", err) && put_text(line, bytes_of_text(table->name), err) &&
              put(line, ",\"columns\":[", err);
    for (size_t c = 0; ok && c < table->column_count; c++)
        ok = put(line, c ? "," : "", err) && put_text(line, bytes_of_text(table->columns[c].name), err);
    ok = ok && put(line, "],\"types\":[", err);
    for (size_t c = 0; ok && c < table->column_count; c++)
        ok = put(line, c ? "," : "", err) && put_text(line, bytes_of_text(type_names[table->columns[c].type]), err);
    return ok && put(line, "]}", err) && line_write(writer, err);
}

static bool write_row(void *ctx, const struct db_value *values, struct err *err)
{
    struct transfer_writer *writer = ctx;
    bool ok = put(&writer->line, "[", err);
    for (size_t c = 0; ok && c < writer->table.column_count; c++) {
        const struct transfer_column *column = &writer->table.columns[c];
        struct db_value value = values[c];
        if (!value.is_null && column->type == DB_REAL && value.type == DB_INTEGER)
            value = db_real((double)value.integer);
        if (!value.is_null && value.type != column->type)
            return err_set(err, ERR_CORRUPT, "table \"%s\" has a value in \"%s\" that is no %s", writer->table.name,
                           column->name, type_names[column->type]);
        ok = put(&writer->line, c ? "," : "", err) && put_value(&writer->line, &value, err);
    }
    return ok && put(&writer->line, "]", err) && line_write(writer, err);
}

struct transfer_sink transfer_write_sink(struct transfer_writer *writer)
{
    return (struct transfer_sink){ write_table, write_row, writer };
}

bool transfer_write_end(struct transfer_writer *writer, uint64_t rows, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    sha256_end(&writer->sha256, digest);
    sha256_to_hex(digest, hex);
    if (fprintf(writer->file, "{\"rows\":%llu,\"sha256\":\"%s\"}\n", (unsigned long long)rows, hex) < 0 ||
        fflush(writer->file) != 0)
        return err_os(err, "could not write the backup");
    return true;
}

void transfer_write_deinit(struct transfer_writer *writer)
{
    buf_deinit(&writer->line);
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

static bool bad(const struct transfer_reader *reader, const char *what, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "line %llu of the backup %s", (unsigned long long)reader->lines, what);
}

void transfer_read_init(struct transfer_reader *reader, const struct transfer_sink *sink)
{
    *reader = (struct transfer_reader){ .sink = sink };
    sha256_init(&reader->sha256);
}

static bool schema_read(struct transfer_reader *reader, yyjson_val *root, struct err *err)
{
    yyjson_val *migrations = yyjson_obj_get(root, "migrations"), *one;
    yyjson_arr_iter each = yyjson_arr_iter_with(migrations);
    if (!yyjson_equals_str(yyjson_obj_get(root, "monoscope"), "metadata") || !yyjson_is_arr(migrations))
        return err_set(err, ERR_INPUT, "the file is no backup of Monoscope's metadata");
    if (yyjson_get_sint(yyjson_obj_get(root, "format")) != 1)
        return err_set(err, ERR_UNSUPPORTED, "the backup is of a newer version: its format is not 1");
    while ((one = yyjson_arr_iter_next(&each)) != NULL) {
        yyjson_val *number = yyjson_arr_get(one, 0), *checksum = yyjson_arr_get(one, 2);
        if (!yyjson_is_int(number) || !yyjson_is_str(checksum)) return bad(reader, "has no list of migrations", err);
        if (!transfer_schema_add(&reader->schema, yyjson_get_sint(number), json_text(checksum), DB_POSTGRES, err))
            return false;
    }
    reader->has_schema = true;
    return true;
}

static bool name_copy(yyjson_val *value, char name[TRANSFER_NAME_BYTES])
{
    struct bytes bytes = yyjson_is_str(value) ? json_text(value) : (struct bytes){ 0 };
    if (bytes.len == 0 || bytes.len >= TRANSFER_NAME_BYTES || memchr(bytes.ptr, 0, bytes.len)) return false;
    memcpy(name, bytes.ptr, bytes.len);
    name[bytes.len] = '\0';
    return true;
}

static bool table_read(struct transfer_reader *reader, yyjson_val *root, struct err *err)
{
    yyjson_val *columns = yyjson_obj_get(root, "columns"), *types = yyjson_obj_get(root, "types");
    size_t count = yyjson_arr_size(columns);
    reader->table = (struct transfer_table){ .column_count = count };
    if (!name_copy(yyjson_obj_get(root, "table"), reader->table.name) || count == 0 || count > TRANSFER_COLUMNS_MAX ||
        yyjson_arr_size(types) != count)
        return bad(reader, "names no table with columns and types", err);
    for (size_t c = 0; c < count; c++) {
        struct transfer_column *column = &reader->table.columns[c];
        size_t t = 0;
        while (t < COUNT_OF(type_names) && !yyjson_equals_str(yyjson_arr_get(types, c), type_names[t])) t++;
        if (!name_copy(yyjson_arr_get(columns, c), column->name) || t == COUNT_OF(type_names))
            return bad(reader, "has a column without a name or a type", err);
        column->type = (enum db_type)t;
    }
    reader->tables++;
    return reader->sink == NULL || reader->sink->table(reader->sink->ctx, &reader->table, err);
}

static bool real_read(yyjson_val *value, double *real)
{
    *real = yyjson_get_num(value);
    if (yyjson_is_num(value)) return true;
    *real = yyjson_equals_str(value, "NaN")         ? __builtin_nan("")
            : yyjson_equals_str(value, "Infinity")  ? __builtin_inf()
            : yyjson_equals_str(value, "-Infinity") ? -__builtin_inf()
                                                    : 0;
    return *real != 0;
}

/* In place: there are half as many bytes as digits. */
static bool hex_read(yyjson_val *value, struct bytes *bytes)
{
    if (!yyjson_is_str(value) || yyjson_get_len(value) % 2 != 0) return false;
    uint8_t *at = (uint8_t *)(uintptr_t)yyjson_get_str(value);
    size_t len = yyjson_get_len(value) / 2;
    *bytes = bytes_from(at, len);
    for (size_t b = 0; b < len; b++) {
        int high = hex_digit(at[2 * b]), low = hex_digit(at[2 * b + 1]);
        if (high < 0 || low < 0) return false;
        at[b] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool value_read(yyjson_val *json, enum db_type type, struct db_value *value)
{
    *value = db_null(type);
    if (yyjson_is_null(json)) return true;
    value->is_null = false;
    switch (type) {
    case DB_INTEGER:
        value->integer = yyjson_get_sint(json);
        return yyjson_is_sint(json) || (yyjson_is_uint(json) && yyjson_get_uint(json) <= INT64_MAX);
    case DB_REAL: return real_read(json, &value->real);
    case DB_TEXT: value->bytes = json_text(json); return yyjson_is_str(json);
    case DB_BYTES: return hex_read(json, &value->bytes);
    case DB_UUID: return yyjson_is_str(json) && uuid_from_text(json_text(json), &value->uuid);
    }
    return false;
}

static bool row_read(struct transfer_reader *reader, yyjson_val *root, struct err *err)
{
    struct db_value values[TRANSFER_COLUMNS_MAX];
    size_t count = 0;
    yyjson_val *json;
    yyjson_arr_iter each = yyjson_arr_iter_with(root);
    if (reader->tables == 0 || yyjson_arr_size(root) != reader->table.column_count)
        return bad(reader, "is a row that does not fit its table", err);
    while ((json = yyjson_arr_iter_next(&each)) != NULL) {
        if (!value_read(json, reader->table.columns[count].type, &values[count]))
            return bad(reader, "has a value that is not of its column's type", err);
        count++;
    }
    reader->rows++;
    return reader->sink == NULL || reader->sink->row(reader->sink->ctx, values, err);
}

static bool end_read(struct transfer_reader *reader, yyjson_val *root, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    struct sha256 sha256 = reader->sha256;
    sha256_end(&sha256, digest);
    sha256_to_hex(digest, hex);
    if (yyjson_get_uint(yyjson_obj_get(root, "rows")) != reader->rows ||
        !yyjson_equals_str(yyjson_obj_get(root, "sha256"), hex))
        return err_set(err, ERR_CORRUPT, "the backup has been changed: its rows are not those of its checksum");
    reader->has_ended = true;
    return true;
}

static bool root_read(struct transfer_reader *reader, yyjson_val *root, struct err *err)
{
    if (reader->has_ended) return bad(reader, "comes after its end", err);
    if (!reader->has_schema) return schema_read(reader, root, err);
    if (yyjson_is_arr(root)) return row_read(reader, root, err);
    if (yyjson_obj_get(root, "table")) return table_read(reader, root, err);
    if (yyjson_obj_get(root, "sha256")) return end_read(reader, root, err);
    return bad(reader, "is neither a table nor a row", err);
}

bool transfer_read_line(struct transfer_reader *reader, struct bytes line, struct err *err)
{
    reader->lines++;
    /* yyjson does not change its input without a flag that we do not give. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)line.ptr, line.len, 0, NULL, NULL);
    bool ok = doc != NULL          ? root_read(reader, yyjson_doc_get_root(doc), err)
              : reader->has_schema ? bad(reader, "is no JSON", err)
                                   : err_set(err, ERR_INPUT, "the file is no backup of Monoscope's metadata");
    yyjson_doc_free(doc);
    sha256_add(&reader->sha256, line);
    sha256_add(&reader->sha256, BYTES("\n"));
    return ok;
}

bool transfer_read_file(struct transfer_reader *reader, FILE *file, struct err *err)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    bool ok = fseek(file, 0, SEEK_SET) == 0 || err_os(err, "could not read the backup");
    while (ok && (len = getline(&line, &cap, file)) > 0) {
        if (len > TRANSFER_LINE_BYTES_MAX) ok = err_set(err, ERR_TOO_LARGE, "a line of the backup is too long");
        if (ok && line[len - 1] != '\n') ok = err_set(err, ERR_CORRUPT, "the backup is cut off in its last line");
        ok = ok && transfer_read_line(reader, bytes_from(line, (size_t)len - 1), err);
    }
    free(line);
    if (ok && ferror(file)) return err_os(err, "could not read the backup");
    if (ok && !reader->has_schema) return err_set(err, ERR_INPUT, "the file is empty: it is no backup");
    if (ok && !reader->has_ended) return err_set(err, ERR_CORRUPT, "the backup is cut off: it has no last line");
    return ok;
}
