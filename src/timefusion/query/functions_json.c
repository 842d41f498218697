/* jsonb as PostgreSQL writes it, changed, and asked by jsonpath. */
#include "base/json.h"
#include "base/json_object.h"
#include "timefusion/query/functions.h"
#include "timefusion/query/jsonpath.h"
#include "timefusion/query/vector.h"
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX      1000
#define JSON_BYTES_MAX (64u << 20)

struct member {
    yyjson_val *key, *value;
    uint32_t place;
};

/* Shorter keys first, then by their bytes; of equal ones the last sent is last. */
static int member_order(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    size_t left_len = yyjson_get_len(left->key), right_len = yyjson_get_len(right->key);
    if (left_len != right_len) return left_len < right_len ? -1 : 1;
    int order = memcmp(yyjson_get_str(left->key), yyjson_get_str(right->key), left_len);
    if (order != 0) return order;
    return left->place < right->place ? -1 : 1;
}

static bool text_put(struct buf *out, const char *text, size_t len)
{
    if (!buf_reserve(out, json_text_bytes_max(len))) return false;
    uint8_t *at = out->ptr + out->len;
    out->len += (size_t)(json_put_text(at, bytes_from(text, len)) - at);
    return true;
}

/* Digits as they came, but for exponents, which numeric does not show. */
static bool number_put(struct buf *out, const char *digits, size_t len)
{
    if (len < 60 && (memchr(digits, 'e', len) || memchr(digits, 'E', len))) {
        char text[64] = { 0 };
        memcpy(text, digits, len);
        double number = strtod(text, NULL);
        if (number > -1e300 && number < 1e300) {
            bool is_whole = number > -1e18 && number < 1e18 && !((double)(int64_t)number < number) &&
                            !((double)(int64_t)number > number);
            return is_whole ? buf_printf(out, "%lld", (long long)number) : buf_printf(out, "%.17g", number);
        }
    }
    if (len == 2 && digits[0] == '-' && digits[1] == '0') return buf_add(out, "0", 1);
    return buf_add(out, digits, len);
}

static bool value_put(struct buf *out, yyjson_val *value, uint32_t depth)
{
    if (depth > DEPTH_MAX) return false;
    if (yyjson_is_raw(value)) return number_put(out, yyjson_get_raw(value), yyjson_get_len(value));
    if (yyjson_is_str(value)) return text_put(out, yyjson_get_str(value), yyjson_get_len(value));
    if (yyjson_is_arr(value)) {
        yyjson_arr_iter iter = yyjson_arr_iter_with(value);
        bool ok = buf_add(out, "[", 1), is_first = true;
        for (yyjson_val *item; ok && (item = yyjson_arr_iter_next(&iter)); is_first = false)
            ok = (is_first || buf_add(out, ", ", 2)) && value_put(out, item, depth + 1);
        return ok && buf_add(out, "]", 1);
    }
    if (yyjson_is_obj(value)) {
        size_t count = yyjson_obj_size(value), at = 0;
        struct member *members = mem_calloc(count + 1, sizeof *members);
        yyjson_obj_iter iter = yyjson_obj_iter_with(value);
        for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)); at++)
            members[at] = (struct member){ key, yyjson_obj_iter_get_val(key), (uint32_t)at };
        qsort(members, count, sizeof *members, member_order);
        bool ok = buf_add(out, "{", 1), is_first = true;
        for (size_t i = 0; ok && i < count; i++) {
            if (i + 1 < count && yyjson_equals(members[i].key, members[i + 1].key)) continue;
            ok = (is_first || buf_add(out, ", ", 2)) &&
                 text_put(out, yyjson_get_str(members[i].key), yyjson_get_len(members[i].key)) &&
                 buf_add(out, ": ", 2) && value_put(out, members[i].value, depth + 1);
            is_first = false;
        }
        free(members);
        return ok && buf_add(out, "}", 1);
    }
    size_t len;
    char *json = yyjson_val_write(value, 0, &len);
    bool ok = json && buf_add(out, json, len);
    free(json);
    return ok;
}

bool jsonb_put(struct buf *out, yyjson_val *value)
{
    return value_put(out, value, 0);
}

