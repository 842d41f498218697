#include "meta/postgres/postgres_inside.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* Type numbers: pg_type.dat, the same in every PostgreSQL. */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_OID = 26,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_NUMERIC = 1700,
    TYPE_UUID = 2950,
};

static void big_endian(uint64_t number, char *room)
{
    number = __builtin_bswap64(number);
    memcpy(room, &number, sizeof number);
}

bool postgres_value_write(const struct db_value *value, struct postgres_value *out, struct err *err)
{
    static const Oid types[] = { [DB_INTEGER] = TYPE_INT8,
                                 [DB_REAL] = TYPE_FLOAT8,
                                 [DB_TEXT] = TYPE_TEXT,
                                 [DB_BYTES] = TYPE_BYTEA,
                                 [DB_UUID] = TYPE_UUID };
    uint64_t bits;
    out->type = types[value->type];
    out->ptr = NULL;
    out->len = 0;
    if (value->is_null) return true;
    out->ptr = out->room;
    switch (value->type) {
    case DB_INTEGER:
        big_endian((uint64_t)value->integer, out->room);
        out->len = 8;
        break;
    case DB_REAL:
        memcpy(&bits, &value->real, sizeof bits);
        big_endian(bits, out->room);
        out->len = 8;
        break;
    case DB_UUID:
        memcpy(out->room, value->uuid.bytes, 16);
        out->len = 16;
        break;
    case DB_TEXT:
    case DB_BYTES:
        if (value->bytes.len > INT_MAX / 2) return err_set(err, ERR_TOO_LARGE, "a value is too large for the metadata");
        if (value->bytes.len > 0) out->ptr = (const char *)value->bytes.ptr;
        out->len = (int)value->bytes.len;
        break;
    }
    return true;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x0a1b"; what is not of that form stays a text, which a caller that wants bytes refuses. */
static struct db_value bytes_read(const char *text, size_t len, struct buf *scratch)
{
    size_t begin = scratch->len;
    if (len < 2 || len % 2 != 0 || text[0] != '\\' || text[1] != 'x' || !buf_reserve(scratch, len / 2))
        return db_text_bytes(bytes_from(text, len));
    for (size_t at = 2; at < len; at += 2) {
        int high = digit_of(text[at]), low = digit_of(text[at + 1]);
        if (high < 0 || low < 0) return db_text_bytes(bytes_from(text, len));
        scratch->ptr[scratch->len++] = (uint8_t)(high << 4 | low);
    }
    return db_bytes(bytes_from(scratch->ptr + begin, scratch->len - begin));
}

static struct db_value number_read(const char *text)
{
    char *end;
    errno = 0;
    long long integer = strtoll(text, &end, 10);
    if (errno == 0 && *end == '\0') return db_integer(integer);
    return db_real(strtod(text, NULL)); /* "12.5", "NaN", "Infinity", what is over 64 bits */
}

struct db_value postgres_value_read(const PGresult *result, int column, struct buf *scratch)
{
    const char *text = PQgetvalue(result, 0, column);
    struct uuid uuid;
    if (PQgetisnull(result, 0, column)) return db_null(DB_TEXT);
    size_t len = (size_t)PQgetlength(result, 0, column);
    switch ((int)PQftype(result, column)) {
    case TYPE_BOOL: return db_boolean(text[0] == 't');
    case TYPE_BYTEA: return bytes_read(text, len, scratch);
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
    case TYPE_OID:
    case TYPE_NUMERIC: return number_read(text);
    case TYPE_FLOAT4:
    case TYPE_FLOAT8: return db_real(strtod(text, NULL));
    case TYPE_UUID:
        if (uuid_from_text(bytes_from(text, len), &uuid)) return db_uuid(uuid);
        break;
    default: break;
    }
    return db_text_bytes(bytes_from(text, len));
}
