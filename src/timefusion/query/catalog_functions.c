#include "timefusion/query/catalog_own.h"
#include "timefusion/query/functions.h"
#include "timefusion/query/vector.h"
#include <stdio.h>
#include <stdlib.h>

#define NAME_BYTES_MAX 4096

static enum query_type kind_of(struct bytes letter)
{
    switch (letter.len == 1 ? letter.ptr[0] : 0) {
    case 't': return QUERY_TYPE_REGTYPE;
    case 'p': return QUERY_TYPE_REGPROC;
    case 'n': return QUERY_TYPE_REGNAMESPACE;
    case 'r': return QUERY_TYPE_REGROLE;
    default: return QUERY_TYPE_REGCLASS;
    }
}

static void oid_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, bool must_be)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column kind = column_of(input, 0), name = column_of(input, 1), own = column_of(input, 2);
    int64_t *results = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < rows; row++) {
        bool is_null = !is_valid(&name, row);
        struct bytes text = is_null ? bytes_from("", 0) : text_at(&name, row);
        if (!is_null && catalog_listed_oid(text_at(&own, row), kind_of(text_at(&kind, row)), text, &results[row]))
            continue;
        if (!is_null && catalog_oid(kind_of(text_at(&kind, row)), text, &results[row])) continue;
        put_null(output, row);
        if (is_null || !must_be) continue;
        char why[160];
        snprintf(why, sizeof why, "\"%.*s\" does not exist", (int)(text.len < 100 ? text.len : 100),
                 (const char *)text.ptr);
        duckdb_scalar_function_set_error(info, why);
        return;
    }
}
static void oid_must(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    oid_run(info, input, output, true);
}
static void oid_may(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    oid_run(info, input, output, false);
}

enum wording { NAME, TYPE, FUNCTION_TEXT };

static bool name_put(struct buf *buf, duckdb_data_chunk input, idx_t row, enum query_type kind, int64_t oid)
{
    struct column own = column_of(input, 2);
    struct bytes name;
    if (catalog_listed_name(text_at(&own, row), kind, oid, &name)) return buf_add(buf, name.ptr, name.len);
    return catalog_name_put(buf, kind, oid);
}

/* Of a number, in the words that the second argument chooses. */
static void words_run(duckdb_data_chunk input, duckdb_vector output, enum wording wording)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column oid = column_of(input, 0), how = column_of(input, 1);
    struct buf buf;
    buf_init(&buf, NAME_BYTES_MAX);
    for (idx_t row = 0; row < rows; row++) {
        buf.len = 0;
        bool ok = is_valid(&oid, row);
        int64_t number = ok ? ((const int64_t *)oid.data)[row] : 0;
        switch (wording) {
        case NAME: ok = ok && name_put(&buf, input, row, kind_of(text_at(&how, row)), number); break;
        case TYPE: {
            int64_t modifier = is_valid(&how, row) ? ((const int64_t *)how.data)[row] : -1;
            ok = ok &&
                 catalog_format_type(&buf, number, modifier >= 0 && modifier <= INT32_MAX ? (int32_t)modifier : -1);
            break;
        }
        case FUNCTION_TEXT: ok = ok && catalog_function_put(&buf, number, (char)text_at(&how, row).ptr[0]); break;
        }
        if (ok)
            put_text(output, row, buf_bytes(&buf));
        else
            put_null(output, row);
    }
    buf_deinit(&buf);
}
static void name_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    words_run(input, output, NAME);
}
static void type_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    words_run(input, output, TYPE);
}
static void function_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    words_run(input, output, FUNCTION_TEXT);
}

/* parse_ident() */
static void parts_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    idx_t rows = duckdb_data_chunk_get_size(input), used = 0;
    struct column name = column_of(input, 0);
    duckdb_list_entry *entries = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < rows; row++) {
        struct bytes parts[3];
        char storage[256];
        uint32_t count = is_valid(&name, row) ? catalog_name_parts(text_at(&name, row), parts, storage) : 0;
        entries[row] = (duckdb_list_entry){ .offset = used, .length = count };
        if (!is_valid(&name, row)) put_null(output, row);
        if (is_valid(&name, row) && count == 0) {
            duckdb_scalar_function_set_error(info, "string is not a valid identifier");
            return;
        }
        duckdb_list_vector_reserve(output, used + count);
        duckdb_list_vector_set_size(output, used + count);
        for (uint32_t part = 0; part < count; part++)
            put_text(duckdb_list_vector_get_child(output), used++, parts[part]);
    }
}

/* As in functions.c: t VARCHAR, l BIGINT, T VARCHAR[]. */
static const struct scalar_definition definitions[] = {
    { "mono_catalog_oid", "ttt", 'l', oid_must },         { "mono_catalog_find", "ttt", 'l', oid_may },
    { "mono_catalog_name", "ltt", 't', name_run },        { "mono_catalog_type", "ll", 't', type_run },
    { "mono_catalog_function", "lt", 't', function_run }, { "mono_name_parts", "t", 'T', parts_run },
};

const struct scalar_definition *catalog_scalars(uint32_t *count)
{
    *count = COUNT_OF(definitions);
    return definitions;
}
