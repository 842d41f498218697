#include "timefusion/query/functions.h"
#include "base/json.h"
#include "base/json_object.h"
#include "timefusion/query/any_case.h"
#include "timefusion/query/vector.h"
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#define OBJECT_KEYS_MAX 256

/* A JSON value as its text (->), or as a string's content (->>). */
static void put_value(duckdb_vector output, idx_t row, yyjson_val *value, bool is_text)
{
    if (!value || (is_text && yyjson_is_null(value))) {
        put_null(output, row);
    } else if (is_text && yyjson_is_str(value)) {
        put_text(output, row, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
    } else if (yyjson_is_raw(value)) {
        put_text(output, row, bytes_from(yyjson_get_raw(value), yyjson_get_len(value)));
    } else {
        struct buf json;
        buf_init(&json, SIZE_MAX / 4);
        if (jsonb_put(&json, value))
            put_text(output, row, buf_bytes(&json));
        else
            put_null(output, row);
        buf_deinit(&json);
    }
}

/* The object that a base is; values that follow are of its keys. */
struct entry {
    struct bytes key;
    yyjson_val *value;     /* of the base */
    yyjson_mut_val *given; /* of an argument */
};

static int entry_order(const void *a, const void *b)
{
    return bytes_compare(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

struct object_argument {
    struct column column;
    duckdb_type type;
    bool is_json;
};

static yyjson_mut_val *argument_value(yyjson_mut_doc *doc, const struct object_argument *argument, idx_t row)
{
    const void *data = argument->column.data;
    switch (argument->type) {
    case DUCKDB_TYPE_VARCHAR: {
        struct bytes text = text_at(&argument->column, row);
        return argument->is_json ? yyjson_mut_rawn(doc, (const char *)text.ptr, text.len)
                                 : yyjson_mut_strn(doc, (const char *)text.ptr, text.len);
    }
    case DUCKDB_TYPE_INTEGER: return yyjson_mut_sint(doc, ((const int32_t *)data)[row]);
    case DUCKDB_TYPE_BIGINT: return yyjson_mut_sint(doc, ((const int64_t *)data)[row]);
    case DUCKDB_TYPE_DOUBLE: {
        char text[JSON_NUMBER_BYTES_MAX];
        uint8_t *end = json_put_double((uint8_t *)text, ((const double *)data)[row]);
        return yyjson_mut_rawncpy(doc, text, (size_t)(end - (uint8_t *)text));
    }
    case DUCKDB_TYPE_BOOLEAN: return yyjson_mut_bool(doc, ((const bool *)data)[row]);
    default: return NULL;
    }
}

static void object_run(duckdb_data_chunk input, duckdb_vector output, bool is_nested)
{
    idx_t rows = duckdb_data_chunk_get_size(input), count = duckdb_data_chunk_get_column_count(input);
    struct column keys_column = column_of(input, 0), base = column_of(input, 1);
    if (rows == 0) return;
    struct bytes keys[OBJECT_KEYS_MAX];
    struct object_argument arguments[OBJECT_KEYS_MAX];
    idx_t argument_count = count - 2 < OBJECT_KEYS_MAX ? count - 2 : OBJECT_KEYS_MAX;
    struct bytes names = text_at(&keys_column, 0); /* a constant */
    for (idx_t i = 0; i < argument_count; i++) {
        const uint8_t *end = names.len > 0 ? memchr(names.ptr, '\n', names.len) : NULL;
        size_t len = end ? (size_t)(end - names.ptr) : names.len;
        keys[i] = bytes_from(names.ptr, len);
        names = end ? bytes_from(end + 1, names.len - len - 1) : bytes_from(names.ptr + len, 0);
        arguments[i].column = column_of(input, i + 2);
        duckdb_logical_type type = duckdb_vector_get_column_type(arguments[i].column.vector);
        char *alias = duckdb_logical_type_get_alias(type);
        arguments[i].type = duckdb_get_type_id(type);
        arguments[i].is_json = alias && strcmp(alias, "JSON") == 0;
        duckdb_free(alias);
        duckdb_destroy_logical_type(&type);
    }
    struct entry *entries = NULL;
    size_t cap = 0;
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = is_valid(&base, row) ? json_read_digits(text_at(&base, row)) : NULL;
        yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
        size_t base_count = yyjson_is_obj(root) ? yyjson_obj_size(root) : 0, used = 0;
        if (base_count + argument_count > cap) {
            cap = base_count + argument_count;
            entries = mem_realloc(entries, cap * sizeof *entries);
        }
        yyjson_mut_doc *out = yyjson_mut_doc_new(NULL);
        yyjson_mut_val *object = yyjson_mut_obj(out);
        yyjson_mut_doc_set_root(out, object);
        if (base_count > 0) {
            yyjson_obj_iter iter = yyjson_obj_iter_with(root);
            for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));)
                entries[used++] = (struct entry){ .key = bytes_from(yyjson_get_str(key), yyjson_get_len(key)),
                                                  .value = yyjson_obj_iter_get_val(key) };
        }
        for (idx_t i = 0; i < argument_count; i++) {
            /* What stays in the base has the type that was sent, and wins. */
            if (!is_valid(&arguments[i].column, row) ||
                (base_count > 0 && yyjson_obj_getn(root, (const char *)keys[i].ptr, keys[i].len)))
                continue;
            yyjson_mut_val *given = argument_value(out, &arguments[i], row);
            if (given) entries[used++] = (struct entry){ .key = keys[i], .given = given };
        }
        if (is_nested && used > 1) qsort(entries, used, sizeof *entries, entry_order);
        for (size_t e = 0; e < used; e++) {
            yyjson_mut_val *value = entries[e].given ? entries[e].given : yyjson_val_mut_copy(out, entries[e].value);
            if (is_nested)
                json_nested_add(out, object, entries[e].key, value);
            else
                json_member_add(out, object, entries[e].key, value);
        }
        size_t len;
        char *json = used > 0 ? yyjson_mut_write(out, 0, &len) : NULL;
        if (json)
            put_text(output, row, bytes_from(json, len));
        else
            put_null(output, row);
        free(json);
        yyjson_mut_doc_free(out);
        yyjson_doc_free(doc);
    }
    free(entries);
}