static yyjson_doc *read(const struct column *column, idx_t row)
{
    if (!is_valid(column, row)) return NULL;
    yyjson_doc *doc = json_read_digits(text_at(column, row));
    if (doc && json_is_deep(yyjson_doc_get_root(doc), DEPTH_MAX)) {
        yyjson_doc_free(doc);
        return NULL;
    }
    return doc;
}

/* Puts the value of a document that was changed. */
static void put_changed(duckdb_vector output, idx_t row, yyjson_mut_doc *changed, struct buf *out)
{
    yyjson_doc *doc = yyjson_mut_doc_imut_copy(changed, NULL);
    out->len = 0;
    if (doc && jsonb_put(out, yyjson_doc_get_root(doc)))
        put_text(output, row, buf_bytes(out));
    else
        put_null(output, row);
    yyjson_doc_free(doc);
}

static void jsonb_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column json = column_of(input, 0);
    struct buf out;
    buf_init(&out, JSON_BYTES_MAX);
    for (idx_t row = 0; row < rows; row++) {
        if (!is_valid(&json, row)) {
            put_null(output, row);
            continue;
        }
        yyjson_doc *doc = read(&json, row);
        out.len = 0;
        if (doc && jsonb_put(&out, yyjson_doc_get_root(doc)))
            put_text(output, row, buf_bytes(&out));
        else
            duckdb_scalar_function_set_error(info, "invalid input syntax for type json");
        yyjson_doc_free(doc);
    }
    buf_deinit(&out);
}

/* An object joins an object; all else are joined as arrays, what is none being one of itself. */
static void concat_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column columns[2] = { column_of(input, 0), column_of(input, 1) };
    struct buf out;
    buf_init(&out, JSON_BYTES_MAX);
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *docs[2] = { read(&columns[0], row), read(&columns[1], row) };
        if (docs[0] && docs[1]) {
            yyjson_mut_doc *changed = yyjson_mut_doc_new(NULL);
            yyjson_val *left = yyjson_doc_get_root(docs[0]), *right = yyjson_doc_get_root(docs[1]);
            yyjson_mut_val *root;
            if (yyjson_is_obj(left) && yyjson_is_obj(right)) {
                root = yyjson_val_mut_copy(changed, left);
                yyjson_obj_iter iter = yyjson_obj_iter_with(right);
                for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) /* of twins the last one counts */
                    yyjson_mut_obj_add(root, yyjson_val_mut_copy(changed, key),
                                       yyjson_val_mut_copy(changed, yyjson_obj_iter_get_val(key)));
            } else {
                root = yyjson_mut_arr(changed);
                for (int i = 0; i < 2; i++) {
                    yyjson_val *side = yyjson_doc_get_root(docs[i]);
                    if (!yyjson_is_arr(side)) {
                        yyjson_mut_arr_append(root, yyjson_val_mut_copy(changed, side));
                        continue;
                    }
                    yyjson_arr_iter iter = yyjson_arr_iter_with(side);
                    for (yyjson_val *item; (item = yyjson_arr_iter_next(&iter));)
                        yyjson_mut_arr_append(root, yyjson_val_mut_copy(changed, item));
                }
            }
            yyjson_mut_doc_set_root(changed, root);
            put_changed(output, row, changed, &out);
            yyjson_mut_doc_free(changed);
        } else {
            put_null(output, row);
        }
        yyjson_doc_free(docs[0]);
        yyjson_doc_free(docs[1]);
    }
    buf_deinit(&out);
}

static struct column items_of(const struct column *list)
{
    struct column items = { .vector = duckdb_list_vector_get_child(list->vector) };
    items.data = duckdb_vector_get_data(items.vector);
    items.validity = duckdb_vector_get_validity(items.vector);
    return items;
}

/* The index that a key means, of an array of count; -1 from its end. false: none. */
static bool index_of(struct bytes key, size_t count, int64_t *index)
{
    char text[20] = { 0 }, *end;
    if (key.len == 0 || key.len > 18) return false;
    memcpy(text, key.ptr, key.len);
    *index = strtoll(text, &end, 10);
    if (*end != '\0') return false;
    if (*index < 0) *index += (int64_t)count;
    return true;
}

