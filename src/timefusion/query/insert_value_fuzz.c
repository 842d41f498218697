/* Any bytes as a value for a column of any type, in text and in binary: what is taken is what a batch may hold, and what is not
 * says why. Times that are not ISO 8601 are DuckDB's to read, and left out. The first byte chooses the type. */
#include "base/json_object.h"
#include "base/utf8.h"
#include "timefusion/query/insert_value.h"
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void value_check(enum schema_type type, const struct insert_value *value, size_t size)
{
    if (!value->is_given) abort();
    switch (type) {
    case SCHEMA_TYPE_UUID:
        if (value->text.len != 36) abort();
        break;
    case SCHEMA_TYPE_INTEGER:
        if (value->integer != (int32_t)value->integer) abort();
        break;
    case SCHEMA_TYPE_JSON: {
        yyjson_doc *doc = json_read_digits(value->text);
        if (!doc || !utf8_is_valid(value->text)) abort();
        yyjson_doc_free(doc);
        break;
    }
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST:
        if (value->list.count > size) abort();
        break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum schema_type types[] = { SCHEMA_TYPE_UUID,        SCHEMA_TYPE_TEXT,        SCHEMA_TYPE_JSON,
                                              SCHEMA_TYPE_INTEGER,     SCHEMA_TYPE_BIGINT,      SCHEMA_TYPE_DOUBLE,
                                              SCHEMA_TYPE_BOOLEAN,     SCHEMA_TYPE_TEXT_LIST,   SCHEMA_TYPE_BIGINT_LIST,
                                              SCHEMA_TYPE_DOUBLE_LIST, SCHEMA_TYPE_TIMESTAMPTZ, SCHEMA_TYPE_DATE };
    if (size < 2) return 0;
    enum schema_type type = types[data[0] / 2 % COUNT_OF(types)];
    bool is_time = type == SCHEMA_TYPE_TIMESTAMPTZ || type == SCHEMA_TYPE_DATE;
    struct bytes bytes = bytes_from(data + 1, size - 1);
    struct insert_value value = { 0 };
    struct err err = { 0 };
    struct arena arena;
    struct insert_reader reader = { .arena = &arena };
    arena_init(&arena, 4096);
    if (is_time && data[0] & 1) {
        char *text = bytes_to_text(bytes);
        int64_t time_us;
        if (insert_iso_read(text, true, &time_us) &&
            (time_us < -INT64_C(63000000000000000) || time_us > INT64_C(254000000000000000)))
            abort(); /* years have four digits */
        free(text);
    } else {
        bool ok = data[0] & 1 ? insert_text_read(&reader, type, bytes, &value, &err)
                              : insert_binary_read(&reader, type, bytes, &value, &err);
        if (ok != (err.code == ERR_OK)) abort();
        if (ok) value_check(type, &value, size);
    }
    arena_deinit(&arena);
    return 0;
}