static void object_nested(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    object_run(input, output, true);
}

static void object_flat(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    object_run(input, output, false);
}

#define SEEN_TEXTS 256

/* The rows of a dictionary-coded column share their texts: each is looked at once a chunk. */
static void attribute_run(duckdb_data_chunk input, duckdb_vector output, bool is_text)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column base = column_of(input, 0), path = column_of(input, 1);
    struct buf found;
    struct {
        const uint8_t *ptr;
        size_t len, at, found_len;
        bool has;
    } seen[SEEN_TEXTS] = { 0 };
    buf_init(&found, SIZE_MAX / 4);
    struct bytes first = rows > 0 && is_valid(&path, 0) ? text_at(&path, 0) : bytes_from("", 0);
    for (idx_t row = 0; row < rows; row++) {
        if (!is_valid(&base, row) || !is_valid(&path, row)) {
            put_null(output, row);
            continue;
        }
        struct bytes text = text_at(&base, row), key = text_at(&path, row);
        size_t at = ((uintptr_t)text.ptr >> 2 ^ (uintptr_t)text.ptr >> 10) % SEEN_TEXTS;
        if (!bytes_equal(key, first)) { /* paths of rows, which are rare */
            first = key;
            memset(seen, 0, sizeof seen);
        }
        if (seen[at].ptr != text.ptr || seen[at].len != text.len) {
            seen[at].ptr = text.ptr;
            seen[at].len = text.len;
            seen[at].at = found.len;
            seen[at].has = json_attribute(text, key, is_text, &found);
            seen[at].found_len = found.len - seen[at].at;
        }
        if (seen[at].has)
            put_text(output, row, bytes_from(found.ptr + seen[at].at, seen[at].found_len));
        else
            put_null(output, row);
    }
    buf_deinit(&found);
}