static void key_delete(yyjson_mut_val *value, struct bytes key)
{
    if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_iter iter = yyjson_mut_obj_iter_with(value);
        for (yyjson_mut_val *name; (name = yyjson_mut_obj_iter_next(&iter));)
            if (yyjson_mut_equals_strn(name, (const char *)key.ptr, key.len)) yyjson_mut_obj_iter_remove(&iter);
    } else if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_iter iter = yyjson_mut_arr_iter_with(value);
        for (yyjson_mut_val *item; (item = yyjson_mut_arr_iter_next(&iter));)
            if (yyjson_mut_equals_strn(item, (const char *)key.ptr, key.len)) yyjson_mut_arr_iter_remove(&iter);
    }
}

static void nulls_delete(yyjson_mut_val *value)
{
    if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_iter iter = yyjson_mut_obj_iter_with(value);
        for (yyjson_mut_val *name; (name = yyjson_mut_obj_iter_next(&iter));) {
            yyjson_mut_val *member = yyjson_mut_obj_iter_get_val(name);
            if (yyjson_mut_is_null(member))
                yyjson_mut_obj_iter_remove(&iter);
            else
                nulls_delete(member);
        }
    } else if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_iter iter = yyjson_mut_arr_iter_with(value);
        for (yyjson_mut_val *item; (item = yyjson_mut_arr_iter_next(&iter));) nulls_delete(item);
    }
}

/* What the path's last key is in; NULL: the way is not there. */
static yyjson_mut_val *way(yyjson_mut_val *root, const struct column *keys, duckdb_list_entry entry)
{
    for (idx_t i = 0; root && i + 1 < entry.length; i++) {
        if (!is_valid(keys, entry.offset + i)) return NULL;
        struct bytes key = text_at(keys, entry.offset + i);
        int64_t index;
        if (yyjson_mut_is_obj(root))
            root = yyjson_mut_obj_getn(root, (const char *)key.ptr, key.len);
        else if (yyjson_mut_is_arr(root) && index_of(key, yyjson_mut_arr_size(root), &index) && index >= 0)
            root = yyjson_mut_arr_get(root, (size_t)index);
        else
            root = NULL;
    }
    return root;
}

enum change { CHANGE_SET, CHANGE_INSERT, CHANGE_INSERT_AFTER, CHANGE_DELETE };

/* false: it cannot be done, in these words. */
static const char *path_change(yyjson_mut_doc *doc, yyjson_mut_val *holder, struct bytes key, enum change change,
                               yyjson_mut_val *value, bool creates)
{
    int64_t index;
    if (yyjson_mut_is_obj(holder)) {
        yyjson_mut_val *found = yyjson_mut_obj_getn(holder, (const char *)key.ptr, key.len);
        if (change == CHANGE_DELETE) {
            key_delete(holder, key);
        } else if (found && change != CHANGE_SET) {
            return "cannot replace existing key";
        } else if (found || creates) {
            if (found) key_delete(holder, key);
            yyjson_mut_obj_add(holder, yyjson_mut_strncpy(doc, (const char *)key.ptr, key.len), value);
        }
    } else if (yyjson_mut_is_arr(holder)) {
        size_t count = yyjson_mut_arr_size(holder);
        if (!index_of(key, count, &index)) return "path element is not an integer";
        bool is_there = index >= 0 && (size_t)index < count;
        if (change == CHANGE_DELETE) {
            if (is_there) yyjson_mut_arr_remove(holder, (size_t)index);
        } else if (is_there && change == CHANGE_SET) {
            yyjson_mut_arr_replace(holder, (size_t)index, value);
        } else if (is_there) {
            yyjson_mut_arr_insert(holder, value, (size_t)index + (change == CHANGE_INSERT_AFTER));
        } else if (creates) {
            yyjson_mut_arr_insert(holder, value, index < 0 ? 0 : count);
        }
    }
    return NULL;
}