/* Does the text hold the word? The rows of a dictionary-coded column share its texts: each is looked at once a chunk. */
static void has_word_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column texts = column_of(input, 0), words = column_of(input, 1);
    struct any_case word;
    struct {
        const uint8_t *ptr;
        size_t len;
        bool holds;
    } seen[SEEN_TEXTS] = { 0 };
    bool *results = duckdb_vector_get_data(output);
    if (rows == 0) return;
    if (!is_valid(&words, 0) || !any_case_init(&word, text_at(&words, 0))) { /* a constant of ours */
        duckdb_scalar_function_set_error(info, "not a word to look for");
        return;
    }
    for (idx_t row = 0; row < rows; row++) {
        if (!is_valid(&texts, row)) {
            bool is_word_of_nulls = row % 64 == 0 && rows - row >= 64 && texts.validity[row / 64] == 0;
            put_null(output, row);
            if (is_word_of_nulls) { /* many columns have no text for hours */
                duckdb_vector_get_validity(output)[row / 64] = 0;
                row += 63;
            }
            continue;
        }
        struct bytes text = text_at(&texts, row);
        size_t at = ((uintptr_t)text.ptr >> 2 ^ (uintptr_t)text.ptr >> 10) % SEEN_TEXTS;
        if (seen[at].ptr != text.ptr || seen[at].len != text.len) {
            seen[at].ptr = text.ptr;
            seen[at].len = text.len;
            seen[at].holds = any_case_holds(&word, text);
        }
        results[row] = seen[at].holds;
    }
}

static yyjson_val *step(yyjson_val *value, struct bytes key)
{
    if (yyjson_is_obj(value)) return yyjson_obj_getn(value, (const char *)key.ptr, key.len);
    if (!yyjson_is_arr(value) || key.len == 0 || key.len > 18) return NULL;
    char text[20] = { 0 }, *end;
    memcpy(text, key.ptr, key.len);
    long long index = strtoll(text, &end, 10);
    if (*end != '\0') return NULL;
    if (index < 0) index += (long long)yyjson_arr_size(value);
    return index < 0 ? NULL : yyjson_arr_get(value, (size_t)index);
}

enum read_kind { READ_GET, READ_AT, READ_PATH };

static void read_run(duckdb_data_chunk input, duckdb_vector output, enum read_kind kind, bool is_text)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column json = column_of(input, 0), key = column_of(input, 1), item = { 0 };
    if (kind == READ_PATH) {
        item.vector = duckdb_list_vector_get_child(key.vector);
        item.data = duckdb_vector_get_data(item.vector);
        item.validity = duckdb_vector_get_validity(item.vector);
    }
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = is_valid(&json, row) && is_valid(&key, row) ? json_read_digits(text_at(&json, row)) : NULL;
        yyjson_val *value = doc ? yyjson_doc_get_root(doc) : NULL;
        if (kind == READ_GET) { /* -> 'key': a member only */
            value = yyjson_is_obj(value) ? step(value, text_at(&key, row)) : NULL;
        } else if (kind == READ_AT) {
            int64_t index = doc ? ((const int64_t *)key.data)[row] : 0;
            bool is_own = doc && !yyjson_is_ctn(value); /* a scalar is an array of itself here */
            if (index < 0) index += is_own ? 1 : (int64_t)yyjson_arr_size(value);
            value = is_own ? (index == 0 ? value : NULL) : index < 0 ? NULL : yyjson_arr_get(value, (size_t)index);
        } else if (doc) {
            duckdb_list_entry entry = ((const duckdb_list_entry *)key.data)[row];
            for (idx_t i = entry.offset; value && i < entry.offset + entry.length; i++)
                value = is_valid(&item, i) ? step(value, text_at(&item, i)) : NULL;
        }
        put_value(output, row, value, is_text);
        yyjson_doc_free(doc);
    }
}

#define FUNCTION(name, call)                                                                   \
    static void name(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) \
    {                                                                                          \
        (void)info;                                                                            \
        call;                                                                                  \
    }
FUNCTION(attribute_json, attribute_run(input, output, false))
FUNCTION(attribute_text, attribute_run(input, output, true))
FUNCTION(get_json, read_run(input, output, READ_GET, false))
FUNCTION(get_text, read_run(input, output, READ_GET, true))
FUNCTION(at_json, read_run(input, output, READ_AT, false))
FUNCTION(at_text, read_run(input, output, READ_AT, true))
FUNCTION(path_json, read_run(input, output, READ_PATH, false))
FUNCTION(path_text, read_run(input, output, READ_PATH, true))

static void typeof_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column json = column_of(input, 0);
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = is_valid(&json, row) ? json_read_digits(text_at(&json, row)) : NULL;
        yyjson_val *value = doc ? yyjson_doc_get_root(doc) : NULL;
        const char *name = yyjson_is_obj(value)    ? "object"
                           : yyjson_is_arr(value)  ? "array"
                           : yyjson_is_str(value)  ? "string"
                           : yyjson_is_bool(value) ? "boolean"
                           : yyjson_is_null(value) ? "null"
                                                   : "number";
        if (value)
            put_text(output, row, bytes_of_text(name));
        else
            put_null(output, row);
        yyjson_doc_free(doc);
    }
}

/* PostgreSQL, "jsonb Containment and Existence". The depth is bounded by the parser's own memory: trees come from text. */
#define CONTAINS_DEPTH_MAX 128
static bool contains(yyjson_val *whole, yyjson_val *part, int depth)
{
    if (depth > CONTAINS_DEPTH_MAX) return false;
    if (yyjson_is_obj(part)) {
        if (!yyjson_is_obj(whole)) return false;
        yyjson_obj_iter iter = yyjson_obj_iter_with(part);
        for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
            yyjson_val *member = yyjson_obj_getn(whole, yyjson_get_str(key), yyjson_get_len(key));
            if (!member || !contains(member, yyjson_obj_iter_get_val(key), depth + 1)) return false;
        }
        return true;
    }
    if (yyjson_is_arr(part)) {
        if (!yyjson_is_arr(whole)) return false;
        yyjson_arr_iter parts = yyjson_arr_iter_with(part);
        for (yyjson_val *wanted; (wanted = yyjson_arr_iter_next(&parts));) {
            bool found = false;
            yyjson_arr_iter items = yyjson_arr_iter_with(whole);
            for (yyjson_val *item; !found && (item = yyjson_arr_iter_next(&items));)
                found = contains(item, wanted, depth + 1);
            if (!found) return false;
        }
        return true;
    }
    if (yyjson_is_arr(whole) && depth == 0) { /* an array may contain a primitive */
        yyjson_arr_iter items = yyjson_arr_iter_with(whole);
        for (yyjson_val *item; (item = yyjson_arr_iter_next(&items));)
            if (!yyjson_is_ctn(item) && contains(item, part, 1)) return true;
        return false;
    }
    if (yyjson_is_num(whole) && yyjson_is_num(part)) {
        if (yyjson_is_int(whole) && yyjson_is_int(part)) return yyjson_equals(whole, part);
        double a = yyjson_get_num(whole), b = yyjson_get_num(part);
        return !(a < b) && !(a > b);
    }
    return yyjson_equals(whole, part);
}

static void contains_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column whole = column_of(input, 0), part = column_of(input, 1);
    bool *results = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < rows; row++) {
        bool ok = is_valid(&whole, row) && is_valid(&part, row);
        struct bytes a = ok ? text_at(&whole, row) : bytes_from("", 0),
                     b = ok ? text_at(&part, row) : bytes_from("", 0);
        yyjson_doc *left = ok ? yyjson_read((const char *)a.ptr, a.len, 0) : NULL,
                   *right = left ? yyjson_read((const char *)b.ptr, b.len, 0) : NULL;
        if (right)
            results[row] = contains(yyjson_doc_get_root(left), yyjson_doc_get_root(right), 0);
        else
            put_null(output, row);
        yyjson_doc_free(left);
        yyjson_doc_free(right);
    }
}