/* (json, path[, value, creates[, after]]) */
static void path_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, bool is_delete)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column json = column_of(input, 0), path = column_of(input, 1), value = { 0 }, creates = { 0 }, mode = { 0 };
    if (!is_delete) {
        value = column_of(input, 2);
        creates = column_of(input, 3);
        mode = column_of(input, 4);
    }
    struct column keys = items_of(&path);
    struct buf out;
    buf_init(&out, JSON_BYTES_MAX);
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = is_valid(&path, row) ? read(&json, row) : NULL, *given = NULL;
        if (doc && !is_delete) given = read(&value, row);
        if (!doc || (!is_delete && !given)) {
            put_null(output, row);
            yyjson_doc_free(doc);
            continue;
        }
        duckdb_list_entry entry = ((const duckdb_list_entry *)path.data)[row];
        yyjson_mut_doc *changed = yyjson_doc_mut_copy(doc, NULL);
        yyjson_mut_val *root = yyjson_mut_doc_get_root(changed);
        const char *failed = yyjson_mut_is_ctn(root) ? NULL : "cannot change a path in a scalar";
        yyjson_mut_val *holder = !failed && entry.length > 0 ? way(root, &keys, entry) : NULL;
        if (holder && is_valid(&keys, entry.offset + entry.length - 1)) {
            enum change change = is_delete ? CHANGE_DELETE : (enum change)((const int64_t *)mode.data)[row];
            failed = path_change(changed, holder, text_at(&keys, entry.offset + entry.length - 1), change,
                                 given ? yyjson_val_mut_copy(changed, yyjson_doc_get_root(given)) : NULL,
                                 !is_delete && ((const bool *)creates.data)[row]);
        }
        if (failed)
            duckdb_scalar_function_set_error(info, failed);
        else
            put_changed(output, row, changed, &out);
        yyjson_mut_doc_free(changed);
        yyjson_doc_free(doc);
        yyjson_doc_free(given);
    }
    buf_deinit(&out);
}

static void set_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    path_run(info, input, output, false);
}
static void delete_path_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    path_run(info, input, output, true);
}

enum part { PART_KEY, PART_KEYS, PART_INDEX, PART_NULLS };

static void delete_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, enum part part)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    struct column json = column_of(input, 0), which = { 0 }, keys = { 0 };
    if (part != PART_NULLS) which = column_of(input, 1);
    if (part == PART_KEYS) keys = items_of(&which);
    struct buf out;
    buf_init(&out, JSON_BYTES_MAX);
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = part == PART_NULLS || is_valid(&which, row) ? read(&json, row) : NULL;
        if (!doc) {
            put_null(output, row);
            continue;
        }
        yyjson_mut_doc *changed = yyjson_doc_mut_copy(doc, NULL);
        yyjson_mut_val *root = yyjson_mut_doc_get_root(changed);
        bool is_possible =
            part == PART_NULLS || (part == PART_INDEX ? yyjson_mut_is_arr(root) : yyjson_mut_is_ctn(root));
        if (part == PART_NULLS) {
            nulls_delete(root);
        } else if (part == PART_KEY) {
            key_delete(root, text_at(&which, row));
        } else if (part == PART_KEYS) {
            duckdb_list_entry entry = ((const duckdb_list_entry *)which.data)[row];
            for (idx_t i = entry.offset; i < entry.offset + entry.length; i++)
                if (is_valid(&keys, i)) key_delete(root, text_at(&keys, i));
        } else if (is_possible) {
            int64_t index = ((const int64_t *)which.data)[row], count = (int64_t)yyjson_mut_arr_size(root);
            if (index < 0) index += count;
            if (index >= 0 && index < count) yyjson_mut_arr_remove(root, (size_t)index);
        }
        if (is_possible)
            put_changed(output, row, changed, &out);
        else
            duckdb_scalar_function_set_error(info, part == PART_INDEX ? "cannot delete from object using integer index"
                                                                      : "cannot delete from scalar");
        yyjson_mut_doc_free(changed);
        yyjson_doc_free(doc);
    }
    buf_deinit(&out);
}

#define DELETE_FUNCTION(name, part)                                                            \
    static void name(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) \
    {                                                                                          \
        delete_run(info, input, output, part);                                                 \
    }
DELETE_FUNCTION(delete_key_run, PART_KEY)
DELETE_FUNCTION(delete_keys_run, PART_KEYS)
DELETE_FUNCTION(delete_index_run, PART_INDEX)
DELETE_FUNCTION(strip_nulls_run, PART_NULLS)