/* A member's name, an array's string, or the string itself. */
static bool exists(yyjson_val *value, struct bytes key)
{
    if (yyjson_is_obj(value)) return yyjson_obj_getn(value, (const char *)key.ptr, key.len) != NULL;
    if (yyjson_is_str(value)) return yyjson_equals_strn(value, (const char *)key.ptr, key.len);
    if (!yyjson_is_arr(value)) return false;
    yyjson_arr_iter items = yyjson_arr_iter_with(value);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items));)
        if (yyjson_equals_strn(item, (const char *)key.ptr, key.len)) return true;
    return false;
}

enum exists_kind { EXISTS_ONE, EXISTS_ANY, EXISTS_ALL };
static void exists_run(duckdb_data_chunk input, duckdb_vector output, enum exists_kind kind)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column json = column_of(input, 0), key = column_of(input, 1), item = { 0 };
    if (kind != EXISTS_ONE) {
        item.vector = duckdb_list_vector_get_child(key.vector);
        item.data = duckdb_vector_get_data(item.vector);
        item.validity = duckdb_vector_get_validity(item.vector);
    }
    bool *results = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = is_valid(&json, row) && is_valid(&key, row) ? json_read_digits(text_at(&json, row)) : NULL;
        if (!doc) {
            put_null(output, row);
            continue;
        }
        yyjson_val *root = yyjson_doc_get_root(doc);
        bool found = kind != EXISTS_ANY;
        if (kind == EXISTS_ONE)
            found = exists(root, text_at(&key, row));
        else {
            duckdb_list_entry entry = ((const duckdb_list_entry *)key.data)[row];
            for (idx_t i = entry.offset; i < entry.offset + entry.length; i++) {
                if (!is_valid(&item, i)) continue;
                bool has = exists(root, text_at(&item, i));
                found = kind == EXISTS_ANY ? found || has : found && has;
            }
        }
        results[row] = found;
        yyjson_doc_free(doc);
    }
}
FUNCTION(has_one, exists_run(input, output, EXISTS_ONE))
FUNCTION(has_any, exists_run(input, output, EXISTS_ANY))
FUNCTION(has_all, exists_run(input, output, EXISTS_ALL))

/* Lists: of an object's keys, or an array's elements. */
static void list_run(duckdb_data_chunk input, duckdb_vector output, bool is_keys, bool is_text)
{
    idx_t rows = duckdb_data_chunk_get_size(input), used = 0;
    struct column json = column_of(input, 0);
    duckdb_list_entry *entries = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = is_valid(&json, row) ? json_read_digits(text_at(&json, row)) : NULL;
        yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
        size_t count = is_keys ? (yyjson_is_obj(root) ? yyjson_obj_size(root) : 0)
                               : (yyjson_is_arr(root) ? yyjson_arr_size(root) : 0);
        entries[row] = (duckdb_list_entry){ .offset = used, .length = count };
        duckdb_list_vector_reserve(output, used + count);
        duckdb_list_vector_set_size(output, used + count);
        duckdb_vector child = duckdb_list_vector_get_child(output);
        if (is_keys && count > 0) {
            yyjson_obj_iter iter = yyjson_obj_iter_with(root);
            for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));)
                put_text(child, used++, bytes_from(yyjson_get_str(key), yyjson_get_len(key)));
        } else if (count > 0) {
            yyjson_arr_iter iter = yyjson_arr_iter_with(root);
            for (yyjson_val *item; (item = yyjson_arr_iter_next(&iter));) put_value(child, used++, item, is_text);
        }
        yyjson_doc_free(doc);
    }
}
FUNCTION(list_keys, list_run(input, output, true, true))
FUNCTION(list_elements, list_run(input, output, false, false))
FUNCTION(list_elements_text, list_run(input, output, false, true))