/* The values of an object's members, in the order of mono_json_keys. */
static void values_run(duckdb_data_chunk input, duckdb_vector output, bool is_text)
{
    idx_t rows = duckdb_data_chunk_get_size(input), used = 0;
    struct column json = column_of(input, 0);
    duckdb_list_entry *entries = duckdb_vector_get_data(output);
    struct buf out;
    buf_init(&out, JSON_BYTES_MAX);
    for (idx_t row = 0; row < rows; row++) {
        yyjson_doc *doc = read(&json, row);
        yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
        size_t count = yyjson_is_obj(root) ? yyjson_obj_size(root) : 0;
        entries[row] = (duckdb_list_entry){ .offset = used, .length = count };
        duckdb_list_vector_reserve(output, used + count);
        duckdb_list_vector_set_size(output, used + count);
        duckdb_vector child = duckdb_list_vector_get_child(output);
        yyjson_obj_iter iter = yyjson_obj_iter_with(root);
        for (yyjson_val *key; count > 0 && (key = yyjson_obj_iter_next(&iter)); used++) {
            yyjson_val *value = yyjson_obj_iter_get_val(key);
            out.len = 0;
            if (is_text && yyjson_is_null(value))
                put_null(child, used);
            else if (is_text && yyjson_is_str(value))
                put_text(child, used, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
            else if (jsonb_put(&out, value))
                put_text(child, used, buf_bytes(&out));
            else
                put_null(child, used);
        }
        yyjson_doc_free(doc);
    }
    buf_deinit(&out);
}

static void values_json_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    values_run(input, output, false);
}
static void values_text_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    values_run(input, output, true);
}

/* jsonpath */

static bool item_put(struct buf *out, const struct jsonpath_item *item)
{
    if (item->json) return jsonb_put(out, item->json);
    switch (item->kind) {
    case JSONPATH_NUMBER: {
        double number = item->number;
        bool is_whole = number > -1e15 && number < 1e15 && !((double)(int64_t)number < number) &&
                        !((double)(int64_t)number > number);
        if (is_whole) return buf_printf(out, "%lld", (long long)number);
        uint8_t text[JSON_NUMBER_BYTES_MAX];
        return buf_add(out, text, (size_t)(json_put_double(text, number) - text));
    }
    case JSONPATH_TEXT: return text_put(out, (const char *)item->text.ptr, item->text.len);
    case JSONPATH_TRUTH: return item->truth ? buf_add(out, "true", 4) : buf_add(out, "false", 5);
    default: return buf_add(out, "null", 4);
    }
}

enum ask { ASK_EXISTS, ASK_MATCH, ASK_FIRST, ASK_ARRAY, ASK_LIST };

struct asked {
    struct jsonpath *path;
    struct arena arena; /* of path */
    struct bytes text;  /* of path */
};

/* The rows' path, parsed anew only when it is another one. */
static bool asked_parse(struct asked *asked, struct bytes text, struct err *err)
{
    if (asked->path && bytes_equal(asked->text, text)) return true;
    jsonpath_free(asked->path);
    asked->path = NULL;
    arena_reset(&asked->arena);
    asked->text = arena_copy(&asked->arena, text);
    return jsonpath_parse(&asked->path, text, &asked->arena, err);
}

static void items_put(duckdb_vector output, idx_t row, enum ask ask, const struct jsonpath_items *items,
                      struct buf *out)
{
    bool ok = true;
    switch (ask) {
    case ASK_EXISTS: ((bool *)duckdb_vector_get_data(output))[row] = items->count > 0; return;
    case ASK_MATCH:
        if (items->count == 1 && items->at[0].kind == JSONPATH_TRUTH)
            ((bool *)duckdb_vector_get_data(output))[row] = items->at[0].truth;
        else
            put_null(output, row);
        return;
    case ASK_FIRST: ok = items->count > 0 && item_put(out, &items->at[0]); break;
    default:
        ok = buf_add(out, "[", 1);
        for (size_t i = 0; ok && i < items->count; i++)
            ok = (i == 0 || buf_add(out, ", ", 2)) && item_put(out, &items->at[i]);
        ok = ok && buf_add(out, "]", 1);
    }
    if (ok)
        put_text(output, row, buf_bytes(out));
    else
        put_null(output, row);
}