/* Where the bucket of a time begins, in a row of buckets of one width: times, and microseconds. Rows that follow each other mostly
 * fall into one bucket, and a division costs more than all else here. */
static void bucket_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column at = column_of(input, 0), origin = column_of(input, 1), width = column_of(input, 2);
    const int64_t *ats = at.data, *origins = origin.data, *widths = width.data;
    int64_t *results = duckdb_vector_get_data(output);
    int64_t begin = 0, last_origin = 0, last_width = 0; /* of the row before; a width of 0 holds nothing */
    for (idx_t row = 0; row < rows; row++) {
        int64_t beyond;
        if (!is_valid(&at, row) || !is_valid(&origin, row) || widths[row] <= 0) {
            put_null(output, row);
            continue;
        }
        if (ats[row] == INT64_MAX || ats[row] == -INT64_MAX) { /* infinity */
            results[row] = ats[row];
            continue;
        }
        bool is_same = widths[row] == last_width && origins[row] == last_origin &&
                       (uint64_t)ats[row] - (uint64_t)begin < (uint64_t)last_width;
        if (is_same) {
            results[row] = begin;
            continue;
        }
        if (__builtin_sub_overflow(ats[row], origins[row], &beyond)) {
            put_null(output, row);
            continue;
        }
        int64_t rest = beyond % widths[row];
        if (rest < 0) rest += widths[row];
        if (__builtin_sub_overflow(ats[row], rest, &results[row])) {
            put_null(output, row);
            continue;
        }
        begin = results[row];
        last_origin = origins[row];
        last_width = widths[row];
    }
}

/* Arguments and result: t VARCHAR, l BIGINT, d DOUBLE, T VARCHAR[], b BOOLEAN, v INTERVAL, s TIMESTAMP, z TIMESTAMPTZ, u UBIGINT,
 * B BLOB, * any number of anything. */
static const struct scalar_definition definitions[] = {
    { "mono_bucket", "zll", 'z', bucket_run },
    { "mono_has_word", "tt", 'b', has_word_run },
    { "mono_object", "tt*", 't', object_nested },
    { "mono_flat", "tt*", 't', object_flat },
    { "mono_attribute", "tt", 't', attribute_json },
    { "mono_attribute_text", "tt", 't', attribute_text },
    { "mono_json_get", "tt", 't', get_json },
    { "mono_json_get_text", "tt", 't', get_text },
    { "mono_json_at", "tl", 't', at_json },
    { "mono_json_at_text", "tl", 't', at_text },
    { "mono_json_path", "tT", 't', path_json },
    { "mono_json_path_text", "tT", 't', path_text },
    { "mono_json_typeof", "t", 't', typeof_run },
    { "mono_json_contains", "tt", 'b', contains_run },
    { "mono_json_has", "tt", 'b', has_one },
    { "mono_json_has_any", "tT", 'b', has_any },
    { "mono_json_has_all", "tT", 'b', has_all },
    { "mono_json_keys", "t", 'T', list_keys },
    { "mono_json_elements", "t", 'T', list_elements },
    { "mono_json_elements_text", "t", 'T', list_elements_text },
};

static duckdb_logical_type type_of(char letter)
{
    if (letter == 'T' || letter == 'D') { /* lists */
        duckdb_logical_type child =
                                duckdb_create_logical_type(letter == 'T' ? DUCKDB_TYPE_VARCHAR : DUCKDB_TYPE_DOUBLE),
                            list = duckdb_create_list_type(child);
        duckdb_destroy_logical_type(&child);
        return list;
    }
    return duckdb_create_logical_type(letter == 'l'   ? DUCKDB_TYPE_BIGINT
                                      : letter == 'b' ? DUCKDB_TYPE_BOOLEAN
                                      : letter == 'd' ? DUCKDB_TYPE_DOUBLE
                                      : letter == 'v' ? DUCKDB_TYPE_INTERVAL
                                      : letter == 's' ? DUCKDB_TYPE_TIMESTAMP
                                      : letter == 'z' ? DUCKDB_TYPE_TIMESTAMP_TZ
                                      : letter == 'u' ? DUCKDB_TYPE_UBIGINT
                                      : letter == 'B' ? DUCKDB_TYPE_BLOB
                                      : letter == '*' ? DUCKDB_TYPE_ANY
                                                      : DUCKDB_TYPE_VARCHAR);
}

static bool is_taken(duckdb_state state, const char *name, struct err *err)
{
    return state == DuckDBSuccess || err_set(err, ERR_INTERNAL, "DuckDB does not take the function \"%s\"", name);
}

static bool scalars_register(duckdb_connection connection, const struct scalar_definition *scalars, uint32_t count,
                             struct err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        duckdb_scalar_function function = duckdb_create_scalar_function();
        duckdb_scalar_function_set_name(function, scalars[i].name);
        for (const char *letter = scalars[i].arguments; *letter; letter++) {
            duckdb_logical_type type = type_of(*letter);
            if (*letter == '*')
                duckdb_scalar_function_set_varargs(function, type);
            else
                duckdb_scalar_function_add_parameter(function, type);
            duckdb_destroy_logical_type(&type);
        }
        duckdb_logical_type result = type_of(scalars[i].result);
        duckdb_scalar_function_set_return_type(function, result);
        duckdb_destroy_logical_type(&result);
        duckdb_scalar_function_set_special_handling(function); /* NULLs are ours to handle */
        duckdb_scalar_function_set_function(function, scalars[i].run);
        duckdb_state state = duckdb_register_scalar_function(connection, function);
        duckdb_destroy_scalar_function(&function);
        if (!is_taken(state, scalars[i].name, err)) return false;
    }
    return true;
}

static bool aggregates_register(duckdb_connection connection, const struct aggregate_definition *aggregates,
                                uint32_t count, struct err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct aggregate_definition *of = &aggregates[i];
        duckdb_aggregate_function function = duckdb_create_aggregate_function();
        duckdb_aggregate_function_set_name(function, of->name);
        for (const char *letter = of->arguments; *letter; letter++) {
            duckdb_logical_type type = type_of(*letter);
            duckdb_aggregate_function_add_parameter(function, type);
            duckdb_destroy_logical_type(&type);
        }
        duckdb_logical_type result = type_of(of->result);
        duckdb_aggregate_function_set_return_type(function, result);
        duckdb_destroy_logical_type(&result);
        duckdb_aggregate_function_set_special_handling(function); /* NULLs are ours to handle */
        duckdb_aggregate_function_set_functions(function, of->size, of->init, of->update, of->combine, of->finalize);
        duckdb_aggregate_function_set_destructor(function, of->destroy);
        duckdb_state state = duckdb_register_aggregate_function(connection, function);
        duckdb_destroy_aggregate_function(&function);
        if (!is_taken(state, of->name, err)) return false;
    }
    return true;
}

bool functions_register(duckdb_connection connection, struct err *err)
{
    static const struct scalar_definition *(*const scalars[])(
        uint32_t *) = { catalog_scalars, json_scalars, text_scalars, percentile_scalars, distinct_scalars };
    static const struct aggregate_definition *(*const aggregates[])(uint32_t *) = { percentile_aggregates,
                                                                                    distinct_aggregates };
    uint32_t count;
    bool ok = scalars_register(connection, definitions, COUNT_OF(definitions), err);
    for (size_t i = 0; ok && i < COUNT_OF(scalars); i++) {
        const struct scalar_definition *of = scalars[i](&count);
        ok = scalars_register(connection, of, count, err);
    }
    for (size_t i = 0; ok && i < COUNT_OF(aggregates); i++) {
        const struct aggregate_definition *of = aggregates[i](&count);
        ok = aggregates_register(connection, of, count, err);
    }
    return ok;
}