/* (json, path, vars, is silent) */
static void ask_run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, enum ask ask)
{
    idx_t rows = duckdb_data_chunk_get_size(input), used = 0;
    struct column json = column_of(input, 0), path = column_of(input, 1), vars = column_of(input, 2),
                  silent = column_of(input, 3);
    duckdb_list_entry *entries = ask == ASK_LIST ? duckdb_vector_get_data(output) : NULL;
    struct asked asked = { 0 };
    struct arena arena;
    struct buf out;
    buf_init(&out, JSON_BYTES_MAX);
    arena_init(&asked.arena, 0);
    arena_init(&arena, 0);
    for (idx_t row = 0; row < rows; row++) {
        struct err err = { .code = ERR_OK };
        struct jsonpath_items items = { 0 };
        yyjson_doc *doc = is_valid(&path, row) ? read(&json, row) : NULL, *given = doc ? read(&vars, row) : NULL;
        bool ok = doc != NULL;
        if (ok && !asked_parse(&asked, text_at(&path, row), &err)) {
            duckdb_scalar_function_set_error(info, err.text);
            ok = false;
        }
        if (ok && !jsonpath_run(asked.path, yyjson_doc_get_root(doc), given ? yyjson_doc_get_root(given) : NULL, &arena,
                                &items, &err)) {
            ok = false;
            bool is_silent = is_valid(&silent, row) && ((const bool *)silent.data)[row];
            if (is_silent && err.code == ERR_VALUE && ask == ASK_ARRAY)
                ok = true, items.count = 0;
            else if (!is_silent || err.code != ERR_VALUE)
                duckdb_scalar_function_set_error(info, err.text);
        }
        out.len = 0;
        if (ask == ASK_LIST) {
            size_t count = ok ? items.count : 0;
            entries[row] = (duckdb_list_entry){ .offset = used, .length = count };
            duckdb_list_vector_reserve(output, used + count);
            duckdb_list_vector_set_size(output, used + count);
            duckdb_vector child = duckdb_list_vector_get_child(output);
            for (size_t i = 0; i < count; i++, used++, out.len = 0) {
                if (item_put(&out, &items.at[i]))
                    put_text(child, used, buf_bytes(&out));
                else
                    put_null(child, used);
            }
        } else if (ok) {
            items_put(output, row, ask, &items, &out);
        } else {
            put_null(output, row);
        }
        arena_reset(&arena);
        yyjson_doc_free(doc);
        yyjson_doc_free(given);
    }
    jsonpath_free(asked.path);
    arena_deinit(&asked.arena);
    arena_deinit(&arena);
    buf_deinit(&out);
}

#define ASK_FUNCTION(name, ask)                                                                \
    static void name(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) \
    {                                                                                          \
        ask_run(info, input, output, ask);                                                     \
    }
ASK_FUNCTION(path_exists_run, ASK_EXISTS)
ASK_FUNCTION(path_match_run, ASK_MATCH)
ASK_FUNCTION(path_first_run, ASK_FIRST)
ASK_FUNCTION(path_array_run, ASK_ARRAY)
ASK_FUNCTION(path_list_run, ASK_LIST)

static const struct scalar_definition definitions[] = {
    { "mono_jsonb", "t", 't', jsonb_run },
    { "mono_jsonb_concat", "tt", 't', concat_run },
    { "mono_jsonb_set", "tTtbl", 't', set_run },
    { "mono_jsonb_delete", "tt", 't', delete_key_run },
    { "mono_jsonb_delete_keys", "tT", 't', delete_keys_run },
    { "mono_jsonb_delete_at", "tl", 't', delete_index_run },
    { "mono_jsonb_delete_path", "tT", 't', delete_path_run },
    { "mono_jsonb_strip_nulls", "t", 't', strip_nulls_run },
    { "mono_json_values", "t", 'T', values_json_run },
    { "mono_json_values_text", "t", 'T', values_text_run },
    { "mono_jsonpath_exists", "tttb", 'b', path_exists_run },
    { "mono_jsonpath_match", "tttb", 'b', path_match_run },
    { "mono_jsonpath_first", "tttb", 't', path_first_run },
    { "mono_jsonpath_array", "tttb", 't', path_array_run },
    { "mono_jsonpath_list", "tttb", 'T', path_list_run },
};

const struct scalar_definition *json_scalars(uint32_t *count)
{
    *count = COUNT_OF(definitions);
    return definitions;
}
